package retention_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/retention"
)

// Wherever processes that archive, strip and prune are killed, each body is in the database or in an
// archive, and ledgers verify.
func TestProcessesAreKilled(t *testing.T) {
	const rounds = 12
	dbtest.Worlds(t, func(t *testing.T, l dbtest.Life) {
		old := newRetention(t, l.DB, retention.Options{Batch: 3, Limit: 10, Progress: func(retention.Progress) { l.Say("/step") }})
		must(t, job(t.Context(), old, l.Args[0], l.Now()))
	}, func(t *testing.T, w *dbtest.World) {
		s, dir := open(t, w.DB), t.TempDir()
		w.Now = func() time.Time { return s.now }
		w.Server = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		for round := range rounds {
			for n := range 12 {
				member := ids.Member(fmt.Sprint("m", n%4))
				s.adjust(t, loyalty.Adjust{Account: account(member), N: 1, Reason: "gift", Key: fmt.Sprint(round, "-", n)})
			}
			for more := true; more; { // the relay has all
				turn, err := s.crm.Step(t.Context())
				must(t, err)
				more = turn.More
			}
			s.note(t)
			s.now = s.now.Add(2 * day)
			w.Live(12, dir)
			s.archives = files(t, dir)
			s.check(t)
		}
		w.Live(0, dir)
		s.archives = files(t, dir)
		s.check(t)
		left := 0
		for _, err := range s.db.Journal().After(t.Context(), "", 0) {
			must(t, err)
			left++
		}
		t.Logf("%d of %d processes were killed; %d of %d entries are left", w.Deaths, rounds+1, left, len(s.written))
		if w.Deaths == 0 || left == len(s.written) {
			t.Error("no process was killed, or nothing was pruned")
		}
	})
}

// job archives what is older than three days into files of a folder, and prunes what is older than
// six. A file has another name once it was stripped.
func job(ctx context.Context, old *retention.Retention, dir string, now time.Time) error {
	for n := 1; ; n++ {
		path := filepath.Join(dir, fmt.Sprintf("%04d", n))
		if _, err := os.Stat(path + ".stripped"); err == nil {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			file, err := os.Create(path + ".new")
			if err != nil {
				return err
			}
			segment, err := old.Archive(ctx, file, now.Add(-3*day))
			if err != nil {
				return err
			}
			if err := file.Close(); err != nil {
				return err
			}
			if segment.Entries == 0 {
				break
			}
			if err := os.Rename(path+".new", path); err != nil {
				return err
			}
		}
		if _, err := old.Strip(ctx, func() (io.ReadCloser, error) { return os.Open(path) }); err != nil {
			return err
		}
		if err := os.Rename(path, path+".stripped"); err != nil {
			return err
		}
	}
	_, err := old.Prune(ctx, now.Add(-6*day))
	return err
}

// files returns the archives of a folder, in their order.
func files(t *testing.T, dir string) (all [][]byte) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	slices.Sort(names)
	for _, name := range names {
		if filepath.Ext(name) != ".new" {
			content, err := os.ReadFile(name)
			must(t, err)
			all = append(all, content)
		}
	}
	return all
}
