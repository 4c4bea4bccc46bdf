package ticket_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/scrm/ticket"
)

// numbered returns an order that no other one is like.
func numbered(n string) string { return strings.Replace(order, `"CN"`, `"CN","number":"`+n+`"`, 1) }

// TestKilledPostgres kills the server with -9 under the load of two processes, 10 times: every push
// that was taken is there after each restart as it came, and every one that was processed was
// decided on once.
func TestKilledPostgres(t *testing.T) {
	n, _, dsn := pgtest.Load{
		Kills: 10, Between: 150, Stored: "select count(*) from scrmkit.journal_entry where kind in ('ticket.receive', 'ticket.process')",
		Open: func(t *testing.T, dsn string) {
			e, secret := open(dbtest.Postgres(t, dsn))
			publish(e, 1, read("cn", `country == "CN"`, ticket.Action{Code: "VIPVIPVI"}))
			db := must(sql.Open("pgx", dsn))
			defer db.Close()
			must(db.Exec("create table shown as select $1::text secret", secret))
		},
		Commands: func(t *testing.T, dsn string) func(context.Context, string, int, int) error {
			e := must(ticket.New(dbtest.Postgres(t, dsn), keys, &ticket.Options{Now: clock}))
			db := must(sql.Open("pgx", dsn))
			defer db.Close()
			var secret string
			if err := db.QueryRow("select secret from shown").Scan(&secret); err != nil {
				t.Fatal(err)
			}
			var last [8]string // of each caller
			return func(ctx context.Context, name string, caller, i int) (err error) {
				if i%2 == 0 {
					last[caller] = name
					_, err = e.Receive(ctx, "test1", push(secret, name, numbered(name)))
				} else {
					_, err = e.Process(ctx, ticket.ID{Site: "test1", Event: ticket.EventID(last[caller])})
				}
				return err
			}
		},
	}.Kill(t)
	e := must(ticket.New(dbtest.Postgres(t, dsn), keys, &ticket.Options{Now: clock}))
	var entries int64
	for k, err := range e.Tickets(ctx, ticket.Query{}) {
		isError(t, err, nil)
		entries += k.Seq
		_, body, err := e.Ticket(ctx, k.ID)
		if want := numbered(string(k.ID.Event)); err != nil || string(body) != want {
			t.Errorf("%s came as %s: %v", k.ID, body, err)
		}
		if got := fmt.Sprintf("%s %d", k.State, k.Seq); got != "received 1" && got != "pending 2" {
			t.Errorf("%s is %s", k.ID, got)
		}
	}
	if entries != n {
		t.Errorf("%d commands, %d entries", n, entries)
	}
}
