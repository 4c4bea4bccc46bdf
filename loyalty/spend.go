package loyalty

import (
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
)

// currency returns the currency of that id, or the first for "". ErrUnknownCurrency: there is none.
func (p *Program) currency(id ids.Currency) (*Currency, error) {
	for i := range p.def.Currencies {
		if u := &p.def.Currencies[i]; id == "" || u.ID == id {
			return u, nil
		}
	}
	return nil, ErrUnknownCurrency
}

// change begins a change of the points of one currency.
func (p *Program) change(a Account, id ids.Currency, now time.Time) (*deed, *Currency, error) {
	if a.Version == 0 {
		return nil, nil, ErrUnknownAccount
	}
	return p.open(a, id, now)
}

// open begins a change of the points of one currency, of an account that may be new.
func (p *Program) open(a Account, id ids.Currency, now time.Time) (*deed, *Currency, error) {
	if a.Merged != "" {
		return nil, nil, ErrMerged
	}
	u, err := p.currency(id)
	if err != nil {
		return nil, nil, err
	}
	return p.begin(a, now), u, nil
}

// spent books what was spent, so that it can be given back.
func (d *deed) spent(id ids.Currency, m Movement) {
	if n := Sum(m.Taken); n > 0 {
		d.Booking = &Booking{Account: d.Account, At: d.now, Spent: true, Parts: []Portion{{Currency: id, N: n, Lots: m.Taken}}}
	}
	d.acted(d.now)
}

// Redeem decides on a Redeem. Errors: ErrUnknownAccount, ErrMerged, ErrUnknownCurrency,
// *InsufficientError.
func (p *Program) Redeem(a Account, c Redeem, now time.Time) (Decision, error) {
	d, u, err := p.change(a, c.Currency, now)
	if err != nil {
		return Decision{}, err
	}
	wallet := d.holding(u.ID).Wallet
	n := c.N
	if have := wallet.Balance(d.now).Available; c.UpTo && have > 0 {
		n = min(n, have)
	}
	w, m, err := wallet.Spend(n, d.now)
	if err != nil {
		return Decision{}, err
	}
	d.post(u.ID, w, m, redeemed)
	d.spent(u.ID, m)
	d.Reason = c.Reason
	return d.end(a)
}

// Reserve decides on a Reserve. Errors: those of Redeem, ErrHeld, ErrHolds, *errs.InputError.
func (p *Program) Reserve(a Account, c Reserve, now time.Time) (Decision, error) {
	d, u, err := p.change(a, c.Currency, now)
	if err != nil {
		return Decision{}, err
	}
	w, m, err := d.holding(u.ID).Wallet.Reserve(c.Key, c.N, c.Until, d.now)
	if err != nil {
		return Decision{}, err
	}
	d.post(u.ID, w, m, nothing)
	return d.end(a)
}

// Capture decides on a Capture. Errors: those of Redeem, ErrUnknownHold.
func (p *Program) Capture(a Account, c Capture, now time.Time) (Decision, error) {
	d, u, err := p.change(a, c.Currency, now)
	if err != nil {
		return Decision{}, err
	}
	d.acted(d.now) // before what is left of the hold is released, so that it is renewed too
	w, m, err := d.holding(u.ID).Wallet.Capture(d.holdOf(u.ID, c.Account.Member, c.Hold), c.N, d.now)
	if err != nil {
		return Decision{}, err
	}
	d.post(u.ID, w, m, redeemed)
	d.spent(u.ID, m)
	d.Of, d.Reason = c.Hold, c.Reason
	return d.end(a)
}

// Release decides on a Release. Errors: ErrUnknownAccount, ErrMerged, ErrUnknownCurrency,
// ErrUnknownHold.
func (p *Program) Release(a Account, c Release, now time.Time) (Decision, error) {
	d, u, err := p.change(a, c.Currency, now)
	if err != nil {
		return Decision{}, err
	}
	w, m, err := d.holding(u.ID).Wallet.Release(d.holdOf(u.ID, c.Account.Member, c.Hold), d.now)
	if err != nil {
		return Decision{}, err
	}
	d.post(u.ID, w, m, nothing)
	d.Of = c.Hold
	return d.end(a)
}

// Adjust decides on an Adjust, which opens the account where it is the first. Errors:
// ErrUnknownAccount, ErrMerged, ErrUnknownCurrency, ErrOverflow, *InsufficientError,
// *errs.InputError.
func (p *Program) Adjust(a Account, c Adjust, now time.Time) (Decision, error) {
	if a.Version == 0 && c.N < 0 {
		return Decision{}, ErrUnknownAccount
	}
	d, u, err := p.open(a, c.Currency, now)
	if err != nil {
		return Decision{}, err
	}
	h := d.holding(u.ID)
	if c.N < 0 {
		w, m, err := h.Wallet.Spend(-c.N, d.now)
		if err != nil {
			return Decision{}, err
		}
		d.post(u.ID, w, m, revoked)
	} else {
		lot := d.lot(u, c.N, d.now, time.Time{})
		if !c.To.IsZero() {
			if u.Inactive {
				return Decision{}, &errs.InputError{Field: "to", Reason: "is not for points that end with inactivity"}
			}
			lot = Lot{N: c.N, To: c.To}
		}
		w, m, err := h.Wallet.Credit(lot, d.now)
		if err != nil {
			return Decision{}, err
		}
		d.post(u.ID, w, m, issued)
		d.redate(d.now)
	}
	d.Reason = c.Reason
	return d.end(a)
}

// Transfer decides on both accounts of a Transfer; the second decision is of the one that receives,
// which may be new. Errors: those of Redeem, ErrOverflow.
func (p *Program) Transfer(from, to Account, c Transfer, now time.Time) (Decision, Decision, error) {
	fail := func(err error) (Decision, Decision, error) { return Decision{}, Decision{}, err }
	giver, u, err := p.change(from, c.Currency, now)
	if err != nil {
		return fail(err)
	}
	if to.Merged != "" {
		return fail(ErrMerged)
	}
	w, m, err := giver.holding(u.ID).Wallet.Spend(c.N, giver.now)
	if err != nil {
		return fail(err)
	}
	giver.post(u.ID, w, m, sent)
	taker := p.begin(to, latest(now, giver.now))
	given := m.Taken
	if u.follows() {
		given = giver.based(u, given)
		for i, l := range given {
			given[i] = taker.ending(u, l)
		}
	}
	w, m, err = taker.holding(u.ID).Wallet.Return(given, taker.now)
	if err != nil {
		return fail(err)
	}
	taker.post(u.ID, w, m, received)
	taker.redate(taker.now)
	giver.Peer, taker.Peer = &to.ID, &from.ID
	giver.Reason, taker.Reason = c.Reason, c.Reason
	first, err := giver.end(from)
	if err != nil {
		return fail(err)
	}
	second, err := taker.end(to)
	return first, second, err
}

// Expire decides on an Expire. Where time has done nothing the decision has Seq 0. Errors:
// ErrUnknownAccount, ErrMerged.
func (p *Program) Expire(a Account, now time.Time) (Decision, error) {
	d, _, err := p.change(a, "", now)
	if err != nil {
		return Decision{}, err
	}
	for i := range d.Next.Holdings {
		h := &d.Next.Holdings[i]
		if due := (Account{Holdings: []Holding{*h}}).Due(); !due.IsZero() && !due.After(d.now) {
			w, m := h.Wallet.Expire(d.now)
			d.post(h.Currency, w, m, nothing)
		}
	}
	if len(d.Moves) == 0 && d.Next.Status == a.Status && !d.rolled {
		d.Status = a.Status
		return Decision{Outcome: d.Outcome, Next: a}, nil
	}
	return d.end(a)
}

// SetTier decides on a SetTier, which opens the account where it is the first. Errors: ErrMerged,
// ErrUnknownLevel, *errs.InputError.
func (p *Program) SetTier(a Account, c SetTier, now time.Time) (Decision, error) {
	if a.Merged != "" {
		return Decision{}, ErrMerged
	}
	d := p.begin(a, now)
	level := p.level(c.Level)
	if p.def.Tiers == nil || p.def.Tiers.Levels[level].ID != c.Level {
		return Decision{}, ErrUnknownLevel
	}
	if !c.Until.IsZero() && !c.Until.After(d.now) {
		return Decision{}, &errs.InputError{Field: "until", Reason: "is not in the future"}
	}
	d.setByHand(level, d.now, c.Until)
	d.Reason = c.Reason
	return d.end(a)
}
