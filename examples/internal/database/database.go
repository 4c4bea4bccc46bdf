// Package database opens the databases that the examples run on.
package database

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// Open opens the database that a flag -db names, memory, sqlite:PATH or postgres://..., and brings
// the tables of the schemas up to date. The caller closes it with end.
func Open(ctx context.Context, name string, schemas ...storage.Schema) (db storage.DB, end func() error, err error) {
	if name == "memory" {
		return memory.New(), func() error { return nil }, nil
	}
	on, err := Connect(name)
	if errors.Is(err, errName) {
		err = errors.New("-db is neither memory nor sqlite:PATH nor postgres://")
	}
	if err != nil {
		return nil, nil, err
	}
	if err = bunstore.Migrate(ctx, on, schemas...); err == nil {
		db, err = bunstore.New(on, nil)
	}
	if err != nil {
		return nil, nil, errors.Join(err, on.Close())
	}
	return db, on.Close, nil
}

var errName = errors.New("-db is neither sqlite:PATH nor postgres://")

// Connect opens the SQL database that a flag -db names, sqlite:PATH or postgres://..., as it is. The
// caller closes it.
func Connect(name string) (*bun.DB, error) {
	if path, ok := strings.CutPrefix(name, "sqlite:"); ok && path != "" {
		file := "file:" + (&url.URL{Path: path}).EscapedPath() +
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
		db, err := sql.Open("sqlite", file)
		if err != nil {
			return nil, err
		}
		return bunstore.OnSQLite(db), nil
	}
	if !strings.HasPrefix(name, "postgres://") && !strings.HasPrefix(name, "postgresql://") {
		return nil, errName
	}
	config, err := pgx.ParseConfig(name)
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	return bunstore.OnPostgres(stdlib.OpenDB(*config)), nil
}
