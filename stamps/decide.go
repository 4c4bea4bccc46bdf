package stamps

import (
	"maps"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

func (c Add) kind() journal.Kind[Outcome]      { return KindAdd }
func (c Cancel) kind() journal.Kind[Outcome]   { return KindCancel }
func (c Import) kind() journal.Kind[Outcome]   { return KindImport }
func (c Adjust) kind() journal.Kind[Outcome]   { return KindAdjust }
func (c Transfer) kind() journal.Kind[Outcome] { return KindTransfer }
func (c Expire) kind() journal.Kind[Outcome]   { return KindExpire }
func (c Claim) kind() journal.Kind[Outcome]    { return KindClaim }
func (c Redeem) kind() journal.Kind[Outcome]   { return KindRedeem }
func (c Undo) kind() journal.Kind[Outcome]     { return KindUndo }
func (c Void) kind() journal.Kind[Outcome]     { return KindVoid }

func (c Add) key() string      { return c.Key }
func (c Cancel) key() string   { return c.Key }
func (c Import) key() string   { return c.Key }
func (c Adjust) key() string   { return c.Key }
func (c Transfer) key() string { return c.Key }
func (c Expire) key() string   { return c.Key }
func (c Claim) key() string    { return c.Key }
func (c Redeem) key() string   { return c.Key }
func (c Undo) key() string     { return c.Key }
func (c Void) key() string     { return c.Key }

func (c Add) lookup() lookup { return lookup{Card: c.Card} }

func (c Cancel) lookup() lookup {
	l := lookup{Card: c.Card, Record: c.Record, Above: maxStamps}
	if c.Record == 0 && c.Of == "" {
		l.Record = -1
	}
	return l
}

func (c Import) lookup() lookup   { return lookup{Card: c.Card} }
func (c Adjust) lookup() lookup   { return lookup{Card: c.Card, Above: max(0, -c.N)} }
func (c Transfer) lookup() lookup { return lookup{Card: c.From, Above: maxStamps} }
func (c Expire) lookup() lookup   { return lookup{Card: c.Card, Coupon: c.Coupon} }
func (c Claim) lookup() lookup {
	return lookup{Card: CardID{Program: c.Program, Member: c.Member}, Claims: true}
}
func (c Redeem) lookup() lookup { return lookup{Card: c.Coupon.Card, Coupon: c.Coupon.N} }
func (c Undo) lookup() lookup   { return lookup{Card: c.Coupon.Card, Coupon: c.Coupon.N} }
func (c Void) lookup() lookup   { return lookup{Card: c.Coupon.Card, Coupon: c.Coupon.N} }

func (c Add) decide(u *unit, now time.Time) (Decision, error) {
	c.At = journal.Instant(c.At)
	return u.rules.Add(u.loaded.Card, c, now)
}

func (c Cancel) decide(u *unit, now time.Time) (Decision, error) {
	record := u.newest
	if c.Of != "" {
		c.Record = u.added(c.Of)
	}
	if c.Record != 0 || c.Of != "" {
		record = nil
		if r, ok := u.records[c.Record]; ok {
			record = &r
		}
	}
	return u.rules.Cancel(u.loaded.Card, record, u.above(), c, now)
}

// added returns the number of the record of the Add with the key; 0: none is known.
func (u *unit) added(key string) int64 {
	if entry := u.entry(key); entry != nil && entry.Kind == string(KindAdd) {
		return entry.Seq
	}
	return 0
}

func (c Import) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Import(u.loaded.Card, c, now)
}

func (c Adjust) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Adjust(u.loaded.Card, u.above(), c, now)
}

func (c Transfer) decide(u *unit, now time.Time) (Decision, error) {
	gave, took, err := u.rules.Transfer(u.loaded.Card, u.above(), u.peer.Card, c, now)
	if err != nil {
		return Decision{}, err
	}
	gave.also = &took
	return gave, nil
}

func (c Expire) decide(u *unit, now time.Time) (Decision, error) {
	coupon := u.coupon(c.Coupon)
	if c.Coupon != 0 && coupon == nil {
		return Decision{}, ErrUnknownCoupon
	}
	return u.rules.Expire(u.loaded.Card, coupon, now)
}

func (c Claim) decide(u *unit, now time.Time) (Decision, error) {
	d, err := u.now.Claim(u.stock.next, u.loaded.Claimed, c, now)
	if err == nil {
		u.stock.next = d.Card.Number + 1
	}
	return d, err
}

func (c Redeem) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Redeem(u.loaded.Card, u.coupon(c.Coupon.N), c, now)
}

func (c Undo) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Undo(u.loaded.Card, u.coupon(c.Coupon.N), c, now)
}

func (c Void) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Void(u.loaded.Card, u.coupon(c.Coupon.N), c, now)
}

func (u *unit) coupon(n int64) *Coupon {
	if c, ok := u.coupons[n]; ok {
		return &c
	}
	return nil
}

// above returns the coupons at hand in the order of their numbers.
func (u *unit) above() []Coupon {
	above := make([]Coupon, 0, len(u.coupons))
	for _, n := range slices.Sorted(maps.Keys(u.coupons)) {
		if c := u.coupons[n]; c.Pos > 0 {
			above = append(above, c)
		}
	}
	return above
}
