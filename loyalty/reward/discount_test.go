package reward_test

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/loyalty/reward"
)

// deduct is what a reward with those discounts takes off a cart.
func deduct(t testing.TB, value int64, cart reward.Cart, discounts ...reward.Discount) reward.Deduction {
	t.Helper()
	c := must[*reward.Catalog](t)(reward.Compile(catalog(reward.Reward{ID: "off", Value: value, Discounts: discounts})))
	return must[reward.Deduction](t)(c.Deduct("off", value, cart))
}

func TestDeduct(t *testing.T) {
	cart := func(lines ...reward.CartLine) reward.Cart { return reward.Cart{Currency: "CNY", Lines: lines} }
	coffee := reward.CartLine{ID: "1", SKU: "latte", Categories: []string{"coffee"}, Quantity: 2, Price: 3200}
	cake := reward.CartLine{ID: "2", SKU: "cake", Categories: []string{"food", "cake"}, Price: 2500}
	beans := reward.CartLine{ID: "3", SKU: "beans", Categories: []string{"coffee", "retail"}, Price: 12800}
	off := func(id string, n int64) reward.DeductedLine { return reward.DeductedLine{ID: id, N: n} }
	free := func(id string, n, items int64) reward.DeductedLine {
		return reward.DeductedLine{ID: id, N: n, Items: items}
	}
	for _, tt := range []struct {
		name      string
		cart      reward.Cart
		value     int64
		discounts []reward.Discount
		want      []reward.DeductedLine
		steps     []reward.DeductionStep // nil: not compared
	}{
		{"20 % off", cart(coffee, cake), 0, []reward.Discount{{BasisPoints: 2000}},
			[]reward.DeductedLine{off("1", 1280), off("2", 500)}, []reward.DeductionStep{{Of: 8900, N: 1780, Why: reward.Gave}}},
		{"20 % off, at most 40.00", cart(coffee, cake, beans), 0, []reward.Discount{{BasisPoints: 2000, Most: 4000}},
			[]reward.DeductedLine{off("1", 1180), off("2", 461), off("3", 2359)}, []reward.DeductionStep{{Of: 21700, N: 4000, Why: reward.CappedMost}}},
		{"the cheapest item free", cart(coffee, cake, beans), 0, []reward.Discount{{Free: 1}}, []reward.DeductedLine{free("2", 2500, 1)}, nil},
		{"the two cheapest items free", cart(coffee, cake, beans), 0, []reward.Discount{{Free: 2}},
			[]reward.DeductedLine{free("1", 3200, 1), free("2", 2500, 1)}, nil},
		{"the cheapest of a category free", cart(coffee, cake, beans), 0, []reward.Discount{{Free: 1, Categories: []string{"coffee"}}},
			[]reward.DeductedLine{free("1", 3200, 1)}, nil},
		{"the cheapest free, at most 20.00", cart(coffee, cake), 0, []reward.Discount{{Free: 1, Most: 2000}},
			[]reward.DeductedLine{free("2", 2000, 1)}, []reward.DeductionStep{{Of: 8900, N: 2000, Why: reward.CappedMost}}},
		{"an item that costs nothing is not the cheapest", cart(cake, reward.CartLine{ID: "gift"}), 0, []reward.Discount{{Free: 1}},
			[]reward.DeductedLine{free("2", 2500, 1)}, nil},
		{"more free items than there are", cart(coffee), 0, []reward.Discount{{Free: 5}}, []reward.DeductedLine{free("1", 6400, 2)}, nil},
		{"of three the cheapest is free, and here are two", cart(coffee), 0, []reward.Discount{{Free: 1, MinItems: 3}}, nil,
			[]reward.DeductionStep{{Of: 6400, Why: reward.BelowMinItems}}},
		{"10.00 off", cart(coffee, cake), 0, []reward.Discount{{Amount: 1000}}, []reward.DeductedLine{off("1", 719), off("2", 281)}, nil},
		{"100.00 off is no more than the cart", cart(cake), 0, []reward.Discount{{Amount: 10000}}, []reward.DeductedLine{off("2", 2500)},
			[]reward.DeductionStep{{Of: 2500, N: 2500, Why: reward.CappedLines}}},
		{"20.00 off from 100.00, which it comes to", cart(coffee, cake), 0, []reward.Discount{{Amount: 2000, Min: 8900}},
			[]reward.DeductedLine{off("1", 1438), off("2", 562)}, nil},
		{"20.00 off from 100.00, which it does not come to", cart(coffee, cake), 0, []reward.Discount{{Amount: 2000, Min: 8901}}, nil,
			[]reward.DeductionStep{{Of: 8900, Why: reward.BelowMin}}},
		{"one rate a category, and one for the rest", cart(coffee, cake, beans), 0,
			[]reward.Discount{{BasisPoints: 1000, Categories: []string{"retail"}}, {BasisPoints: 5000, Categories: []string{"coffee"}}, {Amount: 100}},
			[]reward.DeductedLine{off("1", 3200), off("2", 100), off("3", 1280)},
			[]reward.DeductionStep{{0, 12800, 1280, reward.Gave}, {1, 6400, 3200, reward.Gave}, {2, 2500, 100, reward.Gave}}},
		{"a product", cart(coffee, cake), 0, []reward.Discount{{BasisPoints: 10000, SKUs: []string{"cake"}}}, []reward.DeductedLine{off("2", 2500)}, nil},
		{"all but a category and a product", cart(coffee, cake, beans), 0,
			[]reward.Discount{{BasisPoints: 1000, NotCategories: []string{"food"}, NotSKUs: []string{"beans"}}}, []reward.DeductedLine{off("1", 640)}, nil},
		{"nothing of a category that is not there", cart(coffee), 0, []reward.Discount{{BasisPoints: 1000, Categories: []string{"tea"}}}, nil,
			[]reward.DeductionStep{{Why: reward.NoLine}}},
		{"a value, at most half of the order", cart(coffee, cake), 5000, []reward.Discount{{Value: true, MostOfOrder: 5000}},
			[]reward.DeductedLine{off("1", 3200), off("2", 1250)}, []reward.DeductionStep{{Of: 8900, N: 4450, Why: reward.CappedOrder}}},
		{"a value for a category, at most half of the whole order", cart(coffee, cake), 5000,
			[]reward.Discount{{Value: true, MostOfOrder: 5000, Categories: []string{"cake"}}}, []reward.DeductedLine{off("2", 2500)}, nil},
		{"what was reduced already", cart(reward.CartLine{ID: "1", Quantity: 3, Price: 1000, Reduced: 1000}), 0, []reward.Discount{{BasisPoints: 5000}},
			[]reward.DeductedLine{off("1", 1000)}, nil},
		{"an item of what was reduced already", cart(reward.CartLine{ID: "1", Quantity: 3, Price: 1000, Reduced: 1000}), 0, []reward.Discount{{Free: 1}},
			[]reward.DeductedLine{free("1", 666, 1)}, nil},
		{"a third of a cent is the shop's", cart(reward.CartLine{ID: "1", Price: 1}), 0, []reward.Discount{{BasisPoints: 3333}}, nil,
			[]reward.DeductionStep{{Of: 1, Why: reward.Gave}}},
		{"three equal lines share a cent by their ids", cart(reward.CartLine{ID: "c", Price: 10}, reward.CartLine{ID: "a", Price: 10}, reward.CartLine{ID: "b", Price: 10}),
			0, []reward.Discount{{Amount: 1}}, []reward.DeductedLine{off("a", 1)}, nil},
		{"the largest amounts", cart(reward.CartLine{ID: "1", Price: 999_999_999_999}, reward.CartLine{ID: "2", Price: 1}), 0, []reward.Discount{{BasisPoints: 9999}},
			[]reward.DeductedLine{off("1", 999_899_999_999), off("2", 1)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := deduct(t, tt.value, tt.cart, tt.discounts...)
			if diff := cmp.Diff(tt.want, got.Lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.steps, got.Steps); tt.steps != nil && diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

// drawCart draws a cart of few products, so that lines tie.
func drawCart(t *rapid.T) reward.Cart {
	c := reward.Cart{Currency: "CNY"}
	some := func(label string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"coffee", "food", "retail"}), 0, 2, rapid.ID[string]).Draw(t, label)
	}
	for i := range rapid.IntRange(1, 6).Draw(t, "lines") {
		l := reward.CartLine{
			ID: fmt.Sprint("line-", i), SKU: rapid.SampledFrom([]string{"", "latte", "cake"}).Draw(t, "sku"), Categories: some("categories"),
			Quantity: rapid.Int64Range(0, 4).Draw(t, "quantity"), Price: rapid.SampledFrom([]int64{0, 1, 3, 999, 1000, 33_333_333_333}).Draw(t, "price"),
		}
		l.Reduced = rapid.Int64Range(0, max(1, l.Quantity)*l.Price).Draw(t, "reduced")
		c.Lines = append(c.Lines, l)
	}
	return c
}

func drawDiscount(t *rapid.T) reward.Discount {
	few := func(label string, n int64) int64 {
		return rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1, n)).Draw(t, label)
	}
	d := reward.Discount{
		Most: few("most", 3000), MostOfOrder: few("mostOfOrder", 10_000), Min: few("min", 2000), MinItems: few("minItems", 3),
	}
	ids := func(label string) []string {
		return rapid.SliceOfN(rapid.SampledFrom([]string{"latte", "cake", "coffee", "food"}), 0, 1).Draw(t, label)
	}
	d.SKUs, d.Categories, d.NotSKUs, d.NotCategories = ids("skus"), ids("categories"), ids("notSkus"), ids("notCategories")
	switch rapid.IntRange(0, 2).Draw(t, "way") {
	case 0:
		d.BasisPoints = rapid.Int64Range(1, 10_000).Draw(t, "basis points")
	case 1:
		d.Amount = rapid.Int64Range(1, 5000).Draw(t, "amount")
	default:
		d.Free = rapid.Int64Range(1, 5).Draw(t, "free")
	}
	return d
}

// TestWhatIsTakenOffACart holds the laws of every discount: the lines add up to the total, and so
// do the steps; no line is reduced below zero, nor twice; no bound is passed; the order of the
// lines and the ways to write an item don't matter.
func TestWhatIsTakenOffACart(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cart := drawCart(rt)
		var discounts []reward.Discount
		for range rapid.IntRange(1, 3).Draw(rt, "discounts") {
			discounts = append(discounts, drawDiscount(rt))
		}
		c, err := reward.Compile(catalog(reward.Reward{ID: "off", Discounts: discounts}))
		if err != nil {
			rt.Skip(err) // one is never reached
		}
		got := must[reward.Deduction](t)(c.Deduct("off", 0, cart))
		left := map[string]int64{}
		for _, l := range cart.Lines {
			left[l.ID] = max(1, l.Quantity)*l.Price - l.Reduced
		}
		var lines, steps int64
		seen := map[string]bool{}
		for _, l := range got.Lines {
			if l.N <= 0 || l.N > left[l.ID] || seen[l.ID] {
				rt.Fatalf("line %s, which comes to %d, is reduced by %d", l.ID, left[l.ID], l.N)
			}
			seen[l.ID] = true
			lines += l.N
		}
		for i, s := range got.Steps {
			d := discounts[i]
			steps += s.N
			limit := func(name string, most int64) {
				if s.N > most {
					rt.Fatalf("discount %d took %d, more than %s, %d", i, s.N, name, most)
				}
			}
			limit("the lines", s.Of)
			if d.Most > 0 {
				limit("most", d.Most)
			}
			if d.MostOfOrder > 0 {
				limit("its share of the order", new(big.Int).Quo(new(big.Int).Mul(big.NewInt(cart.Total()), big.NewInt(d.MostOfOrder)), big.NewInt(10_000)).Int64())
			}
			if d.Amount > 0 {
				limit("its amount", d.Amount)
			}
			// Rounding takes less than a minor unit from the member, and never gives one.
			if exact := s.Of * d.BasisPoints; d.BasisPoints > 0 && s.Why == reward.Gave && (s.N*10_000 > exact || exact-s.N*10_000 >= 10_000) {
				rt.Fatalf("%d of %d for %d basis points", s.N, s.Of, d.BasisPoints)
			}
		}
		if lines != got.Total || steps != got.Total || got.Total < 0 || got.Total > cart.Total() {
			rt.Fatalf("total %d of %d, lines %d, steps %d", got.Total, cart.Total(), lines, steps)
		}
		shuffled := reward.Cart{Currency: "CNY", Lines: rapid.Permutation(cart.Lines).Draw(rt, "order")}
		again := must[reward.Deduction](t)(c.Deduct("off", 0, shuffled))
		if diff := cmp.Diff(got, again); diff != "" {
			rt.Fatalf("in another order (-first +second):\n%s", diff)
		}
	})
}

// TestAShareOfALineIsNearestToItsPart: each line is within one minor unit of its exact share, a
// dearer one never gets less.
func TestAShareOfALineIsNearestToItsPart(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cart := drawCart(rt)
		d := deduct(t, 0, cart, reward.Discount{BasisPoints: rapid.Int64Range(1, 10_000).Draw(rt, "basis points")})
		for _, l := range cart.Lines {
			left, n := max(1, l.Quantity)*l.Price-l.Reduced, int64(0)
			if i := slices.IndexFunc(d.Lines, func(x reward.DeductedLine) bool { return x.ID == l.ID }); i >= 0 {
				n = d.Lines[i].N
			}
			if cart.Total() == 0 {
				continue
			}
			exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(d.Total), big.NewInt(left)), big.NewInt(cart.Total()))
			off := exact.Sub(exact, new(big.Rat).SetInt64(n))
			if off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				rt.Fatalf("line %s of %d gets %d of %d", l.ID, left, n, d.Total)
			}
		}
	})
}

func TestPointsThatPayAtMostAShareOfAnOrder(t *testing.T) {
	half := reward.Reward{
		ID: "pay", Table: &reward.Table{Steps: []reward.Step{{Points: 1000, Value: 1100}, {Points: 1, Value: 1}}},
		Discounts: []reward.Discount{{Value: true, MostOfOrder: 5000, NotCategories: []string{"giftcard"}}},
	}
	r := compile(t, catalog(half))
	cart := func(prices ...int64) *reward.Cart {
		c := &reward.Cart{Currency: "CNY"}
		for i, p := range prices {
			c.Lines = append(c.Lines, reward.CartLine{ID: fmt.Sprint(i), Price: p})
		}
		return c
	}
	giftCard := cart(10_000, 500)
	giftCard.Lines[0].Categories = []string{"giftcard"}
	for _, tt := range []struct {
		name          string
		points        int64
		cart          *reward.Cart
		taken, value  int64
		err           error
		ofWhichIsPaid int64
	}{
		{"more points than half of it", 50_000, cart(5000, 3001), 3700, 4000, nil, 4000},
		{"fewer points than that", 120, cart(8000), 120, 120, nil, 120},
		{"any order", 2000, nil, 2000, 2200, nil, 0},
		{"what may not be paid with points is not", 50_000, giftCard, 500, 500, nil, 500},
		{"an order of a cent, of which half is nothing", 50_000, cart(1), 0, 0, reward.ErrTooFew, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := issue("pay", 1, reward.Price{Points: tt.points})
			x.Cart = tt.cart
			d, err := r.Issue(reward.Holder{ID: alice}, nil, x, noon)
			is(t, "issue", err, tt.err)
			if err != nil {
				return
			}
			v := d.Vouchers[0]
			if v.Price.Points != tt.taken || v.Value != tt.value {
				t.Errorf("%d points make %d, want %d and %d", v.Price.Points, v.Value, tt.taken, tt.value)
			}
			if tt.cart == nil {
				return
			}
			used := must[reward.Decision](t)(r.Redeem(d.Next, &v, reward.Redeem{Cart: tt.cart}, noon))
			if used.Deduction.Total != tt.ofWhichIsPaid {
				t.Errorf("%d are paid, want %d", used.Deduction.Total, tt.ofWhichIsPaid)
			}
		})
	}
	// The law: whatever is taken for a cart, all of its value is used on that cart.
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCart(rt)
		x := issue("pay", 1, reward.Price{Points: rapid.Int64Range(1, 10_000).Draw(rt, "points")})
		x.Cart = &c
		d, err := r.Issue(reward.Holder{ID: alice}, nil, x, noon)
		if errors.Is(err, reward.ErrTooFew) {
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		if got := must[reward.Deduction](t)(r.Deduct(d.Vouchers[0], c)); got.Total != d.Vouchers[0].Value || got.Total > c.Total()/2 {
			rt.Fatalf("a voucher of %d takes %d off a cart of %d", d.Vouchers[0].Value, got.Total, c.Total())
		}
	})
}

func TestAVoucherIsNotUsedForNothing(t *testing.T) {
	r := compile(t, catalog(reward.Reward{ID: "tea", Discounts: []reward.Discount{{BasisPoints: 5000, Categories: []string{"tea"}}}}, reward.Reward{ID: "cup"}))
	d := must[reward.Decision](t)(r.Issue(reward.Holder{ID: alice}, nil, issue("tea", 1, reward.Price{}), noon))
	c := &reward.Cart{Currency: "CNY", Lines: []reward.CartLine{{ID: "1", Categories: []string{"coffee"}, Price: 3000}}}
	_, err := r.Redeem(d.Next, &d.Vouchers[0], reward.Redeem{Cart: c}, noon)
	is(t, "a cart without tea", err, reward.ErrNothing)
	c.Currency = "EUR"
	_, err = r.Redeem(d.Next, &d.Vouchers[0], reward.Redeem{Cart: c}, noon)
	is(t, "another currency", err, reward.ErrCurrency)
	cup := must[reward.Decision](t)(r.Issue(reward.Holder{ID: alice}, nil, issue("cup", 1, reward.Price{}), noon))
	_, err = r.Redeem(cup.Next, &cup.Vouchers[0], reward.Redeem{Cart: &reward.Cart{Currency: "CNY", Lines: c.Lines}}, noon)
	is(t, "a reward without discounts", err, reward.ErrNothing)
	if used := must[reward.Decision](t)(r.Redeem(d.Next, &d.Vouchers[0], reward.Redeem{}, noon)); used.Deduction != nil {
		t.Error("without a cart it took off", used.Deduction)
	}
}

func TestCartsThatAreRefused(t *testing.T) {
	c := must[*reward.Catalog](t)(reward.Compile(catalog(reward.Reward{ID: "off", Discounts: []reward.Discount{{Amount: 1}}})))
	line := reward.CartLine{ID: "1", Price: 5}
	with := func(f func(l *reward.CartLine)) reward.Cart {
		l := line
		f(&l)
		return reward.Cart{Currency: "CNY", Lines: []reward.CartLine{l}}
	}
	for field, cart := range map[string]reward.Cart{
		"cart.currency":               {Lines: []reward.CartLine{line}},
		"cart.lines":                  {Currency: "CNY"},
		"cart.lines[0].id":            with(func(l *reward.CartLine) { l.ID = "" }),
		"cart.lines[0].sku":           with(func(l *reward.CartLine) { l.SKU = "a b" }),
		"cart.lines[0].categories":    with(func(l *reward.CartLine) { l.Categories = make([]string, 33) }),
		"cart.lines[0].categories[0]": with(func(l *reward.CartLine) { l.Categories = []string{""} }),
		"cart.lines[0].quantity":      with(func(l *reward.CartLine) { l.Quantity = -1 }),
		"cart.lines[0].price":         with(func(l *reward.CartLine) { l.Price = -1 }),
		"cart.lines[0].reduced":       with(func(l *reward.CartLine) { l.Reduced = 6 }),
		"cart.lines[1].id":            {Currency: "CNY", Lines: []reward.CartLine{line, line}},
		"cart.lines[1].price":         {Currency: "CNY", Lines: []reward.CartLine{{ID: "1", Price: 1_000_000_000_000}, {ID: "2", Price: 1}}},
	} {
		var input *errs.InputError
		if _, err := c.Deduct("off", 0, cart); !errors.As(err, &input) || input.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestDiscountsThatAreRefused(t *testing.T) {
	for path, r := range map[string]reward.Reward{
		"rewards[0].discounts[0].basisPoints":   {Discounts: []reward.Discount{{}}},
		"rewards[0].discounts[0].amount":        {Discounts: []reward.Discount{{Amount: -1}}},
		"rewards[0].discounts[0].free":          {Discounts: []reward.Discount{{Free: -1}}},
		"rewards[0].discounts[0].most":          {Discounts: []reward.Discount{{Amount: 1, Most: -1}}},
		"rewards[0].discounts[0].mostOfOrder":   {Discounts: []reward.Discount{{Amount: 1, MostOfOrder: 10_001}}},
		"rewards[0].discounts[0].min":           {Discounts: []reward.Discount{{Amount: 1, Min: -1}}},
		"rewards[0].discounts[0].minItems":      {Discounts: []reward.Discount{{Amount: 1, MinItems: -1}}},
		"rewards[0].discounts[0].value":         {Discounts: []reward.Discount{{Value: true}}},
		"rewards[0].discounts[1].value":         {Value: 5, Discounts: []reward.Discount{{Value: true, SKUs: []string{"a"}}, {Value: true}}},
		"rewards[0].discounts[0].categories[0]": {Discounts: []reward.Discount{{Amount: 1, Categories: []string{""}}}},
		"rewards[0].discounts[0].notSkus[0]":    {Discounts: []reward.Discount{{Amount: 1, NotSKUs: []string{"a b"}}}},
		"rewards[0].discounts[1]":               {Discounts: []reward.Discount{{Amount: 1}, {Amount: 2}}},
	} {
		r.ID = "off"
		_, err := reward.Compile(catalog(r))
		var d *errs.DefinitionError
		if !errors.As(err, &d) || !slices.ContainsFunc(d.Mistakes, func(m errs.Mistake) bool { return m.Path == path }) {
			t.Errorf("%s: %v", path, err)
		}
	}
	two := reward.Discount{BasisPoints: 1, Amount: 1}
	if _, err := reward.Compile(catalog(reward.Reward{ID: "off", Discounts: []reward.Discount{two}})); err == nil {
		t.Error("two ways at once are accepted")
	}
	none := catalog(reward.Reward{ID: "off", Discounts: []reward.Discount{{BasisPoints: 1}}})
	none.Money = ""
	if _, err := reward.Compile(none); err == nil {
		t.Error("a discount without money is accepted")
	}
}
