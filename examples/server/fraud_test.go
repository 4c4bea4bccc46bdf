package main

import (
	"fmt"
	"strings"
	"testing"
)

// What a crooked manager, a dismissed one and a customer at home try in vain.
func TestWhoMustNotGetStampsOrCoupons(t *testing.T) {
	b := start(t, Config{})
	ask := `{"shop":"wangjing","purpose":"stamp","program":"coffee"}`

	t.Run("a manager does not choose how many stamps a visit gives", func(t *testing.T) {
		code := b.code(alice, ask)
		b.do(kathy, "POST", "/shops/wangjing/codes", `{"code":"`+code+`","n":500}`, 422)
	})
	t.Run("a manager does not end or undo what another shop gave", func(t *testing.T) {
		b.do(root, "POST", "/cards/coffee/bob/adjustments", `{"n":10,"reason":"x","shop":"wangjing"}`, 200)
		b.do(li, "POST", "/shops/sanlitun/coupons/coffee%2Fbob:1/voids", `{"reason":"x"}`, 403)
		b.do(root, "POST", "/coupons/coffee%2Fbob:1/redemptions", `{"shop":"wangjing"}`, 200)
		b.do(li, "POST", "/shops/sanlitun/coupons/coffee%2Fbob:1/undos", `{"reason":"x"}`, 403)
		b.do(kathy, "POST", "/shops/wangjing/coupons/coffee%2Fbob:1/undos", `{"reason":"x"}`, 200)
		b.do(kathy, "POST", "/shops/wangjing/coupons/coffee%2Fbob:1/voids", `{"reason":"x"}`, 200)
	})
	t.Run("a dismissed manager does not come back with an older invitation", func(t *testing.T) {
		older := b.do(root, "POST", "/shops/sanlitun/invitations", "", 200)
		made := b.do(root, "POST", "/shops/sanlitun/invitations", "", 200)
		if list := b.do(root, "GET", "/shops/sanlitun/invitations", "", 200); !strings.Contains(list.body, fmt.Sprint(made.field("id"))) {
			t.Error(list.body)
		}
		b.do(root, "DELETE", fmt.Sprint("/shops/sanlitun/invitations/", made.field("id")), "", 200)
		b.do(wang, "POST", "/invitations/accept", fmt.Sprintf(`{"token":%q}`, made.field("token")), 422)
		b.do(root, "DELETE", "/shops/sanlitun/managers/wx-li", "", 204)
		b.do(li, "POST", "/invitations/accept", fmt.Sprintf(`{"token":%q}`, older.field("token")), 422)
	})
	t.Run("a customer claims nowhere from home, and does not read a serial", func(t *testing.T) {
		b.do(alice, "POST", "/me/claims", `{"program":"welcome","shop":"wangjing"}`, 422)
		pressed := b.do(alice, "POST", "/me/presses", press, 200)
		history := b.do(alice, "GET", "/me/cards/coffee/history", "", 200)
		for _, seen := range []string{pressed.body, history.body} {
			if strings.Contains(seen, "A1659391") || !strings.Contains(seen, `"via":"stamp-`) {
				t.Error(seen)
			}
		}
	})
	t.Run("a stamp that takes certified presses takes each once", func(t *testing.T) {
		b.do(root, "PUT", "/shops/sanlitun/stamps/B1?alias=6901234567892", "", 200)
		b.do(bob, "POST", "/me/presses", `{"serial":"b1","purpose":"stamp","program":"coffee"}`, 409)
		token := b.do(root, "POST", "/stamps/6901234567892/presses", "", 200).field("token")
		certified := fmt.Sprintf(`{"token":%q,"purpose":"stamp","program":"coffee"}`, token)
		b.do(bob, "POST", "/me/presses", certified, 200)
		b.do(bob, "POST", "/me/presses", certified, 422)
		b.do(alice, "POST", "/me/presses", certified, 422)
	})
}
