package main

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/examples/internal/database"
)

func TestSoak(t *testing.T) {
	t.Parallel()
	for _, db := range []string{"memory", "sqlite:" + filepath.Join(t.TempDir(), "soak.db")} {
		t.Run(db[:6], func(t *testing.T) {
			t.Parallel()
			var out, errs strings.Builder
			args := []string{"-db", db, "-for", "2s", "-rate", "200", "-members", "50", "-every", "500ms"}
			if status := run(t.Context(), args, &out, &errs); status != 0 {
				t.Fatalf("status %d\n%s%s", status, &out, &errs)
			}
			lines := strings.Split(out.String(), "\n")
			if names := strings.Fields(lines[0]); len(names) == 0 || names[0] != "time" {
				t.Errorf("it begins with %q", lines[0])
			}
			if n := strings.Count(out.String(), ", as stored"); n != 6 || strings.Contains(out.String(), "but stored") {
				t.Errorf("%d comparisons are good:\n%s", n, &out)
			}
			if !strings.Contains(out.String(), " 0 of them bad") {
				t.Errorf("the ledgers are not verified:\n%s", &out)
			}
		})
	}
}

// open50 returns a run with 50 members, whose journal is pruned twice a second.
func open50(t *testing.T, db string, length time.Duration) (*service, *strings.Builder) {
	t.Helper()
	out := &strings.Builder{}
	c := config{db: db, length: length, every: time.Hour, rate: 200, members: 50, upkeep: 500 * time.Millisecond, keep: 400 * time.Millisecond}
	s, err := open(t.Context(), c, out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
	return s, out
}

func TestWhatIsPrunedIsNotMissed(t *testing.T) {
	t.Parallel()
	s, out := open50(t, "sqlite:"+filepath.Join(t.TempDir(), "soak.db"), 3*time.Second)
	if err := s.drive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.check(t.Context()); err != nil || s.errors.Load() > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	if s.pruned.Load() == 0 {
		t.Error("nothing was pruned")
	}
}

func TestAnInterruptEndsItInOrder(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	s, out := open50(t, "memory", time.Hour)
	ended := make(chan error)
	go func() { ended <- s.drive(ctx) }()
	for s.done.Load() < 20 {
		select {
		case err := <-ended:
			t.Fatalf("it ended by itself: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := s.check(t.Context()); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestDifferencesAreFound(t *testing.T) {
	t.Parallel()
	db := "sqlite:" + filepath.Join(t.TempDir(), "soak.db")
	s, out := open50(t, db, time.Second)
	if err := s.drive(t.Context()); err != nil {
		t.Fatal(err)
	}
	sql, err := database.Connect(db)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sql.Close() }()
	if _, err := sql.ExecContext(t.Context(), `update loyalty_account set state = replace(state, '"n":', '"n":1')`); err != nil {
		t.Fatal(err)
	}
	s.stamps.Add(1)
	if err := s.check(t.Context()); err == nil {
		t.Error("no difference was found")
	}
	stamps := "stamps: " + strconv.FormatInt(s.stamps.Load(), 10) + ", but stored are " + strconv.FormatInt(s.stamps.Load()-1, 10)
	for _, says := range []string{"loyalty: ledger of member-", "points issued less points spent: ", "but stored are", stamps} {
		if !strings.Contains(out.String(), says) {
			t.Errorf("it does not say %q:\n%s", says, out)
		}
	}
	var errs strings.Builder
	if status := run(t.Context(), []string{"-db", db}, out, &errs); status != 1 || !strings.Contains(errs.String(), "not a fresh database") {
		t.Errorf("a second run on the database: status %d, %s", status, &errs)
	}
}

func TestMistakesAreTold(t *testing.T) {
	for _, args := range [][]string{
		{"-for", "0s"}, {"-rate", "0"}, {"-rate", "1000000"}, {"-members", "-1"}, {"-every", "0s"}, {"-for", "soon"}, {"more"},
	} {
		var out, errs strings.Builder
		if status := run(t.Context(), args, &out, &errs); status != 2 || errs.Len() == 0 {
			t.Errorf("%v: status %d\n%s", args, status, &errs)
		}
	}
}
