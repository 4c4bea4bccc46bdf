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

// A DB is a database of any adapter, with its tenants.
type DB struct {
	storage.DB
	Tenant func(id string) storage.DB // the same database, seen by another tenant
}

// Open opens the database that a flag -db names, memory, sqlite:PATH or postgres://..., and brings
// the tables of the schemas up to date. The caller closes it with end.
func Open(ctx context.Context, name string, schemas ...storage.Schema) (db DB, end func() error, err error) {
	if name == "memory" {
		db := memory.New()
		return DB{db, func(id string) storage.DB { return db.Tenant(id) }}, func() error { return nil }, nil
	}
	on, err := Connect(name)
	if errors.Is(err, errName) {
		err = errors.New("-db is neither memory nor sqlite:PATH nor postgres://")
	}
	if err != nil {
		return DB{}, nil, err
	}
	var store *bunstore.DB
	if err = bunstore.Migrate(ctx, on, schemas...); err == nil {
		store, err = bunstore.New(on, nil)
	}
	if err != nil {
		return DB{}, nil, errors.Join(err, on.Close())
	}
	return DB{store, func(id string) storage.DB { return store.Tenant(id) }}, on.Close, nil
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
