package otp

import (
	"context"
	"embed"
	"math"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package. Everything of a scope changes under the version of the scope, but
// for the spending of a code, which has a version of its own.
var Tables = storage.Schema{Name: "otp", Tables: []storage.Declared{scopes, meters, codes}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

// ScopeRow is the root of all that changes in a scope.
type ScopeRow struct {
	Scope   Scope     // where digits are unique
	Version int64     // number of the change that made it so
	Issued  int64     // codes issued so far
	Seq     int64     // entries of the journal so far
	Debt    time.Time // see Budget
}

// A Party is somebody who is metered in a scope.
type Party struct {
	Kind PartyKind // what it is
	ID   string    // who it is
}

// A PartyKind is what a Party is.
type PartyKind string

const (
	PartyScope  PartyKind = "scope"  // all typists of a scope; metered in ScopeRow
	PartyTypist PartyKind = "typist" // a TypistID, by wrong guesses
	PartyHolder PartyKind = "holder" // a HolderID, by the codes asked for
	PartyDevice PartyKind = "device" // a DeviceID, by the codes asked for
)

// A Meter is what one party has used up in one scope.
type Meter struct {
	Scope  Scope     // scope in which it is metered
	Party  Party     // whose it is
	Debt   time.Time // see Budget
	Misses int64     // of a typist: wrong codes in a row
}

// A Code as it is stored: its digits only as a keyed MAC, and sealed for the holder's own eyes
// while it lives.
type Code struct {
	Scope    Scope     `json:"scope"`             // where it is typed
	MAC      []byte    `json:"mac"`               // HMAC-SHA-256 of tenant, scope and digits, cut to 16 bytes
	ID       []byte    `json:"id"`                // 16 random bytes, of no other code
	Version  int64     `json:"version"`           // twice the Number, and one more once it has ended: no two codes of a scope ever have the same
	Number   int64     `json:"number"`            // how many codes the scope had issued with this one
	KeyID    string    `json:"key,omitempty"`     // id of the Key that MAC and Sealed are made with
	Digits   int       `json:"digits"`            // how many it has
	Sealed   []byte    `json:"sealed,omitempty"`  // the digits, AES-256-GCM; empty once the code has ended
	Holder   HolderID  `json:"holder"`            // who shows it
	Purpose  Purpose   `json:"purpose"`           // what it allows
	Payload  []byte    `json:"payload,omitempty"` // as Issue gave it
	Issued   time.Time `json:"issued"`            // when it was made
	Expires  time.Time `json:"expires"`           // live in [Issued, Expires)
	Reusable time.Time `json:"reusable"`          // the digits may be issued again from here on
	Ended    End       `json:"ended,omitempty"`   // "": not ended before Expires
	EndedAt  time.Time `json:"endedAt,omitzero"`  // when it ended before Expires; zero: it did not
	EndedBy  TypistID  `json:"endedBy,omitempty"` // who typed it, where it was used
}

// An End is why a code ended before it expired.
type End string

const (
	Used     End = "used"     // it was spent
	Replaced End = "replaced" // the holder got a newer one for the purpose
)

var (
	scopes = storage.NewTable("otp_scope", func(c *storage.Columns, s *ScopeRow) {
		storage.Text(c, "scope", &s.Scope)
		c.Key()
		c.Version(&s.Version)
		storage.Int(c, "issued", &s.Issued)
		storage.Time(c, "debt", &s.Debt)
		storage.Int(c, "seq", &s.Seq)
	}).Fill(50)
	meters = storage.NewTable("otp_meter", func(c *storage.Columns, m *Meter) {
		storage.Text(c, "scope", &m.Scope)
		storage.Text(c, "kind", &m.Party.Kind)
		storage.Text(c, "party", &m.Party.ID)
		c.Key()
		storage.Time(c, "debt", &m.Debt)
		storage.Int(c, "misses", &m.Misses)
		storage.Derived(c, "idle", m.idle)
	}).Fill(80).Of(scopes)
	codes = storage.NewTable("otp_code", func(c *storage.Columns, k *Code) {
		storage.Text(c, "scope", &k.Scope)
		storage.Bytes(c, "mac", &k.MAC)
		c.Key()
		c.Version(&k.Version)
		storage.Int(c, "number", &k.Number)
		storage.Text(c, "key_id", &k.KeyID)
		storage.Int(c, "digits", &k.Digits)
		storage.Bytes(c, "sealed", &k.Sealed)
		storage.Text(c, "holder", &k.Holder)
		storage.Text(c, "purpose", &k.Purpose)
		storage.Bytes(c, "payload", &k.Payload)
		storage.Time(c, "issued", &k.Issued)
		storage.Time(c, "expires", &k.Expires)
		storage.Time(c, "reusable", &k.Reusable)
		storage.Text(c, "ended", &k.Ended)
		storage.Time(c, "ended_at", &k.EndedAt)
		storage.Text(c, "ended_by", &k.EndedBy)
		storage.Bytes(c, "id", &k.ID)
	}).Of(scopes)

	liveOfHolder = codes.Index("holder", "scope", "holder", "purpose", "expires").Only("ended", End(""))
	liveByDigits = codes.Index("live", "scope", "digits", "expires").Only("ended", End(""))
	byReusable   = codes.Index("reusable", "reusable").Only("reusable")
	byIdle       = meters.Index("idle", "idle").Only("idle")
)

// idle is from when on the meter says nothing: the hour that begins once its debt has ended, so that
// it seldom changes; the zero time: never, for it counts misses.
func (m *Meter) idle() time.Time {
	if m.Misses > 0 || m.Debt.IsZero() {
		return time.Time{}
	}
	return m.Debt.Truncate(time.Hour).Add(time.Hour)
}

// A lookup names what a command needs of its scope. Fields may be empty.
type lookup struct {
	scope   Scope
	parties []Party  // whose meters to load
	macs    [][]byte // codes to load by their digits
	holder  HolderID // with purpose: the live code to load
	purpose Purpose
	entry   string // with key: the subject of the journal's record to load
	key     string
}

// A state is what a lookup found. A scope that does not exist has version 0.
type state struct {
	scope  ScopeRow
	meters []Meter        // of the parties
	codes  []Code         // with one of the MACs, whether live or not
	live   []Code         // the holder's codes for the purpose that are live: not ended, and now < Expires
	count  map[int]int64  // live codes of the scope by number of digits
	record *journal.Entry // nil: the key is new
}

// load reads each scope before what changes under its version, and the other looks with them.
func load(ctx context.Context, s storage.Store, lookups []lookup, others []storage.Look, now time.Time) ([]state, error) {
	looks, states := make([]storage.Look, len(lookups), len(lookups)+len(others)), make([]state, len(lookups))
	counts := make([][maxDigits - minDigits + 1]int64, len(lookups))
	still := now.Add(time.Microsecond) // live means now < Expires
	for i, l := range lookups {
		st := &states[i]
		st.scope.Scope = l.scope
		reads := append(make([]storage.Read, 0, 16), scopes.Get(&st.scope))
		st.meters = make([]Meter, len(l.parties))
		for k, p := range l.parties {
			st.meters[k] = Meter{Scope: l.scope, Party: p}
			reads = append(reads, meters.Get(&st.meters[k]))
		}
		st.codes = make([]Code, len(l.macs))
		for k, mac := range l.macs {
			st.codes[k] = Code{Scope: l.scope, MAC: mac}
			reads = append(reads, codes.Get(&st.codes[k]))
		}
		if l.holder != "" {
			of := storage.Range{Prefix: []any{l.scope, l.holder, l.purpose}, From: still, Limit: math.MaxInt32}
			reads = append(reads, liveOfHolder.All(&st.live, of))
		}
		for k := range counts[i] {
			of := storage.Range{Prefix: []any{l.scope, minDigits + k}, From: still, Limit: math.MaxInt32}
			reads = append(reads, liveByDigits.Count(&counts[i][k], of))
		}
		looks[i] = storage.Look{Reads: reads, Subject: l.entry, Key: l.key}
	}
	if err := s.Load(ctx, append(looks, others...)); err != nil {
		return nil, err
	}
	for i := range states {
		st := &states[i]
		st.record, st.count = looks[i].Entry, map[int]int64{}
		for k, n := range counts[i] {
			if n > 0 {
				st.count[minDigits+k] = n
			}
		}
		found := st.codes[:0]
		for _, c := range st.codes {
			if c.Version > 0 {
				found = append(found, c)
			}
		}
		st.codes = found
	}
	return states, nil
}

// spent is the change of one code, which has ended since it was loaded.
type spent struct {
	code    Code
	entries []journal.Entry
}

// spend stores each code under its version and with nothing else. journal.ErrConflict: it has ended
// since, or is gone. No two of them are one.
func spend(ctx context.Context, s storage.Store, all []spent) ([]error, error) {
	changes := make([]storage.Change, len(all))
	for i := range all {
		c := &all[i].code
		c.Version++
		changes[i] = storage.Change{Rows: []storage.Row{codes.Save(c)}, Entries: all[i].entries}
	}
	return s.Save(ctx, changes)
}

// prune deletes the codes whose digits are free since before that time, and the meters that are idle
// since before it, and returns how many rows those were.
func prune(ctx context.Context, s storage.Store, before time.Time) (int64, error) {
	r := storage.Range{To: before, Limit: engine.PruneBatch}
	return engine.Prune(
		func() (int64, error) { return storage.Prune(ctx, s, byReusable, r) },
		func() (int64, error) { return storage.Prune(ctx, s, byIdle, r) },
	)
}
