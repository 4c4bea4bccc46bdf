// Command coffeeshop is a small service on SQLite: orders with stamps and points in one transaction,
// points for a voucher, a code at the till, and a relay that follows the journal. Its sales team
// answers customers on WhatsApp: leads are counted, known customers imported, and visitors and the
// website's orders sent to accounts.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	_ "modernc.org/sqlite" // the driver, which the embedder picks

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/stamps/till"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/relay"
)

func main() {
	ctx := context.Background()
	s, err := open(ctx, "file:coffeeshop?mode=memory&cache=shared&_pragma=busy_timeout(5000)")
	if err != nil {
		log.Fatal(err)
	}
	defer s.db.Close()
	for _, step := range []func(context.Context) error{
		s.rules, s.orders, s.redeem, s.visit, s.tell,
		s.hire, s.messages, s.known, s.list, s.send, s.push,
	} {
		if err := step(ctx); err != nil {
			log.Fatal(err)
		}
	}
}

type service struct {
	db      *sql.DB
	store   *bunstore.DB
	cards   *stamps.Engine
	points  *loyalty.Engine
	rewards *reward.Engine
	shops   *shop.Engine
	codes   *otp.Engine
	team
}

func open(ctx context.Context, name string) (*service, error) {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, "create table orders (id text primary key, amount integer not null)"); err != nil {
		return nil, err
	}
	on := bunstore.OnSQLite(db)
	if err := bunstore.Migrate(ctx, on, stamps.Tables, loyalty.Tables, reward.Tables, shop.Tables, otp.Tables, relay.Tables); err != nil {
		return nil, err
	}
	store, err := bunstore.New(on, nil)
	if err != nil {
		return nil, err
	}
	keys := []secret.Key{{ID: "2026", Secret: []byte("32 random bytes, kept in a vault")}}
	s := &service{db: db, store: store, cards: stamps.New(store, nil), points: loyalty.New(store, nil), shops: shop.New(store, nil)}
	if s.codes, err = otp.New(store, keys, nil); err != nil {
		return nil, err
	}
	if s.rewards, err = reward.New(store, keys, nil); err != nil {
		return nil, err
	}
	return s, s.openSales(ctx, keys)
}

// rules puts the programs in force: a stamp a visit, a point a yuan, a cup for 100 points. It may
// run at each start.
func (s *service) rules(ctx context.Context) error {
	if _, err := s.cards.Publish(ctx, stamps.Definition{
		ID: "coffee", Version: 1, Name: "Every tenth coffee is free", Zone: "Asia/Shanghai",
		Card: &stamps.CardDefinition{
			Size: 10, Rewards: []stamps.Reward{{ID: "coffee", Name: "A free coffee", At: 10, Coupon: stamps.Validity{Days: 30}}},
			Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		},
	}); err != nil {
		return err
	}
	if _, err := s.points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Name: "A point a yuan", Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12, RoundUp: loyalty.Month}}},
		Rules:      []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	}); err != nil {
		return err
	}
	_, err := s.rewards.Publish(ctx, reward.Definition{
		ID: "gifts", Version: 1, Zone: "Asia/Shanghai", Program: "club",
		Rewards: []reward.Reward{{ID: "cup", Name: "A cup", Prices: []reward.Price{{Points: 100}}, Stock: 50}},
	})
	return err
}

// order writes an order of alice's with its stamp and its points, or nothing.
func (s *service) order(ctx context.Context, id string, amount int64) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "insert into orders values (?, ?) on conflict do nothing", id, amount); err != nil {
		return err
	}
	joined := s.store.Join(tx)
	card, err := s.cards.In(joined).Add(ctx, stamps.Add{Card: stamps.CardID{Program: "coffee", Member: "alice"}, Key: id})
	if err != nil {
		return err
	}
	paid := loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: amount}}}
	account, err := s.points.In(joined).Earn(ctx, loyalty.Earn{
		Account: loyalty.AccountID{Program: "club", Member: "alice"}, Event: loyalty.Event{Purchase: &paid}, Key: id,
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s: stamp %d, %d points, replayed: %t\n", id, card.Card.Count, account.Moves[0].Balance.Available, account.Replayed)
	return tx.Commit()
}

func (s *service) orders(ctx context.Context) error {
	for _, id := range []string{"order-1", "order-1"} { // the second time it was sent again
		if err := s.order(ctx, id, 129_00); err != nil {
			return err
		}
	}
	return nil
}

// redeem gives alice a voucher for her points; then half of the order comes back, and points for it.
func (s *service) redeem(ctx context.Context) error {
	desk := redemption.New(s.store, s.points, s.rewards, nil)
	taken, err := desk.Redeem(ctx, redemption.Order{
		Holder: reward.HolderID{Catalog: "gifts", Member: "alice"}, Reward: "cup", Price: reward.Price{Points: 100}, Key: "tap-1",
	})
	if err != nil {
		return err
	}
	back, err := s.points.Refund(ctx, loyalty.Refund{
		Account: loyalty.AccountID{Program: "club", Member: "alice"}, Of: "order-1", Amount: 64_50, Key: "refund-1",
	})
	if err != nil {
		return err
	}
	left := back.Moves[0].Balance
	fmt.Printf("%s: %d points left, then %d and %d owed\n", taken.Vouchers[0].Name, taken.Points.Moves[0].Balance.Available, left.Available, left.Debt)
	return nil
}

// visit is one at the till: alice asks for a code, kathy types it, sees who and what, and confirms.
func (s *service) visit(ctx context.Context) error {
	if _, err := s.shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: "wangjing", Name: "望京", Zone: "Asia/Shanghai"}, Key: "open"}); err != nil {
		return err
	}
	invited, err := s.shops.Invite(ctx, shop.Invite{Shop: "wangjing", Key: "invite"})
	if err != nil {
		return err
	}
	if _, err := s.shops.Bind(ctx, shop.Bind{Token: invited.Token, Identity: "kathy", Key: "scan"}); err != nil {
		return err
	}
	desk := till.New(s.store, s.shops, s.codes, s.cards, nil)
	request := till.Request{Purpose: stamps.PurposeStamp, Member: "alice", Nickname: "小爱", Program: "coffee"}
	issued, err := desk.Ask(ctx, till.Ask{Shop: "wangjing", Request: request, Key: "ask-1"})
	if err != nil {
		return err
	}
	seen, err := desk.Preview(ctx, till.Enter{Shop: "wangjing", Manager: "kathy", Code: issued.Code, Key: "entry-1"})
	if err != nil {
		return err
	}
	done, err := desk.Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: seen.Claim})
	if err != nil {
		return err
	}
	fmt.Printf("%s: stamp %d by %s\n", seen.Request.Nickname, done.Outcome.Card.Count, done.Outcome.Record.By)
	return nil
}

// tell hands over what the journal has that is new.
func (s *service) tell(ctx context.Context) error {
	crm, err := relay.New(s.store, "crm", func(ctx context.Context, tenant string, r journal.Record) error {
		switch r.Kind {
		case string(stamps.KindAdd):
			out, err := stamps.KindAdd.Result(r.Entry) // a stamps.Outcome
			if err != nil {
				return err
			}
			fmt.Println(out.Card.ID.Member, "has", out.Card.Count, "stamps") // or tell another system, which takes each relay.ID once
		case string(shop.KindBind):
			out, err := shop.KindBind.Result(r.Entry) // a shop.Outcome
			if err != nil {
				return err
			}
			fmt.Println(out.Manager.Identity, "manages", out.Manager.Shop)
		}
		return nil
	}, &relay.Options{Workers: 1})
	if err != nil {
		return err
	}
	_, err = crm.Step(ctx) // a service calls Run, in each of its processes
	return err
}
