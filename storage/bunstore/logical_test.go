package bunstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/relay"
)

// A subscriber of logical replication of all tables takes over: a relay goes on where it was, and
// hands over each entry once, in the order of its subject. The epoch is a row as any other, which
// comes with the rest; of the tables that Migrate makes two have rows, which give way to those of
// the publisher.
func TestASubscriberTakesOver(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	t.Parallel()
	ctx := t.Context()
	exec := func(db *bun.DB, query string) {
		t.Helper()
		_, err := db.ExecContext(ctx, query)
		check(t, err)
	}
	var read []string
	step := func(store *bunstore.DB) {
		t.Helper()
		r, err := relay.New(store, "crm", func(_ context.Context, _ string, r journal.Record) error {
			read = append(read, fmt.Sprint(r.Subject, " ", r.Seq))
			return nil
		}, &relay.Options{Workers: 1, Batch: 7})
		check(t, err)
		for more := true; more; {
			turn, err := r.Step(ctx)
			check(t, err)
			more = turn.More
		}
		check(t, r.Release(ctx))
	}
	members, last := []string{"ann", "bob", "cyd"}, map[string]int64{}
	write := func(store *bunstore.DB, n int) {
		t.Helper()
		for i := range n {
			for _, m := range members {
				last[m]++
				if i%2 == 0 {
					save(t, store, moved(m, last[m]))
				} else {
					check(t, inTx(ctx, store, moved(m, last[m])))
				}
			}
		}
	}

	c := pgtest.Start(t)
	c.Set(t, "wal_level = logical")
	publisher := openDB(t, "pgx", c.DSN(), pgdialect.New())
	before := newStore(t, publisher, boxTables, relay.Tables)
	write(before, 10)
	check(t, c.Kill()) // the next entry begins another epoch
	check(t, c.Restart())
	_ = publisher.Ping()
	write(before, 5)
	step(before)
	exec(publisher, "create publication scrmkit for tables in schema scrmkit")

	s := pgtest.Start(t)
	s.Set(t, "wal_retrieve_retry_interval = 100ms") // and 5 s, were it not set, for each table whose copy was interrupted
	subscriber := openDB(t, "pgx", s.DSN(), pgdialect.New())
	check(t, bunstore.Migrate(ctx, subscriber, boxTables, relay.Tables))
	exec(subscriber, "truncate scrmkit.scrmkit_schema, scrmkit.journal_epoch")
	at := mustParse(t, c.DSN())
	exec(subscriber, fmt.Sprintf("create subscription scrmkit connection 'host=127.0.0.1 port=%s user=postgres dbname=postgres' publication scrmkit", at.Port()))
	write(before, 5)
	check(t, c.Kill()) // and once more, while it is followed
	check(t, c.Restart())
	_ = publisher.Ping()
	write(before, 5)
	step(before)
	write(before, 5) // what the relay has yet to hand over

	eventually(t, func() error {
		var copied bool
		var behind int64
		err := errors.Join(
			subscriber.QueryRowContext(ctx, "select bool_and(srsubstate = 'r') from pg_subscription_rel").Scan(&copied),
			publisher.QueryRowContext(ctx, "select coalesce(min(pg_current_wal_lsn() - confirmed_flush_lsn), 1)::bigint from pg_replication_slots").Scan(&behind),
		)
		if err == nil && (!copied || behind > 0) {
			err = fmt.Errorf("the subscriber has copied all: %t, and is %d bytes behind", copied, behind)
		}
		return err
	})
	exec(subscriber, "drop subscription scrmkit")
	check(t, c.Kill())

	var bases [2]int64
	base := func(n *int64) {
		check(t, subscriber.QueryRowContext(ctx, "select base >> 48 from scrmkit.journal_epoch").Scan(n))
	}
	base(&bases[0])
	after := newStore(t, subscriber, boxTables, relay.Tables) // Migrate finds all of it there
	write(after, 5)
	step(after)
	if base(&bases[1]); bases[0] != 2 || bases[1] != 3 {
		t.Errorf("epoch %d is followed by %d, want 2 and 3", bases[0], bases[1])
	}
	if want := storedOf(t, after, members...); !slices.Equal(sorted(read), sorted(want)) || len(want) != 35*len(members) {
		t.Errorf("the relay has handed over %v, want %v", sorted(read), sorted(want))
	}
	next := map[string]int64{}
	for _, entry := range read {
		for _, m := range members {
			if entry == fmt.Sprint(journal.Subject("box", m), " ", next[m]+1) {
				next[m]++
			}
		}
	}
	for _, m := range members {
		if next[m] != last[m] {
			t.Errorf("%d of %d entries of %s came in their order", next[m], last[m], m)
		}
	}
	if sequences := texts(t, subscriber, "select relname from pg_class where relkind = 'S' and relnamespace = 'scrmkit'::regnamespace"); len(sequences) > 0 {
		t.Errorf("the sequences %v are not replicated", sequences)
	}
}
