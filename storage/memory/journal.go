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
		if limit > 0 && limit < end-from {
			end = from + limit
		}
		var found []journal.Record
		for i := from; i < end; i++ {
			found = append(found, s.recordAt(t, i))
		}
		return found, nil
	})
}

// Of implements [journal.Store].
func (s journalStore) Of(ctx context.Context, subject string) iter.Seq2[journal.Record, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]journal.Record, error) {
		var found []journal.Record
		for i, e := range t.feed {
			if e.Subject == subject {
				found = append(found, s.recordAt(t, i))
			}
		}
		slices.SortFunc(found, func(a, b journal.Record) int { return cmp.Compare(b.Seq, a.Seq) })
		return found, nil
	})
}

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
