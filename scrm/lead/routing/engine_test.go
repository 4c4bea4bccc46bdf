package routing_test

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
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var ctx = context.Background()

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

func put(lines *routing.Engine, key string, s routing.Settings) routing.Line {
	s.Zone = "Asia/Shanghai"
	return must(lines.Put(ctx, routing.Put{Line: "ads", Settings: s, Key: key}))
}

func route(lines *routing.Engine, visitor string, online ...routing.AccountID) (routing.Outcome, error) {
	return lines.Route(ctx, routing.Route{Line: "ads", Visitor: routing.VisitorID(visitor), Online: online})
}

func TestEngine(t *testing.T) {
	two := []routing.Account{{ID: "a", Day: 1}, {ID: "b", Day: 1}}
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("a visitor comes back to the same account until that is offline", func(t *testing.T) {
			lines := routing.New(db.Tenant("sticky"), nil)
			_, err := route(lines, "v", "a")
			if !errors.Is(err, routing.ErrUnknownLine) {
				t.Fatal(err)
			}
			put(lines, "p", routing.Settings{Accounts: two})
			first := must(route(lines, "v", "a", "b"))
			again := must(route(lines, "v", "a", "b"))
			if again.Account != first.Account || !again.Sticky || first.Sticky || again.Line.Sent != 1 {
				t.Fatal(first, again)
			}
			other := routing.AccountID("a")
			if first.Account == "a" {
				other = "b"
			}
			if moved := must(route(lines, "v", other)); moved.Account != other || moved.Sticky {
				t.Fatal(moved)
			}
			_, err = route(lines, "w", "a", "b")
			var none *routing.NoCapacityError
			if !errors.As(err, &none) || none.Why != routing.Full {
				t.Fatal(err)
			}
		})
		t.Run("who waits is served first, the oldest first", func(t *testing.T) {
			lines := routing.New(db.Tenant("queue"), nil)
			put(lines, "p", routing.Settings{Accounts: []routing.Account{{ID: "a", Day: 3}}, Queue: 3})
			for i := range 3 {
				if out := must(route(lines, fmt.Sprint("v", i))); !out.Waiting || out.Ahead != int64(i) {
					t.Fatal(out)
				}
			}
			if out := must(route(lines, "v1")); !out.Waiting || out.Line.Waiting != 3 {
				t.Fatal(out)
			}
			_, err := route(lines, "late")
			var none *routing.NoCapacityError
			if !errors.As(err, &none) || none.Why != routing.Behind {
				t.Fatal(err)
			}
			must(lines.Leave(ctx, routing.Leave{Line: "ads", Visitor: "v1"}))
			must(lines.Leave(ctx, routing.Leave{Line: "ads", Visitor: "v1"}))
			out := must(route(lines, "late", "a"))
			if len(out.Served) != 2 || out.Served[0].Visitor != "v0" || out.Served[1].Visitor != "v2" || out.Account != "a" || out.Line.Waiting != 0 {
				t.Fatal(out)
			}
			if out := must(route(lines, "v0", "a")); out.Account != "a" || !out.Sticky {
				t.Fatal(out)
			}
			if out := must(route(lines, "more", "a")); !out.Waiting {
				t.Fatal(out)
			}
			put(lines, "p2", routing.Settings{Accounts: []routing.Account{{ID: "a", Day: 4}}, Queue: 3})
			if out := must(lines.Drain(ctx, routing.Drain{Line: "ads"})); len(out.Served) != 0 {
				t.Fatal("served by nobody", out)
			}
			if out := must(lines.Drain(ctx, routing.Drain{Line: "ads", Online: []routing.AccountID{"a"}})); len(out.Served) != 1 {
				t.Fatal(out)
			}
			for r, err := range db.Tenant("queue").Journal().After(ctx, "", 0) {
				if err != nil || strings.Contains(string(r.Result), "late") || strings.Contains(string(r.Result), "v0") {
					t.Fatal("the journal has a visitor", string(r.Result), err)
				}
			}
		})
		t.Run("64 who come at once are spread evenly, and none beyond the caps", func(t *testing.T) {
			lines := routing.New(db.Tenant("race"), nil)
			var s routing.Settings
			for i := range 4 {
				s.Accounts = append(s.Accounts, routing.Account{ID: routing.AccountID(fmt.Sprint("a", i)), Day: 10})
			}
			s.Queue = 4
			put(lines, "p", s)
			var sent, waits, none atomic.Int64
			var wg sync.WaitGroup
			for i := range 64 {
				wg.Go(func() {
					out, err := route(lines, fmt.Sprint("v", i), "a0", "a1", "a2", "a3")
					var full *routing.NoCapacityError
					switch {
					case errors.As(err, &full):
						none.Add(1)
					case err != nil:
						t.Error(err)
					case out.Waiting:
						waits.Add(1)
					default:
						sent.Add(1)
					}
				})
			}
			wg.Wait()
			line := must(lines.Line(ctx, "ads"))
			if sent.Load() != 40 || waits.Load() != 4 || none.Load() != 20 || line.Waiting != 4 || line.Sent != 40 {
				t.Fatal(sent.Load(), waits.Load(), none.Load(), line)
			}
			for _, k := range line.Taken {
				if k.Today != 10 {
					t.Fatal(line.Taken)
				}
			}
		})
		t.Run("64 who change a line at once all do", func(t *testing.T) {
			lines := routing.New(db.Tenant("puts"), nil)
			var wg sync.WaitGroup
			for i := range 64 {
				wg.Go(func() {
					s := routing.Settings{Zone: "Asia/Shanghai", Accounts: []routing.Account{{ID: "a", Day: int64(i + 1)}}}
					for range 2 {
						line, err := lines.Put(ctx, routing.Put{Line: "ads", Settings: s, Key: fmt.Sprint("k", i)})
						if err != nil || line.Settings.Accounts[0].Day != int64(i+1) {
							t.Error(i, line, err)
						}
					}
				})
			}
			wg.Wait()
			if line := must(lines.Line(ctx, "ads")); line.Seq != 64 {
				t.Error(line)
			}
		})
		t.Run("a put is repeated by its key, and keeps what was taken", func(t *testing.T) {
			lines := routing.New(db.Tenant("put"), nil)
			first := put(lines, "p", routing.Settings{Accounts: two})
			must(route(lines, "v", "a"))
			if again := put(lines, "p", routing.Settings{Accounts: two}); again.Version != first.Version {
				t.Fatal(again)
			}
			next := put(lines, "p2", routing.Settings{Accounts: two[1:]})
			if len(next.Taken) != 1 || next.Taken[0].Total != 1 || next.Version != 3 {
				t.Fatal(next)
			}
			err := db.Tenant("put").InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				_, err := lines.In(tx).Route(ctx, routing.Route{Line: "ads", Visitor: "w", Online: []routing.AccountID{"b"}})
				if err != nil {
					return err
				}
				return errors.ErrUnsupported
			})
			if line := must(lines.Line(ctx, "ads")); !errors.Is(err, errors.ErrUnsupported) || line.Sent != 1 {
				t.Fatal(line, err)
			}
			for _, bad := range []routing.Settings{
				{Zone: "Mars"}, {Zone: "UTC", Queue: -1}, {Zone: "UTC", Accounts: []routing.Account{{ID: "a"}, {ID: "a"}}}, {Zone: "UTC", Accounts: []routing.Account{{ID: "a", Day: -1}}},
			} {
				var input *errs.InputError
				if _, err := lines.Put(ctx, routing.Put{Line: "ads", Settings: bad, Key: "bad"}); !errors.As(err, &input) {
					t.Errorf("%+v: %v", bad, err)
				}
			}
		})
	})
}

// Two sales accounts share the visitors of an advertisement.
func Example() {
	now := time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	lines := routing.New(memory.New(), &routing.Options{Now: func() time.Time { return now }})
	_, err := lines.Put(ctx, routing.Put{Line: "spring", Key: "put-1", Settings: routing.Settings{
		Zone: "Asia/Shanghai", Queue: 100,
		Accounts: []routing.Account{{ID: "sales-1", Day: 2}, {ID: "sales-2", Day: 1}},
	}})
	fmt.Println(err)
	online := []routing.AccountID{"sales-1", "sales-2"}
	for _, visitor := range []routing.VisitorID{"ann", "bob", "ann", "eve", "joe"} {
		out, err := lines.Route(ctx, routing.Route{Line: "spring", Visitor: visitor, Online: online})
		fmt.Println(visitor, out.Sticky, out.Waiting, out.Line.Sent, err)
	}
	// Output:
	// <nil>
	// ann false false 1 <nil>
	// bob false false 2 <nil>
	// ann true false 2 <nil>
	// eve false false 3 <nil>
	// joe false true 3 <nil>
}
