package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func journals(s suite) {
	s.each("gives entries back exactly", exactEntries)
	s.each("takes any number of entries without a key", keyless)
	s.each("has the entries of a subject, the newest first", func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			for n := range int64(30) {
				must(s.t, rootWriter.save(ctx, tx, "a", n, fmt.Sprint("key ", n)))
				must(s.t, rootWriter.save(ctx, tx, "b", n, fmt.Sprint("key ", n)))
			}
		})
		s.do(func(ctx context.Context, tx storage.Tx) {
			var got []int64
			for r, err := range tx.Journal().Of(ctx, rootWriter.subject("a")) {
				must(s.t, err)
				equal(s.t, "subject", r.Subject, rootWriter.subject("a"))
				got = append(got, r.Seq)
			}
			var want []int64
			for n := range int64(30) {
				want = append(want, 30-n)
			}
			equal(s.t, "numbers", got, want)
			equal(s.t, "entries of nothing", list(s.t, tx.Journal().Of(ctx, "nothing")), nil)
		})
	})
	s.each("has the entries of several subjects, one after the other", severalSubjects)
	s.once("tells of commands in the order in which they took effect", func(t *testing.T, d Database) {
		var want []string
		for n := range 20 {
			w := writers[n%len(writers)]
			id := fmt.Sprint("row ", n)
			must(t, w.save(t.Context(), d.DB, id, 0, "key"))
			want = append(want, w.subject(id))
		}
		equal(t, "subjects", subjects(list(t, d.DB.Journal().After(t.Context(), "", 0))), want)
	})
	s.once("goes on from any cursor, with each record once", resumes)
	s.once("does not tell of what is not committed", notYet)
	s.once("loses nothing to a transaction that commits late", lateCommit)
	s.once("loses nothing under many writers", manyWriters)
	s.once("tells of a subject in order, whatever transactions overlap", subjectsInOrder)
	s.once("tells of a subject in order, where many transactions share it", sharedSubjects)
	s.each("keeps the key and the place of a record whose body is gone", stripped)
	s.each("keeps the body of a record that comes later in the feed", later)
	s.each("forgets the key of a record that is pruned", pruned)
	s.once("refuses a cursor that is none", func(t *testing.T, d Database) {
		_, err := collect(d.DB.Journal().After(t.Context(), "no cursor", 0))
		isError(t, "no cursor", err, journal.ErrCursor)
		for _, c := range []journal.Cursor{"", "no cursor"} {
			_, err := d.DB.Journal().Strip(t.Context(), []journal.Cursor{c})
			isError(t, "strip at no cursor", err, journal.ErrCursor)
			_, err = d.DB.Journal().Prune(t.Context(), []journal.Cursor{c})
			isError(t, "prune at no cursor", err, journal.ErrCursor)
		}
	})
	s.once("refuses a cursor of another tenant", cursorsOfTenants)
}

func subjects(records []journal.Record) []string {
	var all []string
	for _, r := range records {
		all = append(all, r.Subject)
	}
	return all
}

func exactEntries(s *scene) {
	full := journal.Entry{
		Subject: journal.Subject("stamps", "a/b", "100%"), Seq: 1<<63 - 1, Key: `k "1", \{2}`, Kind: "stamps.added",
		At: at(0), By: "经理🙂",
		Input:  []byte{0, 1, 0xff, '\\', '"', '\''},
		Before: json.RawMessage(`{"b": 1,  "a":2, "a":3, "n":1.50e2}`), Result: json.RawMessage("[ \"\\u4e2d\\n\", \"中文\", {} ]"),
	}
	bare := journal.Entry{Subject: "bare", Key: "NULL", Result: json.RawMessage(`null`)}
	s.do(func(ctx context.Context, tx storage.Tx) {
		r := oneRoot("a", 1)
		must(s.t, one(tx.Save(ctx, []storage.Change{{Rows: []storage.Row{roots.Save(&r)}, Entries: []journal.Entry{full, bare}}})))
		loaded := []storage.Look{
			{Reads: []storage.Read{roots.Get(&r)}, Subject: full.Subject, Key: full.Key},
			{Subject: bare.Subject, Key: bare.Key},
			{Subject: full.Subject, Key: bare.Key},
		}
		must(s.t, tx.Load(ctx, loaded))
		equal(s.t, "by its key", loaded[0].Entry, &full)
		equal(s.t, "by its key", loaded[1].Entry, &bare)
		equal(s.t, "by the key of another subject", loaded[2].Entry, nil)
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		equal(s.t, "of its subject", list(s.t, tx.Journal().Of(ctx, full.Subject))[0].Entry, full)
		equal(s.t, "of its subject", list(s.t, tx.Journal().Of(ctx, bare.Subject))[0].Entry, bare)
	})
}

// severalSubjects has more subjects, and more entries of one, than an adapter may read together.
func severalSubjects(s *scene) {
	var subjects, want []string
	name := func(n int) string { return fmt.Sprint("subject ", (n*7)%100) }
	s.do(func(ctx context.Context, tx storage.Tx) {
		for n := range 100 {
			subject, entries := name(n), n%4
			if n == 70 {
				entries = 700
			}
			subjects = append(subjects, subject)
			c := storage.Change{}
			for seq := range int64(entries) {
				c.Entries = append(c.Entries, entry(subject, fmt.Sprint("key ", seq), seq+1))
				want = append(want, fmt.Sprint(subject, " ", int64(entries)-seq))
			}
			if entries > 0 {
				c.Rows = rootChange(subject, 1).Rows
				must(s.t, one(tx.Save(ctx, []storage.Change{c})))
			}
		}
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		var got []string
		for r, err := range tx.Journal().Of(ctx, subjects...) {
			must(s.t, err)
			got = append(got, fmt.Sprint(r.Subject, " ", r.Seq))
		}
		equal(s.t, "records", got, want)
		equal(s.t, "records of no subject", list(s.t, tx.Journal().Of(ctx)), nil)
		for r, err := range tx.Journal().Of(ctx, subjects[1:3]...) { // which may end at any time
			must(s.t, err)
			equal(s.t, "the first", r.Seq, int64(1))
			break
		}
	})
}

func keyless(s *scene) {
	without := func(subject string, seq int64) journal.Entry {
		e := entry(subject, "", seq)
		e.Input = nil
		return e
	}
	var want []journal.Entry
	s.do(func(ctx context.Context, tx storage.Tx) {
		save := func(version int64, also ...storage.Change) []error {
			entries := []journal.Entry{without("a", 2*version), without("a", 2*version+1)}
			want = append(entries, want...)
			errs, err := tx.Save(ctx, append(also, rootChange("a", version, entries...)))
			must(s.t, err)
			return errs
		}
		equal(s.t, "alone", save(1), []error{nil})
		equal(s.t, "alone", save(2), []error{nil})
		b := rootChange("b", 1, without("a", 1))
		equal(s.t, "among others", save(3, b), []error{nil, nil})
		twice := []journal.Entry{entry("c", "key", 1), without("c", 2)}
		equal(s.t, "beside one with a key", save(4, rootChange("c", 1, twice...)), []error{nil, nil})
		errs := save(5, rootChange("d", 1, twice...))
		isError(s.t, "a key that was used", errs[0], journal.ErrDuplicate)
		must(s.t, errs[1])
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		var got []journal.Entry
		for r, err := range tx.Journal().Of(ctx, "a") {
			must(s.t, err)
			if r.Seq > 1 {
				got = append(got, r.Entry)
			}
		}
		for i := 0; i < len(want); i += 2 {
			want[i], want[i+1] = want[i+1], want[i]
		}
		equal(s.t, "entries", got, want)
		equal(s.t, "entries of the change that lost", len(list(s.t, tx.Journal().Of(ctx, "c"))), 2)
		loaded := []storage.Look{{Subject: "a"}}
		must(s.t, tx.Load(ctx, loaded))
		equal(s.t, "by no key", loaded[0].Entry, nil)
	})
}

func resumes(t *testing.T, d Database) {
	const n = 100
	for i := range n {
		must(t, rootWriter.save(t.Context(), d.DB, fmt.Sprint("card ", i%7), int64(i/7), fmt.Sprint("key ", i)))
	}
	whole := list(t, d.DB.Journal().After(t.Context(), "", 0))
	equal(t, "records", len(whole), n)
	for range 5 {
		var cursor journal.Cursor
		var pieces []journal.Record
		for {
			limit := 1 + rand.IntN(9)
			piece := list(t, d.DB.Journal().After(t.Context(), cursor, limit))
			if len(piece) > limit {
				t.Fatalf("%d records for a limit of %d", len(piece), limit)
			}
			if len(piece) == 0 {
				break
			}
			dealt := 1 + rand.IntN(len(piece))
			pieces = append(pieces, piece[:dealt]...)
			cursor = piece[dealt-1].Cursor
		}
		equal(t, "in pieces", pieces, whole)
	}
}

func notYet(t *testing.T, d Database) {
	must(t, rootWriter.save(t.Context(), d.DB, "a", 0, "key"))
	before := list(t, d.DB.Journal().After(t.Context(), "", 0))
	isError(t, "InTx", d.DB.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
		must(t, rootWriter.save(ctx, tx, "b", 0, "key"))
		equal(t, "to the transaction itself", list(t, tx.Journal().After(ctx, "", 0)), before)
		return errGivenUp
	}), errGivenUp)
	must(t, rootWriter.save(t.Context(), d.DB, "c", 0, "key"))
	after := list(t, d.DB.Journal().After(t.Context(), before[0].Cursor, 0))
	equal(t, "after the last cursor", subjects(after), []string{rootWriter.subject("c")})
}

// A transaction writes and stays open while another one commits and the feed is read; where the
// database lets only one of them go on at a time, the others give up waiting and come later.
func lateCommit(t *testing.T, d Database) {
	must(t, rootWriter.save(t.Context(), d.DB, "before", 0, "key")) // whoever writes first may keep others waiting
	late := d.DB.InTx
	if d.Join != nil {
		late = d.Join
	}
	wrote, commit := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := late(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			err := rootWriter.save(ctx, tx, "late", 0, "key")
			close(wrote)
			<-commit
			return err
		}); err != nil {
			t.Error(err)
		}
	})
	<-wrote
	impatient, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	early := rootWriter.save(impatient, d.DB, "early", 0, "key")
	var cursor journal.Cursor
	read := map[string]bool{}
	for r, err := range d.DB.Journal().After(impatient, "", 0) {
		if err == nil {
			cursor, read[r.Subject] = r.Cursor, true
		}
	}
	close(commit)
	wg.Wait()
	if early != nil {
		early = rootWriter.save(t.Context(), d.DB, "early", 0, "key")
	}
	if !errors.Is(early, journal.ErrDuplicate) { // of a wait that was given up too late
		must(t, early)
	}
	for _, r := range list(t, d.DB.Journal().After(t.Context(), cursor, 0)) {
		read[r.Subject] = true
	}
	equal(t, "subjects", read, map[string]bool{rootWriter.subject("before"): true, rootWriter.subject("late"): true, rootWriter.subject("early"): true})
}

func manyWriters(t *testing.T, d Database) {
	const racers, each = 8, 15
	written := make(chan struct{})
	var wg sync.WaitGroup
	for r := range racers {
		wg.Go(func() {
			for n := range each {
				if err := d.DB.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
					first, second := fmt.Sprintf("first %d %d", r, n), fmt.Sprintf("second %d", r)
					if err := rootWriter.save(ctx, tx, first, 0, "key"); err != nil {
						return err
					}
					return rootWriter.save(ctx, tx, second, int64(n), fmt.Sprint("key ", n))
				}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	go func() {
		wg.Wait()
		close(written)
	}()
	var cursor journal.Cursor
	seen, last := map[string]int{}, map[string]int64{}
	for done := false; ; {
		piece := list(t, d.DB.Journal().After(t.Context(), cursor, 5))
		for _, r := range piece {
			cursor = r.Cursor
			seen[r.Subject+" "+r.Key]++
			if r.Seq <= last[r.Subject] {
				t.Errorf("number %d of %s came after %d", r.Seq, r.Subject, last[r.Subject])
			}
			last[r.Subject] = r.Seq
		}
		if len(piece) > 0 {
			continue
		}
		if done {
			break
		}
		select {
		case <-written:
			done = true
		default:
		}
	}
	equal(t, "records", len(seen), racers*each*2)
}

// five writes five entries of a subject, and one of another that is never touched.
func five(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		for n := range int64(5) {
			must(s.t, one(tx.Save(ctx, []storage.Change{rootChange("a", n+1, entry("a", fmt.Sprint("key ", n+1), n+1))})))
		}
		must(s.t, one(tx.Save(ctx, []storage.Change{rootChange("b", 1, entry("b", "key 1", 1))})))
	})
}

// bodies returns the numbers of a subject's entries, the newest first, below zero where they have no
// body.
func bodies(ctx context.Context, s *scene, tx storage.Tx, subject string) (numbers []int64, at map[int64]journal.Cursor) {
	at = map[int64]journal.Cursor{}
	for _, r := range list(s.t, tx.Journal().Of(ctx, subject)) {
		at[r.Seq] = r.Cursor
		n := r.Seq
		if r.Archived() {
			want := entry(subject, fmt.Sprint("key ", r.Seq), r.Seq)
			want.Before, want.Result = nil, nil
			equal(s.t, "what is left of an entry", r.Entry, want)
			n = -n
		}
		numbers = append(numbers, n)
	}
	return numbers, at
}

func stripped(s *scene) {
	five(s)
	strip := func(n int64, seqs ...int64) {
		s.t.Helper()
		s.do(func(ctx context.Context, tx storage.Tx) {
			_, at := bodies(ctx, s, tx, "a")
			var cursors []journal.Cursor
			for _, seq := range seqs {
				cursors = append(cursors, at[seq])
			}
			got, err := tx.Journal().Strip(ctx, cursors)
			must(s.t, err)
			equal(s.t, "stripped", got, n)
		})
	}
	strip(0)
	strip(0, 1)
	strip(2, 2, 3)
	strip(0, 3, 2)
	strip(1, 5)
	s.do(func(ctx context.Context, tx storage.Tx) {
		numbers, _ := bodies(ctx, s, tx, "a")
		equal(s.t, "entries", numbers, []int64{5, -4, 3, -2, -1})
		numbers, _ = bodies(ctx, s, tx, "b")
		equal(s.t, "those of another subject", numbers, []int64{1})
		looks := []storage.Look{{Subject: "a", Key: "key 1"}}
		must(s.t, tx.Load(ctx, looks))
		input := journal.Hash("test", "key 1")
		isError(s.t, "the command again", looks[0].Entry.Replay(input, new(any)), journal.ErrArchived)
		isError(s.t, "another one with its key", looks[0].Entry.Replay([]byte("other"), new(any)), journal.ErrKeyReused)
		isError(s.t, "its key", one(tx.Save(ctx, []storage.Change{rootChange("a", 6, entry("a", "key 1", 6))})), journal.ErrDuplicate)
	})
}

// later has records that are before others by their keys, and come after them in the feed.
func later(s *scene) {
	put := func(keys ...string) {
		for _, key := range keys {
			s.do(func(ctx context.Context, tx storage.Tx) {
				must(s.t, one(tx.Save(ctx, []storage.Change{{Entries: []journal.Entry{entry("a", key, 5)}}})))
			})
		}
	}
	cursors := func(ctx context.Context, tx storage.Tx) (at []journal.Cursor) {
		for _, r := range list(s.t, tx.Journal().Of(ctx, "a")) {
			at = append(at, r.Cursor)
		}
		return at
	}
	put("b", "d")
	var at []journal.Cursor
	s.do(func(ctx context.Context, tx storage.Tx) { at = cursors(ctx, tx) })
	put("a", "c")
	s.do(func(ctx context.Context, tx storage.Tx) {
		n, err := tx.Journal().Strip(ctx, at)
		must(s.t, err)
		equal(s.t, "stripped", n, 1)
		for _, r := range list(s.t, tx.Journal().Of(ctx, "a")) {
			equal(s.t, r.Key+" is archived", r.Archived(), r.Key == "b")
		}
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		_, err := tx.Journal().Strip(ctx, cursors(ctx, tx))
		must(s.t, err)
		n, err := pruneEntries(tx.Journal(), ctx, at)
		must(s.t, err)
		equal(s.t, "pruned", n, 1)
	})
}

func pruned(s *scene) {
	five(s)
	s.do(func(ctx context.Context, tx storage.Tx) {
		_, at := bodies(ctx, s, tx, "a")
		strip := tx.Journal().Strip
		prune := func(ctx context.Context, at []journal.Cursor) (int64, error) {
			return pruneEntries(tx.Journal(), ctx, at)
		}
		for _, c := range []struct {
			name    string
			do      func(context.Context, []journal.Cursor) (int64, error)
			at      []int64
			n       int64
			entries []int64
		}{
			{"what has a body is not pruned", prune, []int64{1, 2, 3, 4, 5}, 0, []int64{5, 4, 3, 2, 1}},
			{"strip", strip, []int64{2, 3, 4}, 3, []int64{5, 4, -3, -2, -1}},
			{"all before one that is there", prune, []int64{2, 3}, 2, []int64{5, 4, -3}},
			{"a cursor whose record is gone", prune, []int64{1, 2}, 0, []int64{5, 4, -3}},
			{"the record before is the one that is left", strip, []int64{5}, 1, []int64{5, -4, -3}},
			{"the last one without a body, at one that has", prune, []int64{4, 5}, 2, []int64{5}},
		} {
			var cursors []journal.Cursor
			for _, seq := range c.at {
				cursors = append(cursors, at[seq])
			}
			got, err := c.do(ctx, cursors)
			must(s.t, err)
			equal(s.t, c.name, got, c.n)
			numbers, _ := bodies(ctx, s, tx, "a")
			equal(s.t, c.name, numbers, c.entries)
		}
		looks := []storage.Look{{Subject: "a", Key: "key 1"}}
		must(s.t, tx.Load(ctx, looks))
		equal(s.t, "the entry of a key", looks[0].Entry, nil)
		must(s.t, one(tx.Save(ctx, []storage.Change{rootChange("a", 6, entry("a", "key 1", 6))})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		numbers, _ := bodies(ctx, s, tx, "a")
		equal(s.t, "entries", numbers, []int64{6, 5})
		numbers, _ = bodies(ctx, s, tx, "b")
		equal(s.t, "those of another subject", numbers, []int64{1})
	})
}
