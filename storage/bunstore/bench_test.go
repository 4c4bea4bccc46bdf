package bunstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// stamped is the change of a card that gets its n-th stamp.
func stamped(member string, n int64) stamps.Change {
	id := stamps.CardID{Program: "coffee", Member: stamps.MemberID(member)}
	at := start.Add(time.Duration(n) * time.Minute)
	return stamps.Change{
		Cards: []stamps.Card{{
			ID: id, Version: n, Nickname: "Alice", Began: 1, Count: n % 10, Total: n, Round: n / 10, Opened: start,
			State: stamps.State{Seq: n, First: start, Last: at, Recent: []stamps.Tick{{Seq: n, At: at, N: 1}}},
		}},
		Records: []stamps.Record{{
			Card: id, Seq: n, Purpose: stamps.PurposeStamp, N: 1, At: at, Shop: "north", By: "manager", Via: "code", Nickname: "Alice",
		}},
		Entries: []journal.Entry{{
			Subject: journal.Subject("stamps", "coffee", member), Seq: n, Key: fmt.Sprintf("key-%d", n), Kind: "stamps.added",
			At: at, By: "manager", Input: journal.Hash("stamps.add", member), Result: []byte(`{"added":1,"count":3,"total":3}`),
		}},
	}
}

// BenchmarkSave stamps cards, each with a record and an entry, in batches on a connection each. An operation is a change.
func BenchmarkSave(b *testing.B) {
	open := map[string]func(testing.TB) *bun.DB{
		"sqlite":   openSQLite,
		"postgres": func(t testing.TB) *bun.DB { return openDB(t, "pgx", pgtest.Bench(t), pgdialect.New()) },
	}
	for _, name := range []string{"sqlite", "postgres"} {
		for _, size := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/batch=%d", name, size), func(b *testing.B) {
				benchmarkSave(b, newStore(b, open[name](b)), size)
			})
		}
	}
}

func benchmarkSave(b *testing.B, store *bunstore.DB, size int) {
	const cards = 4096
	var callers atomic.Int64
	run := fmt.Sprint(time.Now().UnixNano())
	b.RunParallel(func(pb *testing.PB) {
		caller := callers.Add(1)
		batch := make([]stamps.Change, 0, size)
		for n := 0; pb.Next(); n++ {
			member := fmt.Sprintf("%s-%d-%d", run, caller, n%cards)
			if batch = append(batch, stamped(member, int64(n/cards+1))); len(batch) < size {
				continue
			}
			save(b, store, batch)
			batch = batch[:0]
		}
	})
}

// save fails where a change is not stored.
func save(t testing.TB, store *bunstore.DB, changes []stamps.Change) {
	t.Helper()
	errs, err := store.Stamps().Save(t.Context(), changes)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
