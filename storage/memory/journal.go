package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/scrmkit/scrmkit/storage/journal"
)

type journalStore struct{ unit }

// After implements [journal.Store]. Within a transaction it yields what was committed before that
// began.
func (s journalStore) After(ctx context.Context, cursor journal.Cursor, limit int) iter.Seq2[journal.Record, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]journal.Record, error) {
		from, end := 0, len(t.feed)
		if t.data.open != nil {
			end = t.data.open.began
		}
		if cursor != "" {
			if from = placeOf(cursor); from < 1 || from > end || cursorAt(s.tenant, from) != cursor {
				return nil, fmt.Errorf("memory: %w", journal.ErrCursor)
			}
		}
		var found []journal.Record
		for i := from; i < end && (limit <= 0 || len(found) < limit); i++ {
			if !t.pruned(i) {
				found = append(found, s.recordAt(t, i))
			}
		}
		return found, nil
	})
}

// Of implements [journal.Store].
func (s journalStore) Of(ctx context.Context, subjects ...string) iter.Seq2[journal.Record, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]journal.Record, error) {
		at := make(map[string]int, len(subjects))
		for i, subject := range subjects {
			at[subject] = i
		}
		found := make([][]journal.Record, len(subjects))
		for i, e := range t.feed {
			if of, ok := at[e.Subject]; ok && !t.pruned(i) {
				found[of] = append(found[of], s.recordAt(t, i))
			}
		}
		for _, records := range found {
			slices.SortFunc(records, func(a, b journal.Record) int { return compareEntries(b.Entry, a.Entry) })
		}
		return slices.Concat(found...), nil
	})
}

// compareEntries orders entries of one subject.
func compareEntries(a, b journal.Entry) int {
	return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Key, b.Key))
}

// Strip implements [journal.Store].
func (s journalStore) Strip(ctx context.Context, at []journal.Cursor) (n int64, err error) {
	err = s.before(ctx, at, func(t *tables, before []int) {
		i := before[len(before)-1]
		if was := t.feed[i]; was.Before != nil || was.Result != nil {
			t.feed[i].Before, t.feed[i].Result = nil, nil
			t.undoable(func() { t.feed[i] = was })
			n++
		}
	})
	return n, err
}

// Prune implements [journal.Store].
func (s journalStore) Prune(ctx context.Context, at []journal.Cursor) (deleted []journal.Entry, err error) {
	err = s.before(ctx, at, func(t *tables, before []int) {
		for _, i := range before {
			was := t.feed[i]
			if !was.Archived() || t.pruned(i) {
				continue
			}
			if was.Key != "" {
				delete(t.keys, entryKey{was.Subject, was.Key})
			}
			t.gone[i] = true
			t.undoable(func() {
				delete(t.gone, i)
				if was.Key != "" {
					t.keys[entryKey{was.Subject, was.Key}] = i
				}
			})
			deleted = append(deleted, cloneEntry(was))
		}
	})
	return deleted, err
}

// before calls fn for each of the cursors with the places in the feed that are before it, also in the
// order of its subject, where there are any.
func (s journalStore) before(ctx context.Context, at []journal.Cursor, fn func(t *tables, before []int)) error {
	return s.do(ctx, func(t *tables) error {
		next := map[int]bool{} // places of the cursors
		for _, c := range at {
			n := placeOf(c)
			if n < 1 || n > len(t.feed) || cursorAt(s.tenant, n) != c {
				return fmt.Errorf("memory: %w", journal.ErrCursor)
			}
			if !t.pruned(n - 1) {
				next[n-1] = true
			}
		}
		of := map[string][]int{}
		for i, e := range t.feed {
			if !t.pruned(i) {
				of[e.Subject] = append(of[e.Subject], i)
			}
		}
		for _, all := range of {
			slices.SortFunc(all, func(i, j int) int { return compareEntries(t.feed[i], t.feed[j]) })
			for k, i := range all {
				if !next[i] {
					continue
				}
				before := slices.DeleteFunc(slices.Clone(all[:k]), func(j int) bool { return j > i })
				if len(before) > 0 {
					fn(t, before)
				}
			}
		}
		return nil
	})
}

// pruned reports whether the i-th entry of the feed was pruned.
func (t *tables) pruned(i int) bool { return t.gone[i] }

func (s journalStore) recordAt(t *tables, i int) journal.Record {
	return journal.Record{Entry: cloneEntry(t.feed[i]), Cursor: cursorAt(s.tenant, i+1)}
}

// cursorAt is the cursor of a tenant behind the n-th record of its feed.
func cursorAt(tenant string, n int) journal.Cursor {
	return journal.Cursor(strconv.Itoa(n) + " " + tenant)
}

// placeOf returns the n of a cursor, or 0.
func placeOf(c journal.Cursor) int {
	text, _, _ := strings.Cut(string(c), " ")
	n, _ := strconv.Atoi(text)
	return n
}

// entry returns the entry of a command, or nil where there is none.
func (t *tables) entry(subject, key string) *journal.Entry {
	i, ok := t.keys[entryKey{subject, key}]
	if !ok {
		return nil
	}
	e := cloneEntry(t.feed[i])
	return &e
}

// used reports whether a key of the entries was used before, or is used twice among them.
func (t *tables) used(entries []journal.Entry) bool {
	seen := map[entryKey]bool{}
	for _, e := range entries {
		if e.Key == "" {
			continue
		}
		k := entryKey{e.Subject, e.Key}
		if _, ok := t.keys[k]; ok || seen[k] {
			return true
		}
		seen[k] = true
	}
	return false
}

// record appends the entries to the feed.
func (t *tables) record(entries []journal.Entry) {
	for _, e := range entries {
		if e.Key != "" {
			k := entryKey{e.Subject, e.Key}
			t.keys[k] = len(t.feed)
			t.undoable(func() { delete(t.keys, k) })
		}
		t.feed = append(t.feed, cloneEntry(e))
		t.undoable(func() { t.feed = t.feed[:len(t.feed)-1] })
	}
}

func cloneEntry(e journal.Entry) journal.Entry {
	e.At = journal.Instant(e.At)
	e.Input = bytes.Clone(e.Input)
	e.Before = bytes.Clone(e.Before)
	e.Result = bytes.Clone(e.Result)
	return e
}
