package stamps

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/bulk"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

const (
	maxRounds  = 1_000_000 // of an Import
	maxCoupons = 1_000     // of an Import
)

// An Import opens the card of a member who comes from another system, with what the member had
// there. It gives no coupon but those that it names, and meets no limit. Its stamps are not taken
// back: what is wrong of them is made good by an Adjust that gives some, or by Void.
type Import struct {
	Card    CardID          `json:"card"`              // card to open; has not been opened
	Rounds  int64           `json:"rounds,omitempty"`  // rounds completed, of a program that carries stamps on
	Count   int64           `json:"count,omitempty"`   // stamps of the round that is open
	Opened  time.Time       `json:"opened,omitzero"`   // since when the member has the card; zero: now
	First   time.Time       `json:"first,omitzero"`    // first stamp of the round; zero: now
	Last    time.Time       `json:"last,omitzero"`     // newest stamp of the round; zero: First
	Coupons []OpeningCoupon `json:"coupons,omitempty"` // coupons that may be redeemed
	Reason  string          `json:"reason,omitempty"`  // why, for the journal
	Place
	Key string `json:"-"` // idempotency key; required
}

// An OpeningCoupon is a coupon that a member comes with.
type OpeningCoupon struct {
	Reward  string    `json:"reward"`           // Reward.ID, of the program's card
	Issued  time.Time `json:"issued,omitzero"`  // when it was issued; zero: now
	Expires time.Time `json:"expires,omitzero"` // when it ends; zero: by the reward's rule, from Issued on
	Issuer  ids.Shop  `json:"issuer,omitempty"` // shop that gave it; "": none did
}

func (c Import) check() error {
	err := cmp.Or(c.Card.collects(), valid.Between("rounds", c.Rounds, 0, maxRounds), valid.Between("count", c.Count, 0, maxStamps),
		valid.Time("opened", c.Opened), valid.Time("first", c.First), valid.Time("last", c.Last),
		valid.Between("coupons", int64(len(c.Coupons)), 0, maxCoupons), valid.Text("reason", c.Reason), c.Place.check(), checkKey(c.Key))
	for i, k := range c.Coupons {
		field := fmt.Sprintf("coupons[%d]", i)
		err = cmp.Or(err, valid.ID(field+".reward", k.Reward), valid.Time(field+".issued", k.Issued), valid.Time(field+".expires", k.Expires),
			valid.OptionalID(field+".issuer", k.Issuer))
	}
	return err
}

// Import decides on an Import. Errors: ErrCardExists, ErrNoCard, ErrFull, *errs.InputError.
func (r Rules) Import(c Card, x Import, now time.Time) (Decision, error) {
	if c.Version != 0 {
		return Decision{}, ErrCardExists
	}
	m, err := r.change(c, now, x.Place)
	if err != nil {
		return Decision{}, err
	}
	d, card := m.played.def.Card, &m.card
	carries := d.PastEnd == Carry
	switch {
	case x.Rounds > 0 && !carries:
		return Decision{}, &errs.InputError{Field: "rounds", Reason: "is not for a program that does not carry stamps on"}
	case carries && x.Count >= d.Size, d.PastEnd == Stop && x.Count > d.Size:
		return Decision{}, ErrFull
	}
	for _, t := range []struct {
		field string
		at    time.Time
		to    *time.Time
	}{{"opened", x.Opened, &card.Opened}, {"first", x.First, &card.State.First}, {"last", x.Last, &card.State.Last}} {
		if *t.to, err = valid.Past(t.field, t.at, m.at); err != nil {
			return Decision{}, err
		}
	}
	card.Round, card.Count, card.Total = x.Rounds, x.Count, x.Rounds*d.Size+x.Count
	if !carries && x.Count >= d.Size {
		card.Round = 1
	}
	if x.Last.IsZero() {
		card.State.Last = card.State.First
	}
	if x.Count == 0 {
		card.State.First, card.State.Last = time.Time{}, time.Time{}
	}
	for i, k := range x.Coupons {
		if err := m.bring(k, fmt.Sprintf("coupons[%d]", i)); err != nil {
			return Decision{}, err
		}
	}
	m.record(Record{Purpose: PurposeImport, N: card.Total, Reason: x.Reason}, x.Place)
	card.State.Floor, card.State.Stood = card.Total, card.State.Seq
	return m.end(), nil
}

// bring gives the card a coupon that the member comes with.
func (m *move) bring(k OpeningCoupon, field string) error {
	i := slices.IndexFunc(m.played.rewards, func(r Reward) bool { return r.ID == k.Reward })
	if i < 0 {
		return &errs.InputError{Field: field + ".reward", Reason: "is not of the program"}
	}
	issued, err := valid.Past(field+".issued", k.Issued, m.at)
	if err != nil {
		return err
	}
	m.coupon(m.played.rewards[i], m.played, 0)
	c := &m.coupons[len(m.coupons)-1]
	c.Issued, c.Issuer, c.Expires = issued, k.Issuer, journal.Instant(k.Expires)
	if c.Expires.IsZero() {
		c.Expires = m.played.rewards[i].Coupon.end(issued.In(m.played.zone))
	}
	if !c.Expires.IsZero() && !c.Expires.After(m.at) {
		return &errs.InputError{Field: field + ".expires", Reason: "is not in the future; leave the coupon out"}
	}
	return nil
}

// Imported is what ImportAll did, to be compared with what the other system says of its members.
type Imported struct {
	storage.Imported
	Stamps  int64            // on all cards that were opened, now or before, in the rounds that were open then
	Coupons map[string]int64 // coupons of the cards, by Reward.ID
}

// ImportAll runs imports, in any order and many in each write; each does what Engine.Import does with
// it. It can be stopped by ctx at any time. It goes on where it is run again with the same imports,
// or with those from Next on: what took effect is replayed by its key. On a Preview it stores
// nothing and returns what it would come to, but that it does not see a card that two imports far
// apart open.
//
// It returns what it did though it ends with an error: that of the sequence, of the database, of ctx
// or, where nobody is told of refusals, of the first of them. An import that was under way then may
// have taken effect and not be counted.
func (e *Engine) ImportAll(ctx context.Context, imports iter.Seq2[Import, error], opts *storage.ImportOptions[Import]) (done Imported, err error) {
	ctx, call := e.frame.Begin(ctx, string(KindImport), "")
	defer call.End(&err)
	o := *cmp.Or(opts, &storage.ImportOptions[Import]{})
	if e.frame.Bound {
		o.Workers = 1
	}
	done.Coupons = map[string]int64{}
	done.Imported, err = bulk.Import(ctx, "stamps: import", imports, o, func(ctx context.Context, batch []Import) ([]Outcome, []error) {
		return together(ctx, e, batch)
	}, func(out Outcome) (bool, error) {
		done.Stamps += out.Card.Count
		for _, c := range out.Coupons {
			done.Coupons[c.Reward]++
		}
		return out.Replayed, nil
	})
	return done, err
}
