package session

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
)

// A root is what every command on the sessions of a subject writes, so that no two are decided on
// the same state. It is never deleted: Seq numbers the sessions and the entries of the journal.
type root struct {
	Subject Subject // whose sessions they are
	Realm   string  // kind of the subject
	Seq     int64   // entries of the journal
	Version int64   // number of the change that made it so
}

// A stored is a session as it is stored, by a hash of its token. One that was ended stays until
// Prune.
type stored struct {
	Session           // without Expires, which the policy gives
	Realm   string    // kind of the subject
	Hash    []byte    // of the token
	Ended   time.Time // zero: not yet, though it may have lapsed
	Version int64     // number of the change that made it so
	changed bool      // it is to be stored
}

// Tables are those of the package.
var Tables = storage.Schema{Name: "session", Tables: []storage.Declared{subjects, sessions}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

var (
	subjects = storage.NewTable("session_subject", func(c *storage.Columns, r *root) {
		storage.Text(c, "subject", &r.Subject)
		storage.Text(c, "realm", &r.Realm)
		c.Key()
		c.Version(&r.Version)
		storage.Int(c, "seq", &r.Seq)
	})
	sessions = storage.NewTable("session_session", func(c *storage.Columns, s *stored) {
		storage.Bytes(c, "hash", &s.Hash)
		c.Key()
		c.Version(&s.Version)
		storage.Text(c, "subject", &s.Subject)
		storage.Text(c, "realm", &s.Realm)
		storage.Int(c, "number", &s.ID)
		storage.Text(c, "way", &s.Way)
		storage.Text(c, "device", &s.Device)
		storage.Time(c, "started", &s.Started)
		storage.Time(c, "seen", &s.Seen)
		storage.Time(c, "ended", &s.Ended)
	})

	openSessions   = sessions.Index("open", "subject", "realm", "number").Only("ended", time.Time{})
	sessionsBySeen = sessions.Index("seen", "realm", "seen")
)

// kind is what commands change.
var kind = engine.Kind[holder]{
	Root: func(h *holder) storage.Read { return subjects.Get(&h.root) },
	Seq:  func(h *holder) int64 { return h.root.Seq },
	Rows: func(h *holder) []storage.Row {
		h.root.Version++
		rows := []storage.Row{subjects.Save(&h.root)}
		for i := range h.sessions {
			if s := &h.sessions[i]; s.changed {
				s.Version++
				rows = append(rows, sessions.Save(s))
			}
		}
		return rows
	},
}

// readSessions reads the sessions of a holder, once for all of its commands.
func readSessions(h *holder) []storage.Read {
	if h.read {
		return nil
	}
	h.read = true
	return []storage.Read{openOf(&h.sessions, h.root.Subject, h.root.Realm)}
}

// openOf reads the sessions of a subject that were not ended, by ID.
func openOf(to *[]stored, s Subject, realm string) storage.Read {
	return openSessions.All(to, storage.Range{Prefix: []any{s, realm}, Limit: maxSessions})
}

// Prune deletes the sessions of the realm that are over and were not used for longer than
// Policy.Idle, and returns how many those were. It may run twice, and beside anything else.
func (e *Engine) Prune(ctx context.Context) (n int64, err error) {
	r := storage.Range{Prefix: []any{e.realm}, To: e.frame.Now().Add(-e.policy.Idle), Limit: engine.PruneBatch}
	n, err = engine.Prune(func() (int64, error) { return storage.Prune(ctx, e.frame.Store, sessionsBySeen, r) })
	if err != nil {
		return n, fmt.Errorf("session: prune: %w", err)
	}
	return n, nil
}
