package redemption_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/reward"
)

// TestKilledPostgres kills the server with -9 under the load of two processes, 4 times: every
// redemption that was acknowledged is there after each restart, and in the end points, vouchers and
// stock tell the same.
func TestKilledPostgres(t *testing.T) {
	const members, points = 10, 1_000_000
	_, _, dsn := pgtest.Load{
		Kills: 4, Between: 150, Stored: "select count(*) from scrmkit.journal_entry where kind like 'reward.%'",
		Open: func(t *testing.T, dsn string) {
			s := open(t, dbtest.Postgres(t, dsn))
			for i := range members {
				s.give(t, ids.Member(fmt.Sprint("m", i)), points)
			}
		},
		Commands: func(t *testing.T, dsn string) func(context.Context, string, int, int) error {
			s := open(t, dbtest.Postgres(t, dsn))
			return func(ctx context.Context, name string, caller, i int) error {
				// Two in turn: two cups, and one of them given back.
				id := reward.HolderID{Catalog: "gifts", Member: ids.Member(fmt.Sprint("m", (caller+i/2)%members))}
				cups := redemption.Order{Holder: id, Reward: "cup", N: 2, Price: cost, Key: name}
				if i%2 == 1 {
					cups.Key = name[:len(name)-len(fmt.Sprint(i))] + fmt.Sprint(i-1)
				}
				r, err := s.desk.Redeem(ctx, cups)
				if err == nil && i%2 == 1 {
					_, err = s.desk.Return(ctx, reward.Return{Voucher: r.Vouchers[0].ID, Key: name})
				}
				return err
			}
		},
	}.Kill(t)
	s := open(t, dbtest.Postgres(t, dsn))
	held := int64(0)
	for i := range members {
		member := fmt.Sprint("m", i)
		states := s.states(t, ids.Member(member))
		held += int64(states[reward.Issued])
		want := points - cost.Points*int64(states[reward.Issued])
		if got := s.balance(t, ids.Member(member)); got != (loyalty.Balance{Available: want}) {
			t.Errorf("%s has %+v, want %d", member, got, want)
		}
		if err := s.points.Verify(ctx, loyalty.AccountID{Program: "club", Member: ids.Member(member)}); err != nil {
			t.Error(err)
		}
	}
	counts, err := s.rewards.Counts(ctx, "gifts")
	if err != nil || held == 0 || len(counts) != 1 || counts[0].N != held {
		t.Errorf("%d vouchers are held, %+v are counted, %v", held, counts, err)
	}
}
