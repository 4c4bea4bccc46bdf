package loyalty_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
)

// shop returns a program with these rules and metrics.
func shop(rules []loyalty.Rule, metrics ...loyalty.Metric) loyalty.Definition {
	return loyalty.Definition{
		ID: "club", Version: 1, Zone: "UTC", Money: "CNY", Currencies: []loyalty.Currency{{ID: "points"}}, Rules: rules, Metrics: metrics,
	}
}

func line(id, category string, gross int64) loyalty.Line {
	return loyalty.Line{ID: id, SKU: id, Category: category, Gross: gross}
}

func order(key string, lines ...loyalty.Line) loyalty.Earn {
	return loyalty.Earn{Account: alice, Event: loyalty.Event{Purchase: &loyalty.Purchase{Currency: "CNY", Lines: lines}}, Key: key}
}

func back(of string, lines ...loyalty.LineRefund) loyalty.Refund {
	return loyalty.Refund{Account: alice, Of: of, Lines: lines, All: lines == nil, Key: of + "-back"}
}

func half(r loyalty.Refund, amount int64) loyalty.Refund {
	r.All, r.Amount, r.Key = false, amount, fmt.Sprint(r.Key, "-", amount)
	return r
}

func TestRefundsTakeBackWhatCounted(t *testing.T) {
	perMoney := loyalty.Rule{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}
	food := loyalty.Rule{ID: "food", Lines: `line.category == "food"`, Bonus: true, Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 10}}
	capped := func(r loyalty.Rule, caps ...loyalty.Cap) loyalty.Rule { r.Caps = caps; return r }
	shipping := loyalty.Line{ID: "ship", Kind: loyalty.Shipping, Gross: 1_000}
	spent := loyalty.Metric{ID: "m", Of: loyalty.CountMoney}
	star := loyalty.Rule{ID: "star", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 50, Part: loyalty.Carry}}
	tens := loyalty.Rule{ID: "tens", Give: loyalty.Give{Points: "10", Per: loyalty.PerMoney, Amount: 1_000, Part: loyalty.Carry}}
	for _, c := range []struct {
		name   string
		d      loyalty.Definition
		do     []loyalty.Command
		points int64
		metric int64
	}{
		{"shipping that comes back takes nothing from a metric that did not count it",
			shop([]loyalty.Rule{perMoney}, spent),
			[]loyalty.Command{order("1", line("a", "", 9_000), shipping), back("1", loyalty.LineRefund{ID: "ship", Amount: 1_000})}, 90, 9_000},
		{"all of what was counted back leaves nothing",
			shop([]loyalty.Rule{perMoney}, loyalty.Metric{ID: "m", Of: loyalty.CountMoney, Lines: `line.category == "food"`}),
			[]loyalty.Command{order("1", line("a", "food", 1_000), line("b", "toys", 9_000)), back("1", loyalty.LineRefund{ID: "a", Amount: 1_000})}, 90, 0},
		{"one of two items back counts one",
			shop(nil, loyalty.Metric{ID: "m", Of: loyalty.CountItems}),
			[]loyalty.Command{order("1", loyalty.Line{ID: "a", Quantity: 2, Gross: 999}), back("1", loyalty.LineRefund{ID: "a", Items: 1})}, 0, 1},
		{"all goods back and the shipping not is no visit",
			shop(nil, loyalty.Metric{ID: "m", Of: loyalty.CountPurchases}),
			[]loyalty.Command{order("1", line("a", "", 9_000), shipping), back("1", loyalty.LineRefund{ID: "a", Amount: 9_000})}, 0, 0},
		{"points of two pending periods go back from their metric, each with its own",
			shop([]loyalty.Rule{perMoney, {ID: "later", Pending: 30, Lines: `line.category == "food"`, Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 10}}},
				loyalty.Metric{ID: "m", Of: loyalty.CountPoints}),
			[]loyalty.Command{order("1", line("a", "food", 1_000), line("b", "", 9_000)), back("1", loyalty.LineRefund{ID: "a", Amount: 1_000})}, 90, 90},
		{"a bonus for a line goes with its line",
			shop([]loyalty.Rule{perMoney, food}, spent),
			[]loyalty.Command{order("1", line("a", "food", 1_000), line("b", "", 9_000)), back("1", loyalty.LineRefund{ID: "a", Amount: 1_000})}, 90, 9_000},
		{"a bonus for a line stays with its line",
			shop([]loyalty.Rule{perMoney, food}, spent),
			[]loyalty.Command{order("1", line("a", "food", 1_000), line("b", "", 9_000)), back("1", loyalty.LineRefund{ID: "b", Amount: 9_000})}, 110, 1_000},
		{"what a multiplier with a cap added goes with its line",
			shop([]loyalty.Rule{perMoney, {ID: "x", Lines: `line.category == "food"`, Give: loyalty.Give{Times: "3"}, Caps: []loyalty.Cap{{Points: 15, Per: loyalty.Day}}}}),
			[]loyalty.Command{order("1", line("a", "food", 1_000), line("b", "", 9_000)), back("1", loyalty.LineRefund{ID: "a", Amount: 1_000})}, 90, 0},
		{"a line's use of a cap comes back with it",
			shop([]loyalty.Rule{capped(food, loyalty.Cap{Points: 100, Per: loyalty.Day})}),
			[]loyalty.Command{order("1", line("a", "food", 1_000), line("b", "", 9_000)), back("1", loyalty.LineRefund{ID: "a", Amount: 1_000}),
				order("2", line("a", "food", 1_000))}, 100, 0},
		{"another purchase that the cap cut takes the place of one that came back",
			shop([]loyalty.Rule{capped(perMoney, loyalty.Cap{Points: 100, Per: loyalty.Day})}),
			[]loyalty.Command{order("1", line("a", "", 8_000)), order("2", line("a", "", 8_000)), back("1")}, 80, 0},
		{"and goes back with what it has then",
			shop([]loyalty.Rule{capped(perMoney, loyalty.Cap{Points: 100, Per: loyalty.Day})}),
			[]loyalty.Command{order("1", line("a", "", 8_000)), order("2", line("a", "", 8_000)), back("1"), back("2")}, 0, 0},
		{"a welcome of once a day stays for the other purchase of the day",
			shop([]loyalty.Rule{{ID: "hello", Give: loyalty.Give{Points: "10", Per: loyalty.PerEvent}, Caps: []loyalty.Cap{{Times: 1, Per: loyalty.Day}}}}),
			[]loyalty.Command{order("1", line("a", "", 8_000)), order("2", line("a", "", 100)), back("1")}, 10, 0},
		{"a percentage of once a day does not",
			shop([]loyalty.Rule{capped(perMoney, loyalty.Cap{Times: 1, Per: loyalty.Day})}),
			[]loyalty.Command{order("1", line("a", "", 8_000)), order("2", line("a", "", 100)), back("1"), order("3", line("a", "", 200))}, 2, 0},
		{"what was carried comes back: 0.49 bought and returned, and 0.01 is no star",
			shop([]loyalty.Rule{star}),
			[]loyalty.Command{order("1", line("a", "", 49)), back("1"), order("2", line("a", "", 1))}, 0, 0},
		{"nor where it was returned after the other one",
			shop([]loyalty.Rule{star}),
			[]loyalty.Command{order("1", line("a", "", 49)), order("2", line("a", "", 1)), back("1"), order("3", line("a", "", 48))}, 0, 0},
		{"three rounds of it are none either",
			shop([]loyalty.Rule{star}),
			[]loyalty.Command{
				order("1", line("a", "", 49)), back("1"), order("2", line("a", "", 1)),
				order("3", line("a", "", 49)), back("3"), order("4", line("a", "", 1)),
				order("5", line("a", "", 49)), back("5"), order("6", line("a", "", 1)),
			}, 0, 0},
		{"a part of a star is owed until it is whole",
			shop([]loyalty.Rule{star}),
			[]loyalty.Command{order("1", line("a", "", 100)), half(back("1"), 1), order("2", line("a", "", 50))}, 2, 0},
		{"a block goes back once as much came back as is carried and a block more, and not a part of it before",
			shop([]loyalty.Rule{tens}),
			[]loyalty.Command{order("1", line("a", "", 2_500)), half(back("1"), 1_249)}, 20, 0},
		{"then whole, and once, however many refunds it takes",
			shop([]loyalty.Rule{tens}),
			[]loyalty.Command{order("1", line("a", "", 2_500)), half(back("1"), 1_249), half(back("1"), 1), half(back("1"), 250), half(back("1"), 999)}, 10, 0},
		{"a part of a purchase takes its share of blocks alone where another purchase used what it carried",
			shop([]loyalty.Rule{tens}),
			[]loyalty.Command{order("1", line("a", "", 2_900)), order("2", line("a", "", 100)), half(back("1"), 2_800)}, 20, 0},
		{"and all of it takes what the other one completed thanks to it",
			shop([]loyalty.Rule{tens}),
			[]loyalty.Command{order("1", line("a", "", 2_900)), order("2", line("a", "", 100)), half(back("1"), 2_800), back("1")}, 0, 0},
		{"a rate that carries, beside others, takes no part of a block: 101 of 99.99 at 2 for 100, and 5 for an item, twice",
			shop([]loyalty.Rule{
				{ID: "rate", Group: "rates", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100, Part: loyalty.Carry}},
				{ID: "item", Give: loyalty.Give{Points: "5", Per: loyalty.PerItem}}, {ID: "twice", Give: loyalty.Give{Times: "2"}},
			}),
			[]loyalty.Command{order("1", line("a", "", 9_999)), half(back("1"), 101)}, 208, 0},
		{"a milestone goes with the metric that came to it, whichever purchase did",
			shop([]loyalty.Rule{{ID: "mile", Give: loyalty.Give{Points: "11", Per: loyalty.PerMilestone, Metric: "m", Amount: 7_000}}}, spent),
			[]loyalty.Command{order("1", line("a", "", 4_000)), order("2", line("a", "", 3_000)), back("1")}, 0, 3_000},
		{"and comes with it again",
			shop([]loyalty.Rule{{ID: "mile", Give: loyalty.Give{Points: "11", Per: loyalty.PerMilestone, Metric: "m", Amount: 7_000}}}, spent),
			[]loyalty.Command{order("1", line("a", "", 4_000)), order("2", line("a", "", 3_000)), back("1"), order("3", line("a", "", 4_000))}, 11, 7_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := loyalty.Compile(c.d)
			if err != nil {
				t.Fatal(err)
			}
			sim, now := loyalty.Simulate(p), noon
			for _, command := range c.do {
				now = now.Add(time.Minute)
				if _, err := sim.Do(command, now); err != nil {
					t.Fatal(err)
				}
			}
			a, _ := sim.Account(alice, now)
			b := a.Wallet("points").Balance(now)
			if got := b.Available + b.Pending - b.Debt; got != c.points {
				t.Errorf("%d points, want %d", got, c.points)
			}
			for _, n := range a.Tallies {
				if n.Name == "metric/m" && n.Tally.Total != c.metric {
					t.Errorf("the metric has %d, want %d", n.Tally.Total, c.metric)
				}
			}
		})
	}
}

// Points that go with a level stay where it was had by a purchase alone that came back, and go where
// the level had fallen without it.
func TestReturnsAndPointsThatGoWithALevel(t *testing.T) {
	d := shop([]loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
		loyalty.Metric{ID: "m", Of: loyalty.CountMoney, Window: loyalty.Window{Days: 20}})
	d.Tiers = &loyalty.Tiers{
		Levels: []loyalty.Level{{ID: "member"}, {ID: "gold", Needs: []loyalty.Need{{"m": 100_000}}}}, Downgrade: loyalty.OnRefund,
		Valid: loyalty.Validity{Expiry: loyalty.Expiry{Days: 5}}, Lose: []ids.Currency{"points"},
	}
	bought := func(day int, amount int64) loyalty.Earn { return order(fmt.Sprint(day, "-buy"), line("a", "", amount)) }
	returned := func(day int, of string) loyalty.Refund {
		return loyalty.Refund{Account: alice, Of: of, All: true, Key: fmt.Sprint(day, "-back")}
	}
	for _, c := range []struct {
		name     string
		commands []loyalty.Command
		points   int64
	}{
		{"the level was had by it alone", []loyalty.Command{bought(0, 9_000), bought(1, 100_000), returned(2, "1-buy")}, 90},
		{"and is had again by another", []loyalty.Command{bought(0, 9_000), bought(1, 100_000), returned(2, "1-buy"), bought(3, 100_000)}, 1_090},
		{"the level was had without it", []loyalty.Command{bought(0, 100_000), bought(1, 9_000), returned(2, "1-buy")}, 1_000},
		{"the level had fallen without it", []loyalty.Command{bought(0, 100_000), bought(15, 100_000), returned(27, "15-buy")}, 0},
	} {
		last := c.commands[len(c.commands)-1]
		var day int
		if _, err := fmt.Sscan(keyOf(last), &day); err != nil {
			t.Fatal(err)
		}
		a, _ := played(t, d, c.commands...).Account(alice, days(day))
		if got := a.Wallet("points").Balance(days(day)); got.Available != c.points || got.Debt != 0 {
			t.Errorf("%s: %+v, want %d", c.name, got, c.points)
		}
	}
}

// An event that counts nothing that a level needs does not make it valid anew.
func TestWhatCountsNothingEarnsNoLevelAgain(t *testing.T) {
	d := shop(nil, loyalty.Metric{ID: "m", Of: loyalty.CountMoney, Window: loyalty.Window{Calendar: loyalty.Year}},
		loyalty.Metric{ID: "reviews", Of: loyalty.CountEvents, On: "review", Window: loyalty.Window{Calendar: loyalty.Year}})
	d.Tiers = &loyalty.Tiers{
		Levels: []loyalty.Level{{ID: "member"}, {ID: "gold", Needs: []loyalty.Need{{"m": 100_000}}}}, Downgrade: loyalty.OnRefund,
		Valid: loyalty.Validity{Expiry: loyalty.Expiry{Days: 60}},
	}
	review := loyalty.Earn{Account: alice, Event: loyalty.Event{Kind: "review"}, Key: "20-review"}
	for _, others := range [][]loyalty.Command{
		nil, {review}, {order("20-free", line("a", "", 0))}, {order("20-more", line("a", "", 1)), loyalty.Refund{Account: alice, Of: "20-more", All: true, Key: "21-back"}},
		{review, order("21-more", line("a", "", 1)), loyalty.Refund{Account: alice, Of: "21-more", All: true, Key: "22-back"}},
	} {
		a, _ := played(t, d, append([]loyalty.Command{order("0-gold", line("a", "", 100_000))}, others...)...).Account(alice, days(25))
		if want := days(61).Truncate(24 * time.Hour); a.Status.Level != "gold" || !a.Status.Until.Equal(want) {
			t.Errorf("%+v: gold until %s, want %s", others, a.Status.Until, want)
		}
	}
}
