package activation_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// link opens a port for an account and links it.
func link(codes *activation.Engine, s activation.Access, account string, key string) (activation.Port, error) {
	p, err := codes.Open(ctx, activation.Open{Session: s.ID(), Platform: "line", Key: "open-" + key})
	if err != nil {
		return p, err
	}
	return codes.Link(ctx, activation.Link{Session: s.ID(), Port: p.ID.N, Account: ids.Account(account), Key: "link-" + key})
}

// where prints the ports that are listed, by the names of their codes.
func where(codes *activation.Engine, names map[ids.Code]string) (s string) {
	for _, name := range []string{"a", "b"} {
		for a, err := range codes.Agents(ctx, activation.PortQuery{}) {
			if err != nil {
				panic(err)
			}
			if names[a.ID.Code] == name {
				s += fmt.Sprintf("%s %s %s; ", name, a.State, a.Account)
			}
		}
	}
	return s
}

func TestAccounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		scene := func(t *testing.T, tenant string) (codes *activation.Engine, now *clock, a, b activation.Access, want func(string)) {
			codes, now = open(t, db.Tenant(tenant))
			one, other := issue(codes, both, "a"), issue(codes, both, "b")
			names := map[ids.Code]string{one.ID: "a", other.ID: "b"}
			return codes, now, signIn(codes, one, "pc"), signIn(codes, other, "phone"), func(want string) {
				t.Helper()
				if got := where(codes, names); got != want {
					t.Fatalf("ports are %q, want %q", got, want)
				}
			}
		}
		t.Run("that another code has linked can't be taken", func(t *testing.T) {
			codes, now, a, b, want := scene(t, "linked")
			port := must(link(codes, a, "x", "a"))
			_, err := link(codes, b, "x", "b")
			isError(t, err, activation.ErrLinked)
			want("a linked x; b unlinked ; ")
			now.pass(activation.Away)
			_, err = codes.Link(ctx, activation.Link{Session: b.ID(), Port: 2, Account: "x", Key: "away"})
			isError(t, err, activation.ErrLinked)
			must(codes.Logout(ctx, activation.Leave{Port: port.ID, Key: "out"}))
			must(codes.Link(ctx, activation.Link{Session: b.ID(), Port: 2, Account: "x", Key: "now"}))
			want("b linked x; ")
			_, err = codes.Link(ctx, activation.Link{Session: a.ID(), Port: port.ID.N, Account: "x", Key: "back"})
			isError(t, err, activation.ErrLinked)
		})
		t.Run("of a session that has ended move, and their port is closed with its code", func(t *testing.T) {
			codes, now, a, _, want := scene(t, "ended")
			must(link(codes, a, "x", "a"))
			before := must(codes.Code(ctx, a.Code.ID))
			now.pass(activation.Idle)
			b := signIn(codes, issue(codes, both, "late"), "tablet")
			must(link(codes, b, "x", "b"))
			want("")
			after := must(codes.Code(ctx, a.Code.ID))
			if after.Version != before.Version+1 || after.Seq != before.Seq+1 || len(after.Sessions) != 0 {
				t.Fatal(before, after)
			}
			for r, err := range db.Tenant("ended").Journal().Of(ctx, activation.CodeSubject(a.Code.ID)) {
				if err != nil || r.Kind != "activation.link" || r.By != b.ID().String() {
					t.Fatal(r, err)
				}
				break
			}
		})
		t.Run("that are banned, shown a QR code for, or of a code that was deleted move", func(t *testing.T) {
			codes, now, a, b, want := scene(t, "others")
			port := must(link(codes, a, "x", "a"))
			must(codes.Ban(ctx, activation.Leave{Port: port.ID, Key: "ban"}))
			must(link(codes, b, "x", "b"))
			want("b linked x; ")
			must(codes.Logout(ctx, activation.Leave{Port: activation.PortID{Code: b.Code.ID, N: 2}, Key: "out"}))
			must(codes.Pair(ctx, activation.Pair{Session: b.ID(), Port: 2, Until: now.time().Add(activation.Away), Key: "qr"}))
			must(link(codes, a, "x", "a2"))
			want("a linked x; ")
			if n := must(codes.Code(ctx, b.Code.ID)).Ports(); n != 0 {
				t.Fatal(n)
			}
			must(codes.Delete(ctx, one(a.Code.ID, "del")))
			must(link(codes, b, "x", "b2"))
			want("b linked x; ")
		})
		t.Run("are others on other platforms", func(t *testing.T) {
			codes, _, a, b, want := scene(t, "platforms")
			must(link(codes, a, "x", "a"))
			p := must(codes.Open(ctx, activation.Open{Session: b.ID(), Platform: "whatsapp", Key: "o"}))
			must(codes.Link(ctx, activation.Link{Session: b.ID(), Port: p.ID.N, Account: "x", Key: "l"}))
			want("a linked x; b linked x; ")
		})
		t.Run("that several codes link at once are one code's", func(t *testing.T) {
			tenant := db.Tenant("race")
			first, _ := open(t, tenant)
			second, _ := open(t, tenant)
			const n = 8
			accesses := make([]activation.Access, n)
			for i, c := range must(first.Create(ctx, activation.Create{N: n, Settings: both, Key: "k"})) {
				accesses[i] = signIn(first, c, fmt.Sprint("pc", i))
			}
			for round := range 3 {
				var won, lost atomic.Int64
				var wg sync.WaitGroup
				account := fmt.Sprint("x", round)
				for i, access := range accesses {
					codes := []*activation.Engine{first, second}[i%2]
					p := must(codes.Open(ctx, activation.Open{Session: access.ID(), Platform: "line", Key: account}))
					wg.Go(func() {
						_, err := codes.Link(ctx, activation.Link{Session: access.ID(), Port: p.ID.N, Account: ids.Account(account), Key: "l" + account})
						switch {
						case err == nil:
							won.Add(1)
						case errors.Is(err, activation.ErrLinked), errors.Is(err, journal.ErrConflict):
							lost.Add(1)
						default:
							t.Error(err)
						}
						if err != nil {
							_, err = codes.Close(ctx, activation.Leave{Port: p.ID, Key: "c" + account})
						}
						if err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				linked := activation.PortQuery{Platform: "line", Accounts: []ids.Account{ids.Account(account)}}
				if won.Load() != 1 || lost.Load() != n-1 || count(first.Agents(ctx, linked)) != 1 {
					t.Fatal(won.Load(), lost.Load())
				}
				for a, err := range first.Agents(ctx, linked) {
					if err != nil || a.State != activation.Linked {
						t.Fatal(a, err)
					}
					must(first.Close(ctx, activation.Leave{Port: a.ID, Key: "end" + account}))
				}
			}
		})
	})
}

// What a session leaves when it ends is closed with it.
func TestPortsEndWithTheirSession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		stored := func(tenant string) (n int) {
			return count(activation.StoredPorts(ctx, db.Tenant(tenant)))
		}
		t.Run("however often an agent signs in and opens one", func(t *testing.T) {
			codes, _ := open(t, db.Tenant("often"))
			c := issue(codes, both, "k")
			must(link(codes, signIn(codes, c, "pc"), "x", "x"))
			for i := range 5 {
				s := signIn(codes, c, "pc")
				p := must(codes.Open(ctx, activation.Open{Session: s.ID(), Platform: "line", Key: fmt.Sprint(i)}))
				if n := stored("often"); n != 2 {
					t.Fatal(n, "ports are stored as open")
				}
				if i == 4 {
					must(codes.SignOut(ctx, activation.SignOut{Session: s.ID(), Key: "out"}))
					_, err := codes.Ban(ctx, activation.Leave{Port: p.ID, Key: "ban"})
					isError(t, err, activation.ErrPortState)
				}
			}
			if n := stored("often"); n != 1 {
				t.Fatal(n, "ports are stored as open; the account has one")
			}
		})
		t.Run("with the next change of the code where the session ended by time", func(t *testing.T) {
			codes, now := open(t, db.Tenant("time"))
			c, d := issue(codes, both, "k"), issue(codes, both, "k2")
			for _, c := range []activation.Issued{c, d} {
				must(codes.Open(ctx, activation.Open{Session: signIn(codes, c, "pc").ID(), Platform: "line", Key: "o"}))
			}
			now.pass(activation.Idle)
			if n := count(codes.Agents(ctx, activation.PortQuery{})); n != 0 || stored("time") != 2 {
				t.Fatal(n)
			}
			signIn(codes, c, "phone")
			if n := stored("time"); n != 1 {
				t.Fatal(n)
			}
			must(codes.Sweep(ctx, 10))
			if n := stored("time"); n != 0 {
				t.Fatal(n)
			}
		})
		t.Run("of many codes at once", func(t *testing.T) {
			codes, _ := open(t, db.Tenant("many"))
			batch := activation.CodeBatch{Key: "off"}
			for i, c := range must(codes.Create(ctx, activation.Create{N: 4, Settings: both, Key: "k"})) {
				batch.Codes = append(batch.Codes, c.ID)
				must(codes.Open(ctx, activation.Open{Session: signIn(codes, c, fmt.Sprint("pc", i)).ID(), Platform: "line", Key: "o"}))
			}
			must(codes.Disable(ctx, batch))
			if n := stored("many"); n != 0 {
				t.Fatal(n)
			}
		})
	})
}
