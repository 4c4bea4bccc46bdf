package bunstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A tracer keeps what is sent to the server.
type tracer struct {
	mu   sync.Mutex
	sent []string
}

func (tr *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.sent = append(tr.sent, q.SQL)
	return ctx
}

func (tr *tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (tr *tracer) TracePrepareStart(ctx context.Context, _ *pgx.Conn, p pgx.TracePrepareStartData) context.Context {
	return tr.TraceQueryStart(ctx, nil, pgx.TraceQueryStartData{SQL: p.SQL})
}

func (tr *tracer) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}

// during returns how much fn sent.
func (tr *tracer) during(fn func()) int {
	tr.mu.Lock()
	tr.sent = nil
	tr.mu.Unlock()
	fn()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return len(tr.sent)
}

func traced(t *testing.T) (*bunstore.DB, *tracer) {
	config, err := pgx.ParseConfig(pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	tr := &tracer{}
	config.Tracer = tr
	sqldb := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = sqldb.Close() })
	return boxStore(t, bun.NewDB(sqldb, pgdialect.New())), tr
}

func TestRoundTrips(t *testing.T) {
	store, tr := traced(t)
	ctx := t.Context()
	var alone, together, paired int64
	look := storage.Look{Reads: []storage.Read{boxes.Get(&box{Member: "alice"})}, Subject: journal.Subject("box", "alice"), Key: "key-1"}
	used := pass{Member: "dora", Hash: []byte("hash"), Version: 1}
	var all []move
	save(t, store, moved("dora", 1), storage.Change{Rows: []storage.Row{passes.Put(&used)}})
	for _, c := range []struct {
		name string
		want int
		run  func()
	}{
		{"a Save of one change", 1, func() {
			alone++
			save(t, store, moved("alice", alone))
		}},
		{"a Save of many", 1, func() {
			together++
			save(t, store, moved("bob", together), moved("carol", together))
		}},
		{"a Save of two roots", 1, func() {
			paired++
			a, b := moved("erin", paired), moved("frank", paired)
			save(t, store, storage.Change{Rows: append(a.Rows, b.Rows...), Entries: append(a.Entries, b.Entries...)})
		}},
		{"a Save of a child that is a root", 1, func() {
			used.Version++
			save(t, store, storage.Change{Rows: []storage.Row{passes.Save(&used)}})
		}},
		{"a Load of a row and a key", 1, func() { check(t, store.Load(ctx, []storage.Look{look})) }},
		{"a Load of many", 1, func() {
			check(t, store.Load(ctx, []storage.Look{look, {Reads: []storage.Read{boxes.Get(&box{Member: "bob"})}}}))
		}},
		{"a Load of a row and of a range", 1, func() {
			of := storage.Range{Prefix: []any{"alice"}, Limit: 9}
			check(t, store.Load(ctx, []storage.Look{{Reads: []storage.Read{boxes.Get(&box{Member: "alice"}), moves.Primary().All(&all, of)}}}))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 5 {
				c.run()
			}
			if got := tr.during(c.run); got != c.want {
				t.Errorf("%d round trips, want %d:\n%s", got, c.want, strings.Join(tr.sent, "\n"))
			}
		})
	}
}

func one(errs []error, err error) error { return errors.Join(append(errs, err)...) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A plan that was made while the tables were empty goes through all of a table for each row, and is
// kept. The last Saves into a database that was empty when the first began must read no more than
// they need.
func TestEmptyDatabasePlan(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	t.Parallel()
	for _, size := range []int{1, 8} {
		t.Run(fmt.Sprint("batch=", size), func(t *testing.T) {
			db := openPostgres(t)
			store := boxStore(t, db)
			fill := func(from, to int) {
				for n := from; n < to; n += size {
					var batch []storage.Change
					for i := range size {
						batch = append(batch, moved(fmt.Sprintf("m%d", n+i), 1))
					}
					save(t, store, batch...)
				}
			}
			db.DB.SetMaxOpenConns(1) // so that the session's statistics are flushed by the one that reads them
			fill(0, 19000)
			before := rowsRead(t, db)
			fill(19000, 20000)
			if read := rowsRead(t, db) - before; read > 1000*20 {
				t.Errorf("1000 changes read %d rows", read)
			}
		})
	}
}

// The same holds within transactions, which look for the entry before.
func TestEmptyDatabasePlanWithin(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	t.Parallel()
	for _, size := range []int{1, 8} {
		t.Run(fmt.Sprint("batch=", size), func(t *testing.T) {
			db := openPostgres(t)
			store := boxStore(t, db)
			db.DB.SetMaxOpenConns(1)
			fill := func(from, to int) {
				for n := from; n < to; n += size {
					var batch []storage.Change
					for i := range size {
						batch = append(batch, moved(fmt.Sprintf("m%d", n+i), 1))
					}
					check(t, store.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
						return one(tx.Save(ctx, batch))
					}))
				}
			}
			fill(0, 4000)
			before := rowsRead(t, db)
			fill(4000, 4400)
			if read := rowsRead(t, db) - before; read > 400*20 {
				t.Errorf("400 changes read %d rows", read)
			}
		})
	}
}

// rowsRead returns how many rows and entries of indexes were read so far.
func rowsRead(t *testing.T, db *bun.DB) (n int64) {
	t.Helper()
	if _, err := db.DB.ExecContext(t.Context(), "select pg_stat_force_next_flush()"); err != nil {
		t.Fatal(err)
	}
	check(t, db.DB.QueryRowContext(t.Context(), `select (select sum(seq_tup_read) from pg_stat_user_tables)::bigint +
		(select sum(idx_tup_read) from pg_stat_user_indexes)::bigint`).Scan(&n))
	return n
}

// A feed is read in the order of its index, each entry once, though its table was filled a moment
// ago, by a restore or by many writers, and was not analyzed yet.
func TestFeedThatWasJustFilled(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	db := openPostgres(t)
	store := newStore(t, db)
	const n = 100_000
	execScript(t, db, "update scrmkit.journal_epoch set base = 1::bigint << 48;"+fmt.Sprintf(`
		insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result, pos)
		select '', 's' || i %% 100, 'k' || i, i, 'k', now(), '', '', '', '', i from generate_series(1, %d) as i`, n))
	db.DB.SetMaxOpenConns(1)
	before, entries := rowsRead(t, db), 0
	for _, err := range store.Journal().After(t.Context(), "", 0) {
		check(t, err)
		entries++
	}
	if read := rowsRead(t, db) - before; entries != n || read > 2*n {
		t.Errorf("%d entries were read to get %d of %d", read, entries, n)
	}
}

// Many callers write overlapping batches of the same cards: each version is stored once, and nobody
// meets an error.
func TestOverlappingBatches(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			store := boxStore(t, open(t))
			const callers, rounds = 8, 20
			members := []string{"a", "b", "c", "d", "e", "f"}
			var mu sync.Mutex
			wins := map[string]int{}
			var all sync.WaitGroup
			for caller := range callers {
				all.Go(func() {
					for n := 1; n <= rounds; n++ {
						var batch []storage.Change
						for i := range members {
							batch = append(batch, moved(members[(i*(caller%2*4+1)+caller)%len(members)], int64(n)))
						}
						errs, err := store.Save(t.Context(), batch)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						for i, err := range errs {
							if err == nil {
								wins[batch[i].Entries[0].Subject+fmt.Sprint(" ", n)]++
							} else if !errors.Is(err, journal.ErrConflict) && !errors.Is(err, journal.ErrDuplicate) {
								t.Error(err)
							}
						}
						mu.Unlock()
					}
				})
			}
			all.Wait()
			for _, m := range members {
				for n := 1; n <= rounds; n++ {
					if k := fmt.Sprintf("%s %d", journal.Subject("box", m), n); wins[k] != 1 {
						t.Errorf("%s: stored %d times", k, wins[k])
					}
				}
			}
		})
	}
}

// With one connection a transaction prepares its statements without waiting for another.
func TestOneConnection(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			db.DB.SetMaxOpenConns(1)
			store := boxStore(t, db)
			for n := int64(1); n <= 200; n++ {
				check(t, store.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
					if _, err := versionOf(ctx, tx, "alice"); err != nil {
						return err
					}
					return one(tx.Save(ctx, []storage.Change{moved("alice", n)}))
				}))
			}
		})
	}
}

// Who takes a row for new that another is just changing learns at once that it is there. To wait
// would be to wait for each other, where both change some rows and take others for new.
func TestNewRowsDoNotWait(t *testing.T) {
	store := boxStore(t, databases["postgres"](t))
	save(t, store, moved("amy", 1), moved("zoe", 1))
	check(t, store.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
		if err := one(tx.Save(ctx, []storage.Change{moved("zoe", 2)})); err != nil {
			return err
		}
		other, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		stale := moved("zoe", 1)
		stale.Entries = nil
		for _, with := range [][]storage.Change{nil, {moved("bob", 1)}, {moved("amy", 2), moved("cid", 1)}} {
			errs, err := store.Save(other, append(with, stale))
			if err != nil || !errors.Is(errs[len(with)], journal.ErrConflict) {
				t.Fatal(errs, err)
			}
			check(t, one(errs[:len(with)], nil))
		}
		return nil
	}))
}

// Who meets a conflict within a transaction has the row to itself from then on.
func TestConflictHolds(t *testing.T) {
	db := databases["postgres"](t)
	store, ctx := boxStore(t, db), t.Context()
	save(t, store, moved("alice", 1), moved("bob", 1))
	free := func(member string) bool {
		var version int64
		err := db.QueryRowContext(ctx, "select version from scrmkit.test_box where member = '"+member+"' for update skip locked").Scan(&version)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(err)
		}
		return err == nil
	}
	check(t, store.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		stale := moved("alice", 1)
		stale.Entries[0].Key = "another"
		errs, err := tx.Save(ctx, []storage.Change{stale})
		if err != nil || !errors.Is(errs[0], journal.ErrConflict) {
			t.Fatal(errs, err)
		}
		if free("alice") || !free("bob") {
			t.Error("others may change the row that met a conflict, or may not change another")
		}
		return one(tx.Save(ctx, []storage.Change{moved("alice", 2)}))
	}))
	if !free("alice") {
		t.Error("the row is locked after the transaction")
	}
}

// A list holds no connection while its consumer runs, and pages go on where the page before ended.
func TestListsPage(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			db.DB.SetMaxOpenConns(1)
			store := boxStore(t, db)
			const n = 1203
			for from := 0; from < n; from += 401 {
				var batch []storage.Change
				for i := from; i < from+401; i++ {
					batch = append(batch, moved(fmt.Sprintf("m%04d", i), 1))
				}
				save(t, store, batch...)
			}
			var members []string
			for b, err := range storage.List(t.Context(), store, boxesByID, storage.Range{}) {
				check(t, err)
				members = append(members, b.Member)
				if len(members)%100 == 0 {
					_, err := versionOf(t.Context(), store, b.Member)
					check(t, err)
				}
			}
			if len(members) != n || !slices.IsSorted(members) {
				t.Errorf("%d boxes, sorted: %t", len(members), slices.IsSorted(members))
			}
			found, entries := map[string]bool{}, map[string]bool{}
			part := storage.Range{Prefix: []any{"north"}, Where: []storage.Match{storage.Contains("name_key", "lic")}}
			for m, err := range storage.List(t.Context(), store, movesByShop, part) {
				check(t, err)
				found[m.Member] = true
			}
			for r, err := range store.Journal().After(t.Context(), "", 0) {
				check(t, err)
				entries[r.Subject] = true
			}
			if len(found) != n || len(entries) != n {
				t.Errorf("%d moves, %d entries, want %d", len(found), len(entries), n)
			}
		})
	}
}
