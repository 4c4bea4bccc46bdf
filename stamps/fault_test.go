package stamps_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/stamps"
)

// TestKilledPostgres kills the server with -9 under the load of two processes, 20 times: every
// stamp that was acknowledged is there after each restart, and in the end each command took effect
// exactly once.
func TestKilledPostgres(t *testing.T) {
	n, db, _ := pgtest.Load{
		Kills: 20, Between: 300, Stored: "select count(*) from scrmkit.stamps_record",
		Open: func(t *testing.T, dsn string) { open(t, dbtest.Postgres(t, dsn)) },
		Commands: func(t *testing.T, dsn string) func(context.Context, string, int, int) error {
			cards := stamps.New(dbtest.Postgres(t, dsn), nil)
			return func(ctx context.Context, name string, caller, i int) error {
				id := stamps.CardID{Program: "coffee", Member: ids.Member(fmt.Sprint("m", (caller+i)%10))}
				_, err := cards.Add(ctx, stamps.Add{Card: id, N: 1, Key: name})
				return err
			}
		},
	}.Kill(t)
	for what, query := range map[string]string{
		"records": "select count(*) from scrmkit.stamps_record",
		"stamps":  "select sum(total) from scrmkit.stamps_card",
		"keys":    "select count(distinct key) from scrmkit.journal_entry where kind = 'stamps.add'",
	} {
		var have int64
		if err := db.QueryRow(query).Scan(&have); err != nil || have != n {
			t.Errorf("%d commands, %d %s: %v", n, have, what, err)
		}
	}
}
