package customer

import (
	"context"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// ScheduleErasure notes until when a customer is to be erased, or that they want to stay after all.
// From then on their data may not be used: see Customer.May.
func (e *Engine) ScheduleErasure(ctx context.Context, c ScheduleErasure) (Outcome, error) {
	return e.do(ctx, task{
		kind: KindScheduleErasure, check: c.check, member: c.Member, key: c.Key, by: c.By, input: c,
		decide: func(u *unit, _ time.Time) error {
			u.customer.EraseBy = journal.Instant(c.Due)
			return nil
		},
	})
}

// An Erasure is a customer who is to be erased.
type Erasure struct {
	Member ids.Member // who asked for it
	Due    time.Time  // until when
}

// Erasures yields who is to be erased before a time, the most urgent first.
func (e *Engine) Erasures(ctx context.Context, before time.Time) iter.Seq2[Erasure, error] {
	return func(yield func(Erasure, error) bool) {
		for r, err := range storage.List(ctx, e.frame.Store, toErase, storage.Range{To: journal.Instant(before)}) {
			if !yield(Erasure{r.Member, r.EraseBy}, err) {
				return
			}
		}
	}
}

// Erase forgets a person. What other engines have by the id stays, and so do sessions: end those.
func (e *Engine) Erase(ctx context.Context, c Erase) (Outcome, error) {
	return e.do(ctx, task{
		kind: KindErase, check: c.check, member: c.Member, key: c.Key, by: c.By, input: c,
		decide: func(u *unit, now time.Time) error {
			said := u.customer.Consents
			u.customer = Customer{ID: c.Member, Created: u.customer.Created, Consents: said, Erased: now, Version: u.customer.Version}
			return nil
		},
	})
}

// A Copy is all that the package has of a person, for themselves.
type Copy struct {
	Customer Customer  `json:"customer"` // as it is
	Consents []Consent `json:"consents"` // all that they said, in the order in which it was noted
}

// Export returns all that the package has of a customer. Errors: those of Get.
func (e *Engine) Export(ctx context.Context, id ids.Member) (Copy, error) {
	c, err := e.Get(ctx, id)
	if err != nil {
		return Copy{}, err
	}
	said, err := storage.Collect(e.Consents(ctx, id))
	return Copy{c, said}, err
}
