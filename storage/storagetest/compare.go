package storagetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// maxSteps is the length of a random history.
const maxSteps = 30

// Compare runs random histories on the adapter and on package memory, which is the model: every answer is the same. It
// opens one database, and gives a tenant of it to each history.
func Compare(t *testing.T, open func(t testing.TB) Database) {
	d, histories := open(t), 0
	rapid.Check(t, func(t *rapid.T) {
		histories++
		h := &history{
			t: t, ctx: context.Background(),
			model: memory.New(), adapter: d.Tenant(fmt.Sprint("history ", histories)),
		}
		for range rapid.IntRange(1, maxSteps).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "in a transaction") == 0 {
				h.transaction()
			} else {
				h.step(h.ctx, h.model).compare(h.ctx, t, h.adapter)
			}
		}
		h.compareAll()
	})
}

// A history is applied to the model first, whose state shows which versions are worth trying.
type history struct {
	t       *rapid.T
	ctx     context.Context
	model   storage.DB
	adapter storage.DB
	seq     int64 // of the newest entry
}

// A step is a call, and the answer of the model to it.
type step struct {
	name  string
	input any
	run   func(ctx context.Context, tx storage.Tx) (any, error)
	want  any
	err   string
}

// try runs the call on the model.
func try(ctx context.Context, model storage.Tx, name string, input any, run func(context.Context, storage.Tx) (any, error)) step {
	want, err := run(ctx, model)
	return step{name, input, run, want, kind(err)}
}

// difference runs the call on the adapter, and tells how its answer differs from the model's.
func (s step) difference(ctx context.Context, adapter storage.Tx) string {
	got, err := s.run(ctx, adapter)
	if k := kind(err); k != s.err {
		return fmt.Sprintf("%s of %+v: the adapter's error is %s (%v), the model's %s", s.name, s.input, k, err, s.err)
	}
	if diff := gocmp.Diff(s.want, got, exactly); diff != "" {
		return fmt.Sprintf("%s of %+v (-model +adapter):\n%s", s.name, s.input, diff)
	}
	return ""
}

func (s step) compare(ctx context.Context, t *rapid.T, adapter storage.Tx) {
	if diff := s.difference(ctx, adapter); diff != "" {
		t.Fatal(diff)
	}
}

// transaction runs some steps in one, which commits or rolls back.
func (h *history) transaction() {
	var end error
	if rapid.Bool().Draw(h.t, "rolls back") {
		end = errGivenUp
	}
	var steps []step
	err := h.model.InTx(h.ctx, func(ctx context.Context, tx storage.Tx) error {
		for range rapid.IntRange(1, 5).Draw(h.t, "steps in it") {
			steps = append(steps, h.step(ctx, tx))
		}
		return end
	})
	if !errors.Is(err, end) {
		h.t.Fatalf("the model's transaction: %v", err)
	}
	diff := ""
	err = h.adapter.InTx(h.ctx, func(ctx context.Context, tx storage.Tx) error {
		for _, s := range steps {
			if diff = s.difference(ctx, tx); diff != "" {
				return errors.New("it differs")
			}
		}
		return end
	})
	if diff != "" {
		h.t.Fatalf("in a transaction, %s", diff)
	}
	if !errors.Is(err, end) {
		h.t.Fatalf("the adapter's transaction: %v", err)
	}
}

// compareAll compares what every list gives in the end.
func (h *history) compareAll() {
	try(h.ctx, h.model, "Journal.After", nil, func(ctx context.Context, tx storage.Tx) (any, error) {
		entries, err := entriesOf(collect(tx.Journal().After(ctx, "", 0)))
		slices.SortFunc(entries, func(a, b journal.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
		return entries, err
	}).compare(h.ctx, h.t, h.adapter)
	try(h.ctx, h.model, "List", nil, everything).compare(h.ctx, h.t, h.adapter)
}

// kind is what errors.Is can tell of an error.
func kind(err error) string {
	if err == nil {
		return "none"
	}
	for name, sentinel := range map[string]error{
		"conflict": journal.ErrConflict, "duplicate": journal.ErrDuplicate, "bound": storage.ErrBound, "format": storage.ErrFormat,
		"outside": storage.ErrOutsideTx, "retry": storage.ErrRetry,
	} {
		if errors.Is(err, sentinel) {
			return name
		}
	}
	return "another"
}

// kinds are the answers of a Save.
func kinds(errs []error, err error) (any, error) {
	var all []string
	for _, err := range errs {
		all = append(all, kind(err))
	}
	return all, err
}
