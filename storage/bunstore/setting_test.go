package bunstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// New names the setting of SQLite that is missing, and what to add to the DSN.
func TestSettingsOfSQLite(t *testing.T) {
	const wal, patient = "_pragma=journal_mode(WAL)", "_pragma=busy_timeout(5000)"
	for _, c := range []struct {
		name, dsn string
		conns     int // 0: any number
		setting   string
	}{
		{"a file with WAL and patience", "file:%s?" + wal + "&" + patient, 0, ""},
		{"a file with nothing", "file:%s", 0, "journal_mode"},
		{"a file with nothing, and one connection", "file:%s", 1, "journal_mode"},
		{"a file with a rollback journal", "file:%s?_pragma=journal_mode(DELETE)&" + patient, 0, "journal_mode"},
		{"a file without patience", "file:%s?" + wal, 0, "busy_timeout"},
		{"a file without patience, and one connection", "file:%s?" + wal, 1, "busy_timeout"},
		{"memory that all connections share", "file:%s?mode=memory&cache=shared", 0, ""},
		{"memory of one connection", ":memory:", 1, ""},
		{"memory of each connection", ":memory:", 0, "the number of connections"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dsn := c.dsn
			if strings.Contains(dsn, "%s") {
				dsn = fmt.Sprintf(dsn, filepath.Join(t.TempDir(), "test.db"))
			}
			db := openDB(t, "sqlite", dsn, sqlitedialect.New())
			db.DB.SetMaxOpenConns(c.conns)
			check(t, bunstore.Migrate(t.Context(), db))
			_, err := bunstore.New(db, nil)
			if c.setting == "" {
				check(t, err)
				save(t, boxStore(t, db), moved("alice", 1))
				return
			}
			var e *bunstore.SettingError
			if !errors.As(err, &e) || e.Setting != c.setting || e.Fix == "" {
				t.Errorf("error is %v, want one about %s", err, c.setting)
			}
		})
	}
}

// What is set on one connection alone is missing on the others.
func TestPatienceOfOneConnection(t *testing.T) {
	db := openDB(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "test.db"), sqlitedialect.New())
	check(t, bunstore.Migrate(t.Context(), db))
	for _, pragma := range []string{"journal_mode = wal", "busy_timeout = 5000"} {
		_, err := db.DB.ExecContext(t.Context(), "pragma "+pragma)
		check(t, err)
	}
	var e *bunstore.SettingError
	if _, err := bunstore.New(db, nil); !errors.As(err, &e) || e.Setting != "busy_timeout" {
		t.Errorf("error is %v", err)
	}
}

// No write is acknowledged that is in no file.
func TestFileGone(t *testing.T) {
	for name, ruin := range map[string]func(path string) error{
		"deleted, with its log": func(path string) error {
			return errors.Join(os.Remove(path), os.Remove(path+"-wal"), os.Remove(path+"-shm"))
		},
		"deleted, without its log": os.Remove,
		"whose log is deleted":     func(path string) error { return os.Remove(path + "-wal") },
		"that is moved":            func(path string) error { return os.Rename(path, path+".old") },
		"that another one replaces": func(path string) error {
			return errors.Join(os.WriteFile(path+".new", nil, 0o600), os.Rename(path+".new", path))
		},
		"whose directory is deleted": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "in", "test.db")
			check(t, os.Mkdir(filepath.Dir(path), 0o700))
			store := boxStore(t, openDB(t, "sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)", sqlitedialect.New()))
			save(t, store, moved("alice", 1))
			check(t, ruin(path))
			for n := int64(2); n < 20; n++ {
				_, plain := store.Save(t.Context(), []storage.Change{moved("alice", n)})
				inTx := store.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
					return one(tx.Save(ctx, []storage.Change{moved("bob", n-1)}))
				})
				_, pruned := storage.Prune(t.Context(), store, movesByShop, storage.Range{Prefix: []any{"nowhere"}, Limit: 1})
				for _, err := range []error{plain, inTx, pruned} {
					if !errors.Is(err, bunstore.ErrFileGone) {
						t.Fatalf("write %d: %v", n, err)
					}
				}
			}
		})
	}
}

// Many callers on a file that New accepts meet no locked database, beside another process's pool.
func TestNobodyMeetsALockedDatabase(t *testing.T) {
	dsn := "file:" + filepath.Join(t.TempDir(), "test.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(60000)&_pragma=synchronous(OFF)"
	stores := []*bunstore.DB{boxStore(t, openDB(t, "sqlite", dsn, sqlitedialect.New())), boxStore(t, openDB(t, "sqlite", dsn, sqlitedialect.New()))}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range int64(15) {
				store := stores[i%2]
				_, err := versionOf(t.Context(), store, "alice")
				errs, saveErr := store.Save(t.Context(), []storage.Change{moved(fmt.Sprint("m", i), n+1)})
				if err := errors.Join(err, one(errs, saveErr)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// Where a backslash does not stand for itself, New says so.
func TestStandardConformingStrings(t *testing.T) {
	db := clients["pgx"].open(t, pgtest.DSN(t), "standard_conforming_strings=off")
	var e *bunstore.SettingError
	if _, err := bunstore.New(db, nil); !errors.As(err, &e) || e.Setting != "standard_conforming_strings" || e.Value != "off" {
		t.Errorf("error is %v", err)
	}
}

// A role that owns the schema migrates, though it may make none.
func TestMigrateWithoutTheRightToMakeASchema(t *testing.T) {
	dsn := pgtest.DSN(t)
	admin := clients["pgx"].open(t, dsn)
	role := "scrmkit_owner_" + strings.TrimPrefix(mustParse(t, dsn).Path, "/")[len("scrmkit_"):]
	for _, query := range []string{
		"create role " + role + " login", "create schema scrmkit authorization " + role,
		"revoke create on database " + strings.TrimPrefix(mustParse(t, dsn).Path, "/") + " from public",
	} {
		_, err := admin.DB.ExecContext(t.Context(), query)
		check(t, err)
	}
	t.Cleanup(func() {
		_, err := admin.DB.ExecContext(context.Background(), "drop owned by "+role+"; drop role "+role)
		check(t, err)
	})
	u := mustParse(t, dsn)
	u.User = url.User(role)
	sqldb, err := sql.Open("pgx", u.String())
	check(t, err)
	defer sqldb.Close()
	db := bun.NewDB(sqldb, pgdialect.New())
	for range 2 {
		check(t, bunstore.Migrate(t.Context(), db))
	}
	save(t, boxStore(t, db), moved("alice", 1))
}

func mustParse(t *testing.T, dsn string) *url.URL {
	t.Helper()
	u, err := url.Parse(dsn)
	check(t, err)
	return u
}
