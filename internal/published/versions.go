package published

import (
	"context"
	"errors"

	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/seam"
)

// Versions is a table of definitions D, each version of which is stored once and never changes.
type Versions[ID ~string, D any] struct {
	rows   *seam.Table[version[ID, D]]
	newest *seam.Index[version[ID, D]]
}

type version[ID ~string, D any] struct {
	ID         ID
	N          int
	Definition D
}

// NewVersions declares the table.
func NewVersions[ID ~string, D any](name string) Versions[ID, D] {
	rows := seam.NewTable(name, func(c *seam.Columns, v *version[ID, D]) {
		seam.Text(c, "program", &v.ID)
		seam.Int(c, "version", &v.N)
		c.Key()
		c.State("definition", 1, &v.Definition)
	})
	return Versions[ID, D]{rows, rows.Primary()}
}

// Def implements [seam.Declared].
func (v Versions[ID, D]) Def() *seam.Def { return v.rows.Def() }

// Table returns the table, for a test of its rows.
func (v Versions[ID, D]) Table() *seam.Table[version[ID, D]] { return v.rows }

// Load returns a version, or the newest for version 0, and whether there is one.
func (v Versions[ID, D]) Load(ctx context.Context, s seam.Store, id ID, n int) (d D, ok bool, err error) {
	var row version[ID, D]
	r := seam.Range{Prefix: []any{id}, Down: true}
	if n != 0 {
		r.Prefix = append(r.Prefix, n)
	}
	err = s.Load(ctx, []seam.Look{{Reads: []seam.Read{v.newest.First(&row, r)}}})
	return row.Definition, row.N != 0, err
}

// Publish stores a version, and reports whether it was the one after the newest.
func (v Versions[ID, D]) Publish(ctx context.Context, s seam.Store, id ID, n int, d D) (ok bool, err error) {
	var newest version[ID, D]
	err = s.Load(ctx, []seam.Look{{Reads: []seam.Read{v.newest.First(&newest, seam.Range{Prefix: []any{id}, Down: true})}}})
	if err != nil || n != newest.N+1 {
		return false, err
	}
	errs, err := s.Save(ctx, []seam.Change{{Rows: []seam.Row{v.rows.Insert(&version[ID, D]{id, n, d})}}})
	if err != nil {
		return false, err
	}
	if errors.Is(errs[0], journal.ErrConflict) {
		return false, nil
	}
	return errs[0] == nil, errs[0]
}
