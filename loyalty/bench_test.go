package loyalty_test

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
)

// twenty is a program of 20 rules: a rate, ten categories that give more, four labels that
// multiply, and five that ask for the member, the shop, the day and the purchase.
func twenty() loyalty.Definition {
	d := loyalty.Definition{
		ID: "club", Version: 1, Name: "Twenty rules", Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12, RoundUp: loyalty.Month}}},
		Rules: []loyalty.Rule{
			{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}},
			{ID: "vip", If: `"vip" in member.labels`, Give: loyalty.Give{Times: "1.5"}},
			{ID: "weekend", If: `time.weekday >= 6`, Give: loyalty.Give{Times: "2"}},
			{ID: "shop", If: `event.shop == "north"`, Give: loyalty.Give{Points: "5", Per: loyalty.PerEvent}, Bonus: true},
			{ID: "large", If: `purchase.total >= 50000`, Give: loyalty.Give{Points: "20", Per: loyalty.PerEvent}, Bonus: true},
			{ID: "many", If: `purchase.items >= 10`, Give: loyalty.Give{Points: "10", Per: loyalty.PerEvent}, Bonus: true},
		},
	}
	for i := range 10 {
		d.Rules = append(d.Rules, loyalty.Rule{
			ID: loyalty.RuleID(fmt.Sprint("category-", i)), Lines: fmt.Sprintf(`line.category == "c%d"`, i),
			Give: loyalty.Give{Points: "2", Per: loyalty.PerMoney, Amount: 100},
		})
	}
	for i := range 4 {
		d.Rules = append(d.Rules, loyalty.Rule{
			ID: loyalty.RuleID(fmt.Sprint("label-", i)), Lines: fmt.Sprintf(`"l%d" in line.labels`, i), Give: loyalty.Give{Times: "1.2"},
		})
	}
	return d
}

func basket() loyalty.Event {
	e := loyalty.Event{Shop: "north", Labels: []string{"vip"}, Purchase: &loyalty.Purchase{Currency: "CNY"}}
	for i := range 5 {
		e.Purchase.Lines = append(e.Purchase.Lines, loyalty.Line{
			ID: fmt.Sprint(i), SKU: fmt.Sprint("sku", i), Category: fmt.Sprint("c", i), Labels: []string{fmt.Sprint("l", i)},
			Quantity: 2, Gross: int64(10_000 + 1_111*i), Discount: 11,
		})
	}
	return e
}

// byHand gives what the twenty rules do, in plain Go.
func byHand(e loyalty.Event, weekend bool) int64 {
	var vip bool
	for _, l := range e.Labels {
		vip = vip || l == "vip"
	}
	var total, items, points int64 // points in 100 * 10 * 2^2 * 5^4th parts
	for _, l := range e.Purchase.Lines {
		amount := l.Gross - l.Discount - l.Covered
		total, items = total+amount, items+l.Quantity
		rate := int64(1)
		for i := range 10 {
			if l.Category == categories[i] {
				rate += 2
			}
		}
		part := amount * rate * 10_000
		if vip {
			part = part * 3 / 2
		}
		if weekend {
			part *= 2
		}
		for _, label := range l.Labels {
			for i := range 4 {
				if label == labels[i] {
					part = part * 6 / 5
				}
			}
		}
		points += part
	}
	points /= 100 * 10_000
	if e.Shop == "north" {
		points += 5
	}
	if total >= 50_000 {
		points += 20
	}
	if items >= 10 {
		points += 10
	}
	return points
}

var (
	categories = []string{"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"}
	labels     = []string{"l0", "l1", "l2", "l3"}
)

func TestTwentyRulesGiveWhatIsWrittenByHand(t *testing.T) {
	p := must[*loyalty.Program](t)(loyalty.Compile(twenty()))
	for day := range 7 {
		at := noon.AddDate(0, 0, day)
		d := must[loyalty.Decision](t)(p.Earn(loyalty.Account{ID: alice}, basket(), at))
		if want := byHand(basket(), day == 5 || day == 6); d.Earned("points") != want || want == 0 {
			t.Error(day, d.Earned("points"), want, d.Steps)
		}
	}
}

func BenchmarkRules(b *testing.B) {
	p := must[*loyalty.Program](b)(loyalty.Compile(twenty()))
	e := basket()
	first := must[loyalty.Decision](b)(p.Earn(loyalty.Account{ID: alice}, e, noon))
	b.Run("decided", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Earn(first.Next, e, noon); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("by hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if byHand(e, false) == 0 {
				b.Fatal("nothing")
			}
		}
	})
}

// callers runs f b.N times from that many goroutines and reports operations a second and, on
// Postgres, the bytes of WAL of each.
func callers(b *testing.B, server *sql.DB, n int, f func(caller, i int) error) {
	b.Helper()
	began := pgtest.WAL(b, server)
	var next atomic.Int64
	b.ResetTimer()
	together(n, func(caller int) {
		for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
			if err := f(caller, i); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	if server != nil {
		b.ReportMetric(float64(pgtest.WAL(b, server)-began)/float64(b.N), "wal-B/op")
	}
}

func adapters(b *testing.B, f func(b *testing.B, db storage.DB, server *sql.DB)) {
	b.Run("postgres", func(b *testing.B) {
		dsn := pgtest.Bench(b)
		server, err := sql.Open("pgx", dsn)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = server.Close() })
		f(b, dbtest.Postgres(b, dsn).Tenant(rand.Text()[:4]), server)
	})
	b.Run("sqlite", func(b *testing.B) { f(b, dbtest.SQLite(b), nil) })
}

// BenchmarkEarn earns for a purchase of one line in a service that has served 20,000 members, and
// keeps them in memory.
func BenchmarkEarn(b *testing.B) {
	adapters(b, func(b *testing.B, db storage.DB, server *sql.DB) {
		points := loyalty.New(db, nil)
		if _, err := points.Publish(ctx, club(1)); err != nil {
			b.Fatal(err)
		}
		member := func(n int) loyalty.AccountID {
			return loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", n))}
		}
		earn := func(id loyalty.AccountID, key string) error {
			_, err := points.Earn(ctx, buy(id, 12_900, key))
			return err
		}
		together(100, func(i int) {
			for n := i; n < 20_000; n += 100 {
				if err := earn(member(n), "warm"); err != nil {
					b.Error(err)
				}
			}
		})
		run := 0
		key := func(i int) string { return fmt.Sprintf("0f8fad5b-d9cb-469f-%04d-%012d", run, i) }
		for _, c := range []struct {
			name    string
			callers int
			member  func(caller, i int) int
		}{
			{"1", 1, func(_, i int) int { return i * 7919 % 20_000 }},
			{"32", 32, func(caller, _ int) int { return caller }},
			{"32-one-member", 32, func(int, int) int { return 0 }},
		} {
			b.Run(c.name, func(b *testing.B) {
				run++
				callers(b, server, c.callers, func(caller, i int) error { return earn(member(c.member(caller, i)), key(i)) })
			})
		}
		b.Run("32-redeem", func(b *testing.B) {
			run++
			together(32, func(i int) {
				if _, err := points.Adjust(ctx, loyalty.Adjust{Account: member(i), N: 1e12, Reason: "bench", Key: key(-i - 1)}); err != nil {
					b.Error(err)
				}
			})
			callers(b, server, 32, func(caller, i int) error {
				_, err := points.Redeem(ctx, loyalty.Redeem{Account: member(caller), N: 1, Key: key(i)})
				return err
			})
		})
	})
}

// BenchmarkImportAll opens accounts with two lots, a level and what a metric counted in two months.
func BenchmarkImportAll(b *testing.B) {
	adapters(b, func(b *testing.B, db storage.DB, server *sql.DB) {
		points := loyalty.New(db, nil)
		if _, err := points.Publish(ctx, movedTo()); err != nil {
			b.Fatal(err)
		}
		now := time.Now()
		members := func(yield func(loyalty.Import, error) bool) {
			for i := range b.N {
				if !yield(loyalty.Import{
					Account: loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("member-", i))}, Joined: now.AddDate(-2, 0, -i%365),
					Points:  []loyalty.Opening{{Lots: []loyalty.OpeningLot{{N: 120, To: now.AddDate(0, 0, 30+i%300)}, {N: 80, To: now.AddDate(1, 0, 0)}}, Redeemed: 1_000}},
					Metrics: []loyalty.OpeningCount{{Metric: "spent", At: now.AddDate(0, -2, 0), N: 300}, {Metric: "spent", At: now.AddDate(0, -1, 0), N: 900}},
					Tier:    loyalty.OpeningTier{Level: "silver", Since: now.AddDate(0, -1, 0)}, Reason: "moved in", Key: "import",
				}, nil) {
					return
				}
			}
		}
		var began int64
		if server != nil {
			began = pgtest.WAL(b, server)
		}
		b.ReportAllocs()
		b.ResetTimer()
		done, err := points.ImportAll(ctx, members, nil)
		if err != nil || done.Stored != b.N {
			b.Fatal(done, err)
		}
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "members/s")
		if server != nil {
			b.ReportMetric(float64(pgtest.WAL(b, server)-began)/float64(b.N), "wal-B/op")
		}
	})
}

// BenchmarkFloor runs the statement of the floor as a Go program can: prepared, on a connection of
// database/sql. What pgbench makes more of it no engine in Go can reach.
func BenchmarkFloor(b *testing.B) {
	dsn := os.Getenv("SCRMKIT_BENCH_POSTGRES")
	if dsn == "" {
		b.Skip("the rows of the floor are loaded by .ci/bench")
	}
	text, err := os.ReadFile("../.ci/floor_earn.sql")
	if err != nil {
		b.Fatal(err)
	}
	server, err := sql.Open("pgx", dsn)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Close() })
	server.SetMaxIdleConns(40)
	statement, err := server.PrepareContext(ctx, strings.ReplaceAll(string(text), "'m' || :n", "$1::text"))
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 32} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			callers(b, server, n, func(caller, i int) error {
				if n == 1 {
					caller = i * 7919 % 20_000
				}
				_, err := statement.ExecContext(ctx, fmt.Sprint("m", caller+1))
				return err
			})
		})
	}
}

// BenchmarkAccount reports what an account takes in memory whose member bought something every so
// many days for a year.
func BenchmarkAccount(b *testing.B) {
	p := must[*loyalty.Program](b)(loyalty.Compile(club(1)))
	for _, every := range []int{1, 30} {
		b.Run(fmt.Sprint("every-", every, "-days"), func(b *testing.B) {
			const n = 100
			accounts := make([]loyalty.Account, n)
			for b.Loop() {
				var before, after runtime.MemStats
				clear(accounts)
				runtime.GC()
				runtime.ReadMemStats(&before)
				for i := range accounts {
					accounts[i].ID = loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("member-", i))}
					for day := 0; day < 365; day += every {
						d := must[loyalty.Decision](b)(p.Earn(accounts[i], buy(alice, 12_900, "k").Event, noon.AddDate(0, 0, day)))
						d.Next.ID = accounts[i].ID
						accounts[i] = d.Next
					}
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/account")
			}
		})
	}
}

// BenchmarkLongLedger earns for a member with so many entries, and one with few.
func BenchmarkLongLedger(b *testing.B) {
	adapters(b, func(b *testing.B, db storage.DB, server *sql.DB) {
		if server == nil {
			b.Skip("Postgres alone")
		}
		points := loyalty.New(db, nil)
		if _, err := points.Publish(ctx, club(1)); err != nil {
			b.Fatal(err)
		}
		var next atomic.Int64
		earn := func(id loyalty.AccountID) error {
			_, err := points.Earn(ctx, buy(id, 12_900, fmt.Sprint("order-", next.Add(1))))
			return err
		}
		for _, entries := range []int{10, 1_000_000} {
			id := loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", entries))}
			together(200, func(int) {
				for range max(1, entries/200) {
					if err := earn(id); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.Run(fmt.Sprint(entries), func(b *testing.B) {
				callers(b, server, 1, func(int, int) error { return earn(id) })
			})
		}
	})
}
