package main

import (
	"strings"
	"testing"
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
