package authenticator

import (
	"embed"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
)

// Tables are those of the package. Everything of a subject changes under the version of the
// subject.
var Tables = storage.Schema{Name: "authenticator", Tables: []storage.Declared{subjects, secrets}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A use is what a secret is for.
type use string

const (
	active   use = "active"   // a TOTP: that of Status.Active
	pending  use = "pending"  // a TOTP: that of Status.Pending
	recovery use = "recovery" // a set: that of Status.Recovery
)

// A sealed is a secret of a subject.
type sealed struct {
	Subject Subject
	Use     use
	KeyID   string // id of the key that sealed it
	Sealed  []byte // its JSON, AES-256-GCM; empty: there is none

	changed bool
}

// A holder is a subject with the secrets that the commands at hand need.
type holder struct {
	Subject Subject `json:"subject"`
	Seq     int64   `json:"seq"` // number of the last entry in the journal
	Status  Status  `json:"status"`

	version int64
	secrets [3]sealed
}

var (
	subjects = storage.NewTable("authenticator_subject", func(c *storage.Columns, h *holder) {
		storage.Text(c, "subject", &h.Subject)
		c.Key()
		c.Version(&h.version)
		storage.Int(c, "seq", &h.Seq)
		c.State("status", 1, &h.Status)
	}).Fill(50)
	secrets = storage.NewTable("authenticator_secret", func(c *storage.Columns, s *sealed) {
		storage.Text(c, "subject", &s.Subject)
		storage.Text(c, "use", &s.Use)
		c.Key()
		storage.Text(c, "key_id", &s.KeyID)
		storage.Bytes(c, "sealed", &s.Sealed)
	}).Of(subjects)

	secretsByKey = secrets.Index("key", "key_id")
)

var kind = engine.Kind[holder]{
	Root: func(h *holder) storage.Read { return subjects.Get(h) },
	Seq:  func(h *holder) int64 { return h.Seq },
	Rows: func(h *holder) []storage.Row { return h.rows() },
}

// newHolder returns a subject of which nothing is stored.
func newHolder(s Subject) holder {
	h := holder{Subject: s}
	for i, u := range []use{active, pending, recovery} {
		h.secrets[i] = sealed{Subject: s, Use: u}
	}
	return h
}

// secret returns the row of a secret.
func (h *holder) secret(u use) *sealed {
	for i := range h.secrets {
		if h.secrets[i].Use == u {
			return &h.secrets[i]
		}
	}
	panic("authenticator: no secret is for " + string(u))
}

// number returns which one of its use a secret is: the number that it is sealed with.
func (h *holder) number(u use) int64 {
	switch u {
	case active:
		return h.Status.Active.Number
	case pending:
		return h.Status.Pending.Number
	}
	return h.Status.Recovery.Number
}

// rows returns what has changed of the subject, with its next version.
func (h *holder) rows() []storage.Row {
	h.version++
	rows := []storage.Row{subjects.Save(h)}
	for i := range h.secrets {
		switch s := &h.secrets[i]; {
		case !s.changed:
		case len(s.Sealed) == 0:
			rows = append(rows, secrets.Drop(s))
		default:
			rows = append(rows, secrets.Put(s))
		}
	}
	return rows
}

// reads returns what reads the subject, and its secrets for these uses after it.
func (h *holder) reads(uses ...use) []storage.Read {
	all := []storage.Read{subjects.Get(h)}
	for _, u := range uses {
		all = append(all, secrets.Get(h.secret(u)))
	}
	return all
}

// drop deletes the secrets for these uses.
func (h *holder) drop(uses ...use) {
	for _, u := range uses {
		s := h.secret(u)
		s.KeyID, s.Sealed, s.changed = "", nil, true
	}
}
