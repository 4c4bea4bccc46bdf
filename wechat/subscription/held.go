package subscription

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Held yields the messages of the app that are held, the oldest first: those of which it is unknown
// whether WeChat sent them, and those that are being sent.
func (l *Ledger) Held(ctx context.Context) iter.Seq2[Receipt, error] { return l.held(ctx, nil) }

// held yields those that were reserved before a time; nil: all.
func (l *Ledger) held(ctx context.Context, before any) iter.Seq2[Receipt, error] {
	return func(yield func(Receipt, error) bool) {
		for m, err := range storage.List(ctx, l.frame.Store, heldMessages, storage.Range{Prefix: []any{l.app}, To: before}) {
			if !yield(m.Receipt, err) {
				return
			}
		}
	}
}

// Reconcile gives up waiting for what became of the messages that were sent before a time and are
// held, and returns how many those were. They stay spent, as Unknown: WeChat may have sent them,
// and a user who gets no message is better off than one who gets it twice. Events come within a
// minute, so a time of an hour ago leaves none out. It may run twice, and beside anything else.
func (l *Ledger) Reconcile(ctx context.Context, before time.Time) (n int64, err error) {
	ctx, call := l.frame.Begin(ctx, "subscription.reconcile", "")
	defer call.End(&err)
	if last := l.frame.Now().Add(-Lease); before.After(last) {
		before = last
	}
	for m, err := range l.held(ctx, journal.Instant(before)) {
		if err != nil {
			return n, fmt.Errorf("subscription: reconcile: %w", err)
		}
		abandoned := false
		_, err := l.do(ctx, command{
			name: KindAbandon, openID: m.OpenID, template: m.Template, key: journal.DerivedKey("abandon", rand.Text()), input: m.Key,
			message: m.Key,
			apply:   func(c *consent, _ time.Time) error { abandoned = c.abandon(m.Key, m.At); return nil },
		})
		if err != nil {
			return n, fmt.Errorf("subscription: reconcile: %w", err)
		}
		if abandoned {
			n++
		}
	}
	return n, nil
}

// Prune forgets the messages that were sent before a time and are not held, and returns how many
// those were. A Key that is forgotten could send again, so the time is one before which no caller
// repeats any. Accepts are kept: they have no time limit. It may run twice, and beside anything
// else.
func (l *Ledger) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	r := storage.Range{Prefix: []any{l.app}, To: journal.Instant(before), Limit: engine.PruneBatch}
	n, err = engine.Prune(func() (int64, error) { return storage.Prune(ctx, l.frame.Store, doneMessages, r) })
	if err != nil {
		return n, fmt.Errorf("subscription: prune: %w", err)
	}
	return n, nil
}
