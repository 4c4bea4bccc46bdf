package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var errRefused = errs.New(errs.Conflict, "refused")

// ended is an operation with how it ended.
type ended struct {
	op      storage.Op
	outcome string
	err     error
}

// hooked returns a frame with what its hook is told.
func hooked() (engine.Frame, *[]ended) {
	var all []ended
	return engine.New(memory.New().Tenant("acme"), nil, func(ctx context.Context, op *storage.Op) (context.Context, func(error)) {
		if op.Replayed || op.Attempts != 0 {
			panic("the operation has not begun")
		}
		return context.WithValue(ctx, key{}, op.Name), func(err error) { all = append(all, ended{*op, op.Outcome(err), err}) }
	}), &all
}

type key struct{}

func TestDo(t *testing.T) {
	command := engine.Command{
		Name: "cup.fill", Check: func() error { return nil }, Subject: "cup/1", Key: "k", By: "bob", Input: []any{"tea", 2},
	}
	other, renamed, private := command, command, command
	other.Input = "coffee"
	renamed.Input, renamed.Others = "tea in another hash", []any{"and another", command.Input}
	private.Private = true
	refused := command
	refused.Check = func() error { return errRefused }
	outage := errors.New("outage")
	var first journal.Entry
	f, _ := hooked()
	_, _, err := engine.Do(t.Context(), f, command, func(_ context.Context, try *engine.Try[int]) (int, error) {
		first = try.Entry(3, 7)
		return 7, nil
	})
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		name    string
		command engine.Command
		try     func(n int, t *engine.Try[int]) (int, error) // n: which attempt it is
		want    int
		err     error
		op      storage.Op
		outcome string
	}{
		{"done at once", command, func(int, *engine.Try[int]) (int, error) { return 7, nil }, 7, nil, storage.Op{Subject: "cup/1", Attempts: 1}, "done"},
		{"done after others were", command, func(n int, t *engine.Try[int]) (int, error) {
			return n, []error{journal.ErrConflict, journal.ErrDuplicate, nil}[n-1]
		}, 3, nil, storage.Op{Subject: "cup/1", Attempts: 3}, "done"},
		{"done before", command, func(_ int, t *engine.Try[int]) (int, error) { return t.Replay(&first) }, 7, nil, storage.Op{Subject: "cup/1", Replayed: true, Attempts: 1}, "replayed"},
		{"done meanwhile", command, func(n int, t *engine.Try[int]) (int, error) {
			if n == 1 {
				return 8, journal.ErrDuplicate
			}
			return t.Replay(&first)
		}, 7, nil, storage.Op{Subject: "cup/1", Replayed: true, Attempts: 2}, "replayed"},
		{"done before, hashed otherwise", renamed, func(_ int, t *engine.Try[int]) (int, error) { return t.Replay(&first) }, 7, nil, storage.Op{Subject: "cup/1", Replayed: true, Attempts: 1}, "replayed"},
		{"of another input", other, func(_ int, t *engine.Try[int]) (int, error) { return t.Replay(&first) }, 0, journal.ErrKeyReused, storage.Op{Subject: "cup/1", Attempts: 1}, "refused"},
		{"that can't be", refused, nil, 0, errRefused, storage.Op{Subject: "cup/1"}, "refused"},
		{"refused by the rules", command, func(int, *engine.Try[int]) (int, error) { return 9, errRefused }, 0, errRefused, storage.Op{Subject: "cup/1", Attempts: 1}, "refused"},
		{"in an outage", command, func(int, *engine.Try[int]) (int, error) { return 9, outage }, 0, outage, storage.Op{Subject: "cup/1", Attempts: 1}, "failed"},
		{"among others without end", command, func(int, *engine.Try[int]) (int, error) { return 9, journal.ErrConflict }, 0, journal.ErrConflict, storage.Op{Subject: "cup/1", Attempts: 20}, "failed"},
		{"on a secret", private, func(int, *engine.Try[int]) (int, error) { return 7, nil }, 7, nil, storage.Op{Attempts: 1}, "done"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f, all := hooked()
			n := 0
			got, replayed, err := engine.Do(t.Context(), f, c.command, func(ctx context.Context, try *engine.Try[int]) (int, error) {
				if ctx.Value(key{}) != "cup.fill" {
					t.Errorf("%s: the context is not the hook's", c.name)
				}
				n++
				return c.try(n, try)
			})
			if got != c.want || replayed != c.op.Replayed || !errors.Is(err, c.err) || err != nil && err.Error() != "cup.fill: "+c.err.Error() {
				t.Errorf("%s: %d, %t, %v", c.name, got, replayed, err)
			}
			c.op.Name, c.op.Tenant = "cup.fill", "acme"
			if len(*all) != 1 || (*all)[0] != (ended{c.op, c.outcome, err}) {
				t.Errorf("%s: the hook was told %+v", c.name, *all)
			}
		})
	}

	if first.Subject != "cup/1" || first.Seq != 3 || first.Key != "k" || first.Kind != "cup.fill" || first.By != "bob" || string(first.Result) != "7" {
		t.Errorf("the entry is %+v", first)
	}
}

func TestFrame(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 1234, time.FixedZone("", 3600))
	f := engine.New(memory.New(), func() time.Time { return at }, nil)
	if want := time.Date(2026, 3, 1, 11, 0, 0, 1000, time.UTC); !f.Now().Equal(want) || f.Now().Location() != time.UTC {
		t.Errorf("now is %v, want %v", f.Now(), want)
	}
	other := memory.New().Tenant("other")
	if b := f.In(other); !b.Bound || b.Dry || b.Tenant() != "other" || f.Bound || f.Tenant() != "" {
		t.Errorf("%+v is bound, and was %+v", b, f)
	}
	if p := f.Preview(); !p.Dry || p.Bound || f.Dry {
		t.Errorf("%+v is dry, and was %+v", p, f)
	}
	ctx, call := f.Begin(t.Context(), "cup.fill", "cup/1")
	if call.End(new(error)); ctx != t.Context() {
		t.Error("without a hook the context is another")
	}
}
