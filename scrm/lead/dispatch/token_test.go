package dispatch_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/lead/dispatch"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var keys = []dispatch.Key{{ID: "2026", Secret: []byte("a secret that is 32 bytes or more")}, {ID: "2025", Secret: []byte("another secret of 32 bytes or more")}}

// A stranger fills no line that asks for tokens: not without one, with one of another line or
// tenant, or with one that was changed.
func TestTokens(t *testing.T) {
	now := time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	options := func(k ...dispatch.Key) *dispatch.Options {
		return &dispatch.Options{Now: func() time.Time { return now }, Keys: k}
	}
	db := memory.New()
	lines, old := dispatch.New(db, options(keys...)), dispatch.New(db, options(keys[1]))
	elsewhere := dispatch.New(db.Tenant("other"), options(keys...))
	signed := dispatch.Settings{Signed: true, TokenAge: 60, Accounts: []dispatch.Account{{ID: "a"}}}
	for _, e := range []*dispatch.Engine{lines, elsewhere} {
		put(e, "p", signed)
		must(e.Put(ctx, dispatch.Put{Line: "other", Key: "p", Settings: dispatch.Settings{Zone: "UTC", Signed: true}}))
	}
	come := func(c dispatch.Route) error {
		c.Line, c.Online = "ads", []dispatch.AccountID{"a"}
		_, err := lines.Route(ctx, c)
		return err
	}
	token := must(lines.Sign("ads", "ann"))
	for _, tt := range []struct {
		name string
		c    dispatch.Route
		want error
	}{
		{"with a token", dispatch.Route{Token: token}, nil},
		{"with the visitor too", dispatch.Route{Token: token, Visitor: "ann"}, nil},
		{"with another visitor", dispatch.Route{Token: token, Visitor: "bob"}, dispatch.ErrToken},
		{"without a token", dispatch.Route{Visitor: "bob"}, dispatch.ErrToken},
		{"who is known, without a token", dispatch.Route{Visitor: "ann"}, dispatch.ErrToken},
		{"of another line", dispatch.Route{Token: must(lines.Sign("other", "ann"))}, dispatch.ErrToken},
		{"of another tenant", dispatch.Route{Token: must(elsewhere.Sign("ads", "ann"))}, dispatch.ErrToken},
		{"under a key of before", dispatch.Route{Token: must(old.Sign("ads", "eve"))}, nil},
		{"an order", dispatch.Route{Visitor: "order", Order: true}, nil},
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
				if err := come(dispatch.Route{Token: string(forged)}); !errors.Is(err, dispatch.ErrToken) {
					t.Fatalf("%q: %v", forged, err)
				}
			}
		})
	})
	now = now.Add(time.Hour)
	if err := come(dispatch.Route{Token: token}); !errors.Is(err, dispatch.ErrTokenAge) {
		t.Error("an hour later:", err)
	}
	now = now.Add(-2 * time.Hour)
	if err := come(dispatch.Route{Token: token}); !errors.Is(err, dispatch.ErrTokenAge) {
		t.Error("before it was made:", err)
	}
	if line := must(lines.Line(ctx, "ads")); line.Came != 3 {
		t.Error("who was refused is there:", line)
	}
	for name, e := range map[string]*dispatch.Engine{"no key": dispatch.New(db, nil), "a short one": dispatch.New(db, options(dispatch.Key{ID: "1"}))} {
		if made, err := e.Sign("ads", "ann"); err == nil {
			t.Errorf("%s: %q", name, made)
		}
	}
}

func FuzzToken(f *testing.F) {
	lines := dispatch.New(memory.New(), &dispatch.Options{Keys: keys})
	good := must(lines.Sign("ads", "ann"))
	for _, seed := range []string{good, "", "v1....", "v1.2026.0.YQ.", strings.ToUpper(good), good + ".", good + "="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if v, err := lines.Visitor("ads", token); err == nil && token != good || err != nil && !errors.Is(err, dispatch.ErrToken) {
			t.Fatalf("%q: %q %v", token, v, err)
		}
	})
}

func TestRates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db storage.DB) {
		var at atomic.Int64
		at.Store(time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC).Unix())
		lines := dispatch.New(db.Tenant("rates"), &dispatch.Options{Now: func() time.Time { return time.Unix(at.Load(), 0) }})
		put(lines, "p", dispatch.Settings{
			Accounts: []dispatch.Account{{ID: "a"}}, Rate: dispatch.Limit{N: 60, Seconds: 60, Burst: 5}, OriginRate: dispatch.Limit{N: 1, Seconds: 60, Burst: 2},
		})
		come := func(visitor, origin string, order bool) error {
			_, err := lines.Route(ctx, dispatch.Route{
				Line: "ads", Visitor: dispatch.VisitorID(visitor), Origin: origin, Order: order, Online: []dispatch.AccountID{"a"},
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
			var limit *dispatch.LimitError
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
		var bad *dispatch.InputError
		if err := come("origin:x", "", false); !errors.As(err, &bad) {
			t.Error("a visitor by the name of an origin:", err)
		}
		for _, m := range []dispatch.Limit{{N: 1}, {Seconds: 1}, {N: -1, Seconds: 1}, {N: 1, Seconds: 604800, Burst: 1000}} {
			s := dispatch.Settings{Zone: "UTC", Rate: m}
			if _, err := lines.Put(ctx, dispatch.Put{Line: "bad", Key: fmt.Sprint(m), Settings: s}); !errors.As(err, &bad) {
				t.Errorf("%+v: %v", m, err)
			}
		}
	})
}

// What was read of leads before another command changed the line is read again, so that two who
// come at once do not share a place.
func TestMoved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db storage.DB) {
		lines := dispatch.New(db.Tenant("moved"), nil)
		l := put(lines, "p", dispatch.Settings{Accounts: []dispatch.Account{{ID: "a"}}})
		c := dispatch.Route{Line: "ads", Visitor: "v", Online: []dispatch.AccountID{"a"}, Version: l.Version}
		must(lines.Route(ctx, c))
		c.Visitor = "w"
		if _, err := lines.Route(ctx, c); !errors.Is(err, dispatch.ErrMoved) {
			t.Fatal(err)
		}
		if _, err := lines.Drain(ctx, dispatch.Drain{Line: "ads", Version: l.Version}); !errors.Is(err, dispatch.ErrMoved) {
			t.Fatal(err)
		}
	})
}
