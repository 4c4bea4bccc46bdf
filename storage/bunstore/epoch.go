package bunstore

import (
	"context"
	"strings"
	"time"
)

// An epoch of a database of Postgres is the time in which one start of a server writes it. Entries
// stand in the feed by the numbers of the transactions that wrote them, which only the server that
// counts them can compare with those that still run. Each epoch begins at a base beyond all numbers
// of those before, so that what was restored, copied or promoted to another server is behind all
// that is written there, and a cursor from before the move goes on in the feed of after.
//
// Who writes the first entry of an epoch finds no base for the server at hand, and begins it.

// epochs is the table, of one row.
var epochs = postgres.name("journal_epoch")

// ownPos is the place of an entry by the transaction that writes it; null, which no entry may have,
// where the epoch has yet to begin.
var ownPos = "((select e.base from " + epochs + " as e where e.started = pg_postmaster_start_time()) + pg_current_xact_id()::text::bigint)"

// horizon is the place that no transaction which is still to end can write before. Until an epoch
// has begun nothing of it is there to be waited for, and one of those before can still write only
// where it was prepared, as it can later where it is older than the transaction that began the
// epoch: readers wait for its end. A standby replays what its primary has begun, and its snapshots
// have no list of what runs there.
var horizon = "(select case when not pg_is_in_recovery() and e.started <> pg_postmaster_start_time() then" +
	" case when exists (select from pg_prepared_xacts as p where p.database = current_database()) then 0 else 9223372036854775807 end" +
	" when o.oldest < " + newest + " - ((" + newest + " - e.xmin::text::bigint) & 4294967295) then 0 else e.base + o.oldest end" +
	" from " + epochs + " as e, (select case when pg_is_in_recovery() then pg_snapshot_xmin(pg_current_snapshot())::text::bigint" +
	" else coalesce((select min(x.n) from (" + running + ") as x), " + newest + ") end as oldest offset 0) as o)"

// newest is the number after those of the transactions that the snapshot at hand knows of.
const newest = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"

// running are the transactions whose end the snapshot at hand has not seen, but those of other
// databases of the server, which write nothing here.
const running = "select x::text::bigint as n from pg_snapshot_xip(pg_current_snapshot()) as x" +
	" where not exists (select from pg_stat_activity as a where a.backend_xid::text::bigint = x::text::bigint & 4294967295" +
	" and a.datname <> current_database())" +
	" and not exists (select from pg_prepared_xacts as p where p.transaction::text::bigint = x::text::bigint & 4294967295" +
	" and p.database <> current_database())"

// newEpoch begins an epoch, once.
var newEpoch = "insert into " + epochs + " as e (one, base, started) values (true, 1::bigint << 48, pg_postmaster_start_time())" +
	" on conflict (one) do update set base = e.base + (1::bigint << 48), started = excluded.started where e.started <> excluded.started"

// beginEpoch begins the epoch of the server at hand. A transaction of the caller's has it where that
// is committed.
func (u unit) beginEpoch(ctx context.Context) error {
	rows, err := u.conn().Query(ctx, newEpoch, nil)
	if err != nil {
		return err
	}
	return each(rows, func(Rows) error { return nil })
}

// epochless reports whether an entry found no place, for the epoch has yet to begin. Nothing was
// stored.
func epochless(err error) bool {
	const null = "23502" // where there may be none
	// The name is in the quotes of the server's language.
	return state(err) == null && strings.Contains(err.Error(), entryTable.name)
}

// A Holder is a transaction that keeps entries from being read: those that were written since it
// began are given to readers once it has ended.
type Holder struct {
	PID         int64     // process of the server; 0: none, the transaction is prepared
	User        string    // role that runs it
	Application string    // application_name of its session, or the name under which it was prepared
	State       string    // as pg_stat_activity has it; "prepared" of one that is; "": the role may not see it
	Since       time.Time // when it began; zero: the role may not see it
}

// Holders returns the transactions that the readers of the journal wait for, of any tenant and of
// whatever writes to the database, the oldest first. One that is idle for long holds the feed up
// for as long: set idle_in_transaction_session_timeout. On SQLite there is none.
func (d *DB) Holders(ctx context.Context) (all []Holder, err error) {
	if err := d.check(ctx); err != nil || d.grammar == sqlite {
		return nil, err
	}
	rows, err := d.conn().Query(ctx, "select h.pid, h.usename, h.application, h.state, (extract(epoch from h.since) * 1000000)::bigint from ("+
		"select x.n, a.pid, coalesce(a.usename, '') as usename, coalesce(a.application_name, '') as application, coalesce(a.state, '') as state, a.xact_start as since"+
		" from ("+running+") as x join pg_stat_activity as a on a.backend_xid::text::bigint = x.n & 4294967295"+
		" union all select x.n, 0, p.owner, p.gid, 'prepared', p.prepared"+
		" from ("+running+") as x join pg_prepared_xacts as p on p.transaction::text::bigint = x.n & 4294967295"+
		") as h order by h.n", nil)
	if err == nil {
		err = each(rows, func(rows Rows) error {
			var h Holder
			err := rows.Scan(intField(&h.PID), textField(&h.User), textField(&h.Application), textField(&h.State), timeField(&h.Since))
			all = append(all, h)
			return err
		})
	}
	if err != nil {
		return nil, d.fail(ctx, "read the holders of the journal", err)
	}
	return all, nil
}
