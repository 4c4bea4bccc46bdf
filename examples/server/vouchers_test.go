package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/loyalty/reward"
)

const cartOfCups = `"cart":{"currency":"CNY","lines":[{"id":"1","price":3000,"quantity":2}]}`

// fifth takes 20 % off a cart.
var fifth = reward.Reward{ID: "fifth", Discounts: []reward.Discount{{BasisPoints: 2000}}}

// withDiscount publishes a reward that takes 20 % off a cart, and gives alice one.
func withDiscount(b *bench) {
	b.Helper()
	d := demoGifts
	d.Version = 2
	d.Rewards = append(d.Rewards[:len(d.Rewards):len(d.Rewards)], fifth)
	text, err := json.Marshal(d)
	if err != nil {
		b.Fatal(err)
	}
	b.do(root, "PUT", "/rewards/gifts/versions/2", string(text), 200)
	b.do(root, "POST", "/rewards/gifts/members/alice/gifts", `{"reward":"fifth"}`, 200)
}

func TestVoucherByItsDigits(t *testing.T) {
	b := start(t, Config{})
	withDiscount(b)
	mine := b.do(alice, "GET", "/me/vouchers", "", 200)
	id, err := json.Marshal(mine.field("items.0.id"))
	if err != nil {
		t.Fatal(err)
	}
	secret := mine.field("items.0.code").(string)
	ask := fmt.Sprintf(`{"shop":"wangjing","voucher":%s}`, id)
	if res := b.do(bob, "POST", "/me/vouchers/codes", ask, 404); res.field("type") != typePrefix+"reward-unknown-voucher" {
		t.Error(res.body)
	}
	b.do(alice, "POST", "/me/vouchers/codes", strings.Replace(ask, "wangjing", "none", 1), 404)

	digits := b.do(alice, "POST", "/me/vouchers/codes", ask, 200).field("code")
	enter := fmt.Sprintf(`{"code":%q,%s}`, digits, cartOfCups)
	b.do(li, "POST", "/shops/sanlitun/vouchers/codes/preview", enter, 422)
	b.do(kathy, "POST", "/shops/wangjing/codes", fmt.Sprintf(`{"code":%q}`, digits), 422) // it is for no stamp
	preview := b.do(kathy, "POST", "/shops/wangjing/vouchers/codes/preview", enter, 200)
	if preview.field("voucher.deduction.total") != 1200.0 || preview.field("voucher.state") != "issued" || strings.Contains(preview.body, secret) {
		t.Error(preview.body)
	}
	claim := fmt.Sprintf(`{"claim":%q}`, preview.field("claim"))
	b.do(li, "POST", "/shops/sanlitun/vouchers/codes/confirm", claim, 422)
	first := b.do(kathy, "POST", "/shops/wangjing/vouchers/codes/confirm", claim, 200)
	again := b.do(kathy, "POST", "/shops/wangjing/vouchers/codes/confirm", claim, 200)
	if first.body != again.body || first.header.Get("Idempotency-Replayed") != "" || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%s\n%s", first.body, again.body)
	}
	if first.field("vouchers.0.state") != "redeemed" || first.field("vouchers.0.shop") != "wangjing" || first.field("deduction.total") != 1200.0 ||
		strings.Contains(first.body, secret) || strings.Contains(first.body, "salt") {
		t.Error(first.body)
	}
	b.do(kathy, "POST", "/shops/wangjing/vouchers/codes", enter, 422)
	b.do(alice, "POST", "/me/vouchers/codes", ask, 409)

	b.do(root, "POST", "/rewards/gifts/members/alice/vouchers/1/undos", `{"reason":"a mistake"}`, 200)
	digits = b.do(alice, "POST", "/me/vouchers/codes", ask, 200).field("code")
	b.do(root, "DELETE", "/shops/wangjing/managers/wx-kathy", "", 204)
	b.do(kathy, "POST", "/shops/wangjing/vouchers/codes", fmt.Sprintf(`{"code":%q}`, digits), 403)
}

func TestVoucherEnteredAtOnce(t *testing.T) {
	b := start(t, Config{})
	withDiscount(b)
	digits := b.do(alice, "POST", "/me/vouchers/codes", `{"shop":"wangjing","voucher":{"holder":{"catalog":"gifts","member":"alice"},"n":1}}`, 200).field("code")
	enter := fmt.Sprintf(`{"code":%q}`, digits)
	for i := range 2 {
		res := b.send(kathy, "POST", "/shops/wangjing/vouchers/codes", "enter", strings.NewReader(enter))
		if res.status != 200 || res.field("vouchers.0.state") != "redeemed" || (res.header.Get("Idempotency-Replayed") != "") != (i > 0) {
			t.Errorf("call %d: %d %s", i+1, res.status, res.body)
		}
	}
}
