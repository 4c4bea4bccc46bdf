package authenticator

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now    func() time.Time // the clock; nil: time.Now
	Policy Policy           // what codes are like, and how late or early they may come
	Hook   storage.Hook     // of traces and metrics; nil: none
}

// A Policy says what the codes of new authenticators are like; those that are enrolled stay as they
// are. Many apps know the defaults alone, and show wrong codes for anything else.
type Policy struct {
	Algorithm Algorithm     // hash function; "": SHA1
	Digits    int           // length of a code, 6 to 8; 0: 6
	Period    time.Duration // how long a code lasts: whole seconds, 15 to 120; 0: 30 seconds
	// Ahead also accepts the code of the next step, for phones whose clocks are ahead. A guess then
	// hits one of three codes instead of two.
	Ahead bool
}

// totp returns what new authenticators have beside a secret.
func (p Policy) totp() TOTP {
	return TOTP{
		Algorithm: cmp.Or(p.Algorithm, SHA1), Digits: cmp.Or(p.Digits, minDigits), Period: cmp.Or(p.Period, 30*time.Second),
	}
}

// An Engine keeps the second factors of subjects. It is safe for concurrent use.
//
// A command that is repeated with its key changes nothing, counts nothing and returns its first
// outcome, and is journal.ErrKeyReused where it differs; but with another code it is another
// attempt, which is counted, for keys may be known. Besides the errors that its comment lists,
// a command returns *errs.InputError before anything was loaded, journal.ErrConflict where other
// changes of the subject came first twenty times in a row, and what the database said; after the
// last two it may be run again with its key.
type Engine struct {
	frame   engine.Frame
	holders engine.Roots[holder, Result]
	keys    ring
	policy  Policy
}

// New returns an engine on a store. The first key seals secrets, and all of them open what they
// sealed: a key may go once Reseal finds nothing more of it. New returns an error if keys is empty,
// a key is too short, two share an ID, or a field of the policy is out of its bounds.
func New(s storage.Tx, keys []secret.Key, opts *Options) (*Engine, error) {
	r, err := newRing(keys)
	if err != nil {
		return nil, err
	}
	o := cmp.Or(opts, &Options{})
	if err := o.Policy.totp().checkParameters(); err != nil {
		return nil, fmt.Errorf("authenticator: policy: %w", err)
	}
	f := engine.New(s, o.Now, o.Hook)
	return &Engine{f, engine.NewRoots[holder, Result](f, kind), r, o.Policy}, nil
}

// In returns a copy that is bound to a unit of work, of any tenant of the database: what it does is
// committed or rolled back with tx. Confirm and Verify belong outside, so that a rollback can't
// forgive a wrong code, and a bound engine refuses them.
func (e *Engine) In(tx storage.Tx) *Engine {
	return &Engine{e.frame.In(tx), e.holders.In(tx), e.keys, e.policy}
}

// Enroll makes the secret of a new authenticator, which waits for its first code until
// Enrollment.Expires. The old authenticator goes on until then, and an enrollment that waits
// already ends. Whoever enrolls is the subject to the service from then on: have a code of the old
// authenticator verified first, or a recovery code used. ErrEnded: the key names an enrollment that
// was confirmed, replaced or removed, or that has expired.
func (e *Engine) Enroll(ctx context.Context, c Enroll) (Enrollment, error) {
	t := e.policy.totp()
	t.Secret = make([]byte, hashes[t.Algorithm].bytes)
	rand.Read(t.Secret)
	out, err := e.do(ctx, command{
		name: KindEnroll, subject: c.Subject, by: c.By, key: c.Key, input: c,
		invalid: cmp.Or(checkLabel("issuer", c.Issuer), checkLabel("account", c.Account)),
		apply: func(h *holder, now time.Time) (string, error) {
			h.Status = h.Status.enroll(now)
			e.seal(h, pending, t)
			return "", nil
		},
	})
	if err == nil && out.Replayed {
		t, err = e.waiting(ctx, c.Subject, out.Status.Pending.Number)
	}
	if err != nil {
		return Enrollment{}, err
	}
	uri, err := t.URI(c.Issuer, c.Account)
	return Enrollment{TOTP: t, URI: uri, Expires: out.Status.Pending.Enrolled.Add(ConfirmWithin), Outcome: out}, err
}

// waiting returns the secret of an enrollment that waits for its first code. ErrEnded: it does not.
func (e *Engine) waiting(ctx context.Context, s Subject, number int64) (t TOTP, err error) {
	h, err := e.load(ctx, s, pending)
	if err == nil && (!h.Status.waits(e.frame.Now()) || h.Status.Pending.Number != number) {
		err = ErrEnded
	}
	if err == nil {
		err = e.open(&h, pending, &t)
	}
	if err != nil {
		return TOTP{}, fmt.Errorf("%s: %w", KindEnroll, err)
	}
	return t, nil
}

// Confirm puts the authenticator that waits in the place of the old one where the code is its own.
// The code is used up with that. Errors: ErrNoEnrollment, ErrInvalidCode, *ThrottledError.
func (e *Engine) Confirm(ctx context.Context, c Confirm) (Outcome, error) {
	code, invalid := readCode(c.Code)
	return e.code(ctx, command{
		name: KindConfirm, subject: c.Subject, key: c.Key, invalid: cmp.Or(invalid, e.unbound()), uses: []use{pending},
		apply: func(h *holder, now time.Time) (refused string, err error) {
			if !h.Status.waits(now) {
				return "", ErrNoEnrollment
			}
			var t TOTP
			if err := e.open(h, pending, &t); err != nil {
				return "", err
			}
			h.Status.Pending, refused, err = h.Status.Pending.try(t, code, now, e.policy.Ahead)
			if err != nil || refused != "" {
				return refused, err
			}
			h.Status = h.Status.confirm(now)
			e.seal(h, active, t)
			h.drop(pending)
			return "", nil
		},
	}, code)
}

// Verify accepts a code of the subject's authenticator, which is used up with that, or counts a
// wrong one; either is committed before the answer. What the code allows is done after it: where
// that fails, Verify may be repeated with its key within RepeatWithin. Call it once the first
// factor is proved, for whoever may type wrong codes can have the subject wait. Errors:
// ErrNotEnrolled; ErrInvalidCode; *ThrottledError; ErrDisabled.
func (e *Engine) Verify(ctx context.Context, c Verify) (Outcome, error) {
	code, invalid := readCode(c.Code)
	return e.code(ctx, command{
		name: KindVerify, subject: c.Subject, key: c.Key, invalid: cmp.Or(invalid, e.unbound()), uses: []use{active},
		apply: func(h *holder, now time.Time) (refused string, err error) {
			if !h.Status.Enrolled() {
				return "", ErrNotEnrolled
			}
			var t TOTP
			if err := e.open(h, active, &t); err != nil {
				return "", err
			}
			h.Status.Active, refused, err = h.Status.Active.try(t, code, now, e.policy.Ahead)
			return refused, err
		},
	}, code)
}

// Recover accepts a recovery code, which is used up with that; Outcome.Status.Recovery.Left says
// how many are left. It is good although the authenticator is disabled, so that the subject can
// enroll a new one. A wrong code is in the journal, and is not counted: how often somebody may try
// is the caller's to bound. Errors: ErrNoRecoveryCodes, ErrInvalidCode.
//
// Unlike Verify it may run in a transaction, for a rollback that forgives a guess at 120 bits gives
// nothing away; it gives the code back too.
func (e *Engine) Recover(ctx context.Context, c Recover) (Outcome, error) {
	code, invalid := readRecovery(c.Code)
	return e.code(ctx, command{
		name: KindRecover, subject: c.Subject, key: c.Key, invalid: invalid, uses: []use{recovery},
		apply: func(h *holder, now time.Time) (string, error) {
			if h.Status.Recovery.Number == 0 {
				return "", ErrNoRecoveryCodes
			}
			var s set
			if err := e.open(h, recovery, &s); err != nil {
				return "", err
			}
			left, ok := s.use(code)
			if !ok {
				return Wrong, nil
			}
			h.Status.Recovery.Left, h.Status.Recovery.LastUsed = len(left.MACs), now
			e.seal(h, recovery, left)
			return "", nil
		},
	}, code)
}

// Renew makes a new set of recovery codes, of which each is good once. ErrNotEnrolled: there is no
// authenticator that they could stand in for.
func (e *Engine) Renew(ctx context.Context, c Renew) (Renewed, error) {
	s, codes := newSet()
	out, err := e.do(ctx, command{
		name: KindRenew, subject: c.Subject, by: c.By, key: c.Key, input: c,
		apply: func(h *holder, now time.Time) (_ string, err error) {
			if h.Status, err = h.Status.renew(now); err == nil {
				e.seal(h, recovery, s)
			}
			return "", err
		},
	})
	if err != nil || out.Replayed {
		codes = nil
	}
	return Renewed{codes, out}, err
}

// Disable disables the subject's authenticator until another one takes its place. ErrNotEnrolled:
// there is none.
func (e *Engine) Disable(ctx context.Context, c Disable) (Outcome, error) {
	return e.do(ctx, command{
		name: KindDisable, subject: c.Subject, by: c.By, key: c.Key, input: c,
		apply: func(h *holder, now time.Time) (_ string, err error) {
			h.Status, err = h.Status.disable(now)
			return "", err
		},
	})
}

// Remove deletes the subject's authenticators and recovery codes: it has no second factor from then
// on. ErrNotEnrolled: there was none.
func (e *Engine) Remove(ctx context.Context, c Remove) (Outcome, error) {
	return e.do(ctx, command{
		name: KindRemove, subject: c.Subject, by: c.By, key: c.Key, input: c,
		apply: func(h *holder, _ time.Time) (_ string, err error) {
			h.Status, err = h.Status.remove()
			h.drop(active, pending, recovery)
			return "", err
		},
	})
}

// Status returns what is known of a subject, which is zero where it has never enrolled.
func (e *Engine) Status(ctx context.Context, s Subject) (_ Status, err error) {
	ctx, call := e.frame.Begin(ctx, "authenticator.status", subjectOf(s))
	defer call.End(&err)
	h, err := newHolder(s), valid.ID("subject", s)
	if err == nil {
		h, err = e.load(ctx, s)
	}
	if err != nil {
		return Status{}, fmt.Errorf("authenticator.status: %w", err)
	}
	return h.Status, nil
}

// load returns a subject with its secrets for these uses.
func (e *Engine) load(ctx context.Context, s Subject, uses ...use) (holder, error) {
	h := newHolder(s)
	err := e.frame.Store.Load(ctx, []storage.Look{{Reads: h.reads(uses...)}})
	return h, err
}

// open reads a secret of a subject.
func (e *Engine) open(h *holder, u use, v any) error {
	return e.keys.open(e.frame.Tenant(), h.secret(u), h.number(u), v)
}

// seal makes a value the secret of a subject.
func (e *Engine) seal(h *holder, u use, v any) {
	row := h.secret(u)
	e.keys.seal(e.frame.Tenant(), row, h.number(u), v)
	row.changed = true
}
