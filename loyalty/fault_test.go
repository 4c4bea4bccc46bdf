package loyalty_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/loyalty"
)

// TestKilledPostgres kills the server with -9 under the load of two processes, 20 times: every
// command that was acknowledged is there after each restart, and in the end the books of all
// members add up and their ledgers are whole.
func TestKilledPostgres(t *testing.T) {
	n, _, dsn := pgtest.Load{
		Kills: 20, Between: 300, Stored: "select count(*) from scrmkit.journal_entry where kind like 'loyalty.%'",
		Open: func(t *testing.T, dsn string) {
			if _, err := loyalty.New(dbtest.Postgres(t, dsn), nil).Publish(ctx, club(1)); err != nil {
				t.Fatal(err)
			}
		},
		Commands: func(t *testing.T, dsn string) func(context.Context, string, int, int) error {
			points := loyalty.New(dbtest.Postgres(t, dsn), &loyalty.Options{Now: time.Now})
			return func(ctx context.Context, name string, caller, i int) (err error) {
				// Three in turn: a purchase, points of it spent by hand, and the purchase sent
				// back.
				id := loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", (caller+i/3)%10))}
				of := name[:len(name)-len(fmt.Sprint(i))] + fmt.Sprint(i-i%3)
				switch i % 3 {
				case 0:
					_, err = points.Earn(ctx, buy(id, 10_000, name))
				case 1:
					_, err = points.Adjust(ctx, loyalty.Adjust{Account: id, N: 7, Reason: "load", Key: name})
				case 2:
					_, err = points.Refund(ctx, loyalty.Refund{Account: id, Of: of, Amount: 5_000, Key: name})
				}
				return err
			}
		},
	}.Kill(t)
	points := loyalty.New(dbtest.Postgres(t, dsn), nil)
	var entries int64
	for a, err := range points.Accounts(ctx, loyalty.AccountQuery{Program: "club"}) {
		if err != nil {
			t.Fatal(err)
		}
		if err := points.Verify(ctx, a.ID); err != nil {
			t.Error(err)
		}
		entries += a.Seq
	}
	totals := must[map[ids.Currency]loyalty.Totals](t)(points.Totals(ctx, "club"))["points"]
	if entries != n || totals.Revoked == 0 || totals.Issued <= totals.Revoked {
		t.Errorf("%d commands, %d entries, %+v", n, entries, totals)
	}
}
