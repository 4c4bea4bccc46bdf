package ticket

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An Ordering says which pushes of a site are of one order, and in which order they are: those with
// one id are one ticket with its history. The newest one is what the ticket says, whenever it
// comes: first by Version, then by At, then by arrival.
//
// A push is of one order: one whose body is a list of several is refused with ErrOrders. A list of
// one is read at paths like "0.id", and one of the fields of an order at "[name=id].value".
type Ordering struct {
	ID      string `json:"id,omitempty"`      // source of the order's id in the body; "": each push is a ticket
	Version string `json:"version,omitempty"` // source of a whole number that grows with each change; "": there is none
	At      string `json:"at,omitempty"`      // source of the time of the change; "", or where it is none: the time of arrival
}

// Pushed is a push of an order's ticket.
type Pushed struct {
	Event    EventID   `json:"event"`             // id of the push
	Hash     []byte    `json:"hash"`              // SHA-256 of the body
	Version  int64     `json:"version,omitempty"` // that the push says
	At       time.Time `json:"at"`                // that the push says, or else Received
	Received time.Time `json:"received"`          // when it came
	N        int64     `json:"n"`                 // in the order of arrival, from 1
}

const (
	orders    = "order:" // what the ids of orders' tickets begin with
	maxPushes = 200      // of a ticket's history, the newest
)

func (o Ordering) check() error {
	for _, f := range []struct{ field, text string }{{"id", o.ID}, {"version", o.Version}, {"at", o.At}} {
		if f.text == "" {
			continue
		}
		if _, err := compileSource(f.text); err != nil {
			return &errs.InputError{Field: "settings.order." + f.field, Reason: err.Error()}
		}
	}
	if o.ID == "" && o != (Ordering{}) {
		return &errs.InputError{Field: "settings.order.id", Reason: "is missing, which tells orders apart"}
	}
	return nil
}

// of returns the ticket of a push and what the push says of itself. ok is false where it is of no
// order. ErrOrders: it is of several.
func (o Ordering) of(p Push, body []byte, now time.Time) (event EventID, k Pushed, ok bool, err error) {
	if o.ID == "" {
		return "", k, false, nil
	}
	doc, err := parse(body)
	if err != nil {
		return "", k, false, nil
	}
	from, err := compileSource(o.ID)
	if err != nil {
		return "", k, false, nil
	}
	if list, several := doc.([]any); several && len(list) > 1 && !from.chooses() {
		return "", k, false, ErrOrders
	}
	read := func(text string) string {
		s, err := compileSource(text)
		if err != nil {
			return ""
		}
		return s.read(doc)
	}
	id := from.read(doc)
	if id == "" {
		return "", k, false, nil
	}
	k = Pushed{Event: p.Event, Hash: p.Hash, At: now, Received: now}
	if n, err := strconv.ParseInt(read(o.Version), 10, 64); err == nil {
		k.Version = n
	}
	if at, ok := timeOf(read(o.At)); ok {
		k.At = at
	}
	return eventOf(orders, id), k, true, nil
}

// timeOf reads a time as shops write it: RFC 3339, the same without a zone in UTC, or seconds or
// milliseconds since 1970.
func timeOf(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z0700"} {
		if at, err := time.Parse(layout, text); err == nil {
			at = journal.Instant(at)
			return at, !at.IsZero() && valid.Time("at", at) == nil
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return time.Time{}, false
	}
	at := time.Unix(n, 0).UTC()
	if n > 100_000_000_000 { // seconds would be after the year 5138
		at = time.UnixMilli(n).UTC()
	}
	return at, valid.Time("at", at) == nil
}

func (k Pushed) compare(o Pushed) int {
	return cmp.Or(cmp.Compare(k.Version, o.Version), k.At.Compare(o.At), cmp.Compare(k.N, o.N))
}

// newest returns the push that the ticket says.
func (t Ticket) newest() Pushed {
	if len(t.Pushes) == 0 {
		return Pushed{}
	}
	return t.Pushes[len(t.Pushes)-1]
}

// body returns under which id the body that the ticket says is stored.
func (t Ticket) body() ID {
	if k := t.newest(); k.N > 1 {
		return t.ID.push(k)
	}
	return t.ID
}

// push returns under which id the body of a push of an order is stored.
func (id ID) push(k Pushed) ID {
	if k.N > 1 {
		id.Event = EventID(fmt.Sprintf("%s#%d", id.Event, k.N))
	}
	return id
}

// Add decides on one more push of an order's ticket. again reports whether it came before, newest
// whether the ticket says it now. A ticket that somebody has yet to find a target for is Received
// again; others keep their state. ErrBody: another body came under its id.
func (t Ticket) Add(k Pushed, now time.Time) (next Ticket, added Pushed, again, newest bool, err error) {
	for _, was := range t.Pushes {
		if was.Event == k.Event {
			if string(was.Hash) != string(k.Hash) {
				err = ErrBody
			}
			return t, was, true, false, err
		}
	}
	t.Came++
	k.N = t.Came
	t.Pushes = append(slices.Clone(t.Pushes), k)
	slices.SortFunc(t.Pushes, Pushed.compare)
	newest = t.newest().N == k.N
	t.Pushes = t.Pushes[max(0, len(t.Pushes)-maxPushes):]
	t.Updated = now
	if newest {
		t.Hash = k.Hash
		if t.State == Manual && t.Reason != HandedBack {
			t.State, t.Reason = Received, ""
		}
	}
	return t, k, false, newest, nil
}
