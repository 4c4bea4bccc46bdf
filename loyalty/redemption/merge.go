package redemption

import (
	"context"
	"errors"
	"fmt"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Merge moves all that a member has to another one, and what limits count of the vouchers with it,
// in one transaction. A merger that was made with loyalty.Engine.Merge is followed by the next
// command that names the member who is gone; until then the other's limits don't count what that
// one took. Errors: those of loyalty.Program.Merge.
func (d *Desk) Merge(ctx context.Context, c loyalty.Merge) (out loyalty.Outcome, err error) {
	ctx, call := d.unit.Begin(ctx, "redemption.merge", c.Account.Subject())
	defer call.End(&err)
	err = d.unit.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		call.Attempts++
		rewards, points := d.rewards.In(tx), d.points.In(tx)
		out, err = points.Merge(ctx, c)
		if err != nil {
			return err
		}
		catalogs, err := rewards.Catalogs(ctx, c.Account.Member)
		if err != nil {
			return err
		}
		for _, id := range catalogs {
			gifts, err := rewards.Catalog(ctx, id, 0)
			if err != nil {
				return err
			}
			if gifts.Definition().Program != c.Account.Program {
				continue
			}
			of := reward.HolderID{Catalog: id, Member: c.Account.Member}
			a, _, err := account(ctx, rewards, points, of)
			if err == nil {
				err = follow(ctx, rewards, points, of, a.ID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return loyalty.Outcome{}, fmt.Errorf("redemption: merge: %w", err)
	}
	call.Replayed = out.Replayed
	return out, nil
}

// follow notes among the vouchers of a catalog which mergers have led from a member to an account.
func follow(ctx context.Context, rewards *reward.Engine, points *loyalty.Engine, of reward.HolderID, to loyalty.AccountID) error {
	next := func(id ids.Member) (ids.Member, error) {
		a, err := points.Account(ctx, loyalty.AccountID{Program: to.Program, Member: id})
		return a.Merged, err
	}
	for last := to.Member; of.Member != last; {
		first, err := next(of.Member)
		if err != nil {
			return err
		}
		// Where that one's own merger was noted before this one, it is noted with who came after.
		for other := first; ; {
			_, err = rewards.Merge(ctx, reward.Merge{Holder: of, To: other, Key: mergeKey(other)})
			if !errors.Is(err, reward.ErrMerged) || other == last {
				break
			}
			if other, err = next(other); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		of.Member = first
	}
	return nil
}

// mergeKey names the merger of a member into another one.
func mergeKey(to ids.Member) string {
	return journal.DerivedKey("loyalty-merge", string(to))
}

// giveBack returns points to the account that has them now. They are booked where they were spent:
// by the holder of the voucher, or after a merger by who went on.
func giveBack(ctx context.Context, points *loyalty.Engine, of reward.HolderID, c loyalty.Return) (loyalty.Outcome, error) {
	for last := c.Account.Member; ; {
		c.Account.Member = of.Member
		out, err := points.Return(ctx, c)
		if !errors.Is(err, loyalty.ErrUnknownBooking) || c.Account.Member == last {
			return out, err
		}
		a, err := points.Account(ctx, c.Account)
		if err != nil {
			return loyalty.Outcome{}, err
		}
		of.Member = a.Merged
	}
}
