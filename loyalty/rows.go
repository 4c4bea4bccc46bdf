package loyalty

import (
	"context"
	"embed"
	"encoding/json"
	"iter"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package. Everything of an account changes under its version.
var Tables = storage.Schema{Name: "loyalty", Tables: []storage.Declared{programs, accounts, bookings}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

// An accountRow is an account with when it is listed as due.
type accountRow struct {
	Account
	Listed time.Time // Due
}

var (
	programs = published.NewVersions[ids.Program, Definition]("loyalty_program")
	accounts = storage.NewTable("loyalty_account", func(c *storage.Columns, a *accountRow) {
		storage.Text(c, "member", &a.ID.Member)
		storage.Text(c, "program", &a.ID.Program)
		c.Key()
		c.Version(&a.Version)
		storage.Int(c, "seq", &a.Seq)
		storage.Bytes(c, "hash", &a.Hash)
		storage.Time(c, "due", &a.Listed)
		c.State("state", 1, &a.Account)
	}).Fill(70)
	bookings = storage.NewTable("loyalty_booking", func(c *storage.Columns, b *Booking) {
		storage.Text(c, "member", &b.Account.Member)
		storage.Text(c, "program", &b.Account.Program)
		storage.Text(c, "key", &b.Key)
		c.Key()
		storage.Int(c, "changes", &b.Changes)
		c.State("state", 1, b)
	}).Of(accounts)

	// storedBookings are the bookings with their states as they stand there.
	storedBookings = storage.NewTable("loyalty_booking", func(c *storage.Columns, b *storedBooking) {
		storage.Text(c, "member", &b.Account.Member)
		storage.Text(c, "program", &b.Account.Program)
		storage.Text(c, "key", &b.Key)
		c.Key()
		storage.Int(c, "changes", &b.Changes)
		c.Raw("state", &b.State)
	})

	byMember   = accounts.Primary()
	byProgram  = accounts.Index("program", "program", "member")
	byDue      = accounts.Index("due", "due").Only("due").Filter("program", "member")
	bookingsOf = bookings.Primary()
	bookedIn   = storedBookings.Primary().Filter("program")
)

// A storedBooking is a Booking, to be read alone.
type storedBooking struct {
	Account AccountID
	Key     string
	Changes int64
	State   json.RawMessage
}

// A lookup names what a command needs of an account. Fields but Account may be empty, and nothing
// is loaded for them then.
type lookup struct {
	Account AccountID
	Booking string // the key that it was booked under
	Key     string // of the journal's record of the account to load
}

// A loaded is what a lookup found. An account that does not exist has version 0.
type loaded struct {
	Account Account
	Booking *Booking       // nil: none
	Entry   *journal.Entry // nil: the key is new
}

func load(ctx context.Context, s storage.Store, lookups []lookup) ([]loaded, error) {
	looks, found := make([]storage.Look, len(lookups)), make([]loaded, len(lookups))
	rows, booked := make([]accountRow, len(lookups)), make([]Booking, len(lookups))
	for i, l := range lookups {
		rows[i].ID = l.Account
		looks[i] = storage.Look{Reads: []storage.Read{accounts.Get(&rows[i])}, Subject: l.Account.Subject(), Key: l.Key}
		if l.Booking != "" {
			booked[i] = Booking{Account: l.Account, Key: l.Booking}
			looks[i].Reads = append(looks[i].Reads, bookings.Get(&booked[i]))
		}
	}
	if err := s.Load(ctx, looks); err != nil {
		return nil, err
	}
	for i := range found {
		found[i] = loaded{Account: rows[i].Account, Entry: looks[i].Entry}
		if !booked[i].At.IsZero() {
			found[i].Booking = &booked[i]
		}
	}
	return found, nil
}

// A change is one or two accounts (both sides of a transfer) as they are to be stored, with Version
// one more than the one that was loaded. A booking is new where its Changes are 0, and its key is
// then that of an entry of its account; else it replaces the one with its key. So does a new one
// whose key is in Left: what is there is of an entry that was deleted.
type change struct {
	Accounts []Account
	Bookings []Booking
	Left     []string
	Entries  []journal.Entry
}

func (c *change) stored() storage.Change {
	rows := make([]storage.Row, 0, len(c.Accounts)+len(c.Bookings))
	for _, a := range c.Accounts {
		rows = append(rows, accounts.Save(&accountRow{a, a.Due()}))
	}
	for i := range c.Bookings {
		if b := &c.Bookings[i]; b.Changes == 0 && !slices.Contains(c.Left, b.Key) {
			rows = append(rows, bookings.Insert(b))
		} else {
			rows = append(rows, bookings.Put(b))
		}
	}
	return storage.Change{Rows: rows, Entries: c.Entries}
}

// definition returns a version of a program, or the newest for version 0. ErrUnknownProgram: there
// is none.
func definition(ctx context.Context, s storage.Store, id ids.Program, version int) (Definition, error) {
	d, ok, err := programs.Load(ctx, s, id, version)
	if err == nil && !ok {
		err = ErrUnknownProgram
	}
	return d, err
}

// An AccountQuery asks for the accounts of a member, of a program or of both, and, where
// DueBefore is not zero, for those of them alone that Account.Due before that time, the first ones
// first.
type AccountQuery struct {
	Program   ids.Program // "": all
	Member    ids.Member  // "": all
	DueBefore time.Time   // zero: all
	Limit     int         // 0: all
}

func (q AccountQuery) list(ctx context.Context, s storage.Store) iter.Seq2[Account, error] {
	index, r := byProgram, storage.Range{Limit: q.Limit}
	switch {
	case !q.DueBefore.IsZero():
		index, r.To = byDue, journal.Instant(q.DueBefore)
		if q.Program != "" {
			r.Where = append(r.Where, storage.Where("program", q.Program))
		}
		if q.Member != "" {
			r.Where = append(r.Where, storage.Where("member", q.Member))
		}
	case q.Member != "":
		index, r.Prefix = byMember, []any{q.Member}
		if q.Program != "" {
			r.Prefix = append(r.Prefix, q.Program)
		}
	case q.Program != "":
		r.Prefix = []any{q.Program}
	}
	return func(yield func(Account, error) bool) {
		for row, err := range storage.List(ctx, s, index, r) {
			if !yield(row.Account, err) {
				return
			}
		}
	}
}

// digest returns Booking.digest, as far as the state is in the form in which it is written.
func (b *storedBooking) digest(scratch *fields) []byte {
	scratch.booking(b.Account, b.Key, b.Changes)
	*scratch = append(*scratch, b.State...)
	return scratch.sum()
}

// accountsAfter yields the accounts of a program whose members come after one, in their order.
func accountsAfter(ctx context.Context, s storage.Store, id ids.Program, after ids.Member) iter.Seq2[accountRow, error] {
	r := storage.Range{Prefix: []any{id}}
	if after != "" {
		r.After = []any{after}
	}
	return storage.List(ctx, s, byProgram, r)
}

// bookingsIn yields the bookings of an account, in the order of their keys.
func bookingsIn(ctx context.Context, s storage.Store, id AccountID) iter.Seq2[Booking, error] {
	return storage.List(ctx, s, bookingsOf, storage.Range{Prefix: []any{id.Member, id.Program}})
}

// bookingsOfSpan yields those of a part of a program, in the order of members.
func bookingsOfSpan(ctx context.Context, s storage.Store, id ids.Program, part span) iter.Seq2[storedBooking, error] {
	r := storage.Range{Where: []storage.Match{storage.Where("program", id)}}
	if part.after != "" {
		r.After = []any{part.after}
	}
	if part.from != "" {
		r.From = part.from
	}
	if part.before != "" {
		r.To = part.before
	}
	return storage.List(ctx, s, bookedIn, r)
}

// ledger yields the journal's entries of an account, the newest first.
func ledger(ctx context.Context, s storage.Tx, id AccountID) iter.Seq2[journal.Entry, error] {
	return func(yield func(journal.Entry, error) bool) {
		for r, err := range s.Journal().Of(ctx, id.Subject()) {
			if !yield(r.Entry, err) {
				return
			}
		}
	}
}
