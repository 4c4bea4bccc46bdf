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
	text, args := d.ranged(q, readingColumns(q.Index.Table, "t", ordered(q)), pageSize)
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
