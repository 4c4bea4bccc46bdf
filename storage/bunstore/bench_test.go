package bunstore_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
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
			Card: id, Seq: n, Purpose: stamps.PurposeStamp, N: 1, At: at,
			Shop: "north", By: "manager", Via: "code", Nickname: "Alice",
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
		"sqlite": func(t testing.TB) *bun.DB {
			return openDB(t, "sqlite", sqliteDSN(t, "FULL"), sqlitedialect.New())
		},
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

// BenchmarkSaveBesideFloor saves changes one by one, each beside the same writes as one prepared statement that checks
// nothing: the least that they can cost with this driver on this server. floor/save is the ratio of the medians.
func BenchmarkSaveBesideFloor(b *testing.B) {
	db := openDB(b, "pgx", pgtest.Bench(b), pgdialect.New())
	store := newStore(b, db)
	floor, err := db.DB.PrepareContext(b.Context(), floorStatement)
	check(b, err)
	const cards = 1024
	run := fmt.Sprint(time.Now().UnixNano())
	for n := range cards {
		save(b, store, []stamps.Change{stamped(fmt.Sprintf("%s-%d", run, n), 1), stamped(fmt.Sprintf("%s-floor-%d", run, n), 1)})
	}
	_, err = db.DB.ExecContext(b.Context(), "analyze")
	check(b, err)
	var onFloor, saved []time.Duration
	for n := 0; b.Loop(); n++ {
		version := int64(n/cards + 2)
		change := stamped(fmt.Sprintf("%s-%d", run, n%cards), version)
		member := fmt.Sprintf("%s-floor-%d", run, n%cards)
		entry, record := change.Entries[0], change.Records[0]
		began := time.Now()
		_, err := floor.ExecContext(b.Context(), version, member, "coffee", "Alice", int64(1), version%10, version, start, nil,
			int64(0), `[1,0,0,0,1772352000000000,1772352060000000,1,1,1772352060000000,1,0]`, record.At, "north", "manager", "code",
			"stamps/coffee/"+member, entry.Key, entry.Kind, entry.Input, string(entry.Result))
		between := time.Now()
		save(b, store, []stamps.Change{change})
		saved = append(saved, time.Since(between))
		onFloor = append(onFloor, between.Sub(began))
		check(b, err)
	}
	slices.Sort(onFloor)
	slices.Sort(saved)
	half := len(saved) / 2
	b.ReportMetric(float64(onFloor[half].Nanoseconds())/float64(saved[half].Nanoseconds()), "floor/save")
	b.ReportMetric(float64(saved[half].Microseconds()), "save-µs")
}

const floorStatement = `with c as (
	update scrmkit.stamps_card set version = $1::bigint, nickname = $4, began = $5, round = $5, count = $6, total = $7,
		opened = $8, expires = $9, number = $10, state = $11
	where tenant = '' and member = $2 and program = $3 and claim = 0 and version = $1::bigint - 1
), r as (
	insert into scrmkit.stamps_record (tenant, member, program, claim, seq, purpose, n, cancelled, cancels, coupon, peer,
		at, shop, actor, via, nickname, nick_key, purchase, reason)
	values ('', $2, $3, 0, $1, 'stamp', 1, 0, 0, 0, '', $12, $13, $14, $15, $4, 'alice', '', '')
)
insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result)
values ('', $16, $17, $1, $18, $12, $14, $19, '', $20)`

// save fails where a change is not stored.
func save(t testing.TB, store storage.Tx, changes []stamps.Change) {
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
