//go:build !race

package bunstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// A database is opened, migrated and given to an engine, which stamps in a transaction of the
// service's own. With Postgres only sql.Open and the dialect differ:
//
//	sqldb, err := sql.Open("pgx", dsn)
//	db := bunstore.OnPostgres(sqldb)
func Example() {
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "")
	must(err)
	defer os.RemoveAll(dir)
	const wal = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
	sqldb, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "shop.db")+wal)
	must(err)
	defer sqldb.Close()
	db := bunstore.OnSQLite(sqldb)
	must(bunstore.Migrate(ctx, db, stamps.Tables))
	store, err := bunstore.New(db, nil)
	must(err)

	cards := stamps.New(store, nil)
	_, err = cards.Publish(ctx, stamps.Definition{ID: "coffee", Version: 1, Zone: "Asia/Shanghai", Card: &stamps.CardDefinition{
		Size: 10, Rewards: []stamps.Reward{{ID: "cup", Name: "A free cup", At: 10}},
		Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
	}})
	must(err)
	_, err = sqldb.ExecContext(ctx, "create table orders (id text primary key)")
	must(err)

	tx, err := sqldb.BeginTx(ctx, nil)
	must(err)
	_, err = tx.ExecContext(ctx, "insert into orders values ('order-1')")
	must(err)
	alice := stamps.CardID{Program: "coffee", Member: "alice"}
	out, err := cards.In(store.Join(tx)).Add(ctx, stamps.Add{Card: alice, Key: "order-1"})
	must(err)
	must(tx.Commit())
	fmt.Println(out.Card.ID, out.Card.Count)
	// Output:
	// coffee/alice 1
}

// A standby answers reports, which say how old they may be. Commands stay with the primary.
func ExampleDB_Lag() {
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	sqldb, err := sql.Open("pgx", os.Getenv("STANDBY_URL"))
	must(err)
	defer sqldb.Close()
	replica, err := bunstore.New(bunstore.OnPostgres(sqldb), &bunstore.Options{Replica: true})
	must(err)
	lag, err := replica.Lag(ctx)
	must(err)
	fmt.Println("as of", lag.Round(time.Second), "ago, or later:")
	reports := stamps.New(replica, nil)
	for card, err := range reports.Cards(ctx, "alice") {
		must(err)
		fmt.Println(card.ID, card.Count)
	}
}

// On Citus the tables are spread over the nodes by tenant.
func ExampleDistribute() {
	start := func(ctx context.Context, sqldb *sql.DB) (*bunstore.DB, error) {
		db := bunstore.OnPostgres(sqldb)
		if err := bunstore.Migrate(ctx, db, stamps.Tables); err != nil {
			return nil, err
		}
		if err := bunstore.Distribute(ctx, db, stamps.Tables); err != nil {
			return nil, err
		}
		return bunstore.New(db, nil)
	}
	_ = start
}
