package bunstore

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/storage"
)

// AsDistributed does with a database of plain Postgres what Distribute does, but for the spreading:
// what is sent to it is what a distributed one is sent.
func AsDistributed(ctx context.Context, db *bun.DB) error {
	return locked(ctx, db.DB, func(tx *sql.Tx) error { return prepareTenantEpochs(ctx, tx) })
}

// Explain returns the plan of Postgres for the first page of a range.
func (d *DB) Explain(ctx context.Context, q storage.Query) (plan string, err error) {
	columns, _ := ordered(q)
	text, args := d.ranged(q, readingColumns(q.Index.Table, "t", columns), pageSize)
	if text, err = inlined(d.readable(text), args); err != nil {
		return "", err
	}
	rows, err := d.bun.DB.QueryContext(ctx, "explain (costs off) "+text)
	if err != nil {
		return "", err
	}
	err = each(rows, func(rows Rows) error {
		var line string
		err := rows.Scan(&line)
		plan += line + "\n"
		return err
	})
	return plan, err
}

// SaveInto saves changes with the errors of a run before, as Save does where that was lost.
func (d *DB) SaveInto(ctx context.Context, changes []storage.Change, errs []error) error {
	all := make([]change, len(changes))
	for i, c := range changes {
		var err error
		if all[i], err = d.changeOf(c); err != nil {
			return err
		}
	}
	return d.saveByStatement(ctx, all, errs)
}
