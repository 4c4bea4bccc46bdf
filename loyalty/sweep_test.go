package loyalty_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// Many accounts share a write, and one that can't be swept keeps no other one waiting.
func TestSweepOfMany(t *testing.T) {
	const n = 500
	db, c := &dbtest.Poisoned{Tx: memory.New()}, &clock{}
	points := loyalty.New(db, &loyalty.Options{Now: c.now, Accounts: 1})
	if _, err := points.Publish(ctx, movedTo()); err != nil {
		t.Fatal(err)
	}
	member := func(i int) loyalty.AccountID {
		return loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", i))}
	}
	c.set(noon)
	for i := range n {
		if _, err := points.Import(ctx, loyalty.Import{Account: member(i), Key: "import", Points: []loyalty.Opening{{Lots: []loyalty.OpeningLot{{N: 7, To: noon.AddDate(0, 0, 1)}}}}}); err != nil {
			t.Fatal(err)
		}
	}
	c.set(noon.AddDate(0, 0, 1))
	db.Subjects, db.Writes = []string{member(3).Subject(), member(77).Subject(), member(n - 1).Subject()}, 0
	if swept, err := points.Sweep(ctx, 100); swept != 100 || err != nil && !errors.Is(err, dbtest.ErrPoison) {
		t.Error(swept, err)
	}
	swept, err := points.Sweep(ctx, 1_000)
	if swept != n-100-3 || !errors.Is(err, dbtest.ErrPoison) {
		t.Error(swept, err)
	}
	if db.Writes > n/10 {
		t.Errorf("%d writes for %d accounts", db.Writes, n)
	}
	db.Subjects = nil
	if swept, err := points.Sweep(ctx, 1_000); swept != 3 || err != nil {
		t.Error(swept, err)
	}
	totals, err := points.Totals(ctx, "club")
	if want := (loyalty.Totals{Issued: 7 * n, Expired: 7 * n}); err != nil || totals["points"] != want {
		t.Error(totals, err)
	}
}
