// Package office joins the parts of a sales office: codes with the jobs that count their leads, what agents report with the account
// that it is of, visitors and pushed tickets with the accounts that are online.
//
// What changes in several of them changes in one transaction.
package office

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/dispatch"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/storage"
)

// Parts are the engines of an Office, all on its database.
type Parts struct {
	Codes   *activation.Engine
	Leads   *lead.Engine
	Lines   *dispatch.Engine
	Tickets *ticket.Engine
}

// Options of an Office. Nil, and each zero field, is a default.
type Options struct {
	Now  func() time.Time                // the clock; nil: time.Now
	Rule func(lead.PlatformID) lead.Rule // which events of a platform count; nil: lead.RuleOf
}

// An Office joins engines. It is safe for concurrent use. Its methods return the errors of the engines that they use.
type Office struct {
	db   storage.DB
	p    Parts
	opts Options
}

// ErrAccount: no port of the code has the account. Have the port linked first.
var ErrAccount = errors.New("office: no port of the code has the account; link it first")

// New returns an office.
func New(db storage.DB, p Parts, opts *Options) *Office {
	o := &Office{db: db, p: p}
	if opts != nil {
		o.opts = *opts
	}
	if o.opts.Now == nil {
		o.opts.Now = time.Now
	}
	if o.opts.Rule == nil {
		o.opts.Rule = lead.RuleOf
	}
	return o
}

// Create makes codes, and opens a job for each of them on each platform that it has permission for. Repeated with its key it changes
// nothing.
type Create struct {
	Codes   activation.Create
	Owner   lead.OwnerID // of the jobs
	Targets lead.Targets
}

// Create makes codes with their jobs.
func (o *Office) Create(ctx context.Context, c Create) (made []activation.Issued, err error) {
	err = o.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if made, err = o.p.Codes.In(tx).Create(ctx, c.Codes); err != nil {
			return err
		}
		for _, code := range made {
			if err := o.open(ctx, tx, code.ID, c.Codes.Settings, c.Owner, c.Targets, c.Codes.By, c.Codes.Key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("office: create: %w", err)
	}
	return made, nil
}

// Edit changes a code, and the jobs of its platforms: their terms from now on. A job of a platform that it has no permission for any
// more keeps what it counted.
func (o *Office) Edit(ctx context.Context, c activation.Edit) (code activation.Code, err error) {
	err = o.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if code, err = o.p.Codes.In(tx).Edit(ctx, c); err != nil {
			return err
		}
		var owner lead.OwnerID
		var targets lead.Targets
		for j, err := range o.p.Leads.In(tx).Jobs(ctx, lead.JobQuery{Codes: []lead.CodeID{lead.CodeID(c.Code)}, Limit: 1}) {
			if err != nil {
				return err
			}
			owner, targets = j.Owner, j.Targets
		}
		return o.open(ctx, tx, c.Code, c.Settings, owner, targets, c.By, c.Key)
	})
	if err != nil {
		return activation.Code{}, fmt.Errorf("office: edit: %w", err)
	}
	return code, nil
}

// open opens or changes the jobs of a code.
func (o *Office) open(
	ctx context.Context, tx storage.Tx, id activation.CodeID, s activation.Settings, owner lead.OwnerID, targets lead.Targets, by, key string,
) error {
	k := s.Counting
	scope := lead.Scope{Reach: lead.Reach(k.Reach), Library: k.Library, Days: k.Days}
	for _, c := range k.Codes {
		scope.Codes = append(scope.Codes, lead.CodeID(c))
	}
	for _, platform := range s.Platforms {
		p := lead.PlatformID(platform)
		_, err := o.p.Leads.In(tx).Put(ctx, lead.Put{
			Job: lead.JobID{Code: lead.CodeID(id), Platform: p}, Owner: owner, Name: string(p), Targets: targets, By: by, Key: key,
			Terms: lead.Terms{Group: lead.GroupID(k.Group), Scope: scope, Counts: o.opts.Rule(p), Zone: k.Zone, Reset: k.Reset, Today: k.Today},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A Report is an event that an agent's client tells of.
type Report struct {
	Token    string // of the session
	Platform lead.PlatformID
	Contact  []lead.Identity
	Event    lead.Event
}

// Report counts an event in the job of the session's code. Errors besides: activation.ErrSignedOut, activation.ErrPlatform, ErrAccount.
func (o *Office) Report(ctx context.Context, r Report) (lead.Outcome, error) {
	seat, err := o.p.Codes.Check(ctx, r.Token)
	if err == nil && !slices.Contains(seat.Code.Settings.Platforms, activation.PlatformID(r.Platform)) {
		err = activation.ErrPlatform
	}
	if err == nil {
		err = ErrAccount
		q := activation.PortQuery{Code: seat.Code.ID, Platform: activation.PlatformID(r.Platform), Accounts: []activation.AccountID{activation.AccountID(r.Event.Account)}}
		for a, found := range o.p.Codes.Agents(ctx, q) {
			if err = found; err == nil && a.State == activation.Banned {
				err = ErrAccount
			}
		}
	}
	if err != nil {
		return lead.Outcome{}, fmt.Errorf("office: report: %w", err)
	}
	return o.p.Leads.Meet(ctx, lead.Meet{
		Contact: r.Contact, Job: lead.JobID{Code: lead.CodeID(seat.Code.ID), Platform: r.Platform}, Event: r.Event, By: seat.ID().String(),
	})
}
