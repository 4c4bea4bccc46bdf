package delivery

import (
	"slices"
	"time"
)

const (
	// MaxTries is how many wrong codes kill a code, and all codes of an address until another is
	// sent there (OWASP MFA cheat sheet; Twilio Verify has 5).
	MaxTries = 5
	// MaxWrong is how many wrong codes a verification takes, with all codes that are sent in it.
	MaxWrong = 10
	// MaxSends is how many codes are sent in a verification.
	MaxSends = 5
	// MaxMisses is how many wrong codes in a row stop an address (NIST SP 800-63B-4, 3.2.2).
	MaxMisses = 100
	// Lapse is how long a verification lasts from its first code on. It lasts longer where its last
	// code or a claim of it is good for longer.
	Lapse = time.Hour
	// ClaimTTL is how long a claim may be spent. It may outlive its code by that much.
	ClaimTTL = 10 * time.Minute
	// MaxSkew is how far apart the clocks of the processes that share a database may be.
	MaxSkew = 30 * time.Second

	codeLen = 6
)

// Pause returns how long after the last code of an address another one may be sent there, whatever
// for, where so many wrong ones in a row were typed for the address: a minute, twice that for each
// MaxTries of them, and a day at most.
//
// That bounds guesses. Between two codes an address takes MaxTries wrong ones, so whoever goes on
// from 5n to 5n+5 of them waits for a pause of 2^n minutes at least once: 1022 minutes for the nine
// pauses up to 512, after which the last code takes them to 54 at most; the next pause, of 1024
// minutes, ends on the second day, and each after it lasts a whole one.
//
// Whoever types wrong codes for an address on purpose keeps its owner waiting too, and in the end
// out, so that a service has another way in, or people who call Admit.
func Pause(misses int64) time.Duration {
	const doublings = 11 // 2048 minutes are more than a day
	return min(time.Minute<<min(misses/MaxTries, doublings), day)
}

// A recipient is what is kept of an address.
type recipient struct {
	Hash    []byte // keyed hash of the address
	Version int64  // number of the change that made it so
	Seq     int64  // entries of the journal so far
	history
}

// A history is what was sent to an address, and typed for it.
type history struct {
	Sent   time.Time      `json:"sent,omitzero"`    // when the last code was made
	Tries  int64          `json:"tries,omitempty"`  // wrong codes since then
	Misses int64          `json:"misses,omitempty"` // wrong codes in a row
	Open   []verification `json:"open,omitempty"`   // one a purpose
}

// A verification lasts from the first code of an address for a purpose until it is proved or has
// lapsed.
type verification struct {
	ID      []byte    `json:"id"`               // 16 random bytes
	Purpose Purpose   `json:"purpose"`          // what it allows
	Lapses  time.Time `json:"lapses"`           // it is over from here on
	Sends   int       `json:"sends"`            // codes so far
	Wrong   int64     `json:"wrong,omitempty"`  // wrong ones so far
	Silent  bool      `json:"silent,omitempty"` // the code is not sent, and never right
	Ref     string    `json:"ref"`              // of the message with the code
	KeyID   string    `json:"key"`              // id of the key that MAC is made with
	MAC     []byte    `json:"mac"`              // of tenant, purpose, address and code
	Tries   int64     `json:"tries,omitempty"`  // wrong ones since the code was made
	Made    time.Time `json:"made"`             // when the code was made
	Expires time.Time `json:"expires"`          // the code is good in [Made, Expires)
}

// early reports whether a clock that is ahead by more than MaxSkew wrote a time.
func early(at, now time.Time) bool { return at.After(now.Add(MaxSkew)) }

// over reports whether the verification has lapsed, or is by a clock that was far ahead.
func (v verification) over(now time.Time) bool { return !now.Before(v.Lapses) || early(v.Made, now) }

// live reports whether the code may be typed.
func (v verification) live(now time.Time) bool {
	return !v.over(now) && now.Before(v.Expires) && v.Tries < MaxTries && v.Wrong < MaxWrong
}

// find returns the place of the verification for a purpose, or -1.
func (h history) find(p Purpose) int {
	return slices.IndexFunc(h.Open, func(v verification) bool { return v.Purpose == p })
}

// put returns the history with a verification in the place of that for its purpose, and without
// those that are over.
func (h history) put(v verification, now time.Time) history {
	h = h.without(v.Purpose, now)
	h.Open = append(h.Open, v)
	return h
}

// without returns the history without the verification for a purpose, and without those that are
// over.
func (h history) without(p Purpose, now time.Time) history {
	h.Open = slices.DeleteFunc(slices.Clone(h.Open), func(v verification) bool { return v.Purpose == p || v.over(now) })
	return h
}

// pause returns how long to wait until another code may be sent; it is not above 0 where one may be
// at once. A last code by a clock that was far ahead delays none.
func (h history) pause(now time.Time) time.Duration {
	if early(h.Sent, now) {
		return 0
	}
	return h.Sent.Add(Pause(h.Misses)).Sub(now)
}

// next returns the verification that a code for a purpose would be sent in: the one under way, or a
// new one without an ID. Errors: ErrStopped, *ThrottledError.
func (h history) next(p Purpose, now time.Time) (verification, error) {
	if h.Misses >= MaxMisses {
		return verification{}, ErrStopped
	}
	if wait := h.pause(now); wait > 0 {
		return verification{}, &ThrottledError{wait, BudgetPause}
	}
	i := h.find(p)
	if i < 0 || h.Open[i].over(now) {
		return verification{Purpose: p, Lapses: now.Add(Lapse)}, nil
	}
	if v := h.Open[i]; v.Sends < MaxSends && v.Wrong < MaxWrong {
		return v, nil
	}
	return verification{}, &ThrottledError{h.Open[i].Lapses.Sub(now), BudgetSends}
}

// A code is one that was made, as it is kept.
type code struct {
	ref     string
	keyID   string
	mac     []byte
	expires time.Time
	silent  bool
}

// send returns the history once the code was made in a verification that next gave, and the answer
// to whoever asked for it.
func (h history) send(v verification, c code, now time.Time) (history, Sent) {
	v.Ref, v.KeyID, v.MAC, v.Silent = c.ref, c.keyID, c.mac, c.silent
	v.Sends, v.Tries, v.Made, v.Expires = v.Sends+1, 0, now, c.expires
	v.Lapses = later(v.Lapses, c.expires)
	h.Sent, h.Tries = now, 0
	h = h.put(v, now)
	next := now.Add(h.pause(now))
	if v.Sends == MaxSends {
		next = later(next, v.Lapses)
	}
	return h, Sent{Ref: c.ref, Expires: c.expires, Next: next, Left: MaxSends - v.Sends}
}

// A verdict is what an attempt comes to.
type verdict string

const (
	nothing verdict = ""      // there is no live code: nothing is counted, and nothing is told
	right   verdict = "right" // the code is right
	wrong   verdict = "wrong" // the code is wrong, which is counted
)

// try returns the history after an attempt at the code for a purpose, and the verification that it
// proved. match reports whether the code that was typed is that of a verification. ErrStopped: it
// may not be tried.
func (h history) try(p Purpose, now time.Time, match func(verification) bool) (history, verification, verdict, error) {
	if h.Misses >= MaxMisses {
		return h, verification{}, nothing, ErrStopped
	}
	i := h.find(p)
	v := verification{}
	if i >= 0 {
		v = h.Open[i]
	}
	matches := match(v) && !v.Silent // whatever there is, so that each attempt is as much work
	switch {
	case i < 0 || !v.live(now) || h.Tries >= MaxTries:
		return h, verification{}, nothing, nil
	case matches:
		h.Misses = 0
		v.Lapses = later(v.Lapses, now.Add(ClaimTTL))
		return h.put(v, now), v, right, nil
	}
	v.Wrong, v.Tries = v.Wrong+1, v.Tries+1
	h.Tries, h.Misses = h.Tries+1, h.Misses+1
	return h.put(v, now), verification{}, wrong, nil
}

// spend returns the history once the verification with an ID is over, and whether it was there.
func (h history) spend(p Purpose, id []byte, now time.Time) (history, bool) {
	i := h.find(p)
	if i < 0 || !slices.Equal(h.Open[i].ID, id) {
		return h, false
	}
	return h.without(p, now), true
}

// carries reports whether the message with a reference has a code that may be typed.
func (h history) carries(ref string, now time.Time) bool {
	return slices.ContainsFunc(h.Open, func(v verification) bool { return v.Ref == ref && v.live(now) }) && h.Tries < MaxTries
}

// idle is from when on the history says nothing: the hour that begins once nothing is under way, so
// that it seldom changes; the zero time: never, for it counts misses.
func (h history) idle() time.Time {
	if h.Misses > 0 {
		return time.Time{}
	}
	idle := h.Sent.Add(Pause(0))
	for _, v := range h.Open {
		idle = later(idle, v.Lapses)
	}
	return idle.Truncate(time.Hour).Add(time.Hour)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
