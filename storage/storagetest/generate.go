package storagetest

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// The ids of random histories are few, so that their changes meet.
var (
	someKeys  = []string{"k1", "k2", "k3", "k4", "k5", "NULL"}
	someTexts = []string{"", "latte", `a "b", {c}\`, "🙂"}
	someRooms = []string{"", "x", "店"}
)

func pick[V any](h *history, from []V, label string) V {
	return rapid.SampledFrom(from).Draw(h.t, label)
}

func (h *history) upTo(n int, label string) int { return rapid.IntRange(0, n).Draw(h.t, label) }

func (h *history) often(label string) bool { return h.upTo(4, label) > 0 }

// some draws up to n different values of from, at least least of them.
func some[V comparable](h *history, from []V, least, n int, label string) []V {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(from), least, n, rapid.ID[V]).Draw(h.t, label)
}

// step draws a call and runs it on the model.
func (h *history) step(ctx context.Context, model storage.Tx) step {
	return pick(h, []func(context.Context, storage.Tx) step{
		h.save, h.save, h.save, h.loadRows, h.listRows, h.listGuests, h.pruneRows, h.entriesOf, h.takeEntries,
	}, "call")(ctx, model)
}

// version is mostly the one that is stored.
func (h *history) version(stored int64) int64 {
	if h.often("right version") {
		return stored
	}
	return int64(h.upTo(4, "version"))
}

// time is one of a few, or where it may be zero sometimes that.
func (h *history) time(zero bool, label string) time.Time {
	n := h.upTo(10, label)
	if zero && n == 0 {
		return time.Time{}
	}
	return at(int64(n))
}

// A saving draws the changes of one Save, none of which rests on what another one writes.
type saving struct {
	*history
	model    storage.Tx
	chosen   map[string]bool // rows
	subjects map[string]int  // the changes that have their entries
	seats    int             // the change that has guests, from 1
	n        int             // the change that is drawn, from 1
}

// choose reports whether a row was not chosen before.
func (s *saving) choose(row ...any) bool {
	key := fmt.Sprint(row...)
	is := !s.chosen[key]
	s.chosen[key] = true
	return is
}

// save draws any mixture of rows, verbs and entries.
func (h *history) save(ctx context.Context, model storage.Tx) step {
	s := &saving{history: h, model: model, chosen: map[string]bool{}, subjects: map[string]int{}}
	var changes []storage.Change
	for range 1 + h.upTo(3, "changes") {
		s.n++
		changes = append(changes, s.change(ctx))
	}
	return try(ctx, model, "Save", changes, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kinds(tx.Save(ctx, changes))
	})
}

func (s *saving) change(ctx context.Context) (c storage.Change) {
	var own []string // roots of the change
	for range s.upTo(5, "rows") {
		switch s.upTo(8, "row of") {
		case 0, 1, 2:
			if id := pick(s.history, someRoots, "root"); s.choose("root", id) {
				c.Rows, own = append(c.Rows, s.root(ctx, id)), append(own, id)
			}
		case 3, 4:
			c.Rows = append(c.Rows, s.child(ctx, own)...)
		case 5:
			c.Rows = append(c.Rows, s.token(ctx)...)
		case 6:
			c.Rows = append(c.Rows, s.guest(ctx)...)
		case 7:
			c.Rows = append(c.Rows, s.thing()...)
		case 8:
			c.Rows = append(c.Rows, s.number()...)
		}
	}
	used := map[string]bool{}
	for range s.upTo(2, "entries") {
		key := pick(s.history, append(someKeys, "", ""), "key")
		if key != "" && used[key] {
			continue
		}
		used[key] = true
		subject := rootSubject(pick(s.history, someRoots, "subject"))
		if n := cmp.Or(s.subjects[subject], s.n); n != s.n { // which has its root, as no other change of the Save has
			continue
		}
		s.subjects[subject] = s.n
		s.seq++
		e := entry(subject, key, s.seq)
		e.Result = fmt.Appendf(nil, `{"seq": %d}`, s.seq)
		c.Entries = append(c.Entries, e)
	}
	return c
}

func (s *saving) root(ctx context.Context, id string) storage.Row {
	loaded, err := rootWriter.version(ctx, s.model, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return roots.Save(&root{
		ID: id, Version: s.version(loaded) + 1, N: int64(s.upTo(2, "n") - 1), At: s.time(true, "at"), Label: pick(s.history, someTexts, "label"),
		State: rootState{Note: pick(s.history, someTexts, "note"), Due: s.time(true, "due"), Stage: pick(s.history, someStages, "stage")},
	})
}

// child draws what is done with a child: of a root of the change, or of another one.
func (s *saving) child(ctx context.Context, own []string) []storage.Row {
	id, k := pick(s.history, append(own, someRoots...), "root"), int64(1+s.upTo(2, "child"))
	if !s.choose("child", id, k) {
		return nil
	}
	c := &child{id, k, int64(s.upTo(3, "place") - 1), pick(s.history, someTexts, "text")}
	had := child{Root: id, K: k, Place: -9}
	if err := s.model.Load(ctx, []storage.Look{{Reads: []storage.Read{children.Get(&had)}}}); err != nil {
		s.t.Fatal(err)
	}
	switch s.upTo(3, "verb") {
	case 0:
		return []storage.Row{children.Drop(c)}
	case 1:
		return []storage.Row{children.Keep(c)}
	case 2: // only where it is new: a child that is there is no answer, but a mistake
		if len(own) == 1 && own[0] == id && had.Place == -9 {
			return []storage.Row{children.Insert(c)}
		}
	}
	return []storage.Row{children.Put(c)}
}

func (s *saving) token(ctx context.Context) []storage.Row {
	t := &token{Root: pick(s.history, someRoots, "root"), Hash: []byte{byte(s.upTo(2, "hash"))}}
	if !s.choose("token", t.Root, t.Hash) {
		return nil
	}
	if s.upTo(1, "put") == 0 {
		t.Version = int64(10 + 10*s.upTo(2, "version"))
		return []storage.Row{tokens.Put(t)}
	}
	if err := s.model.Load(ctx, []storage.Look{{Reads: []storage.Read{tokens.Get(t)}}}); err != nil {
		s.t.Fatal(err)
	}
	t.Version, t.Used = s.version(t.Version)+1, true
	return []storage.Row{tokens.Save(t)}
}

// guest draws one whose seat may be taken, in one change of the Save alone.
func (s *saving) guest(ctx context.Context) []storage.Row {
	g := &guest{Name: pick(s.history, []string{"a", "b", "c"}, "guest")}
	if s.seats != 0 && s.seats != s.n || !s.choose("guest", g.Name) {
		return nil
	}
	s.seats = s.n
	loaded, err := guestWriter.version(ctx, s.model, g.Name)
	if err != nil {
		s.t.Fatal(err)
	}
	g.Version, g.Room, g.Seat = s.version(loaded)+1, pick(s.history, someRooms, "room"), s.upTo(2, "seat")
	return []storage.Row{guests.Save(g)}
}

func (s *saving) thing() []storage.Row {
	t := oneThing(byte(s.upTo(3, "thing")))
	if !s.choose("thing", t.Hash) {
		return nil
	}
	t.Size = s.upTo(2, "size")
	verbs := []func(*thing) storage.Row{loose.Put, loose.Insert, loose.Keep, loose.Drop, loose.Absent}
	return []storage.Row{verbs[s.upTo(len(verbs)-1, "verb")](&t)}
}

func (s *saving) number() []storage.Row {
	day := int64(s.upTo(2, "day"))
	if s.upTo(1, "bounded") == 0 {
		if !s.choose("sum", s.n, day) { // many changes may add to one
			return nil
		}
		return []storage.Row{sums.Add(&sum{day, int64(s.upTo(4, "a") - 2), 1})}
	}
	if !s.choose("stock", day) {
		return nil
	}
	return []storage.Row{stocks.AddWithin(&stock{"a", int(day), int64(s.upTo(5, "n") - 2)}, int64(s.upTo(4, "most")))}
}

func (h *history) entriesOf(ctx context.Context, model storage.Tx) step {
	subject := rootSubject(pick(h, someRoots, "root"))
	return try(ctx, model, "Journal.Of", subject, func(ctx context.Context, tx storage.Tx) (any, error) {
		return entriesOf(collect(tx.Journal().Of(ctx, subject)))
	})
}

// takeEntries draws records of a subject, and strips or prunes those before them.
func (h *history) takeEntries(ctx context.Context, model storage.Tx) step {
	subject, which := rootSubject(pick(h, someRoots, "root")), h.upTo(7, "which of three")
	do := pick(h, []func(journal.Store, context.Context, []journal.Cursor) (int64, error){
		journal.Store.Strip, journal.Store.Strip, pruneEntries,
	}, "what")
	return try(ctx, model, "Journal.Strip or Prune", subject, func(ctx context.Context, tx storage.Tx) (any, error) {
		records, err := collect(tx.Journal().Of(ctx, subject))
		if err != nil {
			return nil, err
		}
		var at []journal.Cursor
		for i, r := range records {
			if which>>(i%3)&1 == 1 {
				at = append(at, r.Cursor)
			}
		}
		return do(tx.Journal(), ctx, at)
	})
}

func entriesOf(records []journal.Record, err error) ([]journal.Entry, error) {
	var entries []journal.Entry
	for _, r := range records {
		entries = append(entries, r.Entry)
	}
	return entries, err
}
