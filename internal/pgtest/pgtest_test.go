package pgtest

import (
	"context"
	"database/sql"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func queryInt(t *testing.T, db *sql.DB, query string) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestDSN(t *testing.T) {
	var dsn string
	t.Run("independent", func(t *testing.T) {
		dsn = DSN(t)
		a, b := open(t, dsn), open(t, DSN(t))
		mustExec(t, a, "create table t (n int)")
		mustExec(t, b, "create table t (n int)")
		mustExec(t, a, "insert into t values (1)")
		if n := queryInt(t, b, "select count(*) from t"); n != 0 {
			t.Errorf("the other database has %d rows", n)
		}
	})
	if dsn == "" {
		t.Skip("no database")
	}
	if err := run(dsn, "select 1"); err == nil {
		t.Error("the database outlived its test")
	}
}

func TestDSNParallel(t *testing.T) {
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			mustExec(t, open(t, DSN(t)), "create table t (n int)")
		})
	}
}

func TestTemplate(t *testing.T) {
	fills := 0
	template := Template{Fill: func(dsn string) error {
		fills++
		return run(dsn, "create table t (n int)")
	}}
	a, b := open(t, template.DSN(t)), open(t, template.DSN(t))
	mustExec(t, a, "insert into t values (1)")
	if n := queryInt(t, b, "select count(*) from t"); n != 0 {
		t.Errorf("the other copy has %d rows", n)
	}
	if os.Getenv("SCRMKIT_TEST_POSTGRES") == "" && fills != 1 {
		t.Errorf("the template was filled %d times", fills)
	}
}

// isDurable waits until a server that has started syncs what it writes.
func isDurable(t *testing.T, db *sql.DB) {
	t.Helper()
	waitFor(t, "fsync", func() bool { return queryInt(t, db, "select (current_setting('fsync') = 'on')::int") == 1 })
}

func TestKill(t *testing.T) {
	c := Start(t)
	db := open(t, c.DSN())
	isDurable(t, db)
	mustExec(t, db, "create table t (n int)")
	mustExec(t, db, "insert into t values (7)")

	// A backend that is busy dies too.
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var busy sync.WaitGroup
	busy.Go(func() {
		if _, err := conn.ExecContext(t.Context(), "select pg_sleep(600)"); err == nil {
			t.Error("the statement went on")
		}
	})
	waitFor(t, "the statement", func() bool {
		return queryInt(t, db, "select count(*) from pg_stat_activity where query = 'select pg_sleep(600)'") == 1
	})
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	busy.Wait()
	conn.Close()
	if err := run(c.DSN(), "select 1"); err == nil {
		t.Error("the server answers after Kill")
	}
	if err := c.Kill(); err == nil {
		t.Error("Kill of a killed server: no error")
	}

	if err := c.Restart(); err != nil {
		t.Fatal(err)
	}
	// A connection of before the kill may tell only now that it is gone.
	db = open(t, c.DSN())
	if n := queryInt(t, db, "select n from t"); n != 7 {
		t.Errorf("after the restart n = %d, want 7", n)
	}
	isDurable(t, db)
	if err := c.Restart(); err == nil {
		t.Error("Restart of a running server: no error")
	}
}

func TestRemoved(t *testing.T) {
	var c *Cluster
	t.Run("killed", func(t *testing.T) {
		c = Start(t)
		if err := c.Kill(); err != nil {
			t.Fatal(err)
		}
	})
	if c == nil {
		t.Skip("no cluster")
	}
	if _, err := os.Stat(c.dir); !os.IsNotExist(err) {
		t.Errorf("directory of the cluster: %v", err)
	}
}

// TestProcessKilled kills a test process in mid-test and looks for what it left.
func TestProcessKilled(t *testing.T) {
	if os.Getenv("PGTEST_CHILD") != "" {
		c := Start(t)
		os.Stdout.WriteString(c.dir + " " + c.DSN() + "\n")
		select {}
	}
	if _, err := find(); err != nil {
		check(t, err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessKilled$")
	child.Env = append(os.Environ(), "PGTEST_CHILD=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 1000)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	dir, dsn, _ := strings.Cut(strings.TrimSpace(string(line[:n])), " ")
	if err := run(dsn, "select 1"); err != nil {
		t.Fatal(err)
	}
	child.Process.Kill()
	child.Wait()
	waitFor(t, "the end of the cluster", func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err)
	})
	if err := run(dsn, "select 1"); err == nil {
		t.Error("the server outlived the test process")
	}
}

func TestMissing(t *testing.T) {
	for _, tt := range []struct{ ci, want string }{{"", "skip"}, {"true", "fatal"}} {
		t.Setenv("CI", tt.ci)
		f := &fake{TB: t}
		check(f, errMissing)
		if f.did != tt.want {
			t.Errorf("CI=%q: %s, want %s", tt.ci, f.did, tt.want)
		}
	}
}

// A fake notes how a test would end.
type fake struct {
	testing.TB
	did string
}

func (f *fake) Skipf(string, ...any)  { f.did = "skip" }
func (f *fake) Fatalf(string, ...any) { f.did = "fatal" }

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("no sign of %s", what)
		case <-tick.C:
		}
	}
}
