package customer

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// PutProfile stores a profile, all of it, whose custom fields are those in force. ErrChanged: the
// customer has another version than the command.
func (e *Engine) PutProfile(ctx context.Context, c PutProfile) (Outcome, error) {
	fields := Fields{}
	return e.do(ctx, task{
		kind: KindPutProfile, member: c.Member, key: c.Key, by: c.By,
		input: []any{c.Member, c.Version, c.By}, private: c.Profile,
		check: func() (err error) {
			if err = c.check(); err == nil && len(c.Profile.Custom) > 0 {
				fields, err = e.Fields(ctx)
			}
			if err != nil {
				return err
			}
			return fields.checkCustom(c.Profile.Custom)
		},
		decide: func(u *unit, _ time.Time) error {
			if c.Version != 0 && c.Version != u.customer.Version {
				return ErrChanged
			}
			u.customer.Profile = c.Profile
			return nil
		},
	})
}

// PutPreferences stores preferences, all of them.
func (e *Engine) PutPreferences(ctx context.Context, c PutPreferences) (Outcome, error) {
	return e.do(ctx, task{
		kind: KindPutPreferences, check: c.check, member: c.Member, key: c.Key, by: c.By, input: c,
		decide: func(u *unit, _ time.Time) error {
			u.customer.Preferences = c.Preferences
			return nil
		},
	})
}

// RecordConsent notes what a customer said. It holds from the moment that it returns: whoever asks
// Customer.May before each message sends none after a withdrawal.
func (e *Engine) RecordConsent(ctx context.Context, c RecordConsent) (Outcome, error) {
	return e.do(ctx, task{
		kind: KindRecordConsent, check: c.check, member: c.Member, key: c.Key, by: c.By, input: c,
		decide: func(u *unit, now time.Time) error {
			said := c.Consent
			said.By = c.By
			if said.Time = journal.Instant(said.Time); said.Time.After(now) {
				said.Time = now
			}
			u.customer.Consents = heard(u.customer.Consents, said)
			u.words = []Consent{said}
			return nil
		},
	})
}

// Consents yields all that a customer said, in the order in which it was noted.
func (e *Engine) Consents(ctx context.Context, id ids.Member) iter.Seq2[Consent, error] {
	if err := valid.ID("member", id); err != nil {
		return engine.Failed[Consent](fmt.Errorf("customer: consents: %w", err))
	}
	return func(yield func(Consent, error) bool) {
		for w, err := range storage.List(ctx, e.frame.Store, consentsOf, storage.Range{Prefix: []any{id}}) {
			if !yield(w.Consent, err) {
				return
			}
		}
	}
}
