package storage_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	_ "modernc.org/sqlite"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/stamps/till"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var coffee = stamps.Definition{
	ID: "coffee", Version: 1, Name: "Every second coffee", Zone: "Asia/Shanghai",
	Card: &stamps.CardDefinition{
		Size:    2,
		Rewards: []stamps.Reward{{ID: "cup", Name: "A free cup", At: 2}},
		Earn:    stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
	},
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A code is spent, and a stamp given for it, or neither.
func Example_transaction() {
	ctx := context.Background()
	db := memory.New()
	cards := stamps.New(db, nil)
	codes, err := otp.New(db, []secret.Key{{ID: "2026-11", Secret: []byte("32 random bytes, kept in a vault")}}, nil)
	must(err)
	_, err = cards.Publish(ctx, coffee)
	must(err)

	issued, err := codes.Issue(ctx, otp.Issue{Scope: "wangjing", Holder: "alice", Purpose: "stamp", Key: "tap-1"})
	must(err)
	claim, err := codes.Check(ctx, otp.Check{Scope: "wangjing", Typist: "kathy", Code: issued.Code, Key: "entry-1"})
	must(err)

	id := stamps.CardID{Program: "coffee", Member: ids.Member(claim.Code.Holder)}
	err = db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if err := codes.In(tx).Spend(ctx, claim); err != nil {
			return err
		}
		_, err := cards.In(tx).Add(ctx, stamps.Add{Card: id, Key: "entry-1"})
		return err
	})
	must(err)
	card, err := cards.Card(ctx, id)
	fmt.Println(card.Count, err)
	fmt.Println(codes.Spend(ctx, claim))
	// Output:
	// 1 <nil>
	// otp: spend in wangjing: otp: the code is not valid; ask for a new one
}

// A stamp in the embedder's own transaction, beside a row of its own.
func Example_join() {
	ctx := context.Background()
	sqldb, err := sql.Open("sqlite", "file:join?mode=memory&cache=shared")
	must(err)
	defer sqldb.Close()
	db := bunstore.OnSQLite(sqldb)
	must(bunstore.Migrate(ctx, db, stamps.Tables))
	store, err := bunstore.New(db, nil)
	must(err)
	cards := stamps.New(store, nil)
	_, err = cards.Publish(ctx, coffee)
	must(err)
	_, err = sqldb.Exec("create table orders (id text primary key)")
	must(err)

	tx, err := sqldb.BeginTx(ctx, nil)
	must(err)
	_, err = tx.Exec("insert into orders values ('order-1')")
	must(err)
	alice := stamps.CardID{Program: "coffee", Member: "alice"}
	_, err = cards.In(store.Join(tx)).Add(ctx, stamps.Add{Card: alice, Key: "order-1"})
	must(err)
	must(tx.Rollback())

	_, err = cards.Card(ctx, alice)
	fmt.Println(err)
	// Output: stamps: card coffee/alice: stamps: there is no such card
}

// The till: the customer asks for a code, the manager types it, sees who and what, and confirms.
func Example_till() {
	ctx := context.Background()
	db := memory.New()
	shops, cards := shop.New(db, nil), stamps.New(db, nil)
	codes, err := otp.New(db, []secret.Key{{ID: "2026-11", Secret: []byte("32 random bytes, kept in a vault")}}, nil)
	must(err)
	desk := till.New(db, shops, codes, cards, nil)
	_, err = cards.Publish(ctx, coffee)
	must(err)
	_, err = shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: "wangjing", Name: "望京店", Zone: "Asia/Shanghai"}, Key: "open"})
	must(err)
	invited, err := shops.Invite(ctx, shop.Invite{Shop: "wangjing", Key: "invite-kathy"})
	must(err)
	_, err = shops.Bind(ctx, shop.Bind{Token: invited.Token, Identity: "kathy", Key: "scan"})
	must(err)

	request := till.Request{Purpose: stamps.PurposeStamp, Member: "alice", Nickname: "小爱", Program: "coffee"}
	issued, err := desk.Ask(ctx, till.Ask{Shop: "wangjing", Request: request, Key: "tap-1"})
	must(err)
	seen, err := desk.Preview(ctx, till.Enter{Shop: "wangjing", Manager: "kathy", Code: issued.Code, Key: "entry-1"})
	must(err)
	done, err := desk.Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: seen.Claim})
	must(err)
	fmt.Println(seen.Request.Nickname, seen.Request.Purpose, done.Outcome.Card.Count)
	// Output: 小爱 stamp 1
}

// What shows entries of any kind reads their results by the schemas of the service.
func ExampleSchema_Kind() {
	ctx := context.Background()
	db := memory.New()
	_, err := shop.New(db, nil).Put(ctx, shop.Put{Shop: shop.Shop{ID: "wangjing", Zone: "Asia/Shanghai"}, Key: "open"})
	must(err)
	for record, err := range db.Journal().After(ctx, "", 0) {
		must(err)
		for _, s := range []storage.Schema{shop.Tables, stamps.Tables} {
			kind, ok := s.Kind(record.Kind)
			if !ok {
				continue
			}
			result, err := kind.Decode(record.Entry)
			must(err)
			fmt.Printf("%s of %s: %T\n", kind, s.Name, result)
		}
	}
	// Output: shop.put of shop: shop.Outcome
}

// A relay follows the journal from the last cursor that it dealt with.
func Example_feed() {
	ctx := context.Background()
	db := memory.New()
	cards := stamps.New(db, nil)
	_, err := cards.Publish(ctx, coffee)
	must(err)
	for _, order := range []string{"order-1", "order-2"} {
		_, err = cards.Add(ctx, stamps.Add{Card: stamps.CardID{Program: "coffee", Member: "alice"}, Key: order})
		must(err)
	}

	var cursor journal.Cursor
	for record, err := range db.Journal().After(ctx, cursor, 100) {
		must(err)
		fmt.Println(record.Kind, record.Subject, record.Seq, record.Key)
		cursor = record.Cursor
	}
	// Output:
	// stamps.add stamps/coffee/alice 1 order-1
	// stamps.add stamps/coffee/alice 2 order-2
}
