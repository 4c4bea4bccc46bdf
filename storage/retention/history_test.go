package retention_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/relay"
	"github.com/scrmkit/scrmkit/storage/retention"
)

// noon is when the clocks of tests begin.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// A shop has points of a few members, whose journal is kept small.
type shop struct {
	db     storage.DB
	now    time.Time
	points *loyalty.Engine
	crm    *relay.Relay
	down   bool            // the CRM
	poison map[string]bool // subjects that it never takes
	handed map[string]int  // entries that it has, with their bodies
	old    *retention.Retention

	late   *relay.Relay    // begins when archives were written; nil: not yet
	told   map[string]bool // entries that it has, and those that had no body when it began
	unread [][]byte        // archives that were not stripped

	archives [][]byte                    // that were stripped, also in part
	written  map[string]journal.Entry    // every entry, by its subject and number
	pruned   map[string]bool             // those of them that are gone
	done     map[string]loyalty.Outcome  // first results, by keys
	commands map[string]loyalty.Adjust   // by keys
	heads    map[ids.Member]loyalty.Head // that were kept now and then
}

func name(e journal.Entry) string { return fmt.Sprint(e.Subject, "#", e.Seq) }

// open returns a shop with a program.
func open(t fataler, db storage.DB) *shop {
	s := &shop{
		db: db, now: noon, poison: map[string]bool{}, handed: map[string]int{}, written: map[string]journal.Entry{}, pruned: map[string]bool{},
		done: map[string]loyalty.Outcome{}, commands: map[string]loyalty.Adjust{}, heads: map[ids.Member]loyalty.Head{},
	}
	clock := func() time.Time { return s.now }
	s.points = loyalty.New(db, &loyalty.Options{Now: clock})
	_, err := s.points.Publish(context.Background(), loyalty.Definition{ID: "club", Version: 1, Zone: "UTC", Currencies: []loyalty.Currency{{ID: "points"}}})
	must(t, err)
	s.crm, err = relay.New(db, "crm", s.hand, &relay.Options{Now: clock, Batch: 7, Workers: 2, Backoff: time.Minute})
	must(t, err)
	s.keep(t, 20, s.crm)
	return s
}

// keep has the journal kept small from now on, for relays.
func (s *shop) keep(t fataler, limit int, relays ...*relay.Relay) {
	var err error
	s.old, err = retention.New(s.db, &retention.Options{
		Relays: relays, Batch: 3, Limit: limit, Pruned: s.points.Forget, Now: func() time.Time { return s.now },
	})
	must(t, err)
}

// begin begins the late relay.
func (s *shop) begin(t fataler) {
	s.told = map[string]bool{}
	for r, err := range s.db.Journal().After(context.Background(), "", 0) {
		must(t, err)
		s.told[name(r.Entry)] = r.Archived()
	}
	var err error
	s.late, err = relay.New(s.db, "late", func(_ context.Context, _ string, r journal.Record) error {
		s.told[name(r.Entry)] = true
		return nil
	}, &relay.Options{Now: func() time.Time { return s.now }, Batch: 4, Workers: 1})
	must(t, err)
}

// strip strips an archive, where relays have all of it.
func (s *shop) strip(t fataler, file []byte) {
	switch _, err := s.old.Strip(context.Background(), opener(file)); {
	case errors.Is(err, retention.ErrNeeded):
		s.unread = append(s.unread, file)
	default:
		must(t, err)
		s.archives = append(s.archives, file)
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func must(t fataler, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}

var mu = make(chan struct{}, 1)

func (s *shop) hand(_ context.Context, _ string, r journal.Record) error {
	mu <- struct{}{}
	defer func() { <-mu }()
	switch {
	case s.poison[r.Subject]:
		return relay.ErrPoison
	case s.down:
		return errors.New("the CRM is down")
	case r.Archived():
		return fmt.Errorf("%w: it has no body", relay.ErrPoison)
	}
	s.handed[name(r.Entry)]++
	return nil
}

// note takes note of the entries that are new.
func (s *shop) note(t fataler) {
	for r, err := range s.db.Journal().After(context.Background(), "", 0) {
		must(t, err)
		if _, known := s.written[name(r.Entry)]; !known {
			s.written[name(r.Entry)] = r.Entry
		}
	}
}

func account(m ids.Member) loyalty.AccountID { return loyalty.AccountID{Program: "club", Member: m} }

// adjust gives points by a key. A command that comes again has its first answer, as long as anybody
// has it.
func (s *shop) adjust(t fataler, c loyalty.Adjust) {
	out, err := s.points.Adjust(context.Background(), c)
	first, again := s.done[c.Key]
	switch {
	case again && s.pruned[name(journal.Entry{Subject: c.Account.Subject(), Seq: first.Seq})]:
		must(t, err) // it was run again
	case again:
		if err == nil && out.Replayed {
			out.Replayed = false
			if !cmp.Equal(out, first) {
				t.Fatalf("%s again: %+v, was %+v", c.Key, out, first)
			}
		} else if !errors.Is(err, journal.ErrArchived) {
			t.Fatalf("%s again: %+v, %v", c.Key, out, err)
		}
		return
	default:
		must(t, err)
	}
	s.done[c.Key], s.commands[c.Key] = out, c
}

// archive writes one; nil: there was nothing.
func (s *shop) archive(t fataler, before time.Time) (file []byte, more bool) {
	var b bytes.Buffer
	segment, err := s.old.Archive(context.Background(), &b, before)
	must(t, err)
	if segment.Entries == 0 {
		return nil, false
	}
	return b.Bytes(), segment.More
}

func opener(file []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file)), nil }
}

// prune prunes, and takes note of what is gone.
func (s *shop) prune(t fataler, before time.Time) {
	n, err := s.old.Prune(context.Background(), before)
	must(t, err)
	there := map[string]bool{}
	for r, err := range s.db.Journal().After(context.Background(), "", 0) {
		must(t, err)
		there[name(r.Entry)] = true
	}
	for id, e := range s.written {
		if !there[id] && !s.pruned[id] {
			n--
			if s.pruned[id] = true; !e.At.Before(before) {
				t.Fatalf("%s is gone, which is of %v, and not before %v", id, e.At, before)
			}
		}
	}
	if n != 0 {
		t.Fatalf("%d more entries were pruned than are gone", n)
	}
}

// check is what holds at any time.
func (s *shop) check(t fataler) {
	ctx := context.Background()
	kept := map[string]journal.Entry{} // with their bodies
	audit := loyalty.NewArchive(nil)
	for _, file := range s.archives {
		var records []journal.Record
		for r, err := range retention.Read(bytes.NewReader(file)) {
			must(t, err)
			if _, again := kept[name(r.Entry)]; !again {
				records = append(records, r)
			}
			kept[name(r.Entry)] = r.Entry
		}
		must(t, audit.Read(func(yield func(journal.Record, error) bool) {
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
		}))
	}
	newest := map[string]journal.Entry{}
	for r, err := range s.db.Journal().After(ctx, "", 0) {
		must(t, err)
		if newest[r.Subject].Seq < r.Seq {
			newest[r.Subject] = r.Entry
		}
		if r.Archived() {
			want := s.written[name(r.Entry)]
			want.Before, want.Result = nil, nil
			same(t, "what is left of an entry", r.Entry, want)
			if !s.poison[r.Subject] && s.handed[name(r.Entry)] == 0 {
				t.Fatalf("%s has lost its body before it was handed over", name(r.Entry))
			}
			if s.late != nil && !s.told[name(r.Entry)] {
				t.Fatalf("%s has lost its body before the late relay had it", name(r.Entry))
			}
			continue
		}
		kept[name(r.Entry)] = r.Entry
	}
	for id, e := range newest {
		if e.Archived() {
			t.Fatalf("%s, the newest entry, has no body", id)
		}
	}
	for id, e := range s.written {
		same(t, id, kept[id], e)
	}
	for a, err := range s.points.Accounts(ctx, loyalty.AccountQuery{Program: "club"}) {
		must(t, err)
		heads := []loyalty.Head{s.heads[a.ID.Member]}
		if h, ok := audit.Head(a.ID); ok {
			heads = append(heads, h)
		}
		must(t, s.points.Verify(ctx, a.ID, slices.DeleteFunc(heads, func(h loyalty.Head) bool { return h.Seq == 0 })...))
		must(t, audit.Verify(ctx, s.points, a.ID))
	}
}

func same(t fataler, what string, got, want journal.Entry) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// TestHistories: whatever is archived, stripped, stripped again, pruned and put aside meanwhile, each
// body is in the database or in an archive, a command is not run twice, ledgers verify, and a relay
// has all that it hands over.
func TestHistories(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		shops := 0
		rapid.Check(t, func(t *rapid.T) {
			shops++
			s := open(t, db.Tenant(fmt.Sprint("shop ", shops)))
			ctx, keys := context.Background(), 0
			members := []ids.Member{"alice", "bob", "carol"}
			for range rapid.IntRange(1, 40).Draw(t, "steps") {
				if rapid.IntRange(0, 4).Draw(t, "check") == 0 {
					s.check(t)
				}
				before := s.now.Add(-time.Duration(rapid.SampledFrom([]int{0, 0, 1, 3, 6, 12, 20}).Draw(t, "days")) * day)
				switch rapid.IntRange(0, 13).Draw(t, "step") {
				case 0, 1, 2, 3:
					for range rapid.IntRange(1, 6).Draw(t, "commands") {
						keys++
						c := loyalty.Adjust{Account: account(rapid.SampledFrom(members).Draw(t, "member")), N: int64(keys), Reason: "gift", Key: fmt.Sprint("key", keys)}
						s.adjust(t, c)
					}
					s.note(t)
					s.now = s.now.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "pass")) * day)
				case 4:
					s.now = s.now.Add(time.Duration(rapid.IntRange(1, 10).Draw(t, "pass")) * day)
				case 5, 6:
					if file, _ := s.archive(t, before); file != nil && rapid.Bool().Draw(t, "now") {
						s.strip(t, file)
					} else if file != nil {
						s.unread = append(s.unread, file)
					}
				case 7:
					if all := slices.Concat(s.archives, s.unread); len(all) > 0 {
						s.strip(t, rapid.SampledFrom(all).Draw(t, "archive"))
					}
				case 12:
					s.keep(t, rapid.IntRange(1, 20).Draw(t, "limit"), slices.DeleteFunc([]*relay.Relay{s.crm, s.late}, func(r *relay.Relay) bool { return r == nil })...)
				case 13:
					if s.late == nil {
						s.begin(t)
						s.keep(t, 20, s.crm, s.late)
					}
					_, err := s.late.Step(ctx)
					must(t, err)
				case 8:
					s.prune(t, before)
				case 9:
					s.down = rapid.IntRange(0, 2).Draw(t, "down") == 0
					for more := true; more; {
						turn, err := s.crm.Step(ctx)
						must(t, err)
						more = turn.More
					}
				case 10:
					if rapid.IntRange(0, 9).Draw(t, "poison") == 0 {
						s.poison[account("carol").Subject()] = true
					}
					for a, err := range s.points.Accounts(ctx, loyalty.AccountQuery{Program: "club"}) {
						must(t, err)
						s.heads[a.ID.Member] = loyalty.Head{Member: a.ID.Member, Seq: a.Seq, Hash: a.Hash}
					}
				case 11:
					if len(s.commands) > 0 {
						s.adjust(t, s.commands[rapid.SampledFrom(slices.Sorted(maps.Keys(s.commands))).Draw(t, "key")])
						s.note(t)
					}
				}
			}
			s.check(t)
		})
	})
}
