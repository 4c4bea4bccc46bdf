package ticket

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type (
	SiteID      string // of a website
	EventID     string // of a push, unique within its site
	TemplatesID string // of templates, in all their versions
	RuleID      string // of a rule, unique within its templates
)

// Errors of commands, look-ups and pushes.
var (
	ErrUnknownSite      = errs.New(errs.NotFound, "ticket: there is no such site; put it first")
	ErrUnknownTicket    = errs.New(errs.NotFound, "ticket: there is no such ticket")
	ErrUnknownTemplates = errs.New(errs.NotFound, "ticket: there are no such templates, or no such version; publish them first")
	ErrPublished        = errs.New(errs.Conflict, "ticket: the version is published and can't be changed; publish the next one")
	ErrState            = errs.New(errs.Conflict, "ticket: the ticket is not in a state for that")
	ErrNotYours         = errs.New(errs.Denied, "ticket: no such ticket is at that code")
	ErrTaken            = errs.New(errs.Conflict, "ticket: the ticket was taken before; have it handed back first")
	ErrSecrets          = errs.New(errs.Exhausted, "ticket: the site has two secrets; retire one first")
	ErrUnknownSecret    = errs.New(errs.NotFound, "ticket: the site has no such secret")
	ErrScheme           = errs.New(errs.Conflict, "ticket: a secret of the site is none of that scheme; retire it first")

	ErrSignature = errs.New(errs.Denied, "ticket: the signature is none of the site's")
	ErrStale     = errs.New(errs.OutOfTime, "ticket: the push is too old, or ahead of the clock; send it again, with the time of the attempt")
	ErrClosed    = errs.New(errs.Conflict, "ticket: the site is closed")
	ErrTooLarge  = errs.New(errs.Invalid, "ticket: the body is too large")
	ErrOrders    = errs.New(errs.Invalid, "ticket: the body is a list of several orders; push each order by itself")
	ErrBody      = errs.New(errs.Conflict, "ticket: the site sent another body under that id; give another push another id")
)

// MaxBody is the longest body of a push, in bytes.
const MaxBody = 1 << 20

// An ID names a ticket.
type ID struct {
	Site  SiteID  `json:"site"`  // site that pushed it
	Event EventID `json:"event"` // id of the push, or of the ticket of its order
}

// A State is what a ticket is at.
type State string

// The states.
const (
	Received State = "received" // stored; its templates have not been asked yet
	Pending  State = "pending"  // 未处理: it was pushed to where its template says, and nobody has taken it
	Assigned State = "assigned" // 已分配
	Manual   State = "manual"   // 需要手工处理
	Rejected State = "rejected" // somebody has rejected it
	Done     State = "done"     // an agent or an administrator has finished it
)

// A Reason is why a ticket is to be handled by hand.
type Reason string

// The reasons.
const (
	NoTemplate Reason = "noTemplate" // no rule is met, or the site has no templates (没有找到对应的自动处理模板)
	BadPhone   Reason = "badPhone"   // the number can't be read, or there is none
	NoCapacity Reason = "noCapacity" // nobody has room for it
	Unreadable Reason = "unreadable" // the body is neither JSON nor a form, or is not UTF-8

	CodeUnknown  Reason = "codeUnknown"  // there is no such code
	CodeDisabled Reason = "codeDisabled" // the code is disabled
	CodeExpired  Reason = "codeExpired"  // the code has expired
	CodeDeleted  Reason = "codeDeleted"  // the code is deleted
	AccountGone  Reason = "accountGone"  // no port of the code has the account, or its platform has banned it
	PoolUnknown  Reason = "poolUnknown"  // there is no such pool
	HandedBack   Reason = "handedBack"   // an agent gave it back
)

// Fields are what is read of a push.
type Fields struct {
	Name     string `json:"name,omitempty"`     // of the customer
	Phone    string `json:"phone,omitempty"`    // E.164; "": it can't be read, or there is none
	Typed    string `json:"typed,omitempty"`    // the number, as it was typed
	Country  string `json:"country,omitempty"`  // in capitals
	Platform string `json:"platform,omitempty"` // in small letters
	Language string `json:"language,omitempty"` // of the customer
	Gender   string `json:"gender,omitempty"`   // of the customer
	Status   string `json:"status,omitempty"`   // of the order, in the site's words or those of Values
	Order    string `json:"order,omitempty"`    // number or id of the order
	Remark   string `json:"remark,omitempty"`   // what the customer wrote
}

// A Target is who handles a ticket.
type Target struct {
	Code    ids.Code    `json:"code,omitempty"`    // "": none
	Pool    ids.Line    `json:"pool,omitempty"`    // "": none
	Account ids.Account `json:"account,omitempty"` // of those of the pool or the code
}

// String returns the parts of the target that are given: "code c, account a".
func (t Target) String() string {
	var parts []string
	for _, p := range []struct{ name, id string }{{"pool", string(t.Pool)}, {"code", string(t.Code)}, {"account", string(t.Account)}} {
		if p.id != "" {
			parts = append(parts, p.name+" "+p.id)
		}
	}
	return strings.Join(parts, ", ")
}

// A Ticket (网站工单) is a push with what became of it.
type Ticket struct {
	ID        ID          `json:"id"`                  // site and push
	Version   int64       `json:"version"`             // number of the change that made it so
	Seq       int64       `json:"seq"`                 // entries of the journal
	State     State       `json:"state"`               // where it stands
	Reason    Reason      `json:"reason,omitempty"`    // of Manual
	Note      string      `json:"note,omitempty"`      // of who assigned, rejected, handed back or finished it
	Fields    Fields      `json:"fields"`              // what was read of it
	Tags      []string    `json:"tags,omitempty"`      // those of Action
	Target    Target      `json:"target,omitzero"`     // who handles it
	Agent     string      `json:"agent,omitempty"`     // who took it
	Taken     time.Time   `json:"taken,omitzero"`      // when an agent took it
	Templates TemplatesID `json:"templates,omitempty"` // templates that decided
	Decided   int         `json:"decided,omitempty"`   // the version of those that decided
	Rule      RuleID      `json:"rule,omitempty"`      // that was met
	Undecided []RuleID    `json:"undecided,omitempty"` // rules before it whose conditions could not be decided, the first 20
	Received  time.Time   `json:"received"`            // when it was first pushed
	Updated   time.Time   `json:"updated"`             // when it was last changed
	Hash      []byte      `json:"hash"`                // SHA-256 of the body, of an order the newest one
	Pushes    []Pushed    `json:"pushes,omitempty"`    // of an order, the newest last, at most 200
	Came      int64       `json:"came,omitempty"`      // pushes of the order so far
}

// Name returns the name of a ticket, as lists have it: the site, the country, the language, and
// what distinguishes it from others.
func (t Ticket) Name() string {
	name := string(t.ID.Site)
	for _, part := range []string{t.Fields.Country, t.Fields.Language} {
		if part != "" {
			name += "-" + part
		}
	}
	sum := sha256.Sum256([]byte(t.ID.Event))
	return name + "-" + hex.EncodeToString(sum[:6])
}

// An Outcome is what a command came to.
type Outcome struct {
	ID       ID     `json:"id"`                // ticket
	State    State  `json:"state"`             // after the command
	Reason   Reason `json:"reason,omitempty"`  // of Manual
	Target   Target `json:"target,omitzero"`   // who handles it
	Rule     RuleID `json:"rule,omitempty"`    // that was met
	Decided  int    `json:"decided,omitempty"` // the version of the templates that decided
	Replayed bool   `json:"-"`                 // of Receive and the commands with a key: it came before, and this is its first answer, or for Receive that of now
}

func (t Ticket) outcome() Outcome {
	return Outcome{ID: t.ID, State: t.State, Reason: t.Reason, Target: t.Target, Rule: t.Rule, Decided: t.Decided}
}

// An Assign gives a ticket that is Pending, Manual or Assigned to whom Target says.
type Assign struct {
	Ticket ID     `json:"ticket"`         // ticket to assign
	Target Target `json:"target"`         // who is to handle it
	Note   string `json:"note,omitempty"` // for people
	By     string `json:"by,omitempty"`   // who did it, for the journal
	Key    string `json:"-"`              // idempotency key; required
}

// A Reject ends a ticket that is not Assigned.
type Reject struct {
	Ticket ID     `json:"ticket"`       // ticket to end
	Note   string `json:"note"`         // why
	By     string `json:"by,omitempty"` // who did it, for the journal
	Key    string `json:"-"`            // idempotency key; required
}

// A Route says where the ticket of a pool has gone: to an account, which leaves it Pending, or
// nowhere, which makes it Manual for NoCapacity.
type Route struct {
	Ticket  ID          `json:"ticket"`            // ticket of the pool
	Pool    ids.Line    `json:"pool"`              // pool that it is at
	Account ids.Account `json:"account,omitempty"` // "": nowhere
	Code    ids.Code    `json:"code,omitempty"`    // of the account
}

// The longest ids, in bytes: together they are one of a visitor, where tickets wait like visitors.
const (
	maxSite  = 40
	maxEvent = 80
)

func (id SiteID) check() error {
	err := valid.ID("site", id)
	if err == nil && (len(id) > maxSite || strings.Contains(string(id), "/")) {
		err = &errs.InputError{Field: "site", Reason: fmt.Sprintf("is longer than %d bytes, or has a slash", maxSite)}
	}
	return err
}

func (s State) check() error {
	if s != "" && !slices.Contains([]State{Received, Pending, Assigned, Manual, Rejected, Done}, s) {
		return &errs.InputError{Field: "state", Reason: "is none of received, pending, assigned, manual, rejected and done"}
	}
	return nil
}

func (id ID) check() error {
	return cmp.Or(id.Site.check(), valid.ID("event", id.Event), valid.Between("event", int64(len(id.Event)), 1, maxEvent))
}

// String returns the site and the id of the push, with a slash between: Parse reads it.
func (id ID) String() string { return string(id.Site) + "/" + string(id.Event) }

// Parse reads what ID.String has written. *errs.InputError: the text is not an id.
func Parse(text string) (ID, error) {
	site, event, _ := strings.Cut(text, "/")
	id := ID{SiteID(site), EventID(event)}
	return id, id.check()
}

func (t Target) check() error {
	err := cmp.Or(valid.OptionalID("target.code", t.Code), valid.OptionalID("target.pool", t.Pool), valid.OptionalID("target.account", t.Account))
	if err == nil && t == (Target{}) {
		err = &errs.InputError{Field: "target", Reason: "is missing"}
	}
	return err
}

func (c Assign) check() error {
	return cmp.Or(c.Ticket.check(), c.Target.check(), valid.Text("note", c.Note), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c Reject) check() error {
	err := cmp.Or(c.Ticket.check(), valid.Text("note", c.Note), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
	if err == nil && c.Note == "" {
		err = &errs.InputError{Field: "note", Reason: "is missing: tell why"}
	}
	return err
}

func (c Route) check() error {
	return cmp.Or(c.Ticket.check(), valid.ID("pool", c.Pool), valid.OptionalID("account", c.Account), valid.OptionalID("code", c.Code))
}

// known returns ErrUnknownTicket where the ticket does not exist.
func (t Ticket) known() error {
	if t.Version == 0 {
		return ErrUnknownTicket
	}
	return nil
}

// Assign decides on an Assign. Errors: ErrUnknownTicket, ErrState.
func (t Ticket) Assign(c Assign, now time.Time) (Ticket, error) {
	if err := t.known(); err != nil {
		return t, err
	}
	if t.State == Received || t.State == Rejected || t.State == Done {
		return t, ErrState
	}
	t.State, t.Reason, t.Target, t.Note, t.Updated = Assigned, "", c.Target, c.Note, now
	t.Agent, t.Taken = "", time.Time{}
	return t, nil
}

// Reject decides on a Reject. Errors: ErrUnknownTicket, ErrState.
func (t Ticket) Reject(c Reject, now time.Time) (Ticket, error) {
	if err := t.known(); err != nil {
		return t, err
	}
	if t.State == Assigned || t.State == Rejected || t.State == Done {
		return t, ErrState
	}
	t.State, t.Reason, t.Target, t.Note, t.Updated = Rejected, "", Target{}, c.Note, now
	return t, nil
}

// Route decides on a Route. Errors: ErrUnknownTicket; ErrState where the ticket is not Pending at
// that pool.
func (t Ticket) Route(c Route, now time.Time) (Ticket, error) {
	if err := t.known(); err != nil {
		return t, err
	}
	if t.State != Pending || t.Target.Pool != c.Pool {
		return t, ErrState
	}
	t.Updated = now
	if c.Account == "" {
		t.State, t.Reason, t.Target = Manual, NoCapacity, Target{}
		return t, nil
	}
	t.Target.Account, t.Target.Code = c.Account, c.Code
	return t, nil
}

// Subject names the ticket in the journal.
func (id ID) Subject() string {
	return journal.Subject("ticket/ticket", string(id.Site), string(id.Event))
}

// Subject names the site in the journal.
func (id SiteID) Subject() string { return journal.Subject("ticket/site", string(id)) }
