package reward_test

import (
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestTimesThatNoneMayHaveAreRefused(t *testing.T) {
	db := memory.New()
	e, _ := open(t, db, reward.Reward{ID: "cup"})
	d := catalog(reward.Reward{ID: "cup", From: noon, To: noon.Add(time.Hour), Valid: reward.Validity{Until: noon.Add(2 * time.Hour)}})
	d.ID = "dated"
	stored := func() any {
		_, err := e.Catalog(ctx, d.ID, 0)
		return err == nil
	}
	timetest.Refuses(t, d, func(d reward.Definition) error {
		if d.Rewards[0].From.IsZero() || d.Rewards[0].To.IsZero() || d.Rewards[0].Valid.Until.IsZero() {
			_, err := reward.Compile(d) // the zero time is a bound that is not there
			return err
		}
		_, err := e.Publish(ctx, d)
		return err
	}, stored, "From", "To", "Until")
	timetest.Refuses(t, reward.VoucherQuery{Member: "alice", EndedBefore: noon}, func(q reward.VoucherQuery) error {
		for _, err := range e.Vouchers(ctx, q) {
			return err
		}
		return nil
	}, timetest.Records(t, db.Journal()), "EndedBefore")
}
