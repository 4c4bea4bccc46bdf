// Package desk joins the parts of a sales office: codes with the jobs that count their leads,
// what agents report with the account that it is of, visitors and pushed tickets with the accounts
// that are online.
//
// What changes in several of them changes in one transaction.
package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/flow"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Parts are the engines of a Desk, all on its database.
type Parts struct {
	Codes   *activation.Engine // activation codes, and who is signed in
	Leads   *lead.Engine       // jobs and leads
	Lines   *routing.Engine    // lines that visitors come by
	Tickets *ticket.Engine     // orders and leads that websites push
}

// Options configures a Desk. Nil and zero fields mean the documented defaults.
type Options struct {
	Now  func() time.Time             // the clock; nil: time.Now
	Rule func(ids.Platform) lead.Rule // which events of a platform count; nil: lead.RuleOf
	Hook storage.Hook                 // of traces and metrics; nil: none
}

// A Desk joins engines. It is safe for concurrent use. Its methods return the errors of the
// engines that they use.
type Desk struct {
	unit flow.Unit
	p    Parts
	opts Options
}

// ErrAccount: the code does not have the account, or it is banned, and it had it not at the time of
// the event either.
var ErrAccount = errs.New(errs.Denied, "desk: the code does not have the account, and had it not when the event was; link it first")

// New returns a desk.
func New(db storage.DB, p Parts, opts *Options) *Desk {
	d := &Desk{p: p}
	if opts != nil {
		d.opts = *opts
	}
	if d.opts.Now == nil {
		d.opts.Now = time.Now
	}
	if d.opts.Rule == nil {
		d.opts.Rule = lead.RuleOf
	}
	d.unit = flow.On(db, d.opts.Now, d.opts.Hook)
	return d
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx.
func (d *Desk) In(tx storage.Tx) *Desk {
	b := *d
	b.unit = d.unit.In(tx)
	b.p = Parts{d.p.Codes.In(tx), d.p.Leads.In(tx), d.p.Lines.In(tx), d.p.Tickets.In(tx)}
	return &b
}

// Create makes codes, and opens a job for each of them on each platform that it has permission for,
// which is of the owner that Codes.Settings.Counting has. Repeated with its key it changes nothing.
type Create struct {
	Codes   activation.Create // codes to make
	Targets lead.Targets      // of the jobs
}

// Create makes codes with their jobs. Errors: *errs.InputError, where there are platforms and
// no owner too, and activation.ErrUnknownPool; and *errs.InputError, where the counting is invalid
// for a job.
func (d *Desk) Create(ctx context.Context, c Create) (made []activation.Issued, err error) {
	ctx, call := d.unit.Begin(ctx, "desk.create", "")
	defer call.End(&err)
	err = d.unit.InSave(ctx, func(ctx context.Context, tx storage.Tx) error {
		call.Attempts++
		made, err = d.p.Codes.In(tx).Create(ctx, c.Codes)
		if call.Replayed = err == nil && made[0].Code == ""; err != nil || call.Replayed {
			return err // without the code itself it is an answer of before
		}
		for _, code := range made {
			if err := d.count(ctx, tx, code.ID, c.Codes.Settings, nil, c.Targets, c.Codes.By, jobKey("office.create", c.Codes.Key)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("desk: create: %w", err)
	}
	return made, nil
}

// Edit changes a code, and how the jobs of its platforms count from now on: their names, targets
// and owners stay. It opens those that are missing, of the owner that the code has then. A job of a
// platform that it has no permission for any more keeps what it counted. Repeated with its key it
// changes nothing. Errors: those of activation.Engine.Edit; *errs.InputError, where a job is
// missing and no owner is known; and *errs.InputError, where the counting is invalid for a job.
func (d *Desk) Edit(ctx context.Context, c activation.Edit) (code activation.Code, err error) {
	ctx, call := d.unit.Begin(ctx, "desk.edit", activation.CodeSubject(c.Code))
	defer call.End(&err)
	if err := cmp.Or(valid.ID("code", c.Code), valid.ID("key", c.Key)); err != nil {
		return code, fmt.Errorf("desk: edit: %w", err)
	}
	err = d.unit.InSave(ctx, func(ctx context.Context, tx storage.Tx) error {
		call.Attempts++
		before := []storage.Look{{Subject: activation.CodeSubject(c.Code), Key: c.Key}}
		if err := tx.Load(ctx, before); err != nil {
			return err
		}
		var err error
		call.Replayed = before[0].Entry != nil
		if code, err = d.p.Codes.In(tx).Edit(ctx, c); err != nil || call.Replayed {
			return err
		}
		jobs := map[ids.Platform]lead.Job{}
		for j, err := range d.p.Leads.In(tx).Jobs(ctx, lead.JobQuery{Codes: []ids.Code{c.Code}}) {
			if err != nil {
				return err
			}
			jobs[j.ID.Platform] = j
		}
		return d.count(ctx, tx, c.Code, code.Settings, jobs, lead.Targets{}, c.By, jobKey("office.edit", c.Key))
	})
	if err != nil {
		return activation.Code{}, fmt.Errorf("desk: edit: %w", err)
	}
	return code, nil
}

// jobKey is the key of what a command does with each of its jobs.
func jobKey(kind, key string) string { return journal.DerivedKey(kind, key) }

// count has the jobs of a code count by its settings, and opens those that are not there.
func (d *Desk) count(
	ctx context.Context, tx storage.Tx, id ids.Code, s activation.Settings, jobs map[ids.Platform]lead.Job, targets lead.Targets,
	by, key string,
) error {
	k := s.Counting
	scope := lead.Scope{Reach: lead.Reach(k.Reach), Codes: slices.Clone(k.Codes), Library: k.Library, Days: k.Days}
	for _, p := range s.Platforms {
		j, has := jobs[p]
		if !has {
			j = lead.Job{Owner: lead.OwnerID(k.Owner), Name: string(p), Targets: targets}
		}
		if j.Owner == "" {
			return &errs.InputError{Field: "settings.counting.owner", Reason: "is missing, which the jobs of platforms have"}
		}
		_, err := d.p.Leads.In(tx).Put(ctx, lead.Put{
			Job: lead.JobID{Code: id, Platform: p}, Owner: j.Owner, Name: j.Name, Targets: j.Targets, By: by, Key: key,
			Terms: lead.Terms{Group: lead.GroupID(k.Group), Scope: scope, Counts: d.opts.Rule(p), Zone: k.Zone, Reset: k.Reset, Today: k.Today},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
