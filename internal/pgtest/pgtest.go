// Package pgtest gives tests and benchmarks a throw-away Postgres, started from the installed
// binaries.
//
//   - Nothing outlives the test process, however it ends: a watchdog of each cluster stops the server and removes its
//     directory as soon as the process is gone.
//   - Without binaries a test is skipped with a message that tells what to install; where CI is true it fails.
//   - The binaries are found in PATH, by pg_config, or in /usr/lib/postgresql. As root they run as the user postgres.
package pgtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// patience bounds each wait for a server.
const patience = time.Minute

// shared is the cluster of this process. It ends with the process.
var shared = sync.OnceValues(func() (*Cluster, error) { return newCluster(false) })

// DSN returns the URL of a fresh, empty database, which is dropped when the test ends. It stands on
// the server that the URL in SCRMKIT_TEST_POSTGRES names, or on a cluster that the tests of the
// process share. That one does not survive a crash of the machine, and is faster for it (fsync is
// off).
func DSN(t testing.TB) string {
	t.Helper()
	if server := os.Getenv("SCRMKIT_TEST_POSTGRES"); server != "" {
		return database(t, server, "template0")
	}
	c, err := shared()
	check(t, err)
	return database(t, c.DSN(), "template0")
}

// A Template makes databases that are alike. Its methods may be called at once.
type Template struct {
	// Fill fills an empty database. It closes its connections.
	Fill func(dsn string) error

	once sync.Once // on the cluster that the tests of the process share
	name string
	err  error
}

// DSN is like [DSN], for a database that was filled: on the cluster that the tests of the process
// share it is a copy of one that Fill ran on once.
func (m *Template) DSN(t testing.TB) string {
	t.Helper()
	if os.Getenv("SCRMKIT_TEST_POSTGRES") != "" {
		dsn := DSN(t)
		check(t, m.Fill(dsn))
		return dsn
	}
	c, err := shared()
	check(t, err)
	m.once.Do(func() {
		var dsn string
		if m.name, dsn, m.err = create(c.DSN(), "template0"); m.err == nil {
			m.err = m.Fill(dsn)
		}
	})
	check(t, m.err)
	return database(t, c.DSN(), m.name)
}

// Start returns a running cluster of the test's own, which is durable (fsync is on) and may be
// killed. It is stopped and removed when the test ends.
func Start(t testing.TB) *Cluster {
	t.Helper()
	c, err := newCluster(true)
	check(t, err)
	t.Cleanup(func() {
		if err := c.remove(); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return c
}

// Bench returns the URL of a database for a benchmark: the one that SCRMKIT_BENCH_POSTGRES names,
// as it is, with the rows that it has; or an empty one, on a durable cluster that ends with the
// benchmark.
func Bench(b testing.TB) string {
	b.Helper()
	if dsn := os.Getenv("SCRMKIT_BENCH_POSTGRES"); dsn != "" {
		return dsn
	}
	return Start(b).DSN()
}

// WAL returns how many bytes of write-ahead log a server has written, or 0 where that is nil.
func WAL(b testing.TB, server *sql.DB) (n int64) {
	b.Helper()
	if server == nil {
		return 0
	}
	if err := server.QueryRowContext(b.Context(), "select pg_current_wal_insert_lsn() - '0/0'").Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// check ends a test that can have no server.
func check(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, errMissing) && os.Getenv("CI") != "true":
		t.Skipf("pgtest: %v", err)
	default:
		t.Fatalf("pgtest: %v", err)
	}
}

// database copies a database of a server and returns the copy's URL. The copy is dropped when the
// test ends.
func database(t testing.TB, server, template string) string {
	t.Helper()
	name, dsn, err := create(server, template)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := run(server, "drop database "+name+" with (force)"); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return dsn
}

// create copies a database of a server.
func create(server, template string) (name, dsn string, err error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", "", errors.New("SCRMKIT_TEST_POSTGRES is not a URL like postgres://user@host:5432/postgres")
	}
	name = "scrmkit_" + strings.ToLower(rand.Text())
	u.Path = "/" + name
	how, err := strategy(server)
	if err != nil {
		return "", "", err
	}
	return name, u.String(), run(server, "create database "+name+" template "+template+how)
}

// strategy returns the option of create database that copies files, as the server did before
// Postgres 15: block by block through the log takes twice the time.
func strategy(server string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	db, err := sql.Open("pgx", server)
	if err != nil {
		return "", err
	}
	defer db.Close()
	var version int
	err = db.QueryRowContext(ctx, "select current_setting('server_version_num')::int").Scan(&version)
	if err != nil || version < 150000 {
		return "", err
	}
	return " strategy file_copy", nil
}

// run runs one statement on a connection of its own.
func run(dsn, query string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, query); err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	return nil
}
