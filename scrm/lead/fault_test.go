package lead_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/scrm/lead"
)

// TestKilledPostgres kills the server with -9 under the load of two processes, 20 times: every lead
// that was acknowledged is there after each restart, and in the end each contact is new once in an
// owner's jobs, and the counts are those of the leads.
func TestKilledPostgres(t *testing.T) {
	codes := []ids.Code{"A", "B"}
	clock := func() time.Time { return noon }
	n, _, dsn := pgtest.Load{
		Kills: 20, Between: 300, Stored: "select count(*) from scrmkit.lead_lead",
		Open: func(t *testing.T, dsn string) {
			leads := lead.New(dbtest.Postgres(t, dsn), &lead.Options{Now: clock})
			for _, code := range codes {
				must[lead.Job](t)(leads.Put(ctx, put(func(p *lead.Put) { p.Job.Code, p.Terms.Scope.Reach = code, lead.ReachOwner })))
			}
		},
		Commands: func(t *testing.T, dsn string) func(context.Context, string, int, int) error {
			leads := lead.New(dbtest.Postgres(t, dsn), &lead.Options{Now: clock})
			return func(ctx context.Context, name string, caller, i int) error {
				// All callers meet the same contacts, each at another account and time, in turn as
				// the first and as the last one.
				at := noon.Add(time.Duration((caller*7+i*5)%16) * time.Minute)
				_, err := leads.Observe(ctx, met(codes[(caller+i)%2], person(fmt.Sprint("c", i)), lead.Event{
					ID: lead.EventID(name), Account: ids.Account(name), At: at.Add(-time.Hour), Kind: lead.Inbound,
				}))
				return err
			}
		},
	}.Kill(t)
	leads := lead.New(dbtest.Postgres(t, dsn), &lead.Options{Now: clock})
	var of []lead.Stored
	sums := map[ids.Code]lead.Figures{}
	for _, code := range codes {
		stored := all(t, leads.Leads(ctx, lead.LeadQuery{Job: lead.JobID{Code: code, Platform: "whatsapp"}}))
		of = append(of, stored...)
		for _, l := range stored {
			sum := sums[code]
			if sum.Pairs++; l.Verdict == lead.NewLead {
				sum.New++
			} else {
				sum.Duplicate++
			}
			if l.Within == lead.NewLead {
				sum.Contacts++
			}
			sums[code] = sum
		}
		if got := total(t, leads, code); got != sums[code] || got.Duplicate == 0 {
			t.Errorf("%s counts %+v, and its leads %+v", code, got, sums[code])
		}
	}
	if int64(len(of)) != n {
		t.Errorf("%d commands, %d leads", n, len(of))
	}
	slices.SortFunc(of, func(a, b lead.Stored) int {
		return slices.Compare(
			[]string{a.Contact.ID, a.Event.At.Format(time.RFC3339), string(a.Event.ID)},
			[]string{b.Contact.ID, b.Event.At.Format(time.RFC3339), string(b.Event.ID)})
	})
	for i, l := range of {
		if first := i == 0 || of[i-1].Contact != l.Contact; first != (l.Verdict == lead.NewLead) {
			t.Errorf("event %s of %s is %s", l.Event.ID, l.Contact.ID, l.Verdict)
		}
	}
}
