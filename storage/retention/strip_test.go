package retention_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/storage/relay"
	"github.com/scrmkit/scrmkit/storage/retention"
)

// many adds the next entries of some subjects, in turn.
func many(t fataler, s storage.Tx, from, to int64, subjects ...string) {
	t.Helper()
	for n := from; n <= to; n++ {
		for _, subject := range subjects {
			write(t, s, subject, n, noon.Add(-day))
		}
	}
}

func strip(t fataler, r *retention.Retention, file []byte) {
	t.Helper()
	_, err := r.Strip(context.Background(), opener(file))
	must(t, err)
}

func taken(context.Context, string, journal.Record) error { return nil }

func newRelay(t fataler, s storage.Tx, handle relay.Handler, batch int) *relay.Relay {
	t.Helper()
	r, err := relay.New(s, "crm", handle, &relay.Options{Batch: batch})
	must(t, err)
	return r
}

func step(t fataler, r *relay.Relay) {
	t.Helper()
	_, err := r.Step(context.Background())
	must(t, err)
}

// TestLateRelay: what a relay that begins after archives were written has yet to hand over is neither
// archived nor stripped, but for what was archived before it began.
func TestLateRelay(t *testing.T) {
	for steps := range 5 {
		each(t, func(t *testing.T, db storage.DB) {
			many(t, db, 1, 6, "a")
			r := newRetention(t, db, retention.Options{})
			strip(t, r, archive(t, r))
			many(t, db, 7, 12, "a")
			crm := newRelay(t, db, taken, 3)
			for range steps {
				step(t, crm)
			}
			r = newRetention(t, db, retention.Options{Relays: []*relay.Relay{crm}})
			strip(t, r, archive(t, r))
			want := []int64{-1, -2, -3, -4, -5, 6, 7, 8, 9, 10, 11, 12}
			for i := range max(5, 3*steps-1) {
				want[i] = -int64(i + 1)
			}
			equal(t, fmt.Sprint("after ", steps, " steps"), bodies(t, db, "a"), want)
		})
	}
}

// TestRelayOfAnOldArchive: a relay that begins after an archive was written, and before it is
// stripped, needs what is in it.
func TestRelayOfAnOldArchive(t *testing.T) {
	each(t, func(t *testing.T, db storage.DB) {
		many(t, db, 1, 6, "a")
		r := newRetention(t, db, retention.Options{Limit: 6})
		file := archive(t, r)
		crm := newRelay(t, db, taken, 2)
		late := newRetention(t, db, retention.Options{Relays: []*relay.Relay{crm}})
		for i := range 3 {
			if n, err := late.Strip(t.Context(), opener(file)); n != 0 || !errors.Is(err, retention.ErrNeeded) || errs.ClassOf(err) != errs.TryAgain {
				t.Errorf("%d, %v", n, err)
			}
			many(t, db, 7, 7, fmt.Sprint("more ", i))
			step(t, crm)
		}
		equal(t, "of the relay", bodies(t, db, "a"), []int64{1, 2, 3, 4, 5, 6})
		step(t, crm)
		strip(t, late, file)
		equal(t, "once it has come so far", bodies(t, db, "a"), []int64{-1, -2, -3, -4, -5, 6})
	})
}

// TestArchivesOfOneRange: of archives that have the same entries, each may be stripped, in any order,
// and the next one goes on from what all have.
func TestArchivesOfOneRange(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 1}, {0, 2, 2}} {
		each(t, func(t *testing.T, db storage.DB) {
			many(t, db, 1, 6, "a")
			var files [][]byte
			for limit := range 3 {
				files = append(files, archive(t, newRetention(t, db, retention.Options{Limit: 2 * (limit + 1)})))
			}
			r := newRetention(t, db, retention.Options{Batch: 1})
			for _, i := range order {
				strip(t, r, files[i])
			}
			many(t, db, 7, 8, "a")
			strip(t, r, archive(t, r))
			equal(t, fmt.Sprint(order), bodies(t, db, "a"), []int64{-1, -2, -3, -4, -5, -6, -7, 8})
		})
	}
}

// meanwhile is a database on which something is done before each Save.
type meanwhile struct {
	storage.Tx
	do func()
}

func (m meanwhile) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	m.do()
	return m.Tx.Save(ctx, changes)
}

// TestStripsAtOnce: two processes strip archives of the same range at the same time.
func TestStripsAtOnce(t *testing.T) {
	for limit := range 6 {
		db := memory.New()
		many(t, db, 1, 6, "a")
		other := newRetention(t, db, retention.Options{Limit: limit})
		theirs := archive(t, other)
		ours := archive(t, newRetention(t, db, retention.Options{Limit: 4}))
		r := newRetention(t, meanwhile{db, func() { strip(t, other, theirs) }}, retention.Options{})
		strip(t, r, ours)
		many(t, db, 7, 7, "a")
		r = newRetention(t, db, retention.Options{})
		strip(t, r, archive(t, r))
		equal(t, fmt.Sprint("beside ", limit), bodies(t, db, "a"), []int64{-1, -2, -3, -4, -5, -6, 7})
	}
}

// TestStripAfterPrune: an archive of which entries were pruned is stripped of what is left, as of a
// subject of which an entry was put aside.
func TestStripAfterPrune(t *testing.T) {
	each(t, func(t *testing.T, db storage.DB) {
		many(t, db, 1, 4, "a", "b")
		crm := newRelay(t, db, func(_ context.Context, _ string, r journal.Record) error {
			if r.Subject == "a" && r.Seq == 1 {
				return relay.ErrPoison
			}
			return nil
		}, 20)
		step(t, crm)
		step(t, crm)
		r := newRetention(t, db, retention.Options{Relays: []*relay.Relay{crm}})
		first := archive(t, r)
		strip(t, r, first)
		_, err := r.Prune(t.Context(), noon)
		must(t, err)
		equal(t, "pruned", bodies(t, db, "b"), []int64{-3, 4})
		many(t, db, 5, 6, "a", "b")
		step(t, crm)
		second := archive(t, r)
		for l, err := range crm.Dead(t.Context()) {
			must(t, err)
			must(t, crm.Forget(t.Context(), l))
		}
		strip(t, r, first)
		equal(t, "of the first archive", bodies(t, db, "a"), []int64{-1, -2, -3, 4, 5, 6})
		strip(t, r, second)
		equal(t, "a", bodies(t, db, "a"), []int64{-1, -2, -3, -4, -5, 6})
		equal(t, "b", bodies(t, db, "b"), []int64{-3, -4, -5, 6})
		_, err = r.Prune(t.Context(), noon)
		must(t, err)
		strip(t, r, first)
		if _, err := newRetention(t, memory.New(), retention.Options{}).Strip(t.Context(), opener(second)); err == nil {
			t.Error("it is stripped from another database")
		}
	})
}

// sealed returns an archive without some of its lines, whose hash is right.
func sealed(file []byte, without ...int) []byte {
	lines := bytes.SplitAfter(file, []byte("\n"))
	var out []byte
	for i, line := range lines[:len(lines)-2] {
		skip := false
		for _, w := range without {
			skip = skip || i == w
		}
		if !skip {
			out = append(out, line...)
		}
	}
	sum := sha256.Sum256(out)
	return fmt.Appendf(out, "{\"entries\":%d,\"sha256\":%q}\n", bytes.Count(out, []byte("\n"))-1, hex.EncodeToString(sum[:]))
}

// TestGaps: an archive that lacks an entry which the journal has is not stripped of what follows.
func TestGaps(t *testing.T) {
	each(t, func(t *testing.T, db storage.DB) {
		many(t, db, 1, 3, "a", "b")
		r := newRetention(t, db, retention.Options{Batch: 1})
		file := archive(t, r)
		if !bytes.Equal(sealed(file), file) {
			t.Fatalf("%s\n%s", sealed(file), file)
		}
		for line := range 5 {
			if _, err := r.Strip(t.Context(), opener(sealed(file, line+1))); !errors.Is(err, retention.ErrMismatch) {
				t.Errorf("without line %d: %v", line+2, err)
			}
			all := append(bodies(t, db, "a"), bodies(t, db, "b")...)
			for i, n := range all {
				if n < 0 && i%3*2+i/3 >= line {
					t.Errorf("without line %d: %v", line+2, all)
				}
			}
		}
		strip(t, r, file)
		equal(t, "a", bodies(t, db, "a"), []int64{-1, -2, 3})
	})
}

// TestReplacedFile: where another archive is there when it is opened again, no entry is stripped that
// the one which was whole does not have.
func TestReplacedFile(t *testing.T) {
	db := memory.New()
	many(t, db, 1, 6, "a")
	short := archive(t, newRetention(t, db, retention.Options{Limit: 3}))
	r := newRetention(t, db, retention.Options{Batch: 1})
	long := archive(t, r)
	for _, c := range []struct {
		first, then []byte
		want        []int64
	}{
		{short, long, []int64{-1, -2, 3, 4, 5, 6}},
		{short, long[:len(long)-80], []int64{-1, -2, 3, 4, 5, 6}},
		{long, short, []int64{-1, -2, 3, 4, 5, 6}},
		{long, long, []int64{-1, -2, -3, -4, -5, 6}},
	} {
		opened := 0
		_, err := r.Strip(t.Context(), func() (io.ReadCloser, error) {
			if opened++; opened == 1 {
				return opener(c.first)()
			}
			return opener(c.then)()
		})
		if same := bytes.Equal(c.first, c.then); same != (err == nil) || !same && !errors.Is(err, retention.ErrBroken) {
			t.Error(err)
		}
		equal(t, "a", bodies(t, db, "a"), c.want)
	}
}

// endless is a file of any size without a line.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read += len(p); e.read > 1<<20 {
		return 0, errors.New("a megabyte was read")
	}
	return copy(p, bytes.Repeat([]byte{'x'}, len(p))), nil
}

// TestNoArchive: a file that is none is refused by its first bytes.
func TestNoArchive(t *testing.T) {
	r := newRetention(t, memory.New(), retention.Options{})
	if _, err := r.Strip(t.Context(), func() (io.ReadCloser, error) { return io.NopCloser(&endless{}), nil }); !errors.Is(err, retention.ErrBroken) {
		t.Error(err)
	}
	for _, err := range retention.Read(bytes.NewReader(nil)) {
		if !errors.Is(err, retention.ErrBroken) {
			t.Error(err)
		}
	}
	lost := errors.New("lost")
	for _, err := range retention.Read(iotest.ErrReader(lost)) {
		if !errors.Is(err, lost) {
			t.Error(err)
		}
	}
}
