package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
)

// A SettingError is what New returns for a database whose sessions have a setting that does not do.
type SettingError struct {
	Setting string // "busy_timeout"
	Value   string // what it is: "0"
	Fix     string // what to do: "add _pragma=busy_timeout(5000) to its DSN"
}

// Error implements error.
func (e *SettingError) Error() string {
	return fmt.Sprintf("bunstore: %s of the database is %q; %s", e.Setting, e.Value, e.Fix)
}

// Is reports whether target is errs.Internal.
func (e *SettingError) Is(target error) bool { return target == errs.Internal }

// ErrFileGone: the file of SQLite, or its log, was deleted or replaced while it was open. What is
// written goes nowhere, and what was written last may be lost. Stop the process, and restore the
// file.
var ErrFileGone = errs.New(errs.Internal, "bunstore: the file of the database was deleted or replaced while it was open; "+
	"stop the process and restore the file")

// patience is how long New waits for a database that does not answer.
const patience = 10 * time.Second

// inspectPostgres returns a SettingError where texts of bun would be read as other texts. A server
// that can't be reached is none.
func (c *core) inspectPostgres() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	const name = "standard_conforming_strings"
	var value string
	if err := c.bun.DB.QueryRowContext(ctx, "show "+name).Scan(&value); err == nil && value != "on" {
		return &SettingError{name, value, "set it to on, for the role or in the DSN: a backslash would not stand for itself"}
	}
	var made bool
	if err := c.bun.DB.QueryRowContext(ctx, "select to_regclass('scrmkit.journal_entry') is not null").Scan(&made); err == nil && !made {
		return errNoJournal
	}
	_ = (unit{core: c}).learn(ctx)
	return nil
}

var errNoJournal = &SchemaError{Missing: []string{"table " + entryTable.name}}

// inspectSQLite returns a SettingError for a file without WAL or without patience, and for a
// database in memory that each connection has one of its own of. It remembers the file.
func (c *core) inspectSQLite(ctx context.Context) error {
	first, err := c.bun.DB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("bunstore: open the database: %w", err)
	}
	defer func() { _ = first.Close() }()
	conns := []*sql.Conn{first}
	// What was set on one connection and not in the DSN shows on another.
	if n := c.bun.DB.Stats().MaxOpenConnections; n != 1 {
		second, err := c.bun.DB.Conn(ctx)
		if err != nil {
			return fmt.Errorf("bunstore: open the database: %w", err)
		}
		defer func() { _ = second.Close() }()
		conns = append(conns, second)
	}
	tables := make([]int, len(conns))
	for i, conn := range conns {
		var file, mode string
		var timeout int
		err := errors.Join(
			conn.QueryRowContext(ctx, "select file from pragma_database_list where name = 'main'").Scan(&file),
			conn.QueryRowContext(ctx, "pragma journal_mode").Scan(&mode),
			conn.QueryRowContext(ctx, "pragma busy_timeout").Scan(&timeout),
			conn.QueryRowContext(ctx, "select count(*) from sqlite_master").Scan(&tables[i]),
		)
		inFile := !strings.EqualFold(mode, "memory") && file != ""
		switch {
		case err != nil:
			return fmt.Errorf("bunstore: read the settings of the database: %w", err)
		case tables[i] != tables[0]:
			return &SettingError{"the number of connections", fmt.Sprint(c.bun.DB.Stats().MaxOpenConnections),
				"each has a database of its own in memory: add mode=memory&cache=shared to its DSN, or call SetMaxOpenConns(1)"}
		case inFile && !strings.EqualFold(mode, "wal"):
			return &SettingError{"journal_mode", mode, "add _pragma=journal_mode(WAL) to its DSN, or readers and writers stop each other"}
		case inFile && timeout <= 0:
			return &SettingError{"busy_timeout", fmt.Sprint(timeout),
				"add _pragma=busy_timeout(5000) to its DSN, or what another process is writing is an error"}
		case inFile:
			c.file = file
		}
	}
	var made bool
	const journal = "select count(*) > 0 from sqlite_master where type = 'table' and name = 'journal_entry'"
	if err := first.QueryRowContext(ctx, journal).Scan(&made); err != nil {
		return fmt.Errorf("bunstore: read the tables of the database: %w", err)
	}
	if !made {
		return errNoJournal
	}
	if c.file != "" {
		if c.opened, err = os.Stat(c.file); err != nil {
			return fmt.Errorf("bunstore: find the file of the database: %w", err)
		}
	}
	return nil
}

// present returns ErrFileGone where the file is not the one that was opened, or has no log. It is
// called while a connection is open.
func (c *core) present() error {
	if c.file == "" {
		return nil
	}
	now, err := os.Stat(c.file)
	if err == nil && !os.SameFile(now, c.opened) {
		return ErrFileGone
	}
	if err == nil {
		_, err = os.Stat(c.file + "-wal")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return ErrFileGone
	}
	return err
}
