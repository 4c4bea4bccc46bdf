package loyalty_test

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// The definition by which everything happened leaves every account as it is stored, its ledger's
// hash and all, however many commands share an instant.
func TestWhatIfNothingWereOtherwise(t *testing.T) {
	db, histories := memory.New(), 0
	rapid.Check(t, func(t *rapid.T) {
		histories++
		c := &clock{}
		points := loyalty.New(db.Tenant(fmt.Sprint(histories)), &loyalty.Options{Now: c.now})
		d := anyProgram(t)
		p, err := points.Publish(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		members := []ids.Member{"zoe", "alice", "mia", "bob"}
		id := func(label string) loyalty.AccountID {
			return loyalty.AccountID{Program: "club", Member: pick(t, label, members...)}
		}
		now := noon
		for i := range rapid.IntRange(1, 25).Draw(t, "commands") {
			now = now.AddDate(0, 0, pick(t, "days", 0, 0, 0, 0, 0, 7))
			c.set(now)
			command := anyCommand(t, i, now)
			key := fmt.Sprint("k", i)
			switch pick(t, "kind", "any", "give", "pass on", "pass on", "pass on", "take", "merge") {
			case "give":
				command = loyalty.Adjust{Account: id("account"), N: 10, Reason: "r", Key: key}
			case "pass on":
				command = loyalty.Transfer{Account: id("account"), To: pick(t, "to", members...), N: rapid.Int64Range(1, 10).Draw(t, "n"), Key: key}
			case "take":
				command = loyalty.Redeem{Account: id("account"), N: rapid.Int64Range(1, 10).Draw(t, "n"), Key: key}
			case "merge":
				if maybe(t, "really") {
					command = loyalty.Merge{Account: id("account"), To: pick(t, "to", members...), Key: key}
				}
			}
			_, _ = run(points, command)
		}
		s, refused, err := points.Replayed(ctx, p)
		if err != nil || len(refused) > 0 {
			t.Fatal(err, refused)
		}
		for want, err := range points.Accounts(ctx, loyalty.AccountQuery{Program: "club"}) {
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, s.Stored(want.ID), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("(-stored +replayed)\n%s", diff)
			}
		}
		is, err := points.Compared(ctx, p, loyalty.WhatIfQuery{})
		if err != nil || gocmp.Diff(is.Was, is.Is) != "" {
			t.Fatal(err, is)
		}
	})
}
