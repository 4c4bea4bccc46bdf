// Command migrate makes the tables of a service with goose or golang-migrate, for a team that
// migrates its own tables with one of them. The files are those that bunstore.Migrate runs.
//
//	go run ./examples/migrate [-tool goose|golang-migrate] -db sqlite:PATH|postgres://...
//
// The files of each schema are numbered from 1, so the tool keeps a table of versions for each. Run
// one tool, in one process, before the processes of the release start. bunstore.Migrate knows what a
// tool has run; a tool knows what it has run itself, and stops at a table that is there already.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/golang-migrate/migrate/v4"
	migrated "github.com/golang-migrate/migrate/v4/database"
	"github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// schemas are those of the packages that the service uses, and of the journal.
var schemas = []storage.Schema{bunstore.Journal, loyalty.Tables, stamps.Tables}

// tools run the files of a schema that the database does not have, and log what they ran. They may
// close the database.
var tools = map[string]func(ctx context.Context, db *bun.DB, s storage.Schema, log *log.Logger) error{
	"goose": withGoose, "golang-migrate": withGolangMigrate,
}

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "migrate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("migrate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	tool := flags.String("tool", "goose", "`tool`: goose or golang-migrate")
	name := flags.String("db", "", "`database`: sqlite:PATH or postgres://...")
	if err := flags.Parse(args); err != nil {
		return err
	}
	up, ok := tools[*tool]
	if !ok {
		return errors.New("-tool is neither goose nor golang-migrate")
	}
	for _, s := range schemas {
		db, err := database.Connect(*name)
		if err != nil {
			return err
		}
		err = up(ctx, db, s, log.New(stdout, s.Name+": ", 0))
		if err = errors.Join(err, db.Close()); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}

func withGoose(ctx context.Context, db *bun.DB, s storage.Schema, log *log.Logger) error {
	d, options := goose.DialectSQLite3, []goose.ProviderOption{goose.WithTableName("goose_" + s.Name)}
	if db.Dialect().Name() == dialect.PG {
		locker, err := lock.NewPostgresSessionLocker() // where it is run twice at once, one waits
		if err != nil {
			return err
		}
		d, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(d, db.DB, bunstore.Migrations(db.Dialect().Name(), s), options...)
	if err != nil {
		return err
	}
	results, err := p.Up(ctx)
	for _, r := range results {
		log.Print(r)
	}
	return err
}

func withGolangMigrate(_ context.Context, db *bun.DB, s storage.Schema, log *log.Logger) error {
	files, err := iofs.New(bunstore.Migrations(db.Dialect().Name(), s), ".")
	if err != nil {
		return err
	}
	var driver migrated.Driver
	if versions := "migrate_" + s.Name; db.Dialect().Name() == dialect.PG {
		driver, err = pgx.WithInstance(db.DB, &pgx.Config{MigrationsTable: versions})
	} else {
		driver, err = sqlite.WithInstance(db.DB, &sqlite.Config{MigrationsTable: versions})
	}
	if err != nil {
		return err
	}
	m, err := migrate.NewWithInstance("iofs", files, db.Dialect().Name().String(), driver)
	if err != nil {
		return errors.Join(err, driver.Close())
	}
	m.Log = logger{log}
	if err = m.Up(); errors.Is(err, migrate.ErrNoChange) {
		err = nil
	}
	ofFiles, ofDriver := m.Close()
	return errors.Join(err, ofFiles, ofDriver)
}

// A logger is that of golang-migrate.
type logger struct{ *log.Logger }

// Verbose implements migrate.Logger.
func (logger) Verbose() bool { return false }
