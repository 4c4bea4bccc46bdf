// Command join gives points in the transaction in which a service writes its order: both are there,
// or neither is.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"

	_ "modernc.org/sqlite" // the driver, which the embedder picks

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

var errPayment = errors.New("the payment was declined")

// A shop takes orders, and has its tables beside those of the points.
type shop struct {
	db     *sql.DB
	store  *bunstore.DB
	points *loyalty.Engine
}

func main() {
	ctx := context.Background()
	s, err := open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer s.db.Close()
	fmt.Println("order-1:", s.order(ctx, "order-1", 12_900, nil))
	fmt.Println("order-2:", s.order(ctx, "order-2", 50_000, errPayment))
	var orders int
	if err := s.db.QueryRow("select count(*) from orders").Scan(&orders); err != nil {
		log.Fatal(err)
	}
	account, err := s.points.Account(ctx, loyalty.AccountID{Program: "club", Member: "alice"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(orders, "order,", account.Wallet("points").Total(), "points")
}

func open(ctx context.Context) (*shop, error) {
	db, err := sql.Open("sqlite", "file:orders?mode=memory&cache=shared&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	bundb := bunstore.OnSQLite(db)
	if err := bunstore.Migrate(ctx, bundb, loyalty.Tables); err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, "create table orders (id text primary key, amount integer not null)"); err != nil {
		return nil, err
	}
	store, err := bunstore.New(bundb, nil)
	if err != nil {
		return nil, err
	}
	points := loyalty.New(store, nil)
	_, err = points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Name: "A point a yuan", Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points"}},
		Rules:      []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	})
	return &shop{db, store, points}, err
}

// order writes an order of alice's and gives its points, unless the payment fails.
func (s *shop) order(ctx context.Context, id string, amount int64, payment error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "insert into orders values (?, ?)", id, amount); err != nil {
		return err
	}
	if _, err := s.points.In(s.store.Join(tx)).Earn(ctx, loyalty.Earn{
		Account: loyalty.AccountID{Program: "club", Member: "alice"}, Key: id,
		Event: loyalty.Event{Purchase: &loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: amount}}}},
	}); err != nil {
		return err
	}
	if payment != nil {
		return payment
	}
	return tx.Commit()
}
