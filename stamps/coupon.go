package stamps

import (
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
)

// Claim decides on a Claim, where number is the next one of the stock and claimed how many the
// member had. The card of the decision stands for the coupon. Errors: ErrNoHandout, ErrClosed,
// ErrShop, ErrAbsent, ErrSoldOut, ErrMemberLimit.
func (p *Program) Claim(number, claimed int64, x Claim, now time.Time) (Decision, error) {
	h := p.def.Handout
	if h == nil {
		return Decision{}, ErrNoHandout
	}
	if err := p.open(now, x.Shop); err != nil {
		return Decision{}, err
	}
	switch {
	case x.Shop != "" && !x.Present:
		return Decision{}, ErrAbsent
	case !within(now, h.From, h.To):
		return Decision{}, ErrClosed
	case h.PerMember > 0 && claimed >= h.PerMember:
		return Decision{}, ErrMemberLimit
	case number > h.Stock:
		return Decision{}, ErrSoldOut
	}
	m, err := NewRules(p).begin(Card{ID: CardID{p.def.ID, x.Member, claimed + 1}}, now, x.Place)
	if err != nil {
		return Decision{}, err
	}
	m.card.Number = number
	m.coupon(h.Reward, p, 0)
	m.record(Record{Purpose: PurposeClaim, Coupon: 1}, x.Place)
	return m.end(), nil
}

// Redeem decides on a Redeem. Errors: ErrUnknownCoupon, ErrRedeemed, ErrVoided, ErrLapsed, ErrShop.
func (r Rules) Redeem(c Card, coupon *Coupon, x Redeem, now time.Time) (Decision, error) {
	return r.turn(c, coupon, now, x.Place, Record{Purpose: PurposeRedeem}, func(m *move, coupon *Coupon) error {
		switch coupon.State {
		case Redeemed:
			return ErrRedeemed
		case Voided:
			return ErrVoided
		case Lapsed:
			return ErrLapsed
		}
		p, err := r.version(coupon.Began)
		if err != nil {
			return err
		}
		if shops := p.redeemShops(coupon.Reward); len(shops) > 0 && !slices.Contains(shops, x.Shop) {
			return ErrShop
		}
		coupon.State, coupon.Ended, coupon.Shop, coupon.By = Redeemed, m.at, x.Shop, x.By
		return nil
	})
}

// Undo decides on an Undo. A coupon whose stamps were taken back meanwhile is voided by it. Errors:
// ErrUnknownCoupon, ErrOtherShop, ErrNotRedeemed.
func (r Rules) Undo(c Card, coupon *Coupon, x Undo, now time.Time) (Decision, error) {
	return r.turn(c, coupon, now, x.Place, Record{Purpose: PurposeUndo, Reason: x.Reason}, func(m *move, coupon *Coupon) error {
		owner := coupon.Issuer
		if coupon.State == Redeemed {
			owner = coupon.Shop
		}
		if err := m.permit(coupon, owner, x.Asked); err != nil {
			return err
		}
		if coupon.State != Redeemed {
			return ErrNotRedeemed
		}
		coupon.State, coupon.Ended, coupon.Shop, coupon.By = Issued, time.Time{}, "", ""
		if i := slices.Index(m.card.State.Owed, coupon.Pos); i >= 0 && coupon.Pos > 0 {
			m.card.State.Owed = slices.Delete(m.card.State.Owed, i, i+1)
			coupon.State, coupon.Ended = Voided, m.at
		}
		return nil
	})
}

// Void decides on a Void. Errors: ErrUnknownCoupon, ErrOtherShop, ErrRedeemed, ErrVoided,
// ErrLapsed.
func (r Rules) Void(c Card, coupon *Coupon, x Void, now time.Time) (Decision, error) {
	return r.turn(c, coupon, now, x.Place, Record{Purpose: PurposeVoid, Reason: x.Reason}, func(m *move, coupon *Coupon) error {
		if err := m.permit(coupon, coupon.Issuer, x.Asked); err != nil {
			return err
		}
		switch coupon.State {
		case Redeemed:
			return ErrRedeemed
		case Voided:
			return ErrVoided
		case Lapsed:
			return ErrLapsed
		}
		coupon.State, coupon.Ended, coupon.By = Voided, m.at, x.By
		return nil
	})
}

// permit lets the administrator deal with a coupon, the shop that owns it, and where the customer
// asked for it each shop that takes part by the version of the coupon. ErrOtherShop: it is another
// one.
func (m *move) permit(coupon *Coupon, owner ids.Shop, asked bool) error {
	if m.shop == "" || m.shop == owner {
		return nil
	}
	p, err := m.rules.version(coupon.Began)
	if err != nil {
		return err
	}
	if asked && (p.takesPart(m.shop) || slices.Contains(p.redeemShops(coupon.Reward), m.shop)) {
		return nil
	}
	return ErrOtherShop
}

// turn changes one coupon of a card.
func (r Rules) turn(c Card, coupon *Coupon, now time.Time, p Place, rec Record, f func(*move, *Coupon) error) (Decision, error) {
	if coupon == nil {
		return Decision{}, ErrUnknownCoupon
	}
	m, err := r.begin(c, now, p)
	if err != nil {
		return Decision{}, err
	}
	m.lapse()
	turned := coupon.At(now)
	if err := f(m, &turned); err != nil {
		return Decision{}, err
	}
	m.coupons = append(m.coupons, turned)
	rec.Coupon = turned.ID.N
	m.record(rec, p)
	return m.end(), nil
}

// redeemShops returns where a reward is redeemed; none: everywhere.
func (p *Program) redeemShops(reward string) []ids.Shop {
	if h := p.def.Handout; h != nil && h.Reward.ID == reward {
		return redeemShops(h.Reward, p)
	}
	for _, r := range p.rewards {
		if r.ID == reward {
			return redeemShops(r, p)
		}
	}
	return p.def.Shops
}

func redeemShops(r Reward, p *Program) []ids.Shop {
	if len(r.Shops) > 0 {
		return r.Shops
	}
	return p.def.Shops
}
