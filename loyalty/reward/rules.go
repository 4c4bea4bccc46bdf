package reward

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Rules decide on commands, each voucher by the version of the catalog that it was taken with.
// They are safe for concurrent use.
type Rules struct {
	now    *Catalog
	others []*Catalog
}

// NewRules returns the rules of a catalog: what is taken now, and older versions that vouchers
// were taken with.
func NewRules(now *Catalog, others ...*Catalog) Rules { return Rules{now, others} }

// An Outcome is what a command did.
type Outcome struct {
	Holder    HolderID   `json:"holder"`              // member and catalog
	Seq       int64      `json:"seq"`                 // number of the command among those of the holder
	At        time.Time  `json:"at"`                  // when the command took effect
	Vouchers  []Voucher  `json:"vouchers"`            // new or changed, after the command
	Lapsed    []Voucher  `json:"lapsed,omitempty"`    // reservations whose end was posted with it
	Price     Price      `json:"price,omitzero"`      // of the vouchers together
	Fits      []Fit      `json:"fits,omitempty"`      // of a table
	Reason    string     `json:"reason,omitempty"`    // as it was given
	Peer      *HolderID  `json:"peer,omitempty"`      // the other side of a merger
	Deduction *Deduction `json:"deduction,omitempty"` // what a redemption took off its cart

	Replayed bool `json:"-"` // the key was used before, and this is the first outcome
}

// A Bound adds N to a count, which must then be in 0 to Most.
type Bound struct {
	Count
	Most int64 // largest sum
}

// A Decision is a holder as it is after a command, and what is added to the counts of all.
type Decision struct {
	Outcome
	Next   Holder    // holder after the command
	Bounds []Bound   // what is added to the counts of all members
	also   *Decision // on the other side of a merger
}

// A move is a decision that is being made.
type move struct {
	Decision
	rules Rules
	at    time.Time
}

func (r Rules) begin(h Holder, reserved []Voucher, now time.Time) (*move, error) {
	h.Counts = slices.Clone(h.Counts)
	m := &move{Decision{Outcome: Outcome{Holder: h.ID, Seq: h.Seq + 1, At: now}, Next: h}, r, now}
	for _, v := range reserved {
		if v.State == Reserved && v.ends(now) {
			if err := m.giveBack(v); err != nil {
				return nil, err
			}
			m.Lapsed = append(m.Lapsed, v.At(now))
		}
	}
	return m, nil
}

// of returns the reward of a voucher, in the version of the catalog that it was taken with.
func (r Rules) of(v Voucher) (*Catalog, *Reward, error) {
	c := r.now
	if i := slices.IndexFunc(r.others, func(c *Catalog) bool { return c.def.Version == v.Version }); i >= 0 {
		c = r.others[i]
	}
	if c.def.Version != v.Version {
		return nil, nil, fmt.Errorf("reward: version %d of the catalog is not at hand", v.Version)
	}
	reward, err := c.reward(v.Reward)
	return c, reward, err
}

// count adds to what was taken by all members, and where own is true by this one.
func (m *move) count(c *Catalog, r *Reward, n int64, taken time.Time, own bool) {
	for _, b := range c.bounds(r, taken) {
		i := slices.IndexFunc(m.Bounds, func(o Bound) bool { return o.Reward == b.Reward && o.In == b.In })
		if i < 0 {
			i = len(m.Bounds)
			m.Bounds = append(m.Bounds, Bound{b.Count, math.MaxInt64})
		}
		m.Bounds[i].N += n
		if n > 0 {
			m.Bounds[i].Most = b.Most
		}
	}
	if !own {
		return
	}
	for _, b := range bounds(c, r.ID, r.PerMember, taken) {
		i := slices.IndexFunc(m.Next.Counts, func(o Count) bool { return o.Reward == b.Reward && o.In == b.In })
		if i < 0 {
			i = len(m.Next.Counts)
			m.Next.Counts = append(m.Next.Counts, b.Count)
		}
		m.Next.Counts[i].N = max(0, m.Next.Counts[i].N+n)
	}
}

// giveBack gives a voucher back to the stock and to the limits.
func (m *move) giveBack(v Voucher) error {
	if v.Imported {
		return nil
	}
	c, r, err := m.rules.of(v)
	if err == nil {
		m.count(c, r, -1, v.Taken, !v.Gift)
	}
	return err
}

func (m *move) end(reason string) Decision {
	m.Reason = reason
	m.Next.Seq = m.Seq
	current := m.rules.now.periods(m.at)
	m.Next.Counts = slices.DeleteFunc(m.Next.Counts, func(c Count) bool { return c.N == 0 || !slices.Contains(current, c.In) })
	slices.SortFunc(m.Next.Counts, compareCounts)
	m.Bounds = slices.DeleteFunc(m.Bounds, func(b Bound) bool { return b.N == 0 && b.Most == math.MaxInt64 })
	slices.SortFunc(m.Bounds, func(a, b Bound) int { return compareCounts(a.Count, b.Count) })
	for _, v := range m.Vouchers {
		m.Price.Currency = v.Price.Currency
		m.Price.Points += v.Price.Points
		m.Price.Money += v.Price.Money
	}
	return m.Decision
}

func compareCounts(a, b Count) int {
	return cmp.Or(cmp.Compare(a.Reward, b.Reward), cmp.Compare(a.In, b.In))
}

// take adds the vouchers of a Take.
func (m *move) take(t Take, key string, gift bool) (*Reward, error) {
	if m.Next.Merged != "" {
		return nil, ErrMerged
	}
	c := m.rules.now
	r, err := c.reward(t.Reward)
	if err != nil {
		return nil, err
	}
	n := max(1, t.N)
	switch {
	case m.at.Before(r.From) || !r.To.IsZero() && !m.at.Before(r.To):
		return nil, ErrClosed
	case !gift && len(r.Levels) > 0 && !slices.Contains(r.Levels, t.Level):
		return nil, ErrLevel
	case !gift && m.left(r) < n:
		return nil, ErrMemberLimit
	}
	piece, err := m.price(r, t, gift)
	if err != nil {
		return nil, err
	}
	for _, b := range c.bounds(r, m.at) {
		if b.Most < n {
			return nil, ErrSoldOut
		}
	}
	m.count(c, r, n, m.at, !gift)
	order := m.Next.Last + 1
	for i := range n {
		m.Vouchers = append(m.Vouchers, Voucher{
			ID: VoucherID{m.Holder, order + i}, Order: order, Reward: r.ID, Of: cmp.Or(t.Of, key), Name: r.Name, Version: c.def.Version,
			Price: piece.Price, Value: piece.Value, Gift: gift, Taken: m.at,
		})
	}
	m.Next.Last += n
	return r, nil
}

// price returns a voucher with what a piece costs and is worth.
func (m *move) price(r *Reward, t Take, gift bool) (Voucher, error) {
	switch {
	case r.Table != nil:
		return m.exchange(r, t, gift)
	case gift || len(r.Prices) == 0 && t.Price == (Price{}) || slices.Contains(r.Prices, t.Price):
		return Voucher{Price: t.Price, Value: r.Value}, nil
	}
	return Voucher{}, ErrPrice
}

func (m *move) exchange(r *Reward, t Take, gift bool) (v Voucher, err error) {
	table := *r.Table
	switch {
	case gift:
		return v, &errs.InputError{Field: "gift", Reason: "is of a table, whose vouchers have their value from points"}
	case t.N > 1:
		return v, &errs.InputError{Field: "n", Reason: "is more than 1, and a table makes one voucher"}
	case t.Price.Money != 0 || t.Price.Currency != table.Currency:
		return v, ErrPrice
	}
	most, err := m.rules.now.most(r, t.Cart)
	if err != nil {
		return v, err
	}
	m.Fits, v.Price.Points, v.Value = table.Pay(t.Price.Points, most)
	if v.Price.Currency = table.Currency; v.Price.Points == 0 {
		return v, ErrTooFew
	}
	return v, nil
}

// left returns how many pieces the limits of a member leave.
func (m *move) left(r *Reward) int64 {
	return left(bounds(m.rules.now, r.ID, r.PerMember, m.at), slices.Concat(m.Next.Counts, m.Next.Others))
}

func left(bounds []Bound, counts []Count) int64 {
	least := int64(math.MaxInt64)
	for _, b := range bounds {
		for _, c := range counts {
			if c.Reward == b.Reward && c.In == b.In {
				b.N += c.N
			}
		}
		least = min(least, b.Most-b.N)
	}
	return max(0, least)
}

// Issue decides on an Issue, where reserved are the vouchers that the member has reserved. Errors:
// ErrUnknownReward, ErrClosed, ErrMerged, ErrLevel, ErrPrice, ErrTooFew, ErrMemberLimit,
// ErrSoldOut, ErrCurrency, *errs.InputError.
func (r Rules) Issue(h Holder, reserved []Voucher, x Issue, now time.Time) (Decision, error) {
	m, err := r.begin(h, reserved, now)
	if err != nil {
		return Decision{}, err
	}
	reward, err := m.take(x.Take, x.Key, x.Gift)
	if err != nil {
		return Decision{}, err
	}
	from, to := r.now.window(reward.Valid, now)
	if !to.IsZero() && !now.Before(to) {
		return Decision{}, ErrClosed
	}
	for i := range m.Vouchers {
		v := &m.Vouchers[i]
		v.State, v.From, v.To = Issued, from, to
	}
	return m.end(x.Reason), nil
}

// Reserve decides on a Reserve. Errors: those of Issue, ErrReserved.
func (r Rules) Reserve(h Holder, reserved []Voucher, x Reserve, now time.Time) (Decision, error) {
	m, err := r.begin(h, reserved, now)
	if err != nil {
		return Decision{}, err
	}
	if _, err := m.take(x.Take, x.Key, false); err != nil {
		return Decision{}, err
	}
	if len(reserved)-len(m.Lapsed)+len(m.Vouchers) > MaxReserved {
		return Decision{}, ErrReserved
	}
	for i := range m.Vouchers {
		m.Vouchers[i].State, m.Vouchers[i].To = Reserved, journal.Instant(now.Add(x.For))
	}
	return m.end(""), nil
}

// order adds what is reserved under a number. ErrUnknownOrder: nothing.
func (m *move) order(reserved []Voucher, number int64) error {
	for _, v := range reserved {
		if v.Order == number && v.State == Reserved && !v.ends(m.at) {
			m.Vouchers = append(m.Vouchers, v)
		}
	}
	if len(m.Vouchers) == 0 {
		return ErrUnknownOrder
	}
	return nil
}

// Capture decides on a Capture. Errors: ErrUnknownOrder, ErrClosed where the vouchers would be past
// their end at once.
func (r Rules) Capture(h Holder, reserved []Voucher, x Capture, now time.Time) (Decision, error) {
	m, err := r.begin(h, reserved, now)
	if err == nil {
		err = m.order(reserved, x.Order)
	}
	if err != nil {
		return Decision{}, err
	}
	for i := range m.Vouchers {
		v := &m.Vouchers[i]
		c, reward, err := r.of(*v)
		if err != nil {
			return Decision{}, err
		}
		v.State = Issued
		if v.From, v.To = c.window(reward.Valid, now); v.ends(now) {
			return Decision{}, ErrClosed
		}
	}
	return m.end(""), nil
}

// Cancel decides on a Cancel. Errors: ErrUnknownOrder.
func (r Rules) Cancel(h Holder, reserved []Voucher, x Cancel, now time.Time) (Decision, error) {
	m, err := r.begin(h, reserved, now)
	if err == nil {
		err = m.order(reserved, x.Order)
	}
	if err != nil {
		return Decision{}, err
	}
	for i := range m.Vouchers {
		v := &m.Vouchers[i]
		if err := m.giveBack(*v); err != nil {
			return Decision{}, err
		}
		v.State, v.Ended, v.By = Cancelled, now, x.By
	}
	return m.end(x.Reason), nil
}

// turn changes one voucher.
func (r Rules) turn(h Holder, v *Voucher, now time.Time, reason string, f func(m *move, v *Voucher) error) (Decision, error) {
	if v == nil {
		return Decision{}, ErrUnknownVoucher
	}
	m, err := r.begin(h, nil, now)
	if err != nil {
		return Decision{}, err
	}
	turned := v.At(now)
	if err := f(m, &turned); err != nil {
		return Decision{}, err
	}
	m.Vouchers = []Voucher{turned}
	return m.end(reason), nil
}

// usable returns why a voucher can't be used; nil: it can.
func (v Voucher) usable() error {
	switch v.State {
	case Reserved:
		return ErrNotIssued
	case Redeemed:
		return ErrRedeemed
	case Lapsed:
		return ErrLapsed
	case Issued:
		return nil
	}
	return ErrVoided
}

// Redeem decides on a Redeem, of a voucher or nil. Errors: ErrUnknownVoucher, ErrNotIssued,
// ErrNotYet, ErrRedeemed, ErrLapsed, ErrVoided, ErrShop; with a cart ErrCurrency, and ErrNothing
// where the voucher takes nothing off it.
func (r Rules) Redeem(h Holder, v *Voucher, x Redeem, now time.Time) (Decision, error) {
	return r.turn(h, v, now, "", func(m *move, v *Voucher) error {
		if err := v.usable(); err != nil {
			return err
		}
		if now.Before(v.From) {
			return ErrNotYet
		}
		c, reward, err := r.of(*v)
		if err != nil {
			return err
		}
		if len(reward.Shops) > 0 && !slices.Contains(reward.Shops, x.Shop) {
			return ErrShop
		}
		if x.Cart != nil {
			d, err := c.deduct(reward, v.Value, *x.Cart)
			if err == nil && d.Total == 0 {
				err = ErrNothing
			}
			if err != nil {
				return err
			}
			m.Deduction = &d
		}
		v.State, v.Ended, v.Shop, v.By = Redeemed, now, x.Shop, x.By
		return nil
	})
}

// Deduct returns what a voucher takes off a cart, by the version of the catalog that it was taken
// with. Errors: *errs.InputError, ErrCurrency.
func (r Rules) Deduct(v Voucher, cart Cart) (Deduction, error) {
	c, _, err := r.of(v)
	if err != nil {
		return Deduction{}, err
	}
	return c.Deduct(v.Reward, v.Value, cart)
}

// Undo decides on an Undo. Errors: ErrUnknownVoucher, ErrNotRedeemed.
func (r Rules) Undo(h Holder, v *Voucher, x Undo, now time.Time) (Decision, error) {
	return r.turn(h, v, now, x.Reason, func(_ *move, v *Voucher) error {
		if v.State != Redeemed {
			return ErrNotRedeemed
		}
		v.State, v.Ended, v.Shop, v.By = Issued, time.Time{}, "", ""
		return nil
	})
}

// Return decides on a Return. Errors: ErrUnknownVoucher, ErrNotIssued, ErrRedeemed, ErrLapsed,
// ErrVoided.
func (r Rules) Return(h Holder, v *Voucher, x Return, now time.Time) (Decision, error) {
	return r.turn(h, v, now, x.Reason, func(m *move, v *Voucher) error {
		if err := v.usable(); err != nil {
			return err
		}
		v.State, v.Ended, v.By = Returned, now, x.By
		return m.giveBack(*v)
	})
}

// Void decides on a Void. Errors: those of Return.
func (r Rules) Void(h Holder, v *Voucher, x Void, now time.Time) (Decision, error) {
	return r.turn(h, v, now, x.Reason, func(_ *move, v *Voucher) error {
		if err := v.usable(); err != nil {
			return err
		}
		v.State, v.Ended, v.By = Voided, now, x.By
		return nil
	})
}

// Expire decides on an Expire, where reserved are the vouchers that the member has reserved. Where
// nothing is past its end the decision has Seq 0. Errors: ErrUnknownVoucher.
func (r Rules) Expire(h Holder, v *Voucher, reserved []Voucher, now time.Time) (Decision, error) {
	if v == nil {
		return Decision{}, ErrUnknownVoucher
	}
	m, err := r.begin(h, reserved, now)
	if err != nil {
		return Decision{}, err
	}
	if v.State == Issued && v.ends(now) {
		m.Vouchers = []Voucher{v.At(now)}
	}
	if len(m.Vouchers)+len(m.Lapsed) == 0 {
		return Decision{Outcome: Outcome{Holder: h.ID, At: now}, Next: h}, nil
	}
	return m.end(""), nil
}
