package till_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/stamps/till"
)

var ctx = context.Background()

// open returns a setting with shop wangjing, its manager kathy and the physical stamp A1, and shop
// sanlitun with li.
func open(t testing.TB, db dbtest.DB) setting {
	t.Helper()
	s := set(t, db)
	for id, m := range map[ids.Shop]shop.Identity{"wangjing": "kathy", "sanlitun": "li"} {
		if _, err := s.shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: id, Name: string(id), Zone: "Asia/Shanghai"}, Key: "put"}); err != nil {
			t.Fatal(err)
		}
		invited, err := s.shops.Invite(ctx, shop.Invite{Shop: id, Key: "invite"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.shops.Bind(ctx, shop.Bind{Token: invited.Token, Identity: m, Key: "bind"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.shops.BindStamp(ctx, shop.BindStamp{Shop: "wangjing", Serial: "A1", Unsigned: true, Key: "stamp"}); err != nil {
		t.Fatal(err)
	}
	return s
}

var stampIt = till.Request{Purpose: stamps.PurposeStamp, Member: "alice", Nickname: "小爱", Program: "coffee"}

func (s setting) ask(t testing.TB, d till.Request, key string) string {
	t.Helper()
	issued, err := s.till.Ask(ctx, till.Ask{Shop: "wangjing", Request: d, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return issued.Code
}

func (s setting) enter(code, key string) (till.Result, error) {
	return s.till.Enter(ctx, till.Enter{Shop: "wangjing", Manager: "kathy", Code: code, Key: key})
}

func (s setting) total(t testing.TB) int64 {
	t.Helper()
	c, err := s.cards.Card(ctx, stamps.CardID{Program: "coffee", Member: "alice"})
	if errors.Is(err, stamps.ErrUnknownCard) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return c.Total
}

func TestTill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("a code makes a stamp, another takes it back, and a third redeems a coupon", func(t *testing.T) {
			s := open(t, db)
			for i := range 10 {
				r, err := s.enter(s.ask(t, stampIt, fmt.Sprint("a", i)), fmt.Sprint("e", i))
				if err != nil || r.Outcome.Record.By != "kathy" || r.Outcome.Record.Shop != "wangjing" || r.Outcome.Record.Nickname != "小爱" {
					t.Fatal(r, err)
				}
			}
			coupons := func() (all []stamps.Coupon) {
				for c, err := range s.cards.Coupons(ctx, "alice", "coffee") {
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, c)
				}
				return all
			}
			if c := coupons(); len(c) != 1 || c[0].State != stamps.Issued {
				t.Fatal(c)
			}
			cancel := stampIt
			cancel.Purpose = stamps.PurposeCancel
			if _, err := s.enter(s.ask(t, cancel, "c"), "c"); err != nil {
				t.Fatal(err)
			}
			if c := coupons(); c[0].State != stamps.Voided || s.total(t) != 9 {
				t.Fatal(c)
			}
			if _, err := s.enter(s.ask(t, stampIt, "again"), "again"); err != nil {
				t.Fatal(err)
			}
			redeem := till.Request{Purpose: stamps.PurposeRedeem, Member: "alice", Coupon: &coupons()[1].ID}
			if _, err := s.enter(s.ask(t, redeem, "r"), "r"); err != nil {
				t.Fatal(err)
			}
			if c := coupons(); c[1].State != stamps.Redeemed || c[1].Shop != "wangjing" || c[1].By != "kathy" {
				t.Fatal(c)
			}
		})
		t.Run("a preview shows who and what and changes nothing, and a confirmation does it", func(t *testing.T) {
			s := open(t, db)
			x := till.Enter{Shop: "wangjing", Manager: "kathy", Code: s.ask(t, stampIt, "a"), Key: "p"}
			p, err := s.till.Preview(ctx, x)
			if err != nil || p.Request.Member != "alice" || p.Request.Nickname != "小爱" || p.Effect.Card.Total != 1 || s.total(t) != 0 {
				t.Fatal(p, err)
			}
			if again, err := s.till.Preview(ctx, x); err != nil || !again.Expires.Equal(p.Expires) {
				t.Fatal(again, err)
			}
			confirm := till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: p.Claim}
			for name, change := range map[string]func(*till.Confirm){
				"li":                func(c *till.Confirm) { c.Manager, c.Shop = "li", "sanlitun" },
				"a made-up claim":   func(c *till.Confirm) { c.Claim = p.Claim[:len(p.Claim)-4] + "AAAA" },
				"li in this shop":   func(c *till.Confirm) { c.Manager = "li" },
				"kathy in sanlitun": func(c *till.Confirm) { c.Shop = "sanlitun" },
			} {
				c := confirm
				change(&c)
				if _, err := s.till.Confirm(ctx, c); !errors.Is(err, otp.ErrInvalidCode) && !errors.Is(err, shop.ErrNotManager) {
					t.Errorf("%s: %v", name, err)
				}
			}
			first, err := s.till.Confirm(ctx, confirm)
			if err != nil || s.total(t) != 1 {
				t.Fatal(first, err)
			}
			again, err := s.till.Confirm(ctx, confirm)
			if err != nil || !again.Replayed || s.total(t) != 1 {
				t.Fatal(again, err)
			}
			again.Replayed, again.Outcome.Replayed = false, false
			again.Outcome.Card.State = first.Outcome.Card.State
			if diff := cmp.Diff(first, again); diff != "" {
				t.Fatal(diff)
			}
		})
		t.Run("16 who enter one code make one stamp", func(t *testing.T) {
			s := open(t, db)
			code := s.ask(t, stampIt, "a")
			var fresh atomic.Int64
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					r, err := s.enter(code, fmt.Sprint("e", i))
					switch {
					case err == nil && !r.Replayed:
						fresh.Add(1)
					case err != nil && !errors.Is(err, otp.ErrInvalidCode) && !isThrottled(err):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if fresh.Load() != 1 || s.total(t) != 1 {
				t.Fatal(fresh.Load(), s.total(t))
			}
		})
		t.Run("a repeated entry gives its first result", func(t *testing.T) {
			s := open(t, db)
			code := s.ask(t, stampIt, "a")
			for i := range 3 {
				r, err := s.enter(code, "same")
				if err != nil || r.Replayed != (i > 0) || s.total(t) != 1 {
					t.Fatal(r, err)
				}
			}
		})
		t.Run("whoever is unbound is refused at once, even with a claim in hand", func(t *testing.T) {
			s := open(t, db)
			p, err := s.till.Preview(ctx, till.Enter{Shop: "wangjing", Manager: "kathy", Code: s.ask(t, stampIt, "a"), Key: "p"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.shops.Unbind(ctx, shop.Unbind{Shop: "wangjing", Identity: "kathy", Key: "u"}); err != nil {
				t.Fatal(err)
			}
			_, err = s.till.Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: p.Claim})
			if !errors.Is(err, shop.ErrNotManager) || s.total(t) != 0 {
				t.Fatal(err)
			}
		})
		t.Run("a request that is refused leaves the code to another try", func(t *testing.T) {
			s := open(t, db)
			code := s.ask(t, stampIt, "a")
			x := till.Enter{Shop: "wangjing", Manager: "kathy", Code: code, Key: "e", Purchase: &stamps.Purchase{Amount: -1}}
			if _, err := s.till.Enter(ctx, x); err == nil {
				t.Fatal("a negative purchase was taken")
			}
			x.Purchase = nil
			if _, err := s.till.Enter(ctx, x); err != nil || s.total(t) != 1 {
				t.Fatal(err)
			}
		})
		t.Run("a physical stamp does it without a manager, once for each key", func(t *testing.T) {
			s := open(t, db)
			for range 2 {
				r, err := s.till.Press(ctx, till.Press{Serial: "A1", Request: stampIt, Key: "k"})
				if err != nil || r.Shop != "wangjing" || !strings.HasPrefix(r.Outcome.Record.Via, "stamp-") {
					t.Fatal(r, err)
				}
			}
			if n := s.total(t); n != 1 {
				t.Fatal(n)
			}
			if _, err := s.till.Press(ctx, till.Press{Serial: "B1", Request: stampIt, Key: "k2"}); !errors.Is(err, shop.ErrUnknownStamp) {
				t.Fatal(err)
			}
		})
		t.Run("a code claims a coupon of the shop's handout, and lets another shop end it", func(t *testing.T) {
			s := open(t, db)
			d, err := s.cards.Program(ctx, "coffee", 0)
			if err != nil {
				t.Fatal(err)
			}
			handout := d.Definition()
			handout.ID, handout.Card, handout.Shops = "welcome", nil, []ids.Shop{"wangjing", "sanlitun"}
			handout.Handout = &stamps.Handout{Reward: stamps.Reward{ID: "tea", Name: "Tea"}, Stock: 3}
			if _, err := s.cards.Publish(ctx, handout); err != nil {
				t.Fatal(err)
			}
			r, err := s.enter(s.ask(t, till.Request{Purpose: stamps.PurposeClaim, Member: "alice", Program: "welcome"}, "claim"), "claim")
			if err != nil || len(r.Outcome.Coupons) != 1 || r.Outcome.Coupons[0].Issuer != "wangjing" {
				t.Fatal(r, err)
			}
			id := r.Outcome.Coupons[0].ID
			for _, purpose := range []stamps.Purpose{stamps.PurposeRedeem, stamps.PurposeUndo, stamps.PurposeVoid} {
				issued, err := s.till.Ask(ctx, till.Ask{
					Shop: "sanlitun", Request: till.Request{Purpose: purpose, Member: "alice", Coupon: &id}, Key: string(purpose),
				})
				if err != nil {
					t.Fatal(purpose, err)
				}
				r, err := s.till.Enter(ctx, till.Enter{Shop: "sanlitun", Manager: "li", Code: issued.Code, Key: string(purpose)})
				if err != nil || r.Outcome.Record.Shop != "sanlitun" {
					t.Fatal(purpose, r, err)
				}
			}
		})
		t.Run("nobody asks for another's coupon", func(t *testing.T) {
			s := open(t, db)
			if _, err := s.cards.Adjust(ctx, stamps.Adjust{Card: stamps.CardID{Program: "coffee", Member: "bob"}, N: 10, Reason: "gift", Key: "full"}); err != nil {
				t.Fatal(err)
			}
			for _, purpose := range []stamps.Purpose{stamps.PurposeRedeem, stamps.PurposeUndo, stamps.PurposeVoid} {
				for _, text := range []string{"coffee/bob:1", "coffee/bob:99", "coffee/nobody:1"} { // one is there
					id, err := stamps.ParseCouponID(text)
					if err != nil {
						t.Fatal(err)
					}
					request := till.Request{Purpose: purpose, Member: "alice", Coupon: &id}
					if _, err := s.till.Ask(ctx, till.Ask{Shop: "wangjing", Request: request, Key: "k"}); !errors.Is(err, till.ErrNotYours) || err.Error() != "till: ask: "+till.ErrNotYours.Error() {
						t.Fatal(text, err)
					}
					if _, err := s.till.Press(ctx, till.Press{Serial: "A1", Request: request, Key: "k"}); !errors.Is(err, till.ErrNotYours) || err.Error() != "till: press: "+till.ErrNotYours.Error() {
						t.Fatal(text, err)
					}
				}
			}
		})
	})
}

func isThrottled(err error) bool {
	var t *otp.ThrottledError
	return errors.As(err, &t)
}

func TestRequestsThatCannotBe(t *testing.T) {
	s := open(t, dbtest.Of(dbtest.SQLite(t)))
	for name, d := range map[string]till.Request{
		"no purpose":    {Member: "alice", Program: "coffee"},
		"adjust":        {Purpose: stamps.PurposeAdjust, Member: "alice", Program: "coffee"},
		"no program":    {Purpose: stamps.PurposeStamp, Member: "alice"},
		"no coupon":     {Purpose: stamps.PurposeRedeem, Member: "alice"},
		"no member":     {Purpose: stamps.PurposeStamp, Program: "coffee"},
		"NUL in member": {Purpose: stamps.PurposeStamp, Member: "a\x00", Program: "coffee"},
	} {
		var input *errs.InputError
		if _, err := s.till.Ask(ctx, till.Ask{Shop: "wangjing", Request: d, Key: "k"}); !errors.As(err, &input) {
			t.Errorf("ask, %s: %v", name, err)
		}
		if _, err := s.till.Press(ctx, till.Press{Serial: "A1", Request: d, Key: "k"}); !errors.As(err, &input) {
			t.Errorf("press, %s: %v", name, err)
		}
	}
}
