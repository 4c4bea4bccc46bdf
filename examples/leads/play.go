package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
)

// A played is a day in a database.
type played struct {
	*day
	leads *lead.Engine
	*desk.Desk
	codes []activation.Issued // the day's
	took  time.Duration       // of the events
}

// play has codes made, tells of the events from that many callers, and has agents sign in.
func (d *day) play(ctx context.Context, db storage.DB, callers int) (*played, error) {
	var now atomic.Pointer[time.Time]
	now.Store(&d.began)
	clock := func() time.Time { return *now.Load() }
	// The key of a service stays the same, and comes from where it keeps such things.
	key := secret.Key{ID: "example", Secret: []byte("an example's secret of 32 bytes ")}
	codes, err := activation.New(db, []secret.Key{key}, &activation.Options{Now: clock})
	if err != nil {
		return nil, err
	}
	p := &played{day: d, leads: lead.New(db, &lead.Options{Now: clock})}
	p.Desk = desk.New(db, desk.Parts{Codes: codes, Leads: p.leads}, &desk.Options{Now: clock})
	for i, c := range d.codes {
		at := d.began.Add(time.Duration(i-len(d.codes)) * time.Second)
		now.Store(&at)
		if c.settings.Remark = c.name; c.settings.Counting.Reach == "codes" {
			for _, first := range p.codes[:2] {
				c.settings.Counting.Codes = append(c.settings.Counting.Codes, first.ID)
			}
		}
		made, err := p.Create(ctx, desk.Create{Codes: activation.Create{N: 1, Settings: c.settings, Key: c.name}})
		if err != nil {
			return nil, err
		}
		p.codes = append(p.codes, made...)
	}
	if _, err := p.leads.Import(ctx, d.library); err != nil {
		return nil, err
	}
	now.Store(&d.ended)
	began := time.Now()
	if err := p.tell(ctx, callers); err != nil {
		return nil, err
	}
	p.took = time.Since(began)
	for i, c := range p.codes {
		device := activation.DeviceID(fmt.Sprint("device-", i))
		switch i % 4 {
		case 0, 1:
			if _, err := codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: device}); err != nil {
				return nil, err
			}
		case 2:
			if _, err := codes.Disable(ctx, activation.CodeBatch{Codes: []ids.Code{c.ID}, Key: "disable-" + d.codes[i].name}); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// tell tells of the events.
func (p *played) tell(ctx context.Context, callers int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(p.events) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				e := p.events[i]
				id := lead.JobID{Code: p.codes[e.job.code].ID, Platform: e.job.platform}
				if _, err := p.leads.Observe(ctx, lead.Observe{Contact: []lead.Identity{e.contact}, Job: id, Event: e.Event}); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// rows returns the list of codes, the last one first.
func (p *played) rows(ctx context.Context) (rows []desk.Row, err error) {
	for r, err := range p.Rows(ctx, desk.Query{Platforms: platforms}) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// check compares rows with a recount.
func (p *played) check(rows []desk.Row, want map[job]counts) error {
	if len(rows) != len(p.codes) {
		return fmt.Errorf("%d codes are listed of %d", len(rows), len(p.codes))
	}
	of := map[ids.Code]int{}
	for i, c := range p.codes {
		of[c.ID] = i
	}
	for _, r := range rows {
		for _, c := range r.Cells {
			at, got := job{of[r.Code.ID], c.Platform}, counts{c.Today, c.Total}
			if got != want[at] {
				return fmt.Errorf("%s on %s counts %+v, and a recount %+v", r.Code.Settings.Remark, c.Platform, got, want[at])
			}
		}
	}
	return nil
}

// write prints some of the rows and the sum of all.
func write(w io.Writer, rows []desk.Row, n int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "code\tscope\tstate\tonline\tWhatsApp: today\tnew\tduplicate\tuncertain\tLINE: today\tnew\tduplicate\tuncertain\tcreated\tupdated")
	var sum lead.Figures
	for i, r := range rows {
		cells := strings.Builder{}
		for _, c := range r.Cells {
			sum = sum.Plus(c.Total)
			if c.Permitted {
				fmt.Fprintf(&cells, "%d\t%d\t%d\t%d\t", c.Today.New, c.Total.New, c.Total.Duplicate, c.Total.Uncertain)
			} else {
				fmt.Fprint(&cells, "no permission\t\t\t\t")
			}
		}
		if i >= n {
			continue
		}
		s := r.Code.Settings
		scope := s.Counting.Reach
		if scope == "" {
			scope = "job"
		}
		if s.Counting.Library {
			scope += " and library"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s%s\t%s\n", s.Remark, scope, r.State, r.Online, cells.String(),
			r.Code.Created.Format("01-02 15:04:05"), r.Code.Updated.Format("01-02 15:04:05"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "all %d codes: %d new, %d duplicate, %d uncertain, %d excluded; %d contacts, %d pairs\n",
		len(rows), sum.New, sum.Duplicate, sum.Uncertain, sum.Excluded, sum.Contacts, sum.Pairs)
	return err
}
