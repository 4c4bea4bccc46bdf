package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// A step of the walk-through is one request, or several that differ in their keys. $NAME in path
// and body stands for what an earlier step saved.
type step struct {
	say    string
	as     string // shell variable of the token; "": none
	method string
	path   string
	body   string
	bare   bool   // without a key
	times  int    // 0: once
	save   string // NAME=field: keep the last value of the field in the answer
	status int    // what the answer is
}

// callers are the shell variables of the tokens.
var callers = [][2]string{
	{"ALICE", "demo-customer-alice"}, {"KATHY", "demo-manager-kathy"}, {"LI", "demo-manager-li"},
	{"WANG", "demo-visitor-wang"}, {"ADMIN", "demo-admin"},
}

const (
	askStamp = `{"shop":"wangjing","purpose":"stamp","program":"coffee"}`
	press    = `{"serial":"A1659391","purpose":"stamp","program":"coffee"}`
	typeCode = `{"code":"$CODE"}`
	order    = `{"purchase":{"currency":"CNY","lines":[{"id":"1","sku":"beans","gross":12900}]}}`
)

// walkthrough is written for a fresh database; it works again on the same one, but for the coupon
// that each member may claim once.
var walkthrough = []step{
	{say: "Alice can't use the stamp at the till: her phone asks for a code.",
		as: "ALICE", method: "POST", path: "/me/codes", body: askStamp, save: "CODE=code", status: 200},
	{say: "Kathy, the manager of the shop, types it, and sees whose it is and what it would do.",
		as: "KATHY", method: "POST", path: "/shops/wangjing/codes/preview", body: typeCode, save: "CLAIM=claim", status: 200},
	{say: "She confirms: Alice has a stamp.",
		as: "KATHY", method: "POST", path: "/shops/wangjing/codes/confirm", body: `{"claim":"$CLAIM"}`, bare: true, status: 200},
	{say: "A stamp by the shop's physical stamp, pressed on the phone.",
		as: "ALICE", method: "POST", path: "/me/presses", body: press, status: 200},
	{say: "That one was a mistake. Alice asks for a code to take it back ...",
		as: "ALICE", method: "POST", path: "/me/codes", body: `{"shop":"wangjing","purpose":"cancel","program":"coffee"}`, save: "CODE=code", status: 200},
	{say: "... and Kathy types it; this time in one go.",
		as: "KATHY", method: "POST", path: "/shops/wangjing/codes", body: typeCode, status: 200},
	{say: "Nine more cups fill the card: the fifth stamp gave a cookie, the tenth gives a free cup.",
		as: "ALICE", method: "POST", path: "/me/presses", body: press, times: 9, save: "COUPON=id", status: 200},
	{say: "Her card, its history, and her coupons.",
		as: "ALICE", method: "GET", path: "/me/cards/coffee", status: 200},
	{as: "ALICE", method: "GET", path: "/me/cards/coffee/history", status: 200},
	{as: "ALICE", method: "GET", path: "/me/coupons", status: 200},
	{say: "She redeems the free cup with a code.",
		as: "ALICE", method: "POST", path: "/me/codes", body: `{"shop":"wangjing","purpose":"redeem","coupon":"$COUPON"}`, save: "CODE=code", status: 200},
	{as: "KATHY", method: "POST", path: "/shops/wangjing/codes", body: typeCode, status: 200},
	{say: "A coupon from a handout: one for each member, so that a second claim is refused.",
		as: "ALICE", method: "POST", path: "/me/claims", body: `{"program":"welcome"}`, status: 200},
	{as: "ALICE", method: "POST", path: "/me/claims", body: `{"program":"welcome"}`, status: 409},
	{say: "What the shop did in the last 15 days, and its totals by day, purpose and manager.",
		as: "KATHY", method: "GET", path: "/shops/wangjing/records?purpose=stamp,redeem&nickname=ali", status: 200},
	{as: "KATHY", method: "GET", path: "/shops/wangjing/totals", status: 200},
	{say: "The brand invites a second manager. Whoever has the token first is bound.",
		as: "ADMIN", method: "POST", path: "/shops/sanlitun/invitations", save: "TOKEN=token", status: 200},
	{as: "WANG", method: "POST", path: "/invitations/accept", body: `{"token":"$TOKEN","name":"Wang"}`, status: 200},
	{as: "ADMIN", method: "DELETE", path: "/shops/sanlitun/managers/wx-wang", status: 204},
	{say: "Points: what a purchase would earn and why, the purchase itself, points spent, and what Alice has left.",
		as: "ADMIN", method: "POST", path: "/points/club/members/alice/previews", body: order, bare: true, status: 200},
	{as: "ADMIN", method: "POST", path: "/points/club/members/alice/events", body: order, status: 200},
	{as: "ADMIN", method: "POST", path: "/points/club/members/alice/redemptions", body: `{"n":100,"reason":"A cup"}`, status: 200},
	{as: "ALICE", method: "GET", path: "/me/points/club", status: 200},
	{say: "She exchanges 20 of them for a cup of coffee. The voucher has a code, which Kathy types at the till, once.",
		as: "ALICE", method: "GET", path: "/me/rewards/gifts", status: 200},
	{as: "ALICE", method: "POST", path: "/me/rewards/gifts/redemptions", body: `{"reward":"cup","price":{"points":20}}`, save: "VOUCHER=code", status: 200},
	{as: "KATHY", method: "POST", path: "/shops/wangjing/vouchers/preview", body: `{"code":"$VOUCHER"}`, bare: true, status: 200},
	{as: "KATHY", method: "POST", path: "/shops/wangjing/vouchers", body: `{"code":"$VOUCHER"}`, status: 200},
	{as: "KATHY", method: "POST", path: "/shops/wangjing/vouchers", body: `{"code":"$VOUCHER"}`, status: 409},
	{say: "Her ledger is as it was written.",
		as: "ADMIN", method: "GET", path: "/points/club/members/alice/verification", status: 204},
	{say: "The journal has all of it.",
		as: "ADMIN", method: "GET", path: "/journal?limit=3", status: 200},
	{say: "Without a token: 401.",
		method: "GET", path: "/me/cards", status: 401},
	{say: "The manager of another shop, and a customer at the till: 403.",
		as: "LI", method: "GET", path: "/shops/wangjing/records", status: 403},
	{as: "ALICE", method: "GET", path: "/shops/wangjing/totals", status: 403},
	{say: "A wrong code: 422. After a few of them: 429.",
		as: "KATHY", method: "POST", path: "/shops/wangjing/codes", body: `{"code":"000000"}`, status: 422},
}

// weChatWalkthrough is of a customer and a manager who come with the Mini Program, where WeChat is
// that of the demo. It follows the other one.
var weChatWalkthrough = []step{
	{say: "A customer opens the Mini Program, which has a code of wx.login, and is signed in.",
		method: "POST", path: "/demo/logins", body: `{"user":"xiaoai"}`, bare: true, save: "LOGIN=code", status: 200},
	{method: "POST", path: "/sessions/wechat", body: `{"code":"$LOGIN","device":"phone"}`, bare: true, save: "XIAOAI=token", status: 200},
	{say: "She tells of herself. WeChat checks the nickname.",
		as: "XIAOAI", method: "PUT", path: "/me/profile", body: `{"nickname":"小爱","birthday":"--05-01"}`, status: 200},
	{as: "XIAOAI", method: "PUT", path: "/me/preferences", body: `{"language":"zh-Hans","quiet":{"from":1320,"to":480,"zone":"Asia/Shanghai"}}`, status: 200},
	{say: "She presses the phone button, agrees to news, and accepts a message; WeChat pushes that to the server.",
		method: "POST", path: "/demo/presses", body: `{"user":"xiaoai","phone":"13800138000"}`, bare: true, save: "PRESS=code", status: 200},
	{as: "XIAOAI", method: "POST", path: "/me/phone-presses", body: `{"code":"$PRESS","way":"quick"}`, status: 200},
	{as: "XIAOAI", method: "POST", path: "/me/consents",
		body: `{"purpose":"news","kind":"plain","given":true,"version":"2026-01","way":"miniprogram","time":"2026-01-01T00:00:00Z"}`, status: 200},
	{method: "POST", path: "/demo/accepts", body: `{"user":"xiaoai","template":"card-full"}`, bare: true, status: 204},
	{as: "XIAOAI", method: "GET", path: "/me/subscriptions/card-full", status: 200},
	{say: "Her token is good for whatever customers do.",
		as: "XIAOAI", method: "POST", path: "/me/presses", body: press, status: 200},
	{say: "Nine more fill her card, and she is told so in WeChat, outside of the hours in which she wants to be left alone.",
		as: "XIAOAI", method: "POST", path: "/me/presses", body: press, times: 9, status: 200},
	{method: "GET", path: "/demo/messages?user=xiaoai", status: 200},
	{as: "XIAOAI", method: "GET", path: "/me/notices", status: 200},
	{say: "The brand has an invitation drawn. Wei, who is signed in as any customer, can't manage the shop ...",
		as: "ADMIN", method: "POST", path: "/shops/sanlitun/invitations/pictures", save: "PICTURE=picture", status: 200},
	{method: "POST", path: "/demo/logins", body: `{"user":"wei"}`, bare: true, save: "LOGIN=code", status: 200},
	{method: "POST", path: "/sessions/wechat", body: `{"code":"$LOGIN","device":"phone"}`, bare: true, save: "WEI=token", status: 200},
	{as: "WEI", method: "GET", path: "/shops/sanlitun/records", status: 403},
	{say: "... until he scans the picture. Nobody scans it after him.",
		method: "POST", path: "/demo/scans", body: `{"picture":"$PICTURE"}`, bare: true, save: "SCENE=scene", status: 200},
	{as: "WEI", method: "POST", path: "/invitations/scans", body: `{"scene":"$SCENE","name":"Wei"}`, save: "WHO=identity", status: 200},
	{as: "WEI", method: "GET", path: "/shops/sanlitun/records", status: 200},
	{as: "XIAOAI", method: "POST", path: "/invitations/scans", body: `{"scene":"$SCENE","name":"Eve"}`, status: 422},
	{as: "ADMIN", method: "DELETE", path: "/shops/sanlitun/managers/$WHO", status: 204},
	{say: "She has a copy of her data, and signs out everywhere.",
		as: "XIAOAI", method: "GET", path: "/me/export", status: 200},
	{as: "XIAOAI", method: "DELETE", path: "/me/sessions", status: 200},
	{as: "XIAOAI", method: "GET", path: "/me", status: 401},
}

// walk returns the walk-through of the server.
func (s *Server) walk() []step {
	if s.phones == nil {
		return walkthrough
	}
	return slices.Concat(walkthrough, weChatWalkthrough)
}

// writeWalkthrough writes steps as lines for a shell.
func writeWalkthrough(w io.Writer, base string, steps []step) {
	fmt.Fprint(w, "# A walk-through, to paste into a shell line by line:\n\n")
	fmt.Fprintf(w, "BASE=%s; RUN=$(date +%%s); JSON='Content-Type: application/json'\n", base)
	for _, c := range callers {
		fmt.Fprintf(w, "%s=%s\n", c[0], c[1])
	}
	fmt.Fprintln(w, `last() { OUT=$(cat); echo "$OUT" >&2; echo "$OUT" | sed -n 's/.*"'$1'":"\([^"]*\)".*/\1/p' | tail -n 1; }`)
	for i, s := range steps {
		if s.say != "" {
			fmt.Fprintf(w, "\n# %s\n", s.say)
		}
		fmt.Fprintln(w, s.line(i))
	}
}

var variable = regexp.MustCompile(`\$[A-Z]+`)

// line returns the step with that number as a line for a shell.
func (s step) line(number int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `curl -sS -X %s "$BASE%s"`, s.method, s.path)
	if s.as != "" {
		fmt.Fprintf(&b, ` -H "Authorization: Bearer $%s"`, s.as)
	}
	if key := s.key(number); key != "" {
		fmt.Fprintf(&b, ` -H "Idempotency-Key: %s"`, key)
	}
	if s.body != "" {
		fmt.Fprintf(&b, ` -H "$JSON" -d '%s'`, variable.ReplaceAllString(s.body, `'"$0"'`))
	}
	line := b.String()
	if s.times > 0 {
		line = fmt.Sprintf("for I in $(seq %d); do %s; done", s.times, line)
	}
	if name, field, ok := strings.Cut(s.save, "="); ok {
		line = fmt.Sprintf("%s=$(%s | last %s)", name, line, field)
	}
	return line
}

// key names the write of a step within a run of the walk-through, and where there are several, each
// by $I.
func (s step) key(number int) string {
	switch {
	case s.method == "GET" || s.bare:
		return ""
	case s.times > 0:
		return fmt.Sprintf("$RUN-%d-$I", number+1)
	}
	return fmt.Sprintf("$RUN-%d", number+1)
}
