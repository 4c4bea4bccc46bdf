package activation

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
)

// SignIn begins a session of an agent. Its token is in the Access, shown this once. Errors:
// ErrUnknownCode, and those that say more of the code to whoever has it: ErrDisabled, ErrExpired,
// ErrDevice, ErrSessions (a *SessionsError, but where the device has a thousand codes) and
// *ThrottledError. What a refused sign-in with the right code is charged is stored, outside of a
// unit of work that is rolled back.
//
// Nobody with the code at one device keeps others out: a device has one session of a code, an agent
// a part of those that the policy gives a code, and tries are charged to each device by itself.
// Where strangers at made-up devices fill a code, a device that was there before them signs in at
// once, and a new one as soon as one of theirs was not heard of for Away, or had no port for
// Settling.
func (e *Engine) SignIn(ctx context.Context, c SignIn) (Access, error) {
	id, rest, ok := parseCode(c.Code)
	var token string
	return do(ctx, e, task[Access]{
		kind: string(KindSignIn), subject: CodeSubject(id), private: true, once: func(s *Access) { s.Token = token }, who: func(s Access) string { return s.ID().String() },
		input: []any{c.Device, c.Agent}, lookup: lookup{codes: []ids.Code{id}, secret: true, device: c.Device},
		check: func() error {
			if err := c.check(); err != nil || !ok {
				return cmp.Or(err, ErrUnknownCode)
			}
			secret, err := secretOf(ctx, e.frame.Store, id)
			if err == nil && !secret.opens(e.keys, e.frame.Tenant(), id, rest) {
				err = ErrUnknownCode
			}
			return err
		},
		decide: func(l loaded, now time.Time) (change, Access, error) {
			code := l.codes[0]
			tenant := e.frame.Tenant()
			if !code.Secret.opens(e.keys, tenant, id, rest) {
				return change{}, Access{}, ErrUnknownCode
			}
			shown := sameHash(l.device.Hash, hashDevice(tenant, c.Device, c.DeviceToken))
			next, s, err := code.SignIn(e.policy, l.device, c, shown, func(id SessionID) []byte {
				token = newToken(id)
				return hashSession(tenant, token)
			}, now)
			if err != nil {
				return change{}, Access{}, cmp.Or(e.charge(ctx, l, next, err), err)
			}
			if code.Secret.KeyID != e.keys[0].ID {
				next.Secret = seal(e.keys[0], tenant, id, rest)
			}
			device := l.device
			if device.full(id) {
				of, err := load(ctx, e.frame.Store, lookup{device: c.Device, ofDevice: true})
				if err != nil {
					return change{}, Access{}, err
				}
				device = device.forget(of.codes, now)
			}
			device, err = device.signedIn(id, now)
			s.Hash = nil
			return change{codes: []Code{next}, devices: []Device{device}}, Access{Code: next.public(), Session: s}, err
		},
	})
}

// charge stores what a sign-in with the right code costs that was refused.
func (e *Engine) charge(ctx context.Context, l loaded, next Code, refusal error) error {
	var throttled *ThrottledError
	if errors.As(refusal, &throttled) || errors.Is(refusal, ErrUnknownCode) {
		return nil
	}
	ch := change{codes: []Code{next}}
	ch.finish(l, nil)
	return ch.save(ctx, e.frame.Store)
}

// Check returns what the session of a token has, at this moment. ErrSignedOut: it has none.
func (e *Engine) Check(ctx context.Context, token string) (Access, error) {
	_, c, s, err := e.access(ctx, token, lookup{}, e.frame.Now())
	if err != nil {
		return Access{}, fmt.Errorf("activation: check: %w", err)
	}
	return c.access(s), nil
}

// Beat says that the session of a token is online, for Away. A client says so every minute. Errors:
// those of Check.
func (e *Engine) Beat(ctx context.Context, token string) (Access, error) {
	now := e.frame.Now()
	var access Access
	err := combine.Retry(ctx, func() error {
		l, c, s, err := e.access(ctx, token, lookup{}, now)
		if err != nil {
			return err
		}
		s.heard(now)
		access = c.access(s)
		ch := change{codes: []Code{c}}
		ch.finish(l, nil)
		return ch.save(ctx, e.frame.Store)
	})
	if err != nil {
		return Access{}, fmt.Errorf("activation: beat: %w", err)
	}
	return access, nil
}

// access returns the code of a token as it is at that time, with the session, and what else is
// looked up.
func (e *Engine) access(ctx context.Context, token string, also lookup, now time.Time) (l loaded, c Code, s *Session, err error) {
	id, ok := parseToken(token)
	if !ok {
		return l, c, nil, ErrSignedOut
	}
	also.codes = []ids.Code{id.Code}
	if l, err = load(ctx, e.frame.Store, also); err != nil {
		return l, c, nil, err
	}
	c = l.codes[0].Settled(now)
	if s = c.Session(id.N); s == nil || !sameHash(s.Hash, hashSession(e.frame.Tenant(), token)) {
		return l, c, nil, ErrSignedOut
	}
	return l, c, s, nil
}

// access returns what a session has.
func (c Code) access(s *Session) Access {
	out := Access{Code: c.public(), Session: *s}
	out.Session.Hash = nil
	return out
}

// SignOut ends a session, and the use of its ports. ErrUnknownCode: there is no such code.
func (e *Engine) SignOut(ctx context.Context, c SignOut) (Code, error) {
	return do(ctx, e, task[Code]{
		kind: string(KindSignOut), check: c.check, subject: CodeSubject(c.Session.Code), key: c.Key, by: c.By, input: c,
		lookup: lookup{codes: []ids.Code{c.Session.Code}},
		decide: func(l loaded, now time.Time) (change, Code, error) {
			next, err := l.codes[0].known(now)
			next = next.without(now, func(s Session) bool { return s.N == c.Session.N })
			return change{codes: []Code{next}}, next.public(), err
		},
	})
}

// Open opens a port. Errors: those of Code.Open.
func (e *Engine) Open(ctx context.Context, c Open) (Port, error) {
	return do(ctx, e, task[Port]{
		kind: string(KindOpen), check: c.check, subject: CodeSubject(c.Session.Code), key: c.Key, by: c.Session.String(), input: c,
		lookup: lookup{codes: []ids.Code{c.Session.Code}},
		decide: func(l loaded, now time.Time) (change, Port, error) {
			next, p, err := l.codes[0].Open(c, now)
			return change{codes: []Code{next}, ports: []Port{p}}, p, err
		},
	})
}

// Pair notes that a QR code is shown for a port. Errors: those of Code.Pair.
func (e *Engine) Pair(ctx context.Context, c Pair) (Port, error) {
	return do(ctx, e, task[Port]{
		kind: string(KindPair), check: c.check, subject: CodeSubject(c.Session.Code), key: c.Key, by: c.Session.String(), input: c,
		lookup: lookup{codes: []ids.Code{c.Session.Code}, port: PortID{c.Session.Code, c.Port}},
		decide: func(l loaded, now time.Time) (change, Port, error) {
			next, p, err := l.codes[0].Pair(l.port, c, now)
			return change{codes: []Code{next}, ports: []Port{p}}, p, err
		},
	})
}

// Link notes that an account has linked a port. Errors: those of Code.Link.
func (e *Engine) Link(ctx context.Context, c Link) (Port, error) {
	return do(ctx, e, task[Port]{
		kind: string(KindLink), check: c.check, subject: CodeSubject(c.Session.Code), key: c.Key, by: c.Session.String(), input: c,
		lookup: lookup{codes: []ids.Code{c.Session.Code}, port: PortID{c.Session.Code, c.Port}, account: c.Account},
		decide: func(l loaded, now time.Time) (change, Port, error) {
			next, p, of, err := l.codes[0].Link(l.port, l.claimed, c, now)
			ch := change{codes: []Code{next}, ports: []Port{p}}
			if claim, isNew := l.claim.linked(l.claimed.Port.Settled(l.claimed.Code, now), p, now); isNew {
				ch.claims = []Claim{claim}
			}
			if of.Port.State != l.claimed.Port.State {
				ch.ports = append(ch.ports, of.Port)
				if of.Code.ID != next.ID {
					ch.codes = append(ch.codes, of.Code)
				}
			}
			return ch, p, err
		},
	})
}

// Logout notes that an account was logged out, by whomever: its port is free. Errors: those of
// Code.Leave.
func (e *Engine) Logout(ctx context.Context, c Leave) (Port, error) {
	return e.leave(ctx, string(KindLogout), LoggedOut, c)
}

// Ban notes that a platform has banned an account. Errors: those of Code.Leave.
func (e *Engine) Ban(ctx context.Context, c Leave) (Port, error) {
	return e.leave(ctx, string(KindBan), Banned, c)
}

// Close takes a port from the list. Errors: those of Code.Leave.
func (e *Engine) Close(ctx context.Context, c Leave) (Port, error) {
	return e.leave(ctx, string(KindClose), Closed, c)
}

func (e *Engine) leave(ctx context.Context, kind string, to PortState, c Leave) (Port, error) {
	return do(ctx, e, task[Port]{
		kind: kind, check: c.check, subject: CodeSubject(c.Port.Code), key: c.Key, by: c.By, input: c,
		lookup: lookup{codes: []ids.Code{c.Port.Code}, port: c.Port},
		decide: func(l loaded, now time.Time) (change, Port, error) {
			next, p, err := l.codes[0].Leave(l.port, to, c, now)
			return change{codes: []Code{next}, ports: []Port{p}}, p, err
		},
	})
}

// An Agent (客服) is a port as it is now, with who works there.
type Agent struct {
	Port
	Agent      AgentID `json:"agent,omitempty"`      // of the session that has the port in use
	Online     bool    `json:"online"`               // the session is, and the port is linked
	Department string  `json:"department,omitempty"` // Settings.Department of the code
}

// Agents yields the ports that the query asks for and that are not closed, in the order of their
// ids. Errors: *errs.InputError.
func (e *Engine) Agents(ctx context.Context, q PortQuery) iter.Seq2[Agent, error] {
	return func(yield func(Agent, error) bool) {
		err := cmp.Or(valid.OptionalID("code", q.Code), valid.OptionalID("platform", q.Platform),
			valid.Between("accounts", int64(len(q.Accounts)), 0, maxAccounts))
		for _, a := range q.Accounts {
			err = cmp.Or(err, valid.ID("accounts", a))
		}
		if err != nil {
			yield(Agent{}, fmt.Errorf("activation: agents: %w", err))
			return
		}
		now, left := e.frame.Now(), q.Limit
		q.Limit = 0
		var code Code
		for h, err := range q.held(ctx, e.frame.Store) {
			if h.Code.ID != code.ID {
				code = h.Code.Settled(now)
			}
			a := h.Port.agent(code, now)
			switch {
			case err == nil && a.State == Closed:
			case !yield(a, err):
				return
			default:
				if left--; left == 0 {
					return
				}
			}
		}
	}
}

// agent returns the port of a code that is settled as it is then.
func (p Port) agent(c Code, now time.Time) Agent {
	a := Agent{Port: p.within(c, now), Department: c.Settings.Department}
	if s := c.Session(a.Session); s != nil && a.used() {
		a.Agent, a.Online = s.Agent, a.State == Linked && s.Online(now)
	}
	return a
}

// Invite makes an invitation for the QR code that adds a device. Its token is shown this once.
func (e *Engine) Invite(ctx context.Context, by, key string) (Invited, error) {
	var token string
	return do(ctx, e, task[Invited]{
		kind: string(KindInvite), check: func() error { return cmp.Or(valid.OptionalID("by", by), valid.ID("key", key)) },
		subject: ofTenant(key), key: key, by: by, input: by, once: func(out *Invited) { out.Token = token },
		decide: func(_ loaded, now time.Time) (change, Invited, error) {
			token = rand.Text()
			inv := Invitation{Hash: hashInvitation(e.frame.Tenant(), token), By: by, Expires: now.Add(InvitationTTL)}
			return change{invitations: []Invitation{inv}}, Invited{Expires: inv.Expires}, nil
		},
	})
}

// AddDevice adds the device that has scanned an invitation, and shows its token. ErrInvitation: the
// invitation can't be used.
func (e *Engine) AddDevice(ctx context.Context, c AddDevice) (Added, error) {
	var token string
	hash := hashInvitation(e.frame.Tenant(), c.Token)
	return do(ctx, e, task[Added]{
		kind: string(KindAddDevice), check: c.check, subject: c.Device.Subject(), key: c.Key, input: []any{hash, c},
		lookup: lookup{device: c.Device, invitation: hash}, once: func(out *Added) { out.Token = token },
		decide: func(l loaded, now time.Time) (change, Added, error) {
			token = rand.Text()
			next, inv, err := l.device.Add(l.invitation, c, hashDevice(e.frame.Tenant(), c.Device, token), now)
			return change{devices: []Device{next}, invitations: []Invitation{inv}}, Added{Device: next.public()}, err
		},
	})
}

// RemoveDevice takes a device from the list, and ends its sessions. ErrUnknownDevice: there is
// none.
func (e *Engine) RemoveDevice(ctx context.Context, c RemoveDevice) (Device, error) {
	return do(ctx, e, task[Device]{
		kind: string(KindRemoveDevice), check: c.check, subject: c.Device.Subject(), key: c.Key, by: c.By, input: c,
		lookup: lookup{device: c.Device, ofDevice: true},
		decide: func(l loaded, now time.Time) (ch change, next Device, err error) {
			if next, err = l.device.Remove(now); err != nil {
				return ch, next, err
			}
			ch.devices = []Device{next}
			for _, code := range l.codes {
				after := code.without(now, func(s Session) bool { return s.Device == c.Device })
				if len(after.Sessions) < len(code.Sessions) {
					ch.codes = append(ch.codes, after)
				}
			}
			return ch, next, nil
		},
	})
}

// Devices yields the devices of the list, in the order of their ids.
func (e *Engine) Devices(ctx context.Context) iter.Seq2[Device, error] {
	return func(yield func(Device, error) bool) {
		for d, err := range storage.List(ctx, e.frame.Store, devicesNow, storage.Range{}) {
			if !yield(d.public(), err) {
				return
			}
		}
	}
}

// Sessions returns the sessions of a code, in the order in which they began. ErrUnknownCode: there
// is none.
func (e *Engine) Sessions(ctx context.Context, id ids.Code) ([]Session, error) {
	c, err := e.Code(ctx, id)
	return slices.Clone(c.Sessions), err
}
