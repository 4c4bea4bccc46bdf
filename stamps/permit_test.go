package stamps

import (
	"errors"
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
)

// Who may: a shop in whose name nobody calls is no shop at all, and the administrator's.
var callers = map[string]ids.Shop{"its own shop": "wangjing", "another shop": "sanlitun", "a stranger": "daxing", "the administrator": ""}

// TestWhoMay is the matrix of every command that names a card, a record or a coupon, and every
// shop. The program has the shops wangjing, where the stamps and the coupon were given, and
// sanlitun. Expire is not in it: it writes down what time did, and has no place.
func TestWhoMay(t *testing.T) {
	card := coffee(t, 1, func(d *Definition) {
		d.Shops = []ids.Shop{"wangjing", "sanlitun"}
		d.Handout = &Handout{Reward: Reward{ID: "welcome"}, Stock: 10}
	})
	anywhere := coffee(t, 1, func(d *Definition) {
		d.Shops = []ids.Shop{"wangjing", "sanlitun"}
		d.Card.CancelAt = AnyShop
	})
	issued := func(t *testing.T, p *Program) *till {
		x := newTill(t, p)
		must(t)(x.take(x.rules.Add(x.card, Add{Card: alice, N: 3, Place: Place{Shop: "wangjing"}}, noon)))
		return x
	}
	redeemed := func(t *testing.T, p *Program) *till {
		x := newTill(t, p)
		must(t)(x.take(x.rules.Add(x.card, Add{Card: alice, N: 3, Place: Place{Shop: "sanlitun"}}, noon)))
		must(t)(x.take(x.rules.Redeem(x.card, x.coupon(1), Redeem{Place: Place{Shop: "wangjing"}}, noon)))
		return x
	}
	bob := CardID{Program: "coffee", Member: "bob"}
	type command = func(*till, Place) (Decision, error)
	void := func(asked bool) command {
		return func(x *till, p Place) (Decision, error) {
			return x.rules.Void(x.card, x.coupon(1), Void{Reason: "r", Asked: asked, Place: p}, noon)
		}
	}
	undo := func(asked bool) command {
		return func(x *till, p Place) (Decision, error) {
			return x.rules.Undo(x.card, x.coupon(1), Undo{Asked: asked, Place: p}, noon)
		}
	}
	cancel := func(x *till, p Place) (Decision, error) {
		r := x.records[1]
		return x.rules.Cancel(x.card, &r, x.above(), Cancel{Card: alice, Place: p}, noon)
	}
	for _, c := range []struct {
		name                          string
		p                             *Program
		state                         func(*testing.T, *Program) *till
		do                            command
		own, another, stranger, admin error
	}{
		{"add", card, issued, func(x *till, p Place) (Decision, error) {
			return x.rules.Add(x.card, Add{Card: alice, N: 1, Place: p}, noon)
		}, nil, nil, ErrShop, ErrShop},
		{"cancel", card, issued, cancel, nil, ErrOtherShop, ErrOtherShop, nil},
		{"cancel where any shop may", anywhere, issued, cancel, nil, nil, ErrOtherShop, nil},
		{"adjust", card, issued, func(x *till, p Place) (Decision, error) {
			return x.rules.Adjust(x.card, x.above(), Adjust{Card: alice, N: 1, Reason: "r", Place: p}, noon)
		}, nil, nil, ErrShop, nil},
		{"transfer", card, issued, func(x *till, p Place) (Decision, error) {
			d, _, err := x.rules.Transfer(x.card, x.above(), Card{ID: bob}, Transfer{From: alice, To: bob, Place: p}, noon)
			return d, err
		}, nil, nil, ErrShop, nil},
		{"claim", card, issued, func(x *till, p Place) (Decision, error) {
			return x.rules.now.Claim(1, 0, Claim{Program: "coffee", Member: "alice", Present: true, Place: p}, noon)
		}, nil, nil, ErrShop, ErrShop},
		{"claim of a member who is not there", card, issued, func(x *till, p Place) (Decision, error) {
			return x.rules.now.Claim(1, 0, Claim{Program: "coffee", Member: "alice", Place: p}, noon)
		}, ErrAbsent, ErrAbsent, ErrShop, ErrShop},
		{"redeem", card, issued, func(x *till, p Place) (Decision, error) {
			return x.rules.Redeem(x.card, x.coupon(1), Redeem{Place: p}, noon)
		}, nil, nil, ErrShop, ErrShop},
		{"void", card, issued, void(false), nil, ErrOtherShop, ErrOtherShop, nil},
		{"void that the customer asked for", card, issued, void(true), nil, nil, ErrOtherShop, nil},
		{"undo", card, redeemed, undo(false), nil, ErrOtherShop, ErrOtherShop, nil},
		{"undo that the customer asked for", card, redeemed, undo(true), nil, nil, ErrOtherShop, nil},
		{"void of a redeemed coupon", card, redeemed, void(false), ErrOtherShop, ErrRedeemed, ErrOtherShop, ErrRedeemed},
		{"undo of a coupon that is not redeemed", card, issued, undo(false), ErrNotRedeemed, ErrOtherShop, ErrOtherShop, ErrNotRedeemed},
	} {
		for who, want := range map[string]error{
			"its own shop": c.own, "another shop": c.another, "a stranger": c.stranger, "the administrator": c.admin,
		} {
			t.Run(fmt.Sprintf("%s by %s", c.name, who), func(t *testing.T) {
				if _, err := c.do(c.state(t, c.p), Place{Shop: callers[who]}); !errors.Is(err, want) {
					t.Fatalf("%v, want %v", err, want)
				}
			})
		}
	}
}

// The version that a coupon pins decides which shops take part in it, whatever is in force.
func TestTheVersionOfTheCouponSaysWhoTakesPart(t *testing.T) {
	shops := func(version int, shops ...ids.Shop) *Program {
		return coffee(t, version, func(d *Definition) { d.Shops = shops })
	}
	first := shops(1, "wangjing", "sanlitun")
	for _, second := range []*Program{shops(2, "daxing"), shops(2)} {
		for shop, want := range map[ids.Shop]error{"wangjing": nil, "sanlitun": nil, "daxing": ErrOtherShop} {
			x := newTill(t, first)
			must(t)(x.take(x.rules.Add(x.card, Add{Card: alice, N: 3, Place: Place{Shop: "wangjing"}}, noon)))
			x.rules = NewRules(second, first)
			void := Void{Reason: "r", Asked: true, Place: Place{Shop: shop}}
			if _, err := x.rules.Void(x.card, x.coupon(1), void, noon); !errors.Is(err, want) {
				t.Errorf("void in %s: %v", shop, err)
			}
		}
	}
}

// Coupons of every origin belong to the shop where they came about.
func TestACouponKnowsWhichShopGaveIt(t *testing.T) {
	p := coffee(t, 1, func(d *Definition) { d.Handout = &Handout{Reward: Reward{ID: "welcome"}, Stock: 10} })
	here := Place{Shop: "wangjing"}
	bob := CardID{Program: "coffee", Member: "bob"}
	rules := NewRules(p)
	added := must(t)(rules.Add(Card{ID: alice}, Add{Card: alice, N: 3, Place: here}, noon))
	adjusted := must(t)(rules.Adjust(Card{ID: alice}, nil, Adjust{Card: alice, N: 3, Reason: "r", Place: here}, noon))
	claimed := must(t)(p.Claim(1, 0, Claim{Program: "coffee", Member: "alice", Present: true, Place: here}, noon))
	_, moved, err := rules.Transfer(added.Card, added.Coupons, Card{ID: bob}, Transfer{From: alice, To: bob, Place: here}, noon)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range []Decision{added, adjusted, claimed, moved} {
		if len(d.Coupons) != 1 || d.Coupons[0].Issuer != "wangjing" {
			t.Errorf("%d: %+v", i, d.Coupons)
		}
	}
	back := must(t)(rules.Undo(added.Card, &Coupon{ID: added.Coupons[0].ID, Began: 1, State: Redeemed, Issuer: "wangjing", Shop: "sanlitun"}, Undo{}, noon))
	if c := back.Coupons[0]; c.Issuer != "wangjing" || c.Shop != "" {
		t.Error("an undo forgets who gave it:", c)
	}
}
