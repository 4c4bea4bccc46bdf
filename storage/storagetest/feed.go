package storagetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// subjectsInOrder: a transaction writes, another one begins later and tells of a subject, and then
// the first does. What comes second stands second in the feed, whichever store and transaction it
// came by.
func subjectsInOrder(t *testing.T, d Database) {
	ways := map[string]func(context.Context, work) error{"InTx": d.DB.InTx}
	if d.Join != nil {
		ways["Join"] = d.Join
	}
	for way, unit := range ways {
		for _, w := range writers {
			id := way + " " + w.name
			must(t, unit(t.Context(), func(ctx context.Context, tx storage.Tx) error {
				must(t, rootWriter.save(ctx, tx, "before "+id, 0, "key"))
				// Where the database lets only one transaction go on at a time, this one writes
				// both.
				impatient, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				if err := w.save(impatient, d.DB, id, 0, "first"); err != nil {
					must(t, w.save(ctx, tx, id, 0, "first"))
				}
				must(t, w.save(ctx, tx, id, 1, "second"))
				return nil
			}))
			must(t, w.save(t.Context(), d.DB, id, 2, "third"))
		}
	}
	numbersGrow(t, list(t, d.DB.Journal().After(t.Context(), "", 0)))
}

// numbersGrow fails where a record of a subject follows one with a later number.
func numbersGrow(t testing.TB, records []journal.Record) {
	t.Helper()
	last := map[string]int64{}
	for _, r := range records {
		if r.Seq <= last[r.Subject] {
			t.Errorf("number %d of %s came after %d", r.Seq, r.Subject, last[r.Subject])
		}
		last[r.Subject] = r.Seq
	}
}

// sharedSubjects: many transactions at once each write a row of their own, and then rows that all
// of them write, in any order. A reader that follows the feed meanwhile has each record once, and
// those of a subject in order.
func sharedSubjects(t *testing.T, d Database) {
	const racers, each, shared = 6, 12, 3
	var wg sync.WaitGroup
	for r := range racers {
		wg.Go(func() {
			for n := range each {
				key := fmt.Sprintf("key %d %d", r, n)
				err := d.DB.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
					if err := rootWriter.save(ctx, tx, fmt.Sprintf("own %d", r), int64(n), key); err != nil {
						return err
					}
					for i := range shared { // in one order, so that none waits for another that waits for it
						id := fmt.Sprintf("shared %d", i)
						err := journal.ErrConflict
						for errors.Is(err, journal.ErrConflict) {
							var version int64
							if version, err = rootWriter.version(ctx, tx, id); err == nil {
								err = rootWriter.save(ctx, tx, id, version, key)
							}
						}
						if err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	written := make(chan struct{})
	go func() {
		wg.Wait()
		close(written)
	}()
	var read []journal.Record
	var cursor journal.Cursor
	for done := false; !done; {
		select {
		case <-written:
			done = true
		default:
		}
		for {
			piece := list(t, d.DB.Journal().After(t.Context(), cursor, 7))
			if len(piece) == 0 {
				break
			}
			read, cursor = append(read, piece...), piece[len(piece)-1].Cursor
		}
	}
	equal(t, "records", len(read), racers*each*(1+shared))
	numbersGrow(t, read)
}

// cursorsOfTenants: a cursor that one tenant was given is none of another.
func cursorsOfTenants(t *testing.T, d Database) {
	a, b, same := d.Tenant("a"), d.Tenant("b"), d.Tenant("a")
	for _, db := range []storage.DB{a, b, d.DB} {
		must(t, fill(t.Context(), db))
	}
	for r, err := range a.Journal().After(t.Context(), "", 0) {
		must(t, err)
		for _, other := range []storage.DB{b, d.DB, d.Tenant("a "), d.Tenant("nobody")} {
			_, err := collect(other.Journal().After(t.Context(), r.Cursor, 0))
			isError(t, "another tenant's", err, journal.ErrCursor)
		}
		_, err := collect(same.Journal().After(t.Context(), r.Cursor, 0))
		must(t, err)
	}
}

// FuzzCursor holds an adapter to what any text does as a cursor: it is one that the feed gave, or
// one like it, and what follows is an end of the feed; or it is refused with ErrCursor.
func FuzzCursor(f *testing.F, d Database) {
	a, b := d.Tenant("a"), d.Tenant("b")
	for _, db := range []storage.DB{a, b} {
		if err := fill(f.Context(), db); err != nil {
			f.Fatal(err)
		}
	}
	whole, err := collect(a.Journal().After(f.Context(), "", 0))
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range whole[:2] {
		f.Add(string(r.Cursor))
		f.Add(string(r.Cursor) + "A")
		f.Add(string(r.Cursor[1:]))
		if text, err := base64.RawURLEncoding.DecodeString(string(r.Cursor)); err == nil {
			for _, change := range [][2]string{{`"a"`, `"b"`}, {`"a"`, "null"}, {`,"`, `,"\u0000`}, {`,`, `,-`}, {`]`, `,1]`}, {`[`, `[ `}, {`]`, "]\n"}} {
				f.Add(base64.RawURLEncoding.EncodeToString(bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)))
			}
		}
	}
	for _, text := range []string{"", "0", "1", "-1 a", "1 a", "1 b", "01 a", "99999999999999999999 a", "no cursor", "\xff", "W10", "bnVsbA", "e30", "WyJhIl0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found, err := collect(a.Journal().After(t.Context(), journal.Cursor(text), 0))
		switch {
		case errors.Is(err, journal.ErrCursor):
		case err != nil:
			t.Fatalf("%q: %v", text, err)
		case len(found) > len(whole) || !cmp.Equal(found, whole[len(whole)-len(found):], exactly):
			t.Fatalf("%q: what follows is no end of the feed: %v", text, found)
		}
		given := slices.ContainsFunc(whole, func(r journal.Record) bool { return string(r.Cursor) == text })
		if given && err != nil {
			t.Fatalf("%q was given, and is refused", text)
		}
		if _, other := collect(b.Journal().After(t.Context(), journal.Cursor(text), 0)); text != "" && err == nil && !errors.Is(other, journal.ErrCursor) {
			t.Fatalf("%q is a cursor of two tenants: %v", text, other)
		}
	})
}
