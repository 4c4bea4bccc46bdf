package customer

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Reseal seals by the first key what was sealed by another one that the engine has, and returns how
// many customers those were. It may be stopped, by ctx, and run again, beside anything else. Where
// it returns no error, and every process has that key first, the other keys may go.
func (e *Engine) Reseal(ctx context.Context) (n int, err error) {
	for _, k := range e.ring[1:] {
		for r, err := range storage.List(ctx, e.frame.Store, customersByKey, storage.Range{Prefix: []any{k.id}}) {
			if err == nil {
				err = e.touch(ctx, "customer.reseal", r.Member, func(u *unit, _ *engine.Try[Result]) error {
					if u.record.KeyID == e.ring[0].id {
						return nil
					}
					return e.save(ctx, u)
				})
			}
			if err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// touch loads a customer for what is no command of a user.
func (e *Engine) touch(ctx context.Context, kind string, id ids.Member, try func(*unit, *engine.Try[Result]) error) error {
	command := engine.Command{Name: kind, Check: func() error { return nil }, Subject: journal.Subject("customer", string(id))}
	_, _, err := engine.Do(ctx, e.frame, command, func(ctx context.Context, t *engine.Try[Result]) (Result, error) {
		u, err := e.load(ctx, lookup{member: id})
		if err == nil {
			err = try(u, t)
		}
		return Result{}, err
	})
	return err
}

// A Moved is how far the users of an app have moved to another one.
type Moved struct {
	Moved   int // whose openid of the old app was unlinked, for they have one of the new app
	Waiting int // who will be known by another identity when they first sign in to the new app
	Lost    int // whom nothing but the openid of the old app tells: the new app will take them for others
}

// MoveApp deals with an app whose users WeChat moved to another one (小程序账号迁移), under the same
// open-platform account. Openids are of the app, so that each user has a new one: at the first
// sign-in the unionid tells who it is, and links it. MoveApp unlinks the old ones of those who have
// come, and counts the others; run Reseal first where keys were rotated. It may run at any time,
// and again. Errors: *errs.InputError.
func (e *Engine) MoveApp(ctx context.Context, from, to string) (m Moved, err error) {
	err = cmp.Or(valid.ID("from", from), valid.ID("to", to))
	if err == nil && from == to {
		err = &errs.InputError{Field: "to", Reason: "is the same app"}
	}
	if err != nil {
		return m, err
	}
	for p, err := range storage.List(ctx, e.frame.Store, identitiesIn, storage.Range{Prefix: []any{OpenID, from}}) {
		if err != nil {
			return m, err
		}
		var of *int
		err = e.touch(ctx, string(KindMoveApp), p.Member, func(u *unit, t *engine.Try[Result]) error {
			old, has := u.customer.Identity(OpenID, from)
			_, there := u.customer.Identity(OpenID, to)
			switch {
			case !has || !bytes.Equal(e.ring[0].place(e.frame.Tenant(), old.Identity), p.Hash):
				of = nil // it is a place under another key
				return nil
			case there:
				of = &m.Moved
			case len(u.customer.Identities) > 1:
				of = &m.Waiting
				return nil
			default:
				of = &m.Lost
				return nil
			}
			u.customer.Identities = slices.DeleteFunc(u.customer.Identities, func(l Linked) bool { return l == old })
			r := e.result(u)
			entry := t.Entry(r.Version, r)
			entry.Input, entry.Before = nil, u.before
			return e.save(ctx, u, entry)
		})
		if err != nil {
			return m, err
		}
		if of != nil {
			*of++
		}
	}
	return m, nil
}
