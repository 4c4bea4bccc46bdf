package retention_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/storage/relay"
	"github.com/scrmkit/scrmkit/storage/retention"
)

// write adds the next entry of a subject.
func write(t fataler, s storage.Tx, subject string, seq int64, at time.Time) {
	t.Helper()
	failed, err := s.Save(context.Background(), []storage.Change{{Entries: []journal.Entry{{
		Subject: subject, Seq: seq, Key: fmt.Sprint("key", seq), Kind: "test.done", At: at, By: "kathy", Input: []byte{1},
		Before: []byte(`{"n": "<&>"}`), Result: []byte(`{"n":"<&>店"}`),
	}}}})
	must(t, errors.Join(append(failed, err)...))
}

func newRetention(t fataler, s storage.Tx, o retention.Options) *retention.Retention {
	t.Helper()
	r, err := retention.New(s, &o)
	must(t, err)
	return r
}

// archive returns the archive of what is from before noon.
func archive(t fataler, r *retention.Retention) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := r.Archive(context.Background(), &b, noon)
	must(t, err)
	return b.Bytes()
}

// bodies returns the numbers of a subject's entries from the first to the newest, below zero where
// they have no body.
func bodies(t fataler, s storage.Tx, subject string) (all []int64) {
	t.Helper()
	for r, err := range s.Journal().Of(context.Background(), subject) {
		must(t, err)
		n := r.Seq
		if r.Archived() {
			n = -n
		}
		all = append(all, n)
	}
	slices.Reverse(all)
	return all
}

func equal[V any](t testing.TB, what string, got, want []V) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestBorder: an archive ends where most entries are not old.
func TestBorder(t *testing.T) {
	old, young, ages := noon.Add(-day), noon, noon.AddDate(20, 0, 0)
	many := func(n int, at ...time.Time) (all []time.Time) {
		for range n {
			all = append(all, at...)
		}
		return all
	}
	for _, c := range []struct {
		name  string
		times []time.Time
		want  int
	}{
		{"nothing is nothing", nil, 0},
		{"all are old", many(30, old), 30},
		{"none is", many(30, young), 0},
		{"up to the first that is not", slices.Concat(many(5, old), many(5, young)), 5},
		{"an entry of a clock that is ahead is as old as those around it", slices.Concat(many(5, old), many(1, ages), many(30, old)), 36},
		{"and so are ten in a row", slices.Concat(many(5, old), many(10, ages), many(30, old)), 45},
		{"one of a clock that is behind is as young as those around it", slices.Concat(many(5, old), many(5, young), many(1, old), many(30, young)), 5},
		{"also where every fifth is", slices.Concat(many(5, old), many(30, young, young, young, young, old)), 5},
		{"side by side at the border", slices.Concat(many(5, old), []time.Time{young, old, young, young, young}), 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := memory.New()
			for i, at := range c.times {
				write(t, db, fmt.Sprint("s", i), 1, at)
			}
			segment, err := newRetention(t, db, retention.Options{}).Archive(t.Context(), io.Discard, noon)
			must(t, err)
			if segment.Entries != int64(c.want) {
				t.Errorf("%d entries, want %d", segment.Entries, c.want)
			}
		})
	}
}

// TestBrokenArchives: whatever is cut off or changed, nothing is taken from the database.
func TestBrokenArchives(t *testing.T) {
	db := memory.New()
	for n := range int64(3) {
		write(t, db, "a", n+1, noon.Add(-day))
	}
	r := newRetention(t, db, retention.Options{})
	file := archive(t, r)
	try := func(name string, file []byte, want error) {
		t.Helper()
		if n, err := r.Strip(t.Context(), opener(file)); n != 0 || !errors.Is(err, want) {
			t.Fatalf("%s: %d, %v", name, n, err)
		}
		for _, err := range retention.Read(bytes.NewReader(file)) {
			if err != nil && want == retention.ErrBroken && !errors.Is(err, want) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		equal(t, name, bodies(t, db, "a"), []int64{1, 2, 3})
	}
	for n := range file {
		try(fmt.Sprint(n, " bytes"), file[:n], retention.ErrBroken)
		for bit := range 8 {
			changed := bytes.Clone(file)
			changed[n] ^= 1 << bit
			try(fmt.Sprint("bit ", bit, " of byte ", n), changed, retention.ErrBroken)
		}
	}
	try("more behind it", append(bytes.Clone(file), '\n'), retention.ErrBroken)
	try("twice", append(bytes.Clone(file), file...), retention.ErrBroken)
	lost := errors.New("lost")
	if _, err := r.Strip(t.Context(), func() (io.ReadCloser, error) { return nil, lost }); !errors.Is(err, lost) {
		t.Error(err)
	}
	other := memory.New()
	for n := range int64(3) {
		write(t, other, "a", n+1, noon.Add(-2*day))
	}
	try("of another database", archive(t, newRetention(t, other, retention.Options{})), retention.ErrMismatch)
	tenant := db.Tenant("acme")
	write(t, tenant, "a", 1, noon.Add(-day))
	try("of another tenant", archive(t, newRetention(t, tenant, retention.Options{})), retention.ErrMismatch)
	if n, err := r.Strip(t.Context(), opener(file)); n != 2 || err != nil {
		t.Errorf("the whole one: %d, %v", n, err)
	}
}

// each runs f on databases whose entries may be of any kind.
func each(t *testing.T, f func(t *testing.T, db storage.DB)) {
	t.Run("memory", func(t *testing.T) { f(t, memory.New()) })
	t.Run("sqlite", func(t *testing.T) { f(t, dbtest.SQLite(t)) })
}

// TestArchives: what comes back from an archive is what the journal had.
func TestArchives(t *testing.T) {
	each(t, func(t *testing.T, db storage.DB) {
		write(t, db, "a", 1, noon.Add(-day))
		failed, err := db.Save(t.Context(), []storage.Change{{Entries: []journal.Entry{{Subject: "bare", Seq: 1, Kind: "k", Result: []byte("null")}}}})
		must(t, errors.Join(append(failed, err)...))
		var want, got []journal.Record
		for r, err := range db.Journal().After(t.Context(), "", 0) {
			must(t, err)
			if r.Subject == "a" {
				r.Before = []byte(`{"n":"<&>"}`)
			}
			want = append(want, r)
		}
		for r, err := range retention.Read(bytes.NewReader(archive(t, newRetention(t, db, retention.Options{})))) {
			must(t, err)
			got = append(got, r)
		}
		if len(got) != 2 {
			t.Fatalf("%d records", len(got))
		}
		for i := range got {
			same(t, got[i].Subject, got[i].Entry, want[i].Entry)
			if got[i].Cursor != want[i].Cursor {
				t.Errorf("%s: cursor %s, want %s", got[i].Subject, got[i].Cursor, want[i].Cursor)
			}
		}
	})
}

// TestInput: what can't be is refused.
func TestInput(t *testing.T) {
	for _, o := range []retention.Options{{Limit: -1}, {Batch: -1}} {
		if _, err := retention.New(memory.New(), &o); !errors.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	r, err := retention.New(memory.New(), nil)
	must(t, err)
	if _, err := r.Archive(t.Context(), io.Discard, time.Time{}); !errors.Is(err, errs.Invalid) {
		t.Error(err)
	}
	if _, err := r.Prune(t.Context(), time.Time{}); !errors.Is(err, errs.Invalid) {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Archive(ended, io.Discard, noon); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestRelays: what a relay has not handed over stays, and so does what it put aside.
func TestRelays(t *testing.T) {
	each(t, func(t *testing.T, db storage.DB) {
		ctx := t.Context()
		for n := range int64(4) {
			write(t, db, "a", n+1, noon.Add(-day))
			write(t, db, "b", n+1, noon.Add(-day))
		}
		handle := func(_ context.Context, _ string, r journal.Record) error {
			if r.Subject == "a" && r.Seq == 2 {
				return relay.ErrPoison
			}
			return nil
		}
		crm, err := relay.New(db, "crm", handle, &relay.Options{Batch: 5, Workers: 1})
		must(t, err)
		r := newRetention(t, db, retention.Options{Relays: []*relay.Relay{crm}, Batch: 2})
		count := func() (n int) {
			for _, err := range retention.Read(bytes.NewReader(archive(t, r))) {
				must(t, err)
				n++
			}
			return n
		}
		if n := count(); n != 0 {
			t.Errorf("%d entries are archived before the relay has begun", n)
		}
		_, err = crm.Step(ctx)
		must(t, err)
		if n := count(); n != 5 {
			t.Errorf("%d entries are archived of the five that it has read", n)
		}
		for turn := (relay.Turn{More: true}); turn.More || turn.Waiting > 0; {
			turn, err = crm.Step(ctx)
			must(t, err)
		}
		file := archive(t, r)
		_, err = r.Strip(ctx, opener(file))
		must(t, err)
		equal(t, "of the subject of which one was put aside", bodies(t, db, "a"), []int64{1, 2, 3, 4})
		equal(t, "of the other one", bodies(t, db, "b"), []int64{-1, -2, -3, 4})
		for l, err := range crm.Dead(ctx) {
			must(t, err)
			must(t, crm.Forget(ctx, l))
		}
		_, err = r.Strip(ctx, opener(file))
		must(t, err)
		equal(t, "once it was dealt with, and stripped again", bodies(t, db, "a"), []int64{-1, -2, -3, 4})
	})
}

// failing is a database whose calls fail from a certain one on.
type failing struct {
	storage.Tx
	left *int
}

var errDown = errors.New("down")

func (f failing) use() error {
	if *f.left--; *f.left < 0 {
		return errDown
	}
	return nil
}

func (f failing) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	if err := f.use(); err != nil {
		return nil, err
	}
	return f.Tx.Save(ctx, changes)
}

func (f failing) Load(ctx context.Context, looks []storage.Look) error {
	if err := f.use(); err != nil {
		return err
	}
	return f.Tx.Load(ctx, looks)
}

func (f failing) Journal() journal.Store { return failingJournal{f.Tx.Journal(), f} }

type failingJournal struct {
	journal.Store
	failing
}

func (f failingJournal) Strip(ctx context.Context, at []journal.Cursor) (int64, error) {
	if err := f.use(); err != nil {
		return 0, err
	}
	return f.Store.Strip(ctx, at)
}

func (f failingJournal) Prune(ctx context.Context, at []journal.Cursor) ([]journal.Entry, error) {
	if err := f.use(); err != nil {
		return nil, err
	}
	return f.Store.Prune(ctx, at)
}

// TestFailures: wherever a call fails, the next one goes on, and an archive that was not stripped to
// its end is not left behind.
func TestFailures(t *testing.T) {
	for calls := range 40 {
		db := memory.New()
		for n := range int64(7) {
			write(t, db, "a", n+1, noon.Add(-day))
			write(t, db, "b", n+1, noon.Add(-day))
		}
		left := calls
		r := newRetention(t, failing{db, &left}, retention.Options{Batch: 3})
		var file bytes.Buffer
		stripped := false
		run := func() error {
			var err error
			if !strings.Contains(file.String(), `"sha256"`) {
				file.Reset()
				_, err = r.Archive(t.Context(), &file, noon)
			}
			if err == nil && !stripped {
				_, err = r.Strip(t.Context(), opener(file.Bytes()))
				stripped = err == nil
			}
			if err == nil {
				_, err = r.Prune(t.Context(), noon)
			}
			return err
		}
		err := run()
		if err != nil && !errors.Is(err, errDown) {
			t.Fatalf("%d calls: %v", calls, err)
		}
		left = 1000
		half := slices.ContainsFunc(bodies(t, db, "a"), func(n int64) bool { return n < 0 })
		if err != nil && half {
			segment, err := r.Archive(t.Context(), io.Discard, noon)
			if err == nil && segment.Entries > 0 || err != nil && !errors.Is(err, retention.ErrUnfinished) {
				t.Fatalf("%d calls: another archive of what is half stripped: %+v, %v", calls, segment, err)
			}
		}
		must(t, run())
		equal(t, fmt.Sprint(calls, " calls"), bodies(t, db, "a"), []int64{-6, 7})
		equal(t, fmt.Sprint(calls, " calls"), bodies(t, db, "b"), []int64{-6, 7})
	}
}

// TestProgress: whoever wants to know is told after each step, and may end the call between them.
func TestProgress(t *testing.T) {
	db := memory.New()
	for n := range int64(10) {
		write(t, db, "a", n+1, noon.Add(-day))
	}
	var told []retention.Progress
	ctx, stop := context.WithCancel(t.Context())
	r := newRetention(t, db, retention.Options{Batch: 4, Progress: func(p retention.Progress) {
		if told = append(told, p); len(told) == 4 {
			stop()
		}
	}})
	file := archive(t, r)
	n, err := r.Strip(ctx, opener(file))
	if n != 7 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d, %v", n, err)
	}
	n, err = r.Strip(t.Context(), opener(file))
	if n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	n, err = r.Prune(t.Context(), noon)
	if n != 8 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	var counts []int64
	for _, p := range told {
		counts = append(counts, p.Entries)
		if !p.At.Equal(noon.Add(-day)) {
			t.Error(p)
		}
	}
	equal(t, "told", counts, []int64{4, 8, 4, 8, 4, 8, 10, 4, 8, 9})
}
