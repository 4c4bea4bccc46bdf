package activation

import (
	"cmp"
	"strconv"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A SessionID names a session.
type SessionID struct {
	Code ids.Code `json:"code"` // code that was signed in with
	N    int64    `json:"n"`    // Session.N
}

// A PortID names a port.
type PortID struct {
	Code ids.Code `json:"code"` // code that the port is of
	N    int64    `json:"n"`    // number of the port within its code
}

// A PortState is what a port is at.
type PortState string

// The states of a port. It is in use in the first three.
const (
	Unlinked  PortState = "unlinked"  // open, without an account
	Pending   PortState = "pending"   // a QR code is shown, until it ends
	Linked    PortState = "linked"    // its account works
	LoggedOut PortState = "loggedOut" // its account may be linked again
	Banned    PortState = "banned"    // by its platform
	Closed    PortState = "closed"    // it takes no account any more
)

// A Port (端口) is a place for a channel account (主号).
type Port struct {
	ID       PortID       `json:"id"`                // code and number
	Platform ids.Platform `json:"platform"`          // platform of its account
	State    PortState    `json:"state"`             // where it stands
	Session  int64        `json:"session"`           // that has it in use, or had
	Account  ids.Account  `json:"account,omitempty"` // that is linked, or was
	Name     string       `json:"name,omitempty"`    // of the account
	Until    time.Time    `json:"until,omitzero"`    // when the QR code ends
	Reason   string       `json:"reason,omitempty"`  // why it is banned
	Left     time.Time    `json:"left,omitzero"`     // since when its account is not linked any more
	Updated  time.Time    `json:"updated"`           // when it was last changed
}

// used reports whether the port is stored as in use.
func (p Port) used() bool { return p.State == Unlinked || p.State == Pending || p.State == Linked }

// Settled returns the port as it is at that time: ports are in use no longer than their session
// lives, and a QR code ends.
func (p Port) Settled(c Code, now time.Time) Port { return p.within(c.Settled(now), now) }

// within is Settled where the code is.
func (p Port) within(c Code, now time.Time) Port {
	if p.State == Linked && c.Session(p.Session) == nil {
		p.Left = c.left(p)
	}
	switch {
	case p.used() && c.Session(p.Session) == nil && p.Account != "":
		p.State, p.Until = LoggedOut, time.Time{}
	case p.used() && c.Session(p.Session) == nil:
		p.State, p.Until = Closed, time.Time{}
	case p.State == Pending && !now.Before(p.Until):
		p.State, p.Until = Unlinked, time.Time{}
	}
	return p
}

// Open opens a port.
type Open struct {
	Session  SessionID    `json:"session"`  // session that uses the port
	Platform ids.Platform `json:"platform"` // platform of the account that is to be linked
	Key      string       `json:"-"`        // idempotency key; required
}

// Pair says that a QR code is shown for a port, which ends at Until.
type Pair struct {
	Session SessionID `json:"session"` // session that uses the port
	Port    int64     `json:"port"`    // its number
	Until   time.Time `json:"until"`   // when the QR code ends
	Key     string    `json:"-"`       // idempotency key; required
}

// Link says that an account has linked a port. An account has one port, of one code: another that
// had it is closed, where it is of the same code, or not linked any more.
type Link struct {
	Session SessionID   `json:"session"`        // session that uses the port
	Port    int64       `json:"port"`           // its number
	Account ids.Account `json:"account"`        // account that is linked
	Name    string      `json:"name,omitempty"` // of the account, shown to people
	Key     string      `json:"-"`              // idempotency key; required
}

// A Claim is the port that an account is for, the only one of those that are not closed, and when
// codes had the account linked.
type Claim struct {
	Platform ids.Platform // platform of the account
	Account  ids.Account  // account on the platform
	Version  int64        // number of the change that made it so
	Port     PortID       // port that the account is for
	Periods  Binding      // when codes had it linked; the last one without an end, which the port has
}

// A Leave says that a port is not in use any more: to Logout, Ban or Close it.
type Leave struct {
	Port    PortID `json:"port"`              // port that is left
	Session int64  `json:"session,omitempty"` // of the code, whose agent says so; 0: somebody else does
	Reason  string `json:"reason,omitempty"`  // why, for people
	By      string `json:"by,omitempty"`      // who did it, for the journal
	Key     string `json:"-"`                 // idempotency key; required
}

// String returns the code and the number, with a slash between. What an agent does is said to be
// done by it.
func (id SessionID) String() string { return string(id.Code) + "/" + strconv.FormatInt(id.N, 10) }

func (id SessionID) check() error {
	return cmp.Or(valid.ID("session.code", id.Code), valid.Between("session.n", id.N, 1, 1<<62))
}

func (id PortID) compare(o PortID) int {
	return cmp.Or(cmp.Compare(id.Code, o.Code), cmp.Compare(id.N, o.N))
}

func (id PortID) check() error {
	return cmp.Or(valid.ID("port.code", id.Code), valid.Between("port.n", id.N, 1, 1<<62))
}

func (c Open) check() error {
	return cmp.Or(c.Session.check(), valid.ID("platform", c.Platform), valid.ID("key", c.Key))
}

func (c Pair) check() error {
	err := cmp.Or(c.Session.check(), valid.Between("port", c.Port, 1, 1<<62), valid.Time("until", c.Until), valid.ID("key", c.Key))
	if err == nil && c.Until.IsZero() {
		err = &errs.InputError{Field: "until", Reason: "is missing"}
	}
	return err
}

func (c Link) check() error {
	return cmp.Or(c.Session.check(), valid.Between("port", c.Port, 1, 1<<62), valid.ID("account", c.Account), valid.Text("name", c.Name),
		valid.ID("key", c.Key))
}

func (c Leave) check() error {
	return cmp.Or(c.Port.check(), valid.Between("session", c.Session, 0, 1<<62), valid.Text("reason", c.Reason), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

// live returns the code at that time, with the session of that number in it, which was heard of.
// Errors: ErrUnknownCode, ErrSignedOut.
func (c Code) live(n int64, now time.Time) (Code, *Session, error) {
	if c.Version == 0 {
		return c, nil, ErrUnknownCode
	}
	c = c.Settled(now)
	s := c.Session(n)
	if s == nil {
		return c, nil, ErrSignedOut
	}
	s.heard(now)
	return c, s, nil
}

// take gives a session one more port. Errors: *CapacityError. A pool has its own bound.
func (c Code) take(s *Session) error {
	if c.Settings.Pool == "" && c.Ports() >= c.Settings.Ports {
		return &CapacityError{Ports: c.Settings.Ports}
	}
	s.Ports++
	return nil
}

// Open decides on an Open. Errors: ErrUnknownCode, ErrSignedOut, ErrPlatform, *CapacityError.
func (c Code) Open(o Open, now time.Time) (Code, Port, error) {
	c, s, err := c.live(o.Session.N, now)
	if err == nil {
		err = c.permits(o.Platform)
	}
	if err == nil {
		err = c.take(s)
	}
	if err != nil {
		return c, Port{}, err
	}
	c.LastN++
	return c, Port{ID: PortID{c.ID, c.LastN}, Platform: o.Platform, State: Unlinked, Session: s.N, Updated: now}, nil
}

// Pair decides on a Pair: of a port that the session has, or that nobody does. Errors: those of
// Open, ErrUnknownPort, and ErrPortState where the port is linked, another session's, banned or
// closed.
func (c Code) Pair(p Port, o Pair, now time.Time) (Code, Port, error) {
	c, s, err := c.live(o.Session.N, now)
	if err != nil {
		return c, p, err
	}
	if !o.Until.After(now) {
		return c, p, &errs.InputError{Field: "until", Reason: "has passed"}
	}
	if p, err = c.held(p, s, now); err != nil {
		return c, p, err
	}
	if p.State == Linked {
		return c, p, ErrPortState
	}
	p.State, p.Until, p.Updated = Pending, journal.Instant(o.Until), now
	return c, p, nil
}

// Link decides on a Link. of is the port that the account was for, with its code: with number 0
// there is none. It comes back as it is then. Errors: those of Pair; ErrPortState where another
// account has the port; ErrLinked where the account is linked by another code.
func (c Code) Link(p Port, of Held, o Link, now time.Time) (Code, Port, Held, error) {
	c, s, err := c.live(o.Session.N, now)
	if err != nil {
		return c, p, of, err
	}
	if of.Port.ID.N != 0 && of.Port.ID != p.ID && of.Port.State != Closed {
		switch {
		case of.Port.ID.Code == c.ID:
			c, of.Port = c.leave(of.Port, Closed, "", now)
		case of.Port.Settled(of.Code, now).State == Linked:
			return c, p, of, ErrLinked
		default:
			of.Code, of.Port = of.Code.Settled(now).leave(of.Port, Closed, "", now)
		}
	}
	if p, err = c.held(p, s, now); err != nil {
		return c, p, of, err
	}
	if p.Account != "" && p.Account != o.Account {
		return c, p, of, ErrPortState
	}
	p.State, p.Until, p.Left, p.Account, p.Name, p.Updated = Linked, time.Time{}, time.Time{}, o.Account, o.Name, now
	return c, p, of, nil
}

// held returns the port as one that the session has, which it takes where nobody does.
func (c Code) held(p Port, s *Session, now time.Time) (Port, error) {
	if p.ID.N == 0 {
		return p, ErrUnknownPort
	}
	p = p.Settled(c, now)
	switch {
	case p.used() && p.Session == s.N:
		return p, c.permits(p.Platform)
	case p.State != LoggedOut:
		return p, ErrPortState
	}
	if err := cmp.Or(c.permits(p.Platform), c.take(s)); err != nil {
		return p, err
	}
	p.State, p.Session, p.Reason = Unlinked, s.N, ""
	return p, nil
}

// Leave decides on a Leave to another state. A port that is not in use may be banned or closed.
// Errors: ErrUnknownCode, ErrUnknownPort; ErrPortState where it is closed already or, for
// LoggedOut, not linked; and of a session ErrSignedOut, and ErrPortState where another session has
// the port in use.
func (c Code) Leave(p Port, to PortState, o Leave, now time.Time) (Code, Port, error) {
	if c.Version == 0 {
		return c, p, ErrUnknownCode
	}
	if p.ID.N == 0 {
		return c, p, ErrUnknownPort
	}
	if c = c.Settled(now); o.Session != 0 {
		var err error
		if c, _, err = c.live(o.Session, now); err != nil {
			return c, p, err
		}
	}
	was := p.Settled(c, now)
	others := o.Session != 0 && was.used() && was.Session != o.Session
	if others || was.State == Closed || to == LoggedOut && was.State != Linked {
		return c, p, ErrPortState
	}
	c, p = c.leave(p, to, o.Reason, now)
	return c, p, nil
}

// leave gives a port another state. The code is settled.
func (c Code) leave(p Port, to PortState, reason string, now time.Time) (Code, Port) {
	if p = p.within(c, now); p.State == Linked {
		p.Left = now
	}
	if s := c.Session(p.Session); s != nil && p.used() {
		s.Ports--
	}
	p.State, p.Until, p.Reason, p.Updated = to, time.Time{}, reason, now
	return c, p
}
