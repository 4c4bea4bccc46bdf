package customer

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// ErrMember: a new customer was to get the id of one who is there.
var ErrMember = errs.New(errs.Conflict, "customer: there is a customer of that id; link identities to them instead")

// SignIn returns whose an identity is, which the caller has just verified: the customer that it
// belongs to; or else the one that another identity of Also belongs to; or else a new one. What
// belongs to nobody is linked to them, in the place of an identity of the same platform and
// namespace, such as a unionid that WeChat gives anew, while the customer has fewer than
// MaxIdentities. What belongs to somebody else stays there. Neither is in the way of the sign-in:
// see SignedIn.
//
// It may run twice, and takes no key: an identity that is known by then changes nothing, and is one
// round trip. Errors: ErrMember.
func (e *Engine) SignIn(ctx context.Context, c SignIn) (SignedIn, error) {
	all := append([]Identity{c.Identity}, c.Also...)
	command := engine.Command{Name: string(KindSignIn), Check: c.check}
	out, _, err := engine.Do(ctx, e.frame, command, func(ctx context.Context, try *engine.Try[SignedIn]) (SignedIn, error) {
		u, err := e.load(ctx, lookup{identities: all})
		if err != nil {
			return SignedIn{}, err
		}
		member := who(u.owned)
		if !slices.ContainsFunc(u.owned, func(o owned) bool { return o.owner == "" }) {
			clash := slices.ContainsFunc(u.owned, func(o owned) bool { return o.owner != member })
			return SignedIn{Member: member, Clash: clash}, nil
		}
		out := SignedIn{Member: member, New: member == ""}
		if out.New {
			if out.Member = c.Member; out.Member == "" {
				out.Member = ids.Member(rand.Text())
			}
		}
		if u, err = e.load(ctx, lookup{member: out.Member, identities: all}); err != nil {
			return SignedIn{}, err
		}
		switch {
		case who(u.owned) != member:
			return SignedIn{}, journal.ErrConflict // somebody linked one of them meanwhile
		case out.New && u.customer.Version > 0:
			return SignedIn{}, ErrMember
		case out.New:
			u.customer = Customer{ID: out.Member, Created: try.Now}
		}
		u.customer.Identities, out.Linked, out.Clash = joined(out.Member, u.customer.Identities, u.owned, c.Way, try.Now)
		if out.Linked == 0 {
			return out, nil
		}
		entry := try.Entry(u.customer.Version+1, out)
		entry.Subject, entry.Input, entry.Before = journal.Subject("customer", string(out.Member)), nil, u.before
		return out, e.save(ctx, u, entry)
	})
	return out, err
}

// Link adds an identity to a customer, or notes that it was proven again. Errors: ErrTaken, which
// names nobody, and nothing has changed: tell it only to who has proven the identity; ErrLinked,
// ErrFull.
func (e *Engine) Link(ctx context.Context, c Link) (Outcome, error) {
	return e.do(ctx, task{
		kind: KindLink, check: c.check, member: c.Member, key: c.Key, by: c.By,
		input: []any{c.Member, c.Way, c.Replace, c.By}, private: c.Identity, identities: []Identity{c.Identity},
		decide: func(u *unit, now time.Time) error {
			former, err := link(u.customer.Identities, u.owned[0], c.Member, c.Replace)
			if err != nil {
				return err
			}
			u.former = former
			u.customer.Identities = append(slices.DeleteFunc(u.customer.Identities, func(l Linked) bool {
				return l.Identity == c.Identity || former != nil && l.Identity == *former
			}), Linked{c.Identity, c.Way, now})
			return nil
		},
	})
}

// Unlink takes an identity from a customer: nobody signs in with it until it is linked again.
// Errors: ErrNotLinked, ErrLast.
func (e *Engine) Unlink(ctx context.Context, c Unlink) (Outcome, error) {
	return e.do(ctx, task{
		kind: KindUnlink, check: c.check, member: c.Member, key: c.Key, by: c.By,
		input: []any{c.Member, c.By}, private: c.Identity,
		decide: func(u *unit, now time.Time) error {
			if err := unlink(u.customer.Identities, c.Identity); err != nil {
				return err
			}
			u.former = &c.Identity
			u.customer.Identities = slices.DeleteFunc(u.customer.Identities, func(l Linked) bool { return l.Identity == c.Identity })
			return nil
		},
	})
}
