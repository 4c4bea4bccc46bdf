package activation

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// SignIn begins a session of an agent. Its token is in the Seat, shown this once. Errors: ErrUnknownCode, and those that tell more
// of the code to who has it: ErrDisabled, ErrExpired, ErrDevice, ErrSessions.
func (e *Engine) SignIn(ctx context.Context, c SignIn) (Seat, error) {
	id, rest, ok := parseCode(c.Code)
	if err := c.check(); err != nil || !ok {
		return Seat{}, fmt.Errorf("activation.signIn: %w", cmp.Or(err, ErrUnknownCode))
	}
	var token string
	seat, err := do(ctx, e, task[Seat]{
		kind: "activation.signIn", check: c.check, subject: id.Subject(), key: "sign-in " + rand.Text(), by: string(c.Agent),
		input: []any{c.Device, c.Agent}, lookup: Lookup{Codes: []CodeID{id}, Device: c.Device},
		decide: func(l Loaded, now time.Time) (Change, Seat, error) {
			code := l.Codes[0]
			if !code.opens(e.keys, rest) {
				return Change{}, Seat{}, ErrUnknownCode
			}
			next, s, err := code.SignIn(l.Device, c, func(id SessionID) []byte {
				token = newToken(id)
				return hashToken(token)
			}, now)
			if err != nil {
				return Change{}, Seat{}, err
			}
			device, err := l.Device.signedIn(id, now)
			s.Hash = nil
			return Change{Codes: []Code{next}, Devices: []Device{device}}, Seat{Code: next.public(), Session: s}, err
		},
	})
	seat.Token = token
	if err != nil {
		seat = Seat{}
	}
	return seat, err
}

// Check returns what the session of a token has, at this moment. ErrSignedOut: it has none.
func (e *Engine) Check(ctx context.Context, token string) (Seat, error) {
	seat, _, err := e.seat(ctx, token)
	if err != nil {
		return Seat{}, fmt.Errorf("activation: check: %w", err)
	}
	return seat, nil
}

// Beat says that the session of a token is online, for Away. A client says so every minute. Errors: those of Check.
func (e *Engine) Beat(ctx context.Context, token string) (Seat, error) {
	var seat Seat
	err := combine.Retry(ctx, func() (err error) {
		var l Loaded
		if seat, l, err = e.seat(ctx, token); err != nil {
			return err
		}
		next := l.Codes[0].Settled(e.now())
		seat.Session.Seen = e.now()
		next.Session(seat.Session.N).Seen = seat.Session.Seen
		ch := Change{Codes: []Code{next}}
		ch.finish(l, nil)
		return e.store.Save(ctx, ch)
	})
	if err != nil {
		return Seat{}, fmt.Errorf("activation: beat: %w", err)
	}
	return seat, nil
}

func (e *Engine) seat(ctx context.Context, token string) (Seat, Loaded, error) {
	id, ok := parseToken(token)
	if !ok {
		return Seat{}, Loaded{}, ErrSignedOut
	}
	l, err := e.store.Load(ctx, Lookup{Codes: []CodeID{id.Code}})
	if err != nil {
		return Seat{}, l, err
	}
	c := l.Codes[0].Settled(e.now())
	s := c.Session(id.N)
	if s == nil || !sameHash(s.Hash, hashToken(token)) {
		return Seat{}, l, ErrSignedOut
	}
	seat := Seat{Code: c.public(), Session: *s}
	seat.Session.Hash = nil
	return seat, l, nil
}

// SignOut ends a session, and the use of its ports. ErrUnknownCode: there is no such code.
func (e *Engine) SignOut(ctx context.Context, c SignOut) (Code, error) {
	return do(ctx, e, task[Code]{
		kind: "activation.signOut", check: c.check, subject: c.Session.Code.Subject(), key: c.Key, by: c.By, input: c,
		lookup: Lookup{Codes: []CodeID{c.Session.Code}},
		decide: func(l Loaded, now time.Time) (Change, Code, error) {
			next, err := l.Codes[0].known(now)
			next = next.without(func(s Session) bool { return s.N == c.Session.N })
			return Change{Codes: []Code{next}}, next.public(), err
		},
	})
}

// Open opens a port. Errors: those of Code.Open.
func (e *Engine) Open(ctx context.Context, c Open) (Port, error) {
	return do(ctx, e, task[Port]{
		kind: "activation.open", check: c.check, subject: c.Session.Code.Subject(), key: c.Key, by: c.By, input: c,
		lookup: Lookup{Codes: []CodeID{c.Session.Code}},
		decide: func(l Loaded, now time.Time) (Change, Port, error) {
			next, p, err := l.Codes[0].Open(c, now)
			return Change{Codes: []Code{next}, Ports: []Port{p}}, p, err
		},
	})
}

// Pair notes that a QR code is shown for a port. Errors: those of Code.Pair.
func (e *Engine) Pair(ctx context.Context, c Pair) (Port, error) {
	return do(ctx, e, task[Port]{
		kind: "activation.pair", check: c.check, subject: c.Session.Code.Subject(), key: c.Key, by: c.By, input: c,
		lookup: Lookup{Codes: []CodeID{c.Session.Code}, Port: PortID{c.Session.Code, c.Port}},
		decide: func(l Loaded, now time.Time) (Change, Port, error) {
			next, p, err := l.Codes[0].Pair(l.Port, c, now)
			return Change{Codes: []Code{next}, Ports: []Port{p}}, p, err
		},
	})
}

// Link notes that an account has linked a port. Errors: those of Code.Link.
func (e *Engine) Link(ctx context.Context, c Link) (Port, error) {
	return do(ctx, e, task[Port]{
		kind: "activation.link", check: c.check, subject: c.Session.Code.Subject(), key: c.Key, by: c.By, input: c,
		lookup: Lookup{Codes: []CodeID{c.Session.Code}, Port: PortID{c.Session.Code, c.Port}, Account: c.Account},
		decide: func(l Loaded, now time.Time) (Change, Port, error) {
			next, p, had, err := l.Codes[0].Link(l.Port, l.Account, c, now)
			ch := Change{Codes: []Code{next}, Ports: []Port{p}}
			if had.ID.N != 0 {
				ch.Ports = append(ch.Ports, had)
			}
			return ch, p, err
		},
	})
}

// Logout notes that an account was logged out, by whomever: its port is free. Errors: those of Code.Leave.
func (e *Engine) Logout(ctx context.Context, c Leave) (Port, error) {
	return e.leave(ctx, "activation.logout", LoggedOut, c)
}

// Ban notes that a platform has banned an account. Errors: those of Code.Leave.
func (e *Engine) Ban(ctx context.Context, c Leave) (Port, error) {
	return e.leave(ctx, "activation.ban", Banned, c)
}

// Close takes a port from the list. Errors: those of Code.Leave.
func (e *Engine) Close(ctx context.Context, c Leave) (Port, error) {
	return e.leave(ctx, "activation.close", Closed, c)
}

func (e *Engine) leave(ctx context.Context, kind string, to PortState, c Leave) (Port, error) {
	return do(ctx, e, task[Port]{
		kind: kind, check: c.check, subject: c.Port.Code.Subject(), key: c.Key, by: c.By, input: c,
		lookup: Lookup{Codes: []CodeID{c.Port.Code}, Port: c.Port},
		decide: func(l Loaded, now time.Time) (Change, Port, error) {
			next, p, err := l.Codes[0].Leave(l.Port, to, c, now)
			return Change{Codes: []Code{next}, Ports: []Port{p}}, p, err
		},
	})
}

// An Agent (客服) is a port as it is now, with who works there.
type Agent struct {
	Port
	Agent      AgentID `json:"agent,omitempty"` // of the session that has the port in use
	Online     bool    `json:"online"`          // the session is, and the port is linked
	Department string  `json:"department,omitempty"`
}

// Agents yields the ports that the query asks for and that are not closed, in the order of their ids.
func (e *Engine) Agents(ctx context.Context, q PortQuery) iter.Seq2[Agent, error] {
	return func(yield func(Agent, error) bool) {
		err := cmp.Or(valid.OptionalID("code", q.Code), valid.OptionalID("platform", q.Platform), valid.OptionalID("account", q.Account))
		if err != nil {
			yield(Agent{}, fmt.Errorf("activation: agents: %w", err))
			return
		}
		now, left := e.now(), q.Limit
		q.Limit = 0
		for h, err := range e.store.Ports(ctx, q) {
			a := h.at(now)
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

func (h Held) at(now time.Time) Agent {
	c := h.Code.Settled(now)
	a := Agent{Port: h.Port.Settled(c, now), Department: c.Settings.Department}
	if s := c.Session(a.Session); s != nil && a.used() {
		a.Agent, a.Online = s.Agent, a.State == Linked && s.Online(now)
	}
	return a
}

// Invite makes an invitation for the QR code that adds a device. Its token is shown this once.
func (e *Engine) Invite(ctx context.Context, by, key string) (Invited, error) {
	var token string
	out, err := do(ctx, e, task[Invited]{
		kind: "activation.invite", check: func() error { return cmp.Or(valid.OptionalID("by", by), valid.ID("key", key)) },
		subject: ofTenant(key), key: key, by: by, replayed: func() { token = "" },
		decide: func(_ Loaded, now time.Time) (Change, Invited, error) {
			token = rand.Text()
			inv := Invitation{Hash: hashToken(token), By: by, Expires: now.Add(InvitationTTL)}
			return Change{Invitations: []Invitation{inv}}, Invited{Expires: inv.Expires}, nil
		},
	})
	if err == nil {
		out.Token = token
	}
	return out, err
}

// AddDevice adds the device that has scanned an invitation. ErrInvitation: the invitation can't be used.
func (e *Engine) AddDevice(ctx context.Context, c AddDevice) (Device, error) {
	hash := hashToken(c.Token)
	return do(ctx, e, task[Device]{
		kind: "activation.addDevice", check: c.check, subject: c.Device.Subject(), key: c.Key, input: []any{hash, c},
		lookup: Lookup{Device: c.Device, Invitation: hash},
		decide: func(l Loaded, now time.Time) (Change, Device, error) {
			next, inv, err := l.Device.Add(l.Invitation, c, now)
			return Change{Devices: []Device{next}, Invitations: []Invitation{inv}}, next, err
		},
	})
}

// RemoveDevice takes a device from the list, and ends its sessions. ErrUnknownDevice: there is none.
func (e *Engine) RemoveDevice(ctx context.Context, c RemoveDevice) (Device, error) {
	return do(ctx, e, task[Device]{
		kind: "activation.removeDevice", check: c.check, subject: c.Device.Subject(), key: c.Key, by: c.By, input: c,
		lookup: Lookup{Device: c.Device, OfDevice: true},
		decide: func(l Loaded, now time.Time) (ch Change, next Device, err error) {
			if next, err = l.Device.Remove(now); err != nil {
				return ch, next, err
			}
			ch.Devices = []Device{next}
			for _, code := range l.Codes {
				after := code.without(func(s Session) bool { return s.Device == c.Device })
				if len(after.Sessions) < len(code.Sessions) {
					ch.Codes = append(ch.Codes, after)
				}
			}
			return ch, next, nil
		},
	})
}

// Devices yields the devices of the list, in the order of their ids.
func (e *Engine) Devices(ctx context.Context) iter.Seq2[Device, error] { return e.store.Devices(ctx) }

// Sessions returns the sessions of a code, in the order in which they began. ErrUnknownCode: there is none.
func (e *Engine) Sessions(ctx context.Context, id CodeID) ([]Session, error) {
	c, err := e.Code(ctx, id)
	return slices.Clone(c.Sessions), err
}
