package loyalty

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Command is one of the structs that an Engine or a Simulation runs: Earn, Redeem, Reserve,
// Capture, Release, Activate, Adjust, Transfer, Refund, Return, Expire, SetTier, Import or Merge.
type Command interface {
	check() error
	kind() journal.Kind[Outcome] // of the journal's entry
	who() string                 // did it
	// lookups names the accounts that the command changes, with what it needs of them: its own, and
	// for some another one.
	lookups() []lookup
	// decide runs it on what was found for its lookups.
	decide(p *Program, found []loaded, now time.Time) (Decision, error)
}

func (c Earn) kind() journal.Kind[Outcome]     { return KindEarn }
func (c Redeem) kind() journal.Kind[Outcome]   { return KindRedeem }
func (c Reserve) kind() journal.Kind[Outcome]  { return KindReserve }
func (c Capture) kind() journal.Kind[Outcome]  { return KindCapture }
func (c Release) kind() journal.Kind[Outcome]  { return KindRelease }
func (c Activate) kind() journal.Kind[Outcome] { return KindActivate }
func (c Adjust) kind() journal.Kind[Outcome]   { return KindAdjust }
func (c Transfer) kind() journal.Kind[Outcome] { return KindTransfer }
func (c Refund) kind() journal.Kind[Outcome]   { return KindRefund }
func (c Return) kind() journal.Kind[Outcome]   { return KindReturn }
func (c Expire) kind() journal.Kind[Outcome]   { return KindExpire }
func (c SetTier) kind() journal.Kind[Outcome]  { return KindTier }
func (c Import) kind() journal.Kind[Outcome]   { return KindImport }
func (c Merge) kind() journal.Kind[Outcome]    { return KindMerge }

func (c Earn) who() string     { return c.By }
func (c Redeem) who() string   { return c.By }
func (c Reserve) who() string  { return c.By }
func (c Capture) who() string  { return c.By }
func (c Release) who() string  { return c.By }
func (c Activate) who() string { return c.By }
func (c Adjust) who() string   { return c.By }
func (c Transfer) who() string { return c.By }
func (c Refund) who() string   { return c.By }
func (c Return) who() string   { return c.By }
func (c Expire) who() string   { return "" }
func (c SetTier) who() string  { return c.By }
func (c Import) who() string   { return c.By }
func (c Merge) who() string    { return c.By }

func one(id AccountID, key string) []lookup { return []lookup{{Account: id, Key: key}} }

func (c Earn) lookups() []lookup    { return one(c.Account, c.Key) }
func (c Redeem) lookups() []lookup  { return one(c.Account, c.Key) }
func (c Reserve) lookups() []lookup { return one(c.Account, c.Key) }
func (c Capture) lookups() []lookup { return one(c.Account, c.Key) }
func (c Release) lookups() []lookup { return one(c.Account, c.Key) }
func (c Adjust) lookups() []lookup  { return one(c.Account, c.Key) }
func (c Expire) lookups() []lookup  { return one(c.Account, c.Key) }
func (c SetTier) lookups() []lookup { return one(c.Account, c.Key) }
func (c Import) lookups() []lookup  { return one(c.Account, c.Key) }

func (c Transfer) lookups() []lookup { return two(c.Account, c.To, c.Key) }
func (c Merge) lookups() []lookup    { return two(c.Account, c.To, c.Key) }

func two(id AccountID, to ids.Member, key string) []lookup {
	return []lookup{{Account: id, Key: key}, {Account: AccountID{id.Program, to}, Key: key}}
}

func (c Refund) lookups() []lookup { return []lookup{{Account: c.Account, Booking: c.Of, Key: c.Key}} }
func (c Activate) lookups() []lookup {
	return []lookup{{Account: c.Account, Booking: c.Of, Key: c.Key}}
}

func (c Return) lookups() []lookup { return []lookup{{Account: c.Account, Booking: c.Of, Key: c.Key}} }

func (c Earn) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return p.Earn(found[0].Account, c.Event, now)
}

func (c Redeem) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return p.Redeem(found[0].Account, c, now)
}

func (c Reserve) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return p.Reserve(found[0].Account, c, now)
}

func (c Capture) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return p.Capture(found[0].Account, c, now)
}

func (c Release) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return p.Release(found[0].Account, c, now)
}

func (c Adjust) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return p.Adjust(found[0].Account, c, now)
}

func (c Transfer) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return both(p.Transfer(found[0].Account, found[1].Account, c, now))
}

func (c Merge) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return both(p.Merge(found[0].Account, found[1].Account, c, now))
}

func both(own, other Decision, err error) (Decision, error) {
	own.also = &other
	return own, err
}

func (c Refund) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return p.Refund(found[0].Account, bookingOf(found), c, now)
}

func (c Return) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return p.Return(found[0].Account, bookingOf(found), c, now)
}

func (c Activate) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return p.Activate(found[0].Account, bookingOf(found), c, now)
}

// bookingOf returns the booking of an account, or of the one that a request followed.
func bookingOf(found []loaded) *Booking {
	if len(found) == 1 {
		return found[0].Booking
	}
	return found[1].Booking
}

func (c Expire) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return p.Expire(found[0].Account, now)
}

func (c SetTier) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return p.SetTier(found[0].Account, c, now)
}

func (c Import) decide(p *Program, found []loaded, now time.Time) (Decision, error) {
	return p.Import(found[0].Account, c, now)
}

// A request is a command with what is stored of it.
type request struct {
	Command
	needs []lookup
	text  json.RawMessage
	input []byte // the hash of kind and text

	followed bool // it changes the account that goes on, of a member who was merged
}

func requested(c Command) request {
	text := journal.JSON(journal.Instants(c))
	return request{Command: c, needs: c.lookups(), text: text, input: journal.HashJSON(string(c.kind()), text)}
}

// follows reports whether the command names what an account did before its member was merged: a
// booking, which stays where it is, or a hold, which goes along.
func (r request) follows() bool {
	switch r.Command.(type) {
	case Capture, Release, Refund, Return, Activate:
		return true
	}
	return false
}

// follow returns the request on the account that goes on. It needs the booking where it stays, and
// the journal's record of the command wherever that may have been run on the way. mergedTo is
// Account.Merged of an account.
func (r request) follow(mergedTo func(AccountID) (ids.Member, error)) (request, error) {
	own := r.lookups()[0]
	r.needs, r.followed = []lookup{{Key: own.Key}, own}, true
	for id := own.Account; ; {
		to, err := mergedTo(id)
		if err != nil {
			return r, err
		}
		if to == "" {
			r.needs[0].Account = id
			return r, nil
		}
		if id != own.Account {
			r.needs = append(r.needs, lookup{Account: id, Key: own.Key})
		}
		id.Member = to
	}
}

func (r request) key() string { return r.needs[0].Key }

// entry returns the entry of a decision by a program in the journal, which continues the ledger
// from before.
func (r request) entry(p *Program, d *Decision, before Account) journal.Entry {
	d.Command = r.text
	l := link{Seq: before.Seq, Hash: before.Hash, State: d.Next.digest(), Terms: terms{p.def.Version, p.terms}}
	if b := d.Booking; b != nil {
		l.Booking = &booked{b.Account.Member, b.Key, b.digest()}
	}
	e := journal.Entry{
		Subject: d.Account.Subject(), Seq: d.Seq, Key: r.key(), Kind: string(r.kind()), At: d.At, By: r.who(), Input: r.input,
		Before: l.json(), Result: d.Outcome.json(),
	}
	d.Next.Hash = digest(e)
	return e
}

// Recorded returns the command that an entry of a ledger records, as it was given, and the account
// that it was given for: that of a transfer or a merger stands in both ledgers. journal.ErrArchived:
// the entry is in an archive, and has to be read there.
func Recorded(e journal.Entry) (Command, AccountID, error) {
	if e.Archived() {
		return nil, AccountID{}, fmt.Errorf("loyalty: entry %d of %s: %w", e.Seq, e.Subject, journal.ErrArchived)
	}
	var out struct {
		Command json.RawMessage `json:"command"`
	}
	if err := json.Unmarshal(e.Result, &out); err != nil {
		return nil, AccountID{}, fmt.Errorf("loyalty: entry %d of %s: %w", e.Seq, e.Subject, err)
	}
	read, ok := recorded[journal.Kind[Outcome](e.Kind)]
	if !ok {
		return nil, AccountID{}, fmt.Errorf("loyalty: entry %d of %s is of no command: %s", e.Seq, e.Subject, e.Kind)
	}
	c, err := read(out.Command, e.Key)
	if err != nil {
		return nil, AccountID{}, fmt.Errorf("loyalty: entry %d of %s: %w", e.Seq, e.Subject, err)
	}
	return c, c.lookups()[0].Account, nil
}

var recorded = map[journal.Kind[Outcome]]func(text json.RawMessage, key string) (Command, error){
	KindEarn:     as(func(c *Earn, key string) { c.Key = key }),
	KindRedeem:   as(func(c *Redeem, key string) { c.Key = key }),
	KindReserve:  as(func(c *Reserve, key string) { c.Key = key }),
	KindCapture:  as(func(c *Capture, key string) { c.Key = key }),
	KindRelease:  as(func(c *Release, key string) { c.Key = key }),
	KindActivate: as(func(c *Activate, key string) { c.Key = key }),
	KindAdjust:   as(func(c *Adjust, key string) { c.Key = key }),
	KindTransfer: as(func(c *Transfer, key string) { c.Key = key }),
	KindRefund:   as(func(c *Refund, key string) { c.Key = key }),
	KindReturn:   as(func(c *Return, key string) { c.Key = key }),
	KindExpire:   as(func(c *Expire, key string) { c.Key = key }),
	KindTier:     as(func(c *SetTier, key string) { c.Key = key }),
	KindImport:   as(func(c *Import, key string) { c.Key = key }),
	KindMerge:    as(func(c *Merge, key string) { c.Key = key }),
}

func as[C Command](name func(c *C, key string)) func(json.RawMessage, string) (Command, error) {
	return func(text json.RawMessage, key string) (Command, error) {
		var c C
		err := json.Unmarshal(text, &c)
		name(&c, key)
		return c, err
	}
}
