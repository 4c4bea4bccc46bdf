package session

import (
	"context"
	"fmt"

	"github.com/scrmkit/scrmkit/storage"
)

// Check returns the session of a token, as it is at this moment. ErrInvalid: it has none. A check
// that begins after End, Rotate, Revoke or RevokeAll has returned is refused, in a unit of work
// too: READ COMMITTED is enough.
//
// It takes one round trip. If a tenth of Policy.Idle has passed since Session.Seen, a second one
// writes the new Seen; it never revives a session that was ended in between. If a unit of work with
// that write is rolled back, the next check writes it; until it is over, whoever ends the session
// waits.
func (e *Engine) Check(ctx context.Context, token string) (Session, error) {
	sessions, errs, err := e.CheckEach(ctx, []string{token})
	if err != nil {
		return Session{}, err
	}
	return sessions[0], errs[0]
}

// CheckEach is Check for any number of tokens, in one round trip where the database has arrays. It
// returns a session and an error for each; the last error is the database's.
func (e *Engine) CheckEach(ctx context.Context, tokens []string) ([]Session, []error, error) {
	looks, answer := e.checking(tokens)
	if err := e.frame.Store.Load(ctx, looks); err != nil {
		return nil, nil, fmt.Errorf("session: check: %w", err)
	}
	return answer(ctx)
}

// Checking is Check for who reads other things in the same round trip: the answer is that of the
// moment at which the looks are loaded, in the tenant of the engine, and is for one load. It writes
// Session.Seen where that is due.
func (e *Engine) Checking(token string) (looks []storage.Look, answer func(context.Context) (Session, error)) {
	looks, each := e.checking([]string{token})
	return looks, func(ctx context.Context) (Session, error) {
		sessions, errs, err := each(ctx)
		if err != nil {
			return Session{}, err
		}
		return sessions[0], errs[0]
	}
}

func (e *Engine) checking(tokens []string) (looks []storage.Look, answer func(context.Context) ([]Session, []error, error)) {
	rows := map[string]*stored{} // by token
	for _, token := range tokens {
		if wellFormed(token) {
			s := &stored{Hash: e.hash(token)}
			rows[token] = s
			looks = append(looks, storage.Look{Reads: []storage.Read{sessions.Get(s)}})
		}
	}
	return looks, func(ctx context.Context) ([]Session, []error, error) {
		now, found, errs := e.frame.Now(), make([]Session, len(tokens)), make([]error, len(tokens))
		var due []storage.Change
		for i, token := range tokens {
			s := rows[token]
			if s == nil || !e.policy.live(*s, now) {
				errs[i] = fmt.Errorf("session: check: %w", ErrInvalid)
				continue
			}
			if e.policy.due(*s, now) {
				s.Seen = now
				s.Version++
				due = append(due, storage.Change{Rows: []storage.Row{sessions.Save(s)}})
			}
			found[i] = e.policy.public(*s)
		}
		if err := e.see(ctx, due); err != nil {
			return nil, nil, err
		}
		return found, errs, nil
	}
}

// see writes that sessions were used. A conflict loses nothing: another check has written the same,
// or the session was ended.
func (e *Engine) see(ctx context.Context, due []storage.Change) error {
	if len(due) == 0 {
		return nil
	}
	if _, err := e.frame.Store.Save(ctx, due); err != nil {
		return fmt.Errorf("session: check: %w", err)
	}
	return nil
}
