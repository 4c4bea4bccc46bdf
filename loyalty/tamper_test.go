package loyalty_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func TestVerifyNamesTheFirstEntryThatWasTamperedWith(t *testing.T) {
	points, _ := open(t, dbtest.SQLite(t))
	for i := range 6 {
		must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 10_000, fmt.Sprint("order-", i))))
	}
	a := must[loyalty.Account](t)(points.Account(ctx, alice))
	var whole []journal.Entry
	for e, err := range points.Ledger(ctx, alice) {
		if err != nil {
			t.Fatal(err)
		}
		whole = append(whole, e)
	}
	for name, c := range map[string]struct {
		tamper func(entries []journal.Entry) []journal.Entry // the newest first: entries[2] is number 4
		want   int64
	}{
		"nothing":            {func(e []journal.Entry) []journal.Entry { return e }, 0},
		"another amount":     {func(e []journal.Entry) []journal.Entry { e[2].Result = replace(e[2].Result, "100", "900"); return e }, 4},
		"another hand":       {func(e []journal.Entry) []journal.Entry { e[2].By = "mallory"; return e }, 4},
		"another time":       {func(e []journal.Entry) []journal.Entry { e[2].At = e[2].At.Add(1000); return e }, 4},
		"another order":      {func(e []journal.Entry) []journal.Entry { e[2].Key = "order-9"; return e }, 4},
		"another past":       {func(e []journal.Entry) []journal.Entry { e[2].Before = nil; return e }, 4},
		"the newest":         {func(e []journal.Entry) []journal.Entry { e[0].By = "mallory"; return e }, 6},
		"the first":          {func(e []journal.Entry) []journal.Entry { e[5].By = "mallory"; return e }, 1},
		"two of them":        {func(e []journal.Entry) []journal.Entry { e[1].By, e[3].By = "mallory", "mallory"; return e }, 3},
		"one is gone":        {func(e []journal.Entry) []journal.Entry { return append(e[:2:2], e[3:]...) }, 4},
		"the newest is gone": {func(e []journal.Entry) []journal.Entry { return e[1:] }, 6},
		"the first is gone":  {func(e []journal.Entry) []journal.Entry { return e[:5] }, 1},
		"all are gone":       {func(e []journal.Entry) []journal.Entry { return nil }, 1},
		"a hash is gone":     {func(e []journal.Entry) []journal.Entry { e[2].Before = json.RawMessage(`{"seq":3}`); return e }, 3},
		"one is added": {func(e []journal.Entry) []journal.Entry {
			more := e[0]
			more.Seq++
			return append([]journal.Entry{more}, e...)
		}, 7},
	} {
		entries := make([]journal.Entry, len(whole))
		for i, e := range whole {
			entries[i] = e
			entries[i].Result = append(json.RawMessage(nil), e.Result...)
		}
		entries = c.tamper(entries)
		err := loyalty.Check(a, func(yield func(journal.Entry, error) bool) {
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
		})
		var tampered *loyalty.TamperedError
		switch {
		case c.want == 0 && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != 0 && (!errors.As(err, &tampered) || tampered.Seq != c.want):
			t.Errorf("%s: %v, want entry %d", name, err, c.want)
		}
	}
}

func TestVerifyNeedsTheHashOfTheAccount(t *testing.T) {
	sim := loyalty.Simulate(must[*loyalty.Program](t)(loyalty.Compile(club(1))))
	must[loyalty.Outcome](t)(sim.Do(buy(alice, 100, "order"), noon))
	a := sim.Stored(alice)
	entries := func(yield func(journal.Entry, error) bool) { yield(sim.Ledger(alice)[0], nil) }
	if err := loyalty.Check(a, entries); err != nil {
		t.Fatal(err)
	}
	a.Hash = nil
	if err := loyalty.Check(a, entries); err == nil {
		t.Error("an account without a hash is as it was written")
	}
}

func replace(text json.RawMessage, old, new string) json.RawMessage {
	return json.RawMessage(strings.Replace(string(text), old, new, 1))
}
