package stamps

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
)

var everyPer = []Per{PerVisit, PerAmount, PerItem, PerHand, PerPurchase}

// earner draws a program of that kind with any of the limits, whose card is never full and whose
// day has room.
func earner(t *rapid.T, per Per) *Program {
	e := Earn{Per: per, Include: someCategories(t, per, "include")}
	for _, c := range someCategories(t, per, "exclude") {
		if !slices.Contains(e.Include, c) {
			e.Exclude = append(e.Exclude, c)
		}
	}
	if per != PerHand {
		e.Stamps = rapid.Int64Range(0, 3).Draw(t, "stamps")
	}
	var l Limit
	switch per {
	case PerAmount:
		e.Amount, e.Currency = rapid.Int64Range(1, 50).Draw(t, "amount"), "CNY"
	case PerItem:
		e.Items = rapid.Int64Range(0, 3).Draw(t, "items")
	case PerPurchase:
		e.Purchases = rapid.Int64Range(0, 3).Draw(t, "purchases")
	}
	if rapid.Bool().Draw(t, "minimum") {
		l.MinPurchase, e.Currency = rapid.Int64Range(1, 80).Draw(t, "least"), "CNY"
	} else if per != PerAmount && rapid.Bool().Draw(t, "minimums") {
		l.Minimums = map[string]int64{"CNY": 50, "USD": 7}
	}
	if rapid.Bool().Draw(t, "per purchase") {
		l.PerPurchase = rapid.Int64Range(3, 5).Draw(t, "most")
	}
	if rapid.Bool().Draw(t, "per day") {
		l.PerDay, l.Rolling = rapid.Int64Range(3, 9).Draw(t, "day"), rapid.Bool().Draw(t, "rolling")
	}
	p, err := Compile(Definition{ID: "coffee", Version: 1, Zone: "Asia/Shanghai", Card: &CardDefinition{
		Size: 10, Rewards: []Reward{{ID: "cup", At: 10}}, Earn: e, Limit: l, PastEnd: Carry, UsedCoupon: Owe,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func someCategories(t *rapid.T, per Per, label string) []string {
	if per == PerHand {
		return nil
	}
	return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"drink", "food", "card"}), 0, 2, rapid.ID[string]).Draw(t, label)
}

// purchase draws one that passes the checks of a command.
func purchase(t *rapid.T) *Purchase {
	if !rapid.Bool().Draw(t, "with a purchase") {
		return nil
	}
	p := Purchase{
		Amount: rapid.SampledFrom([]int64{0, 1, 6, 7, 49, 50, 51, 500, maxAmount}).Draw(t, "amount"),
		Items:  rapid.SampledFrom([]int64{0, 1, 2, 7, maxStamps}).Draw(t, "items"),
	}
	if p.Amount > 0 || rapid.Bool().Draw(t, "in a currency") {
		p.Currency = rapid.SampledFrom([]string{"CNY", "CNY", "USD", "JPY"}).Draw(t, "currency")
	}
	amount, items := p.Amount, p.Items
	for _, c := range rapid.SliceOfN(rapid.SampledFrom([]string{"drink", "food", "card", "tea"}), 0, 3).Draw(t, "categories") {
		l := Line{Category: c, Amount: rapid.Int64Range(0, amount).Draw(t, "of the amount"), Items: rapid.Int64Range(0, items).Draw(t, "of the items")}
		amount, items = amount-l.Amount, items-l.Items
		p.Lines = append(p.Lines, l)
	}
	if err := p.check(); err != nil {
		t.Fatal(err)
	}
	return &p
}

// most returns the stamps that the program's text allows for a purchase at most, counted another
// way than the rules do.
func most(d *CardDefinition, n int64, p *Purchase) int64 {
	each, unit := max(1, d.Earn.Stamps), int64(0)
	switch d.Earn.Per {
	case PerVisit, PerPurchase:
		unit = 1
	case PerHand:
		each, unit = 1, n
	case PerAmount:
		if p != nil {
			unit = p.Amount / d.Earn.Amount
		}
	case PerItem:
		if p != nil {
			unit = p.Items / max(1, d.Earn.Items)
		}
	}
	bound := min(unit*each, MaxStamps)
	if d.Limit.PerPurchase > 0 {
		bound = min(bound, d.Limit.PerPurchase)
	}
	if d.Limit.PerDay > 0 {
		bound = min(bound, d.Limit.PerDay)
	}
	return bound
}

// Law: whoever gives an Add decides what was bought, and no more; only a program that gives stamps
// by hand takes their number.
func TestTheRulesDecideHowManyStampsAnAddGives(t *testing.T) {
	for _, per := range everyPer {
		t.Run(string(per), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p, bought := earner(t, per), purchase(t)
				rules := NewRules(p)
				n := rapid.SampledFrom([]int64{0, 1, 2, 500, MaxStamps}).Draw(t, "n")
				d, err := rules.Add(Card{ID: alice}, Add{Card: alice, N: n, Purchase: bought}, noon)
				if err == nil && d.Record.N > most(p.def.Card, n, bought) {
					t.Fatalf("gives %d, at most %d are right: %v", d.Record.N, most(p.def.Card, n, bought), d.Steps)
				}
				if per == PerHand {
					return
				}
				plain, without := rules.Add(Card{ID: alice}, Add{Card: alice, Purchase: bought}, noon)
				if n == 0 || n == 1 && per == PerVisit {
					if diff := cmp.Diff(plain, d, cmp.AllowUnexported(Decision{})); diff != "" || !errors.Is(err, without) {
						t.Fatalf("n = %d gives something else: %s %v", n, diff, err)
					}
					return
				}
				var input *errs.InputError
				if !errors.As(err, &input) || input.Field != "n" {
					t.Fatalf("n = %d: %v", n, err)
				}
			})
		})
	}
}

// Law: what a program does not count makes no difference.
func TestWhatIsNotCountedMakesNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		per := rapid.SampledFrom(everyPer).Draw(t, "per")
		p, bought := earner(t, per), purchase(t)
		if bought == nil {
			return
		}
		other := *bought
		other.Lines = nil
		var n int64
		switch per {
		case PerHand:
			n = 2
			other.Items = 9
		case PerVisit, PerAmount, PerPurchase:
			other.Items = 999
		case PerItem:
			if len(p.def.Card.Limit.Minimums) == 0 && p.def.Card.Limit.MinPurchase == 0 {
				other.Amount, other.Currency = 0, ""
			}
		}
		whole := *bought
		whole.Lines = nil
		give := func(b Purchase) string {
			d, err := NewRules(p).Add(Card{ID: alice}, Add{Card: alice, N: n, Purchase: &b}, noon)
			return fmt.Sprint(d.Record.N, err)
		}
		if a, b := give(whole), give(other); a != b {
			t.Fatalf("%+v gives %s, and %+v gives %s", whole, a, other, b)
		}
	})
}

func TestTheManagerCannotChooseHowManyStampsAVisitGives(t *testing.T) {
	p := coffee(t, 1, func(d *Definition) { d.Card.Earn = Earn{Per: PerVisit} })
	var input *errs.InputError
	_, err := NewRules(p).Add(Card{ID: alice}, Add{Card: alice, N: 500}, noon)
	if !errors.As(err, &input) || input.Field != "n" {
		t.Fatal(err)
	}
	for _, n := range []int64{0, 1} {
		if d, err := NewRules(p).Add(Card{ID: alice}, Add{Card: alice, N: n}, noon); err != nil || d.Record.N != 1 {
			t.Fatal(d, err)
		}
	}
}

// everySecond gives a stamp for each second purchase of a drink of 5.00 CNY or 1.00 USD.
func everySecond(t testing.TB, change ...func(*Definition)) *Program {
	return coffee(t, 1, append([]func(*Definition){func(d *Definition) {
		d.Card.Earn = Earn{Per: PerPurchase, Purchases: 2, Include: []string{"drink"}}
		d.Card.Limit.Minimums = map[string]int64{"CNY": 500, "USD": 100}
	}}, change...)...)
}

func drink(amount int64, currency string) Purchase {
	return Purchase{Amount: amount, Currency: currency, Items: 1, Lines: []Line{{Category: "drink", Amount: amount, Items: 1}}}
}

func TestStampsForEachSecondPurchase(t *testing.T) {
	x := newTill(t, everySecond(t))
	for i, want := range []int64{0, 1, 0, 1} {
		if d := must(t)(x.buy(drink(500, "CNY"))); d.Record.N != want || d.Steps[0].N != want {
			t.Fatalf("purchase %d gives %d: %v", i+1, d.Record.N, d.Steps)
		}
	}
	for name, c := range map[string]struct {
		buy  Purchase
		want error
	}{
		"below the minimum":           {drink(499, "CNY"), ErrMinPurchase},
		"the minimum of another":      {drink(99, "USD"), ErrMinPurchase},
		"no minimum in that currency": {drink(100_000, "JPY"), ErrCurrency},
		"no amount":                   {Purchase{Items: 1}, ErrMinPurchase},
		"another category":            {Purchase{Amount: 500, Currency: "CNY", Lines: []Line{{Category: "food", Amount: 500}}}, ErrCategory},
		"no category":                 {Purchase{Amount: 500, Currency: "CNY"}, ErrCategory},
	} {
		before := x.card
		if _, err := x.buy(c.buy); !errors.Is(err, c.want) || !cmp.Equal(before, x.card) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d := must(t)(x.buy(drink(100, "USD"))); d.Record.N != 0 || x.card.State.Bought != 1 {
		t.Fatal("a purchase at the minimum of its currency is not counted", d)
	}
	must(t)(x.buy(Purchase{Amount: 900, Currency: "CNY", Lines: []Line{{Category: "food", Amount: 100}, {Category: "drink", Amount: 800}}}))
	x.want(0, 3, 3)
}

func TestCategoriesThatAreExcluded(t *testing.T) {
	p := coffee(t, 1, func(d *Definition) {
		d.Card.Earn = Earn{Per: PerAmount, Amount: 100, Currency: "CNY", Exclude: []string{"giftcard"}}
	})
	for _, c := range []struct {
		amount, card int64
		want         string
	}{
		{500, 0, "5 <nil>"},
		{500, 300, "2 <nil>"},
		{500, 450, "0 " + ErrNothing.Error()},
		{500, 500, "0 " + ErrCategory.Error()},
	} {
		b := Purchase{Amount: c.amount, Currency: "CNY", Items: 2}
		if c.card > 0 {
			b.Lines = []Line{{Category: "giftcard", Amount: c.card}}
		}
		d, err := NewRules(p).Add(Card{ID: alice}, Add{Card: alice, Purchase: &b}, noon)
		if got := fmt.Sprint(d.Record.N, " ", err); got != c.want {
			t.Errorf("%d with %d for a gift card: %s, want %s", c.amount, c.card, got, c.want)
		}
	}
}

// Law: buying and taking back, in any order and with other purchases in between, leaves the card as
// if what was taken back had not been bought.
func TestTakingPurchasesBackLeavesWhatTheOthersMake(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := everySecond(t, func(d *Definition) {
			d.Card.Earn.Purchases = rapid.Int64Range(1, 4).Draw(rt, "purchases")
			d.Card.Earn.Stamps = rapid.Int64Range(1, 3).Draw(rt, "stamps")
			d.Card.Limit.PerDay = 100
		})
		x := newTill(t, p)
		var kept []time.Time
		cancelled := map[int64]bool{}
		at := map[int64]time.Time{}
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			x.now = x.now.Add(time.Minute)
			seq := rapid.Int64Range(1, max(1, x.card.State.Seq)).Draw(rt, "seq")
			if r, ok := x.records[seq]; ok && r.Purpose == PurposeStamp && rapid.Bool().Draw(rt, "take back") {
				_, err := x.cancel(seq, 0)
				if cancelled[seq] != errors.Is(err, ErrCancelled) || !cancelled[seq] && err != nil {
					rt.Fatal(err)
				}
				cancelled[seq] = true
				continue
			}
			d := must(t)(x.buy(drink(500, "CNY")))
			at[d.Record.Seq] = d.Record.At
		}
		for seq := int64(1); seq <= x.card.State.Seq; seq++ {
			if when, ok := at[seq]; ok && !cancelled[seq] {
				kept = append(kept, when)
			}
		}
		y := newTill(t, p)
		for _, when := range kept {
			y.now = when
			must(t)(y.buy(drink(500, "CNY")))
		}
		laws(rt, x)
		got, want := x.card.State, y.card.State
		if x.card.Total != y.card.Total || x.card.Count != y.card.Count || x.card.Round != y.card.Round || got.Bought != want.Bought {
			rt.Fatalf("%+v\nas if it had not been: %+v", x.card, y.card)
		}
		var day, asIf int64
		for _, tick := range got.Recent {
			day += tick.N
		}
		for _, tick := range want.Recent {
			asIf += tick.N
		}
		if len(got.Recent) == len(want.Recent) && day != asIf {
			rt.Fatalf("the day counts %v, as if it had not been: %v", got.Recent, want.Recent)
		}
		standing := func(x *till) (all []string) {
			for _, c := range x.coupons {
				if c.State == Issued {
					all = append(all, fmt.Sprint(c.Reward, c.Pos))
				}
			}
			slices.Sort(all)
			return all
		}
		if diff := cmp.Diff(standing(y), standing(x)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestACountedPurchaseIsTakenBackWhole(t *testing.T) {
	x := newTill(t, everySecond(t, func(d *Definition) { d.Card.Earn.Stamps = 2 }))
	must(t)(x.buy(drink(500, "CNY")))
	d := must(t)(x.buy(drink(500, "CNY")))
	var input *errs.InputError
	if _, err := x.cancel(d.Record.Seq, 1); !errors.As(err, &input) || input.Field != "n" {
		t.Fatal(err)
	}
	if d := must(t)(x.cancel(1, 0)); d.Record.N != -2 || x.card.State.Bought != 1 {
		t.Fatal(d)
	}
	if _, err := x.cancel(1, 0); !errors.Is(err, ErrCancelled) {
		t.Fatal(err)
	}
	if d := must(t)(x.cancel(2, 0)); d.Record.N != 0 || x.card.State.Bought != 0 {
		t.Fatal(d)
	}
}

func TestPurchasesTowardsAStampLapseWithTheRound(t *testing.T) {
	x := newTill(t, everySecond(t, func(d *Definition) { d.Card.Expiry.Days = 10 }))
	for range 3 {
		must(t)(x.buy(drink(500, "CNY")))
	}
	x.now = noon.AddDate(0, 0, 10)
	if d := must(t)(x.buy(drink(500, "CNY"))); d.Record.N != 0 || x.card.State.Bought != 1 {
		t.Fatal(d, x.card.State)
	}
	if _, err := x.cancel(3, 0); !errors.Is(err, ErrTooFew) {
		t.Fatal(err)
	}
}

func TestAnotherVersionAsksForFewerPurchases(t *testing.T) {
	first := everySecond(t, func(d *Definition) { d.Card.Earn.Purchases = 9 })
	second := everySecond(t, func(d *Definition) { d.Version, d.Card.Earn.Purchases = 2, 3 })
	x := newTill(t, first)
	for range 6 {
		must(t)(x.buy(drink(500, "CNY")))
	}
	x.rules = NewRules(second, first)
	d := must(t)(x.buy(drink(500, "CNY")))
	if d.Record.N != 1 || x.card.State.Bought != 0 {
		t.Fatal("what was bought before does not count", d, x.card.State)
	}
	must(t)(x.cancel(d.Record.Seq, 0))
	if x.card.State.Bought != 6 || x.card.Total != 0 {
		t.Fatal(x.card)
	}
}
