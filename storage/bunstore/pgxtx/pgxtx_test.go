package pgxtx_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/bunstore/pgxtx"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

type work = func(ctx context.Context, tx storage.Tx) error

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open returns a pool, and a database on its connections with the tables of the schemas.
func open(t testing.TB, dsn string, mode pgx.QueryExecMode, schemas ...storage.Schema) (*pgxpool.Pool, *bunstore.DB) {
	t.Helper()
	pool, sqldb := pools(t, dsn, mode)
	return pool, migrated(t, sqldb, nil, schemas...)
}

// pools returns a pool, and one of database/sql that has its connections.
func pools(t testing.TB, dsn string, mode pgx.QueryExecMode) (*pgxpool.Pool, *sql.DB) {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	check(t, err)
	config.ConnConfig.DefaultQueryExecMode = mode
	config.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	check(t, err)
	t.Cleanup(pool.Close)
	sqldb := stdlib.OpenDBFromPool(pool)
	t.Cleanup(func() { _ = sqldb.Close() })
	return pool, sqldb
}

func migrated(t testing.TB, sqldb *sql.DB, opts *bunstore.Options, schemas ...storage.Schema) *bunstore.DB {
	t.Helper()
	db := bunstore.OnPostgres(sqldb)
	check(t, bunstore.Migrate(t.Context(), db, schemas...))
	store, err := bunstore.New(db, opts)
	check(t, err)
	return store
}

// seamTables are those of storagetest, with the file that makes them.
var seamTables = func() storage.Schema {
	s := storagetest.Tables
	s.Files = fstest.MapFS{"migrations/postgres/0001_tables.up.sql": &fstest.MapFile{Data: []byte(bunstore.Script(dialect.PG, s))}}
	return s
}()

var cases atomic.Int64

// fresh returns what opens a database for a case: tenants of one that is there.
func fresh(pool *pgxpool.Pool, store *bunstore.DB) func(testing.TB) storagetest.Database {
	return func(testing.TB) storagetest.Database {
		n := cases.Add(1)
		tenant := func(id string) *bunstore.DB { return store.Tenant(fmt.Sprint("case ", n, " ", id)) }
		db := tenant("")
		return storagetest.Database{
			DB: db, Tenant: func(id string) storage.DB { return tenant(id) },
			Join: func(ctx context.Context, fn work) error {
				return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return fn(ctx, pgxtx.Join(db, tx)) })
			},
		}
	}
}

func TestContract(t *testing.T) {
	race.Skip(t, "it is the code of bunstore, whose contract is tested so")
	storagetest.Run(t, fresh(open(t, pgtest.DSN(t), pgx.QueryExecModeCacheStatement, seamTables)))
}

func TestModes(t *testing.T) {
	race.Skip(t, "what differs is the format of values")
	dsn := pgtest.DSN(t)
	t.Run("unprepared", func(t *testing.T) {
		pool, sqldb := pools(t, dsn, pgx.QueryExecModeExec)
		storagetest.Brief(t, fresh(pool, migrated(t, sqldb, &bunstore.Options{Unprepared: true}, seamTables)))
	})
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) { storagetest.Brief(t, fresh(open(t, dsn, mode, seamTables))) })
	}
}

var club = loyalty.Definition{
	ID: "club", Version: 1, Zone: "Asia/Shanghai", Money: "CNY", Currencies: []loyalty.Currency{{ID: "points"}},
	Rules: []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
}

var alice = loyalty.AccountID{Program: "club", Member: "alice"}

func order(id string, amount int64) loyalty.Earn {
	return loyalty.Earn{Account: alice, Key: id, Event: loyalty.Event{Purchase: &loyalty.Purchase{
		Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: amount}},
	}}}
}

// An order and its points are both there, or neither, in a transaction of the pool's, in one of a
// connection's, and in one within another.
func TestEngine(t *testing.T) {
	ctx := t.Context()
	pool, store := open(t, pgtest.DSN(t), pgx.QueryExecModeCacheStatement, loyalty.Tables)
	_, err := pool.Exec(ctx, "create table orders (id text primary key, points bigint not null)")
	check(t, err)
	conn, err := pool.Acquire(ctx)
	check(t, err)
	defer conn.Release()
	declined := errors.New("the payment was declined")
	for name, begin := range map[string]func(fn func(tx pgx.Tx) error) error{
		"pool":       func(fn func(tx pgx.Tx) error) error { return pgx.BeginFunc(ctx, pool, fn) },
		"connection": func(fn func(tx pgx.Tx) error) error { return pgx.BeginFunc(ctx, conn.Conn(), fn) },
		"within": func(fn func(tx pgx.Tx) error) error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				if err := pgx.BeginFunc(ctx, tx, fn); err != declined {
					return err
				}
				return nil // what is within alone is rolled back
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := store.Tenant(name)
			points := loyalty.New(db, nil)
			_, err := points.Publish(ctx, club)
			check(t, err)
			for _, c := range []struct {
				id      string
				payment error
				orders  int
				points  int64
			}{{"order-1", nil, 1, 129}, {"order-2", declined, 1, 129}, {"order-3", nil, 2, 258}} {
				id := name + "-" + c.id
				err := begin(func(tx pgx.Tx) error {
					out, err := points.In(pgxtx.Join(db, tx)).Earn(ctx, order(id, 12_900))
					if err != nil {
						return err
					}
					if _, err := tx.Exec(ctx, "insert into orders values ($1, $2)", id, out.Moves[0].Balance.Available); err != nil {
						return err
					}
					return c.payment
				})
				if name != "within" && err != c.payment || name == "within" && err != nil {
					t.Errorf("%s: %v", id, err)
				}
				var orders int
				check(t, pool.QueryRow(ctx, "select count(*) from orders where id like $1", name+"-%").Scan(&orders))
				account, err := points.Account(ctx, alice)
				check(t, err)
				if got := account.Wallet("points").Total(); orders != c.orders || got != c.points {
					t.Errorf("%s: %d orders, %d points", id, orders, got)
				}
			}
		})
	}
}

type thing struct {
	ID      string
	Version int64
}

var things = storage.NewTable("thing", func(c *storage.Columns, v *thing) {
	storage.Text(c, "id", &v.ID)
	c.Key()
	c.Version(&v.Version)
})

var thingTables = func() storage.Schema {
	s := storage.Schema{Name: "things", Tables: []storage.Declared{things}}
	s.Files = fstest.MapFS{"migrations/postgres/0001_tables.up.sql": &fstest.MapFile{Data: []byte(bunstore.Script(dialect.PG, s))}}
	return s
}()

// saved is the change of a thing that gets that version.
func saved(id string, version int64) storage.Change {
	return storage.Change{Rows: []storage.Row{things.Save(&thing{id, version})}, Entries: []journal.Entry{{
		Subject: journal.Subject("thing", id), Seq: version, Key: fmt.Sprint(version), Kind: "thing.saved", At: journal.Instant(club.From),
		Input: journal.Hash("thing.save", id), Result: []byte("{}"),
	}}}
}

func save(ctx context.Context, tx storage.Tx, changes ...storage.Change) error {
	each, err := tx.Save(ctx, changes)
	return errors.Join(append(each, err)...)
}

// What asks for the whole transaction to be run again is storage.ErrRetry.
func TestRetry(t *testing.T) {
	ctx := t.Context()
	pool, store := open(t, pgtest.DSN(t), pgx.QueryExecModeCacheStatement, thingTables)
	begin := func(level pgx.TxIsoLevel) pgx.Tx {
		tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: level})
		check(t, err)
		t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
		return tx
	}
	check(t, save(ctx, store, saved("a", 1)))
	check(t, save(ctx, store, saved("b", 1)))

	t.Run("serialization failure", func(t *testing.T) {
		tx := begin(pgx.RepeatableRead)
		joined := pgxtx.Join(store, tx)
		v := thing{ID: "a"}
		check(t, joined.Load(ctx, []storage.Look{{Reads: []storage.Read{things.Get(&v)}}}))
		check(t, save(ctx, store, saved("a", 2)))
		if err := save(ctx, joined, saved("a", 2)); !errors.Is(err, storage.ErrRetry) {
			t.Error(err)
		}
	})
	t.Run("deadlock", func(t *testing.T) {
		one, two := begin(pgx.ReadCommitted), begin(pgx.ReadCommitted)
		check(t, save(ctx, pgxtx.Join(store, one), saved("a", 3)))
		check(t, save(ctx, pgxtx.Join(store, two), saved("b", 2)))
		done := make(chan error, 2)
		go func() {
			err := save(ctx, pgxtx.Join(store, one), saved("b", 2))
			done <- errors.Join(err, one.Rollback(ctx))
		}()
		err := save(ctx, pgxtx.Join(store, two), saved("a", 3))
		err = errors.Join(err, two.Rollback(ctx), <-done)
		if !errors.Is(err, storage.ErrRetry) {
			t.Error(err)
		}
	})
	t.Run("run again", func(t *testing.T) {
		runs := 0
		check(t, storage.Retry(ctx, func() error {
			return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
				joined := pgxtx.Join(store, tx)
				v := thing{ID: "b"}
				if err := joined.Load(ctx, []storage.Look{{Reads: []storage.Read{things.Get(&v)}}}); err != nil {
					return err
				}
				if runs++; runs == 1 {
					check(t, save(ctx, store, saved("b", v.Version+1)))
				}
				return save(ctx, joined, saved("b", v.Version+1))
			})
		}))
		if runs != 2 {
			t.Error(runs, "runs")
		}
	})
}

// A database without the tables of a package says so.
func TestMissingTable(t *testing.T) {
	pool, store := open(t, pgtest.DSN(t), pgx.QueryExecModeCacheStatement, thingTables)
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := loyalty.New(store, nil).In(pgxtx.Join(store, tx)).Account(t.Context(), alice)
		return err
	})
	if !errors.Is(err, bunstore.ErrTable) || errs.ClassOf(err) != errs.Internal {
		t.Error(err)
	}
}

// What reads a list saves meanwhile, as it may in any transaction, and leaves it whenever it likes.
// Rows of the caller's own that are open are in the way, and of no harm.
func TestOpenRows(t *testing.T) {
	ctx := t.Context()
	pool, store := open(t, pgtest.DSN(t), pgx.QueryExecModeCacheStatement, thingTables)
	check(t, pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		joined := pgxtx.Join(store, tx)
		for _, id := range []string{"a", "b", "c"} {
			check(t, save(ctx, joined, saved(id, 1)))
		}
		for v, err := range storage.List(ctx, joined, things.Primary(), storage.Range{}) {
			check(t, err)
			check(t, save(ctx, joined, saved(v.ID, 2)))
			if v.ID == "b" {
				break
			}
		}
		for range joined.Journal().Of(ctx, journal.Subject("thing", "a")) {
			break
		}
		rows, err := tx.Query(ctx, "select generate_series(1, 10)")
		check(t, err)
		rows.Next()
		if err := save(ctx, joined, saved("c", 2)); err == nil || !strings.Contains(err.Error(), "open") {
			t.Error("while rows are open:", err)
		}
		n := 1
		for rows.Next() {
			n++
		}
		if err := rows.Err(); n != 10 || err != nil {
			t.Errorf("%d rows, %v", n, err)
		}
		return save(ctx, joined, saved("c", 2))
	}))
	all, err := storage.Collect(storage.List(ctx, store, things.Primary(), storage.Range{}))
	check(t, err)
	for _, v := range all {
		if v.Version != 2 {
			t.Error(v)
		}
	}
}

// Texts with values in them are not prepared.
func TestPrepared(t *testing.T) {
	ctx := t.Context()
	pool, store := open(t, pgtest.DSN(t), pgx.QueryExecModeCacheStatement, thingTables)
	check(t, pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		joined := pgxtx.Join(store, tx)
		var first, last int
		for i := range 20 {
			id := fmt.Sprint("thing ", i)
			check(t, save(ctx, joined, saved(id, 1)))
			v := thing{ID: id}
			check(t, joined.Load(ctx, []storage.Look{{Reads: []storage.Read{things.Get(&v)}}}))
			for _, err := range joined.Journal().Of(ctx, journal.Subject("thing", id)) {
				check(t, err)
			}
			check(t, tx.QueryRow(ctx, "select count(*) from pg_prepared_statements").Scan(&last))
			if i == 0 {
				first = last
			}
		}
		if last != first {
			t.Errorf("%d statements are prepared at first, and %d later", first, last)
		}
		return nil
	}))
}

// A pool whose connections end at a server that takes no changes any more is made good between two
// runs.
func TestAServerTurnsReadOnly(t *testing.T) {
	ctx := t.Context()
	pool, store := open(t, pgtest.DSN(t), pgx.QueryExecModeCacheStatement, thingTables)
	conns := make([]*pgxpool.Conn, 8)
	for i := range conns {
		var err error
		conns[i], err = pool.Acquire(ctx)
		check(t, err)
		_, err = conns[i].Exec(ctx, "set session characteristics as transaction read only")
		check(t, err)
	}
	for _, c := range conns {
		c.Release()
	}
	check(t, storage.Retry(ctx, func() error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return save(ctx, pgxtx.Join(store, tx), saved("a", 1)) })
	}))
}
