package lead

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Refresh is how long a process may go on with older terms of a job, or consents of an owner.
const Refresh = 20 * time.Second

const (
	maxCodes  = 1000 // that a query names
	maxListed = 200  // that a scope lists: every lead has them
	maxTerms  = 200
	maxResets = 1000
	maxDays   = 3660
	day       = 24 * 60 // minutes
)

// A Put opens a job, or changes it. Other terms than it has are in force from Notice after now on,
// at the earliest; Terms.From may be later. The first ones are in force for all events.
type Put struct {
	Job     JobID   `json:"job"`              // job to open or to change
	Owner   OwnerID `json:"owner"`            // stays what it was first
	Name    string  `json:"name"`             // shown to people
	Targets Targets `json:"targets,omitzero"` // how many leads are wanted
	Terms   Terms   `json:"terms"`            // what it is to count by
	By      string  `json:"by,omitempty"`     // who did it, for the journal
	Key     string  `json:"-"`                // idempotency key; required
}

// A Reset begins a new day (置零), Notice after now. It changes no total.
type Reset struct {
	Job JobID  `json:"job"`          // job whose day begins
	By  string `json:"by,omitempty"` // who did it, for the journal
	Key string `json:"-"`            // idempotency key; required
}

// Put decides on a Put. Errors: *errs.InputError.
func (j Job) Put(c Put, now time.Time) (Job, error) {
	if err := c.check(); err != nil {
		return j, err
	}
	t := c.Terms
	t.From, t.Begins, t.Ends = journal.Instant(t.From), journal.Instant(t.Begins), journal.Instant(t.Ends)
	next := j
	next.Version, next.ID, next.Name, next.Targets = j.Version+1, c.Job, c.Name, c.Targets
	if j.Version == 0 {
		t.From = time.Time{}
		next.Owner, next.Terms = c.Owner, []Terms{t}
		return next, nil
	}
	if c.Owner != j.Owner {
		return j, &errs.InputError{Field: "owner", Reason: "is another one than the job began with"}
	}
	first := now.Add(Notice)
	if t.From.Before(first) {
		t.From = first
	}
	next.Terms = slices.DeleteFunc(slices.Clone(j.Terms), func(o Terms) bool { return !o.From.Before(first) })
	last := next.Terms[len(next.Terms)-1]
	if last.equal(t) {
		return next, nil
	}
	next.Terms = append(next.Terms[max(0, len(next.Terms)-maxTerms+1):], t)
	return next, nil
}

// Reset decides on a Reset. Errors: ErrUnknownJob, *errs.InputError.
func (j Job) Reset(c Reset, now time.Time) (Job, error) {
	err := c.check()
	switch {
	case err != nil:
		return j, err
	case j.Version == 0:
		return j, ErrUnknownJob
	}
	at := now.Add(Notice)
	if n := len(j.Resets); n > 0 && !j.Resets[n-1].Before(at) {
		at = j.Resets[n-1].Add(time.Microsecond)
	}
	next := j
	next.Version++
	next.Resets = append(slices.Clone(j.Resets[max(0, len(j.Resets)-maxResets+1):]), at)
	return next, nil
}

// equal reports whether the terms are the same, whenever they begin.
func (t Terms) equal(o Terms) bool {
	return t.Group == o.Group && t.Scope.Reach == o.Scope.Reach && slices.Equal(t.Scope.Codes, o.Scope.Codes) &&
		t.Scope.Library == o.Scope.Library && t.Scope.Days == o.Scope.Days && t.Counts == o.Counts && t.Begins.Equal(o.Begins) &&
		t.Ends.Equal(o.Ends) && t.Zone == o.Zone && t.Reset == o.Reset && t.Today == o.Today
}

func (id JobID) check() error {
	return cmp.Or(valid.ID("job.code", id.Code), valid.ID("job.platform", id.Platform))
}

func (c Put) check() error {
	err := cmp.Or(c.Job.check(), valid.ID("owner", c.Owner), valid.Text("name", c.Name), valid.OptionalID("by", c.By), valid.ID("key", c.Key),
		valid.Between("targets.day", c.Targets.Day, 0, 1e12), valid.Between("targets.total", c.Targets.Total, 0, 1e12))
	if err == nil {
		err = c.Terms.check()
	}
	return err
}

func (c Reset) check() error {
	return cmp.Or(c.Job.check(), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (t Terms) check() error {
	err := cmp.Or(valid.Time("terms.from", t.From), valid.OptionalID("terms.group", t.Group), valid.Time("terms.begins", t.Begins),
		valid.Time("terms.ends", t.Ends), valid.Between("terms.reset", int64(t.Reset), 0, day-1),
		valid.Between("terms.scope.days", int64(t.Scope.Days), 0, maxDays), valid.Between("terms.scope.codes", int64(len(t.Scope.Codes)), 0, maxListed))
	for _, code := range t.Scope.Codes {
		err = cmp.Or(err, valid.ID("terms.scope.codes", code))
	}
	if err != nil {
		return err
	}
	bad := func(field, reason string) error { return &errs.InputError{Field: "terms." + field, Reason: reason} }
	switch {
	case !slices.Contains([]Rule{CountInbound, CountFriends, CountConversation}, t.Counts):
		return bad("counts", "is none of inbound, inboundOrFriend and conversation")
	case !slices.Contains([]Reach{ReachJob, ReachCodes, ReachGroup, ReachOwner, ReachLinked}, t.Scope.Reach):
		return bad("scope.reach", "is none of codes, group, owner and linked, nor empty")
	case (t.Scope.Reach == ReachCodes) != (len(t.Scope.Codes) > 0):
		return bad("scope.codes", "go with the reach codes, and it with them")
	case t.Scope.Reach == ReachGroup && t.Group == "":
		return bad("group", "is missing, which the reach needs")
	case !t.Ends.IsZero() && !t.Begins.Before(t.Ends):
		return bad("ends", "is not after begins")
	}
	return t.locate()
}
