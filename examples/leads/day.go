package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/scrm/lead"
)

var platforms = []lead.PlatformID{"whatsapp", "line"}

// A day is what happened on it.
type day struct {
	opened  time.Time
	codes   []lead.CodeID
	scopes  map[lead.CodeID]string
	jobs    []lead.Put
	library []lead.Identity
	events  []lead.Meet
}

// newDay draws a day. Every seventh code has no permission for LINE, and every eleventh none for WhatsApp.
func newDay(c config) *day {
	r := rand.New(rand.NewPCG(c.seed, 99))
	d := &day{opened: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), scopes: map[lead.CodeID]string{}}
	for i := range c.codes {
		code := lead.CodeID(fmt.Sprintf("CODE%04d", i+1))
		scope := []lead.Scope{
			{}, {Library: true}, {Reach: lead.ReachGroup}, {Reach: lead.ReachOwner, Library: true},
			{Reach: lead.ReachCodes, Codes: []lead.CodeID{"CODE0001", "CODE0002"}},
		}[i%5]
		d.codes = append(d.codes, code)
		d.scopes[code] = cmp.Or(string(scope.Reach), "job")
		if scope.Library {
			d.scopes[code] += " and library"
		}
		for p, platform := range platforms {
			if i%[]int{11, 7}[p] == []int{6, 5}[p] {
				continue
			}
			d.jobs = append(d.jobs, lead.Put{
				Job: lead.JobID{Code: code, Platform: platform}, Owner: lead.OwnerID(fmt.Sprint("owner-", i%3)), Name: string(platform), Key: "open",
				Terms: lead.Terms{Group: lead.GroupID(fmt.Sprint("group-", i%8)), Scope: scope, Counts: lead.CountInbound, Zone: "Asia/Shanghai", Reset: 8 * 60},
			})
		}
	}
	contacts := c.events/4 + 1
	identity := func(p lead.PlatformID, n int) lead.Identity {
		return lead.Identity{Platform: p, ID: fmt.Sprint("contact-", n)}
	}
	for n := 0; n < contacts; n += 20 {
		d.library = append(d.library, identity("whatsapp", n), identity("line", n))
	}
	for i := 0; len(d.events) < c.events; i++ {
		j := d.jobs[r.IntN(len(d.jobs))]
		m := lead.Meet{
			Contact: []lead.Identity{identity(j.Job.Platform, r.IntN(contacts))}, Job: j.Job,
			Event: lead.Event{
				ID: lead.EventID(fmt.Sprint("event-", i)), Account: lead.AccountID(fmt.Sprintf("%s-%d", j.Job.Code, r.IntN(5))),
				At: d.opened.Add(time.Duration(r.IntN(24*60*60)) * time.Second), Kind: lead.Inbound, Unknown: r.IntN(20) == 0, Backfill: r.IntN(30) == 0,
			},
		}
		if r.IntN(20) == 0 {
			m.Event.Kind = lead.Outbound
		}
		d.events = append(d.events, m)
		if r.IntN(20) == 0 && len(d.events) < c.events {
			d.events = append(d.events, m) // told twice
		}
	}
	return d
}

// recount counts in the plainest way: the events in their order, each once, and of each the ones before it.
func (d *day) recount() map[lead.JobID]lead.Figures {
	type met struct {
		contact lead.Identity
		job     lead.JobID
		account lead.AccountID
	}
	puts, library := map[lead.JobID]lead.Put{}, map[lead.Identity]bool{}
	for _, j := range d.jobs {
		puts[j.Job] = j
	}
	for _, id := range d.library {
		library[id] = true
	}
	events := slices.Clone(d.events)
	slices.SortFunc(events, func(a, b lead.Meet) int {
		return cmp.Or(a.Event.At.Compare(b.Event.At), cmp.Compare(a.Event.ID, b.Event.ID))
	})
	seen, came := map[met]bool{}, map[lead.Identity][]lead.Put{}
	counts := map[lead.JobID]lead.Figures{}
	for _, e := range events {
		id, j := e.Contact[0], puts[e.Job]
		m := met{id, e.Job, e.Event.Account}
		if seen[m] {
			continue
		}
		seen[m] = true
		f := counts[e.Job]
		if e.Event.Kind == lead.Outbound {
			f.Excluded++
			counts[e.Job] = f
			continue
		}
		inJob, inScope := false, false
		for _, o := range came[id] {
			inJob = inJob || o.Job == e.Job
			switch j.Terms.Scope.Reach {
			case lead.ReachGroup:
				inScope = inScope || o.Terms.Group == j.Terms.Group
			case lead.ReachOwner:
				inScope = inScope || o.Owner == j.Owner
			case lead.ReachCodes:
				inScope = inScope || slices.Contains(j.Terms.Scope.Codes, o.Job.Code)
			}
		}
		came[id] = append(came[id], j)
		f.Pairs++
		if !inJob {
			f.Contacts++
		}
		switch {
		case j.Terms.Scope.Library && library[id]:
			f.Excluded++
		case inJob || inScope:
			f.Duplicate++
		case e.Event.Unknown:
			f.Uncertain++
		default:
			f.New++
		}
		counts[e.Job] = f
	}
	return counts
}
