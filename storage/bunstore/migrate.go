package bunstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/storage"
)

// Migrate brings the tables of the schemas, and those of the journal, to their newest files. It may
// run in many processes at once, and again. A database that has newer files than this release is
// left as it is and is no error, so that a release can be taken back; [Validate] reports it.
// *SchemaError: a file is not the one that was run, or the tables are not what is declared.
//
// Each file is run once and in a transaction, but for those on Postgres with a line
// "-- +goose NO TRANSACTION", which have one statement, such as create index concurrently, and are
// run again where it was interrupted. For them the pool needs two connections.
func Migrate(ctx context.Context, db *bun.DB, schemas ...storage.Schema) error {
	g, all, err := grammarOf(db, schemas)
	if err != nil {
		return err
	}
	m := migration{grammar: g, schemas: all}
	if m.files, err = readAll(g, all); err == nil && g == postgres {
		err = m.onPostgres(ctx, db.DB)
	} else if err == nil {
		err = patiently(ctx, func() error { return m.onSQLite(ctx, db.DB) })
	}
	if err != nil {
		return fmt.Errorf("bunstore: migrate: %w", err)
	}
	return nil
}

// grammarOf returns the grammar of a database, and the schemas with that of the journal.
func grammarOf(db *bun.DB, schemas []storage.Schema) (grammar, []storage.Schema, error) {
	g, ok := grammars[db.Dialect().Name()]
	if !ok {
		return 0, nil, fmt.Errorf("bunstore: dialect %s is neither SQLite nor Postgres", db.Dialect().Name())
	}
	all := []storage.Schema{Journal}
	for _, s := range schemas {
		if s.Name == "" || slices.ContainsFunc(all[1:], func(o storage.Schema) bool { return o.Name == s.Name }) {
			return 0, nil, fmt.Errorf("bunstore: two schemas are named %q, or one has no name", s.Name)
		}
		if s.Name != Journal.Name {
			all = append(all, s)
		}
	}
	return g, all, nil
}

// A migration brings a database to the files of some schemas.
type migration struct {
	grammar
	schemas []storage.Schema
	files   []file // in the order of the schemas and their versions
}

// migrationLock is the advisory lock that a Migrate on Postgres holds.
const migrationLock = 0x7363726d6b6974 // "scrmkit"

// onPostgres runs what needs no transaction of its own in one, up to a file that can't be run in
// any, and so on.
func (m migration) onPostgres(ctx context.Context, db *sql.DB) error {
	for {
		var alone *file
		err := locked(ctx, db, func(tx *sql.Tx) (err error) {
			if alone, err = m.run(ctx, tx); err == nil && alone == nil {
				err = m.check(ctx, tx)
			}
			return err
		})
		if err != nil || alone == nil {
			return err
		}
		if db.Stats().MaxOpenConnections == 1 {
			return fmt.Errorf("%s: it is run outside of a transaction, for which the pool needs two connections", alone)
		}
		err = locked(ctx, db, func(tx *sql.Tx) error {
			applied, err := m.applied(ctx, tx)
			if err != nil || applied[alone.fileID] != "" {
				return err
			}
			// The last query of a transaction may hold its snapshot until the next statement.
			if _, err = tx.ExecContext(ctx, "savepoint alone"); err == nil {
				err = alone.runOutside(ctx, db)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", alone, err)
			}
			return m.record(ctx, tx, alone)
		})
		if err != nil {
			return err
		}
	}
}

// locked runs fn in a transaction that no other Migrate runs beside. It asks for the lock again and
// again: a statement that waited for it would hold a snapshot, for whose end an index that is built
// without a lock waits.
func locked(ctx context.Context, db *sql.DB, fn func(tx *sql.Tx) error) error {
	attempt := func() (locked bool, err error) {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return false, err
		}
		defer func() { _ = tx.Rollback() }()
		query := "select pg_try_advisory_xact_lock(" + strconv.Itoa(migrationLock) + ")"
		if err := tx.QueryRowContext(ctx, query).Scan(&locked); err != nil || !locked {
			return false, err
		}
		if err := fn(tx); err != nil {
			return true, err
		}
		return true, tx.Commit()
	}
	for run := 1; ; run++ {
		locked, err := attempt()
		if locked || err != nil {
			return err
		}
		if !pause(ctx, min(run, 6)) {
			return ctx.Err()
		}
	}
}

func (m migration) onSQLite(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	// The transaction reads before it writes, so it takes the lock of a writer first.
	if _, err := conn.ExecContext(ctx, "begin immediate"); err != nil {
		return err
	}
	if _, err = m.run(ctx, conn); err == nil {
		err = m.check(ctx, conn)
	}
	if err == nil {
		_, err = conn.ExecContext(ctx, "commit")
	}
	if err != nil {
		_, undo := conn.ExecContext(context.WithoutCancel(ctx), "rollback")
		return errors.Join(err, undo)
	}
	return nil
}

// run runs the files that the database does not have, up to one that can't be run in a transaction,
// which it returns.
func (m migration) run(ctx context.Context, tx bun.IConn) (alone *file, err error) {
	schema := m.grammar == sqlite
	if m.grammar == postgres {
		// A role that owns the schema need not be one that may make it, and is refused even where
		// there is nothing to make.
		if err := tx.QueryRowContext(ctx, "select to_regnamespace('scrmkit') is not null").Scan(&schema); err != nil {
			return nil, err
		}
	}
	prologue := m.prologue()
	if !schema {
		prologue = createSchema + ";\n" + prologue
	}
	if err := execute(ctx, tx, prologue); err != nil {
		return nil, err
	}
	if err := m.adopt(ctx, tx); err != nil {
		return nil, err
	}
	applied, err := m.applied(ctx, tx)
	if err != nil {
		return nil, err
	}
	if changed := m.changed(applied); len(changed) > 0 {
		return nil, &SchemaError{Changed: changed}
	}
	for i := range m.files {
		f := &m.files[i]
		if applied[f.fileID] != "" {
			continue
		}
		if f.alone {
			return f, nil
		}
		if err := execute(ctx, tx, strings.Replace(f.text, createSchema+";\n", "", 1)); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		if err := m.record(ctx, tx, f); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
	}
	return nil, nil
}

// execute runs statements, each of which ends a line: not every driver takes several at a time.
func execute(ctx context.Context, on bun.IConn, script string) error {
	for statement := range strings.SplitSeq(script, ";\n") {
		if statement = strings.TrimSpace(statement); statement == "" {
			continue
		}
		if _, err := on.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// applied returns the checksums of the files that were run, by their schemas and versions.
func (m migration) applied(ctx context.Context, on bun.IConn) (map[fileID]string, error) {
	rows, err := on.QueryContext(ctx, "select context, version, checksum from "+m.name(recordTable))
	if err != nil {
		return nil, err
	}
	applied := map[fileID]string{}
	err = each(rows, func(rows Rows) error {
		var id fileID
		var sum string
		err := rows.Scan(&id.schema, &id.version, &sum)
		applied[id] = sum
		return err
	})
	return applied, err
}

// changed returns the files that are not those that were run.
func (m migration) changed(applied map[fileID]string) (changed []string) {
	for _, f := range m.files {
		if sum := applied[f.fileID]; sum != "" && sum != f.sum {
			changed = append(changed, f.String())
		}
	}
	return changed
}

// record notes that a file was run, where it did not do so itself.
func (m migration) record(ctx context.Context, tx bun.IConn, f *file) error {
	_, err := tx.ExecContext(ctx, strings.TrimSuffix(f.record(m.grammar), ";\n")+" on conflict do nothing")
	return err
}

//go:embed flat
var flat embed.FS

// adopt takes over a database whose tables were made before each context had files of its own. It
// runs the last of those files, and notes of each schema whose first file would make tables that are
// there that it need not be run.
func (m migration) adopt(ctx context.Context, tx bun.IConn) error {
	folder, known := "flat/postgres", "select to_regclass('scrmkit.scrmkit_migration') is not null"
	if m.grammar == sqlite {
		folder, known = "flat/sqlite", "select count(*) > 0 from sqlite_master where type = 'table' and name = 'scrmkit_migration'"
	}
	var exists bool
	if err := tx.QueryRowContext(ctx, known).Scan(&exists); err != nil || !exists {
		return err
	}
	rows, err := tx.QueryContext(ctx, "select version from "+m.name("scrmkit_migration"))
	if err != nil {
		return err
	}
	had := map[string]bool{}
	if err := each(rows, func(rows Rows) error {
		var version int64
		err := rows.Scan(&version)
		had[fmt.Sprintf("%04d", version)] = true
		return err
	}); err != nil {
		return err
	}
	entries, err := flat.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, err := flat.ReadFile(folder + "/" + e.Name())
		if err == nil && !had[e.Name()[:4]] {
			err = execute(ctx, tx, string(text))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	applied, err := m.applied(ctx, tx)
	if err != nil {
		return err
	}
	found, err := m.catalog(ctx, tx)
	if err != nil {
		return err
	}
	for i := range m.files {
		f := &m.files[i]
		if f.version != 1 || applied[f.fileID] != "" {
			continue
		}
		s := m.schemas[slices.IndexFunc(m.schemas, func(s storage.Schema) bool { return s.Name == f.schema })]
		if slices.ContainsFunc(s.Tables, func(t storage.Declared) bool {
			name := t.Def().Name
			return found[name] == nil && strings.Contains(f.text, "create table "+m.name(name)+" (")
		}) {
			continue
		}
		if err := m.record(ctx, tx, f); err != nil {
			return err
		}
	}
	return nil
}

var grammars = map[dialect.Name]grammar{dialect.PG: postgres, dialect.SQLite: sqlite}
