package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/storage"
)

// Distribute spreads the tables of the schemas, which Migrate has made, and those of the journal over
// the nodes of a Citus cluster, whose coordinator db is connected to: all rows of a tenant are on one
// node. Rows that are there are taken along. It may run again, and must after a Migrate that made
// more tables. Processes that run meanwhile, and use the journal, get [ErrTable] until they are
// started again. There is no way back.
//
// The feed of a tenant is in the order of the transactions of its node, and goes on where the tenant
// is moved to another one. Each Save is a transaction with a statement a row.
func Distribute(ctx context.Context, db *bun.DB, schemas ...storage.Schema) error {
	g, all, err := grammarOf(db, schemas)
	if err == nil && g != postgres {
		err = errors.New("the database is SQLite")
	}
	if err == nil {
		err = locked(ctx, db.DB, func(tx *sql.Tx) error { return distribute(ctx, tx, all) })
	}
	if err != nil {
		return fmt.Errorf("bunstore: distribute: %w", err)
	}
	return nil
}

// distribute runs what Distribute does, in its transaction.
func distribute(ctx context.Context, tx *sql.Tx, schemas []storage.Schema) error {
	var installed bool
	if err := tx.QueryRowContext(ctx, "select exists (select from pg_extension where extname = 'citus')").Scan(&installed); err != nil {
		return err
	}
	if !installed {
		return errors.New("the database does not have Citus; create the extension citus in it")
	}
	if err := prepareTenantEpochs(ctx, tx); err != nil {
		return err
	}
	tables := []string{entryTable.name, tenantEpochTable}
	for _, s := range schemas {
		for _, t := range s.Tables {
			if t.Def().Name != entryTable.name {
				tables = append(tables, t.Def().Name)
			}
		}
	}
	const spread = "select create_distributed_table(c.oid, 'tenant', colocate_with => $2) from pg_class as c" +
		" where c.oid = $1::text::regclass and c.oid not in (select logicalrelid from pg_dist_partition)"
	for _, t := range tables {
		with := postgres.name(entryTable.name)
		if t == entryTable.name {
			with = "none"
		}
		if _, err := tx.ExecContext(ctx, spread, postgres.name(t), with); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	_, err := tx.ExecContext(ctx, "select create_reference_table(c.oid) from pg_class as c where c.oid = $1::text::regclass"+
		" and c.oid not in (select logicalrelid from pg_dist_partition)", epochs)
	return err
}

// prepareTenantEpochs gives each tenant epochs of its own, and refuses processes that write those of
// the database.
func prepareTenantEpochs(ctx context.Context, tx *sql.Tx) error {
	var prepared bool
	if err := tx.QueryRowContext(ctx, "select to_regclass('"+tenantEpochs+"') is not null").Scan(&prepared); err != nil || prepared {
		return err
	}
	return execute(ctx, tx, `alter table `+epochs+` rename column started to last_started;
alter table `+postgres.name(entryTable.name)+` replica identity full;
create table `+tenantEpochs+` (
	tenant text collate "C" not null,
	base bigint not null,
	started bigint not null,
	first bigint not null,
	primary key (tenant)
);
`)
}

// What is known of whether the tables are distributed.
const (
	unknown = iota
	undistributed
	distributed
)

// distributed reports whether Distribute was called for the database. It is known once learn has
// returned nil.
func (c *core) distributed() bool { return c.spread.Load() == distributed }

// learn asks the database, once, whether Distribute was called for it.
func (u unit) learn(ctx context.Context) error {
	if u.spread.Load() != unknown {
		return nil
	}
	rows, err := u.conn().Query(ctx, "select to_regclass('"+tenantEpochs+"') is not null", nil)
	if err != nil {
		return err
	}
	return each(rows, func(rows Rows) error {
		var prepared bool
		err := rows.Scan(&prepared)
		if prepared {
			u.spread.CompareAndSwap(unknown, distributed)
		} else if err == nil {
			u.spread.CompareAndSwap(unknown, undistributed)
		}
		return err
	})
}
