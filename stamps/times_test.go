package stamps_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A time that has no text is refused in every field of every command, question and definition,
// before anything is hashed.
func TestTimesThatNoCommandMayHave(t *testing.T) {
	db := memory.New()
	cards := open(t, db)
	at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	stored := timetest.Records(t, db.Journal())
	t.Run("add", func(t *testing.T) {
		add := stamps.Add{Card: alice, N: 1, At: at, Purchase: &stamps.Purchase{Amount: 1, Currency: "CNY"}}
		timetest.Refuses(t, add, func(c stamps.Add) error {
			c.Card.Member, c.Key = ids.Member(rand.Text()), "k"
			return second(cards.Add(ctx, c))
		}, stored, "At")
	})
	t.Run("records", func(t *testing.T) {
		q := stamps.RecordQuery{Shop: "wangjing", From: at, To: at.Add(time.Hour)}
		timetest.Refuses(t, q, func(q stamps.RecordQuery) error {
			for _, err := range cards.Records(ctx, q) {
				return err
			}
			return nil
		}, stored, "From", "To")
		timetest.Refuses(t, q, func(q stamps.RecordQuery) error {
			return second(cards.Totals(ctx, q, "UTC"))
		}, stored, "From", "To")
	})
	t.Run("definition", func(t *testing.T) {
		d := coffee(2)
		d.From, d.To = at, at.Add(time.Hour)
		d.Card.Expiry.Date = at
		d.Card.Rewards[0].Coupon.Until = at
		d.Handout.From, d.Handout.To, d.Handout.Reward.Coupon.Until = at, at.Add(time.Hour), at
		timetest.Refuses(t, d, func(d stamps.Definition) error {
			return second(stamps.Compile(d))
		}, stored, "From", "To", "Date", "Until")
		for _, bad := range timetest.Bad() {
			if d.Card.Expiry.Date = bad; bad.IsZero() {
				continue
			}
			if _, err := cards.Publish(ctx, d); err == nil {
				t.Errorf("%v is published", bad)
			}
		}
	})
}
