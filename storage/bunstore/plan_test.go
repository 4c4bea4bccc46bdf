package bunstore_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/internal/schemas"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
)

// A deed is a command that is run once for each subject of a tenant, which has a number.
type deed struct {
	name string
	do   func(ctx context.Context, n int) error
}

// deeds returns the commands of every engine, in the order in which a subject needs them.
func deeds(t *testing.T, db storage.DB) []deed {
	t.Helper()
	ctx := t.Context()
	now := func() time.Time { return start }
	random := bytes.Repeat([]byte{1}, 32)

	points := loyalty.New(db, &loyalty.Options{Now: now})
	_, err := points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Name: "Club", Zone: "UTC", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12}}},
		Rules:      []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	})
	check(t, err)
	account := func(n int) loyalty.AccountID {
		return loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", n))}
	}

	rewards, err := reward.New(db, []secret.Key{{ID: "1", Secret: random}}, &reward.Options{Now: now})
	check(t, err)
	_, err = rewards.Publish(ctx, reward.Definition{
		ID: "gifts", Version: 1, Name: "Gifts", Zone: "UTC", Program: "club", Money: "CNY", Rewards: []reward.Reward{
			{ID: "cup", Name: "Cup"}, {ID: "bag", Name: "Bag", Stock: 1_000_000},
		},
	})
	check(t, err)
	var vouchers sync.Map
	take := func(id reward.RewardID, n int) reward.Take {
		return reward.Take{Holder: reward.HolderID{Catalog: "gifts", Member: ids.Member(fmt.Sprint("m", n))}, Reward: id}
	}

	cards := stamps.New(db, &stamps.Options{Now: now})
	_, err = cards.Publish(ctx, stamps.Definition{
		ID: "coffee", Version: 1, Name: "Coffee", Zone: "UTC", Card: &stamps.CardDefinition{
			Size: 2, Rewards: []stamps.Reward{{ID: "coffee", Name: "Coffee", At: 2, Coupon: stamps.Validity{Days: 30}}},
			Earn: stamps.Earn{Per: stamps.PerItem}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		},
	})
	check(t, err)
	_, err = cards.Publish(ctx, stamps.Definition{
		ID: "gift", Version: 1, Name: "Gift", Zone: "UTC", Handout: &stamps.Handout{
			Reward: stamps.Reward{ID: "gift", Name: "Gift", Coupon: stamps.Validity{Days: 30}}, Stock: 1_000_000,
		},
	})
	check(t, err)
	card := func(n int) stamps.CardID {
		return stamps.CardID{Program: "coffee", Member: ids.Member(fmt.Sprint("m", n))}
	}

	north := func(n int) stamps.Place { return stamps.Place{Shop: ids.Shop(fmt.Sprint("shop", n))} }

	codes, err := otp.New(db, []secret.Key{{ID: "1", Secret: random}}, &otp.Options{Now: now})
	check(t, err)
	var issued, claimed sync.Map
	scope := func(n int) otp.Scope { return otp.Scope(fmt.Sprint("shop-", n%50)) }

	shops := shop.New(db, &shop.Options{Now: now})
	var invited sync.Map

	leads := lead.New(db, &lead.Options{Now: now})
	job := lead.JobID{Code: "sales", Platform: "whatsapp"}
	_, err = leads.Put(ctx, lead.Put{Job: job, Owner: "boss", Name: "WhatsApp", Key: "open", Terms: lead.Terms{
		Scope: lead.Scope{Reach: lead.ReachOwner}, Counts: lead.CountInbound, Zone: "UTC",
	}})
	check(t, err)

	lines := routing.New(db, &routing.Options{Now: now})
	_, err = lines.Put(ctx, routing.Put{Line: "ads", Key: "put", Settings: routing.Settings{Zone: "UTC", Accounts: []routing.Account{{ID: "a"}, {ID: "b"}}}})
	check(t, err)

	desk, err := activation.New(db, []secret.Key{{ID: "1", Secret: random}}, &activation.Options{Now: now})
	check(t, err)
	var created, accesses, ports sync.Map

	orders, err := ticket.New(db, []secret.Key{{ID: "1", Secret: random}}, &ticket.Options{Now: now})
	check(t, err)
	_, err = orders.Publish(ctx, ticket.Templates{ID: "shop", Version: 1, Rules: []ticket.Rule{
		{ID: "all", Action: ticket.Action{Code: "AAAABBBB"}, Map: map[string]string{"name": "name"}},
	}})
	check(t, err)
	_, err = orders.PutSite(ctx, ticket.PutSite{Site: "shop", Key: "put", Settings: ticket.Settings{
		Scheme: ticket.StandardWebhooks, Templates: "shop", Defaults: ticket.Fields{Platform: "whatsapp"},
	}})
	check(t, err)
	signer, err := orders.AddSecret(ctx, ticket.AddSecret{Site: "shop", Key: "secret"})
	check(t, err)

	return []deed{
		{"loyalty.Earn", func(ctx context.Context, n int) error {
			_, err := points.Earn(ctx, loyalty.Earn{Account: account(n), Key: "order", Event: loyalty.Event{
				Purchase: &loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Quantity: 1, Gross: 10_000}}},
			}})
			return err
		}},
		{"loyalty.Redeem", func(ctx context.Context, n int) error {
			_, err := points.Redeem(ctx, loyalty.Redeem{Account: account(n), N: 10, Key: "tap"})
			return err
		}},
		{"loyalty.Refund", func(ctx context.Context, n int) error {
			_, err := points.Refund(ctx, loyalty.Refund{Account: account(n), Of: "order", Amount: 5_000, Key: "refund"})
			return err
		}},
		{"reward.Issue", func(ctx context.Context, n int) error {
			out, err := rewards.Issue(ctx, reward.Issue{Take: take("cup", n), Key: "tap"})
			if err == nil {
				vouchers.Store(n, out.Vouchers[0].Code)
			}
			return err
		}},
		{"reward.Issue of a stock", func(ctx context.Context, n int) error {
			_, err := rewards.Issue(ctx, reward.Issue{Take: take("bag", n), Key: "tap-2"})
			return err
		}},
		{"reward.Find", func(ctx context.Context, n int) error {
			code, _ := vouchers.Load(n)
			_, err := rewards.Find(ctx, code.(string))
			return err
		}},
		{"reward.Redeem", func(ctx context.Context, n int) error {
			_, err := rewards.Redeem(ctx, reward.Redeem{Voucher: reward.VoucherID{Holder: take("cup", n).Holder, N: 1}, Shop: "north", Key: "till"})
			return err
		}},
		{"stamps.Add", func(ctx context.Context, n int) error {
			_, err := cards.Add(ctx, stamps.Add{Card: card(n), Purchase: &stamps.Purchase{Items: 2}, Place: north(n), Key: "order"})
			return err
		}},
		{"stamps.Cancel", func(ctx context.Context, n int) error {
			_, err := cards.Add(ctx, stamps.Add{Card: card(n), Purchase: &stamps.Purchase{Items: 1}, Key: "order-2"})
			if err == nil {
				_, err = cards.Cancel(ctx, stamps.Cancel{Card: card(n), N: 1, Key: "cancel"})
			}
			return err
		}},
		{"stamps.Redeem", func(ctx context.Context, n int) error {
			_, err := cards.Redeem(ctx, stamps.Redeem{Coupon: stamps.CouponID{Card: card(n), N: 1}, Place: north(n), Key: "till"})
			return err
		}},
		{"stamps.Claim", func(ctx context.Context, n int) error {
			_, err := cards.Claim(ctx, stamps.Claim{Program: "gift", Member: card(n).Member, Key: "claim"})
			return err
		}},
		{"stamps.Records", func(ctx context.Context, n int) error {
			for _, err := range cards.Records(ctx, stamps.RecordQuery{Shop: north(n).Shop, From: start.AddDate(0, 0, -1)}) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"otp.Issue", func(ctx context.Context, n int) error {
			i, err := codes.Issue(ctx, otp.Issue{Scope: scope(n), Holder: otp.HolderID(fmt.Sprint("m", n)), Purpose: "stamp", Key: fmt.Sprint("tap-", n)})
			issued.Store(n, i.Code)
			return err
		}},
		{"otp.Check", func(ctx context.Context, n int) error {
			code, _ := issued.Load(n)
			c, err := codes.Check(ctx, otp.Check{Scope: scope(n), Typist: "kathy", Code: code.(string), Purpose: "stamp", Key: fmt.Sprint("entry-", n)})
			claimed.Store(n, c)
			return err
		}},
		{"otp.Spend", func(ctx context.Context, n int) error {
			c, _ := claimed.Load(n)
			return codes.Spend(ctx, c.(otp.Claim))
		}},
		{"shop.Put", func(ctx context.Context, n int) error {
			_, err := shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: ids.Shop(fmt.Sprint("shop", n)), Name: "Shop", Zone: "UTC"}, Key: "put"})
			return err
		}},
		{"shop.Invite", func(ctx context.Context, n int) error {
			i, err := shops.Invite(ctx, shop.Invite{Shop: ids.Shop(fmt.Sprint("shop", n)), Key: "invite"})
			invited.Store(n, i.Token)
			return err
		}},
		{"shop.Bind", func(ctx context.Context, n int) error {
			token, _ := invited.Load(n)
			_, err := shops.Bind(ctx, shop.Bind{Token: token.(string), Identity: shop.Identity(fmt.Sprint("manager", n)), Name: "Kathy", Key: "bind"})
			return err
		}},
		{"shop.BindStamp", func(ctx context.Context, n int) error {
			_, err := shops.BindStamp(ctx, shop.BindStamp{Shop: ids.Shop(fmt.Sprint("shop", n)), Serial: shop.Serial(fmt.Sprintf("A%07d", n)), Key: "bind-stamp"})
			return err
		}},
		{"shop.Authorize", func(ctx context.Context, n int) error {
			_, err := shops.Authorize(ctx, ids.Shop(fmt.Sprint("shop", n)), shop.Identity(fmt.Sprint("manager", n)))
			return err
		}},
		{"lead.Observe", func(ctx context.Context, n int) error {
			_, err := leads.Observe(ctx, lead.Observe{
				Contact: []lead.Identity{{Platform: "whatsapp", ID: fmt.Sprint("c", n)}}, Job: job,
				Event: lead.Event{ID: lead.EventID(fmt.Sprint("e", n)), Account: "a", At: start, Kind: lead.Inbound},
			})
			return err
		}},
		{"routing.Route", func(ctx context.Context, n int) error {
			_, err := lines.Route(ctx, routing.Route{Line: "ads", Visitor: routing.VisitorID(fmt.Sprint("v", n)), Online: []routing.AccountID{"a", "b"}})
			return err
		}},
		{"activation.Create", func(ctx context.Context, n int) error {
			made, err := desk.Create(ctx, activation.Create{N: 1, Key: fmt.Sprint("create-", n), Settings: activation.Settings{
				Platforms: []ids.Platform{"whatsapp"}, Ports: 1,
			}})
			if err == nil {
				created.Store(n, made[0].Code)
			}
			return err
		}},
		{"activation.SignIn", func(ctx context.Context, n int) error {
			code, _ := created.Load(n)
			access, err := desk.SignIn(ctx, activation.SignIn{Code: code.(string), Device: activation.DeviceID(fmt.Sprint("pc", n)), Agent: "kathy"})
			accesses.Store(n, access)
			return err
		}},
		{"activation.Check", func(ctx context.Context, n int) error {
			access, _ := accesses.Load(n)
			_, err := desk.Check(ctx, access.(activation.Access).Token)
			return err
		}},
		{"activation.Open", func(ctx context.Context, n int) error {
			access, _ := accesses.Load(n)
			p, err := desk.Open(ctx, activation.Open{Session: access.(activation.Access).ID(), Platform: "whatsapp", Key: "open"})
			ports.Store(n, p.ID.N)
			return err
		}},
		{"activation.Link", func(ctx context.Context, n int) error {
			access, _ := accesses.Load(n)
			port, _ := ports.Load(n)
			_, err := desk.Link(ctx, activation.Link{
				Session: access.(activation.Access).ID(), Port: port.(int64), Account: ids.Account(fmt.Sprint("a", n)), Key: "link",
			})
			return err
		}},
		{"ticket.Receive", func(ctx context.Context, n int) error {
			_, err := orders.Receive(ctx, "shop", signed(signer.Secret, fmt.Sprint("order-", n), `{"name":"Alice"}`))
			return err
		}},
		{"ticket.Process", func(ctx context.Context, n int) error {
			_, err := orders.Process(ctx, ticket.ID{Site: "shop", Event: ticket.EventID(fmt.Sprint("order-", n))})
			return err
		}},
	}
}

// signed is a push by Standard Webhooks.
func signed(shared, id, body string) ticket.Delivery {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(shared, "whsec_"))
	sent := strconv.FormatInt(start.Unix(), 10)
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + sent + "." + body))
	header := map[string]string{
		"webhook-id": id, "webhook-timestamp": sent, "webhook-signature": "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)),
	}
	return ticket.Delivery{Header: func(name string) string { return header[name] }, Body: []byte(body)}
}

// run runs a command for the subjects from one number to another, so many at once.
func (d deed) run(t *testing.T, from, to, atOnce int) {
	t.Helper()
	for n := from; n < to; n += atOnce {
		errs := make([]error, min(atOnce, to-n))
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { errs[i] = d.do(t.Context(), n+i) })
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
	}
}

// multiply makes so many of each row that a tenant has, under other keys.
func multiply(t *testing.T, db *bun.DB, tenant string, times int) {
	t.Helper()
	for _, insert := range texts(t, db, `
		select format('insert into scrmkit.%I (%s) select %s from scrmkit.%1$I, generate_series(2, ', c.relname,
			string_agg(quote_ident(a.attname), ', ' order by a.attnum), string_agg(case
				when a.attname = 'tenant' or not exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisunique and a.attnum = any (i.indkey)) then quote_ident(a.attname)
				when a.atttypid = 'text'::regtype then format('case when %1$I = %2$L then %1$I else %1$I || %3$L || g end', a.attname, '', '-')
				when a.atttypid = 'bytea'::regtype then format('%I || int4send(g)', a.attname)
				else quote_ident(a.attname) end, ', ' order by a.attnum))
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		where c.relnamespace = 'scrmkit'::regnamespace and c.relkind = 'r' and c.relname not in ('scrmkit_schema', 'journal_epoch')
		group by c.oid, c.relname`) {
		_, err := db.DB.ExecContext(t.Context(), fmt.Sprintf("%s%d) g where tenant = '%s'", insert, times, tenant))
		check(t, err)
	}
}

// TestPlans: a command reads no more rows than it needs, whatever Postgres knows of the tenant, and
// is not planned again and again. A tenant grows from nothing: where the statistics know another one
// alone, from the first command on; where all tables were empty when they were analyzed, once the
// database was used five times as much and statements were prepared afresh.
func TestPlans(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	t.Parallel()
	const (
		most = 250 // rows and entries of indexes that a command reads
		last = 25  // commands that are measured, one by one and five at once
	)
	for _, c := range []struct {
		name              string
		old, first, after int // subjects
	}{
		{"beside a tenant that the statistics know", 25, 30, 0},
		{"where tables were analyzed while they were empty", 0, 30, 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openPostgres(t)
			store := newStore(t, db, schemas.All...)
			for _, table := range texts(t, db, "select relname from pg_class where relnamespace = 'scrmkit'::regnamespace and relkind = 'r'") {
				execScript(t, db, "alter table scrmkit."+table+" set (autovacuum_enabled = false)")
			}
			if c.old > 0 {
				for _, d := range deeds(t, store.Tenant("old")) {
					d.run(t, 0, c.old, 5)
				}
				multiply(t, db, "old", 80)
			}
			execScript(t, db, "analyze")
			db.DB.SetMaxOpenConns(1) // it alone knows what it read and planned
			all := deeds(t, newStore(t, db, schemas.All...).Tenant("new"))
			for _, d := range all {
				d.run(t, 0, c.first/2, 1)
				d.run(t, c.first/2, c.first, 5)
			}
			multiply(t, db, "new", 50)
			next := c.first + c.after
			for _, d := range all {
				d.run(t, c.first, next, 1)
			}
			for i, atOnce := range []int{1, 5} {
				for _, d := range all {
					before := rowsRead(t, db)
					d.run(t, next+i*last, next+(i+1)*last, atOnce)
					if read := rowsRead(t, db) - before; read > most*last {
						t.Errorf("%s: %d commands, %d at once, read %d rows", d.name, last, atOnce, read)
					}
				}
			}
			for _, statement := range texts(t, db, "select custom_plans || ' times: ' || statement from pg_prepared_statements where custom_plans > 5") {
				t.Errorf("planned %s", statement)
			}
		})
	}
}
