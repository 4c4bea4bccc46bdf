package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
)

var platforms = []ids.Platform{"whatsapp", "line"}

// A day is what happened on it. It names codes by their place in codes: a desk gives them other
// names each time.
type day struct {
	began, ended time.Time
	codes        []code
	library      []lead.Identity
	events       []event
}

// A code is what is asked for. Where its scope lists codes, those are the first two.
type code struct {
	name     string
	settings activation.Settings
}

// A job is a code's on a platform.
type job struct {
	code     int
	platform ids.Platform
}

// An event is what a job is told of.
type event struct {
	job     job
	contact lead.Identity
	lead.Event
}

// newDay draws a day. Every seventh code has no permission for LINE, and every eleventh none for
// WhatsApp. Codes begin their days at eight in the morning or in the evening; one of four counts
// back-fill on the day when it is read.
func newDay(c config) *day {
	r := rand.New(rand.NewPCG(c.seed, 99))
	began := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	d := &day{began: began, ended: began.Add(24*time.Hour - time.Second)}
	var jobs []job
	for i := range c.codes {
		counting := []activation.Counting{
			{}, {Library: true}, {Reach: "group"}, {Reach: "owner", Library: true}, {Reach: "codes"},
		}[i%5]
		counting.Owner, counting.Group, counting.Today = fmt.Sprint("owner-", i%3), fmt.Sprint("group-", i%8), i%4 == 3
		counting.Zone, counting.Reset = "Asia/Shanghai", []int{8 * 60, 20 * 60}[i%2]
		at := code{fmt.Sprintf("code-%03d", i+1), activation.Settings{Ports: 10, Counting: counting}}
		for p, platform := range platforms {
			if i%[]int{11, 7}[p] != []int{6, 5}[p] {
				at.settings.Platforms = append(at.settings.Platforms, platform)
				jobs = append(jobs, job{i, platform})
			}
		}
		d.codes = append(d.codes, at)
	}
	contacts := c.events/4 + 1
	identity := func(p ids.Platform, n int) lead.Identity {
		return lead.Identity{Platform: p, ID: fmt.Sprint("contact-", n)}
	}
	for n := 0; n < contacts; n += 20 {
		d.library = append(d.library, identity("whatsapp", n), identity("line", n))
	}
	for i := 0; len(d.events) < c.events; i++ {
		j := jobs[r.IntN(len(jobs))]
		e := event{j, identity(j.platform, r.IntN(contacts)), lead.Event{
			ID: lead.EventID(fmt.Sprint("event-", i)), Account: ids.Account(fmt.Sprintf("%s-%d", d.codes[j.code].name, r.IntN(5))),
			At: began.Add(time.Duration(r.IntN(24*60*60)) * time.Second), Kind: lead.Inbound, Unknown: r.IntN(20) == 0, Backfill: r.IntN(30) == 0,
		}}
		if r.IntN(20) == 0 {
			e.Kind = lead.Outbound
		}
		d.events = append(d.events, e)
		if r.IntN(20) == 0 && len(d.events) < c.events {
			d.events = append(d.events, e) // told twice
		}
	}
	return d
}
