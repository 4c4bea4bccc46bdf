package activation_test

import (
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A code that can't be settled keeps no other one waiting, nor those who need the port of
// a pool that has none left.
func TestSweepGoesPast(t *testing.T) {
	const n = 5
	db := &dbtest.Poisoned{Tx: memory.New()}
	now := &clock{}
	now.now.Store(1_773_144_000_000_000)
	codes := must(activation.New(db, keys, &activation.Options{Now: now.time}))
	must(codes.PutPool(ctx, activation.PutPool{Pool: "plan", Ports: n, Key: "put"}))
	settings := activation.Settings{Platforms: both.Platforms, Pool: "plan"}
	for i := range n {
		c := issue(codes, settings, string(rune('a'+i)))
		must(codes.Open(ctx, activation.Open{Session: signIn(codes, c, "pc").ID(), Platform: "line", Key: "o"}))
	}
	now.pass(activation.Idle)
	late := signIn(codes, issue(codes, settings, "late"), "pc")
	db.Writes, db.Failing = 0, 2 // the first finds no port
	must(codes.Open(ctx, activation.Open{Session: late.ID(), Platform: "line", Key: "o"}))
	db.Writes, db.Failing = 0, 1
	if swept, err := codes.Sweep(ctx, 1); swept != 1 || !errors.Is(err, dbtest.ErrPoison) {
		t.Error(swept, err)
	}
	db.Writes, db.Failing = 0, 1
	if swept, err := codes.Sweep(ctx, 10); swept != n-3 || !errors.Is(err, dbtest.ErrPoison) {
		t.Error(swept, err)
	}
	if swept, err := codes.Sweep(ctx, 10); swept != 1 || err != nil {
		t.Error(swept, err)
	}
}
