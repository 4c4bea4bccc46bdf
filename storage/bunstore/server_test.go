package bunstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// unkeyed is the change of moved, with an entry that has no key.
func unkeyed(member string, n int64) storage.Change {
	c := moved(member, n)
	c.Entries[0].Key = ""
	return c
}

// errOwn is an error of the BEGIN or the COMMIT of a transaction of the caller's.
var errOwn = errors.New("a statement of the caller's own")

// joined saves a change in a transaction of the caller's, which runs again where that is asked for.
func joined(ctx context.Context, db *bun.DB, store *bunstore.DB, c storage.Change) error {
	return storage.Retry(ctx, func() error {
		tx, err := db.DB.BeginTx(ctx, nil)
		if err != nil {
			return fmt.Errorf("%w: %w", errOwn, err)
		}
		defer func() { _ = tx.Rollback() }()
		if err := one(store.Join(tx).Tenant(store.TenantID()).Save(ctx, []storage.Change{c})); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("%w: %w", errOwn, err)
		}
		return nil
	})
}

// inTx saves a change in a transaction of InTx.
func inTx(ctx context.Context, store *bunstore.DB, c storage.Change) error {
	return store.InTx(ctx, func(ctx context.Context, tx storage.Tx) error { return one(tx.Save(ctx, []storage.Change{c})) })
}

// A pool is full of connections to a server that takes no changes any more. Whatever is called next
// throws them away, and is done on a fresh one.
func TestAServerTurnsReadOnly(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	dsn := migratedDSN(t)
	for _, name := range []string{"pgx", "pgx simple", "pq"} {
		t.Run(name, func(t *testing.T) {
			db := clients[name].open(t, dsn)
			opened, err := bunstore.New(db, nil)
			check(t, err)
			ctx, store := t.Context(), opened.Tenant(name)
			for what, call := range map[string]func(member string) error{
				"a Save":               func(m string) error { return one(store.Save(ctx, []storage.Change{moved(m, 1)})) },
				"a Save without a key": func(m string) error { return one(store.Save(ctx, []storage.Change{unkeyed(m, 1)})) },
				"a Save of many": func(m string) error {
					return one(store.Save(ctx, []storage.Change{moved(m, 1), moved(m+" too", 1)}))
				},
				"InTx": func(m string) error { return inTx(ctx, store, moved(m, 1)) },
				"InTx, with a statement of the caller's own": func(m string) error {
					return store.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
						_, err := tx.(bunstore.Tx).SQL().ExecContext(ctx, "create table if not exists public.orders (id text)")
						return errors.Join(err, one(tx.Save(ctx, []storage.Change{moved(m, 1)})))
					})
				},
				"a transaction of the caller's": func(m string) error { return joined(ctx, db, store, moved(m, 1)) },
				"a Prune": func(m string) error {
					_, err := storage.Prune(ctx, store, movesByShop, storage.Range{Prefix: []any{"nowhere"}, Limit: 1})
					return errors.Join(err, one(store.Save(ctx, []storage.Change{moved(m, 1)})))
				},
			} {
				t.Run(what, func(t *testing.T) {
					demote(t, db, 8)
					check(t, call(what))
					if n, err := versionOf(ctx, store, what); n != 1 || err != nil {
						t.Errorf("the box has version %d, %v", n, err)
					}
				})
			}
		})
	}
}

// demote opens connections and has each refuse changes, as those to a server that is demoted do.
func demote(t *testing.T, db *bun.DB, n int) {
	t.Helper()
	conns := make([]*sql.Conn, n)
	for i := range conns {
		var err error
		conns[i], err = db.DB.Conn(t.Context())
		check(t, err)
		_, err = conns[i].ExecContext(t.Context(), "set session characteristics as transaction read only")
		check(t, err)
	}
	for _, c := range conns {
		check(t, c.Close())
	}
}

// through returns the URL of a database behind a proxy.
func through(t *testing.T, dsn string, p *pgtest.Proxy) string {
	t.Helper()
	u := mustParse(t, dsn)
	u.Host = p.Addr()
	return u.String()
}

func hostOf(t *testing.T, c *pgtest.Cluster) string {
	t.Helper()
	return mustParse(t, c.DSN()).Host
}

// A service whose address of the database led to the standby, and then to the primary, and whose
// primary is killed: each call is done, or says that it may be made again; what was acknowledged is
// there once.
func TestFailOver(t *testing.T) {
	race.Skip(t, "what differs is the server")
	t.Parallel()
	c := pgtest.Start(t)
	primary := openDB(t, "pgx", c.DSN(), pgdialect.New())
	save(t, boxStore(t, primary), moved("ann", 1))
	s := c.Standby(t)
	for _, query := range []string{"alter system set synchronous_standby_names = '*'", "select pg_reload_conf()"} {
		_, err := primary.ExecContext(t.Context(), query)
		check(t, err)
	}
	eventually(t, func() error {
		var n int
		err := primary.QueryRowContext(t.Context(), "select count(*) from pg_stat_replication where sync_state = 'sync'").Scan(&n)
		if err == nil && n == 0 {
			err = errors.New("the standby is not synchronous")
		}
		return err
	})
	p := pgtest.NewProxy(t, hostOf(t, s))
	db := openDB(t, "pgx", through(t, c.DSN(), p), pgdialect.New())
	store, err := bunstore.New(db, nil)
	check(t, err)
	ctx := t.Context()
	for what, err := range map[string]error{
		"a Save": one(store.Save(ctx, []storage.Change{moved("ann", 2)})), "InTx": inTx(ctx, store, moved("ann", 2)), "Join": joined(ctx, db, store, moved("ann", 2)),
	} {
		if !errors.Is(err, bunstore.ErrUnavailable) || errs.ClassOf(err) != errs.TryAgain {
			t.Errorf("%s on a standby: %v", what, err)
		}
	}
	if n, err := versionOf(ctx, store, "ann"); n != 1 || err != nil {
		t.Errorf("the standby has version %d, %v", n, err)
	}
	p.To(hostOf(t, c))
	check(t, joined(ctx, db, store, moved("ann", 2)))

	const callers = 8
	var done [callers]atomic.Int64
	var failed atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			member := fmt.Sprint("m", i)
			for n := int64(1); ; {
				select {
				case <-stop:
					return
				default:
				}
				call := []func() error{
					func() error { return one(store.Save(ctx, []storage.Change{moved(member, n)})) },
					func() error { return inTx(ctx, store, moved(member, n)) },
					func() error { return joined(ctx, db, store, moved(member, n)) },
				}[n%3]
				switch err := call(); {
				case err == nil, errors.Is(err, journal.ErrDuplicate), errors.Is(err, journal.ErrConflict): // it was stored
					done[i].Store(n)
					n++
				case errs.ClassOf(err) == errs.TryAgain, errors.Is(err, errOwn):
					failed.Add(1)
				default:
					t.Errorf("%s %d: %v", member, n, err)
					return
				}
			}
		})
	}
	progress := func() {
		for i := range done {
			from := done[i].Load()
			eventually(t, func() error {
				if done[i].Load() < from+5 && !t.Failed() {
					return fmt.Errorf("m%d makes no progress", i)
				}
				return nil
			})
		}
	}
	progress()
	check(t, c.Kill())
	s.Promote(t)
	p.To(hostOf(t, s))
	progress()
	close(stop)
	all.Wait()
	if failed.Load() == 0 {
		t.Error("nobody has noticed")
	}
	for i := range done {
		member := fmt.Sprint("m", i)
		n, err := versionOf(ctx, store, member)
		entries := storedOf(t, store, member)
		if want := done[i].Load(); err != nil || n != want || int64(len(entries)) != want {
			t.Errorf("%s: %d acknowledged, version %d, %d entries, %v", member, want, n, len(entries), err)
		}
	}
}

// The answer of the database is lost: what was stored is there once. A change with a key is run
// again by itself, and found; of one without a key, and of a transaction, the caller is told that
// nothing is known.
func TestLostAnswers(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	dsn := migratedDSN(t)
	direct := clients["pgx"].open(t, dsn)
	all, err := bunstore.New(direct, nil)
	check(t, err)
	for what, c := range map[string]struct {
		driver  string
		changes []storage.Change
		want    error
	}{
		"a Save":                         {"pgx", []storage.Change{moved("ann", 2)}, journal.ErrDuplicate},
		"a Save of many":                 {"pgx", []storage.Change{moved("ann", 2), moved("bob", 1)}, journal.ErrDuplicate},
		"a Save without a key":           {"pgx", []storage.Change{unkeyed("ann", 2)}, bunstore.ErrLost},
		"a Save of which one has no key": {"pgx", []storage.Change{moved("ann", 2), unkeyed("bob", 1)}, bunstore.ErrLost},
		"a transaction":                  {"pgx", []storage.Change{moved("ann", 2)}, bunstore.ErrLost},
		"a Save by lib/pq":               {"pq", []storage.Change{moved("ann", 2)}, journal.ErrDuplicate},
		"a transaction by lib/pq":        {"pq", []storage.Change{moved("ann", 2)}, bunstore.ErrLost},
		// database/sql has run it again by itself.
		"a Save without a key by lib/pq": {"pq", []storage.Change{unkeyed("ann", 2)}, journal.ErrConflict},
	} {
		t.Run(what, func(t *testing.T) {
			ctx, seen := t.Context(), all.Tenant(what)
			p := pgtest.NewProxy(t, mustParse(t, dsn).Host)
			opened, err := bunstore.New(clients[c.driver].open(t, through(t, dsn, p)), nil)
			check(t, err)
			store, runs := opened.Tenant(what), 0
			save(t, store, moved("ann", 1))
			result := make(chan error, 1)
			if strings.HasPrefix(what, "a transaction") {
				go func() {
					result <- store.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
						err := one(tx.Save(ctx, c.changes))
						if runs++; runs == 1 {
							p.Mute()
						}
						return err
					})
				}()
			} else {
				own, err := direct.DB.BeginTx(ctx, nil)
				check(t, err)
				defer func() { _ = own.Rollback() }()
				_, err = own.ExecContext(ctx, "select 1 from scrmkit.test_box for update")
				check(t, err)
				go func() { result <- one(store.Save(ctx, c.changes)) }()
				eventually(t, func() error { return waits(t, direct, 1) })
				p.Mute()
				check(t, own.Commit())
			}
			eventually(t, func() error {
				n, err := versionOf(ctx, seen, "ann")
				if err == nil && n == 1 {
					err = errors.New("nothing is stored")
				}
				return err
			})
			p.Cut()
			if err := <-result; !errors.Is(err, c.want) || errs.ClassOf(err) != errs.TryAgain || runs > 1 {
				t.Errorf("after %d runs error is %v, want %v", runs, err, c.want)
			}
			if n, err := versionOf(ctx, seen, "ann"); n != 2 || err != nil {
				t.Errorf("the box has version %d, %v", n, err)
			}
			check(t, inTx(ctx, store, moved("cyd", 1)))
		})
	}
}

// A command with a key whose answer is lost gives it all the same.
func TestACommandWhoseAnswerIsLost(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	dsn := pgtest.DSN(t)
	direct := clients["pgx"].open(t, dsn)
	newStore(t, direct, stamps.Tables)
	p := pgtest.NewProxy(t, mustParse(t, dsn).Host)
	store, err := bunstore.New(clients["pgx"].open(t, through(t, dsn, p)), nil)
	check(t, err)
	ctx, cards := t.Context(), stamps.New(store, nil)
	_, err = cards.Publish(ctx, stamps.Definition{ID: "coffee", Version: 1, Zone: "Asia/Shanghai", Card: &stamps.CardDefinition{
		Size: 10, Rewards: []stamps.Reward{{ID: "cup", Name: "A free cup", At: 10}},
		Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
	}})
	check(t, err)
	alice := stamps.CardID{Program: "coffee", Member: "alice"}
	_, err = cards.Add(ctx, stamps.Add{Card: alice, Key: "order-0"})
	check(t, err)
	own, err := direct.DB.BeginTx(ctx, nil)
	check(t, err)
	defer func() { _ = own.Rollback() }()
	_, err = own.ExecContext(ctx, "select 1 from scrmkit.stamps_card for update")
	check(t, err)
	result := make(chan error, 1)
	go func() {
		out, err := cards.Add(ctx, stamps.Add{Card: alice, Key: "order-1"})
		if err == nil && (out.Card.Count != 2 || !out.Replayed) {
			err = fmt.Errorf("%d stamps, replayed: %t", out.Card.Count, out.Replayed)
		}
		result <- err
	}()
	eventually(t, func() error { return waits(t, direct, 1) })
	p.Mute()
	check(t, own.Commit())
	eventually(t, func() error {
		if n := len(texts(t, direct, "select key from scrmkit.journal_entry where key = 'order-1'")); n != 1 {
			return fmt.Errorf("%d entries", n)
		}
		return nil
	})
	p.Cut()
	check(t, <-result)
}

// waits returns an error unless so many sessions of the database wait for a lock.
func waits(t *testing.T, db *bun.DB, want int) error {
	t.Helper()
	const query = "select pid::text from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
	if n := len(texts(t, db, query)); n != want {
		return fmt.Errorf("%d sessions wait for a lock, want %d", n, want)
	}
	return nil
}

// A time-out of the server is an error that says so. Nothing is stored then, and the same pool goes
// on.
func TestTimeouts(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	dsn := migratedDSN(t)
	admin := clients["pgx"].open(t, dsn)
	patient, err := bunstore.New(admin, nil)
	check(t, err)
	for _, driver := range []string{"pgx", "pgx simple", "pq"} {
		for _, setting := range []string{"statement_timeout", "lock_timeout"} {
			t.Run(driver+" "+setting, func(t *testing.T) {
				db := clients[driver].open(t, dsn, setting+"=50")
				opened, err := bunstore.New(db, nil)
				check(t, err)
				ctx, store, seen := t.Context(), opened.Tenant(driver+setting), patient.Tenant(driver+setting)
				save(t, seen, moved("ann", 1))
				for what, call := range calls(db, store) {
					own, err := admin.DB.BeginTx(ctx, nil)
					check(t, err)
					_, err = own.ExecContext(ctx, "lock table scrmkit.test_box, scrmkit.test_move, scrmkit.journal_entry in access exclusive mode")
					check(t, err)
					err = call(ctx, "ann", 2)
					check(t, own.Rollback())
					if !errors.Is(err, bunstore.ErrTimeout) || errors.Is(err, storage.ErrRetry) || errs.ClassOf(err) != errs.TryAgain {
						t.Errorf("%s: %v", what, err)
					}
					n, err := versionOf(ctx, seen, "ann")
					if entries := storedOf(t, seen, "ann"); n != 1 || len(entries) != 1 || err != nil {
						t.Fatalf("after %s the box has version %d and the entries %v, %v", what, n, entries, err)
					}
				}
				for what, call := range calls(db, store) {
					eventually(t, func() error { return call(ctx, what, 1) }) // a time-out may pass on a busy machine
				}
			})
		}
	}
}

// calls are what may be asked of a database, about the n-th move of a member.
func calls(db *bun.DB, store *bunstore.DB) map[string]func(ctx context.Context, member string, n int64) error {
	drain := func(list iter.Seq2[journal.Record, error]) error {
		_, err := storage.Collect(list)
		return err
	}
	return map[string]func(ctx context.Context, member string, n int64) error{
		"Load": func(ctx context.Context, m string, _ int64) error {
			_, err := versionOf(ctx, store, m)
			return err
		},
		"Save": func(ctx context.Context, m string, n int64) error {
			return one(store.Save(ctx, []storage.Change{moved(m, n)}))
		},
		"Save of many": func(ctx context.Context, m string, n int64) error {
			return one(store.Save(ctx, []storage.Change{moved(m, n), moved(m+" too", 1)}))
		},
		"List": func(ctx context.Context, m string, _ int64) error {
			_, err := storage.Collect(storage.List(ctx, store, boxesByID, storage.Range{}))
			return err
		},
		"Prune": func(ctx context.Context, m string, _ int64) error {
			_, err := storage.Prune(ctx, store, movesByShop, storage.Range{Prefix: []any{"north"}, From: start.AddDate(1, 0, 0), Limit: 9})
			return err
		},
		"InTx": func(ctx context.Context, m string, n int64) error { return inTx(ctx, store, moved(m, n)) },
		"Join": func(ctx context.Context, m string, n int64) error { return joined(ctx, db, store, moved(m, n)) },
		"Journal.After": func(ctx context.Context, _ string, _ int64) error {
			return drain(store.Journal().After(ctx, "", 0))
		},
		"Journal.Of": func(ctx context.Context, m string, _ int64) error {
			return drain(store.Journal().Of(ctx, journal.Subject("box", m)))
		},
	}
}

// A session that the server ends, idle in a transaction or not, or because its transaction takes too
// long, costs that transaction.
func TestSessionsThatEnd(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	dsn := migratedDSN(t)
	admin := clients["pgx"].open(t, dsn)
	patient, err := bunstore.New(admin, nil)
	check(t, err)
	var version int
	check(t, admin.DB.QueryRowContext(t.Context(), "select current_setting('server_version_num')::int").Scan(&version))
	sessions := func(name, state string) int {
		return len(texts(t, admin, "select pid::text from pg_stat_activity where application_name = '"+name+"' and state like '"+state+"%'"))
	}
	for _, driver := range []string{"pgx", "pgx simple", "pq"} {
		for _, setting := range []string{"idle_in_transaction_session_timeout", "transaction_timeout", "idle_session_timeout"} {
			name := driver + " " + setting
			t.Run(name, func(t *testing.T) {
				if setting == "transaction_timeout" && version < 170000 {
					t.Skip("this server has none")
				}
				state, after := "idle in transaction", "=500"
				if setting == "idle_session_timeout" {
					state, after = "idle", "=100"
				}
				db := clients[driver].open(t, dsn, setting+after, "application_name="+name)
				opened, err := bunstore.New(db, nil)
				check(t, err)
				ctx, store := t.Context(), opened.Tenant(name)
				save(t, patient.Tenant(name), moved("ann", 1))
				gone := func() {
					eventually(t, func() error {
						if n := sessions(name, state); n > 0 {
							return fmt.Errorf("%d sessions go on", n)
						}
						return nil
					})
				}
				if setting == "idle_session_timeout" {
					gone()
					for what, call := range calls(db, store) {
						if err := call(ctx, what, 1); err != nil && !errors.Is(err, errOwn) {
							t.Errorf("%s: %v", what, err)
						}
						gone()
					}
					return
				}
				asked := bunstore.ErrTimeout
				if driver == "pq" { // which does not hand on what the server said
					asked = bunstore.ErrUnavailable
				}
				tx, err := db.DB.BeginTx(ctx, nil)
				check(t, err)
				_, err = versionOf(ctx, opened.Join(tx).Tenant(name), "ann")
				check(t, err)
				gone()
				err = one(opened.Join(tx).Tenant(name).Save(ctx, []storage.Change{moved("ann", 2)}))
				if !errors.Is(err, asked) || errs.ClassOf(err) != errs.TryAgain {
					t.Errorf("a Save in a transaction of the caller's: %v", err)
				}
				_ = tx.Rollback()
				runs := 0
				err = store.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
					err := one(tx.Save(ctx, []storage.Change{moved("ann", 2)}))
					if runs++; runs == 1 {
						gone()
						err = errors.Join(err, one(tx.Save(ctx, []storage.Change{moved("bob", 1)})))
					}
					return err
				})
				switch n, _ := versionOf(ctx, store, "ann"); {
				case driver == "pq" && err == nil && runs == 2 && n == 2:
				case driver != "pq" && errors.Is(err, asked) && runs == 1 && n == 1:
				default:
					t.Errorf("InTx, after %d runs, with version %d: %v", runs, n, err)
				}
				eventually(t, func() error { return inTx(ctx, store, moved("cyd", 1)) })
			})
		}
	}
}
