package bunstore

import (
	"context"
	"slices"
	"strconv"

	"github.com/scrmkit/scrmkit/storage"
)

// On a distributed database each tenant has epochs of its own, those of the node that has its rows.
// The functions of a statement that writes are computed where it is sent to, and those of one that
// reads where the rows are: so the place of an entry is read, in the transaction that writes it,
// before it is written.

// tenantEpochTable has a row for each tenant that was written to. A database has it where it is
// distributed.
const tenantEpochTable = "journal_tenant_epoch"

var tenantEpochs = postgres.name(tenantEpochTable)

// startOfServer is when the server at hand started, in microseconds.
const startOfServer = "(extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint"

// placeText yields the place of an entry as following does; no row where the epoch has yet to begin.
var placeText = "select greatest(e.base + pg_current_xact_id()::text::bigint, (select x.pos from " + postgres.name(entryTable.name) +
	" as x where " + postgres.listed("x", tenant) + " and (x.subject || '') = $2::text order by x.seq desc limit 1))" +
	" from " + tenantEpochs + " as e where e.tenant = " + tenant + " and e.started = " + startOfServer

// nextEpochText yields what newTenantEpoch takes: the base of the next epoch, beyond those of the
// tenant and of the database before it was distributed, the start of the server, and the transaction
// at hand.
var nextEpochText = "select ((greatest((select e.base from " + epochs + " as e), (select e.base from " + tenantEpochs + " as e where e.tenant = " + tenant +
	"), (select x.pos from " + postgres.name(entryTable.name) + " as x where " + postgres.fed("x", tenant) +
	" order by x.pos desc limit 1)) >> 48) + 1) << 48, " + startOfServer + ", pg_current_xact_id()::text::bigint"

// newTenantEpoch begins an epoch, once.
var newTenantEpoch = "insert into " + tenantEpochs + " as e (tenant, base, started, first) values (" + tenant + ", $2::bigint, $3::bigint, $4::bigint)" +
	" on conflict (tenant) do update set base = excluded.base, started = excluded.started, first = excluded.first" +
	" where e.base < excluded.base and e.started <> excluded.started"

// tenantHorizon is horizon for a tenant. A transaction of an epoch before may still end, where it was
// prepared: it is older than the epoch, or the epoch has yet to begin. Readers wait for it.
func tenantHorizon(tenant string) string {
	const oldest, noEnd = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint", "9223372036854775807"
	return "coalesce((select case when pg_is_in_recovery() then e.base + " + oldest +
		" when e.started = " + startOfServer + " then case when " + oldest + " < e.first then 0 else e.base + " + oldest + " end" +
		" when exists (select from pg_prepared_xact()) then 0 else " + noEnd + " end from " + tenantEpochs +
		" as e where e.tenant = " + tenant + "), " + noEnd + ")"
}

// An epochError reports that an epoch of a tenant has yet to begin. Nothing was stored.
type epochError struct{ tenant string }

// Error implements error.
func (e *epochError) Error() string {
	return "the epoch of tenant " + strconv.Quote(e.tenant) + " has yet to begin"
}

// stay keeps the rows of a tenant where they are until the transaction ends: a write does, and this
// one changes nothing.
var stay = "delete from " + tenantEpochs + " as e where e.tenant = " + tenant + " and e.base < 0"

// placed returns the entries with their places. Those of a Save that is a transaction by itself have
// one: what they were decided on was there before it began.
func (u unit) placed(ctx context.Context, entries []row) ([]row, error) {
	if _, err := u.exec(ctx, u.statement("stay", func() string { return stay }), []any{u.tenant}); err != nil {
		return nil, err
	}
	placed := make([]row, len(entries))
	pos := storage.Value{Kind: storage.KindInt}
	for i, e := range entries {
		if i == 0 || u.tx.own != nil {
			var err error
			if pos.Int, err = u.place(ctx, e.values[0].Text); err != nil {
				return nil, err
			}
		}
		e.values = append(slices.Clip(e.values), pos)
		placed[i] = e
	}
	return placed, nil
}

// place returns the place of an entry about a subject. In a transaction of the caller's it begins
// the epoch of the tenant where that is due, and others that write as the tenant wait for its end.
// In one of a Save that is an epochError.
func (u unit) place(ctx context.Context, subject string) (pos int64, err error) {
	for again := u.tx.own != nil; ; again = false {
		found := false
		err := u.query(ctx, u.statement("place", func() string { return placeText }), 1, []any{u.tenant, subject}, func(rows Rows) error {
			found = true
			return rows.Scan(&pos)
		})
		if err != nil || found {
			return pos, err
		}
		if !again {
			return 0, &epochError{u.tenant}
		}
		if err := u.beginTenantEpoch(ctx); err != nil {
			return 0, err
		}
	}
}

// beginTenantEpoch begins the epoch of the tenant on the server that has its rows.
func (u unit) beginTenantEpoch(ctx context.Context) error {
	args := []any{u.tenant}
	s := u.statement("next epoch", func() string { return nextEpochText })
	err := u.query(ctx, s, 1, args[:1], func(rows Rows) error {
		var base, started, first int64
		err := rows.Scan(&base, &started, &first)
		args = append(args, base, started, first)
		return err
	})
	if err == nil {
		_, err = u.exec(ctx, u.statement("new epoch", func() string { return newTenantEpoch }), args)
	}
	return err
}
