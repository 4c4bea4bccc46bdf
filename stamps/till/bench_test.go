package till_test

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/stamps/till"
	"github.com/scrmkit/scrmkit/storage"
)

// callers runs f b.N times from that many goroutines and reports operations a second and, on
// Postgres, the bytes of WAL of each.
func (s setting) callers(b *testing.B, n int, f func(caller, i int) error) {
	b.Helper()
	began := pgtest.WAL(b, s.server)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for caller := range n {
		wg.Go(func() {
			for {
				i := int(next.Add(1))
				if i > b.N {
					return
				}
				if err := f(caller, i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	if s.server != nil {
		b.ReportMetric(float64(pgtest.WAL(b, s.server)-began)/float64(b.N), "wal-B/op")
	}
}

// setting is one adapter with everything that the benchmarks need.
type setting struct {
	db     storage.DB
	server *sql.DB // nil: SQLite
	shops  *shop.Engine
	codes  *otp.Engine
	cards  *stamps.Engine
	till   *till.Till
}

func set(b testing.TB, db dbtest.DB) setting {
	b.Helper()
	db = db.Tenant(rand.Text()[:4]) // the database may have served a benchmark before
	s := setting{db: db, shops: shop.New(db, nil), cards: stamps.New(db, nil)}
	var err error
	if s.codes, err = otp.New(db, []secret.Key{{ID: "k1", Secret: make([]byte, 32)}}, nil); err != nil {
		b.Fatal(err)
	}
	s.till = till.New(db, s.shops, s.codes, s.cards, nil)
	if _, err := s.cards.Publish(ctx, coffee()); err != nil {
		b.Fatal(err)
	}
	return s
}

func coffee() stamps.Definition {
	return stamps.Definition{
		ID: "coffee", Version: 1, Name: "咖啡集章", Zone: "Asia/Shanghai",
		Card: &stamps.CardDefinition{
			Size:       10,
			Rewards:    []stamps.Reward{{ID: "cup", Name: "Free cup", At: 10}},
			Earn:       stamps.Earn{Per: stamps.PerVisit},
			PastEnd:    stamps.Carry,
			UsedCoupon: stamps.Owe,
		},
	}
}

func adapters(b *testing.B, f func(b *testing.B, s setting)) {
	b.Run("postgres", func(b *testing.B) {
		dsn := pgtest.Bench(b)
		s := set(b, dbtest.Of(dbtest.Postgres(b, dsn)))
		var err error
		if s.server, err = sql.Open("pgx", dsn); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.server.Close() })
		f(b, s)
	})
	b.Run("sqlite", func(b *testing.B) { f(b, set(b, dbtest.Of(dbtest.SQLite(b)))) })
}

func member(n int) stamps.CardID {
	return stamps.CardID{Program: "coffee", Member: ids.Member("m" + strconv.Itoa(n))}
}

// key is as long as a UUID, and of one run of the benchmark alone.
func key(run int64, i int) string {
	return "0f8fad5b-d9cb-469f-" + strconv.FormatInt(1000+run, 10) + "-" + strconv.Itoa(100_000_000_000+i)
}

func (s setting) add(cards *stamps.Engine, id stamps.CardID, key string) error {
	_, err := cards.Add(ctx, stamps.Add{Card: id, Key: key, Place: stamps.Place{Shop: "wangjing", By: "kathy", Nickname: "王小明"}})
	return err
}

// warm opens the cards of n members.
func (s setting) warm(b *testing.B, n int) {
	b.Helper()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := s.add(s.cards, member(i), "warm"); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}

// BenchmarkAdd adds stamps in a service that has served 20,000 cards, and keeps them in memory.
func BenchmarkAdd(b *testing.B) {
	const cards = 20_000
	adapters(b, func(b *testing.B, s setting) {
		s.warm(b, cards)
		var runs atomic.Int64
		for _, c := range []struct {
			name    string
			callers int
			card    func(caller, i int) stamps.CardID
		}{
			{"1", 1, func(_, i int) stamps.CardID { return member(i % cards) }},
			{"8", 8, func(caller, _ int) stamps.CardID { return member(caller) }},
			{"32", 32, func(caller, _ int) stamps.CardID { return member(caller) }},
			{"32-one-card", 32, func(int, int) stamps.CardID { return member(0) }},
		} {
			b.Run(c.name, func(b *testing.B) {
				run := runs.Add(1)
				s.callers(b, c.callers, func(caller, i int) error {
					return s.add(s.cards, c.card(caller, i), key(run, i))
				})
			})
		}
		b.Run("32-uncombined", func(b *testing.B) { // each caller has an engine, and so a queue, of its own
			run := runs.Add(1)
			engines := make([]*stamps.Engine, 32)
			for i := range engines {
				engines[i] = stamps.New(s.db, nil)
			}
			s.callers(b, 32, func(caller, i int) error {
				return s.add(engines[caller], member(caller), key(run, i))
			})
		})
	})
}

// BenchmarkHistory adds to a card that is empty and to one that has 100,000 stamps.
func BenchmarkHistory(b *testing.B) {
	adapters(b, func(b *testing.B, s setting) {
		var runs atomic.Int64
		for n, past := range []int64{0, 100_000} {
			id := member(n)
			if err := s.add(s.cards, id, "first"); err != nil {
				b.Fatal(err)
			}
			s.past(b, id, past)
			b.Run(fmt.Sprint(past), func(b *testing.B) {
				run := runs.Add(1)
				s.callers(b, 1, func(_, i int) error { return s.add(s.cards, id, key(run, i)) })
			})
		}
	})
}

// past gives a card n stamps, a record and a tenth of a coupon each, as if it had collected them
// one by one.
func (s setting) past(b *testing.B, id stamps.CardID, n int64) {
	b.Helper()
	const batch = 1000
	for from := int64(0); from < n; from += batch {
		var adds []stamps.Add
		for i := from; i < min(n, from+batch); i++ {
			adds = append(adds, stamps.Add{Card: id, Key: fmt.Sprint("past ", i)})
		}
		if _, errs := s.cards.AddEach(ctx, adds); errors.Join(errs...) != nil {
			b.Fatal(errors.Join(errs...))
		}
	}
}

func BenchmarkIssue(b *testing.B) {
	adapters(b, func(b *testing.B, s setting) {
		for _, n := range []int{1, 32} {
			b.Run(fmt.Sprint(n), func(b *testing.B) {
				s.callers(b, n, func(_, i int) error {
					_, err := s.codes.Issue(ctx, otp.Issue{
						Scope: otp.Scope(fmt.Sprint("shop", i%1000)), Holder: otp.HolderID(fmt.Sprint("m", i)), Purpose: "stamp",
						Key: fmt.Sprint(n, "-", b.N, "-", i),
					})
					return err
				})
			})
		}
	})
}

// BenchmarkTill is a whole visit: a code is asked for, then checked, spent and turned into a
// stamp.
func BenchmarkTill(b *testing.B) {
	adapters(b, func(b *testing.B, s setting) {
		const shops = 64
		for i := range shops {
			id := ids.Shop(fmt.Sprint("shop", i))
			if _, err := s.shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: id, Name: "望京", Zone: "Asia/Shanghai"}, Key: "put"}); err != nil {
				b.Fatal(err)
			}
			invited, err := s.shops.Invite(ctx, shop.Invite{Shop: id, Key: "invite"})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.shops.Bind(ctx, shop.Bind{Token: invited.Token, Identity: manager(i), Key: "bind"}); err != nil {
				b.Fatal(err)
			}
		}
		for _, n := range []int{1, 32} {
			b.Run(fmt.Sprint(n), func(b *testing.B) {
				run := fmt.Sprint(n, "-", b.N, "-")
				codes := make([]string, b.N+1)
				ask := func(i int) (err error) {
					issued, err := s.till.Ask(ctx, till.Ask{
						Shop: ids.Shop(fmt.Sprint("shop", i%shops)), Key: run + fmt.Sprint(i),
						Request: till.Request{Purpose: stamps.PurposeStamp, Member: ids.Member(fmt.Sprint("m", i)), Program: "coffee"},
					})
					codes[i] = issued.Code
					return err
				}
				s.callers(b, n, func(_, i int) error {
					if err := ask(i); err != nil {
						return err
					}
					_, err := s.till.Enter(ctx, till.Enter{
						Shop: ids.Shop(fmt.Sprint("shop", i%shops)), Manager: manager(i % shops), Code: codes[i], Key: run + fmt.Sprint(i),
					})
					return err
				})
			})
		}
	})
}

func manager(i int) shop.Identity { return shop.Identity(fmt.Sprint("openid", i)) }
