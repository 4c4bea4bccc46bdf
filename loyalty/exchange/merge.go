package exchange

import (
	"context"
	"errors"
	"fmt"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Merge moves all that a member has to another one, and what limits count of the vouchers with it, in one transaction. A
// merger that was made with loyalty.Engine.Merge is followed by the next command that names the member who is gone; until
// then the other's limits don't count what that one took. Errors: those of loyalty.Program.Merge.
func (d *Desk) Merge(ctx context.Context, c loyalty.Merge) (out loyalty.Outcome, err error) {
	err = d.inTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		rewards, points := d.rewards.In(tx), d.points.In(tx)
		out, err = points.Merge(ctx, c)
		if err != nil {
			return err
		}
		catalogs, err := rewards.Catalogs(ctx, reward.MemberID(c.Account.Member))
		if err != nil {
			return err
		}
		for _, id := range catalogs {
			gifts, err := rewards.Catalog(ctx, id, 0)
			if err != nil {
				return err
			}
			if gifts.Definition().Program != string(c.Account.Program) {
				continue
			}
			of := reward.HolderID{Catalog: id, Member: reward.MemberID(c.Account.Member)}
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
		return loyalty.Outcome{}, fmt.Errorf("exchange: merge: %w", err)
	}
	return out, nil
}

// follow notes among the vouchers of a catalog which mergers have led from a member to an account.
func follow(ctx context.Context, rewards *reward.Engine, points *loyalty.Engine, of reward.HolderID, to loyalty.AccountID) error {
	for member := loyalty.MemberID(of.Member); member != to.Member; {
		a, err := points.Account(ctx, loyalty.AccountID{Program: to.Program, Member: member})
		if err != nil {
			return err
		}
		of.Member = reward.MemberID(member)
		_, err = rewards.Merge(ctx, reward.Merge{Holder: of, To: reward.MemberID(a.Merged), Key: mergeKey})
		if err != nil {
			return err
		}
		member = a.Merged
	}
	return nil
}

// mergeKey names the one merger that a member can be merged by.
var mergeKey = journal.DerivedKey("loyalty-merge")

// giveBack returns points to the account that has them now. They are booked where they were spent: by the holder of the
// voucher, or after a merger by who went on.
func giveBack(ctx context.Context, points *loyalty.Engine, of reward.HolderID, c loyalty.Return) (loyalty.Outcome, error) {
	for last := c.Account.Member; ; {
		c.Account.Member = loyalty.MemberID(of.Member)
		out, err := points.Return(ctx, c)
		if !errors.Is(err, loyalty.ErrUnknownBooking) || c.Account.Member == last {
			return out, err
		}
		a, err := points.Account(ctx, c.Account)
		if err != nil {
			return loyalty.Outcome{}, err
		}
		of.Member = reward.MemberID(a.Merged)
	}
}
