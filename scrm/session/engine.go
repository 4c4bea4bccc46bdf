package session

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now    func() time.Time // the clock; nil: time.Now
	Hook   storage.Hook     // of traces and metrics; nil: none
	Policy Policy           // how long sessions last, and how many a subject has
}

// An Engine keeps the sessions of one realm. It is safe for concurrent use.
//
// Besides the errors that its comment lists, a command returns *errs.InputError before anything was
// loaded, journal.ErrConflict where other changes came first twenty times in a row, and what the
// database said. Revoke and RevokeAll have a key: repeated with it they change nothing and give
// their first answer, and are journal.ErrKeyReused where they differ.
//
// Start, Rotate and End have no key, because a token is not stored and so can't be returned again.
// A Start whose answer was lost is repeated as a second sign-in: the first session lapses, or gives
// way. After a Rotate whose answer was lost the user signs in again. An End that is repeated
// returns ErrInvalid.
type Engine struct {
	frame  engine.Frame
	roots  engine.Roots[holder, result]
	realm  string
	policy Policy
}

// New returns an engine on a store. The realm, such as "customer" or "staff", separates kinds of
// subjects: sessions and tokens of one realm are unknown in another. All engines of a realm should
// have the same policy. New returns an *errs.InputError if the realm is missing or malformed, or
// the policy is out of bounds.
func New(s storage.Tx, realm string, opts *Options) (*Engine, error) {
	o := cmp.Or(opts, &Options{})
	f := engine.New(s, o.Now, o.Hook)
	e := &Engine{f, engine.NewRoots[holder, result](f, kind), realm, o.Policy.complete()}
	if err := cmp.Or(valid.ID("realm", realm), e.policy.check()); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return e, nil
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx. Hand out its tokens after the commit.
func (e *Engine) In(tx storage.Tx) *Engine {
	b := *e
	b.frame, b.roots = e.frame.In(tx), e.roots.In(tx)
	return &b
}

// Start begins a session. Where the subject has as many as the policy allows, the one idle longest
// is ended.
func (e *Engine) Start(ctx context.Context, c Start) (Started, error) {
	r, _, err := e.do(ctx, c.Subject, engine.Command{
		Name: string(KindStart), Check: c.check, Key: ownKey(), Input: c,
	}, func(h *holder, now time.Time) (result, error) {
		token := newToken()
		return h.start(e.policy, c, token, e.hash(token), now), nil
	})
	return r.started(), err
}

// Rotate gives the session of a token a new token, and the old one is invalid at once. Call it when
// the subject has proved again who it is. The absolute end of the session stays. ErrInvalid: the
// token has no session.
func (e *Engine) Rotate(ctx context.Context, token string) (Started, error) {
	r, err := e.byToken(ctx, string(KindRotate), token, func(h *holder, now time.Time) (result, error) {
		next := newToken()
		return h.rotate(e.policy, e.hash(token), next, e.hash(next), now)
	})
	return r.started(), err
}

// End ends the session of a token, when the subject signs out, and returns it. ErrInvalid: the
// token has no session, so there is nothing left to end.
func (e *Engine) End(ctx context.Context, token string) (Session, error) {
	r, err := e.byToken(ctx, string(KindEnd), token, func(h *holder, now time.Time) (result, error) {
		return h.signOut(e.policy, e.hash(token), now)
	})
	return r.Session, err
}

// Revoke ends a session by its ID, at once. Errors: ErrUnknown.
func (e *Engine) Revoke(ctx context.Context, c Revoke) (Revoked, error) {
	r, replayed, err := e.do(ctx, c.Subject, engine.Command{
		Name: string(KindRevoke), Check: c.check, Key: c.Key, By: c.By, Input: c,
	}, func(h *holder, now time.Time) (result, error) { return h.revoke(e.policy, c.ID, now) })
	return Revoked{r.Ended, replayed}, err
}

// RevokeAll ends the sessions of a subject, at once. When it has returned, every session that began
// before the call is over, whether or not it was rotated or checked meanwhile. A Start at the same
// time takes effect either before it, and its session is over too, or after it: then its ID is
// greater than the Seq of the journal's entry on RevokeAll.
func (e *Engine) RevokeAll(ctx context.Context, c RevokeAll) (Revoked, error) {
	r, replayed, err := e.do(ctx, c.Subject, engine.Command{
		Name: string(KindRevokeAll), Check: c.check, Key: c.Key, By: c.By, Input: c,
	}, func(h *holder, now time.Time) (result, error) { return h.revokeAll(e.policy, c.Except, now), nil })
	return Revoked{r.Ended, replayed}, err
}

// List returns the sessions of a subject that are not over, by ID: the oldest first.
func (e *Engine) List(ctx context.Context, s Subject) ([]Session, error) {
	if err := valid.ID("subject", s); err != nil {
		return nil, fmt.Errorf("session: list: %w", err)
	}
	var open []stored
	if err := e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{openOf(&open, s, e.realm)}}}); err != nil {
		return nil, fmt.Errorf("session: list: %w", err)
	}
	now := e.frame.Now()
	return e.policy.publicEach(slices.DeleteFunc(open, func(s stored) bool { return !e.policy.live(s, now) })), nil
}

// do runs a command on the sessions of a subject.
func (e *Engine) do(ctx context.Context, s Subject, c engine.Command, decide func(*holder, time.Time) (result, error)) (result, bool, error) {
	c.Subject, c.By = JournalSubject(e.realm, s), cmp.Or(c.By, string(s))
	return e.roots.Do(ctx, engine.On[holder, result]{
		Command: c, Reads: readSessions, Do: decide,
		New: func() holder { return holder{root: root{Subject: s, Realm: e.realm}} },
	})
}

// byToken runs a command on the sessions of the subject that a token is of. ErrInvalid: it is of
// nobody.
func (e *Engine) byToken(ctx context.Context, name, token string, decide func(*holder, time.Time) (result, error)) (result, error) {
	s, err := e.subjectOf(ctx, token)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", name, err)
	}
	r, _, err := e.do(ctx, s, engine.Command{Name: name, Check: func() error { return nil }, Key: ownKey()}, decide)
	return r, err
}

// subjectOf returns whose a token is or was. ErrInvalid: nobody's.
func (e *Engine) subjectOf(ctx context.Context, token string) (Subject, error) {
	if !wellFormed(token) {
		return "", ErrInvalid
	}
	s := stored{Hash: e.hash(token)}
	err := e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{sessions.Get(&s)}}})
	if err == nil && s.Version == 0 {
		err = ErrInvalid
	}
	return s.Subject, err
}

// hash returns what is stored of a token of the realm.
func (e *Engine) hash(token string) []byte { return hashToken(e.frame.Tenant(), e.realm, token) }

// ownKey returns the key of a command that is never repeated.
func ownKey() string { return journal.Derived + rand.Text() }

func (r result) started() Started { return Started{r.token, r.Session, r.Ended} }
