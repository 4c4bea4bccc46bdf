package published

import (
	"context"
	"errors"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Versions is a table of definitions D, each version of which is stored once and never changes.
type Versions[ID ~string, D any] struct {
	rows   *storage.Table[version[ID, D]]
	newest *storage.Index[version[ID, D]]
}

type version[ID ~string, D any] struct {
	ID         ID
	N          int
	Definition D
}

// NewVersions declares the table.
func NewVersions[ID ~string, D any](name string) Versions[ID, D] {
	rows := storage.NewTable(name, func(c *storage.Columns, v *version[ID, D]) {
		storage.Text(c, "program", &v.ID)
		storage.Int(c, "version", &v.N)
		c.Key()
		c.State("definition", 1, &v.Definition)
	})
	return Versions[ID, D]{rows, rows.Primary()}
}

// Def implements [storage.Declared].
func (v Versions[ID, D]) Def() *storage.Def { return v.rows.Def() }

// Table returns the table, for a test of its rows.
func (v Versions[ID, D]) Table() *storage.Table[version[ID, D]] { return v.rows }

// Load returns a version, or the newest for version 0, and whether there is one.
func (v Versions[ID, D]) Load(ctx context.Context, s storage.Store, id ID, n int) (d D, ok bool, err error) {
	var row version[ID, D]
	r := storage.Range{Prefix: []any{id}, Down: true}
	if n != 0 {
		r.Prefix = append(r.Prefix, n)
	}
	err = s.Load(ctx, []storage.Look{{Reads: []storage.Read{v.newest.First(&row, r)}}})
	return row.Definition, row.N != 0, err
}

// Publish stores a version, and reports whether it was the one after the newest.
func (v Versions[ID, D]) Publish(ctx context.Context, s storage.Store, id ID, n int, d D) (ok bool, err error) {
	var newest version[ID, D]
	err = s.Load(ctx, []storage.Look{{Reads: []storage.Read{v.newest.First(&newest, storage.Range{Prefix: []any{id}, Down: true})}}})
	if err != nil || n != newest.N+1 {
		return false, err
	}
	errs, err := s.Save(ctx, []storage.Change{{Rows: []storage.Row{v.rows.Insert(&version[ID, D]{id, n, d})}}})
	if err != nil {
		return false, err
	}
	if errors.Is(errs[0], journal.ErrConflict) {
		return false, nil
	}
	return errs[0] == nil, errs[0]
}
