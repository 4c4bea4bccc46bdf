package main

import (
	"strings"
	"testing"
)

func TestRewards(t *testing.T) {
	b := start(t, Config{})
	call := func(token, method, path, key, body string, status int) string {
		t.Helper()
		res := b.send(token, method, path, key, strings.NewReader(body))
		if res.status != status {
			t.Fatalf("%s %s: %d %s, want %d", method, path, res.status, res.body, status)
		}
		return res.body
	}
	field := func(body, name string) string {
		t.Helper()
		_, after, ok := strings.Cut(body, `"`+name+`":"`)
		if !ok {
			t.Fatalf("no %s in %s", name, body)
		}
		value, _, _ := strings.Cut(after, `"`)
		return value
	}
	const mixed = `{"reward":"cup","price":{"points":10,"money":500}}`
	call(root, "POST", "/points/club/members/alice/adjustments", "give", `{"n":40,"reason":"demo"}`, 200)

	t.Run("what is to be paid is reserved, and given when it is", func(t *testing.T) {
		call(alice, "POST", "/me/rewards/gifts/redemptions", "a", mixed, 422)
		held := call(alice, "POST", "/me/rewards/gifts/reservations", "r", mixed, 200)
		if strings.Contains(held, `"code"`) || !strings.Contains(held, `"state":"reserved"`) {
			t.Error(held)
		}
		if points := call(alice, "GET", "/me/points/club", "", "", 200); !strings.Contains(points, `"available":30`) || !strings.Contains(points, `"held":10`) {
			t.Error(points)
		}
		if got := call(root, "POST", "/rewards/gifts/members/alice/captures", "c", `{"order":1}`, 200); strings.Contains(got, `"code"`) {
			t.Errorf("the code is for its member alone: %s", got)
		}
		if mine := call(alice, "GET", "/me/vouchers", "", "", 200); !strings.Contains(field(mine, "code"), "CVP-") || strings.Contains(mine, "salt") {
			t.Error(mine)
		}
	})
	t.Run("another price is refused, and other levels see other rewards", func(t *testing.T) {
		call(alice, "POST", "/me/rewards/gifts/redemptions", "b", `{"reward":"cup","price":{"points":1}}`, 409)
		call(alice, "POST", "/me/rewards/gifts/redemptions", "lounge", `{"reward":"lounge"}`, 403)
		if offers := call(alice, "GET", "/me/rewards/gifts", "", "", 200); strings.Contains(offers, "lounge") {
			t.Error(offers)
		}
	})
	t.Run("a voucher is redeemed by who manages the shop, once, and undone", func(t *testing.T) {
		got := call(alice, "POST", "/me/rewards/gifts/redemptions", "d", `{"reward":"cup","price":{"points":20}}`, 200)
		shown := `{"code":"` + strings.ToLower(field(got, "code")) + `"}`
		call(li, "POST", "/shops/wangjing/vouchers", "e", shown, 403)
		call(kathy, "POST", "/shops/wangjing/vouchers/preview", "", shown, 200)
		call(kathy, "POST", "/shops/wangjing/vouchers", "f", shown, 200)
		call(kathy, "POST", "/shops/wangjing/vouchers", "f", shown, 200)
		call(kathy, "POST", "/shops/wangjing/vouchers", "g", shown, 409)
		call(root, "POST", "/rewards/gifts/members/alice/vouchers/2/undos", "h", `{"reason":"wrong cup"}`, 200)
		call(root, "POST", "/rewards/gifts/members/alice/vouchers/2/returns", "i", `{"reason":"no cups"}`, 200)
		call(kathy, "POST", "/shops/wangjing/vouchers", "j", shown, 409)
		if points := call(alice, "GET", "/me/points/club", "", "", 200); !strings.Contains(points, `"available":30`) {
			t.Error(points)
		}
	})
	t.Run("a gift costs nothing", func(t *testing.T) {
		call(root, "POST", "/rewards/gifts/members/bob/gifts", "k", `{"reward":"lounge","reason":"sorry"}`, 200)
		call(root, "POST", "/rewards/gifts/members/bob/vouchers/1/voids", "l", `{"reason":"fraud"}`, 200)
		if all := call(root, "GET", "/rewards/gifts/vouchers?member=bob", "", "", 200); !strings.Contains(all, `"state":"voided"`) {
			t.Error(all)
		}
	})
}
