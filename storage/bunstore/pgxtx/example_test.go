package pgxtx_test

import (
	"context"
	"log"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/bunstore/pgxtx"
)

// A service that uses pgx as it is has one pool, for its own queries and for those of the engines.
// An order is written and its card is stamped in one transaction of pgx.
func ExampleJoin() {
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	must(err)
	defer pool.Close()
	db := bunstore.OnPostgres(stdlib.OpenDBFromPool(pool))
	must(bunstore.Migrate(ctx, db, stamps.Tables))
	store, err := bunstore.New(db, nil)
	must(err)
	cards := stamps.New(store, nil)

	alice := stamps.CardID{Program: "coffee", Member: "alice"}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "insert into orders values ('order-1')"); err != nil {
			return err
		}
		_, err := cards.In(pgxtx.Join(store, tx)).Add(ctx, stamps.Add{Card: alice, Key: "order-1"})
		return err
	})
	must(err)
}
