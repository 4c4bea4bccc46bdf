package ticket_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/ticket"
)

// Whatever a query asks for, its tickets are those of all that fit, in the order of their arrival.
// Targets are those of the tickets that are open.
func TestTicketsOfAQuery(t *testing.T) {
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		histories := 0
		rapid.Check(t, func(t *rapid.T) {
			histories++
			db := db.Tenant(fmt.Sprint("list ", histories))
			e := must(ticket.New(db, keys, &ticket.Options{Now: clock}))
			pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
			at := func(label string) time.Time {
				return start.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, label)) * time.Minute)
			}
			var all []ticket.Ticket
			for n := range rapid.IntRange(0, 12).Draw(t, "tickets") {
				k := ticket.Ticket{
					ID: ticket.ID{Site: ticket.SiteID(pick("site", "north", "south")), Event: ticket.EventID(fmt.Sprint("e", n))}, Version: 1,
					State:    ticket.State(pick("state", "received", "pending", "assigned", "manual", "rejected", "done")),
					Fields:   ticket.Fields{Platform: pick("platform", "", "line", "whatsapp"), Country: pick("country", "", "CN", "US")},
					Target:   ticket.Target{Code: ids.Code(pick("code", "", "c", "d")), Account: ids.Account(pick("account", "", "x", "y"))},
					Received: at("received"), Updated: start,
				}
				if err := ticket.Store(ctx, db, k); err != nil {
					t.Fatal(err)
				}
				all = append(all, k)
			}
			slices.SortFunc(all, func(a, b ticket.Ticket) int {
				return slices.CompareFunc(
					[]string{a.Received.String(), string(a.ID.Site), string(a.ID.Event)}, []string{b.Received.String(), string(b.ID.Site), string(b.ID.Event)},
					cmp.Compare[string])
			})
			targets := map[ticket.Target]bool{}
			for _, k := range all {
				if k.State == ticket.Pending || k.State == ticket.Assigned {
					targets[k.Target] = true
				}
			}
			seen := map[ticket.Target]bool{}
			for target, err := range e.Targets(ctx) {
				if err != nil || seen[target] {
					t.Fatal(target, err)
				}
				seen[target] = true
			}
			if diff := gocmp.Diff(targets, seen); diff != "" {
				t.Fatalf("targets (-want +got):\n%s", diff)
			}
			for range 5 {
				q := ticket.Query{
					Site: ticket.SiteID(pick("of site", "", "", "north", "south")), Event: ticket.EventID(pick("of event", "", "", "e0", "e1")),
					State: ticket.State(pick("of state", "", "received", "pending", "assigned", "done")), Platform: pick("of platform", "", "", "line"),
					Country: pick("of country", "", "", "CN"), Code: ids.Code(pick("of code", "", "c", "d")), Account: ids.Account(pick("of account", "", "x")),
					Oldest: rapid.Bool().Draw(t, "oldest"), Limit: rapid.IntRange(0, 3).Draw(t, "limit"),
				}
				if rapid.Bool().Draw(t, "from a time") {
					q.From = at("from")
				}
				if rapid.Bool().Draw(t, "to a time") {
					q.To = at("to")
				}
				var want, got []ticket.ID
				for _, k := range all {
					fits := (q.Site == "" || q.Site == k.ID.Site) && (q.Event == "" || q.Event == k.ID.Event) && (q.State == "" || q.State == k.State) &&
						(q.Platform == "" || q.Platform == k.Fields.Platform) && (q.Country == "" || q.Country == k.Fields.Country) &&
						(q.Code == "" || q.Code == k.Target.Code) && (q.Account == "" || q.Account == k.Target.Account) &&
						!k.Received.Before(q.From) && (q.To.IsZero() || k.Received.Before(q.To))
					if fits {
						want = append(want, k.ID)
					}
				}
				if !q.Oldest {
					slices.Reverse(want)
				}
				if q.Limit > 0 {
					want = want[:min(q.Limit, len(want))]
				}
				for k, err := range e.Tickets(ctx, q) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, k.ID)
				}
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Fatalf("%+v (-want +got):\n%s", q, diff)
				}
			}
		})
	})
}
