package stamps

import (
	"context"
	"fmt"

	"github.com/scrmkit/scrmkit/internal/bulk"
	"github.com/scrmkit/scrmkit/storage"
)

// AddEach gives stamps to any number of cards at once, each command by itself, and returns an
// outcome and an error for each: those of Add. In a bound engine it takes as many round trips as
// one Add.
func (e *Engine) AddEach(ctx context.Context, adds []Add) ([]Outcome, []error) {
	ctx, call := e.frame.Begin(ctx, string(KindAdd), "")
	defer call.End(new(error))
	return together(ctx, e, adds)
}

// together runs commands in one batch.
func together[C command](ctx context.Context, e *Engine, commands []C) ([]Outcome, []error) {
	return bulk.Each(commands, func(c C) (op, error) {
		if err := c.check(); err != nil {
			return op{}, fmt.Errorf("%s: %w", c.kind(), err)
		}
		return e.op(c), nil
	}, func(ops []op) ([]Outcome, []error) {
		outs, errs := e.runner.All(ctx, ops)
		for i, err := range errs {
			if err != nil {
				errs[i] = fmt.Errorf("%s %s: %w", ops[i].kind(), ops[i].lookup().Card, err)
			}
		}
		return outs, errs
	})
}

// Expecting is for who reads other things before an Add of a card that is about to come: it returns
// what to read with them, and what keeps the card in memory once it was read, so that the Add reads
// nothing where no change came first. A bound engine expects nothing: what it reads may be rolled
// back.
func (e *Engine) Expecting(id CardID) func() (looks []storage.Look, keep func()) {
	if e.frame.Bound {
		return nil
	}
	return func() ([]storage.Look, func()) {
		card := Card{ID: id}
		return []storage.Look{{Reads: []storage.Read{cards.Get(&card)}}}, func() {
			e.shared.cards.Add(e.frame.Tenant(), id, card)
		}
	}
}
