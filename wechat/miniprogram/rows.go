package miniprogram

import (
	"context"
	"embed"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package.
var Tables = storage.Schema{Name: "miniprogram", Tables: []storage.Declared{sessions, phones}, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A session is the last sign-in of a user.
type session struct {
	OpenID OpenID
	App    string
	At     time.Time
	KeyID  string
	Sealed []byte // the session key
}

// A paid is the answer to the code of a phone button, which WeChat gives once and charges for.
type paid struct {
	Hash   []byte    // of the app and the code
	At     time.Time // when WeChat was asked
	KeyID  string
	Sealed []byte // the answer; empty: there is none yet
}

var (
	sessions = storage.NewTable("miniprogram_session", func(c *storage.Columns, s *session) {
		storage.Text(c, "openid", &s.OpenID)
		storage.Text(c, "app", &s.App)
		c.Key()
		storage.Time(c, "at", &s.At)
		storage.Text(c, "key_id", &s.KeyID)
		storage.Bytes(c, "sealed", &s.Sealed)
	}).Fill(80)
	phones = storage.NewTable("miniprogram_phone", func(c *storage.Columns, p *paid) {
		storage.Bytes(c, "hash", &p.Hash)
		c.Key()
		storage.Time(c, "at", &p.At)
		storage.Text(c, "key_id", &p.KeyID)
		storage.Bytes(c, "sealed", &p.Sealed)
	})

	sessionsByTime = sessions.Index("at", "at")
	phonesByTime   = phones.Index("at", "at")
)

// Prune deletes the session keys of users who have not signed in since a time, and the answers to
// codes from before it, and returns how many rows that were. It may run twice, and beside anything
// else. Answers are needed for as long as a front end asks again, which is minutes.
func (e *Engine) Prune(ctx context.Context, before time.Time) (int64, error) {
	r := storage.Range{To: journal.Instant(before), Limit: engine.PruneBatch}
	return engine.Prune(
		func() (int64, error) { return storage.Prune(ctx, e.frame.Store, sessionsByTime, r) },
		func() (int64, error) { return storage.Prune(ctx, e.frame.Store, phonesByTime, r) },
	)
}
