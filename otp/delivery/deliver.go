package delivery

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/outbox"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// record is how long it may take to store what came of a message.
const record = 10 * time.Second

// Deliver hands over what is pending, one message after the other, and returns how many were handed
// over. It ends once nothing is pending that was when it began; or where ctx ends, with the message
// that is under way, which takes SendTimeout at most. Any number of calls, in any number of
// processes, share the work; no two hand over the same message.
//
// What came of each message is stored, and told by Status. One that the sender throttled, or that
// failed for the sender's settings, an empty account or a vendor that can't be reached, is pending
// again until its code expires, or TellWithin has passed. One whose code was replaced, proved or has
// expired is dropped. One of which it is not known whether it was handed over, as after a time-out,
// or the end of a process in between, is not sent again; Receive settles it.
//
// The error is the database's or that of ctx; or it joins an error for each fault that whoever runs
// the service is to hear of: message.ErrSettings, message.ErrBalance, message.ErrUnavailable. What
// was handed over stays so after any.
//
// A service calls it for each tenant in a goroutine of its own, with a ticker of a second, and
// after a Send to be quicker. A request does not wait for it, for silent messages take no time and
// others do.
func (e *Engine) Deliver(ctx context.Context, s message.Sender) (n int, err error) {
	ctx, call := e.frame.Begin(ctx, string(KindDeliver), "")
	defer call.End(&err)
	if e.frame.Bound {
		return 0, fmt.Errorf("%s: messages are sent outside of a transaction, whose rollback would send them again", KindDeliver)
	}
	box := outbox.Box[leased]{Due: e.due, Take: e.take, Send: func(ctx context.Context, m leased) outbox.Outcome { return e.send(ctx, s, m) }, Settle: e.settle}
	if n, err = box.Deliver(ctx, e.frame.Now()); err != nil {
		return n, fmt.Errorf("%s: %w", KindDeliver, err)
	}
	return n, nil
}

// A leased is a message that is being handed over, with its contents.
type leased struct {
	note
	contents
}

func (e *Engine) due(ctx context.Context, start time.Time) (all []leased, err error) {
	var due []note
	r := storage.Range{To: start.Add(time.Microsecond), Limit: outbox.Look}
	if err := e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{byDue.All(&due, r)}}}); err != nil {
		return nil, err
	}
	for _, n := range due {
		all = append(all, leased{note: n})
	}
	return all, nil
}

func (e *Engine) take(ctx context.Context, m leased) (leased, bool, error) {
	now := e.frame.Now()
	next, c, err := e.begin(ctx, m.note, now)
	if err == nil {
		err = e.put(ctx, KindDeliver, &next, now)
	}
	if errors.Is(err, journal.ErrConflict) {
		return leased{}, false, nil
	}
	return leased{next, c}, next.State == StateSending, err
}

// begin returns what is to be stored of a message that is due, and its contents where it is to be
// sent.
func (e *Engine) begin(ctx context.Context, n note, now time.Time) (note, contents, error) {
	if n.State == StateSending {
		return n.to(StateUnknown, time.Time{}, now), contents{}, nil
	}
	r := recipient{Hash: n.Recipient}
	if err := e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{recipients.Get(&r)}}}); err != nil {
		return note{}, contents{}, err
	}
	var c contents
	text, err := e.keys.Open(n.KeyID, n.Sealed, noteContext(e.frame.Tenant(), n.Ref))
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	switch {
	case err != nil:
		n.Reason = "the key that it is sealed with is gone"
	case c.Code == "" && now.Before(n.Expires), r.carries(n.Ref, now):
		return n.lease(now), c, nil
	}
	return n.to(StateDropped, time.Time{}, now), contents{}, nil
}

// send hands a message over.
func (e *Engine) send(ctx context.Context, s message.Sender, n leased) outbox.Outcome {
	ctx, cancel := context.WithTimeout(ctx, SendTimeout)
	defer cancel()
	m := message.Message{Ref: n.Ref, Channel: n.Channel, To: string(n.Address), Template: n.Template, Language: n.Language}
	secrets := []string{n.Address.telltale()}
	if n.Code != "" {
		minutes := (n.Expires.Sub(e.frame.Now()) + time.Minute - 1) / time.Minute
		m.Vars = []message.Var{{Name: "code", Value: n.Code}, {Name: "minutes", Value: strconv.Itoa(int(max(minutes, 1)))}}
		secrets = append(secrets, n.Code)
	}
	id, err := s.Send(ctx, m)
	return outbox.OutcomeOf(id, err, secrets...)
}

// settle stores what came of a message.
func (e *Engine) settle(ctx context.Context, m leased, o outbox.Outcome) error {
	ctx, cancel := context.WithTimeout(ctx, record)
	defer cancel()
	return e.change(ctx, KindDeliver, m.Ref, func(stored note, now time.Time) (note, bool) { return stored.settle(m.Tries, o, now) })
}

// put stores the next version of a message, and tells of it where it has ended.
func (e *Engine) put(ctx context.Context, kind journal.Kind[Status], n *note, now time.Time) error {
	n.Version++
	change := storage.Change{Rows: []storage.Row{notes.Save(n)}}
	if n.Due.IsZero() {
		change.Entries = []journal.Entry{n.ended(kind, now)}
	}
	return e.store(ctx, change)
}

// change changes the message with a reference, as f says. ErrUnknownMessage: there is none.
func (e *Engine) change(ctx context.Context, kind journal.Kind[Status], ref string, f func(n note, now time.Time) (note, bool)) error {
	now := e.frame.Now()
	return combine.Retry(ctx, func() error {
		n, err := e.find(ctx, ref)
		if err != nil {
			return err
		}
		next, changed := f(n, now)
		if !changed {
			return nil
		}
		return e.put(ctx, kind, &next, now)
	})
}

// find loads a message. ErrUnknownMessage: there is none.
func (e *Engine) find(ctx context.Context, ref string) (note, error) {
	n := note{Ref: ref}
	if err := e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{notes.Get(&n)}}}); err != nil {
		return note{}, err
	}
	if n.Version == 0 {
		return note{}, ErrUnknownMessage
	}
	return n, nil
}

// Receive records a receipt, and settles what became of a message of which it was unknown. The
// message is that of the Ref or, where the vendor hands none back, that of the ID, which one that is
// unknown does not have. A receipt that comes again changes nothing; of contrary ones the one that
// says delivered counts. Whoever calls it believes that the vendor sent it. Errors:
// *errs.InputError; ErrUnknownMessage.
func (e *Engine) Receive(ctx context.Context, r message.Receipt) (err error) {
	ctx, call := e.frame.Begin(ctx, string(KindReceive), "")
	defer call.End(&err)
	if r.Ref == "" && r.ID != "" {
		r.Ref, err = e.refOf(ctx, r.ID)
	}
	if err = cmp.Or(err, valid.ID("ref", r.Ref)); err == nil {
		err = e.change(ctx, KindReceive, r.Ref, func(n note, now time.Time) (note, bool) { return n.receive(r.Delivered, now) })
	}
	if err != nil {
		return fmt.Errorf("%s: %w", KindReceive, err)
	}
	return nil
}

// refOf returns the reference of the message that a vendor has by an id. ErrUnknownMessage: there
// is none.
func (e *Engine) refOf(ctx context.Context, vendorID string) (string, error) {
	if err := valid.ID("id", vendorID); err != nil {
		return "", err
	}
	var n note
	err := e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{byVendorID.First(&n, storage.Range{Prefix: []any{vendorID}})}}})
	if err == nil && n.Version == 0 {
		err = ErrUnknownMessage
	}
	return n.Ref, err
}

// A Status is what has become of a message, for whoever helps those that got none. It does not hold
// the address or the code, but says whether a message was silent: it is not for whoever asked for
// the code.
type Status struct {
	Ref      string          `json:"ref"`                // of the message
	State    State           `json:"state"`              // what has become of it
	Channel  message.Channel `json:"channel"`            // way
	Purpose  Purpose         `json:"purpose"`            // what its code allows
	Template string          `json:"template"`           // what it says
	Made     time.Time       `json:"made"`               // when its code was made
	Expires  time.Time       `json:"expires"`            // its code is good before it
	Changed  time.Time       `json:"changed"`            // when State became what it is
	Tries    int             `json:"tries"`              // how often it was begun to hand it over
	VendorID string          `json:"vendorID,omitempty"` // id that the vendor has of it
	Reason   string          `json:"reason,omitempty"`   // why it was not sent at the last try
}

func (n note) status() Status {
	return Status{
		Ref: n.Ref, State: n.State, Channel: n.Channel, Purpose: n.Purpose, Template: n.Template, Made: n.Made, Expires: n.Expires,
		Changed: n.Changed, Tries: n.Tries, VendorID: n.ID, Reason: n.Reason,
	}
}

// Status returns what has become of a message. Errors: *errs.InputError; ErrUnknownMessage.
func (e *Engine) Status(ctx context.Context, ref string) (Status, error) {
	err := valid.ID("ref", ref)
	var n note
	if err == nil {
		n, err = e.find(ctx, ref)
	}
	if err != nil {
		return Status{}, fmt.Errorf("delivery.status: %w", err)
	}
	return n.status(), nil
}
