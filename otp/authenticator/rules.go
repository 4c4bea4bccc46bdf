package authenticator

import (
	"time"
)

const (
	// MaxFailures is how many wrong codes in a row disable an authenticator (NIST SP 800-63B-4,
	// 3.2.2).
	MaxFailures = 100
	// ConfirmWithin is how long an enrollment waits for its first code.
	ConfirmWithin = 15 * time.Minute
	// MaxSkew is how far apart the clocks of the processes that share a database may be. A wrong
	// code that was counted by a clock further ahead makes nobody wait.
	MaxSkew = 30 * time.Second

	freeFailures = 4
	minWait      = 30 * time.Second
	maxWait      = time.Hour
)

// The reasons that the journal gives for ErrInvalidCode.
const (
	Wrong = "wrong" // no code of that time, or no recovery code of the set
	Used  = "used"  // a code of that time that is not later than the last one accepted
)

// Wait returns how long no code is looked at after that many wrong ones in a row: 4 cost nothing,
// the 5th 30 seconds, and each further one twice as long, up to an hour from the 12th on.
func Wait(failures int64) time.Duration {
	if failures <= freeFailures {
		return 0
	}
	doublings := min(failures-freeFailures-1, 7)
	return min(minWait<<doublings, maxWait)
}

// A Status is what is known of a subject.
type Status struct {
	// Active is the authenticator whose codes are verified; zero: none. A disabled one is still
	// there, and a service that then asks for no second factor lets whoever disabled it in.
	Active Authenticator `json:"active,omitzero"`
	// Pending is the authenticator that waits for its first code; zero: none. The active one goes
	// on until that has come.
	Pending Authenticator `json:"pending,omitzero"`
	// Recovery is the set of recovery codes; zero: none.
	Recovery Recovery `json:"recovery,omitzero"`
	// Enrollments is how often the subject has enrolled.
	Enrollments int64 `json:"enrollments"`
	// Sets is how often the subject got recovery codes.
	Sets int64 `json:"sets,omitempty"`
}

// An Authenticator is what is known of one beside its secret.
type Authenticator struct {
	Number    int64     `json:"number"`             // how often the subject had enrolled with this one; 0: it is none
	Enrolled  time.Time `json:"enrolled"`           // when the secret was made
	Confirmed time.Time `json:"confirmed,omitzero"` // when the first code came; zero: it has not come
	Disabled  time.Time `json:"disabled,omitzero"`  // from when on no code is accepted; zero: it is not disabled
	LastUsed  time.Time `json:"lastUsed,omitzero"`  // when a code was last accepted
	Step      int64     `json:"step,omitempty"`     // time step of that code
	Failures  int64     `json:"failures,omitempty"` // wrong codes in a row
	LastWrong time.Time `json:"lastWrong,omitzero"` // when the last of them came
}

// A Recovery is what is known of a set of recovery codes.
type Recovery struct {
	Number   int64     `json:"number"`            // how many sets the subject had with this one; 0: it is none
	Made     time.Time `json:"made"`              // when it was made
	Left     int       `json:"left"`              // how many of its codes are unused
	LastUsed time.Time `json:"lastUsed,omitzero"` // when one was last used
}

// Enrolled reports whether the subject has an authenticator, so that a second factor is to be asked
// for. A disabled one counts.
func (s Status) Enrolled() bool { return s.Active.Number > 0 }

// enroll returns the status with a new authenticator that waits for its first code.
func (s Status) enroll(now time.Time) Status {
	s.Enrollments++
	s.Pending = Authenticator{Number: s.Enrollments, Enrolled: now}
	return s
}

// waits reports whether an enrollment waits for its first code.
func (s Status) waits(now time.Time) bool {
	return s.Pending.Number > 0 && now.Before(s.Pending.Enrolled.Add(ConfirmWithin))
}

// confirm returns the status with the pending authenticator in the place of the active one, whose
// first code was accepted.
func (s Status) confirm(now time.Time) Status {
	s.Active, s.Pending = s.Pending, Authenticator{}
	s.Active.Confirmed = now
	return s
}

// renew returns the status with a new set of recovery codes. ErrNotEnrolled: there is nothing that
// they could stand in for.
func (s Status) renew(now time.Time) (Status, error) {
	if !s.Enrolled() {
		return s, ErrNotEnrolled
	}
	s.Sets++
	s.Recovery = Recovery{Number: s.Sets, Made: now, Left: RecoveryCodes}
	return s, nil
}

// disable returns the status with the authenticator disabled. ErrNotEnrolled: there is none.
func (s Status) disable(now time.Time) (Status, error) {
	if !s.Enrolled() {
		return s, ErrNotEnrolled
	}
	if s.Active.Disabled.IsZero() {
		s.Active.Disabled = now
	}
	return s, nil
}

// remove returns the status without authenticators and recovery codes. ErrNotEnrolled: there are
// none.
func (s Status) remove() (Status, error) {
	if !s.Enrolled() && s.Pending.Number == 0 {
		return s, ErrNotEnrolled
	}
	return Status{Enrollments: s.Enrollments, Sets: s.Sets}, nil
}

// wait returns how long no code is looked at yet.
func (a Authenticator) wait(now time.Time) time.Duration {
	since := now.Sub(a.LastWrong)
	if since < -MaxSkew {
		return 0
	}
	return max(0, Wait(a.Failures)-max(0, since))
}

// try returns the authenticator after a code was typed, and why the code is refused; "": it is
// accepted. A code that is refused as used is not counted: it was right, and is good for nothing
// any more. ErrDisabled and *ThrottledError: the code was not looked at, and nothing changes.
func (a Authenticator) try(t TOTP, code string, now time.Time, ahead bool) (_ Authenticator, refused string, err error) {
	if !a.Disabled.IsZero() {
		return a, "", ErrDisabled
	}
	if wait := a.wait(now); wait > 0 {
		return a, "", &ThrottledError{wait}
	}
	step, ok := t.Verify(code, now, a.Step, ahead)
	switch {
	case ok:
		a.Step, a.LastUsed, a.Failures, a.LastWrong = step, now, 0, time.Time{}
		return a, "", nil
	case step > 0:
		return a, Used, nil
	}
	a.Failures++
	a.LastWrong = now
	if a.Failures >= MaxFailures {
		a.Disabled = now
	}
	return a, Wrong, nil
}
