package activation

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type (
	AgentID  string // of an agent, as the embedder knows them
	DeviceID string // of a device, made by the client that runs on it
	PoolID   string // of ports that codes share
)

// Errors of commands and look-ups.
var (
	ErrUnknownCode   = errs.New(errs.NotFound, "activation: there is no such code")
	ErrDisabled      = errs.New(errs.Denied, "activation: the code is disabled; have it enabled")
	ErrExpired       = errs.New(errs.OutOfTime, "activation: the code has expired; have its expiry moved")
	ErrSignedOut     = errs.New(errs.Denied, "activation: the session has ended; sign in again")
	ErrSessions      = errs.New(errs.Exhausted, "activation: the code, the agent or the device has as many sessions as it may; end one first, or remove the device")
	ErrDevice        = errs.New(errs.Denied, "activation: the code is for devices that were added, and this one was not, or its token is another")
	ErrUnknownDevice = errs.New(errs.NotFound, "activation: there is no such device")
	ErrInvitation    = errs.New(errs.Invalid, "activation: the invitation is unknown, used or past its end; ask for a new one")
	ErrUnknownPool   = errs.New(errs.NotFound, "activation: there is no such pool of ports")
	ErrUnknownPort   = errs.New(errs.NotFound, "activation: there is no such port")
	ErrPlatform      = errs.New(errs.Denied, "activation: the code has no permission for the platform")
	ErrPortState     = errs.New(errs.Conflict, "activation: the port is not in a state for that")
	ErrLinked        = errs.New(errs.Conflict, "activation: the account is linked by another code; log it out there first")

	// ErrCapacity: all ports of the code, or of its pool, are in use. It comes as a *CapacityError.
	ErrCapacity = errs.New(errs.Exhausted, "activation: no port is left; close one, or give the code or its pool more")
)

// A CapacityError reports that all ports are in use. Close one, or raise the capacity.
type CapacityError struct {
	Ports int    // as many as there may be
	Pool  PoolID // "": they are the code's own
}

// Error implements error.
func (e *CapacityError) Error() string {
	if e.Pool == "" {
		return fmt.Sprintf("activation: all %d ports of the code are in use; close one or give it more", e.Ports)
	}
	return fmt.Sprintf("activation: all %d ports of pool %s are in use; close one or give it more", e.Ports, e.Pool)
}

// Is reports whether target is errs.Exhausted.
func (e *CapacityError) Is(target error) bool {
	return target == errs.Exhausted || target == ErrCapacity
}

const (
	// Idle is how long a session lives that nothing is heard of.
	Idle = 24 * time.Hour
	// Away is how long an agent counts as online after the last that was heard of the session.
	Away = 3 * time.Minute

	maxPlatforms = 100
	maxPorts     = 10_000
	maxScope     = 200  // codes that a scope lists
	maxCodes     = 1000 // that a command is for
	maxAccounts  = 1000 // that a query names
	day          = 24 * 60
)

// Settings are what a code may do and how its leads count.
type Settings struct {
	Platforms  []ids.Platform `json:"platforms"`            // that it has permission for
	Ports      int            `json:"ports,omitempty"`      // how many channel accounts work at a time; with Pool: 0
	Pool       PoolID         `json:"pool,omitempty"`       // whose ports it takes instead of its own
	Listed     bool           `json:"listed,omitempty"`     // it works on devices that were added, on no other
	Expires    time.Time      `json:"expires,omitzero"`     // from when on it does not work; zero: never
	Counting   Counting       `json:"counting,omitzero"`    // of its leads
	Department string         `json:"department,omitempty"` // for the list of codes
	Remark     string         `json:"remark,omitempty"`     // for the list of codes
}

// Counting is how the leads of a code count: whose they are, the scope of their de-duplication
// (线索去重范围) with its targets, and the day. It is handed on as it is; its words are those of the
// package that counts.
type Counting struct {
	Owner   string     `json:"owner,omitempty"`   // of what counts them
	Group   string     `json:"group,omitempty"`   // of codes that are compared with each other
	Reach   string     `json:"reach,omitempty"`   // what a lead is compared with
	Codes   []ids.Code `json:"codes,omitempty"`   // the targets of a reach that lists codes
	Library bool       `json:"library,omitempty"` // what the library has does not count
	Days    int        `json:"days,omitempty"`    // what came longer ago to other jobs counts for nothing; 0: all
	Zone    string     `json:"zone,omitempty"`    // of the IANA database, where days begin
	Reset   int        `json:"reset,omitempty"`   // minutes after midnight when a day begins (每日置零时间)
	Today   bool       `json:"today,omitempty"`   // what is read after an account was offline counts today
}

func (s Settings) check() error {
	err := cmp.Or(valid.Between("settings.platforms", int64(len(s.Platforms)), 0, maxPlatforms),
		valid.Between("settings.ports", int64(s.Ports), 0, maxPorts), valid.OptionalID("settings.pool", s.Pool),
		valid.Time("settings.expires", s.Expires), valid.Text("settings.department", s.Department), valid.Text("settings.remark", s.Remark))
	for i, p := range s.Platforms {
		err = cmp.Or(err, valid.ID("settings.platforms", p))
		if slices.Contains(s.Platforms[:i], p) {
			err = cmp.Or[error](err, &errs.InputError{Field: "settings.platforms", Reason: "name one twice"})
		}
	}
	if err == nil && s.Pool != "" && s.Ports != 0 {
		err = &errs.InputError{Field: "settings.ports", Reason: "are for a code without a pool"}
	}
	return cmp.Or(err, s.Counting.check())
}

func (c Counting) check() error {
	err := cmp.Or(valid.OptionalID("settings.counting.owner", c.Owner), valid.OptionalID("settings.counting.group", c.Group),
		valid.OptionalID("settings.counting.reach", c.Reach), valid.Between("settings.counting.codes", int64(len(c.Codes)), 0, maxScope),
		valid.Between("settings.counting.reset", int64(c.Reset), 0, day-1), valid.Between("settings.counting.days", int64(c.Days), 0, 3660))
	for _, id := range c.Codes {
		err = cmp.Or(err, valid.ID("settings.counting.codes", id))
	}
	if _, zoneErr := time.LoadLocation(c.Zone); err == nil && (zoneErr != nil || c.Zone == "Local") {
		err = &errs.InputError{Field: "settings.counting.zone", Reason: "is not in the database of time zones"}
	}
	return err
}

// A Code (激活码) is what agents sign in with.
type Code struct {
	ID       ids.Code  `json:"id"`                 // names the code; it is no secret
	Version  int64     `json:"version"`            // number of the change that made it so
	Seq      int64     `json:"seq"`                // entries of the journal
	Settings Settings  `json:"settings"`           // what the code may do
	Disabled bool      `json:"disabled,omitempty"` // it was disabled by hand
	Deleted  time.Time `json:"deleted,omitzero"`   // when it was deleted; zero: it was not
	Created  time.Time `json:"created"`            // when it was made
	Updated  time.Time `json:"updated"`            // when it was last changed
	Sessions []Session `json:"sessions,omitempty"` // that live, in the order of their numbers
	Drawn    int       `json:"drawn,omitempty"`    // ports that it has of its pool
	LastN    int64     `json:"lastN,omitempty"`    // the highest number of a session or a port
	Ends     []End     `json:"ends,omitempty"`     // of sessions with ports, the last ones; as Tries and Strangers, what an engine gives has none

	Tries     []Try   `json:"tries,omitempty"`    // of devices that may not try again as often as they like
	Strangers Budget  `json:"strangers,omitzero"` // of sign-ins at devices that never had one
	Secret    *Secret `json:"-"`                  // that was looked up, or is to be stored; what an engine gives has none
}

// A Secret is how the rest of a code is stored.
type Secret struct {
	KeyID string `json:"keyID"` // id of the Key that MAC is made with
	MAC   []byte `json:"mac"`   // keyed hash of the secret
}

// A Session is an agent at a device.
type Session struct {
	N      int64     `json:"n"`               // within its code
	Agent  AgentID   `json:"agent,omitempty"` // who signed in; "": nobody in particular
	Device DeviceID  `json:"device"`          // where
	Began  time.Time `json:"began"`           // when the agent signed in
	Since  time.Time `json:"since"`           // since when its device is there
	Here   time.Time `json:"here"`            // since when its device has had a session of the code, without a break
	Seen   time.Time `json:"seen"`            // when something was last heard of it
	Ports  int       `json:"ports"`           // that it has in use
	Hash   []byte    `json:"hash,omitempty"`  // of its token and the tenant; what an engine gives has none
}

// A State is whether a code works.
type State string

// The states of a code.
const (
	Enabled  State = "enabled"  // 启用
	Disabled State = "disabled" // 停用
	Expired  State = "expired"  // past Settings.Expires
	Deleted  State = "deleted"  // it works no more
)

// State returns whether the code works at that time.
func (c Code) State(now time.Time) State {
	switch {
	case !c.Deleted.IsZero():
		return Deleted
	case c.Disabled:
		return Disabled
	case !c.Settings.Expires.IsZero() && !now.Before(c.Settings.Expires):
		return Expired
	}
	return Enabled
}

// Online returns how many sessions of the code are online.
func (c Code) Online(now time.Time) (n int) {
	for _, s := range c.Sessions {
		if s.Online(now) {
			n++
		}
	}
	return n
}

// Ports returns how many ports are in use.
func (c Code) Ports() (n int) {
	for _, s := range c.Sessions {
		n += s.Ports
	}
	return n
}

// Online reports whether something was heard of the session in the time of Away.
func (s Session) Online(now time.Time) bool { return now.Before(s.Seen.Add(Away)) }

// heard notes that something was heard of the session.
func (s *Session) heard(now time.Time) {
	if now.After(s.Seen) {
		s.Seen = now
	}
}

// Session returns the session of that number; nil: it does not live.
func (c *Code) Session(n int64) *Session {
	if i := slices.IndexFunc(c.Sessions, func(s Session) bool { return s.N == n }); i >= 0 {
		return &c.Sessions[i]
	}
	return nil
}

// Settled returns the code as it is at that time: without the sessions that have ended with it, or
// by being idle.
func (c Code) Settled(now time.Time) Code {
	works := c.State(now) == Enabled
	return c.without(now, func(s Session) bool { return !works || !now.Before(s.Seen.Add(Idle)) })
}

// without returns the code without some sessions, which end now, or have ended by time alone.
func (c Code) without(now time.Time, ends func(Session) bool) Code {
	c.Sessions = slices.DeleteFunc(slices.Clone(c.Sessions), func(s Session) bool {
		end := ends(s)
		if end {
			c.end(s, now)
		}
		return end
	})
	return c
}

// vacant returns the code without its sessions, which end now.
func (c Code) vacant(now time.Time) Code { return c.without(now, func(Session) bool { return true }) }

// ended returns the sessions with ports in use that next has no more.
func (c Code) ended(next Code) (sessions []SessionID) {
	for _, s := range c.Sessions {
		if s.Ports > 0 && next.Session(s.N) == nil {
			sessions = append(sessions, SessionID{c.ID, s.N})
		}
	}
	return sessions
}

// Due returns when sessions end by time alone, if nothing is heard of them; zero: there are none.
func (c Code) Due() (due time.Time) {
	for _, s := range c.Sessions {
		if end := s.Seen.Add(Idle); due.IsZero() || end.Before(due) {
			due = end
		}
	}
	if e := c.Settings.Expires; !due.IsZero() && !e.IsZero() && e.Before(due) {
		due = e
	}
	return due
}

// public returns the code as it is given out.
func (c Code) public() Code {
	c.Secret, c.Ends, c.Tries, c.Strangers = nil, nil, nil, Budget{}
	c.Sessions = slices.Clone(c.Sessions)
	for i := range c.Sessions {
		c.Sessions[i].Hash = nil
	}
	return c
}

// CodeSubject is the subject of the code's entries in the journal.
func CodeSubject(id ids.Code) string { return journal.Subject("activation/code", string(id)) }
