package customer_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/customer"
)

// The views have of customers what the engine gives, and nothing that is personal.
func TestReports(t *testing.T) {
	dbtest.Reports(t, func(t *testing.T, r dbtest.Report) {
		histories := 0
		rapid.Check(t, func(rt *rapid.T) {
			histories++
			db := r.Tenant(fmt.Sprint(histories))
			b := open(t, db)
			alice, bob := b.signIn(openID, union).Member, b.signIn(bobs).Member
			pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(rt, label) }
			for range rapid.IntRange(0, 8).Draw(rt, "commands") {
				b.pass(time.Duration(rapid.IntRange(0, 10_000_000).Draw(rt, "microseconds")) * time.Microsecond)
				switch pick("command", "consent", "consent", "consent", "preferences", "due", "erase") {
				case "consent":
					_, _ = b.RecordConsent(t.Context(), customer.RecordConsent{Member: alice, Key: b.key(), By: "kathy", Consent: customer.Consent{
						Purpose: pick("purpose", "marketing", "research"), Channel: pick("channel", "", "sms"), Kind: customer.ConsentKind(pick("kind", "plain", "separate")),
						Given: rapid.Bool().Draw(rt, "given"), Version: pick("version", "1", "2"), Way: "paper", Time: b.now(),
					}})
				case "preferences":
					_, _ = b.PutPreferences(t.Context(), customer.PutPreferences{Member: alice, Key: b.key(), Preferences: customer.Preferences{Language: pick("language", "", "zh-Hans")}})
				case "due":
					_, _ = b.ScheduleErasure(t.Context(), customer.ScheduleErasure{Member: bob, Due: b.now().Add(time.Hour), Key: b.key()})
				case "erase":
					_, _ = b.Erase(t.Context(), customer.Erase{Member: bob, Key: b.key()})
				}
			}
			var customers, consents []dbtest.Row
			for _, id := range []ids.Member{alice, bob} {
				c, err := b.Get(t.Context(), id)
				if err != nil {
					rt.Fatal(err)
				}
				customers = append(customers, dbtest.Row{
					"member": id, "created_at": c.Created, "erase_by": c.EraseBy, "erased_at": c.Erased, "language": c.Preferences.Language,
				})
				for _, k := range c.Consents {
					consents = append(consents, dbtest.Row{
						"member": id, "purpose": k.Purpose, "channel": k.Channel, "kind": k.Kind, "given": k.Given, "version": k.Version, "way": k.Way, "said_at": k.Time,
					})
				}
			}
			dbtest.Same(rt, "customers", customers, r.Rows(rt, "report_customer", db, b.now()))
			dbtest.Same(rt, "consents", consents, r.Rows(rt, "report_consent", db, b.now()))
		})
	})
}
