package session

import (
	"bytes"
	"slices"
	"time"
)

// A holder is a subject with its sessions, by ID: those that were not ended, of which some may have
// lapsed, and those that were changed. A command that is refused changes nothing of it.
type holder struct {
	root     root
	sessions []stored
	read     bool // the sessions are among what is read
}

// A result is what a command returns.
type result struct {
	Result
	token string
}

// start begins a session of that token. It ends those that have lapsed and those that give way, so
// that no more than Policy.Sessions are open.
func (h *holder) start(p Policy, c Start, token string, hash []byte, now time.Time) result {
	h.end(func(s stored) bool { return !p.live(s, now) }, now)
	var evicted []stored
	for open := h.open(); len(open) >= p.Sessions; open = h.open() {
		idle := slices.MinFunc(open, func(a, b stored) int { return a.Seen.Compare(b.Seen) })
		evicted = append(evicted, h.end(func(s stored) bool { return s.ID == idle.ID }, now)...)
	}
	h.root.Seq++
	s := h.add(stored{Realm: h.root.Realm, Hash: hash, Session: Session{
		Subject: h.root.Subject, ID: ID(h.root.Seq), Way: c.Way, Device: c.Device, Started: now, Seen: now,
	}})
	return result{Result{p.public(s), p.publicEach(evicted)}, token}
}

// rotate moves the session whose token has a hash to another token. ErrInvalid: there is none.
func (h *holder) rotate(p Policy, old []byte, token string, hash []byte, now time.Time) (result, error) {
	ended := h.end(func(s stored) bool { return bytes.Equal(s.Hash, old) && p.live(s, now) }, now)
	if len(ended) == 0 {
		return result{}, ErrInvalid
	}
	h.root.Seq++
	next := ended[0]
	next.Hash, next.Version = hash, 0
	if next.Seen.Before(now) {
		next.Seen = now
	}
	return result{Result{Session: p.public(h.add(next))}, token}, nil
}

// signOut ends the session whose token has a hash. ErrInvalid: there is none.
func (h *holder) signOut(p Policy, hash []byte, now time.Time) (result, error) {
	ended := h.end(func(s stored) bool { return bytes.Equal(s.Hash, hash) && p.live(s, now) }, now)
	if len(ended) == 0 {
		return result{}, ErrInvalid
	}
	h.root.Seq++
	return result{Result: Result{Session: p.public(ended[0])}}, nil
}

// revoke ends a session, even one that has lapsed: a longer policy would bring it back.
// ErrUnknown: there is none.
func (h *holder) revoke(p Policy, id ID, now time.Time) (result, error) {
	ended := h.end(func(s stored) bool { return s.ID == id }, now)
	if len(ended) == 0 {
		return result{}, ErrUnknown
	}
	h.root.Seq++
	return result{Result: Result{Ended: p.publicEach(ended)}}, nil
}

// revokeAll ends all sessions but one, as revoke does.
func (h *holder) revokeAll(p Policy, except ID, now time.Time) result {
	ended := h.end(func(s stored) bool { return s.ID != except }, now)
	h.root.Seq++
	return result{Result: Result{Ended: p.publicEach(ended)}}
}

// open returns the sessions that were not ended.
func (h *holder) open() (open []stored) {
	for _, s := range h.sessions {
		if s.Ended.IsZero() {
			open = append(open, s)
		}
	}
	return open
}

// end ends the sessions that which picks, and returns them as they were.
func (h *holder) end(which func(stored) bool, now time.Time) (ended []stored) {
	for i := range h.sessions {
		if s := &h.sessions[i]; s.Ended.IsZero() && which(*s) {
			ended = append(ended, *s)
			s.Ended, s.changed = now, true
		}
	}
	return ended
}

// add adds a session, and returns it.
func (h *holder) add(s stored) stored {
	s.changed = true
	h.sessions = append(h.sessions, s)
	return s
}
