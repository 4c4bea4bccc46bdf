package shop

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An InvitationID names an invitation. It is made of the token's hash, and accepts nothing.
type InvitationID string

// Invite makes an invitation to manage a shop.
type Invite struct {
	Shop ids.Shop `json:"shop"`         // shop to manage
	By   string   `json:"by,omitempty"` // who did it, for the journal
	Key  string   `json:"-"`            // idempotency key; required
}

// Invited is the answer to an Invite. ID names the invitation among the open ones; Token, 26
// letters and digits of 130 random bits, goes into the QR code that the new manager scans; whoever
// scans it first is bound.
type Invited struct {
	ID      InvitationID `json:"id"`      // names it among the open ones
	Token   string       `json:"-"`       // what Bind takes; shown this once
	Shop    ids.Shop     `json:"shop"`    // shop to manage
	Expires time.Time    `json:"expires"` // InvitationTTL after it was made
}

// Bind accepts an invitation.
type Bind struct {
	Token    string   // Invited.Token
	Identity Identity // who accepts it
	Name     string   // of the manager, shown to people
	Key      string   // idempotency key; required
}

// Withdraw ends an open invitation, or all of a shop.
type Withdraw struct {
	Shop       ids.Shop     `json:"shop"`                 // shop of the invitation
	Invitation InvitationID `json:"invitation,omitempty"` // "": all
	By         string       `json:"by,omitempty"`         // who did it, for the journal
	Key        string       `json:"-"`                    // idempotency key; required
}

// Invite makes an invitation. Errors: ErrUnknownShop; ErrShownOnce where the key was used before.
func (e *Engine) Invite(ctx context.Context, c Invite) (Invited, error) {
	var invited Invited
	out, err := e.do(ctx, KindInvite, c.check, task{
		lookup: lookup{shop: c.Shop}, subject: journal.Subject("shop", string(c.Shop)), key: c.Key, by: c.By,
		input: c, seq: ofShop,
		decide: func(s state, now time.Time) (update, Outcome, error) {
			if s.shop.Version == 0 {
				return update{}, Outcome{}, ErrUnknownShop
			}
			invited = Invited{Token: rand.Text(), Shop: c.Shop, Expires: now.Add(InvitationTTL)}
			invitation := Invitation{Hash: e.hashToken(invited.Token), Shop: c.Shop, By: c.By, Expires: invited.Expires}
			invited.ID = invitation.ID()
			return update{shops: []Shop{s.shop}, invitations: []Invitation{invitation}}, Outcome{}, nil
		},
	})
	if err == nil && out.Replayed {
		err = fmt.Errorf("%s: %w", KindInvite, ErrShownOnce)
	}
	if err != nil {
		return Invited{}, err
	}
	return invited, nil
}

// Bind makes an identity manager of the shop that invited it, in a slot that is free. Errors:
// ErrInvitation, ErrManages, ErrSlots.
func (e *Engine) Bind(ctx context.Context, c Bind) (Outcome, error) {
	hash := e.hashToken(c.Token)
	invitation, err := e.invitation(ctx, c, hash)
	if err != nil {
		return Outcome{}, err
	}
	return e.do(ctx, KindBind, c.check, task{
		lookup:  lookup{shop: invitation.Shop, staff: true, identity: c.Identity, invitation: hash},
		subject: journal.Subject("shop-manager", string(c.Identity)), key: c.Key, by: string(c.Identity),
		input: []any{hash, c.Identity, c.Name}, seq: ofManager,
		decide: func(s state, now time.Time) (update, Outcome, error) {
			switch {
			case !s.invitation.open(now):
				return update{}, Outcome{}, ErrInvitation
			case s.manager.Shop != "":
				return update{}, Outcome{}, ErrManages
			}
			slot, err := s.shop.slot(s.managers)
			if err != nil {
				return update{}, Outcome{}, err
			}
			manager := Manager{Identity: c.Identity, Shop: s.shop.ID, Slot: slot, Name: c.Name, Bound: now, Version: s.manager.Version}
			used := s.invitation
			used.Ended, used.UsedBy = now, c.Identity
			return update{managers: []Manager{manager}, invitations: []Invitation{used}}, Outcome{Manager: &manager, InvitedBy: s.invitation.By}, nil
		},
	})
}

// invitation returns the invitation that a Bind is for.
func (e *Engine) invitation(ctx context.Context, c Bind, hash []byte) (Invitation, error) {
	if err := c.check(); err != nil {
		return Invitation{}, fmt.Errorf("%s: %w", KindBind, err)
	}
	s, err := load(ctx, e.frame.Store, lookup{invitation: hash})
	if err == nil && s.invitation.Version == 0 {
		err = ErrInvitation
	}
	if err != nil {
		return Invitation{}, fmt.Errorf("%s: %w", KindBind, err)
	}
	return s.invitation, nil
}

// Invitations returns the open invitations of a shop, those that end first before the others.
// ErrUnknownShop: there is none.
func (e *Engine) Invitations(ctx context.Context, id ids.Shop) ([]Invitation, error) {
	if err := valid.ID("shop", id); err != nil {
		return nil, fmt.Errorf("shop: invitations: %w", err)
	}
	s, err := load(ctx, e.frame.Store, lookup{shop: id, invited: true})
	if err == nil && s.shop.Version == 0 {
		err = ErrUnknownShop
	}
	if err != nil {
		return nil, fmt.Errorf("shop: invitations of %s: %w", id, err)
	}
	now := e.frame.Now()
	return slices.DeleteFunc(s.invitations, func(i Invitation) bool { return !i.open(now) }), nil
}

// Withdraw ends an invitation, or all that are open, at once; the outcome says which. Errors:
// ErrUnknownShop; ErrInvitation where the one that was asked for is not an open one of the shop.
func (e *Engine) Withdraw(ctx context.Context, c Withdraw) (Outcome, error) {
	return e.do(ctx, KindWithdraw, c.check, task{
		lookup: lookup{shop: c.Shop, invited: true}, subject: journal.Subject("shop", string(c.Shop)), key: c.Key, by: c.By,
		input: c, seq: ofShop,
		decide: func(s state, now time.Time) (update, Outcome, error) {
			if s.shop.Version == 0 {
				return update{}, Outcome{}, ErrUnknownShop
			}
			change := update{shops: []Shop{s.shop}}
			var out Outcome
			for _, i := range s.invitations {
				if i.open(now) && (c.Invitation == "" || c.Invitation == i.ID()) {
					change.invitations = append(change.invitations, i.withdrawn(now))
					out.Withdrawn = append(out.Withdrawn, i.ID())
				}
			}
			if c.Invitation != "" && len(out.Withdrawn) == 0 {
				return update{}, Outcome{}, ErrInvitation
			}
			return change, out, nil
		},
	})
}

// ID returns the name of the invitation.
func (i Invitation) ID() InvitationID { return InvitationID(hex.EncodeToString(i.Hash)) }

// withdrawn returns the invitation as nobody can use it.
func (i Invitation) withdrawn(now time.Time) Invitation {
	i.Ended = now
	return i
}

// open reports whether the invitation may be used at that time.
func (i Invitation) open(now time.Time) bool {
	return i.Version > 0 && i.Ended.IsZero() && now.Before(i.Expires)
}

// hashToken returns what is stored of a token. The tenant is in it: in another one the token is
// unknown, whatever is stored there.
func (e *Engine) hashToken(token string) []byte {
	return keyring.Sum(nil, "scrmkit shop invitation", e.frame.Tenant(), token)
}

func (c Invite) check() error {
	return cmp.Or(valid.ID("shop", c.Shop), valid.Text("by", c.By), valid.ID("key", c.Key))
}

func (c Bind) check() error {
	err := cmp.Or(valid.ID("identity", c.Identity), valid.Text("name", c.Name), valid.ID("key", c.Key))
	if err == nil && (len(c.Token) > valid.MaxID || c.Token == "") {
		err = &errs.InputError{Field: "token", Reason: fmt.Sprintf("has not 1 to %d bytes", valid.MaxID)}
	}
	return err
}

func (c Withdraw) check() error {
	return cmp.Or(valid.ID("shop", c.Shop), valid.OptionalID("invitation", c.Invitation), valid.Text("by", c.By), valid.ID("key", c.Key))
}
