package bunstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

//go:embed migrations
var migrations embed.FS

// Migrations returns the SQL files of a dialect, for a team that runs them with a tool of its own:
// in the order of their names, each once and in a transaction. Each records itself in
// scrmkit_migration, so that Migrate knows of it. The result is empty for a dialect other than
// SQLite and Postgres.
func Migrations(d dialect.Name) fs.FS {
	folder := map[dialect.Name]string{dialect.PG: "postgres", dialect.SQLite: "sqlite"}[d]
	if folder == "" {
		return embed.FS{}
	}
	files, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		panic(err) // the folder is embedded
	}
	return files
}

// Migrate brings the database to the newest version, in one transaction. It may run in many
// processes at once, and again.
func Migrate(ctx context.Context, db *bun.DB) error {
	var run func(context.Context, *bun.DB) error
	switch name := db.Dialect().Name(); name {
	case dialect.PG:
		run = migratePostgres
	case dialect.SQLite:
		run = func(ctx context.Context, db *bun.DB) error {
			return patiently(ctx, func() error { return migrateSQLite(ctx, db) })
		}
	default:
		return fmt.Errorf("bunstore: dialect %s is neither SQLite nor Postgres", name)
	}
	if err := run(ctx, db); err != nil {
		return fmt.Errorf("bunstore: migrate: %w", err)
	}
	return nil
}

// migrationLock is the advisory lock that a Migrate on Postgres holds.
const migrationLock = 0x7363726d6b6974 // "scrmkit"

func migratePostgres(ctx context.Context, db *bun.DB) error {
	tx, err := db.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "select pg_advisory_xact_lock("+strconv.Itoa(migrationLock)+")"); err != nil {
		return err
	}
	// A role that owns the schema need not be one that may make it, and is refused even where there
	// is nothing to make.
	var schema bool
	if err := tx.QueryRowContext(ctx, "select to_regnamespace('scrmkit') is not null").Scan(&schema); err != nil {
		return err
	}
	made := func(statement string) bool { return schema && statement == "create schema if not exists scrmkit" }
	const known = "select to_regclass('scrmkit.scrmkit_migration') is not null"
	if err := apply(ctx, tx, Migrations(dialect.PG), known, "scrmkit.scrmkit_migration", made); err != nil {
		return err
	}
	return tx.Commit()
}

func migrateSQLite(ctx context.Context, db *bun.DB) error {
	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	// The transaction reads before it writes, so it takes the lock of a writer first.
	if _, err := conn.ExecContext(ctx, "begin immediate"); err != nil {
		return err
	}
	const known = "select count(*) > 0 from sqlite_master where type = 'table' and name = 'scrmkit_migration'"
	nothing := func(string) bool { return false }
	err = apply(ctx, conn, Migrations(dialect.SQLite), known, "scrmkit_migration", nothing)
	if err == nil {
		_, err = conn.ExecContext(ctx, "commit")
	}
	if err != nil {
		_, undo := conn.ExecContext(context.WithoutCancel(ctx), "rollback")
		return errors.Join(err, undo)
	}
	return nil
}

// apply runs the files that the table does not have, without the statements whose work is done.
func apply(ctx context.Context, tx bun.IConn, files fs.FS, known, table string, done func(statement string) bool) error {
	var exists bool
	if err := tx.QueryRowContext(ctx, known).Scan(&exists); err != nil {
		return err
	}
	applied := map[int64]bool{}
	if exists {
		rows, err := tx.QueryContext(ctx, "select version from "+table)
		if err != nil {
			return err
		}
		if err := each(rows, func(rows *sql.Rows) error {
			var version int64
			err := rows.Scan(&version)
			applied[version] = true
			return err
		}); err != nil {
			return err
		}
	}
	all, err := fs.Glob(files, "*.sql")
	if err != nil {
		return err
	}
	for _, name := range all {
		version, _, _ := strings.Cut(name, "_")
		n, err := strconv.ParseInt(version, 10, 64)
		if err != nil {
			return err
		}
		if applied[n] {
			continue
		}
		file, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		// Not every driver takes several statements at a time. Each of ours ends a line.
		for statement := range strings.SplitSeq(string(file), ";\n") {
			statement = strings.TrimSpace(statement)
			if statement == "" || done(statement) {
				continue
			}
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}
