package activation

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Create makes N codes of the same settings.
type Create struct {
	N        int      `json:"n"`            // how many codes, at least 1
	Settings Settings `json:"settings"`     // of each of them
	By       string   `json:"by,omitempty"` // who did it, for the journal
	Key      string   `json:"-"`            // idempotency key; required
}

// Issued is a code that was made or renewed. Code is what agents sign in with: it is shown this
// once, and is empty where the command is repeated. Who has lost it renews the code.
type Issued struct {
	ID   ids.Code `json:"id"` // names the code; it is no secret
	Code string   `json:"-"`  // what agents sign in with
}

// An Edit gives a code other settings; without an owner of what counts its leads, the one that it
// had stays. It signs everybody out where that takes a platform from them, or changes whose ports
// they use, or leaves fewer of them than are in use, or has the code work on devices that were
// added alone.
type Edit struct {
	Code     ids.Code `json:"code"`         // code to change
	Settings Settings `json:"settings"`     // the settings that it is to have
	By       string   `json:"by,omitempty"` // who did it, for the journal
	Key      string   `json:"-"`            // idempotency key; required
}

// A CodeBatch names codes to Disable, Enable, Expire or Delete: all of them or, where one does not
// exist, none.
type CodeBatch struct {
	Codes []ids.Code `json:"codes"`        // at least one
	By    string     `json:"by,omitempty"` // who did it, for the journal
	Key   string     `json:"-"`            // idempotency key; required
}

// A Renew gives a code another secret, and signs everybody out.
type Renew struct {
	Code ids.Code `json:"code"`         // code that gets another secret
	By   string   `json:"by,omitempty"` // who did it, for the journal
	Key  string   `json:"-"`            // idempotency key; required
}

// A SignIn is an agent with a code at a device. What lived of the code on that device ends.
type SignIn struct {
	Code        string   // as it is typed
	Device      DeviceID // where the agent signs in
	DeviceToken string   // that the device got when it was added; for a code that is Listed
	Agent       AgentID  // "": nobody in particular
}

// An Access is what a session has.
type Access struct {
	Code    Code    `json:"code"`    // code that was signed in with
	Session Session `json:"session"` // session of the agent
	Token   string  `json:"-"`       // of SignIn alone: what the client keeps
}

// ID names the session.
func (s Access) ID() SessionID { return SessionID{s.Code.ID, s.Session.N} }

// A SignOut ends a session. One that has ended is no error.
type SignOut struct {
	Session SessionID `json:"session"`      // session to end
	By      string    `json:"by,omitempty"` // who did it, for the journal
	Key     string    `json:"-"`            // idempotency key; required
}

// A Pool is the ports that codes share.
type Pool struct {
	ID      PoolID `json:"id"`      // unique in the tenant
	Version int64  `json:"version"` // number of the change that made it so
	Seq     int64  `json:"seq"`     // entries of the journal
	Ports   int    `json:"ports"`   // how many ports it has
	Free    int    `json:"free"`    // of them; kept apart, where codes draw on it
}

// A PutPool makes a pool or changes how many ports it has, not below those in use.
type PutPool struct {
	Pool  PoolID `json:"pool"`         // pool to make or to change
	Ports int    `json:"ports"`        // how many ports it is to have
	By    string `json:"by,omitempty"` // who did it, for the journal
	Key   string `json:"-"`            // idempotency key; required
}

func (c Create) check() error {
	return cmp.Or(valid.Between("n", int64(c.N), 1, maxCodes), c.Settings.check(), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c Edit) check() error {
	return cmp.Or(valid.ID("code", c.Code), c.Settings.check(), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c CodeBatch) check() error {
	err := cmp.Or(valid.Between("codes", int64(len(c.Codes)), 1, maxCodes), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
	for _, id := range c.Codes {
		err = cmp.Or(err, valid.ID("codes", id))
	}
	return err
}

func (c Renew) check() error {
	return cmp.Or(valid.ID("code", c.Code), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c SignIn) check() error {
	return cmp.Or(valid.ID("device", c.Device), valid.OptionalID("deviceToken", c.DeviceToken), valid.OptionalID("agent", c.Agent))
}

func (c SignOut) check() error {
	return cmp.Or(c.Session.check(), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c PutPool) check() error {
	return cmp.Or(valid.ID("pool", c.Pool), valid.Between("ports", int64(c.Ports), 0, 1e6), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

// there is ErrUnknownPool where a pool that is named does not exist.
func (p Pool) there() error {
	if p.ID != "" && p.Version == 0 {
		return ErrUnknownPool
	}
	return nil
}

// known returns the code at that time. ErrUnknownCode: there is none, or it is deleted.
func (c Code) known(now time.Time) (Code, error) {
	if c.Version == 0 || !c.Deleted.IsZero() {
		return c, ErrUnknownCode
	}
	return c.Settled(now), nil
}

func (c Code) permits(p ids.Platform) error {
	if !slices.Contains(c.Settings.Platforms, p) {
		return ErrPlatform
	}
	return nil
}

// Edit decides on an Edit. ErrUnknownCode: there is no such code.
func (c Code) Edit(e Edit, now time.Time) (Code, error) {
	c, err := c.known(now)
	if err != nil {
		return c, err
	}
	was := c.Settings
	c.Settings, c.Updated = e.Settings, now
	c.Settings.Counting.Owner = cmp.Or(e.Settings.Counting.Owner, was.Counting.Owner)
	taken := slices.ContainsFunc(was.Platforms, func(p ids.Platform) bool { return c.permits(p) != nil })
	listed := c.Settings.Listed && !was.Listed
	if taken || listed || was.Pool != c.Settings.Pool || c.Settings.Pool == "" && c.Ports() > c.Settings.Ports {
		c = c.vacant(now)
	}
	return c.Settled(now), nil
}

// To decides on a code's being Enabled, Disabled, Expired or Deleted from now on. A code that has
// expired stays so when it is enabled. ErrUnknownCode: there is no such code.
func (c Code) To(s State, now time.Time) (Code, error) {
	c, err := c.known(now)
	if err != nil {
		return c, err
	}
	c.Updated = now
	switch s {
	case Enabled, Disabled:
		c.Disabled = s == Disabled
	case Expired:
		if c.State(now) != Expired {
			c.Settings.Expires = now
		}
	case Deleted:
		c.Deleted = now
	}
	return c.Settled(now), nil
}

// SignIn decides on an agent's signing in, whose code has been found to be this one. shown reports
// whether the device has shown its token. What lived of the code on the device ends. Errors:
// ErrUnknownCode and *ThrottledError; and ErrDisabled, ErrExpired, ErrDevice and *SessionsError,
// with the code as it was but for what is charged for the try.
func (c Code) SignIn(p Policy, d Device, in SignIn, shown bool, hash func(SessionID) []byte, now time.Time) (Code, Session, error) {
	p = p.complete()
	c, err := c.known(now)
	if err == nil {
		c, err = c.try(p, d, now)
	}
	switch {
	case err != nil:
		return c, Session{}, err
	case c.State(now) == Disabled:
		return c, Session{}, ErrDisabled
	case c.State(now) == Expired:
		return c, Session{}, ErrExpired
	case c.Settings.Listed && !shown:
		return c, Session{}, ErrDevice
	}
	since, here := now, now
	if d.known() {
		since = d.First
	}
	if i := slices.IndexFunc(c.Sessions, func(s Session) bool { return s.Device == in.Device }); i >= 0 {
		here = c.Sessions[i].Here
	}
	next, err := c.without(now, func(s Session) bool { return s.Device == in.Device }).admit(p, in.Agent, since, now)
	if err != nil {
		return c, Session{}, err
	}
	next.LastN++
	s := Session{N: next.LastN, Agent: in.Agent, Device: in.Device, Began: now, Since: since, Here: here, Seen: now, Hash: hash(SessionID{c.ID, next.LastN})}
	next.Sessions = append(next.Sessions, s)
	return next, s, nil
}
