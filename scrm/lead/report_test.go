package lead_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/lead"
)

// The views have what the engine says that jobs have counted: on each day, and in total.
func TestReports(t *testing.T) {
	dbtest.Reports(t, func(t *testing.T, r dbtest.Report) {
		histories := 0
		rapid.Check(t, func(t *rapid.T) {
			histories++
			db, c := r.Tenant(fmt.Sprint(histories)), &clock{}
			c.set(at(-100))
			e := lead.New(db, &lead.Options{Now: c.now})
			codes := []ids.Code{"A", "B", "C"}
			for _, code := range codes {
				p := put(func(p *lead.Put) {
					p.Job.Code, p.Targets = code, lead.Targets{Day: rapid.Int64Range(0, 9).Draw(t, "target")}
					p.Terms.Scope.Reach = rapid.SampledFrom([]lead.Reach{"", lead.ReachOwner}).Draw(t, "reach")
				})
				if _, err := e.Put(ctx, p); err != nil {
					t.Fatal(err)
				}
			}
			c.set(at(10_000))
			for i := range rapid.IntRange(0, 12).Draw(t, "events") {
				ev := inbound(lead.EventID(fmt.Sprint(i)), rapid.SampledFrom([]ids.Account{"x", "y"}).Draw(t, "account"), rapid.IntRange(0, 4_000).Draw(t, "minute"))
				ev.Kind = rapid.SampledFrom([]lead.Kind{lead.Inbound, lead.Inbound, lead.Outbound}).Draw(t, "kind")
				ev.Unknown = rapid.Bool().Draw(t, "unknown")
				who := person(rapid.SampledFrom([]string{"8613912345678", "8613912345679", "8613912345670"}).Draw(t, "contact"))
				if _, err := e.Observe(ctx, met(rapid.SampledFrom(codes[:2]).Draw(t, "code"), who, ev)); err != nil {
					t.Fatal(err)
				}
			}
			figures := func(f lead.Figures, row dbtest.Row) dbtest.Row {
				row["platform"] = "whatsapp"
				row["new"], row["duplicate"], row["uncertain"], row["excluded"] = f.New, f.Duplicate, f.Uncertain, f.Excluded
				row["contacts"], row["pairs"] = f.Contacts, f.Pairs
				return row
			}
			var days, jobs []dbtest.Row
			summaries, err := e.Summaries(ctx, codes)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range summaries {
				jobs = append(jobs, figures(s.Total, dbtest.Row{
					"code": s.Job.ID.Code, "owner": s.Job.Owner, "name": s.Job.Name, "day_target": s.Job.Targets.Day, "total_target": s.Job.Targets.Total,
				}))
				for n, err := range e.Counts(ctx, lead.CountQuery{Job: s.Job.ID, From: at(-1e6), To: at(1e6)}) {
					if err != nil {
						t.Fatal(err)
					}
					days = append(days, figures(n.Figures, dbtest.Row{"code": n.Job.Code, "account": n.Account, "day": n.Day}))
				}
			}
			dbtest.Same(t, "days", days, r.Rows(t, "report_lead_day", db, c.now()))
			dbtest.Same(t, "jobs", jobs, r.Rows(t, "report_lead_job", db, c.now()))
		})
	})
}
