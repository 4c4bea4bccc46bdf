package bunstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
)

// program reads a version of a program, or the newest for version 0; unknown where there is none.
func (u unit) program(ctx context.Context, table, id string, version int, definition any, unknown error) error {
	if err := u.check(ctx); err != nil {
		return err
	}
	q := u.bun.NewSelect().Conn(u.conn()).TableExpr(u.name(table)+" AS p").ColumnExpr("p.definition").
		Where("p.tenant = ? AND p.program = ?", u.tenant, id).OrderExpr("p.version DESC").Limit(1)
	if version != 0 {
		q = q.Where("p.version = ?", version)
	}
	known := false
	rows, err := q.Rows(ctx)
	if err == nil {
		err = each(rows, func(rows *sql.Rows) error {
			known = true
			return rows.Scan(jsonField(definition))
		})
	}
	switch {
	case err != nil:
		return u.fail("load a program", err)
	case !known:
		return unknown
	}
	return nil
}

// publish stores the version of a program that follows the newest; published where it does not.
func (u unit) publish(ctx context.Context, table, id string, version int, definition any, published error) error {
	if err := u.check(ctx); err != nil {
		return err
	}
	doc, err := json.Marshal(definition)
	if err != nil {
		return u.fail("publish a program", err)
	}
	table = u.name(table)
	stored := false
	err = u.write(ctx, func(u unit) error {
		var first int
		err := u.bun.NewRaw("INSERT INTO "+table+" (tenant, program, version, definition) SELECT ?, ?, ?, ? WHERE ? = "+
			"(SELECT coalesce(max(version), 0) + 1 FROM "+table+" WHERE tenant = ? AND program = ?) ON CONFLICT DO NOTHING RETURNING 1",
			u.tenant, id, version, string(doc), version, u.tenant, id).Conn(u.conn()).Scan(ctx, &first)
		if stored = err == nil; errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return u.fail("publish a program", err)
	}
	if !stored {
		return published
	}
	return nil
}
