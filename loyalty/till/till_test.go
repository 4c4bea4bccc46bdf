package till_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	pointtill "github.com/scrmkit/scrmkit/loyalty/till"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	stamptill "github.com/scrmkit/scrmkit/stamps/till"
)

var (
	ctx   = context.Background()
	alice = reward.HolderID{Catalog: "gifts", Member: "alice"}
	latte = reward.Cart{Currency: "CNY", Lines: []reward.CartLine{{ID: "1", Price: 3000}}}
)

type setting struct {
	db      dbtest.DB
	shops   *shop.Engine
	codes   *otp.Engine
	cards   *stamps.Engine
	rewards *reward.Engine
	till    *pointtill.Till
}

func must[V any](t testing.TB) func(V, error) V {
	return func(v V, err error) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func is(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error is %v, want %v", what, err, want)
	}
}

// open returns the shops wangjing, with kathy, and sanlitun, with li, and 20 % off a cart, in
// wangjing alone or everywhere.
func open(t testing.TB, db dbtest.DB) setting {
	t.Helper()
	keys := []secret.Key{{ID: "k", Secret: bytes.Repeat([]byte{1}, 32)}} // one keyring serves every tenant and engine
	s := setting{db: db, shops: shop.New(db, nil), cards: stamps.New(db, nil)}
	s.codes = must[*otp.Engine](t)(otp.New(db, keys, nil))
	s.rewards = must[*reward.Engine](t)(reward.New(db, keys, nil))
	off := []reward.Discount{{BasisPoints: 2000}}
	must[*reward.Catalog](t)(s.rewards.Publish(ctx, reward.Definition{ID: "gifts", Version: 1, Zone: "UTC", Program: "club", Money: "CNY", Rewards: []reward.Reward{
		{ID: "off", Discounts: off}, {ID: "here", Shops: []ids.Shop{"wangjing"}, Discounts: off},
	}}))
	for id, m := range map[ids.Shop]shop.Identity{"wangjing": "kathy", "sanlitun": "li"} {
		must[shop.Outcome](t)(s.shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: id, Name: string(id), Zone: "Asia/Shanghai"}, Key: "put"}))
		invited := must[shop.Invited](t)(s.shops.Invite(ctx, shop.Invite{Shop: id, Key: "invite"}))
		must[shop.Outcome](t)(s.shops.Bind(ctx, shop.Bind{Token: invited.Token, Identity: m, Key: "bind"}))
	}
	s.till = pointtill.New(db, s.shops, s.codes, s.rewards, nil)
	return s
}

// gives issues a voucher to alice.
func (s setting) gives(t testing.TB, id reward.RewardID, key string) reward.Voucher {
	t.Helper()
	return must[reward.Outcome](t)(s.rewards.Issue(ctx, reward.Issue{Take: reward.Take{Holder: alice, Reward: id}, Key: key})).Vouchers[0]
}

func (s setting) asks(t testing.TB, v reward.Voucher, key string) string {
	t.Helper()
	return must[otp.Issued](t)(s.till.Ask(ctx, pointtill.Ask{Shop: "wangjing", Member: "alice", Voucher: v.ID, Key: key})).Code
}

func (s setting) state(t testing.TB, v reward.Voucher) reward.State {
	t.Helper()
	return must[reward.Voucher](t)(s.rewards.Voucher(ctx, v.ID)).State
}

func TestTill(t *testing.T) {
	tenant := 0
	dbtest.Each(t, func(t *testing.T, whole dbtest.DB) {
		run := func(name string, f func(t *testing.T, s setting)) {
			tenant++
			db := whole.Tenant(fmt.Sprint("case ", tenant))
			t.Run(name, func(t *testing.T) { f(t, open(t, db)) })
		}
		run("a code shows a voucher and what it takes off, and the confirmation uses both, once", func(t *testing.T, s setting) {
			v := s.gives(t, "here", "v")
			enter := pointtill.Enter{Shop: "wangjing", Manager: "kathy", Code: s.asks(t, v, "ask"), Cart: &latte, Key: "enter"}
			p := must[pointtill.Preview](t)(s.till.Preview(ctx, enter))
			if p.Voucher.ID != v.ID || p.Deduction.Total != 600 || p.Voucher.Code != "" || p.Voucher.Salt != nil {
				t.Errorf("%+v", p)
			}
			if got := s.state(t, v); got != reward.Issued {
				t.Error("the preview left it", got)
			}
			yes := pointtill.Confirm{Shop: "wangjing", Manager: "kathy", Claim: p.Claim}
			for i := range 2 {
				r := must[pointtill.Result](t)(s.till.Confirm(ctx, yes))
				used := r.Outcome.Vouchers[0]
				if r.Replayed != (i > 0) || used.State != reward.Redeemed || used.By != "kathy" || used.Shop != "wangjing" || r.Outcome.Deduction.Total != 600 || used.Code != "" {
					t.Errorf("%+v", r)
				}
			}
			enter.Key = "again"
			_, err := s.till.Enter(ctx, enter)
			is(t, "the code again", err, otp.ErrInvalidCode)
			_, err = s.till.Ask(ctx, pointtill.Ask{Shop: "wangjing", Member: "alice", Voucher: v.ID, Key: "used"})
			is(t, "a code for what is used", err, reward.ErrRedeemed)
		})
		run("entered at once it may run twice with its key", func(t *testing.T, s setting) {
			v := s.gives(t, "off", "v")
			enter := pointtill.Enter{Shop: "wangjing", Manager: "kathy", Code: s.asks(t, v, "ask"), Key: "enter"}
			for i := range 2 {
				if r := must[pointtill.Result](t)(s.till.Enter(ctx, enter)); r.Replayed != (i > 0) || r.Outcome.Deduction != nil {
					t.Errorf("%+v", r)
				}
			}
		})
		run("a claim is of its shop, its manager, its tenant and its flow", func(t *testing.T, s setting) {
			v := s.gives(t, "off", "v")
			enter := pointtill.Enter{Shop: "wangjing", Manager: "kathy", Code: s.asks(t, v, "ask"), Key: "enter"}
			p := must[pointtill.Preview](t)(s.till.Preview(ctx, enter))
			other := open(t, s.db.Tenant("of a rival")) // with the same ids, keys and voucher
			other.gives(t, "off", "v")
			stamp := stamptill.New(s.db, s.shops, s.codes, s.cards, nil)
			for what, f := range map[string]func() error{
				"another shop": func() error {
					_, err := s.till.Confirm(ctx, pointtill.Confirm{Shop: "sanlitun", Manager: "li", Claim: p.Claim})
					return err
				},
				"another manager": func() error {
					_, err := s.till.Confirm(ctx, pointtill.Confirm{Shop: "wangjing", Manager: "li", Claim: p.Claim})
					return err
				},
				"another tenant": func() error {
					_, err := other.till.Confirm(ctx, pointtill.Confirm{Shop: "wangjing", Manager: "kathy", Claim: p.Claim})
					return err
				},
				"the code in another tenant": func() error { _, err := other.till.Preview(ctx, enter); return err },
				"the code in another shop": func() error {
					_, err := s.till.Preview(ctx, pointtill.Enter{Shop: "sanlitun", Manager: "li", Code: enter.Code, Key: "x"})
					return err
				},
				"the claim at the till of stamps": func() error {
					_, err := stamp.Confirm(ctx, stamptill.Confirm{Shop: "wangjing", Manager: "kathy", Claim: p.Claim})
					return err
				},
				"the code at the till of stamps": func() error {
					_, err := stamp.Enter(ctx, stamptill.Enter{Shop: "wangjing", Manager: "kathy", Code: enter.Code, Key: "y"})
					return err
				},
				"no claim": func() error {
					_, err := s.till.Confirm(ctx, pointtill.Confirm{Shop: "wangjing", Manager: "kathy", Claim: p.Claim[:20]})
					return err
				},
			} {
				is(t, what, f(), otp.ErrInvalidCode)
			}
			if got := s.state(t, v); got != reward.Issued {
				t.Error(got)
			}
			must[pointtill.Result](t)(s.till.Confirm(ctx, pointtill.Confirm{Shop: "wangjing", Manager: "kathy", Claim: p.Claim}))
		})
		run("what can't be redeemed there is refused, and leaves the code as it was", func(t *testing.T, s setting) {
			v := s.gives(t, "here", "v")
			_, err := s.till.Ask(ctx, pointtill.Ask{Shop: "sanlitun", Member: "alice", Voucher: v.ID, Key: "a"})
			is(t, "another shop", err, reward.ErrShop)
			code := s.asks(t, v, "ask")
			_, err = s.till.Enter(ctx, pointtill.Enter{Shop: "wangjing", Manager: "li", Code: code, Key: "e"})
			is(t, "one who does not manage the shop", err, shop.ErrNotManager)
			euro := reward.Cart{Currency: "EUR", Lines: latte.Lines}
			_, err = s.till.Enter(ctx, pointtill.Enter{Shop: "wangjing", Manager: "kathy", Code: code, Cart: &euro, Key: "f"})
			is(t, "a cart in another currency", err, reward.ErrCurrency)
			var input *errs.InputError
			if _, err = s.till.Enter(ctx, pointtill.Enter{Shop: "wangjing", Manager: "kathy", Code: "000000", Cart: &reward.Cart{}, Key: "g"}); !errors.As(err, &input) {
				t.Error("a cart that can't be:", err)
			}
			must[pointtill.Result](t)(s.till.Enter(ctx, pointtill.Enter{Shop: "wangjing", Manager: "kathy", Code: code, Cart: &latte, Key: "h"}))
		})
		run("another's voucher is as unknown as one that nobody has", func(t *testing.T, s setting) {
			v := s.gives(t, "off", "v")
			ghost := reward.VoucherID{Holder: reward.HolderID{Catalog: "gifts", Member: "nobody"}, N: 1}
			for _, id := range []reward.VoucherID{v.ID, {Holder: alice, N: 99}, ghost} {
				_, err := s.till.Ask(ctx, pointtill.Ask{Shop: "wangjing", Member: "bob", Voucher: id, Key: "a"})
				if is(t, id.String(), err, reward.ErrUnknownVoucher); err.Error() != "till: ask: "+reward.ErrUnknownVoucher.Error() {
					t.Error(id, err)
				}
			}
		})
		run("of two managers who saw a code one redeems, and to the other it is invalid", func(t *testing.T, s setting) {
			invited := must[shop.Invited](t)(s.shops.Invite(ctx, shop.Invite{Shop: "wangjing", Key: "second"}))
			must[shop.Outcome](t)(s.shops.Bind(ctx, shop.Bind{Token: invited.Token, Identity: "wang", Key: "bind"}))
			v := s.gives(t, "off", "v")
			code := s.asks(t, v, "ask")
			kathy := must[pointtill.Preview](t)(s.till.Preview(ctx, pointtill.Enter{Shop: "wangjing", Manager: "kathy", Code: code, Key: "k"}))
			wang := must[pointtill.Preview](t)(s.till.Preview(ctx, pointtill.Enter{Shop: "wangjing", Manager: "wang", Code: code, Cart: &latte, Key: "w"}))
			must[pointtill.Result](t)(s.till.Confirm(ctx, pointtill.Confirm{Shop: "wangjing", Manager: "kathy", Claim: kathy.Claim}))
			_, err := s.till.Confirm(ctx, pointtill.Confirm{Shop: "wangjing", Manager: "wang", Claim: wang.Claim})
			is(t, "the second manager", err, otp.ErrInvalidCode)
		})
		run("of a member who was merged the one who goes on asks", func(t *testing.T, s setting) {
			v := s.gives(t, "off", "v")
			must[reward.Outcome](t)(s.rewards.Merge(ctx, reward.Merge{Holder: alice, To: "bob", Key: "m"}))
			issued := must[otp.Issued](t)(s.till.Ask(ctx, pointtill.Ask{Shop: "wangjing", Member: "bob", Voucher: v.ID, Key: "ask"}))
			must[pointtill.Result](t)(s.till.Enter(ctx, pointtill.Enter{Shop: "wangjing", Manager: "kathy", Code: issued.Code, Key: "e"}))
		})
		run("of 20 who confirm at once one redeems, and all are told the same", func(t *testing.T, s setting) {
			v := s.gives(t, "off", "v")
			p := must[pointtill.Preview](t)(s.till.Preview(ctx, pointtill.Enter{Shop: "wangjing", Manager: "kathy", Code: s.asks(t, v, "ask"), Key: "e"}))
			var first atomic.Int64
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					r, err := s.till.Confirm(ctx, pointtill.Confirm{Shop: "wangjing", Manager: "kathy", Claim: p.Claim})
					if err != nil {
						t.Error(err)
					} else if !r.Replayed {
						first.Add(1)
					}
				})
			}
			wg.Wait()
			if first.Load() != 1 {
				t.Errorf("%d redeemed it", first.Load())
			}
		})
	})
}
