package stamps_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var ctx = context.Background()

var alice = stamps.CardID{Program: "coffee", Member: "alice"}

func coffee(version int) stamps.Definition {
	return stamps.Definition{
		ID: "coffee", Version: version, Name: "咖啡集章", Zone: "Asia/Shanghai",
		Card: &stamps.CardDefinition{
			Size:       5,
			Rewards:    []stamps.Reward{{ID: "cup", Name: "Free cup", At: 5}},
			Earn:       stamps.Earn{Per: stamps.PerHand},
			PastEnd:    stamps.Carry,
			UsedCoupon: stamps.Owe,
		},
		Handout: &stamps.Handout{Reward: stamps.Reward{ID: "welcome", Name: "Welcome"}, Stock: 30, PerMember: 2},
	}
}

// open returns an engine with the coffee program in force.
func open(t *testing.T, db storage.DB) *stamps.Engine {
	t.Helper()
	cards := stamps.New(db, nil)
	if _, err := cards.Publish(ctx, coffee(1)); err != nil {
		t.Fatal(err)
	}
	return cards
}

func add(n int64, key string) stamps.Add { return stamps.Add{Card: alice, N: n, Key: key} }

// together runs f n times at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func total(t *testing.T, cards *stamps.Engine, id stamps.CardID) int64 {
	t.Helper()
	c, err := cards.Card(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return c.Total
}

func TestEngine(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("a repeated key gives the first outcome and changes nothing", func(t *testing.T) { // ST-A3
			cards := open(t, db.Tenant("replay"))
			first, err := cards.Add(ctx, add(5, "k"))
			if err != nil {
				t.Fatal(err)
			}
			for _, engine := range []*stamps.Engine{cards, stamps.New(db.Tenant("replay"), nil)} {
				again, err := engine.Add(ctx, add(5, "k"))
				if err != nil || !again.Replayed {
					t.Fatal(again, err)
				}
				again.Replayed, again.Card.State = false, first.Card.State
				if diff := cmp.Diff(first, again); diff != "" {
					t.Fatal(diff)
				}
			}
			if n := total(t, cards, alice); n != 5 {
				t.Fatal(n)
			}
		})
		t.Run("a key with another input is an error", func(t *testing.T) {
			cards := open(t, db.Tenant("reuse"))
			if _, err := cards.Add(ctx, add(1, "k")); err != nil {
				t.Fatal(err)
			}
			if _, err := cards.Add(ctx, add(2, "k")); !errors.Is(err, journal.ErrKeyReused) {
				t.Fatal(err)
			}
			if _, err := cards.Adjust(ctx, stamps.Adjust{Card: alice, N: 1, Reason: "x", Key: "k"}); !errors.Is(err, journal.ErrKeyReused) {
				t.Fatal(err)
			}
			if n := total(t, cards, alice); n != 1 {
				t.Fatal(n)
			}
		})
		t.Run("50 callers with one key make one stamp", func(t *testing.T) {
			cards := open(t, db.Tenant("fifty"))
			var fresh atomic.Int64
			together(50, func(int) {
				out, err := cards.Add(ctx, add(1, "k"))
				if err != nil {
					t.Error(err)
				}
				if !out.Replayed {
					fresh.Add(1)
				}
			})
			if n := total(t, cards, alice); n != 1 || fresh.Load() != 1 {
				t.Fatal(n, fresh.Load())
			}
		})
		t.Run("two engines add to one card, and each stamp counts once", func(t *testing.T) {
			tenant := db.Tenant("two")
			engines := []*stamps.Engine{open(t, tenant), open(t, tenant)}
			together(16, func(i int) {
				for k := range 5 {
					if _, err := engines[i%2].Add(ctx, add(1, fmt.Sprintf("%d-%d", i, k))); err != nil {
						t.Error(err)
					}
				}
			})
			if n := total(t, engines[0], alice); n != 80 {
				t.Fatal(n)
			}
			seq := int64(81)
			for r, err := range engines[1].History(ctx, alice) {
				if seq--; err != nil || r.Seq != seq || r.N != 1 {
					t.Fatal(r, err)
				}
			}
			n := 0
			for c, err := range engines[0].Coupons(ctx, "alice", "coffee") {
				if n++; err != nil || c.State != stamps.Issued {
					t.Fatal(c, err)
				}
			}
			if n != 16 {
				t.Fatalf("%d coupons for 80 stamps", n)
			}
		})
		t.Run("a coupon has one winner among 16", func(t *testing.T) {
			cards := open(t, db.Tenant("redeem"))
			out, err := cards.Add(ctx, add(5, "k"))
			if err != nil {
				t.Fatal(err)
			}
			id := out.Coupons[0].ID
			var won atomic.Int64
			together(16, func(i int) {
				_, err := cards.Redeem(ctx, stamps.Redeem{Coupon: id, Key: fmt.Sprint("r", i)})
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, stamps.ErrRedeemed):
					t.Error(err)
				}
			})
			if won.Load() != 1 {
				t.Fatal(won.Load())
			}
		})
		t.Run("a stock of 30 gives 30 coupons, and two to a member", func(t *testing.T) {
			tenant := db.Tenant("claim")
			engines := []*stamps.Engine{open(t, tenant), open(t, tenant)}
			var won, limited, sold atomic.Int64
			together(40, func(i int) {
				for k := range 3 {
					claim := stamps.Claim{Program: "coffee", Member: ids.Member(fmt.Sprint("m", i%20)), Key: fmt.Sprint(i, "-", k)}
					_, err := engines[i%2].Claim(ctx, claim)
					switch {
					case err == nil:
						won.Add(1)
					case errors.Is(err, stamps.ErrMemberLimit):
						limited.Add(1)
					case errors.Is(err, stamps.ErrSoldOut):
						sold.Add(1)
					default:
						t.Error(err)
					}
				}
			})
			if won.Load() != 30 || limited.Load()+sold.Load() != 90 {
				t.Fatal(won.Load(), limited.Load(), sold.Load())
			}
			numbers := map[ids.Member]int{}
			for m := range 20 {
				id := ids.Member(fmt.Sprint("m", m))
				for c, err := range engines[0].Coupons(ctx, id, "") {
					if err != nil || c.Reward != "welcome" {
						t.Fatal(c, err)
					}
					numbers[id]++
				}
			}
			sum := 0
			for id, n := range numbers {
				if sum += n; n > 2 {
					t.Fatalf("%s has %d", id, n)
				}
			}
			if sum != 30 {
				t.Fatal(sum)
			}
		})
		t.Run("a claim that is repeated gives the same coupon", func(t *testing.T) {
			cards := open(t, db.Tenant("claim again"))
			claim := stamps.Claim{Program: "coffee", Member: "alice", Key: "k"}
			first, err := cards.Claim(ctx, claim)
			if err != nil {
				t.Fatal(err)
			}
			again, err := cards.Claim(ctx, claim)
			if err != nil || !again.Replayed || again.Coupons[0].ID != first.Coupons[0].ID {
				t.Fatal(again, err)
			}
			if _, err := cards.Redeem(ctx, stamps.Redeem{Coupon: first.Coupons[0].ID, Key: "r"}); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("a transfer that is repeated moves stamps once", func(t *testing.T) {
			cards := open(t, db.Tenant("transfer"))
			bob := stamps.CardID{Program: "coffee", Member: "bob"}
			if _, err := cards.Add(ctx, add(4, "k")); err != nil {
				t.Fatal(err)
			}
			move := stamps.Transfer{From: alice, To: bob, N: 3, Key: "t"}
			together(8, func(int) {
				if _, err := cards.Transfer(ctx, move); err != nil {
					t.Error(err)
				}
			})
			if a, b := total(t, cards, alice), total(t, cards, bob); a != 1 || b != 3 {
				t.Fatal(a, b)
			}
		})
		t.Run("what a transaction rolls back never was", func(t *testing.T) {
			tenant := db.Tenant("rollback")
			cards := open(t, tenant)
			if _, err := cards.Add(ctx, add(1, "k")); err != nil {
				t.Fatal(err)
			}
			boom := errors.New("boom")
			err := tenant.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				if _, err := cards.In(tx).Add(ctx, add(3, "in")); err != nil {
					t.Error(err)
				}
				if _, err := cards.Add(ctx, add(1, "out")); !errors.Is(err, storage.ErrOutsideTx) {
					t.Error("an engine outside of the transaction was let in:", err)
				}
				return boom
			})
			if !errors.Is(err, boom) {
				t.Fatal(err)
			}
			if n := total(t, cards, alice); n != 1 {
				t.Fatal(n)
			}
			if out, err := cards.Add(ctx, add(3, "in")); err != nil || out.Replayed || out.Card.Total != 4 {
				t.Fatal(out, err)
			}
		})
		t.Run("a preview stores nothing", func(t *testing.T) {
			cards := open(t, db.Tenant("preview"))
			out, err := cards.Preview().Add(ctx, add(5, "k"))
			if err != nil || len(out.Coupons) != 1 {
				t.Fatal(out, err)
			}
			if _, err := cards.Card(ctx, alice); !errors.Is(err, stamps.ErrUnknownCard) {
				t.Fatal(err)
			}
		})
		t.Run("a version is published once, and in order", func(t *testing.T) {
			cards := open(t, db.Tenant("publish"))
			if _, err := cards.Publish(ctx, coffee(1)); err != nil {
				t.Fatal("the same again:", err)
			}
			other := coffee(1)
			other.Name = "other"
			for _, d := range []stamps.Definition{other, coffee(3)} {
				if _, err := cards.Publish(ctx, d); !errors.Is(err, stamps.ErrPublished) {
					t.Fatal(err)
				}
			}
			if _, err := cards.Publish(ctx, coffee(2)); err != nil {
				t.Fatal(err)
			}
			if p, err := cards.Program(ctx, "coffee", 0); err != nil || p.Definition().Version != 2 {
				t.Fatal(err)
			}
		})
		t.Run("a cancel takes the newest stamp, and its coupon", func(t *testing.T) {
			cards := open(t, db.Tenant("cancel"))
			for i := range 5 {
				if _, err := cards.Add(ctx, add(1, fmt.Sprint(i))); err != nil {
					t.Fatal(err)
				}
			}
			out, err := cards.Cancel(ctx, stamps.Cancel{Card: alice, Key: "c"})
			if err != nil || out.Record.Of != 5 || out.Coupons[0].State != stamps.Voided {
				t.Fatal(out, err)
			}
			out, err = cards.Cancel(ctx, stamps.Cancel{Card: alice, Record: 2, Key: "c2"})
			if err != nil || out.Record.Of != 2 || out.Card.Total != 3 {
				t.Fatal(out, err)
			}
			if _, err := cards.Cancel(ctx, stamps.Cancel{Card: alice, Record: 99, Key: "c3"}); !errors.Is(err, stamps.ErrUnknownRecord) {
				t.Fatal(err)
			}
		})
		t.Run("a sweep writes down what lapsed, once", func(t *testing.T) {
			tenant := db.Tenant("sweep")
			now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
			cards := stamps.New(tenant, &stamps.Options{Now: func() time.Time { return now }})
			d := coffee(1)
			d.Card.Expiry.Days = 10
			d.Card.Rewards[0].Coupon.Days = 5
			if _, err := cards.Publish(ctx, d); err != nil {
				t.Fatal(err)
			}
			if _, err := cards.Add(ctx, add(7, "k")); err != nil {
				t.Fatal(err)
			}
			for _, want := range []int{0, 1, 1, 0} { // nothing; the coupon; the stamps; nothing
				if n, err := cards.Sweep(ctx, 100); err != nil || n != want {
					t.Fatalf("at %s: %d, want %d: %v", now, n, want, err)
				}
				now = now.Add(5*24*time.Hour + time.Second)
			}
		})
		t.Run("a shop's records are found by nickname, and summed by day and manager", func(t *testing.T) {
			cards := open(t, db.Tenant("records"))
			for i, nick := range []string{"王小明", "Alice", "100%_x", "王小明"} {
				_, err := cards.Add(ctx, stamps.Add{
					Card: stamps.CardID{Program: "coffee", Member: ids.Member(fmt.Sprint("m", i))}, N: 5, Key: "k",
					Place: stamps.Place{Shop: "wangjing", By: "kathy", Nickname: nick},
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			for needle, want := range map[string]int{"": 4, "小": 2, "aLICE": 1, "%": 1, "_": 1, "nobody": 0} {
				n := 0
				for _, err := range cards.Records(ctx, stamps.RecordQuery{Shop: "wangjing", Nickname: needle}) {
					if n++; err != nil {
						t.Fatal(err)
					}
				}
				if n != want {
					t.Errorf("%q: %d records, want %d", needle, n, want)
				}
			}
			totals, err := cards.Totals(ctx, stamps.RecordQuery{Shop: "wangjing"}, "Asia/Shanghai")
			if err != nil || len(totals) != 1 || totals[0].Records != 4 || totals[0].Stamps != 20 || totals[0].By != "kathy" {
				t.Fatal(totals, err)
			}
		})
	})
}

func TestBadInputStoresNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		cards := open(t, db)
		long := string(make([]byte, 200))
		_, coupon := stamps.ParseCouponID("coffee/alice:1")
		if coupon != nil {
			t.Fatal(coupon)
		}
		for name, err := range map[string]error{
			"no key":           second(cards.Add(ctx, add(1, ""))),
			"NUL in the key":   second(cards.Add(ctx, add(1, "a\x00b"))),
			"no UTF-8":         second(cards.Add(ctx, add(1, "a\xffb"))),
			"a long key":       second(cards.Add(ctx, add(1, long))),
			"negative":         second(cards.Add(ctx, add(-1, "k"))),
			"huge":             second(cards.Add(ctx, add(1<<62, "k"))),
			"no member":        second(cards.Add(ctx, stamps.Add{Card: stamps.CardID{Program: "coffee"}, N: 1, Key: "k"})),
			"a claim's card":   second(cards.Add(ctx, stamps.Add{Card: stamps.CardID{Program: "coffee", Member: "a", Claim: 1}, N: 1, Key: "k"})),
			"year 10000":       second(cards.Add(ctx, stamps.Add{Card: alice, N: 1, At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), Key: "k"})),
			"control in nick":  second(cards.Add(ctx, stamps.Add{Card: alice, N: 1, Key: "k", Place: stamps.Place{Nickname: "a\nb"}})),
			"zone":             second(cards.Add(ctx, stamps.Add{Card: alice, N: 1, Key: "k", Place: stamps.Place{Zone: "a\x00"}})),
			"no reason":        second(cards.Adjust(ctx, stamps.Adjust{Card: alice, N: 1, Key: "k"})),
			"adjust by 0":      second(cards.Adjust(ctx, stamps.Adjust{Card: alice, Reason: "x", Key: "k"})),
			"to the same card": second(cards.Transfer(ctx, stamps.Transfer{From: alice, To: alice, Key: "k"})),
			"coupon 0":         second(cards.Redeem(ctx, stamps.Redeem{Coupon: stamps.CouponID{Card: alice}, Key: "k"})),
			"negative record":  second(cards.Cancel(ctx, stamps.Cancel{Card: alice, Record: -5, Key: "k"})),
		} {
			var input *errs.InputError
			if !errors.As(err, &input) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, c := range map[string]struct{ got, want error }{
			"an unknown program": {second(cards.Add(ctx, stamps.Add{Card: stamps.CardID{Program: "tea", Member: "a"}, N: 1, Key: "k"})), stamps.ErrUnknownProgram},
			"an unknown card":    {second(cards.Cancel(ctx, stamps.Cancel{Card: alice, Key: "k"})), stamps.ErrUnknownCard},
			"an unknown coupon":  {second(cards.Redeem(ctx, stamps.Redeem{Coupon: stamps.CouponID{Card: alice, N: 1}, Key: "k"})), stamps.ErrUnknownCoupon},
		} {
			if !errors.Is(c.got, c.want) {
				t.Errorf("%s: %v", name, c.got)
			}
		}
		for r, err := range db.Journal().After(ctx, "", 0) {
			t.Fatalf("something was stored: %v %v", r, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestANumberThatWasLeftFreeIsGiven(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		cards := open(t, db)
		at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
		for _, number := range []int64{2, 5, 30} { // as claims leave it that met others
			c := stamps.Card{ID: stamps.CardID{Program: "coffee", Member: ids.Member(fmt.Sprint("x", number)), Claim: 1}, Version: 1, Number: number, Opened: at}
			if err := stamps.SaveCard(ctx, db, c); err != nil {
				t.Fatal(err)
			}
		}
		var won, sold atomic.Int64
		together(40, func(i int) {
			_, err := cards.Claim(ctx, stamps.Claim{Program: "coffee", Member: ids.Member(fmt.Sprint("m", i)), Key: "k"})
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, stamps.ErrSoldOut):
				sold.Add(1)
			default:
				t.Error(err)
			}
		})
		if won.Load() != 27 || sold.Load() != 13 {
			t.Fatal(won.Load(), sold.Load())
		}
	})
}
