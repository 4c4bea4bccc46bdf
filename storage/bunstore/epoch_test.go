package bunstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// feed returns what the feed has after a cursor, by subject and number, and the cursor after it.
func feed(t testing.TB, tx storage.Tx, after journal.Cursor, limit int) (found []string, _ journal.Cursor) {
	t.Helper()
	for r, err := range tx.Journal().After(t.Context(), after, limit) {
		check(t, err)
		found, after = append(found, fmt.Sprint(r.Subject, " ", r.Seq)), r.Cursor
	}
	return found, after
}

// storedOf returns what the journal has of some members, by subject and number.
func storedOf(t testing.TB, tx storage.Tx, members ...string) (found []string) {
	t.Helper()
	for _, m := range members {
		for r, err := range tx.Journal().Of(t.Context(), journal.Subject("box", m)) {
			check(t, err)
			found = append(found, fmt.Sprint(r.Subject, " ", r.Seq))
		}
	}
	return found
}

func sorted(all []string) []string { return slices.Sorted(slices.Values(all)) }

// eventually calls f until it succeeds: the connections of a pool end with their server.
func eventually(t testing.TB, f func() error) {
	t.Helper()
	late := time.Now().Add(time.Minute)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(late) {
			t.Fatal(err)
		}
	}
}

// caughtUp returns once a standby has replayed what its primary has written.
func caughtUp(t *testing.T, c, standby *pgtest.Cluster) {
	t.Helper()
	var at string
	primary, replica := openDB(t, "pgx", c.DSN(), pgdialect.New()), openDB(t, "pgx", standby.DSN(), pgdialect.New())
	check(t, primary.QueryRowContext(t.Context(), "select pg_current_wal_lsn()").Scan(&at))
	eventually(t, func() error {
		var there bool
		err := replica.QueryRowContext(t.Context(), "select pg_last_wal_replay_lsn() >= ?::pg_lsn", at).Scan(&there)
		if err == nil && !there {
			err = errors.New("the standby is behind")
		}
		return err
	})
}

// Wherever a database goes on, a reader with a cursor from before reads what is written there, each
// entry once, and nothing that it has read; and one that begins anew reads all that is stored.
func TestTheFeedGoesOnWhereItsDatabaseDoes(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	for name, move := range map[string]func(t *testing.T, c *pgtest.Cluster, lose func()) *pgtest.Cluster{
		"its server is killed and starts again": func(t *testing.T, c *pgtest.Cluster, _ func()) *pgtest.Cluster {
			check(t, c.Kill())
			check(t, c.Restart())
			return c
		},
		"a dump of it is restored": func(t *testing.T, c *pgtest.Cluster, lose func()) *pgtest.Cluster {
			to := c.Restored(t)
			lose()
			return to
		},
		"a standby that has all is promoted": func(t *testing.T, c *pgtest.Cluster, _ func()) *pgtest.Cluster {
			s := c.Standby(t)
			caughtUp(t, c, s)
			standby, err := bunstore.New(openDB(t, "pgx", s.DSN(), pgdialect.New()), nil)
			check(t, err)
			all, cursor := feed(t, standby, "", 0)
			if !slices.Equal(sorted(all), sorted(storedOf(t, standby, "ann", "bob"))) {
				t.Errorf("the standby gives %v", all)
			}
			db := openDB(t, "pgx", c.DSN(), pgdialect.New())
			primary := boxStore(t, db)
			tx, err := db.DB.BeginTx(t.Context(), nil)
			check(t, err)
			save(t, primary.Join(tx), moved("cyd", 1))
			save(t, primary, moved("dan", 1))
			caughtUp(t, c, s)
			more, cursor := feed(t, standby, cursor, 0)
			if len(more) > 0 {
				t.Errorf("the standby gives %v while what began before runs", more)
			}
			check(t, tx.Commit())
			caughtUp(t, c, s)
			if more, _ = feed(t, standby, cursor, 0); len(more) != 2 {
				t.Errorf("once it has ended the standby gives %v", more)
			}
			check(t, c.Kill())
			s.Promote(t)
			return s
		},
		"a standby that has not all is promoted": func(t *testing.T, c *pgtest.Cluster, lose func()) *pgtest.Cluster {
			s := c.Standby(t)
			caughtUp(t, c, s)
			db := openDB(t, "pgx", s.DSN(), pgdialect.New())
			_, err := db.ExecContext(t.Context(), "alter system set primary_conninfo = ''")
			check(t, err)
			_, err = db.ExecContext(t.Context(), "select pg_reload_conf()")
			check(t, err)
			eventually(t, func() error {
				var n int
				err := db.QueryRowContext(t.Context(), "select count(*) from pg_stat_wal_receiver").Scan(&n)
				if err == nil && n > 0 {
					err = errors.New("the standby still follows")
				}
				return err
			})
			lose()
			check(t, c.Kill())
			s.Promote(t)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pgtest.Start(t)
			store := boxStore(t, openDB(t, "pgx", c.DSN(), pgdialect.New()))
			last := map[string]int64{}
			write := func(tx storage.Tx, n int) {
				for range n {
					for _, m := range []string{"ann", "bob"} {
						check(t, one(tx.Save(t.Context(), []storage.Change{moved(m, last[m]+1)})))
						last[m]++
					}
				}
			}
			write(store, 20)
			read, cursor := feed(t, store, "", 23)
			if len(read) != 23 {
				t.Fatal(read)
			}
			c = move(t, c, func() {
				more, to := feed(t, store, cursor, 0)
				read, cursor = append(read, more...), to
				kept := map[string]int64{"ann": last["ann"], "bob": last["bob"]}
				write(store, 30)
				_, cursor = feed(t, store, cursor, 0) // of entries that are lost
				last = kept
			})
			db := openDB(t, "pgx", c.DSN(), pgdialect.New())
			moved := boxStore(t, db)
			for what, tx := range map[string]storage.Tx{"the same process": store, "another process": moved} {
				if what == "the same process" && name != "its server is killed and starts again" {
					continue
				}
				var again []string
				eventually(t, func() error {
					again = nil
					for r, err := range tx.Journal().After(t.Context(), "", 0) {
						if err != nil {
							return err
						}
						again = append(again, fmt.Sprint(r.Subject, " ", r.Seq))
					}
					return nil
				})
				if want := storedOf(t, tx, "ann", "bob", "cyd", "dan"); !slices.Equal(sorted(again), sorted(want)) {
					t.Errorf("before anything is written %s reads %v, want %v", what, again, want)
				}
			}
			write(moved, 5)
			check(t, moved.InTx(t.Context(), func(_ context.Context, tx storage.Tx) error {
				write(tx, 2)
				return nil
			}))
			for {
				more, to := feed(t, moved, cursor, 7)
				if len(more) == 0 {
					break
				}
				read, cursor = append(read, more...), to
			}
			if want := storedOf(t, moved, "ann", "bob", "cyd", "dan"); !slices.Equal(sorted(read), sorted(want)) {
				t.Errorf("a reader from before has read %v, want %v", sorted(read), sorted(want))
			}
			all, _ := feed(t, moved, "", 0)
			for _, m := range []string{"ann", "bob"} {
				n := int64(0)
				for _, e := range all {
					if e == fmt.Sprint(journal.Subject("box", m), " ", n+1) {
						n++
					}
				}
				if n != last[m] {
					t.Errorf("%d of %d entries of %s come in their order: %v", n, last[m], m, all)
				}
			}
		})
	}
}

// elsewhere makes the database look as if it had been moved to another server.
func elsewhere(t testing.TB, db interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), "update scrmkit.journal_epoch set started = started - interval '1 day'")
	check(t, err)
}

// However the first entry is written after a move, it begins the epoch, once.
func TestTheFirstEntryOfAnEpoch(t *testing.T) {
	db := openPostgres(t)
	store := boxStore(t, db)
	base := func() (n int64) {
		check(t, db.QueryRowContext(t.Context(), "select base >> 48 from scrmkit.journal_epoch").Scan(&n))
		return n
	}
	n := int64(0)
	for name, write := range map[string]func(t *testing.T, c storage.Change) error{
		"by a Save": func(t *testing.T, c storage.Change) error { return one(store.Save(t.Context(), []storage.Change{c})) },
		"by a Save of many": func(t *testing.T, c storage.Change) error {
			return one(store.Save(t.Context(), []storage.Change{c, moved(fmt.Sprint("other", n), 1)}))
		},
		"in a transaction": func(t *testing.T, c storage.Change) error {
			return store.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error { return one(tx.Save(ctx, []storage.Change{c})) })
		},
		"in a transaction of the caller's, which is run again": func(t *testing.T, c storage.Change) error {
			runs := 0
			err := storage.Retry(t.Context(), func() error {
				runs++
				tx, err := db.DB.BeginTx(t.Context(), nil)
				if err != nil {
					return err
				}
				defer tx.Rollback()
				if err := one(store.Join(tx).Save(t.Context(), []storage.Change{c})); err != nil {
					if !errors.Is(err, storage.ErrRetry) {
						t.Errorf("%v does not ask for another run", err)
					}
					return err
				}
				return tx.Commit()
			})
			if runs != 2 {
				t.Errorf("it was run %d times", runs)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, cursor := feed(t, store, "", 0)
			before := base()
			elsewhere(t, db)
			n++
			member := fmt.Sprint("member", n)
			check(t, write(t, moved(member, 1)))
			if now := base(); now != before+1 {
				t.Errorf("epoch %d follows epoch %d", now, before)
			}
			if read, _ := feed(t, store, cursor, 0); !slices.Contains(read, journal.Subject("box", member)+" 1") {
				t.Errorf("the feed has %v", read)
			}
		})
	}
	t.Run("by many at once", func(t *testing.T) {
		_, cursor := feed(t, store, "", 0)
		before := base()
		elsewhere(t, db)
		var wg sync.WaitGroup
		for i := range 32 {
			wg.Go(func() {
				c := moved(fmt.Sprint("racer", i), 1)
				write := func(tx storage.Tx) error { return one(tx.Save(t.Context(), []storage.Change{c})) }
				err := error(nil)
				if i%2 == 0 {
					err = write(store)
				} else {
					err = store.InTx(t.Context(), func(_ context.Context, tx storage.Tx) error { return write(tx) })
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if read, _ := feed(t, store, cursor, 0); len(read) != 32 || base() != before+1 {
			t.Errorf("epoch %d follows epoch %d, and the feed has %v", base(), before, read)
		}
	})
}

// What waits in another database of the server holds nobody up; what waits in this one does, and it
// is told who that is.
func TestWhoHoldsTheFeed(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	c := pgtest.Start(t)
	db := openDB(t, "pgx", c.DSN(), pgdialect.New())
	store := boxStore(t, db)
	exec := func(on interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	}, query string) {
		t.Helper()
		_, err := on.ExecContext(t.Context(), query)
		check(t, err)
	}
	exec(db, "create database other")
	exec(db, "create role reader login")
	exec(db, "grant usage on schema scrmkit to reader")
	exec(db, "grant select on all tables in schema scrmkit to reader")
	at := func(user, database string) string {
		u := mustParse(t, c.DSN())
		u.User, u.Path = nil, "/"+database
		u.RawQuery += "&user=" + user + "&application_name=report"
		return u.String()
	}
	holders := func(who *bunstore.DB) []bunstore.Holder {
		t.Helper()
		found, err := who.Holders(t.Context())
		check(t, err)
		return found
	}
	reader, err := bunstore.New(openDB(t, "pgx", at("reader", "postgres"), pgdialect.New()), nil)
	check(t, err)
	wait := func(database string) *sql.Tx {
		t.Helper()
		db := openDB(t, "pgx", at("postgres", database), pgdialect.New())
		exec(db, "create table if not exists public.own (n int)")
		tx, err := db.DB.BeginTx(t.Context(), nil)
		check(t, err)
		t.Cleanup(func() { _ = tx.Rollback() })
		exec(tx, "insert into public.own values (1)")
		return tx
	}
	elsewhere := wait("other")
	save(t, store, moved("ann", 1))
	for name, who := range map[string]*bunstore.DB{"the owner": store, "a role that may only read": reader} {
		if read, _ := feed(t, who, "", 0); len(read) != 1 || len(holders(who)) != 0 {
			t.Errorf("%s reads %v and waits for %v", name, read, holders(who))
		}
	}
	here := wait("postgres")
	save(t, store, moved("ann", 2))
	for name, who := range map[string]*bunstore.DB{"the owner": store, "a role that may only read": reader} {
		found := holders(who)
		if read, _ := feed(t, who, "", 0); len(read) != 1 || len(found) != 1 {
			t.Fatalf("%s reads %v and waits for %v", name, read, found)
		}
		if h := found[0]; h.PID == 0 || h.User != "postgres" || h.Application != "report" || who == store && (h.State != "idle in transaction" || h.Since.IsZero()) {
			t.Errorf("%s waits for %+v", name, h)
		}
	}
	check(t, here.Commit())
	check(t, elsewhere.Commit())
	if read, _ := feed(t, reader, "", 0); len(read) != 2 || len(holders(reader)) != 0 {
		t.Errorf("in the end %v is read, and %v waited for", read, holders(reader))
	}
}
