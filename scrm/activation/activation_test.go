package activation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var (
	ctx  = context.Background()
	keys = []secret.Key{{ID: "1", Secret: []byte("a secret that is 32 bytes or more")}}
)

// A clock is one that the test moves.
type clock struct{ now atomic.Int64 }

func (c *clock) time() time.Time      { return time.UnixMicro(c.now.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.now.Add(d.Microseconds()) }

func open(t *testing.T, db storage.DB) (*activation.Engine, *clock) {
	t.Helper()
	c := &clock{}
	c.now.Store(time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC).UnixMicro())
	e, err := activation.New(db, keys, &activation.Options{Now: c.time})
	if err != nil {
		t.Fatal(err)
	}
	return e, c
}

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

func isError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error is %v, want %v", got, want)
	}
}

func capacity(t *testing.T, err error, want activation.CapacityError) {
	t.Helper()
	var full *activation.CapacityError
	if !errors.As(err, &full) || *full != want {
		t.Fatalf("error is %v, want %v", err, &want)
	}
}

var both = activation.Settings{Platforms: []ids.Platform{"whatsapp", "line"}, Ports: 2}

// issue makes a code.
func issue(codes *activation.Engine, s activation.Settings, key string) activation.Issued {
	return must(codes.Create(ctx, activation.Create{N: 1, Settings: s, Key: key}))[0]
}

func signIn(codes *activation.Engine, c activation.Issued, device string) activation.Access {
	return must(codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: activation.DeviceID(device), Agent: "kathy"}))
}

func one(id ids.Code, key string) activation.CodeBatch {
	return activation.CodeBatch{Codes: []ids.Code{id}, Key: key}
}

func TestCodes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("are shown once, and stand nowhere", func(t *testing.T) {
			db := db.Tenant("shown")
			codes, _ := open(t, db)
			create := activation.Create{N: 3, Settings: both, By: "boss", Key: "k"}
			made := must(codes.Create(ctx, create))
			again := must(codes.Create(ctx, create))
			for i, c := range made {
				if len(c.ID) != 8 || len(c.Code) != 8+1+26 || !strings.HasPrefix(c.Code, string(c.ID)) {
					t.Fatal(c)
				}
				if again[i] != (activation.Issued{ID: c.ID}) {
					t.Fatal("repeated:", again[i])
				}
				access := signIn(codes, c, "pc")
				for r := range db.Journal().After(ctx, "", 0) {
					text := fmt.Sprintf("%+v %s %s", r, r.Result, r.Before)
					if strings.Contains(text, c.Code[9:]) || strings.Contains(text, access.Token) || strings.Contains(text, "mac") || strings.Contains(text, "hash") {
						t.Fatal("the journal holds a secret:", text)
					}
				}
				if got := fmt.Sprintf("%+v", must(codes.Code(ctx, c.ID))); strings.Contains(got, "Secret:0x") {
					t.Fatal("a code is given out with what is stored of it:", got)
				}
			}
			create.N = 4
			if _, err := codes.Create(ctx, create); !errors.Is(err, journal.ErrKeyReused) {
				t.Fatal(err)
			}
		})
		t.Run("are told apart to who has them in hand alone", func(t *testing.T) {
			codes, now := open(t, db.Tenant("apart"))
			c := issue(codes, both, "k")
			try := func(code string) error {
				_, err := codes.SignIn(ctx, activation.SignIn{Code: code, Device: "pc"})
				return err
			}
			wrong := c.Code[:34] + "A"
			if c.Code == wrong {
				wrong = c.Code[:34] + "B"
			}
			isError(t, try(strings.ToLower(" "+c.Code[:20]+" "+c.Code[20:])), nil)
			must(codes.Disable(ctx, one(c.ID, "d")))
			isError(t, try(c.Code), activation.ErrDisabled)
			must(codes.Enable(ctx, one(c.ID, "e")))
			isError(t, try(c.Code), nil)
			must(codes.Expire(ctx, one(c.ID, "x")))
			isError(t, try(c.Code), activation.ErrExpired)
			must(codes.Enable(ctx, one(c.ID, "e2")))
			isError(t, try(c.Code), activation.ErrExpired)
			for _, code := range []string{wrong, string(c.ID), "", "nonsense", strings.Repeat("A", 34), strings.Repeat("A", 9999), "ä" + c.Code} {
				isError(t, try(code), activation.ErrUnknownCode)
			}
			later := both
			later.Expires = now.time().Add(time.Hour)
			must(codes.Edit(ctx, activation.Edit{Code: c.ID, Settings: later, Key: "later"}))
			isError(t, try(c.Code), nil)
			now.pass(time.Hour)
			isError(t, try(c.Code), activation.ErrExpired)
			must(codes.Delete(ctx, one(c.ID, "del")))
			isError(t, try(c.Code), activation.ErrUnknownCode)
			_, err := codes.Enable(ctx, one(c.ID, "e3"))
			isError(t, err, activation.ErrUnknownCode)
		})
		t.Run("end every session at once", func(t *testing.T) {
			codes, now := open(t, db.Tenant("end"))
			for i, end := range []func(id ids.Code) error{
				func(id ids.Code) error { _, err := codes.Disable(ctx, one(id, "Disable")); return err },
				func(id ids.Code) error { _, err := codes.Expire(ctx, one(id, "Expire")); return err },
				func(id ids.Code) error { _, err := codes.Delete(ctx, one(id, "Delete")); return err },
				func(id ids.Code) error {
					_, err := codes.Renew(ctx, activation.Renew{Code: id, Key: "1"})
					return err
				},
				func(id ids.Code) error {
					_, err := codes.Edit(ctx, activation.Edit{Code: id, Settings: activation.Settings{Platforms: both.Platforms[:1], Ports: 2}, Key: "1"})
					return err
				},
				func(id ids.Code) error {
					listed := both
					listed.Listed = true
					_, err := codes.Edit(ctx, activation.Edit{Code: id, Settings: listed, Key: "1"})
					return err
				},
				func(id ids.Code) error { now.pass(activation.Idle); return nil },
			} {
				c := issue(codes, both, fmt.Sprint("k", i))
				a, b := signIn(codes, c, "pc"), signIn(codes, c, "phone")
				p := must(codes.Open(ctx, activation.Open{Session: a.ID(), Platform: "line", Key: "p"}))
				for _, s := range []activation.Access{a, b} {
					must(codes.Check(ctx, s.Token))
				}
				isError(t, end(c.ID), nil)
				for _, s := range []activation.Access{a, b} {
					_, err := codes.Check(ctx, s.Token)
					isError(t, err, activation.ErrSignedOut)
					_, err = codes.Beat(ctx, s.Token)
					isError(t, err, activation.ErrSignedOut)
				}
				_, err := codes.Link(ctx, activation.Link{Session: a.ID(), Port: p.ID.N, Account: "x", Key: "l"})
				isError(t, err, activation.ErrSignedOut)
				if _, err := codes.Enable(ctx, one(c.ID, fmt.Sprint("on", i))); err == nil {
					_, err = codes.Check(ctx, a.Token)
					isError(t, err, activation.ErrSignedOut)
				}
			}
		})
		t.Run("are changed many at a time, or none", func(t *testing.T) {
			codes, _ := open(t, db.Tenant("many"))
			made := must(codes.Create(ctx, activation.Create{N: 5, Settings: both, Key: "k"}))
			batch := activation.CodeBatch{Key: "d"}
			for _, c := range made {
				batch.Codes = append(batch.Codes, c.ID, c.ID)
			}
			bad := batch
			bad.Codes = append(bad.Codes[:4:4], "NOSUCH")
			_, err := codes.Disable(ctx, bad)
			isError(t, err, activation.ErrUnknownCode)
			if n := count(codes.Codes(ctx, activation.CodeQuery{State: activation.Enabled})); n != 5 {
				t.Fatal(n)
			}
			if out := must(codes.Disable(ctx, batch)); len(out) != 5 || !out[4].Disabled {
				t.Fatal(out)
			}
			must(codes.Disable(ctx, batch))
			_, err = codes.Disable(ctx, one(made[1].ID, "d"))
			isError(t, err, journal.ErrKeyReused)
			if n := count(codes.Codes(ctx, activation.CodeQuery{State: activation.Disabled})); n != 5 {
				t.Fatal(n)
			}
		})
		t.Run("renewed work with what is shown alone", func(t *testing.T) {
			codes, _ := open(t, db.Tenant("renew"))
			c := issue(codes, both, "k")
			r := must(codes.Renew(ctx, activation.Renew{Code: c.ID, Key: "r"}))
			if again := must(codes.Renew(ctx, activation.Renew{Code: c.ID, Key: "r"})); again.Code != "" || r.Code == "" || r.ID != c.ID {
				t.Fatal(r, again)
			}
			_, err := codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: "pc"})
			isError(t, err, activation.ErrUnknownCode)
			signIn(codes, r, "pc")
		})
		t.Run("are refused where they can't be", func(t *testing.T) {
			codes, _ := open(t, db.Tenant("bad"))
			for _, s := range []activation.Settings{
				{Ports: -1}, {Ports: 1, Pool: "p"}, {Platforms: []ids.Platform{"a", "a"}}, {Platforms: []ids.Platform{""}},
				{Remark: "\x00"}, {Counting: activation.Counting{Zone: "Mars"}}, {Counting: activation.Counting{Reset: 1440}},
			} {
				var bad *errs.InputError
				if _, err := codes.Create(ctx, activation.Create{N: 1, Settings: s, Key: "k"}); !errors.As(err, &bad) {
					t.Errorf("%+v: %v", s, err)
				}
			}
			_, err := codes.Create(ctx, activation.Create{N: 1, Settings: activation.Settings{Pool: "none"}, Key: "k"})
			isError(t, err, activation.ErrUnknownPool)
			if n := count(codes.Codes(ctx, activation.CodeQuery{})); n != 0 {
				t.Fatal(n)
			}
		})
	})
}

func count[V any](seq func(func(V, error) bool)) (n int) {
	for _, err := range seq {
		if err != nil {
			panic(err)
		}
		n++
	}
	return n
}

func TestPorts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("are linked by QR code, and free when they are left", func(t *testing.T) {
			codes, now := open(t, db.Tenant("qr"))
			c := issue(codes, both, "k")
			s := signIn(codes, c, "pc")
			first := must(codes.Open(ctx, activation.Open{Session: s.ID(), Platform: "whatsapp", Key: "1"}))
			second := must(codes.Open(ctx, activation.Open{Session: s.ID(), Platform: "line", Key: "2"}))
			if first.State != activation.Unlinked || second.ID.N == first.ID.N {
				t.Fatal(first, second)
			}
			if again := must(codes.Open(ctx, activation.Open{Session: s.ID(), Platform: "line", Key: "2"})); again != second {
				t.Fatal(again)
			}
			_, err := codes.Open(ctx, activation.Open{Session: s.ID(), Platform: "line", Key: "3"})
			capacity(t, err, activation.CapacityError{Ports: 2})
			_, err = codes.Open(ctx, activation.Open{Session: s.ID(), Platform: "wecom", Key: "3"})
			isError(t, err, activation.ErrPlatform)

			must(codes.Pair(ctx, activation.Pair{Session: s.ID(), Port: first.ID.N, Until: now.time().Add(time.Minute), Key: "p"}))
			states := func() (s string) {
				for a, err := range codes.Agents(ctx, activation.PortQuery{Code: c.ID}) {
					if err != nil {
						t.Fatal(err)
					}
					s += fmt.Sprintf("%s %s %s %t; ", a.State, a.Account, a.Agent, a.Online)
				}
				return s
			}
			want := func(what, want string) {
				t.Helper()
				if got := states(); got != want {
					t.Fatalf("%s: %s\nwant %s", what, got, want)
				}
			}
			want("shown", "pending  kathy false; unlinked  kathy false; ")
			now.pass(time.Minute)
			want("past its end", "unlinked  kathy false; unlinked  kathy false; ")
			must(codes.Link(ctx, activation.Link{Session: s.ID(), Port: first.ID.N, Account: "sales", Name: "Sales", Key: "l"}))
			want("linked", "linked sales kathy true; unlinked  kathy false; ")
			now.pass(activation.Away)
			want("away", "linked sales kathy false; unlinked  kathy false; ")
			must(codes.Beat(ctx, s.Token))
			want("back", "linked sales kathy true; unlinked  kathy false; ")
			_, err = codes.Link(ctx, activation.Link{Session: s.ID(), Port: first.ID.N, Account: "support", Key: "l2"})
			isError(t, err, activation.ErrPortState)
			must(codes.Logout(ctx, activation.Leave{Port: first.ID, Reason: "by the phone", Key: "o"}))
			must(codes.Open(ctx, activation.Open{Session: s.ID(), Platform: "whatsapp", Key: "4"}))
			want("logged out", "loggedOut sales  false; unlinked  kathy false; unlinked  kathy false; ")
			_, err = codes.Link(ctx, activation.Link{Session: s.ID(), Port: first.ID.N, Account: "sales", Key: "l3"})
			capacity(t, err, activation.CapacityError{Ports: 2})
			must(codes.Ban(ctx, activation.Leave{Port: second.ID, Reason: "spam", Key: "b"}))
			_, err = codes.Link(ctx, activation.Link{Session: s.ID(), Port: second.ID.N, Account: "u", Key: "l4"})
			isError(t, err, activation.ErrPortState)
			if p := must(codes.Link(ctx, activation.Link{Session: s.ID(), Port: first.ID.N, Account: "sales", Key: "l5"})); p.Reason != "" {
				t.Fatal(p)
			}
			want("linked again", "linked sales kathy true; banned   false; unlinked  kathy false; ")
			must(codes.Link(ctx, activation.Link{Session: s.ID(), Port: 4, Account: "sales", Key: "l6"}))
			want("the same account at another port", "banned   false; linked sales kathy true; ")
			must(codes.SignOut(ctx, activation.SignOut{Session: s.ID(), Key: "out"}))
			want("signed out", "banned   false; loggedOut sales  false; ")
			again := signIn(codes, c, "pc")
			must(codes.Link(ctx, activation.Link{Session: again.ID(), Port: 4, Account: "sales", Key: "l7"}))
			want("signed in again", "banned   false; linked sales kathy true; ")
			must(codes.Close(ctx, activation.Leave{Port: activation.PortID{Code: c.ID, N: 4}, Key: "c"}))
			want("closed", "banned   false; ")
			if code := must(codes.Code(ctx, c.ID)); code.Ports() != 0 || code.Online(now.time()) != 1 {
				t.Fatal(code)
			}
		})
		t.Run("in use are never more than there are, though 64 want them at once", func(t *testing.T) {
			codes, _ := open(t, db.Tenant("race"))
			s := both
			s.Ports = 5
			access := signIn(codes, issue(codes, s, "k"), "pc")
			won, full := atOnce(t, 64, func(i int) error {
				_, err := codes.Open(ctx, activation.Open{Session: access.ID(), Platform: "line", Key: fmt.Sprint(i)})
				return err
			})
			if won != 5 || full != 59 || must(codes.Code(ctx, access.Code.ID)).Ports() != 5 {
				t.Fatal(won, full)
			}
		})
		t.Run("of a pool are never more than it has, whoever of 16 codes wants them", func(t *testing.T) {
			codes, now := open(t, db.Tenant("pool"))
			must(codes.PutPool(ctx, activation.PutPool{Pool: "plan", Ports: 7, Key: "p"}))
			made := must(codes.Create(ctx, activation.Create{N: 16, Settings: activation.Settings{Platforms: both.Platforms, Pool: "plan"}, Key: "k"}))
			accesses := make([]activation.Access, 16)
			for i, c := range made {
				accesses[i] = signIn(codes, c, fmt.Sprint("pc", i))
			}
			var who sync.Map
			won, full := atOnce(t, 64, func(i int) error {
				p, err := codes.Open(ctx, activation.Open{Session: accesses[i%16].ID(), Platform: "line", Key: fmt.Sprint(i)})
				if err == nil {
					who.Store(p.ID, i%16)
				}
				return err
			})
			if pool := must(codes.Pool(ctx, "plan")); won != 7 || full != 57 || pool.Free != 0 {
				t.Fatal(won, full, pool)
			}
			var some activation.PortID
			who.Range(func(id, _ any) bool { some = id.(activation.PortID); return false })
			must(codes.Disable(ctx, one(some.Code, "off")))
			pool := must(codes.Pool(ctx, "plan"))
			if pool.Free == 0 {
				t.Fatal("a code that is disabled keeps its ports")
			}
			_, err := codes.PutPool(ctx, activation.PutPool{Pool: "plan", Ports: 6 - pool.Free, Key: "less"})
			var bad *errs.InputError
			if !errors.As(err, &bad) {
				t.Fatal(err)
			}
			must(codes.PutPool(ctx, activation.PutPool{Pool: "plan", Ports: 7 - pool.Free, Key: "just"}))
			late := made[0]
			if late.ID == some.Code {
				late = made[1]
			}
			now.pass(activation.Idle)
			access := signIn(codes, late, "new")
			for i := range 7 - pool.Free {
				must(codes.Open(ctx, activation.Open{Session: access.ID(), Platform: "line", Key: fmt.Sprint("late", i)}))
			}
			_, err = codes.Open(ctx, activation.Open{Session: access.ID(), Platform: "line", Key: "one-more"})
			capacity(t, err, activation.CapacityError{Ports: 7 - pool.Free, Pool: "plan"})
		})
	})
}

// race runs f n times at once, and counts those that won and those that met a full house.
func atOnce(t *testing.T, n int, f func(i int) error) (won, full int64) {
	var w, c atomic.Int64
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			err := f(i)
			var none *activation.CapacityError
			switch {
			case err == nil:
				w.Add(1)
			case errors.As(err, &none):
				c.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return w.Load(), c.Load()
}

func TestDevices(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		codes, now := open(t, db)
		listed := both
		listed.Listed = true
		c, anywhere := issue(codes, listed, "k"), issue(codes, both, "k2")
		_, err := codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: "pc"})
		isError(t, err, activation.ErrDevice)
		inv := must(codes.Invite(ctx, "boss", "i"))
		if again := must(codes.Invite(ctx, "boss", "i")); again.Token != "" || !again.Expires.Equal(inv.Expires) {
			t.Fatal(again)
		}
		add := activation.AddDevice{Token: inv.Token, Device: "pc", Name: "front desk", Key: "a"}
		added := must(codes.AddDevice(ctx, add))
		if again := must(codes.AddDevice(ctx, add)); again.Token != "" || added.Token == "" || len(again.Device.Hash)+len(added.Device.Hash) > 0 {
			t.Fatal(added, again)
		}
		_, err = codes.AddDevice(ctx, activation.AddDevice{Token: inv.Token, Device: "other", Key: "b"})
		isError(t, err, activation.ErrInvitation)
		_, err = codes.AddDevice(ctx, activation.AddDevice{Token: "guess", Device: "other", Key: "c"})
		isError(t, err, activation.ErrInvitation)
		late := must(codes.Invite(ctx, "boss", "late"))
		now.pass(activation.InvitationTTL)
		_, err = codes.AddDevice(ctx, activation.AddDevice{Token: late.Token, Device: "other", Key: "d"})
		isError(t, err, activation.ErrInvitation)

		for _, token := range []string{"", "guess", inv.Token} {
			_, err := codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: "pc", DeviceToken: token})
			isError(t, err, activation.ErrDevice)
		}
		_, err = codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: "other", DeviceToken: added.Token})
		isError(t, err, activation.ErrDevice)
		a, b := must(codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: "pc", DeviceToken: added.Token})), signIn(codes, anywhere, "pc")
		for d, err := range codes.Devices(ctx) {
			if err != nil || d.Hash != nil {
				t.Fatal(d, err)
			}
		}
		for r := range db.Journal().After(ctx, "", 0) {
			if text := string(r.Result) + string(r.Before); strings.Contains(text, added.Token) || strings.Contains(text, "hash") {
				t.Fatal("the journal holds the token of a device:", text)
			}
		}
		other := signIn(codes, anywhere, "phone")
		if n := count(codes.Devices(ctx)); n != 2 {
			t.Fatal(n)
		}
		must(codes.RemoveDevice(ctx, activation.RemoveDevice{Device: "pc", Key: "r"}))
		for _, s := range []activation.Access{a, b} {
			_, err := codes.Check(ctx, s.Token)
			isError(t, err, activation.ErrSignedOut)
		}
		must(codes.Check(ctx, other.Token))
		_, err = codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: "pc", DeviceToken: added.Token})
		isError(t, err, activation.ErrDevice)
		_, err = codes.RemoveDevice(ctx, activation.RemoveDevice{Device: "pc", Key: "r2"})
		isError(t, err, activation.ErrUnknownDevice)
		if n := count(codes.Devices(ctx)); n != 1 {
			t.Fatal(n)
		}
		b2 := signIn(codes, anywhere, "pc")
		if signIn(codes, anywhere, "pc"); must(codes.Code(ctx, anywhere.ID)).Online(now.time()) != 2 {
			t.Fatal("a device has two sessions")
		}
		_, err = codes.Check(ctx, b2.Token)
		isError(t, err, activation.ErrSignedOut)
	})
}
