package bunstore

import (
	"context"

	"github.com/scrmkit/scrmkit/storage"
)

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
