package loyalty

import (
	"cmp"
	"container/heap"
	"errors"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A past is a command that was run, at its time.
type past struct {
	at      time.Time
	subject string
	seq     int64
	key     string
	command Command
	of      AccountID // that the command was given for
	own     bool      // the ledger of the account that it was given for was read
	in      []int     // the ledgers that tell of it
	waits   int       // in how many of them something before it is to come first
}

// A pastLedger is what happened to an account.
type pastLedger struct {
	id      AccountID
	entries []*past             // the newest first
	peers   map[ids.Member]bool // who have a command in common with it
	left    bool                // it was not read to its end
}

// add adds the entry before the last one. It returns the member who has the command in common, if
// there is one.
func (l *pastLedger) add(e journal.Entry) (peer ids.Member, err error) {
	command, of, err := Recorded(e)
	if err != nil {
		return "", err
	}
	l.entries = append(l.entries, &past{at: e.At, subject: e.Subject, seq: e.Seq, key: e.Key, command: command, of: of})
	for _, n := range command.lookups() {
		if m := n.Account.Member; m != l.id.Member {
			peer = m
			l.peers[m] = true
		}
	}
	return peer, nil
}

// A history is what ledgers tell, each in its order. Both of those that a transfer or a merger
// changed tell of it.
type history struct {
	ledgers [][]*past
	shared  map[bookingKey]*past // by the account that the command was given for, and its key
}

// add adds the ledger of an account.
func (h *history) add(l pastLedger) {
	n := len(h.ledgers)
	h.ledgers = append(h.ledgers, nil)
	for _, e := range slices.Backward(l.entries) {
		x, two := e, len(e.command.lookups()) > 1
		x.own = !two || e.of == l.id
		if two {
			if h.shared == nil {
				h.shared = map[bookingKey]*past{}
			}
			name := bookingKey{e.of, e.key}
			if other := h.shared[name]; other != nil {
				if x.own {
					other.at, other.subject, other.seq, other.own = x.at, x.subject, x.seq, true
				}
				x = other
			}
			h.shared[name] = x
		}
		x.in, x.waits = append(x.in, n), x.waits+1
		h.ledgers[n] = append(h.ledgers[n], x)
	}
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
