package stamps

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// coffee is a card of five with a cookie at three and a cup at the end; change makes it another
// program.
func coffee(t testing.TB, version int, change ...func(*Definition)) *Program {
	t.Helper()
	d := Definition{
		ID: "coffee", Version: version, Name: "咖啡集章", Zone: "Asia/Shanghai",
		Card: &CardDefinition{
			Size:       5,
			Rewards:    []Reward{{ID: "cookie", Name: "Cookie", At: 3}, {ID: "cup", Name: "Free cup", At: 5}},
			Earn:       Earn{Per: PerHand},
			PastEnd:    Carry,
			UsedCoupon: Owe,
		},
	}
	for _, f := range change {
		f(&d)
	}
	p, err := Compile(d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var alice = CardID{Program: "coffee", Member: "alice"}

// a till plays commands on one card, as an engine would.
type till struct {
	t       testing.TB
	rules   Rules
	card    Card
	records map[int64]Record
	coupons map[int64]Coupon
	owed    map[int64]bool // stamps that a used coupon was ever owed for
	now     time.Time
}

func newTill(t testing.TB, p *Program) *till {
	return &till{t: t, rules: NewRules(p), card: Card{ID: alice}, records: map[int64]Record{}, coupons: map[int64]Coupon{}, owed: map[int64]bool{}, now: noon}
}

func (x *till) take(d Decision, err error) (Decision, error) {
	if err != nil {
		return d, err
	}
	x.card = d.Card
	for _, r := range d.Records {
		x.records[r.Seq] = r
	}
	for _, c := range d.Coupons {
		x.coupons[c.ID.N] = c
	}
	for _, pos := range d.Card.State.Owed {
		x.owed[pos] = true
	}
	return d, nil
}

func (x *till) add(n int64) (Decision, error) {
	return x.take(x.rules.Add(x.card, Add{Card: alice, N: n}, x.now))
}

func (x *till) buy(p Purchase) (Decision, error) {
	return x.take(x.rules.Add(x.card, Add{Card: alice, Purchase: &p}, x.now))
}

func (x *till) cancel(seq, n int64) (Decision, error) {
	r := x.records[seq]
	return x.take(x.rules.Cancel(x.card, &r, x.above(), Cancel{Card: alice, N: n}, x.now))
}

func (x *till) adjust(n int64) (Decision, error) {
	return x.take(x.rules.Adjust(x.card, x.above(), Adjust{Card: alice, N: n, Reason: "test"}, x.now))
}

func (x *till) redeem(n int64) (Decision, error) {
	return x.take(x.rules.Redeem(x.card, x.coupon(n), Redeem{Coupon: CouponID{alice, n}}, x.now))
}

func (x *till) undo(n int64) (Decision, error) {
	return x.take(x.rules.Undo(x.card, x.coupon(n), Undo{Coupon: CouponID{alice, n}}, x.now))
}

func (x *till) coupon(n int64) *Coupon {
	if c, ok := x.coupons[n]; ok {
		return &c
	}
	return nil
}

func (x *till) above() []Coupon {
	var above []Coupon
	for n := int64(1); n <= x.card.State.Coupons; n++ {
		if c, ok := x.coupons[n]; ok && c.Pos > 0 && c.State != Voided {
			above = append(above, c)
		}
	}
	return above
}

// must fails the test on an error.
func must(t testing.TB) func(Decision, error) Decision {
	return func(d Decision, err error) Decision {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

func (x *till) want(round, count, total int64) {
	x.t.Helper()
	if c := x.card; c.Round != round || c.Count != count || c.Total != total {
		x.t.Fatalf("round %d, count %d, total %d; want %d, %d, %d", c.Round, c.Count, c.Total, round, count, total)
	}
}

func (x *till) wantCoupons(want ...string) {
	x.t.Helper()
	var got []string
	for n := int64(1); n <= x.card.State.Coupons; n++ {
		c := x.coupons[n].At(x.now)
		got = append(got, fmt.Sprintf("%s@%d %s", c.Reward, c.Pos, c.State))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		x.t.Fatalf("coupons %v; want %v", got, want)
	}
}

func TestAddFillsACard(t *testing.T) {
	t.Run("four and one of five make a full card and one reward", func(t *testing.T) { // ST-A2
		x := newTill(t, coffee(t, 1))
		must(t)(x.add(4))
		x.want(0, 4, 4)
		d := must(t)(x.add(1))
		x.want(1, 0, 5)
		x.wantCoupons("cookie@3 issued", "cup@5 issued")
		if len(d.Issued()) != 1 {
			t.Fatalf("issued %v", d.Issued())
		}
	})
	t.Run("stamps carry over to the next card, even several", func(t *testing.T) {
		x := newTill(t, coffee(t, 1))
		must(t)(x.add(13))
		x.want(2, 3, 13)
		x.wantCoupons("cookie@3 issued", "cup@5 issued", "cookie@8 issued", "cup@10 issued", "cookie@13 issued")
	})
	t.Run("a card that stops takes what fits, and then nothing", func(t *testing.T) {
		x := newTill(t, coffee(t, 1, func(d *Definition) { d.Card.PastEnd = Stop }))
		d := must(t)(x.add(7))
		x.want(1, 5, 5)
		if last := d.Steps[len(d.Steps)-1]; last.Rule != "pastEnd" || last.N != -2 {
			t.Fatalf("steps %v", d.Steps)
		}
		if _, err := x.add(1); !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
	})
	t.Run("a card that keeps counting gives no more rewards", func(t *testing.T) {
		x := newTill(t, coffee(t, 1, func(d *Definition) { d.Card.PastEnd = Count }))
		must(t)(x.add(4))
		must(t)(x.add(9))
		x.want(1, 13, 13)
		x.wantCoupons("cookie@3 issued", "cup@5 issued")
	})
}

func TestAddEarns(t *testing.T) {
	money := func(d *Definition) {
		d.Card.Earn = Earn{Per: PerAmount, Amount: 1000, Currency: "CNY"}
	}
	cases := []struct {
		name   string
		change func(*Definition)
		buy    Purchase
		want   int64
		err    error
	}{
		{"a visit is a stamp", func(d *Definition) { d.Card.Earn = Earn{Per: PerVisit} }, Purchase{}, 1, nil},
		{"a visit may be several", func(d *Definition) { d.Card.Earn = Earn{Per: PerVisit, Stamps: 2} }, Purchase{}, 2, nil},
		{"whole units of money count", money, Purchase{Amount: 3999, Currency: "CNY"}, 3, nil},
		{"less than a unit earns nothing", money, Purchase{Amount: 999, Currency: "CNY"}, 0, ErrNothing},
		{"another currency earns nothing", money, Purchase{Amount: 3999, Currency: "USD"}, 0, ErrCurrency},
		{"whole groups of items count", func(d *Definition) { d.Card.Earn = Earn{Per: PerItem, Items: 3} }, Purchase{Items: 8}, 2, nil},
		{"a purchase of 500 is below a minimum of 1000", func(d *Definition) { // ST-A6
			d.Card.Earn = Earn{Per: PerVisit, Currency: "CNY"}
			d.Card.Limit.MinPurchase = 1000
		}, Purchase{Amount: 500, Currency: "CNY"}, 0, ErrMinPurchase},
		{"a purchase at the minimum passes", func(d *Definition) {
			d.Card.Earn = Earn{Per: PerVisit, Currency: "CNY"}
			d.Card.Limit.MinPurchase = 1000
		}, Purchase{Amount: 1000, Currency: "CNY"}, 1, nil},
		{"a purchase gives at most so many", func(d *Definition) {
			money(d)
			d.Card.Limit.PerPurchase = 2
		}, Purchase{Amount: 9999, Currency: "CNY"}, 2, nil},
		{"the largest purchase does not overflow", func(d *Definition) {
			d.Card.Earn = Earn{Per: PerAmount, Amount: 1, Currency: "CNY", Stamps: 1000}
		}, Purchase{Amount: maxAmount, Currency: "CNY"}, maxStamps, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := newTill(t, coffee(t, 1, c.change))
			d, err := x.buy(c.buy)
			if !errors.Is(err, c.err) {
				t.Fatal(err)
			}
			if err == nil && d.Record.N != c.want {
				t.Fatalf("%d stamps, want %d: %v", d.Record.N, c.want, d.Steps)
			}
			var sum int64
			for _, s := range d.Steps {
				sum += s.N
			}
			if sum != c.want {
				t.Fatalf("the steps %v explain %d", d.Steps, sum)
			}
		})
	}
}

func TestLimitsOnTime(t *testing.T) {
	perDay := func(rolling bool) func(*Definition) {
		return func(d *Definition) { d.Card.Limit = Limit{PerDay: 2, Rolling: rolling} }
	}
	t.Run("the third of a day with two is refused until midnight in the zone", func(t *testing.T) { // ST-A4
		x := newTill(t, coffee(t, 1, perDay(false)))
		must(t)(x.add(1))
		must(t)(x.add(1))
		_, err := x.add(1)
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Limit != "perDay" || limit.RetryAfter != 4*time.Hour { // 20:00 in Shanghai
			t.Fatal(err)
		}
		x.now = noon.Add(4*time.Hour - time.Microsecond)
		if _, err := x.add(1); err == nil {
			t.Fatal("a microsecond before midnight it was given")
		}
		x.now = noon.Add(4 * time.Hour)
		must(t)(x.add(1))
	})
	t.Run("the day is that of the shop's zone where it is given", func(t *testing.T) {
		x := newTill(t, coffee(t, 1, perDay(false)))
		at := func(n int64) (Decision, error) {
			return x.take(x.rules.Add(x.card, Add{Card: alice, N: n, Place: Place{Zone: "America/New_York"}}, x.now))
		}
		must(t)(at(2))
		x.now = noon.Add(5 * time.Hour) // past midnight in Shanghai, 13:00 in New York
		if _, err := at(1); err == nil {
			t.Fatal("given on the same day")
		}
	})
	t.Run("a rolling day ends 24 hours after the stamp", func(t *testing.T) {
		x := newTill(t, coffee(t, 1, perDay(true)))
		must(t)(x.add(1))
		x.now = noon.Add(6 * time.Hour)
		must(t)(x.add(1))
		_, err := x.add(1)
		var limit *LimitError
		if !errors.As(err, &limit) || limit.RetryAfter != 18*time.Hour {
			t.Fatal(err)
		}
		x.now = noon.Add(24*time.Hour - time.Microsecond)
		if _, err := x.add(1); err == nil {
			t.Fatal("a microsecond before 24 hours it was given")
		}
		x.now = noon.Add(24 * time.Hour)
		must(t)(x.add(1))
	})
	t.Run("what is above the rest of the day is not given", func(t *testing.T) {
		x := newTill(t, coffee(t, 1, perDay(false)))
		must(t)(x.add(1))
		if d := must(t)(x.add(3)); d.Record.N != 1 {
			t.Fatalf("gave %d", d.Record.N)
		}
	})
	t.Run("a cooldown ends to the second", func(t *testing.T) {
		x := newTill(t, coffee(t, 1, func(d *Definition) { d.Card.Limit.Cooldown = 30 }))
		must(t)(x.add(1))
		x.now = noon.Add(30*time.Second - time.Microsecond)
		var limit *LimitError
		if _, err := x.add(1); !errors.As(err, &limit) || limit.Limit != "cooldown" {
			t.Fatal(err)
		}
		x.now = noon.Add(30 * time.Second)
		must(t)(x.add(1))
	})
	t.Run("a stamp that was taken back counts for no limit", func(t *testing.T) {
		x := newTill(t, coffee(t, 1, func(d *Definition) { d.Card.Limit = Limit{PerDay: 1, Cooldown: 60} }))
		d := must(t)(x.add(1))
		must(t)(x.cancel(d.Record.Seq, 0))
		must(t)(x.add(1))
	})
	t.Run("what happened before the newest stamp is refused", func(t *testing.T) {
		x := newTill(t, coffee(t, 1))
		must(t)(x.add(1))
		_, err := x.rules.Add(x.card, Add{Card: alice, N: 1, At: noon.Add(-time.Hour)}, x.now)
		if !errors.Is(err, ErrOrder) {
			t.Fatal(err)
		}
	})
	t.Run("a clock that is behind does not refuse", func(t *testing.T) {
		x := newTill(t, coffee(t, 1))
		must(t)(x.add(1))
		x.now = noon.Add(-time.Second)
		if d := must(t)(x.add(1)); !d.Record.At.Equal(noon) {
			t.Fatal(d.Record.At)
		}
	})
	t.Run("the future is refused", func(t *testing.T) {
		x := newTill(t, coffee(t, 1))
		var input *errs.InputError
		if _, err := x.rules.Add(x.card, Add{Card: alice, N: 1, At: noon.Add(time.Microsecond)}, noon); !errors.As(err, &input) {
			t.Fatal(err)
		}
	})
}

func TestCancel(t *testing.T) {
	t.Run("a stamp that completed a card voids its coupon", func(t *testing.T) {
		x := newTill(t, coffee(t, 1))
		must(t)(x.add(4))
		d := must(t)(x.add(1))
		must(t)(x.cancel(d.Record.Seq, 0))
		x.want(0, 4, 4)
		x.wantCoupons("cookie@3 issued", "cup@5 voided")
		must(t)(x.add(1))
		x.wantCoupons("cookie@3 issued", "cup@5 voided", "cup@5 issued")
	})
	t.Run("a program that refuses keeps stamps whose coupon is used", func(t *testing.T) {
		x := newTill(t, coffee(t, 1, func(d *Definition) { d.Card.UsedCoupon = Refuse }))
		d := must(t)(x.add(5))
		must(t)(x.redeem(2))
		_, err := x.cancel(d.Record.Seq, 1)
		var used *UsedError
		if !errors.As(err, &used) || used.Coupon.N != 2 {
			t.Fatal(err)
		}
		x.want(1, 0, 5)
	})
	t.Run("a program that owes gives the milestone's coupon once", func(t *testing.T) {
		x := newTill(t, coffee(t, 1))
		d := must(t)(x.add(5))
		must(t)(x.redeem(2))
		must(t)(x.cancel(d.Record.Seq, 1))
		x.want(0, 4, 4)
		must(t)(x.add(1))
		x.want(1, 0, 5)
		x.wantCoupons("cookie@3 issued", "cup@5 redeemed")
	})
	t.Run("undoing the redemption of a coupon that is owed voids it", func(t *testing.T) {
		x := newTill(t, coffee(t, 1))
		d := must(t)(x.add(5))
		must(t)(x.redeem(2))
		must(t)(x.cancel(d.Record.Seq, 1))
		must(t)(x.undo(2))
		x.wantCoupons("cookie@3 issued", "cup@5 voided")
		must(t)(x.add(1))
		x.wantCoupons("cookie@3 issued", "cup@5 voided", "cup@5 issued")
	})
	t.Run("it goes back several cards", func(t *testing.T) {
		x := newTill(t, coffee(t, 1))
		must(t)(x.add(2))
		d := must(t)(x.add(21))
		x.want(4, 3, 23)
		must(t)(x.cancel(d.Record.Seq, 0))
		x.want(0, 2, 2)
	})
	t.Run("part of a record, and no more than it has", func(t *testing.T) {
		x := newTill(t, coffee(t, 1))
		d := must(t)(x.add(3))
		must(t)(x.cancel(d.Record.Seq, 2))
		x.want(0, 1, 1)
		if _, err := x.cancel(d.Record.Seq, 2); !errors.Is(err, ErrTooFew) {
			t.Fatal(err)
		}
		must(t)(x.cancel(d.Record.Seq, 0))
		if _, err := x.cancel(d.Record.Seq, 0); !errors.Is(err, ErrCancelled) {
			t.Fatal(err)
		}
	})
	t.Run("stamps that lapsed can't be taken back", func(t *testing.T) {
		x := newTill(t, coffee(t, 1, func(d *Definition) { d.Card.Expiry.Days = 10 }))
		d := must(t)(x.add(2))
		x.now = noon.AddDate(0, 0, 10)
		must(t)(x.add(1))
		x.want(0, 1, 3)
		if _, err := x.cancel(d.Record.Seq, 0); !errors.Is(err, ErrTooFew) {
			t.Fatal(err)
		}
	})
}

func TestAdjustAndTransfer(t *testing.T) {
	t.Run("five and three less two are six", func(t *testing.T) { // ST-A7
		x := newTill(t, coffee(t, 1, func(d *Definition) { d.Card.Size = 10 }))
		must(t)(x.adjust(5))
		must(t)(x.adjust(3))
		must(t)(x.adjust(-2))
		x.want(0, 6, 6)
		if _, err := x.adjust(-7); !errors.Is(err, ErrTooFew) {
			t.Fatal(err)
		}
	})
	t.Run("a transfer moves stamps and loses none", func(t *testing.T) {
		x := newTill(t, coffee(t, 1))
		must(t)(x.add(4))
		bob := CardID{Program: "coffee", Member: "bob"}
		gave, took, err := x.rules.Transfer(x.card, x.above(), Card{ID: bob}, Transfer{From: alice, To: bob}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if gave.Card.Total != 0 || took.Card.Total != 4 || gave.Coupons[0].State != Voided || took.Coupons[0].State != Issued {
			t.Fatalf("%+v %+v", gave, took)
		}
		if _, _, err := x.rules.Transfer(x.card, nil, Card{ID: bob}, Transfer{From: alice, To: bob, N: 5}, noon); !errors.Is(err, ErrTooFew) {
			t.Fatal(err)
		}
	})
}

func TestOneCommandMovesABoundedNumberOfStamps(t *testing.T) {
	x := newTill(t, coffee(t, 1, func(d *Definition) { d.Card.PastEnd = Count }))
	must(t)(x.add(MaxStamps))
	must(t)(x.add(MaxStamps))
	bob := CardID{Program: "coffee", Member: "bob"}
	move := func(n int64) error {
		_, _, err := x.rules.Transfer(x.card, x.above(), Card{ID: bob}, Transfer{From: alice, To: bob, N: n}, noon)
		return err
	}
	var input *errs.InputError
	if err := move(0); !errors.As(err, &input) || input.Field != "n" {
		t.Fatal(err)
	}
	if err := move(MaxStamps); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"add":      Add{Card: alice, N: MaxStamps + 1, Key: "k"}.check(),
		"adjust":   Adjust{Card: alice, N: -MaxStamps - 1, Reason: "r", Key: "k"}.check(),
		"cancel":   Cancel{Card: alice, N: MaxStamps + 1, Key: "k"}.check(),
		"transfer": Transfer{From: alice, To: bob, N: MaxStamps + 1, Key: "k"}.check(),
	} {
		if !errors.As(err, &input) || input.Field != "n" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
