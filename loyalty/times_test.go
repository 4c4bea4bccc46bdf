package loyalty_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// Every command and every definition refuses times that have no JSON, in each of its fields, and
// stores nothing.
func TestTimesThatNoCommandMayHave(t *testing.T) {
	db := memory.New()
	now := noon
	points := loyalty.New(db, &loyalty.Options{Now: func() time.Time { return now }})
	d := shop([]loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}}, loyalty.Metric{ID: "m", Of: loyalty.CountMoney})
	d.Tiers = &loyalty.Tiers{
		Levels: []loyalty.Level{{ID: "low"}, {ID: "high", Manual: true}}, Downgrade: loyalty.AtEnd,
		Valid: loyalty.Validity{Expiry: loyalty.Expiry{Years: 1}}, Grace: 30,
	}
	if _, err := points.Publish(ctx, d); err != nil {
		t.Fatal(err)
	}
	if _, err := points.Adjust(ctx, loyalty.Adjust{Account: alice, N: 100, Reason: "open", Key: "open"}); err != nil {
		t.Fatal(err)
	}
	stored := timetest.Records(t, db.Journal())
	later := now.AddDate(0, 1, 0)
	keys := 0
	key := func() string {
		keys++
		return fmt.Sprint("k", keys)
	}
	earn := order("earn", line("a", "", 100))
	earn.At = now
	timetest.Refuses(t, earn, func(c loyalty.Earn) error { c.Key = key(); _, err := points.Earn(ctx, c); return err }, stored, "Event.At", "At")
	timetest.Refuses(t, loyalty.Adjust{Account: alice, N: 1, To: later, Reason: "x", Key: "adjust"},
		func(c loyalty.Adjust) error { c.Key = key(); _, err := points.Adjust(ctx, c); return err }, stored, "To")
	timetest.Refuses(t, loyalty.Reserve{Account: alice, N: 1, Until: later, Key: "reserve"},
		func(c loyalty.Reserve) error { c.Key = key(); _, err := points.Reserve(ctx, c); return err }, stored)
	timetest.Refuses(t, loyalty.SetTier{Account: alice, Level: "high", Until: later, Key: "tier"},
		func(c loyalty.SetTier) error { c.Key = key(); _, err := points.SetTier(ctx, c); return err }, stored, "Until")
	timetest.Refuses(t, loyalty.AccountQuery{Program: "club", DueBefore: now}, func(q loyalty.AccountQuery) error {
		for _, err := range points.Accounts(ctx, q) {
			if err != nil {
				return err
			}
		}
		return nil
	}, stored, "DueBefore")
	d.From, d.To = now, later
	d.Rules[0].From, d.Rules[0].To = now, later
	timetest.Refuses(t, d, func(d loyalty.Definition) error { _, err := loyalty.Compile(d); return err }, nil, "From", "To", "Anniversary")
}
