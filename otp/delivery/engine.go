package delivery

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/decimal"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now    func() time.Time // the clock; nil: time.Now
	Policy Policy           // how long codes live, and how many may be asked for
	Hook   storage.Hook     // of traces and metrics; nil: none
}

// An Engine sends codes and checks them. It is safe for concurrent use.
//
// Send, Tell, Check, Verify and Admit have a key: repeated with it they change nothing, charge nothing
// and give their first answer, and are journal.ErrKeyReused where they differ. A key is a name
// within the address. What was refused without being counted left no answer, and is decided anew.
// Besides the errors that its comment lists, a command returns *errs.InputError before anything was
// loaded, journal.ErrConflict where other changes of the address came first twenty times in a row,
// and what the database said; after the last two it may be run again with its key.
type Engine struct {
	frame  engine.Frame
	keys   keyring.Ring
	policy Policy // complete
}

// New returns an engine on a store. The first key hashes addresses, signs codes and seals messages
// and claims; those of the others stay good. New returns an error if keys is empty, a key is too
// short, two share an ID, or a field of the policy is out of its bounds.
func New(s storage.Tx, keys []secret.Key, opts *Options) (*Engine, error) {
	ring, err := keyring.New(keys, "otp/delivery.v1 hash", "otp/delivery.v1 seal")
	if err != nil {
		return nil, fmt.Errorf("delivery: %w", err)
	}
	o := cmp.Or(opts, &Options{})
	policy, err := o.Policy.complete()
	if err != nil {
		return nil, fmt.Errorf("delivery: %w", err)
	}
	return &Engine{engine.New(s, o.Now, o.Hook), ring, policy}, nil
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx, and in the tenant of tx. Check belongs outside, so that a rollback can't forgive a wrong
// code; Spend belongs inside. Send may be inside, where it goes with other changes; others who send
// wait then until tx has ended, for they share the budgets.
func (e *Engine) In(tx storage.Tx) *Engine {
	b := *e
	b.frame = e.frame.In(tx)
	return &b
}

// Send makes a code and puts the message with it into the outbox, for Deliver. A code of the
// address for the same purpose is no good any more. Errors: *ThrottledError; ErrPrefix; ErrStopped.
// They say nothing of Silent, and a key that comes again is not counted.
func (e *Engine) Send(ctx context.Context, c Send) (Sent, error) {
	sent, replayed, err := engine.Do(ctx, e.frame, e.command(string(KindSend), c.check, c.Address, c.Key, "", c),
		func(ctx context.Context, t *engine.Try[Sent]) (Sent, error) {
			charges, err := e.policy.charges(e.keys[0], e.frame.Tenant(), c, t.Now)
			if err != nil {
				return Sent{}, err
			}
			r, entry, err := e.load(ctx, c.Address, c.Key, charges)
			if err != nil {
				return Sent{}, err
			}
			if entry != nil {
				return t.Replay(entry)
			}
			v, err := r.next(c.Purpose, t.Now)
			if err == nil {
				err = full(charges, t.Now)
			}
			if err != nil {
				return Sent{}, err
			}
			if v.ID == nil {
				v.ID = make([]byte, 16)
				rand.Read(v.ID)
			}
			made, digits := e.make(c, v, t.Now)
			var sent Sent
			r.history, sent = r.send(v, made, t.Now)
			n := e.note(c, made.ref, digits, r.Hash, t.Now, made.expires)
			return sent, e.save(ctx, t.Entry(r.Seq+1, sent), r, charges, notes.Save(&n))
		})
	sent.Replayed = replayed
	return sent, err
}

// Tell puts a message without a code into the outbox, for Deliver, which drops it after TellWithin.
// Nothing bounds how many there are: what they tell of has been proved, and so was bounded before.
func (e *Engine) Tell(ctx context.Context, c Tell) (Told, error) {
	told, replayed, err := engine.Do(ctx, e.frame, e.command(string(KindTell), c.check, c.Address, c.Key, "", c),
		func(ctx context.Context, t *engine.Try[Told]) (Told, error) {
			r, entry, err := e.load(ctx, c.Address, c.Key, nil)
			if err != nil {
				return Told{}, err
			}
			if entry != nil {
				return t.Replay(entry)
			}
			told := Told{Ref: rand.Text()}
			n := e.note(Send{Address: c.Address, Template: c.Template, Language: c.Language}, told.Ref, "", r.Hash, t.Now, journal.Instant(t.Now.Add(TellWithin)))
			return told, e.save(ctx, t.Entry(r.Seq+1, told), r, nil, notes.Save(&n))
		})
	told.Replayed = replayed
	return told, err
}

// Admit lets an address in again that ErrStopped refuses. Who may call it is the caller's to
// decide; not who reads the address's messages. ErrNotStopped: nothing keeps it out.
func (e *Engine) Admit(ctx context.Context, c Admit) (Admitted, error) {
	admitted, replayed, err := engine.Do(ctx, e.frame, e.command(string(KindAdmit), c.check, c.Address, c.Key, c.By, c),
		func(ctx context.Context, t *engine.Try[Admitted]) (Admitted, error) {
			r, entry, err := e.load(ctx, c.Address, c.Key, nil)
			if err != nil {
				return Admitted{}, err
			}
			if entry != nil {
				return t.Replay(entry)
			}
			if r.Misses < MaxMisses {
				return Admitted{}, ErrNotStopped
			}
			admitted := Admitted{Misses: r.Misses}
			r.Misses = 0
			return admitted, e.save(ctx, t.Entry(r.Seq+1, admitted), r, nil)
		})
	admitted.Replayed = replayed
	return admitted, err
}

// Prune deletes messages whose code expired, windows of budgets that ended, and addresses for which
// nothing is under way and no wrong codes are counted, all before a time that is not in the future,
// and returns how many rows that were. A receipt of a message that is gone is ErrUnknownMessage, so
// that a service keeps them for some days. Prune may run twice, and beside anything else.
func (e *Engine) Prune(ctx context.Context, before time.Time) (int64, error) {
	if now := e.frame.Now(); before.After(now) {
		before = now
	}
	n, err := prune(ctx, e.frame.Store, journal.Instant(before))
	if err != nil {
		return n, fmt.Errorf("delivery: prune: %w", err)
	}
	return n, nil
}

// command returns the command of an address, whose subject is known once the address is one.
func (e *Engine) command(name string, check func() error, a Address, key, by string, input any) engine.Command {
	return engine.Command{
		Name: name, Check: check, Subject: subjectOf(hash(e.keys[0], e.frame.Tenant(), a)), Key: key, By: by, Input: input,
	}
}

// load returns what is kept of an address, and the entry of a key. Both are looked for under every
// key of the ring; an address of which nothing is kept is that of the first. The counts of charges
// are filled in.
func (e *Engine) load(ctx context.Context, a Address, key string, charges []charge) (recipient, *journal.Entry, error) {
	found, looks := make([]recipient, len(e.keys)), make([]storage.Look, len(e.keys))
	for i, k := range e.keys {
		found[i].Hash = hash(k, e.frame.Tenant(), a)
		looks[i] = storage.Look{Reads: []storage.Read{recipients.Get(&found[i])}, Subject: subjectOf(found[i].Hash), Key: key}
	}
	for i := range charges {
		looks[0].Reads = append(looks[0].Reads, counts.Get(&charges[i].count))
	}
	if err := e.frame.Store.Load(ctx, looks); err != nil {
		return recipient{}, nil, err
	}
	of := found[0]
	var entry *journal.Entry
	for i := range e.keys {
		if of.Version == 0 {
			of = found[i]
		}
		entry = cmp.Or(entry, looks[i].Entry)
	}
	if of.Version == 0 {
		of = found[0]
	}
	return of, entry, nil
}

// save stores what a command changed, with what it tells. Where a budget was used up meanwhile the
// command is to be decided again.
func (e *Engine) save(ctx context.Context, entry journal.Entry, r recipient, charges []charge, rows ...storage.Row) error {
	r.Version, r.Seq = r.Version+1, r.Seq+1
	rows = append([]storage.Row{recipients.Save(&r)}, rows...)
	for i := range charges {
		one := charges[i].count
		one.N = 1
		rows = append(rows, counts.AddWithin(&one, charges[i].quota.N))
	}
	return e.store(ctx, storage.Change{Rows: rows, Entries: []journal.Entry{entry}})
}

// store saves one change.
func (e *Engine) store(ctx context.Context, c storage.Change) error {
	failed, err := e.frame.Store.Save(ctx, []storage.Change{c})
	if err == nil {
		err = failed[0]
	}
	if errors.Is(err, storage.ErrBound) {
		return journal.ErrConflict
	}
	return err
}

// make draws a code, other than the one before it, and returns what is kept of it and its digits.
func (e *Engine) make(c Send, v verification, now time.Time) (code, string) {
	digits := decimal.Draw(codeLen)
	for e.matches(c.Address, c.Purpose, digits)(v) {
		digits = decimal.Draw(codeLen)
	}
	k := e.keys[0]
	return code{
		ref: rand.Text(), keyID: k.ID, mac: mac(k, e.frame.Tenant(), c.Purpose, c.Address, digits),
		expires: journal.Instant(now.Add(e.policy.life(c.Address.Channel()))), silent: c.Silent,
	}, digits
}

// matches returns what reports whether digits are the code of a verification.
func (e *Engine) matches(a Address, p Purpose, digits string) func(verification) bool {
	return func(v verification) bool {
		k, known := e.keys[0], false
		for _, other := range e.keys {
			if other.ID == v.KeyID {
				k, known = other, true
			}
		}
		return hmac.Equal(mac(k, e.frame.Tenant(), p, a, digits), v.MAC) && known
	}
}

// note returns the message with a code; with digits "" it has none. A silent one has nothing to
// send, in as many bytes.
func (e *Engine) note(c Send, ref, digits string, recipient []byte, now, expires time.Time) note {
	text := journal.JSON(contents{c.Address, digits})
	n := note{
		Ref: ref, Version: 1, State: StatePending, Due: now, Recipient: recipient, Channel: c.Address.Channel(), Purpose: c.Purpose,
		Template: c.Template, Language: c.Language, Made: now, Expires: expires, Changed: now, KeyID: e.keys[0].ID,
	}
	if c.Silent {
		text, n.State, n.Due = make([]byte, len(text)), StateSilent, time.Time{}
	}
	n.Sealed = e.keys[0].Seal(text, noteContext(e.frame.Tenant(), n.Ref))
	return n
}
