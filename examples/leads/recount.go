package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/lead"
)

// Counts are what a job counted.
type counts struct{ today, total lead.Figures }

// recount counts in the plainest way: the events in their order, each once, and of each the ones
// before it.
func (d *day) recount() map[job]counts {
	type met struct {
		contact lead.Identity
		job     job
		account ids.Account
	}
	library := map[lead.Identity]bool{}
	for _, id := range d.library {
		library[id] = true
	}
	events := slices.Clone(d.events)
	slices.SortFunc(events, func(a, b event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	seen, came := map[met]bool{}, map[lead.Identity][]job{}
	all := map[job]counts{}
	for _, e := range events {
		if m := (met{e.contact, e.job, e.Account}); seen[m] {
			continue
		} else {
			seen[m] = true
		}
		f := d.count(e, came[e.contact], library[e.contact])
		if e.Kind != lead.Outbound {
			came[e.contact] = append(came[e.contact], e.job)
		}
		c := all[e.job]
		c.total = c.total.Plus(f)
		if d.today(e) {
			c.today = c.today.Plus(f)
		}
		all[e.job] = c
	}
	return all
}

// count is what the first event of an account adds to its job, after the contact came to these.
func (d *day) count(e event, came []job, library bool) lead.Figures {
	if e.Kind == lead.Outbound {
		return lead.Figures{Excluded: 1}
	}
	f := lead.Figures{Pairs: 1}
	if !slices.Contains(came, e.job) {
		f.Contacts = 1
	}
	of := d.codes[e.job.code].settings.Counting
	within := func(j job) bool {
		o := d.codes[j.code].settings.Counting
		switch of.Reach {
		case "group":
			return o.Owner == of.Owner && o.Group == of.Group
		case "owner":
			return o.Owner == of.Owner
		case "codes":
			return o.Owner == of.Owner && j.code < 2 || j == e.job
		default:
			return j == e.job
		}
	}
	switch {
	case of.Library && library:
		f.Excluded = 1
	case slices.ContainsFunc(came, within):
		f.Duplicate = 1
	case e.Unknown:
		f.Uncertain = 1
	default:
		f.New = 1
	}
	return f
}

// today reports whether an event counts on the day on which d ends.
func (d *day) today(e event) bool {
	counting := d.codes[e.job.code].settings.Counting
	reset := d.began.Add(time.Duration(counting.Reset-8*60) * time.Minute)
	return !e.At.Before(reset) || counting.Today && e.Backfill
}
