package activation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestSessions(t *testing.T) {
	t.Run("end by their code's expiry, also in the middle of a beat", func(t *testing.T) {
		base := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
		var at, step atomic.Int64
		codes := must(activation.New(memory.New(), keys, &activation.Options{Now: func() time.Time {
			return base.Add(time.Duration(at.Add(step.Load())))
		}}))
		s := both
		s.Expires = base.Add(time.Hour)
		access := signIn(codes, issue(codes, s, "k"), "pc")
		step.Store(int64(time.Microsecond))
		for before := time.Duration(0); before < 4*time.Microsecond; before += time.Microsecond {
			at.Store(int64(time.Hour - before))
			if _, err := codes.Beat(ctx, access.Token); err != nil && !errors.Is(err, activation.ErrSignedOut) {
				t.Fatal(err)
			}
		}
	})
	t.Run("go on while ports are opened, paired and linked", func(t *testing.T) {
		codes, now := open(t, memory.New())
		access := signIn(codes, issue(codes, both, "k"), "pc")
		half := activation.Idle/2 + time.Minute
		now.pass(half)
		p := must(codes.Open(ctx, activation.Open{Session: access.ID(), Platform: "line", Key: "o"}))
		now.pass(half)
		must(codes.Pair(ctx, activation.Pair{Session: access.ID(), Port: p.ID.N, Until: now.time().Add(time.Hour), Key: "p"}))
		now.pass(half)
		must(codes.Link(ctx, activation.Link{Session: access.ID(), Port: p.ID.N, Account: "x", Key: "l"}))
		now.pass(half)
		if got := must(codes.Check(ctx, access.Token)); !got.Session.Seen.Equal(now.time().Add(-half)) {
			t.Fatal(got)
		}
	})
	t.Run("are those by whom an agent's work is done, whatever the agent is called", func(t *testing.T) {
		db := memory.New()
		codes, _ := open(t, db)
		c := issue(codes, both, "k")
		access := must(codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: "pc", Agent: "admin"}))
		must(link(codes, access, "x", "x"))
		n := 0
		for r, err := range db.Journal().Of(ctx, activation.CodeSubject(c.ID)) {
			if err != nil {
				t.Fatal(err)
			}
			if want := string(c.ID) + "/1"; r.Kind != "activation.create" && r.By != want {
				t.Fatalf("%s by %q, want %q", r.Kind, r.By, want)
			}
			n++
		}
		if n != 4 {
			t.Fatal(n)
		}
	})
	t.Run("leave and close the ports that no other session has in use", func(t *testing.T) {
		codes, _ := open(t, memory.New())
		c := issue(codes, both, "k")
		a, b := signIn(codes, c, "pc"), signIn(codes, c, "phone")
		p := must(link(codes, a, "x", "x"))
		leave := activation.Leave{Port: p.ID, Session: b.Session.N, Key: "b"}
		_, err := codes.Logout(ctx, leave)
		isError(t, err, activation.ErrPortState)
		_, err = codes.Close(ctx, leave)
		isError(t, err, activation.ErrPortState)
		must(codes.Logout(ctx, activation.Leave{Port: p.ID, Session: a.Session.N, Key: "a"}))
		must(codes.Close(ctx, leave))
		must(codes.SignOut(ctx, activation.SignOut{Session: b.ID(), Key: "out"}))
		_, err = codes.Ban(ctx, activation.Leave{Port: p.ID, Session: b.Session.N, Key: "late"})
		isError(t, err, activation.ErrSignedOut)
	})
	t.Run("begin with a code that is then stored under the first key", func(t *testing.T) {
		db := memory.New()
		fresh := secret.Key{ID: "2", Secret: []byte("another secret that is 32 bytes or more")}
		codes := must(activation.New(db, keys, nil))
		used, unused := issue(codes, both, "k"), issue(codes, both, "k2")
		signIn(must(activation.New(db, []secret.Key{fresh, keys[0]}, nil)), used, "pc")
		codes = must(activation.New(db, []secret.Key{fresh}, nil))
		signIn(codes, used, "pc")
		_, err := codes.SignIn(ctx, activation.SignIn{Code: unused.Code, Device: "pc"})
		isError(t, err, activation.ErrUnknownCode)
	})
	t.Run("at a device that has had a thousand codes", func(t *testing.T) {
		codes, _ := open(t, memory.New())
		made := must(codes.Create(ctx, activation.Create{N: 1000, Settings: both, Key: "k"}))
		for _, c := range made {
			signIn(codes, c, "pc")
		}
		late := issue(codes, both, "late")
		_, err := codes.SignIn(ctx, activation.SignIn{Code: late.Code, Device: "pc"})
		isError(t, err, activation.ErrSessions)
		must(codes.SignOut(ctx, activation.SignOut{Session: activation.SessionID{Code: made[7].ID, N: 1}, Key: "out"}))
		access := signIn(codes, late, "pc")
		must(codes.RemoveDevice(ctx, activation.RemoveDevice{Device: "pc", Key: "r"}))
		_, err = codes.Check(ctx, access.Token)
		isError(t, err, activation.ErrSignedOut)
	})
}

// A code that nobody has is refused by its secret alone: nothing else is read, whether its label
// exists or not.
func TestGuessesReadSecretsAlone(t *testing.T) {
	db := memory.New()
	codes, _ := open(t, db)
	c := issue(codes, both, "k")
	blind := must(activation.New(secretsOnly{db}, keys, nil))
	for _, label := range []string{string(c.ID), "ABCDEFGH"} {
		_, err := blind.SignIn(ctx, activation.SignIn{Code: label + strings.Repeat("A", 26), Device: "pc"})
		isError(t, err, activation.ErrUnknownCode)
	}
}

// secretsOnly is a store that can read no more than secrets.
type secretsOnly struct{ storage.Tx }

func (s secretsOnly) Load(ctx context.Context, looks []storage.Look) error {
	for _, l := range looks {
		for _, r := range l.Reads {
			if r.Table.Name != "activation_secret" {
				panic("more than the secret was read")
			}
		}
	}
	return s.Tx.Load(ctx, looks)
}

// A command on many codes tells each of them about itself.
func TestManyAreToldOfThemselves(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		size := func(n int) (bytes int) {
			db := db.Tenant(fmt.Sprint(n))
			codes, _ := open(t, db)
			batch := activation.CodeBatch{Key: "off"}
			for _, c := range must(codes.Create(ctx, activation.Create{N: n, Settings: both, Key: "k"})) {
				batch.Codes = append(batch.Codes, c.ID)
			}
			must(codes.Disable(ctx, batch))
			if again := must(codes.Disable(ctx, batch)); len(again) != n {
				t.Fatal(len(again))
			}
			for r, err := range db.Journal().After(ctx, "", 0) {
				if err != nil {
					t.Fatal(err)
				}
				bytes += len(r.Result)
			}
			for _, id := range batch.Codes {
				for r, err := range db.Journal().Of(ctx, activation.CodeSubject(id)) {
					if err != nil || !strings.Contains(string(r.Result), string(id)) || r.Kind == "activation.disable" && !strings.Contains(string(r.Result), `"disabled":true`) {
						t.Fatal(string(r.Result), err)
					}
				}
			}
			return bytes
		}
		if few, many := size(5), size(50); many > 12*few {
			t.Fatalf("50 codes take %d bytes of the journal, and 5 take %d", many, few)
		}
	})
}

func TestInvitationsAreOfWhoAsked(t *testing.T) {
	codes, _ := open(t, memory.New())
	must(codes.Invite(ctx, "a", "k"))
	_, err := codes.Invite(ctx, "b", "k")
	isError(t, err, journal.ErrKeyReused)
}
