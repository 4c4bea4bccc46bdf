package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/scrm/signin"
)

// A pocket is a sender that keeps the last message, as a phone would.
type pocket struct{ message.Message }

func (p *pocket) Send(_ context.Context, m message.Message) (string, error) {
	p.Message = m
	return "", nil
}

// weChat signs a made-up user in.
func (b *bench) weChat(user string) response {
	b.Helper()
	code := b.do("", "POST", "/demo/logins", fmt.Sprintf(`{"user":%q}`, user), 200).field("code")
	return b.do("", "POST", "/sessions/wechat", fmt.Sprintf(`{"code":%q,"device":"phone"}`, code), 200)
}

// token signs a made-up user in and returns the token.
func (b *bench) token(user string) string {
	b.Helper()
	return b.weChat(user).field("token").(string)
}

// codeTo delivers what is pending and returns the code, which was sent to that address.
func (b *bench) codeTo(address string) string {
	b.Helper()
	p := new(pocket)
	if _, err := b.delivery.Deliver(b.Context(), p); err != nil {
		b.Fatal(err)
	}
	if p.To != address || p.Template != codeTemplate {
		b.Fatalf("the last message is to %q, of %q", p.To, p.Template)
	}
	return p.Vars[0].Value
}

// pressPhone links the number of a made-up user by the phone button.
func (b *bench) pressPhone(token, user, phone string, want int) response {
	b.Helper()
	code := b.do("", "POST", "/demo/presses", fmt.Sprintf(`{"user":%q,"phone":%q}`, user, phone), 200).field("code")
	return b.do(token, "POST", "/me/phone-presses", fmt.Sprintf(`{"code":%q,"way":"quick"}`, code), want)
}

// A customer from the first sign-in to the erasure.
func TestCustomer(t *testing.T) {
	for name, cfg := range map[string]func(t *testing.T) Config{
		"sqlite":   func(*testing.T) Config { return Config{} },
		"postgres": func(t *testing.T) Config { return Config{Postgres: pgtest.DSN(t)} },
	} {
		t.Run(name, func(t *testing.T) { testCustomer(t, cfg(t)) })
	}
}

func testCustomer(t *testing.T, cfg Config) {
	var log bytes.Buffer
	cfg.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b := start(t, cfg)
	in := b.weChat("ann")
	ann, member := in.field("token").(string), in.field("member").(string)
	if in.field("new") != true {
		t.Error(in.body)
	}
	if again := b.weChat("ann"); again.field("new") != nil || again.field("member") != member {
		t.Error(again.body)
	}

	b.phones.Word("nasty", "risky")
	b.phones.Word("odd", "review")
	if res := b.do(ann, "PUT", "/me/profile", `{"nickname":"nasty"}`, 422); res.field("type") != "/problems/signin-nickname" {
		t.Error(res.body)
	}
	if res := b.do(ann, "PUT", "/me/profile", `{"nickname":"odd"}`, 200); res.field("review") != true {
		t.Error(res.body)
	}
	b.do(ann, "PUT", "/me/profile", `{"nickname":"小爱","birthday":"--05-01"}`, 200)
	b.do(ann, "PUT", "/me/profile", `{"nickname":"小爱","version":1}`, 409)
	b.do(ann, "PUT", "/me/preferences", `{"language":"zh-Hans","quiet":{"from":1320,"to":480,"zone":"Asia/Shanghai"}}`, 200)

	b.pressPhone(ann, "ann", "13800138000", 200)
	const number, other = "+8613800138000", "+8613900139000"
	b.do("", "POST", "/sessions/codes", `{"address":"`+number+`"}`, 200)
	second := b.do("", "POST", "/sessions", fmt.Sprintf(`{"address":%q,"code":%q,"device":"laptop"}`, number, b.codeTo(number)), 200)
	if second.field("member") != member || second.field("new") != nil {
		t.Error(second.body)
	}
	b.do(ann, "POST", "/me/addresses/codes", `{"address":"`+other+`"}`, 200)
	sms := b.codeTo(other)
	link := fmt.Sprintf(`{"address":%q,"code":%q`, other, sms)
	b.do(ann, "POST", "/me/addresses", link+`}`, 409)
	if res := b.do(ann, "POST", "/me/addresses", link+`,"replace":true}`, 200); res.field("former.id") != number {
		t.Error(res.body)
	}
	me := b.do(ann, "GET", "/me", "", 200)
	for path, want := range map[string]any{
		"id": member, "profile.nickname": "小爱", "profile.birthday": "--05-01", "preferences.language": "zh-Hans",
		"preferences.quiet.from": 1320.0, "identities.2.id": other,
	} {
		if got := me.field(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}

	const news = `{"purpose":"news","kind":"plain","version":"1","way":"miniprogram","time":"2026-01-01T00:00:0%dZ","given":%t}`
	b.do(ann, "POST", "/me/consents", fmt.Sprintf(news, 1, true), 200)
	b.do(ann, "POST", "/me/consents", fmt.Sprintf(news, 2, false), 200)
	if all := b.do(ann, "GET", "/me/consents", "", 200); all.field("items.0.given") != true || all.field("items.1.given") != false {
		t.Error(all.body)
	}

	if all := b.do(ann, "GET", "/me/sessions", "", 200); all.field("items.2.way") != "sms" || all.field("items.2.device") != "laptop" {
		t.Error(all.body)
	}
	b.do(ann, "DELETE", fmt.Sprintf("/me/sessions/%v", second.field("session.id")), "", 200)
	b.do(second.field("token").(string), "GET", "/me", "", 401)
	b.do(ann, "DELETE", "/me/sessions/99", "", 404)

	// What customers did before, with the same token.
	b.do(root, "POST", "/points/club/members/"+member+"/adjustments", `{"n":40,"reason":"welcome"}`, 200)
	if res := b.do(ann, "GET", "/me/points/club", "", 200); res.field("points.points.available") != 40.0 {
		t.Error(res.body)
	}
	voucher := b.do(ann, "POST", "/me/rewards/gifts/redemptions", `{"reward":"cup","price":{"points":20}}`, 200)
	b.do(kathy, "POST", "/shops/wangjing/vouchers", fmt.Sprintf(`{"code":%q}`, voucher.field("vouchers.0.code")), 200)
	code := b.code(ann, `{"shop":"wangjing","purpose":"stamp","program":"coffee"}`)
	if shown := b.do(kathy, "POST", "/shops/wangjing/codes/preview", fmt.Sprintf(`{"code":%q}`, code), 200); !strings.Contains(shown.body, "小爱") {
		t.Error(shown.body)
	}
	b.do(kathy, "POST", "/shops/wangjing/codes", fmt.Sprintf(`{"code":%q}`, b.code(ann, `{"shop":"wangjing","purpose":"stamp","program":"coffee"}`)), 200)
	if cards := b.do(ann, "GET", "/me/cards", "", 200); cards.field("items.0.count") != 1.0 {
		t.Error(cards.body)
	}

	if out := b.do(ann, "GET", "/me/export", "", 200); out.field("customer.profile.nickname") != "小爱" || out.field("consents.1.given") != false {
		t.Error(out.body)
	}
	b.do(ann, "POST", "/me/erasures", `{"due":"2020-01-01T00:00:00Z"}`, 422)
	b.do(ann, "POST", "/me/erasures", `{"due":"2099-01-01T00:00:00Z"}`, 200)
	if err := b.tidyCustomers(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	b.do(ann, "DELETE", "/me/erasures", "", 200)
	b.do(ann, "DELETE", "/me", "", 204)
	b.do(ann, "GET", "/me", "", 401)
	if back := b.weChat("ann"); back.field("new") != true || back.field("member") == member {
		t.Error(back.body)
	}

	feed := b.do(root, "GET", "/journal?limit=1000", "", 200).body
	for _, secret := range []string{ann, sms, "13800138000", "13900139000", "小爱"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %s", secret)
		}
		if secret != "小爱" && strings.Contains(feed, secret) { // the shop's records have nicknames
			t.Errorf("the journal has %s", secret)
		}
	}
}

// Who asked to be erased is, once the time has come.
func TestErasureIsDue(t *testing.T) {
	b := start(t, Config{})
	ann, bo := b.token("ann"), b.token("bo")
	due := time.Now().Add(time.Hour)
	b.do(ann, "POST", "/me/erasures", `{"due":"`+due.Format(time.RFC3339)+`"}`, 200)
	for range 2 {
		if err := b.tidyCustomers(t.Context(), due.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		b.do(ann, "GET", "/me", "", 401)
		b.do(bo, "GET", "/me", "", 200)
	}
}

func TestTokensThatAreNone(t *testing.T) {
	b := start(t, Config{})
	ann := b.token("ann")
	b.do(ann, "GET", "/me/cards", "", 200)
	last := map[byte]string{'A': "B"}[ann[len(ann)-1]]
	if last == "" {
		last = "A"
	}
	for _, forged := range []string{ann[:len(ann)-1], ann[:len(ann)-1] + last, ann + "A", strings.ToLower(ann) + "x"} {
		b.do(forged, "GET", "/me/cards", "", 401)
	}

	now := b.signin
	sessions, err := session.New(b.db, "customer", &session.Options{Now: func() time.Time { return time.Now().Add(session.DefaultIdle) }})
	if err != nil {
		t.Fatal(err)
	}
	b.signin = signin.New(b.db, b.customers, sessions, b.wechat.app, b.delivery, nil)
	b.do(ann, "GET", "/me/cards", "", 401)
	b.signin = now
	b.do(ann, "GET", "/me/cards", "", 200)
	b.do(ann, "DELETE", "/me/sessions", "", 200)
	b.do(ann, "GET", "/me/cards", "", 401)
}

// That somebody else has a number is told to whoever has proven it, and changes nothing.
func TestNumberOfAnother(t *testing.T) {
	b := start(t, Config{})
	ann, bo := b.token("ann"), b.token("bo")
	const number = "+8613800138000"
	b.pressPhone(ann, "ann", "13800138000", 200)
	before := b.do(ann, "GET", "/me", "", 200).body + b.do(bo, "GET", "/me", "", 200).body
	b.do(bo, "POST", "/me/addresses/codes", `{"address":"`+number+`"}`, 200)
	right := b.codeTo(number)
	wrong := "000000"
	if right == wrong {
		wrong = "000001"
	}
	for code, want := range map[string]string{wrong: "delivery-invalid-code", right: "customer-taken"} {
		res := b.send(bo, "POST", "/me/addresses", code, strings.NewReader(fmt.Sprintf(`{"address":%q,"code":%q}`, number, code)))
		if res.field("type") != "/problems/"+want {
			t.Errorf("%s: %s", want, res.body)
		}
		if strings.Contains(res.body, number) || strings.Contains(res.body, code) {
			t.Error("the problem has the number or the code:", res.body)
		}
	}
	if res := b.pressPhone(bo, "bo", "13800138000", 409); res.field("type") != "/problems/customer-taken" {
		t.Error(res.body)
	}
	if after := b.do(ann, "GET", "/me", "", 200).body + b.do(bo, "GET", "/me", "", 200).body; after != before {
		t.Errorf("%s became %s", before, after)
	}
}

func TestAsksTellNothing(t *testing.T) {
	b := start(t, Config{})
	ann, bo, cy := b.token("ann"), b.token("bo"), b.token("cy")
	b.pressPhone(ann, "ann", "13800138000", 200)
	b.pressPhone(cy, "cy", "13800138001", 200)
	shape := func(token, path, address string) string {
		res := b.do(token, "POST", path, fmt.Sprintf(`{"address":%q}`, address), 200)
		var sent map[string]any
		if err := json.Unmarshal([]byte(res.body), &sent); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(slices.Sorted(maps.Keys(sent)), sent["left"], slices.Sorted(maps.Keys(res.header)))
	}
	for _, ask := range []struct{ token, path, known, unknown string }{
		{"", "/sessions/codes", "+8613800138000", "+8613900139000"},
		{bo, "/me/addresses/codes", "+8613800138001", "+8613900139001"},
	} {
		known, unknown := shape(ask.token, ask.path, ask.known), shape(ask.token, ask.path, ask.unknown)
		if known != unknown {
			t.Errorf("%s tells who is there: %s, %s", ask.path, known, unknown)
		}
		for _, again := range []string{ask.known, ask.unknown} {
			b.do(ask.token, "POST", ask.path, fmt.Sprintf(`{"address":%q}`, again), 429)
		}
	}
}

// A line is a sender that hands its messages to a test.
type line chan message.Message

func (l line) Send(ctx context.Context, m message.Message) (string, error) {
	select {
	case l <- m:
	case <-ctx.Done():
	}
	return "", nil
}

func TestCodesAreDelivered(t *testing.T) {
	sent := make(line)
	b := start(t, Config{Sender: sent})
	b.do("", "POST", "/sessions/codes", `{"address":"ann@example.com","language":"en"}`, 200)
	if m := <-sent; m.To != "ann@example.com" || m.Language != "en" {
		t.Errorf("%s to %s", m.Language, m.To)
	}
}
