package loyalty

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Comparison is how members stand by three answers, at one instant.
//
// Next is what the members will see, and Is is what the program is worth. They differ by all that
// was decided already: points stay as they were given, and a metric counts from the publication of
// the version that brings it, so that it is 0 in Next and what it would have been in Is. Where
// levels need a new metric, publish it before them, or give the levels by SetTier.
type Comparison struct {
	Commands int            // how many of the history were run
	Refused  map[string]int // by the text of the error: commands that the definition would have refused
	Was      Standing       // by the version in force
	Next     Standing       // as soon as the definition is published
	Is       Standing       // had it been in force from the beginning
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
		s.Metrics[m.ID] += a.tally(metricTally(m.ID)).Sum(m.window(a.Joined), now, p.zone)
	}
	if a.Merged == "" {
		s.Levels[a.Status.Level]++
	}
	return nil
}

// WhatIf compares how the members of a program stand today with how they would stand by another
// definition of it: once it is published, and had it been in force from the beginning, for which it
// runs all that happened, from the ledgers, through it. It stores nothing. It holds the whole
// history in memory. A command that the other definition refuses is left out, and those that build
// on it may be refused for it. journal.ErrArchived: a part of the history is in an archive.
//
// Commands run in the order of the ledgers of all accounts that they changed, however many share an
// instant, and otherwise in the order of their times. So the definition by which everything
// happened leaves every account as it is stored.
func (e *Engine) WhatIf(ctx context.Context, p *Program) (c Comparison, err error) {
	ctx, call := e.frame.Begin(ctx, "loyalty.whatif", "")
	defer call.End(&err)
	now, id := e.frame.Now(), p.def.ID
	was, err := e.Program(ctx, id, 0)
	if err != nil {
		return c, err
	}
	c = Comparison{Refused: map[string]int{}, Was: stand(), Next: stand(), Is: stand()}
	history, err := e.history(ctx, id, func(a Account) error {
		return errors.Join(c.Was.add(was, was.At(a, now), now), c.Next.add(p, p.At(a, now), now))
	})
	if err != nil {
		return c, fmt.Errorf("loyalty: what if: %w", err)
	}
	s := Simulate(p)
	for _, h := range history {
		c.Commands++
		if _, err := s.do(h.command, h.at); err != nil {
			c.Refused[err.Error()]++
		}
	}
	for a := range s.Accounts(now) {
		if err := c.Is.add(p, a, now); err != nil {
			return c, fmt.Errorf("loyalty: what if: %w", err)
		}
	}
	return c, nil
}

// history returns what happened to all accounts of a program, in an order in which it can have
// happened, and calls each with every account as it is stored.
func (e *Engine) history(ctx context.Context, id ids.Program, each func(Account) error) ([]*past, error) {
	var h history
	for a, err := range (AccountQuery{Program: id}).list(ctx, e.frame.Store) {
		if err != nil {
			return nil, err
		}
		if err := each(a); err != nil {
			return nil, err
		}
		var entries []journal.Entry
		for entry, err := range ledger(ctx, e.frame.Store, a.ID) {
			if err != nil {
				return nil, err
			}
			entries = append(entries, entry)
		}
		slices.Reverse(entries)
		if err := h.add(a.ID, entries); err != nil {
			return nil, err
		}
	}
	return h.ordered()
}

// A past is a command that was run, at its time.
type past struct {
	at      time.Time
	subject string
	seq     int64
	command Command
	own     bool  // the ledger of the account that it was given for was read
	in      []int // the ledgers that tell of it
	waits   int   // in how many of them something before it is to come first
}

// A history is what ledgers tell, each in its order. Both of those that a transfer or a merger
// changed tell of it.
type history struct {
	ledgers [][]*past
	shared  map[bookingKey]*past // by the account that the command was given for, and its key
}

// add adds the ledger of an account, the first entry first.
func (h *history) add(id AccountID, entries []journal.Entry) error {
	n := len(h.ledgers)
	h.ledgers = append(h.ledgers, nil)
	for _, entry := range entries {
		command, of, err := Recorded(entry)
		if err != nil {
			return err
		}
		var x *past
		two := len(command.lookups()) > 1
		if two {
			x = h.shared[bookingKey{of, entry.Key}]
		}
		if x == nil {
			x = &past{command: command}
		}
		if own := !two || of == id; own {
			x.at, x.subject, x.seq, x.own = entry.At, entry.Subject, entry.Seq, true
		}
		if two {
			if h.shared == nil {
				h.shared = map[bookingKey]*past{}
			}
			h.shared[bookingKey{of, entry.Key}] = x
		}
		x.in, x.waits = append(x.in, n), x.waits+1
		h.ledgers[n] = append(h.ledgers[n], x)
	}
	return nil
}

// ordered merges the ledgers: of what comes next in all of its ledgers, the earliest first. The
// other side of a transfer that was stored after the ledger of its sender was read is left out.
func (h *history) ordered() (all []*past, err error) {
	var ready earliest
	next, left := make([]int, len(h.ledgers)), 0
	advance := func(ledger int) {
		if next[ledger] == len(h.ledgers[ledger]) {
			return
		}
		if x := h.ledgers[ledger][next[ledger]]; x.waits > 1 {
			x.waits--
		} else {
			heap.Push(&ready, x)
		}
	}
	for ledger, entries := range h.ledgers {
		left += len(entries)
		advance(ledger)
	}
	for len(ready) > 0 {
		x := heap.Pop(&ready).(*past)
		if x.own {
			all = append(all, x)
		}
		for _, ledger := range x.in {
			left--
			next[ledger]++
			advance(ledger)
		}
	}
	if left > 0 {
		return nil, errors.New("two ledgers tell of the same transfers in different orders; Verify them")
	}
	return all, nil
}

// earliest is a heap of commands by their times.
type earliest []*past

func (h earliest) Len() int { return len(h) }

func (h earliest) Less(i, j int) bool {
	a, b := h[i], h[j]
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.subject, b.subject), cmp.Compare(a.seq, b.seq)) < 0
}

func (h earliest) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *earliest) Push(x any) { *h = append(*h, x.(*past)) }

func (h *earliest) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
