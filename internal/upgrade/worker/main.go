// Command worker runs commands on a database as a process of this release does, and prints what each
// came to. With the release it is copied to testdata, for the next one to run beside.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

func main() {
	driver, dsn, order := os.Args[1], os.Args[2], os.Args[3]
	from, err := strconv.Atoi(os.Args[4])
	check(err)
	to, err := strconv.Atoi(os.Args[5])
	check(err)
	db, err := sql.Open(driver, dsn)
	check(err)
	on := bunstore.OnSQLite(db)
	if driver == "pgx" {
		on = bunstore.OnPostgres(db)
	}
	store, err := bunstore.New(on, nil)
	check(err)
	keys := []secret.Key{{ID: "1", Secret: []byte(strings.Repeat("k", 32))}}
	rewards, err := reward.New(store, keys, nil)
	check(err)
	codes, err := otp.New(store, keys, nil)
	check(err)
	points, cards, leads := loyalty.New(store, nil), stamps.New(store, nil), lead.New(store, nil)
	desk := redemption.New(store, points, rewards, nil)

	run := func(i int) string {
		ctx, key, member := context.Background(), fmt.Sprint("key-", i), fmt.Sprint("m", i%3)
		account := loyalty.AccountID{Program: "club", Member: ids.Member(member)}
		switch i % 6 {
		case 0:
			return result(points.Earn(ctx, loyalty.Earn{Account: account, Key: key, Event: loyalty.Event{
				Purchase: &loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: 100}}},
			}}))
		case 1:
			return result(points.Redeem(ctx, loyalty.Redeem{Account: account, N: 2, Key: key}))
		case 2:
			return result(cards.Add(ctx, stamps.Add{Card: stamps.CardID{Program: "coffee", Member: ids.Member(member)}, Key: key}))
		case 3:
			r, err := desk.Redeem(ctx, redemption.Order{
				Holder: reward.HolderID{Catalog: "gifts", Member: ids.Member(member)}, Reward: "cup", Price: reward.Price{Points: 3}, Key: key,
			})
			return result(r.Vouchers, err)
		case 4:
			out, err := leads.Observe(ctx, lead.Observe{
				Contact: []lead.Identity{{Platform: "line", ID: fmt.Sprint("contact-", i)}}, Job: lead.JobID{Code: "c", Platform: "line"},
				Event: lead.Event{ID: lead.EventID(key), Account: "a", At: time.Now().UTC().Truncate(24 * time.Hour), Kind: lead.Inbound},
			})
			return result(out.Verdict, err)
		}
		issued, err := codes.Issue(ctx, otp.Issue{
			Scope: otp.Scope(fmt.Sprint("shop-", i)), Holder: otp.HolderID(member), Purpose: "stamp", Payload: []byte("{}"), Key: key,
		})
		return result([]any{issued.Code, issued.Number}, err)
	}

	todo, results := make(chan int, to-from), make([]string, to)
	for k := range to - from {
		i := from + k
		if order == "down" {
			i = to - 1 - k
		}
		todo <- i
	}
	close(todo)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range todo {
				results[i] = run(i)
			}
		})
	}
	wg.Wait()
	for i := from; i < to; i++ {
		fmt.Println(i, results[i])
	}
}

func result(v any, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	text, err := json.Marshal(v)
	check(err)
	return string(text)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
