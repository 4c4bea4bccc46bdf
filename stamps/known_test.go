package stamps_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Whatever processes have in memory of a card, each outcome is that of what is stored: beside other
// processes, in transactions that are committed or rolled back, for keys that come again.
func TestWhatIsInMemoryDecidesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		tenants := 0
		rapid.Check(t, func(t *rapid.T) {
			tenants++
			tenant := db.Tenant(fmt.Sprint("memory", tenants))
			processes := []*stamps.Engine{stamps.New(tenant, nil), stamps.New(tenant, nil)}
			if _, err := processes[0].Publish(ctx, coffee(1)); err != nil {
				t.Fatal(err)
			}
			stored, used := map[stamps.CardID]int64{}, map[string]bool{}
			undone := errors.New("undone")
			step := func(ctx context.Context, cards *stamps.Engine, s storage.Store, stored map[stamps.CardID]int64, used map[string]bool) {
				id := stamps.CardID{Program: "coffee", Member: rapid.SampledFrom([]ids.Member{"alice", "bob"}).Draw(t, "member")}
				switch rapid.SampledFrom([]string{"add", "add each", "expect", "preview"}).Draw(t, "step") {
				case "add":
					n, key := rapid.Int64Range(1, 3).Draw(t, "n"), fmt.Sprint("key", rapid.IntRange(0, 9).Draw(t, "key"))
					before := used[string(id.Member)+key]
					out, err := cards.Add(ctx, stamps.Add{Card: id, N: n, Key: key})
					switch {
					case before && !errors.Is(err, journal.ErrKeyReused) && (err != nil || !out.Replayed):
						t.Fatalf("a key that was used: %+v, %v", out, err)
					case !before && (err != nil || out.Replayed || out.Card.Total != stored[id]+n):
						t.Fatalf("%d and %d stamps: %+v, %v", stored[id], n, out, err)
					case !before:
						stored[id], used[string(id.Member)+key] = stored[id]+n, true
					}
				case "add each":
					bob := stamps.CardID{Program: "coffee", Member: "bob"}
					outs, errs := cards.AddEach(ctx, []stamps.Add{{Card: alice, N: 1, Key: fmt.Sprint("a", len(used))}, {Card: bob, N: 2, Key: fmt.Sprint("b", len(used))}})
					if errors.Join(errs...) != nil || outs[0].Card.Total != stored[alice]+1 || outs[1].Card.Total != stored[bob]+2 {
						t.Fatalf("%v and one and two more: %+v, %v", stored, outs, errs)
					}
					used["alice"+fmt.Sprint("a", len(used))] = true
					stored[alice], stored[bob] = stored[alice]+1, stored[bob]+2
				case "expect":
					if with := cards.Expecting(id); with != nil {
						looks, keep := with()
						if err := s.Load(ctx, looks); err != nil {
							t.Fatal(err)
						}
						keep()
					}
				case "preview":
					out, err := cards.Preview().Add(ctx, stamps.Add{Card: id, N: 1, Key: "preview"})
					if err != nil || out.Card.Total != stored[id]+1 {
						t.Fatalf("%d stamps and one: %+v, %v", stored[id], out, err)
					}
				}
			}
			for range rapid.IntRange(1, 12).Draw(t, "steps") {
				cards := rapid.SampledFrom(processes).Draw(t, "process")
				if rapid.Bool().Draw(t, "by itself") {
					step(ctx, cards, tenant, stored, used)
					continue
				}
				within, keys, commit := maps.Clone(stored), maps.Clone(used), rapid.Bool().Draw(t, "commit")
				n := rapid.IntRange(1, 3).Draw(t, "steps of the transaction")
				err := tenant.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
					for range n {
						step(ctx, cards.In(tx), tx, within, keys)
					}
					if !commit {
						return undone
					}
					return nil
				})
				switch {
				case commit && err == nil:
					stored, used = within, keys
				case commit || !errors.Is(err, undone):
					t.Fatal(err)
				}
			}
			for id, n := range stored {
				if c, err := processes[0].Card(ctx, id); n > 0 && (err != nil || c.Total != n) {
					t.Fatalf("%s has %+v, want %d stamps: %v", id, c, n, err)
				}
			}
		})
	})
}

func TestABoundEngineExpectsNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		tenant := db.Tenant("bound")
		cards := open(t, tenant)
		if err := tenant.InTx(ctx, func(_ context.Context, tx storage.Tx) error {
			if cards.In(tx).Expecting(alice) != nil {
				t.Error("what is read in a transaction is kept, though it may be rolled back")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}
