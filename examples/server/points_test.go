package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/loyalty"
)

func TestMembersAreNotToldWhoDidIt(t *testing.T) {
	b := start(t, Config{})
	const order = `{"purchase":{"currency":"CNY","lines":[{"id":"1","gross":12900}]}}`
	if res := b.send(root, "POST", "/points/club/members/alice/events", "order-1", strings.NewReader(order)); res.status != 200 {
		t.Fatal(res.status, res.body)
	}
	mine := b.send(alice, "GET", "/me/points/club/history", "", nil)
	if mine.status != 200 || !strings.Contains(mine.body, `"n":129`) || strings.Contains(mine.body, "admin") {
		t.Errorf("%d %s", mine.status, mine.body)
	}
	theirs := b.send(root, "GET", "/points/club/members/alice/history", "", nil)
	if theirs.status != 200 || !strings.Contains(theirs.body, `"by":"admin"`) {
		t.Errorf("%d %s", theirs.status, theirs.body)
	}
}

func TestPendingPointsBegin(t *testing.T) {
	b := start(t, Config{})
	d := demoPoints
	d.ID, d.Currencies = "slow", []loyalty.Currency{{ID: "points", Pending: 14}}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	b.do(root, "PUT", "/points/slow/versions/1", string(text), 200)
	earned := b.send(root, "POST", "/points/slow/members/alice/events", "order-1", strings.NewReader(`{"kind":"sign-up"}`))
	if earned.status != 200 {
		t.Fatal(earned.status, earned.body)
	}
	const begin = "/points/slow/members/alice/activations"
	b.do(root, "POST", begin, `{"of":"order-1","n":20,"reason":"delivered"}`, 200)
	if got := b.do(alice, "GET", "/me/points/slow", "", 200); got.field("points.points.available") != 20.0 || got.field("points.points.pending") != 30.0 {
		t.Error(got.body)
	}
	b.do(root, "POST", begin, `{"of":"order-1","n":31}`, 409)
	b.do(root, "POST", begin, `{"of":"order-2"}`, 404)
	b.do(root, "POST", begin, `{"of":"order-1"}`, 200)
	if got := b.do(alice, "GET", "/me/points/slow", "", 200); got.field("points.points.available") != 50.0 {
		t.Error(got.body)
	}
}

func TestSpendingUpToWhatThereIs(t *testing.T) {
	b := start(t, Config{})
	b.do(root, "POST", "/points/club/members/alice/adjustments", `{"n":40,"reason":"demo"}`, 200)
	const spend = "/points/club/members/alice/redemptions"
	b.do(root, "POST", spend, `{"n":100}`, 409)
	if got := b.do(root, "POST", spend, `{"n":100,"upTo":true}`, 200); got.field("moves.0.balance.available") != 0.0 {
		t.Error(got.body)
	}
	b.do(root, "POST", spend, `{"n":100,"upTo":true}`, 409)
}

func TestAProgramIsVerifiedAgainstItsHeads(t *testing.T) {
	b := start(t, Config{})
	b.do(root, "POST", "/points/club/members/alice/adjustments", `{"n":40,"reason":"demo"}`, 200)
	kept := b.do(root, "POST", "/points/club/verifications", `{}`, 200)
	b.do(root, "POST", "/points/club/members/alice/adjustments", `{"n":2,"reason":"demo"}`, 200)
	b.do(root, "POST", "/points/club/members/bob/adjustments", `{"n":2,"reason":"demo"}`, 200)
	now := b.do(root, "POST", "/points/club/verifications", `{"kept":`+kept.body+`}`, 200)
	if kept.field("members.0.seq") != 1.0 || kept.field("members.1") != nil || now.field("members.0.seq") != 2.0 || now.field("members.1.member") != "bob" {
		t.Errorf("%s\n%s", kept.body, now.body)
	}
	if _, err := b.sql.NewRaw("delete from loyalty_account where member = 'bob'").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if res := b.do(root, "POST", "/points/club/verifications", `{"kept":`+now.body+`}`, 409); res.field("type") != typePrefix+"loyalty-tampered" {
		t.Error(res.body)
	}
	b.do(root, "POST", "/points/none/verifications", `{}`, 404)
}
