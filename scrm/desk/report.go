package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
)

// A Report is an event that an agent's client reports.
type Report struct {
	Token    string          // of the session
	Platform ids.Platform    // platform of the account
	Contact  []lead.Identity // names of the contact in the event
	Event    lead.Event      // what happened
}

// An Answer is what an agent sees of a report: what it counts as and why. Who else has the contact,
// and since when, is for administrators, who read it in the leads of the jobs.
type Answer struct {
	Verdict  lead.Verdict  `json:"verdict"` // what the contact counts as
	Reasons  []lead.Reason `json:"reasons"` // why
	Replayed bool          `json:"-"`       // the event was reported before
}

// Report counts an event in the job of the session's code, by the session. It counts by its time:
// where the code had the account then, whatever became of the account since, less the allowances of
// activation.Binding. One of any other time is Excluded, as lead.Unbound, and changes nothing. An
// administrator, whose events count whenever they were, reports them to the engine of leads.
//
// Errors: activation.ErrSignedOut, activation.ErrPlatform, ErrAccount, *errs.InputError where
// the event has no platform or no account, and those of lead.Engine.Observe.
func (d *Desk) Report(ctx context.Context, r Report) (_ Answer, err error) {
	ctx, call := d.unit.Begin(ctx, "desk.report", "")
	defer call.End(&err)
	access, bound, err := d.bound(ctx, r)
	if err != nil {
		return Answer{}, fmt.Errorf("desk: report: %w", err)
	}
	out, err := d.p.Leads.Observe(ctx, lead.Observe{
		Contact: r.Contact, Job: lead.JobID{Code: access.Code.ID, Platform: r.Platform}, Event: r.Event, By: access.ID().String(),
		Bound: bound,
	})
	call.Replayed = out.Replayed
	return Answer{out.Verdict, out.Reasons, out.Replayed}, err
}

// bound returns the session of a report, and when its code had the account.
func (d *Desk) bound(ctx context.Context, r Report) (activation.Access, *lead.Bound, error) {
	platform, account := r.Platform, r.Event.Account
	if err := cmp.Or(valid.ID("platform", platform), valid.ID("event.account", account)); err != nil {
		return activation.Access{}, nil, err
	}
	access, known, err := d.p.Codes.Bound(ctx, r.Token, platform, account)
	if err != nil {
		return access, nil, err
	}
	id := access.Code.ID
	has := known.Port.ID.Code == id && known.Port.State != activation.Banned && known.Port.State != activation.Closed
	switch {
	case !slices.Contains(access.Code.Settings.Platforms, platform):
		return access, nil, activation.ErrPlatform
	case !has && !known.Binding.Counts(id, r.Event.At):
		return access, nil, ErrAccount
	}
	b := &lead.Bound{}
	for _, p := range known.Binding.Of(id) {
		b.Periods = append(b.Periods, lead.Period{From: p.From, To: p.To})
	}
	return access, b, nil
}
