package reward_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A voucher that can't be swept keeps no other one waiting, wherever it comes.
func TestSweepGoesPast(t *testing.T) {
	const n = 90
	db, c := &dbtest.Poisoned{Tx: memory.New()}, &clock{}
	c.set(noon)
	e, err := reward.New(db, keys, &reward.Options{Now: c.now})
	if err == nil {
		_, err = e.Publish(ctx, catalog(reward.Reward{ID: "cup", Prices: []reward.Price{{Points: 100}}}))
	}
	if err != nil {
		t.Fatal(err)
	}
	holder := func(i int) reward.HolderID {
		return reward.HolderID{Catalog: "club", Member: ids.Member(fmt.Sprintf("m%02d", i))}
	}
	for i := range n {
		must[reward.Outcome](t)(e.Reserve(ctx, reward.Reserve{Take: reward.Take{Holder: holder(i), Reward: "cup", Price: reward.Price{Points: 100}}, For: time.Hour, Key: "tap"}))
	}
	c.set(noon.Add(2 * time.Hour))
	for _, i := range []int{0, 1, 70} {
		db.Subjects = append(db.Subjects, journal.Subject("reward", "club", string(holder(i).Member)))
	}
	if swept, err := e.Sweep(ctx, 1); swept != 1 || !errors.Is(err, dbtest.ErrPoison) {
		t.Error(swept, err)
	}
	if swept, err := e.Reclaim(ctx, "club", "cup"); swept != n-4 || !errors.Is(err, dbtest.ErrPoison) {
		t.Error(swept, err)
	}
	db.Subjects = nil
	if swept, err := e.Sweep(ctx, 0); swept != 0 || err != nil {
		t.Error(swept, err)
	}
	if swept, err := e.Sweep(ctx, 10); swept != 3 || err != nil {
		t.Error(swept, err)
	}
}
