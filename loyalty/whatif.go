package loyalty

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Comparison is how members stand by three answers, at one instant.
//
// Next is what the members will see, and Is is what the program is worth. They differ by all that
// was decided already: points stay as they were given, and a metric counts from the publication of
// the version that brings it, so that it is 0 in Next and what it would have been in Is. Where
// levels need a new metric, publish it before them, or give the levels by SetTier.
type Comparison struct {
	At       time.Time      // the instant
	Members  int            // how many are compared
	Last     ids.Member     // the last of them, for WhatIfQuery.After
	Commands int            // how many of the history were run
	Refused  map[string]int // by the text of the error: commands that the definition would have refused
	Was      Standing       // by the version in force
	Next     Standing       // as soon as the definition is published
	Is       Standing       // had it been in force from the beginning
}

// Add adds the comparison of other members, who come later, at the same instant. ErrOverflow: a sum
// is more than an int64 holds.
func (c *Comparison) Add(part Comparison) error {
	c.At, c.Last = part.At, cmp.Or(part.Last, c.Last)
	c.Members += part.Members
	c.Commands += part.Commands
	c.Refused = counted(c.Refused, part.Refused)
	return errors.Join(c.Was.plus(part.Was), c.Next.plus(part.Next), c.Is.plus(part.Is))
}

// A Standing is what all members hold together, what their metrics come to, and how many are on
// each level.
type Standing struct {
	Totals  map[ids.Currency]Totals // sums of all members
	Metrics map[MetricID]int64      // in the windows of the instant
	Levels  map[ids.Level]int       // how many members are on each
}

// stand returns how nobody stands.
func stand() Standing {
	return Standing{map[ids.Currency]Totals{}, map[MetricID]int64{}, map[ids.Level]int{}}
}

// add adds an account as it is at a time.
func (s *Standing) add(p *Program, a Account, now time.Time) error {
	for _, h := range a.Holdings {
		if err := h.Totals.addTo(s.Totals, h.Currency); err != nil {
			return err
		}
	}
	for _, m := range p.metrics {
		if err := s.measure(m.ID, a.tally(metricTally(m.ID)).Sum(m.window(a.Joined), now, p.zone)); err != nil {
			return err
		}
	}
	if a.Merged == "" {
		s.Levels[a.Status.Level]++
	}
	return nil
}

func (s *Standing) measure(id MetricID, n int64) error {
	sum := s.Metrics[id]
	if !plus(&sum, n) {
		return ErrOverflow
	}
	s.Metrics[id] = sum
	return nil
}

// plus adds how others stand.
func (s *Standing) plus(o Standing) error {
	if s.Totals == nil {
		*s = stand()
	}
	for id, t := range o.Totals {
		if err := t.addTo(s.Totals, id); err != nil {
			return err
		}
	}
	for id, n := range o.Metrics {
		if err := s.measure(id, n); err != nil {
			return err
		}
	}
	s.Levels = counted(s.Levels, o.Levels)
	return nil
}

// counted adds numbers by name.
func counted[K comparable](to, more map[K]int) map[K]int {
	if to == nil {
		to = map[K]int{}
	}
	for k, n := range more {
		to[k] += n
	}
	return to
}

// A WhatIfQuery asks for the comparison of members of a program.
type WhatIfQuery struct {
	After   ids.Member // the member after whom they begin; "": with the first one
	At      time.Time  // the instant; zero: now. Parts of one comparison have the same
	Workers int        // members are compared by so many goroutines; 0: GOMAXPROCS. A bound engine has one
}

// WhatIf compares how the members of a program stand with how they would stand by another
// definition of it: once it is published, and had it been in force from the beginning, for which it
// runs all that happened, from the ledgers, through it. It stores nothing. A command that the other
// definition refuses is left out, and those that build on it may be refused for it.
//
// It yields one part after the other, in the order of members, to be added up by Comparison.Add:
// the sum is that of all, and tells how far it is. To go on after a break or an error, give Last of
// the sum as After, and its At. An error is the last thing that it yields: of the database, of ctx,
// ErrUnknownProgram, and journal.ErrArchived where a part of the history is in an archive.
//
// Members whom transfers and mergers join, over however many others, are run together, and count
// with the first of them in Commands, Refused and Is. Memory holds what happened to the largest
// such group, once a worker. What happens after the instant is left out, but for accounts in Was
// and Next, which are as they are stored when they are read.
//
// Commands run in the order of the ledgers of all accounts that they changed, however many share an
// instant, and otherwise in the order of their times. So the definition by which everything
// happened leaves every account as it is stored.
func (e *Engine) WhatIf(ctx context.Context, p *Program, q WhatIfQuery) iter.Seq2[Comparison, error] {
	return func(yield func(Comparison, error) bool) {
		var err error
		ctx, call := e.frame.Begin(ctx, "loyalty.whatif", "")
		defer call.End(&err)
		for c, failed := range e.whatIf(ctx, p, q) {
			if failed != nil {
				err = fmt.Errorf("loyalty: what if: %w", failed)
				yield(Comparison{}, err)
				return
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

func (e *Engine) whatIf(ctx context.Context, p *Program, q WhatIfQuery) iter.Seq2[Comparison, error] {
	return func(yield func(Comparison, error) bool) {
		if err := cmp.Or(valid.OptionalID("after", q.After), valid.Time("at", q.At)); err != nil {
			yield(Comparison{}, err)
			return
		}
		at := journal.Instant(q.At)
		if q.At.IsZero() {
			at = e.frame.Now()
		}
		id := p.def.ID
		was, err := e.Program(ctx, id, 0)
		if err != nil {
			yield(Comparison{}, err)
			return
		}
		groups, err := lru.New[ids.Member, ids.Member](maxGroups)
		if err != nil {
			panic(err)
		}
		w := &whatIf{Engine: e, was: was, next: p, at: at, groups: groups}
		parts := func(ctx context.Context) iter.Seq2[span, error] { return e.spans(ctx, id, q.After, nil) }
		for c, err := range inOrder(ctx, e.workers(q.Workers), parts, w.compare) {
			if (err != nil || c.Members > 0) && !yield(c, err) {
				return
			}
		}
	}
}

// A whatIf is a comparison under way. It is safe for concurrent use.
type whatIf struct {
	*Engine
	was, next *Program
	at        time.Time
	groups    *lru.Cache[ids.Member, ids.Member] // some members who are joined to others, and one who comes before them
}

// maxGroups bounds the members of whom it is remembered that others come before them.
const maxGroups = 100_000

// compare compares the members of a span.
func (w *whatIf) compare(ctx context.Context, part span) (Comparison, error) {
	c := Comparison{At: w.at, Refused: map[string]int{}, Was: stand(), Next: stand(), Is: stand()}
	for _, u := range part.unread {
		return c, fmt.Errorf("%s: %w", u.member, u.err)
	}
	members := make([]AccountID, len(part.rows))
	for i, row := range part.rows {
		members[i] = row.ID
		if err := errors.Join(c.Was.add(w.was, w.was.At(row.Account, w.at), w.at), c.Next.add(w.next, w.next.At(row.Account, w.at), w.at)); err != nil {
			return c, err
		}
		c.Members, c.Last = c.Members+1, row.ID.Member
	}
	for l, err := range w.pasts(ctx, members, nil) {
		if err != nil {
			return c, err
		}
		all, first, err := w.group(ctx, l)
		if err == nil && first {
			err = w.run(all, &c)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// run runs what happened to a group of members.
func (w *whatIf) run(group []pastLedger, c *Comparison) error {
	var h history
	for _, l := range group {
		h.add(l)
	}
	commands, err := h.ordered()
	if err != nil {
		return err
	}
	s := Simulate(w.next)
	for _, x := range commands {
		c.Commands++
		if _, err := s.do(x.command, x.at); err != nil {
			c.Refused[err.Error()]++
		}
	}
	for a := range s.Accounts(w.at) {
		if err := c.Is.add(w.next, a, w.at); err != nil {
			return err
		}
	}
	return nil
}

// group returns the ledgers of a member and of all who are joined to it. first reports whether no
// other one of them comes before it; else nothing is returned.
func (w *whatIf) group(ctx context.Context, l pastLedger) (all []pastLedger, first bool, err error) {
	own := l.id.Member
	known := map[ids.Member]bool{own: true}
	// before remembers and reports whether a member of the group comes before its own.
	before := func(m ids.Member) bool {
		if m >= own {
			earlier, ok := w.groups.Get(m)
			if !ok || earlier >= own {
				return false
			}
			m = earlier
		}
		w.remember(known, own, m)
		return true
	}
	all = []pastLedger{l}
	for read := 0; read < len(all); {
		var next []AccountID
		for ; read < len(all); read++ {
			for _, m := range slices.Sorted(maps.Keys(all[read].peers)) {
				if before(m) {
					return nil, false, nil
				}
				if !known[m] {
					known[m] = true
					next = append(next, AccountID{l.id.Program, m})
				}
			}
		}
		if len(next) == 0 {
			break
		}
		for l, err := range w.pasts(ctx, next, before) {
			if err != nil || l.left {
				return nil, false, err
			}
			all = append(all, l)
		}
	}
	clear(known)
	for _, l := range all { // one with a single peer leads nowhere else
		known[l.id.Member] = len(l.peers) > 1
	}
	maps.DeleteFunc(known, func(_ ids.Member, leads bool) bool { return !leads })
	w.remember(known, own, own)
	return all, true, nil
}

// remember notes that of members who are joined to one another, first comes before all but own.
func (w *whatIf) remember(members map[ids.Member]bool, own, first ids.Member) {
	for m := range members {
		if m != own {
			w.groups.Add(m, first)
		}
	}
}

// pasts yields the ledgers of members, in their order, up to the instant. It ends with the first of
// which leave returns true for a peer, as far as that was read.
func (w *whatIf) pasts(ctx context.Context, members []AccountID, leave func(ids.Member) bool) iter.Seq2[pastLedger, error] {
	return func(yield func(pastLedger, error) bool) {
		subjects := make([]string, len(members))
		for i, id := range members {
			subjects[i] = id.Subject()
		}
		at := 0
		l := pastLedger{peers: map[ids.Member]bool{}}
		end := func() bool {
			l.id = members[at]
			done := l
			at, l = at+1, pastLedger{peers: map[ids.Member]bool{}}
			return yield(done, nil)
		}
		for r, err := range w.frame.Store.Journal().Of(ctx, subjects...) {
			if err != nil {
				yield(l, err)
				return
			}
			for r.Subject != subjects[at] {
				if !end() {
					return
				}
			}
			if r.At.After(w.at) {
				continue
			}
			l.id = members[at]
			peer, err := l.add(r.Entry)
			if err != nil {
				yield(l, err)
				return
			}
			if leave != nil && peer != "" && leave(peer) {
				l.left = true
				yield(l, nil)
				return
			}
		}
		for at < len(members) && end() {
		}
	}
}
