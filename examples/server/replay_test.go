package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A key that was used gives the first answer, and with another body none.
func TestReplays(t *testing.T) {
	b := start(t, Config{})
	b.do(root, "PUT", "/shops/sanlitun/stamps/B1?unsigned=true", "", 200)
	token := b.do(root, "POST", "/shops/sanlitun/invitations", "", 200).field("token")
	b.do(root, "POST", "/cards/coffee/bob/adjustments", `{"n":5,"reason":"x"}`, 200)
	b.do(root, "POST", "/cards/coffee/carol/adjustments", `{"n":6,"reason":"x"}`, 200)
	code := b.code(bob, `{"shop":"wangjing","purpose":"stamp","program":"coffee"}`)
	for i, c := range []struct{ token, method, path, body, other string }{
		{alice, "POST", "/me/codes", `{"shop":"wangjing","purpose":"stamp","program":"coffee"}`, `{"shop":"wangjing","purpose":"stamp","program":"welcome"}`},
		{alice, "POST", "/me/presses", press, strings.Replace(press, "A1659391", "B1", 1)},
		{alice, "POST", "/me/claims", `{"program":"welcome"}`, ""},
		{kathy, "POST", "/shops/wangjing/codes", `{"code":"` + code + `"}`, `{"code":"00000000"}`},
		{wang, "POST", "/invitations/accept", fmt.Sprintf(`{"token":%q}`, token), fmt.Sprintf(`{"token":%q,"name":"x"}`, token)},
		{root, "PUT", "/shops/third", `{"name":"Third","zone":"Asia/Tokyo"}`, `{"name":"3","zone":"Asia/Tokyo"}`},
		{root, "PUT", "/shops/third/stamps/C1", "", ""},
		{root, "DELETE", "/shops/third/stamps/C1", "", ""},
		{root, "DELETE", "/shops/third/stamps", "", ""},
		{root, "DELETE", "/shops/sanlitun/managers/wx-wang", "", ""},
		{root, "POST", "/members/bob/claims", `{"program":"welcome"}`, `{"program":"welcome","nickname":"x"}`},
		{root, "POST", "/cards/coffee/carol/stamps", `{"n":1}`, `{}`},
		{root, "POST", "/cards/coffee/carol/cancellations", `{"n":1}`, `{"n":2}`},
		{root, "POST", "/cards/coffee/carol/adjustments", `{"n":1,"reason":"x"}`, `{"n":2,"reason":"x"}`},
		{root, "POST", "/transfers", `{"from":"coffee/carol","to":"coffee/dave","n":1}`, `{"from":"coffee/carol","to":"coffee/dave","n":2}`},
		{root, "POST", "/coupons/coffee%2Fcarol:1/redemptions", `{"shop":"wangjing"}`, `{}`},
		{kathy, "POST", "/shops/wangjing/coupons/coffee%2Fcarol:1/undos", `{"reason":"x"}`, `{"reason":"y"}`},
		{root, "POST", "/coupons/coffee%2Fcarol:1/redemptions", `{}`, `{"shop":"wangjing"}`},
		{root, "POST", "/coupons/coffee%2Fcarol:1/undos", `{"reason":"x"}`, `{"reason":"y"}`},
		{root, "POST", "/coupons/coffee%2Fcarol:1/voids", `{"reason":"x"}`, `{"reason":"y"}`},
	} {
		key := fmt.Sprintf("replay-%d", i)
		first := b.send(c.token, c.method, c.path, key, strings.NewReader(c.body))
		entries := b.entries()
		again := b.send(c.token, c.method, c.path, key, strings.NewReader(c.body))
		if first.status >= 300 || first.header.Get("Idempotency-Replayed") != "" {
			t.Errorf("%s %s: first %d %s", c.method, c.path, first.status, first.body)
			continue
		}
		if again.status != first.status || again.header.Get("Idempotency-Replayed") != "true" || withoutReplayed(again.body) != first.body {
			t.Errorf("%s %s: again %d, replayed %q:\n%s%s", c.method, c.path, again.status, again.header.Get("Idempotency-Replayed"), first.body, again.body)
		}
		if c.other != "" {
			if res := b.send(c.token, c.method, c.path, key, strings.NewReader(c.other)); res.status != 422 {
				t.Errorf("%s %s with another body: %d %s", c.method, c.path, res.status, res.body)
			}
		}
		if after := b.entries(); !slices.Equal(entries, after) {
			t.Errorf("%s %s: a replay was stored", c.method, c.path)
		}
	}
}

func withoutReplayed(body string) string { return strings.Replace(body, `,"replayed":true`, "", 1) }

func TestReplayOfPreview(t *testing.T) {
	b := start(t, Config{})
	body := `{"code":"` + b.code(alice, `{"shop":"wangjing","purpose":"stamp","program":"coffee"}`) + `"}`
	first := b.send(kathy, "POST", "/shops/wangjing/codes/preview", "k", strings.NewReader(body))
	again := b.send(kathy, "POST", "/shops/wangjing/codes/preview", "k", strings.NewReader(body))
	if again.header.Get("Idempotency-Replayed") != "true" || again.field("expires") != first.field("expires") {
		t.Errorf("%s\n%s", first.body, again.body)
	}
	if res := b.send(kathy, "POST", "/shops/wangjing/codes/preview", "k", strings.NewReader(`{"code":"00000000"}`)); res.status != 422 {
		t.Errorf("another code: %d", res.status)
	}
	b.do(kathy, "POST", "/shops/wangjing/codes/confirm", fmt.Sprintf(`{"claim":%q}`, again.field("claim")), 200)
	b.do(kathy, "POST", "/shops/wangjing/codes/confirm", fmt.Sprintf(`{"claim":%q}`, first.field("claim")), 200)
}
