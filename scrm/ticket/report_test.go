package ticket_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/ticket"
)

// The view has the tickets that the engine gives, and nothing of theirs that is personal.
func TestReports(t *testing.T) {
	dbtest.Reports(t, func(t *testing.T, r dbtest.Report) {
		histories := 0
		rapid.Check(t, func(t *rapid.T) {
			histories++
			db := r.Tenant(fmt.Sprint(histories))
			e := must(ticket.New(db, keys, &ticket.Options{Now: clock}))
			pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
			at := func(label string) time.Time {
				return noon.Add(time.Duration(rapid.IntRange(0, 3_000_000).Draw(t, label)) * time.Microsecond)
			}
			for n := range rapid.IntRange(0, 5).Draw(t, "tickets") {
				k := ticket.Ticket{
					ID: ticket.ID{Site: ticket.SiteID(pick("site", "north", "south")), Event: ticket.EventID(fmt.Sprint("e", n))}, Version: 1,
					State:  ticket.State(pick("state", "received", "pending", "assigned", "manual", "rejected", "done")),
					Reason: ticket.Reason(pick("reason", "", "badPhone")), Note: "personal",
					Fields: ticket.Fields{
						Name: "personal", Phone: "+8613800138000", Typed: "personal", Gender: "personal", Remark: "personal", Platform: pick("platform", "", "line"),
						Country: pick("country", "", "CN"), Language: pick("language", "", "zh"), Status: pick("status", "", "paid"), Order: pick("order", "", "727"),
					},
					Target: ticket.Target{Code: ids.Code(pick("code", "", "c")), Account: ids.Account(pick("account", "", "x")), Pool: ids.Line(pick("pool", "", "p"))},
					Agent:  pick("agent", "", "kathy"), Templates: ticket.TemplatesID(pick("templates", "", "shop")), Decided: rapid.IntRange(0, 2).Draw(t, "decided"),
					Rule: ticket.RuleID(pick("rule", "", "all")), Came: rapid.Int64Range(0, 3).Draw(t, "came"), Received: at("received"), Updated: at("updated"),
				}
				if pick("taken", "", "taken") != "" {
					k.Taken = at("taken at")
				}
				if err := ticket.Store(ctx, db, k); err != nil {
					t.Fatal(err)
				}
			}
			var want []dbtest.Row
			for k, err := range e.Tickets(ctx, ticket.Query{}) {
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, dbtest.Row{
					"site": k.ID.Site, "event": k.ID.Event, "state": k.State, "reason": k.Reason, "platform": k.Fields.Platform, "country": k.Fields.Country,
					"language": k.Fields.Language, "order_number": k.Fields.Order, "order_status": k.Fields.Status, "pool": k.Target.Pool, "code": k.Target.Code,
					"account": k.Target.Account, "agent": k.Agent, "templates": k.Templates, "templates_version": k.Decided, "rule": k.Rule, "pushes": k.Came,
					"received_at": k.Received, "taken_at": k.Taken, "updated_at": k.Updated,
				})
			}
			dbtest.Same(t, "tickets", want, r.Rows(t, "report_ticket", db, noon))
		})
	})
}
