package activation_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
)

// TestKilledPostgres kills the server with -9 under the load of two processes, 10 times: every
// command that was acknowledged is there after each restart, and in the end each port of the pool
// is in use once or free.
func TestKilledPostgres(t *testing.T) {
	const callers = 8 // of a process; each has a session, and the sessions of the processes share codes
	_, _, dsn := pgtest.Load{
		Kills: 10, Between: 150,
		Stored: "select count(*) from scrmkit.journal_entry where kind in ('activation.signIn', 'activation.open', 'activation.close')",
		Open: func(t *testing.T, dsn string) {
			e, _ := open(t, dbtest.Postgres(t, dsn))
			must(e.PutPool(ctx, activation.PutPool{Pool: "plan", Ports: 2 * callers, Key: "put"}))
			db := must(sql.Open("pgx", dsn))
			defer db.Close()
			must(db.Exec("create table shown (n int, code text)"))
			s := activation.Settings{Platforms: both.Platforms, Pool: "plan"}
			for i, c := range must(e.Create(ctx, activation.Create{N: callers, Settings: s, Key: "make"})) {
				must(db.Exec("insert into shown values ($1, $2)", i, c.Code))
			}
		},
		Commands: func(t *testing.T, dsn string) func(context.Context, string, int, int) error {
			e, _ := open(t, dbtest.Postgres(t, dsn))
			db := must(sql.Open("pgx", dsn))
			t.Cleanup(func() { _ = db.Close() })
			var sessions [callers]activation.SessionID
			var ports [callers]activation.PortID
			return func(ctx context.Context, name string, caller, i int) error {
				switch {
				case i == 0:
					in := activation.SignIn{Device: activation.DeviceID(strings.TrimSuffix(name, "-0"))}
					if err := db.QueryRowContext(ctx, "select code from shown where n = $1", caller).Scan(&in.Code); err != nil {
						return err
					}
					access, err := e.SignIn(ctx, in)
					sessions[caller] = access.ID()
					return err
				case i%2 == 1:
					p, err := e.Open(ctx, activation.Open{Session: sessions[caller], Platform: "line", Key: name})
					ports[caller] = p.ID
					return err
				default:
					_, err := e.Close(ctx, activation.Leave{Port: ports[caller], Key: name})
					return err
				}
			}
		},
	}.Kill(t)
	e, _ := open(t, dbtest.Postgres(t, dsn))
	must(e.Sweep(ctx, 1000))
	inUse := addUp(t, e)
	if pool := must(e.Pool(ctx, "plan")); pool.Free != 2*callers-inUse {
		t.Errorf("%d of %d ports are in use, and %d free", inUse, 2*callers, pool.Free)
	}
}
