package lead

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

type (
	OwnerID string // of whose jobs they are (主账号)
	GroupID string // of codes that are compared with each other (激活码分组)
	EventID string // unique within its contact, job and account
)

// An Identity is one name that a platform has for a contact. A platform may have several: WhatsApp
// has a telephone number, and an id of a linked device. A name that its user may change is no
// identity.
//
// On the platform "whatsapp" a number or a JID without a namespace has the one that it is of:
// WhatsApp for numbers, "lid" for ids of linked devices. So it is the same contact in events and in
// the library, however it is written.
type Identity struct {
	Platform  ids.Platform `json:"platform"`            // platform that has the name
	Namespace string       `json:"namespace,omitempty"` // whose ids they are: a provider of LINE, a portfolio of WhatsApp; "": see Identity
	ID        string       `json:"id"`                  // the name, as the platform writes it
}

// A Kind says who began.
type Kind string

// The kinds of events.
const (
	Inbound      Kind = "inbound"      // the contact wrote first
	Outbound     Kind = "outbound"     // the operator's account did
	Friend       Kind = "friend"       // the contact asked to be a friend
	Conversation Kind = "conversation" // a conversation was there, begun by either
)

// An Event says that a contact and an account of the operator's met.
type Event struct {
	ID       EventID     `json:"id"`                 // unique within its contact, job and account; reported again, it changes nothing
	Account  ids.Account `json:"account"`            // account of the operator's
	At       time.Time   `json:"at"`                 // by the platform
	Kind     Kind        `json:"kind"`               // what happened
	Unknown  bool        `json:"unknown,omitempty"`  // they may have met before: the platform does not say (可能是老粉)
	Backfill bool        `json:"backfill,omitempty"` // it was read after the account had been offline (补录)
}

func (e Event) equal(o Event) bool {
	return e.ID == o.ID && e.Account == o.Account && e.At.Equal(o.At) && e.Kind == o.Kind && e.Unknown == o.Unknown
}

// compare orders events by what verdicts are decided by.
func (e Event) compare(o Event) int { return cmp.Or(e.At.Compare(o.At), cmp.Compare(e.ID, o.ID)) }

// Ahead is how much later than now an event may be, for clocks that differ.
const Ahead = 10 * time.Second

// Notice is how much later than now a change of what events are judged by begins, at the earliest:
// so late that no event of that time can have been judged yet, here or by another process.
const Notice = Ahead + Refresh

func (e Event) check(now time.Time) error {
	err := cmp.Or(valid.ID("event.id", e.ID), valid.ID("event.account", e.Account), valid.Time("event.at", e.At))
	switch {
	case err != nil:
	case e.At.IsZero():
		err = &errs.InputError{Field: "event.at", Reason: "is missing"}
	case e.At.After(now.Add(Ahead)):
		err = &errs.InputError{Field: "event.at", Reason: "is in the future"}
	case !slices.Contains([]Kind{Inbound, Outbound, Friend, Conversation}, e.Kind):
		err = &errs.InputError{Field: "event.kind", Reason: "is none of inbound, outbound, friend and conversation"}
	}
	return err
}

// A Verdict says what a lead counts as.
type Verdict string

// The verdicts.
const (
	NewLead   Verdict = "new"       // nobody in the scope had the contact before
	Duplicate Verdict = "duplicate" // a lead in the scope came first
	Uncertain Verdict = "uncertain" // it is new, or from before the account was watched
	Excluded  Verdict = "excluded"  // it does not count
	Moved     Verdict = "moved"     // no lead any more: its contact was found to be another one, which has it, or an earlier one of its account
)

// A Reason is why a lead has its verdict.
type Reason string

// The reasons.
const (
	First      Reason = "first"      // none came before it in the scope
	InJob      Reason = "job"        // another account of the job had the contact before
	InCodes    Reason = "codes"      // a code that the scope lists
	InGroup    Reason = "group"      // a code of the group
	InOwner    Reason = "owner"      // another job of the owner
	InLinked   Reason = "linked"     // a job of a linked owner
	InLibrary  Reason = "library"    // the library has the contact
	AgeUnknown Reason = "ageUnknown" // the platform does not say whether they met before
	Began      Reason = "began"      // the operator's account began
	NotCounted Reason = "notCounted" // the platform's rule does not count its kind
	TooEarly   Reason = "tooEarly"   // the job had not begun
	TooLate    Reason = "tooLate"    // the job had ended
	Unbound    Reason = "unbound"    // an agent reported it, and the account was not bound to the job then
	NotFirst   Reason = "notFirst"   // contact and account met before in this job
)

// A Lead is the first event of a contact and an account in a job, with its verdict.
type Lead struct {
	N       int64     `json:"n"`              // within its contact, in the order of arrival
	Job     JobID     `json:"job"`            // job that counts it
	Event   Event     `json:"event"`          // the first of the contact and the account in the job
	Basis   Basis     `json:"basis,omitzero"` // what it was judged by
	Day     time.Time `json:"day"`            // when the day began on which it counts
	Verdict Verdict   `json:"verdict"`        // what it counts as
	Reasons []Reason  `json:"reasons"`        // why
	Of      int64     `json:"of,omitempty"`   // the first lead that it duplicates
	Within  Verdict   `json:"within"`         // the verdict if the job compared with itself alone
}

// A Basis is what a lead is judged by: the terms of its job at its time.
type Basis struct {
	Owner   OwnerID   `json:"owner,omitempty"`   // owner of the job
	Group   GroupID   `json:"group,omitempty"`   // Terms.Group
	Scope   Scope     `json:"scope,omitzero"`    // Terms.Scope
	Linked  []OwnerID `json:"linked,omitempty"`  // owners whose jobs and whose consent it has, where the scope asks for them
	Library bool      `json:"library,omitempty"` // the scope asks for the library, which had the contact
	Reasons []Reason  `json:"reasons,omitempty"` // why it does not count, whatever came before
}

// A Contact is a person on one platform, with all leads.
type Contact struct {
	ID       Identity   `json:"id"`                 // identity that it is stored under
	Version  int64      `json:"version"`            // 0: there is none yet
	Name     string     `json:"name"`               // for the journal: the time of the first event reported, and chance
	Seq      int64      `json:"seq"`                // entries of the journal
	MergedTo *Identity  `json:"mergedTo,omitempty"` // the identity under which the contact goes on
	Names    []Identity `json:"names,omitempty"`    // that were found to be this contact's, besides ID
	Library  time.Time  `json:"library,omitzero"`   // since when the library has one of its names; zero: it has none
	Leads    []Lead     `json:"leads"`              // by number
}

// Figures are counts of leads.
type Figures struct {
	New       int64 `json:"new"`       // leads that are NewLead
	Duplicate int64 `json:"duplicate"` // leads that are Duplicate
	Uncertain int64 `json:"uncertain"` // leads that are Uncertain
	Excluded  int64 `json:"excluded"`  // leads that are Excluded
	Contacts  int64 `json:"contacts"`  // total, each contact once in a job
	Pairs     int64 `json:"pairs"`     // total, each contact once with every account of a job
}

// Plus adds two figures.
func (f Figures) Plus(o Figures) Figures {
	return Figures{
		f.New + o.New, f.Duplicate + o.Duplicate, f.Uncertain + o.Uncertain, f.Excluded + o.Excluded,
		f.Contacts + o.Contacts, f.Pairs + o.Pairs,
	}
}

func (f Figures) minus(o Figures) Figures {
	return f.Plus(Figures{-o.New, -o.Duplicate, -o.Uncertain, -o.Excluded, -o.Contacts, -o.Pairs})
}

// figures returns what a lead adds to the counts of its job, account and day.
func (l Lead) figures() (f Figures) {
	switch l.Verdict {
	case NewLead:
		f.New = 1
	case Duplicate:
		f.Duplicate = 1
	case Uncertain:
		f.Uncertain = 1
	case Excluded:
		f.Excluded = 1
	}
	if l.Within != Excluded {
		f.Pairs = 1
	}
	if l.Within == NewLead || l.Within == Uncertain {
		f.Contacts = 1
	}
	return f
}

// A Count is what an account counted on a day in a job, or how much it changes.
type Count struct {
	Job     JobID       `json:"job"`     // job that counts
	Account ids.Account `json:"account"` // account that the leads are of
	Day     time.Time   `json:"day"`     // when it began
	Figures
}

func compareCounts(a, b Count) int {
	return cmp.Or(a.Job.compare(b.Job), a.Day.Compare(b.Day), cmp.Compare(a.Account, b.Account))
}

// counted returns what changes where leads were some and are others.
func counted(were, are []Lead) []Count {
	var counts []Count
	add := func(l Lead, f Figures) {
		c := Count{Job: l.Job, Account: l.Event.Account, Day: l.Day}
		i, known := slices.BinarySearchFunc(counts, c, compareCounts)
		if !known {
			counts = slices.Insert(counts, i, c)
		}
		counts[i].Figures = counts[i].Plus(f)
	}
	for _, l := range are {
		add(l, l.figures())
	}
	for _, l := range were {
		add(l, Figures{}.minus(l.figures()))
	}
	return slices.DeleteFunc(counts, func(c Count) bool { return c.Figures == Figures{} })
}
