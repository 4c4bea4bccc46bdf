package lead

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/calendar"
)

// A JobID names the one job that a code has on a platform.
type JobID struct {
	Code     ids.Code     `json:"code"`     // code that counts
	Platform ids.Platform `json:"platform"` // platform of the contacts
}

func (id JobID) compare(o JobID) int {
	return cmp.Or(cmp.Compare(id.Code, o.Code), cmp.Compare(id.Platform, o.Platform))
}

// A Job (工单) counts the leads of a code on a platform.
type Job struct {
	ID      JobID       `json:"id"`               // code and platform
	Version int64       `json:"version"`          // number of the change that made it so
	Seq     int64       `json:"seq"`              // entries of the journal
	Owner   OwnerID     `json:"owner"`            // whose job it is
	Name    string      `json:"name"`             // shown to people
	Targets Targets     `json:"targets,omitzero"` // how many leads are wanted
	Terms   []Terms     `json:"terms"`            // in the order of From, the last two hundred; the first are in force before their From as well
	Resets  []time.Time `json:"resets,omitempty"` // when a new day was begun by hand (置零), the first one first, of the last thousand
}

// Targets are how many leads are wanted; 0: no number.
type Targets struct {
	Day   int64 `json:"day,omitempty"`   // leads a day
	Total int64 `json:"total,omitempty"` // leads altogether
}

// Terms are what a job counts by. They are for the events from a time on; a change of them leaves
// the verdicts of earlier ones.
type Terms struct {
	From   time.Time `json:"from"`            // from when on they are in force
	Group  GroupID   `json:"group,omitempty"` // group of codes, for Reach
	Scope  Scope     `json:"scope,omitzero"`  // what leads are compared with
	Counts Rule      `json:"counts"`          // which events make leads
	Begins time.Time `json:"begins,omitzero"` // what came before does not count; zero: all counts
	Ends   time.Time `json:"ends,omitzero"`   // nor what comes from then on
	Zone   string    `json:"zone"`            // of the IANA database, where days begin
	Reset  int       `json:"reset,omitempty"` // minutes after midnight when a day begins (每日置零时间)
	Today  bool      `json:"today,omitempty"` // what is read after an account was offline counts today, and not on its day

	zone *time.Location // of Zone; nil: it was not looked up yet
}

// A Rule says which events of a platform count.
type Rule string

// The rules.
const (
	CountInbound      Rule = "inbound"         // WhatsApp, LINE, Messenger, Instagram: who wrote first
	CountFriends      Rule = "inboundOrFriend" // Zalo: also who asked to be a friend
	CountConversation Rule = "conversation"    // LINE Business, Telegram: every new conversation
)

// RuleOf returns the rule by which leads of a platform are counted in this trade, by its common
// name: "whatsapp", "line", "messenger", "instagram", "zalo", "telegram", "skypoly",
// "linebusiness". Others are counted by who wrote first.
func RuleOf(p ids.Platform) Rule {
	switch p {
	case "zalo":
		return CountFriends
	case "telegram", "skypoly", "linebusiness":
		return CountConversation
	}
	return CountInbound
}

// counts returns why an event of that kind does not count; "": it does.
func (r Rule) counts(k Kind) Reason {
	switch {
	case r == CountConversation, k == Inbound, k == Friend && r == CountFriends:
		return ""
	case k == Outbound:
		return Began
	}
	return NotCounted
}

// A Reach is which jobs a lead is compared with, besides its own.
type Reach string

// The reaches, of jobs on the same platform.
const (
	ReachJob    Reach = ""       // none (当前工单)
	ReachCodes  Reach = "codes"  // those of listed codes of its owner (指定激活码, 指定工单: a code has one job on a platform)
	ReachGroup  Reach = "group"  // those of its owner's codes in the group of its own (激活码分组)
	ReachOwner  Reach = "owner"  // all of its owner's (账号下全部工单)
	ReachLinked Reach = "linked" // those of owners that are linked to its own, too (关联账号)
)

// A Scope (线索去重范围) is what a lead is compared with. In its own job a contact is new once, however
// long ago that was, at the same account or at another; Days says how far back other jobs are
// looked at, for every account alike.
type Scope struct {
	Reach   Reach      `json:"reach,omitempty"`   // which jobs are looked at; "": the own one
	Codes   []ids.Code `json:"codes,omitempty"`   // with the reach of codes: which
	Library bool       `json:"library,omitempty"` // what the library has does not count (含底库)
	Days    int        `json:"days,omitempty"`    // what came longer ago to other jobs counts for nothing; 0: all
}

// at returns the terms that are in force then.
func (j *Job) at(t time.Time) Terms {
	if len(j.Terms) == 0 {
		return Terms{}
	}
	i := len(j.Terms) - 1
	for i > 0 && j.Terms[i].From.After(t) {
		i--
	}
	return j.Terms[i]
}

// Day returns when the day began that a time is in: at the reset time of the zone, or when it was
// begun by hand after that. Errors: *errs.InputError, where the zone is unknown.
func (j *Job) Day(at time.Time) (time.Time, error) {
	t := j.at(at)
	if err := t.locate(); err != nil {
		return time.Time{}, err
	}
	day := calendar.Begins(at, t.Reset, t.zone)
	if i, _ := slices.BinarySearchFunc(j.Resets, at, func(r, at time.Time) int {
		if r.After(at) {
			return 1
		}
		return -1
	}); i > 0 && j.Resets[i-1].After(day) {
		day = j.Resets[i-1]
	}
	return day.UTC(), nil
}

// locate looks the zone up.
func (t *Terms) locate() (err error) {
	if t.zone != nil {
		return nil
	}
	if t.Zone != "" && t.Zone != "Local" {
		t.zone, err = time.LoadLocation(t.Zone)
	}
	if t.zone == nil || err != nil {
		return &errs.InputError{Field: "terms.zone", Reason: "is not in the database of time zones"}
	}
	return nil
}
