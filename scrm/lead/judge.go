package lead

import (
	"cmp"
	"slices"
	"time"
)

// Facts are what a decision needs beside the contact, of the event's job at its time.
type Facts struct {
	Job    *Job      // as it is at that time
	Linked []OwnerID // owners that consented, and have the consent of the job's, at the time of the event
}

// A Decision is what an event comes to.
type Decision struct {
	Outcome
	Next    Contact // contact after the event
	Changed []Lead  // that are new, or other than before, by number
	Counts  []Count // how much counts change
}

// An Outcome is what an event came to.
type Outcome struct {
	Verdict  Verdict         `json:"verdict"`          // of Lead
	Reasons  []Reason        `json:"reasons"`          // why
	Lead     *Lead           `json:"lead"`             // of the contact and the account in the job; nil: there is none by this event
	Of       *Lead           `json:"of,omitempty"`     // the lead that it duplicates
	Turned   []VerdictChange `json:"turned,omitempty"` // verdicts of other leads that it changed, in their order
	Replayed bool            `json:"-"`                // the event is that of the lead, and was reported before
}

// brief returns what the journal has of an outcome: without what leads are judged by.
func (o Outcome) brief() Outcome {
	for _, l := range []**Lead{&o.Lead, &o.Of} {
		if *l != nil {
			k := **l
			k.Basis = Basis{}
			*l = &k
		}
	}
	return o
}

// A VerdictChange is a verdict that another event changed.
type VerdictChange struct {
	N    int64   `json:"n"`    // of the lead; with Moved that of the one which it is now
	Job  JobID   `json:"job"`  // job of the lead
	From Verdict `json:"from"` // verdict before
	To   Verdict `json:"to"`   // verdict after
}

// Observe decides on an event of a contact in a job. One that changes nothing has a Decision
// without Changed: it came before, later ones of its account and job are no leads, or its kind does
// not count. Errors: *errs.InputError.
func (f Facts) Observe(c Contact, e Event, now time.Time) (Decision, error) {
	if err := e.check(now); err != nil {
		return Decision{}, err
	}
	l := Lead{Job: f.Job.ID, Event: e, Basis: f.basis(e)}
	if slices.Contains(l.Basis.Reasons, NotCounted) {
		return Decision{Outcome: Outcome{Verdict: Excluded, Reasons: []Reason{NotCounted}}, Next: c}, nil
	}
	when := e.At
	if e.Backfill && f.Job.at(e.At).Today {
		when = now
	}
	var err error
	if l.Day, err = f.Job.Day(when); err != nil {
		return Decision{}, err
	}
	leads := slices.Clone(c.Leads)
	i := place(&leads, l)
	return c.decided(leads, i, e), nil
}

// place keeps a lead, or the one that is there of its job and account where that came first, and
// returns its index.
func place(leads *[]Lead, l Lead) int {
	i := slices.IndexFunc(*leads, func(o Lead) bool { return o.Job == l.Job && o.Event.Account == l.Event.Account })
	switch {
	case i < 0:
		i = len(*leads)
		l.N = int64(i) + 1
		*leads = append(*leads, l)
	case l.Event.compare((*leads)[i].Event) < 0:
		l.N = (*leads)[i].N
		(*leads)[i] = l
	}
	return i
}

// Merge decides on a contact who turned out to be the same person as others, and goes on with the
// leads of all. The decision is of that one; its outcome has the verdicts that this changed.
func Merge(c Contact, others ...Contact) Decision {
	were, leads := slices.Clone(c.Leads), slices.Clone(c.Leads)
	next := c
	next.Names = slices.Clone(c.Names)
	for _, o := range others {
		next.Names = append(append(next.Names, o.ID), o.Names...)
		if next.Library.IsZero() || !o.Library.IsZero() && o.Library.Before(next.Library) {
			next.Library = o.Library
		}
		were = append(were, o.Leads...)
		for _, l := range o.Leads {
			place(&leads, l)
		}
	}
	judge(leads, next.Library, nil)
	d := Decision{Next: next, Changed: c.changed(leads), Counts: counted(were, leads)}
	d.Next.Leads, d.Next.Version, d.Next.Seq = leads, c.Version+1, c.Seq+1
	for _, was := range were {
		i := slices.IndexFunc(leads, func(l Lead) bool { return l.Job == was.Job && l.Event.Account == was.Event.Account })
		l := leads[i]
		if !l.Event.equal(was.Event) {
			l.Verdict = Moved
		}
		if l.Verdict != was.Verdict {
			d.Turned = append(d.Turned, VerdictChange{l.N, l.Job, was.Verdict, l.Verdict})
		}
	}
	return d
}

func (f Facts) basis(e Event) Basis {
	t := f.Job.at(e.At)
	b := Basis{Owner: f.Job.Owner, Group: t.Group, Scope: t.Scope}
	b.Scope.Codes = slices.Clone(t.Scope.Codes)
	if t.Scope.Reach == ReachLinked {
		b.Linked = f.Linked
	}
	if r := t.Counts.counts(e.Kind); r != "" {
		b.Reasons = append(b.Reasons, r)
	}
	if e.At.Before(t.Begins) {
		b.Reasons = append(b.Reasons, TooEarly)
	}
	if !t.Ends.IsZero() && !e.At.Before(t.Ends) {
		b.Reasons = append(b.Reasons, TooLate)
	}
	return b
}

// decided judges all leads of a contact, and tells what that changes and what the event came to,
// which is of the lead i.
func (c Contact) decided(leads []Lead, i int, e Event) Decision {
	judge(leads, c.Library, &leads[i])
	d := Decision{Next: c, Changed: c.changed(leads)}
	d.Next.Leads = leads
	var were []Lead
	for _, l := range d.Changed {
		if int(l.N) > len(c.Leads) {
			continue
		}
		was := c.Leads[l.N-1]
		were = append(were, was)
		if was.Verdict != l.Verdict && int(l.N) != i+1 {
			d.Turned = append(d.Turned, VerdictChange{l.N, l.Job, was.Verdict, l.Verdict})
		}
	}
	d.Counts = counted(were, d.Changed)
	l := leads[i]
	d.Verdict, d.Reasons, d.Lead = l.Verdict, l.Reasons, &l
	if l.Event.ID != e.ID {
		d.Verdict, d.Reasons = Excluded, []Reason{NotFirst}
	}
	if l.Of != 0 {
		of := leads[l.Of-1]
		d.Of = &of
	}
	d.Replayed = len(d.Changed) == 0 && l.Event.ID == e.ID
	if len(d.Changed) > 0 {
		d.Next.Version++
		d.Next.Seq++
	}
	return d
}

// changed returns the leads that are new, or other than the contact has them.
func (c Contact) changed(leads []Lead) (changed []Lead) {
	for k, l := range leads {
		if k >= len(c.Leads) || !c.Leads[k].equal(l) {
			changed = append(changed, l)
		}
	}
	return changed
}

func (l Lead) equal(o Lead) bool {
	return l.Event.equal(o.Event) && l.Day.Equal(o.Day) && l.Verdict == o.Verdict && l.Within == o.Within && l.Of == o.Of &&
		slices.Equal(l.Reasons, o.Reasons)
}

// judge gives the leads of a contact their verdicts: those from the changed one on, in the order of
// their events, or all of them where that is nil. What came before an event is not concerned by it.
func judge(leads []Lead, library time.Time, changed *Lead) {
	order := make([]*Lead, len(leads))
	for i := range leads {
		order[i] = &leads[i]
	}
	slices.SortFunc(order, func(a, b *Lead) int {
		return cmp.Or(a.Event.compare(b.Event), a.Job.compare(b.Job), cmp.Compare(a.Event.Account, b.Event.Account))
	})
	from := max(0, slices.Index(order, changed))
	for i, l := range order[from:] {
		l.Basis.Library = l.Basis.Scope.Library && !library.IsZero() && !l.Event.At.Before(library)
		l.judge(order[:from+i])
	}
}

// judge decides on a lead, by those that came before it.
func (l *Lead) judge(earlier []*Lead) {
	l.Of, l.Reasons = 0, nil
	within := false
	for _, o := range earlier {
		if !o.seen() {
			continue
		}
		reason := l.Basis.reaches(l.Job, o)
		if reason == InJob && len(o.Basis.Reasons) == 0 {
			within = true
		}
		if reason == "" || reason != InJob && l.Basis.Scope.Days > 0 && o.Event.At.Before(l.Event.At.AddDate(0, 0, -l.Basis.Scope.Days)) {
			continue
		}
		if l.Of == 0 {
			l.Of = o.N
		}
		if !slices.Contains(l.Reasons, reason) {
			l.Reasons = append(l.Reasons, reason)
		}
	}
	fresh := NewLead
	if l.Event.Unknown {
		fresh = Uncertain
	}
	l.Within = fresh
	if within {
		l.Within = Duplicate
	}
	switch {
	case len(l.Basis.Reasons) > 0:
		l.Verdict, l.Within, l.Of, l.Reasons = Excluded, Excluded, 0, l.Basis.Reasons
	case l.Basis.Library:
		l.Verdict, l.Reasons = Excluded, append(l.Reasons, InLibrary)
	case l.Of != 0:
		l.Verdict = Duplicate
	case fresh == Uncertain:
		l.Verdict, l.Reasons = Uncertain, []Reason{AgeUnknown}
	default:
		l.Verdict, l.Reasons = NewLead, []Reason{First}
	}
}

// seen reports whether the contact had turned to the operator by this lead: later ones may
// duplicate it.
func (l *Lead) seen() bool { return !slices.Contains(l.Basis.Reasons, Began) }

// reaches returns why a lead of another account is compared with; "": it is not.
func (b Basis) reaches(job JobID, o *Lead) Reason {
	own := o.Basis.Owner == b.Owner
	switch r := b.Scope.Reach; {
	case o.Job == job:
		return InJob
	case r == ReachCodes && own && slices.Contains(b.Scope.Codes, o.Job.Code):
		return InCodes
	case r == ReachGroup && own && b.Group != "" && o.Basis.Group == b.Group:
		return InGroup
	case (r == ReachOwner || r == ReachLinked) && own:
		return InOwner
	case r == ReachLinked && slices.Contains(b.Linked, o.Basis.Owner):
		return InLinked
	}
	return ""
}
