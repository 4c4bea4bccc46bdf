package bunstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage"
)

// A SchemaError reports that a database is not as this release needs it, or is newer.
type SchemaError struct {
	Missing []string // "table loyalty_account", or another that is missing or is not as it is declared
	Changed []string // files that are not those that were run: "loyalty/0001_tables"
	Newer   []string // files that were run and that this release does not have: "loyalty/0002_due"
}

func (e *SchemaError) Error() string {
	var parts []string
	if len(e.Missing) > 0 {
		parts = append(parts, "the database lacks "+strings.Join(e.Missing, ", ")+": run Migrate with the tables of every package in use")
	}
	if len(e.Changed) > 0 {
		parts = append(parts, strings.Join(e.Changed, ", ")+" was edited after it had been run: restore the file, and put what changes into a new one")
	}
	if len(e.Newer) > 0 {
		parts = append(parts, "a newer release has run "+strings.Join(e.Newer, ", ")+": upgrade this process")
	}
	return "bunstore: " + strings.Join(parts, "; ")
}

// Is reports whether target is errs.Internal.
func (e *SchemaError) Is(target error) bool { return target == errs.Internal }

// Validate reports what a database lacks of the schemas and of the journal, which files were edited
// after they had been run, and which were run by a newer release, as a *SchemaError. It changes
// nothing. A database that is newer alone need not stop a process: what this release could not keep
// is refused where it is met, as [storage.ErrFormat].
func Validate(ctx context.Context, db *bun.DB, schemas ...storage.Schema) error {
	g, all, err := grammarOf(db, schemas)
	if err != nil {
		return err
	}
	m := migration{grammar: g, schemas: all}
	found, err := m.catalog(ctx, db.DB)
	if err == nil {
		m.files, err = readAll(g, all)
	}
	applied := map[fileID]string{}
	if err == nil && found[recordTable] != nil {
		applied, err = m.applied(ctx, db.DB)
	}
	if err != nil {
		return fmt.Errorf("bunstore: validate: %w", err)
	}
	e := &SchemaError{Missing: m.missing(found), Changed: m.changed(applied)}
	newest := map[string]int64{}
	for _, f := range m.files {
		newest[f.schema] = f.version
		if applied[f.fileID] == "" && !f.alone {
			e.Missing = append(e.Missing, "migration "+f.String())
		}
	}
	for id := range applied {
		if n := newest[id.schema]; n > 0 && id.version > n {
			e.Newer = append(e.Newer, fmt.Sprintf("%s/%04d", id.schema, id.version))
		}
	}
	if len(e.Missing)+len(e.Changed)+len(e.Newer) == 0 {
		return nil
	}
	slices.Sort(e.Newer)
	return e
}

// check returns what a migrated database lacks as a *SchemaError.
func (m migration) check(ctx context.Context, on bun.IConn) error {
	found, err := m.catalog(ctx, on)
	if err != nil {
		return err
	}
	if missing := m.missing(found); len(missing) > 0 {
		return &SchemaError{Missing: missing}
	}
	return nil
}

// missing returns what the tables that were found lack of those that are declared.
func (m migration) missing(found map[string]*tableFound) (missing []string) {
	for _, s := range m.schemas {
		for _, t := range s.Tables {
			missing = append(missing, found[t.Def().Name].lacks(m.grammar, t.Def())...)
		}
	}
	return missing
}

// A tableFound is a table as the catalog of a database has it.
type tableFound struct {
	columns map[string]string // their types
	indexes map[string]indexFound
}

// An indexFound is one that is in use. The columns are those after the tenant; an expression has an
// empty name.
type indexFound struct {
	unique  bool
	columns []string
}

// lacks returns what the table lacks of its declaration; nil has nothing.
func (f *tableFound) lacks(g grammar, d *storage.Def) (lacks []string) {
	if f == nil {
		return []string{"table " + d.Name}
	}
	for _, c := range d.Columns {
		want := g.typeOf(kinds[c.Kind])
		switch got, ok := f.columns[c.Name]; {
		case !ok:
			lacks = append(lacks, "column "+c.Name+" of "+d.Name)
		case got != want:
			lacks = append(lacks, fmt.Sprintf("column %s of %s as %s (it is %s)", c.Name, d.Name, want, got))
		}
	}
	indexes := d.Indexes
	if d.Key > 0 {
		primary := d.Primary()
		primary.Name = primaryKey
		indexes = append([]*storage.IndexDef{primary}, indexes...)
	}
	for _, x := range indexes {
		var columns []string
		for _, i := range x.Order() {
			columns = append(columns, d.Columns[i].Name)
		}
		same := func(found, declared string) bool { return found == declared || found == "" }
		if got, ok := f.indexes[x.Name]; !ok || got.unique != x.Unique || !slices.EqualFunc(got.columns, columns, same) {
			lacks = append(lacks, "index "+x.Name+" of "+d.Name)
		}
	}
	return lacks
}

// primaryKey is how the index of a primary key is told.
const primaryKey = "of the primary key"

// catalog returns the tables of a database, with those of its indexes that are in use.
func (g grammar) catalog(ctx context.Context, on bun.IConn) (map[string]*tableFound, error) {
	found := map[string]*tableFound{}
	table := func(name string) *tableFound {
		if found[name] == nil {
			found[name] = &tableFound{map[string]string{}, map[string]indexFound{}}
		}
		return found[name]
	}
	columns, indexes := columnsOfPostgres, indexesOfPostgres
	if g == sqlite {
		columns, indexes = columnsOfSQLite, indexesOfSQLite
	}
	rows, err := on.QueryContext(ctx, columns)
	if err != nil {
		return nil, err
	}
	if err := each(rows, func(rows Rows) error {
		var name, column, kind string
		err := rows.Scan(&name, &column, &kind)
		table(name).columns[column] = kind
		return err
	}); err != nil {
		return nil, err
	}
	if rows, err = on.QueryContext(ctx, indexes); err != nil {
		return nil, err
	}
	return found, each(rows, func(rows Rows) error {
		var name, index, column string
		var unique, primary bool
		var n int
		if err := rows.Scan(&name, &index, &unique, &primary, &n, &column); err != nil {
			return err
		}
		if primary {
			index = primaryKey
		}
		x := table(name).indexes[index]
		x.unique = unique
		if n > 1 { // after the tenant
			x.columns = append(x.columns, column)
		}
		table(name).indexes[index] = x
		return nil
	})
}

const columnsOfPostgres = `select c.relname::text, a.attname::text, case t.typname when 'int8' then 'bigint' else t.typname::text end
	from pg_class c join pg_attribute a on a.attrelid = c.oid join pg_type t on t.oid = a.atttypid
	where c.relnamespace = to_regnamespace('scrmkit') and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped`

const indexesOfPostgres = `select t.relname::text, c.relname::text, i.indisunique, i.indisprimary, k.n, coalesce(a.attname::text, '')
	from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
	cross join lateral unnest(i.indkey::int[]) with ordinality as k (attnum, n)
	left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum and k.attnum <> 0
	where t.relnamespace = to_regnamespace('scrmkit') and i.indisvalid
	order by 1, 2, k.n`

const columnsOfSQLite = `select m.name, c.name, lower(c.type) from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'`

const indexesOfSQLite = `select m.name, x.name, x."unique", x.origin = 'pk', c.seqno + 1, coalesce(c.name, '')
	from sqlite_master m, pragma_index_list(m.name) x, pragma_index_xinfo(x.name) c
	where m.type = 'table' and c.key = 1 order by 1, 2, 5`
