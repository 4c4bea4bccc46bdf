package routing_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var keys = []secret.Key{{ID: "2026", Secret: []byte("a secret that is 32 bytes or more")}, {ID: "2025", Secret: []byte("another secret of 32 bytes or more")}}

// A stranger fills no line that asks for tokens: not without one, with one of another line or
// tenant, or with one that was changed.
func TestTokens(t *testing.T) {
	now := time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	options := func(k ...secret.Key) *routing.Options {
		return &routing.Options{Now: func() time.Time { return now }, Keys: k}
	}
	db := memory.New()
	lines, old := routing.New(db, options(keys...)), routing.New(db, options(keys[1]))
	elsewhere := routing.New(db.Tenant("other"), options(keys...))
	signed := routing.Settings{Signed: true, TokenAge: 60, Accounts: []routing.Account{{ID: "a"}}}
	for _, e := range []*routing.Engine{lines, elsewhere} {
		put(e, "p", signed)
		must(e.Put(ctx, routing.Put{Line: "other", Key: "p", Settings: routing.Settings{Zone: "UTC", Signed: true}}))
	}
	come := func(c routing.Route) error {
		c.Line, c.Online = "ads", []routing.AccountID{"a"}
		_, err := lines.Route(ctx, c)
		return err
	}
	token := must(lines.Sign("ads", "ann"))
	for _, tt := range []struct {
		name string
		c    routing.Route
		want error
	}{
		{"with a token", routing.Route{Token: token}, nil},
		{"with the visitor too", routing.Route{Token: token, Visitor: "ann"}, nil},
		{"with another visitor", routing.Route{Token: token, Visitor: "bob"}, routing.ErrToken},
		{"without a token", routing.Route{Visitor: "bob"}, routing.ErrToken},
		{"who is known, without a token", routing.Route{Visitor: "ann"}, routing.ErrToken},
		{"of another line", routing.Route{Token: must(lines.Sign("other", "ann"))}, routing.ErrToken},
		{"of another tenant", routing.Route{Token: must(elsewhere.Sign("ads", "ann"))}, routing.ErrToken},
		{"under a key of before", routing.Route{Token: must(old.Sign("ads", "eve"))}, nil},
		{"an order", routing.Route{Visitor: "order", Order: true}, nil},
	} {
		if err := come(tt.c); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	t.Run("changed in a byte", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			forged := []byte(token)
			i := rapid.IntRange(0, len(forged)-1).Draw(t, "at")
			if b := rapid.Byte().Draw(t, "byte"); b != forged[i] {
				forged[i] = b
				if err := come(routing.Route{Token: string(forged)}); !errors.Is(err, routing.ErrToken) {
					t.Fatalf("%q: %v", forged, err)
				}
			}
		})
	})
	now = now.Add(time.Hour)
	if err := come(routing.Route{Token: token}); !errors.Is(err, routing.ErrTokenAge) {
		t.Error("an hour later:", err)
	}
	now = now.Add(-2 * time.Hour)
	if err := come(routing.Route{Token: token}); !errors.Is(err, routing.ErrTokenAge) {
		t.Error("before it was made:", err)
	}
	if line := must(lines.Line(ctx, "ads")); line.Came != 3 {
		t.Error("who was refused is there:", line)
	}
	for name, e := range map[string]*routing.Engine{"no key": routing.New(db, nil), "a short one": routing.New(db, options(secret.Key{ID: "1"}))} {
		if made, err := e.Sign("ads", "ann"); err == nil {
			t.Errorf("%s: %q", name, made)
		}
	}
}

func FuzzToken(f *testing.F) {
	lines := routing.New(memory.New(), &routing.Options{Keys: keys})
	good := must(lines.Sign("ads", "ann"))
	for _, seed := range []string{good, "", "v1....", "v1.2026.0.YQ.", strings.ToUpper(good), good + ".", good + "="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if v, err := lines.Visitor("ads", token); err == nil && token != good || err != nil && !errors.Is(err, routing.ErrToken) {
			t.Fatalf("%q: %q %v", token, v, err)
		}
	})
}

func TestRates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		var at atomic.Int64
		at.Store(time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC).Unix())
		lines := routing.New(db.Tenant("rates"), &routing.Options{Now: func() time.Time { return time.Unix(at.Load(), 0) }})
		put(lines, "p", routing.Settings{
			Accounts: []routing.Account{{ID: "a"}}, Rate: routing.Limit{N: 60, Seconds: 60, Burst: 5}, OriginRate: routing.Limit{N: 1, Seconds: 60, Burst: 2},
		})
		come := func(visitor, origin string, order bool) error {
			_, err := lines.Route(ctx, routing.Route{
				Line: "ads", Visitor: routing.VisitorID(visitor), Origin: origin, Order: order, Online: []routing.AccountID{"a"},
			})
			return err
		}
		for _, tt := range []struct {
			name, visitor, origin string
			order                 bool
			after                 int64
			want                  string
		}{
			{"the first of an origin", "1", "x", false, 0, ""},
			{"the second", "2", "x", false, 0, ""},
			{"the third is one too many", "3", "x", false, 0, "origin"},
			{"who is known is no newcomer", "1", "x", false, 0, ""},
			{"nor is an order", "o", "x", true, 0, ""},
			{"of another origin", "4", "y", false, 0, ""},
			{"whose origin is not known", "5", "", false, 0, ""},
			{"the last of the line's burst", "6", "y", false, 0, ""},
			{"the line has had enough", "7", "z", false, 0, "line"},
			{"a second later", "7", "z", false, 1, ""},
			{"a minute later", "3", "x", false, 60, ""},
		} {
			at.Add(tt.after)
			err := come(tt.visitor, tt.origin, tt.order)
			var limit *routing.LimitError
			got := ""
			if errors.As(err, &limit) {
				got = map[bool]string{true: "origin", false: "line"}[limit.Origin]
				if limit.RetryAfter <= 0 {
					t.Errorf("%s: %v", tt.name, limit)
				}
			} else if err != nil {
				t.Fatal(tt.name, err)
			}
			if got != tt.want {
				t.Errorf("%s: limited by %q, want %q", tt.name, got, tt.want)
			}
		}
		var bad *errs.InputError
		if err := come("origin:x", "", false); !errors.As(err, &bad) {
			t.Error("a visitor by the name of an origin:", err)
		}
		for _, m := range []routing.Limit{{N: 1}, {Seconds: 1}, {N: -1, Seconds: 1}, {N: 1, Seconds: 604800, Burst: 1000}} {
			s := routing.Settings{Zone: "UTC", Rate: m}
			if _, err := lines.Put(ctx, routing.Put{Line: "bad", Key: fmt.Sprint(m), Settings: s}); !errors.As(err, &bad) {
				t.Errorf("%+v: %v", m, err)
			}
		}
	})
}

// What was read of leads before another command changed the line is read again, so that two who
// come at once do not share a place.
func TestMoved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		lines := routing.New(db.Tenant("moved"), nil)
		l := put(lines, "p", routing.Settings{Accounts: []routing.Account{{ID: "a"}}})
		c := routing.Route{Line: "ads", Visitor: "v", Online: []routing.AccountID{"a"}, Version: l.Version}
		must(lines.Route(ctx, c))
		c.Visitor = "w"
		if _, err := lines.Route(ctx, c); !errors.Is(err, routing.ErrMoved) {
			t.Fatal(err)
		}
		if _, err := lines.Drain(ctx, routing.Drain{Line: "ads", Version: l.Version}); !errors.Is(err, routing.ErrMoved) {
			t.Fatal(err)
		}
	})
}
