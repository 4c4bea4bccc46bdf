package bunstore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
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

// A replica gives lists, histories and the feed as of a moment ago, says how long ago, and has no
// part in a change: what asks for one is refused before the server is asked.
func TestReplica(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	t.Parallel()
	ctx, c := t.Context(), pgtest.Start(t)
	db := openDB(t, "pgx", c.DSN(), pgdialect.New())
	primary := newStore(t, db, boxTables, stamps.Tables)
	cards := stamps.New(primary, nil)
	_, err := cards.Publish(ctx, stamps.Definition{ID: "coffee", Version: 1, Zone: "Asia/Shanghai", Card: &stamps.CardDefinition{
		Size: 10, Rewards: []stamps.Reward{{ID: "cup", Name: "A free cup", At: 10}},
		Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
	}})
	check(t, err)
	alice := stamps.CardID{Program: "coffee", Member: "alice"}
	add := func(key string) error {
		_, err := cards.Add(ctx, stamps.Add{Card: alice, Key: key})
		return err
	}
	check(t, add("order-1"))
	save(t, primary, moved("ann", 1))

	s := c.Standby(t)
	config, err := pgx.ParseConfig(s.DSN())
	check(t, err)
	tr := &tracer{}
	config.Tracer = tr
	sqldb := stdlib.OpenDB(*config)
	t.Cleanup(func() { check(t, sqldb.Close()) })
	standby := bun.NewDB(sqldb, pgdialect.New())
	replica, err := bunstore.New(standby, &bunstore.Options{Replica: true})
	check(t, err)
	reports := stamps.New(replica, nil)
	caughtUp(t, c, s)

	count := func() int64 {
		t.Helper()
		card, err := reports.Card(ctx, alice)
		check(t, err)
		records, err := storage.Collect(reports.History(ctx, alice))
		check(t, err)
		if int64(len(records)) != card.Count {
			t.Errorf("%d stamps, and the records %v", card.Count, records)
		}
		return card.Count
	}
	if n := count(); n != 1 {
		t.Errorf("the replica has %d stamps", n)
	}
	all, last := feed(t, primary, "", 0)
	if found, cursor := feed(t, replica, "", 0); !slices.Equal(found, all) || cursor != last {
		t.Errorf("the feed of the replica has %v, want %v", found, all)
	}

	tx, err := sqldb.BeginTx(ctx, nil)
	check(t, err)
	defer func() { _ = tx.Rollback() }()
	box := box{Member: "ann"}
	command := []storage.Look{{Reads: []storage.Read{boxes.Get(&box)}, Subject: journal.Subject("box", "ann"), Key: "key-2"}}
	for what, call := range map[string]func() error{
		"a Save":                                       func() error { return one(replica.Save(ctx, []storage.Change{moved("ann", 2)})) },
		"a Save of nothing":                            func() error { return one(replica.Save(ctx, nil)) },
		"a Save of a tenant":                           func() error { return one(replica.Tenant("acme").Save(ctx, []storage.Change{moved("ann", 1)})) },
		"a Save in a transaction of it":                func() error { return one(replica.Join(tx).Save(ctx, []storage.Change{moved("ann", 2)})) },
		"the load of a command":                        func() error { return replica.Load(ctx, command) },
		"the load of a command in a transaction of it": func() error { return replica.Join(tx).Load(ctx, command) },
		"InTx": func() error {
			return replica.InTx(ctx, func(context.Context, storage.Tx) error { return errors.New("it was run") })
		},
		"a Prune": func() error {
			_, err := storage.Prune(ctx, replica, movesByShop, storage.Range{Prefix: []any{"north"}, Limit: 1})
			return err
		},
		"a command": func() error {
			_, err := reports.Add(ctx, stamps.Add{Card: alice, Key: "order-2"})
			return err
		},
		"a command that it knows": func() error {
			_, err := reports.Add(ctx, stamps.Add{Card: alice, Key: "order-1"})
			return err
		},
		"a command of an engine that is bound to it": func() error {
			_, err := cards.In(replica).Add(ctx, stamps.Add{Card: alice, Key: "order-2"})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			var err error
			sent := tr.during(func() { err = call() })
			if !errors.Is(err, bunstore.ErrReplica) || errs.ClassOf(err) != errs.Internal {
				t.Errorf("error is %v", err)
			}
			// An engine may read which program is in force, of what it then decides on nothing.
			if asked := strings.Join(tr.sent, "\n"); sent > 0 && (!strings.HasPrefix(what, "a command") || strings.Contains(asked, "stamps_card")) {
				t.Errorf("it was asked\n%s", asked)
			}
		})
	}
	if more, _ := feed(t, primary, last, 0); len(more) > 0 {
		t.Errorf("stored was %v", more)
	}
	check(t, tx.Rollback())

	// What it has not replayed yet it does not show; and says so.
	lag := func(db *bunstore.DB) time.Duration {
		t.Helper()
		d, err := db.Lag(ctx)
		check(t, err)
		return d
	}
	_, err = standby.ExecContext(ctx, "select pg_wal_replay_pause()")
	check(t, err)
	check(t, add("order-2"))
	before := lag(replica)
	if n := count(); n != 1 {
		t.Errorf("a replica that is behind has %d stamps", n)
	}
	if after := lag(replica); after <= before || before <= 0 || lag(primary) != 0 {
		t.Errorf("the lag is %v, and later %v; that of the primary is %v", before, after, lag(primary))
	}
	_, err = standby.ExecContext(ctx, "select pg_wal_replay_resume()")
	check(t, err)
	caughtUp(t, c, s)
	if n := count(); n != 2 {
		t.Errorf("a replica that has caught up has %d stamps", n)
	}

	// Its connections end, and reads go on.
	_, err = openDB(t, "pgx", s.DSN(), pgdialect.New()).ExecContext(ctx,
		"select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'")
	check(t, err)
	if n := count(); n != 2 {
		t.Errorf("%d stamps", n)
	}
	check(t, c.Kill())
	s.Promote(t)
	if err := one(replica.Save(ctx, []storage.Change{moved("ann", 2)})); !errors.Is(err, bunstore.ErrReplica) || lag(replica) != 0 {
		t.Errorf("once it is promoted: %v, lag %v", err, lag(replica))
	}
}
