package loyalty_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/loyalty"
)

// The largest numbers that a definition and its events may have give an answer or a typed error on
// every way, and never a panic or a wrap: the books add up, and nothing is below zero.
func TestTheLargestNumbersOnEveryWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := additiveProgram(t)
		d.Currencies[0].Scale = pick(t, "scale", 0, 4)
		for i := range d.Rules {
			g := &d.Rules[i].Give
			switch {
			case g.Times != "":
				g.Times = pick[loyalty.Decimal](t, "times", "1000", "999.999999", "1.5")
			default:
				g.Points = pick[loyalty.Decimal](t, "points", "999999999", "999999999.999", "0.000001", "1")
				if g.Amount != 0 {
					g.Amount = pick[int64](t, "amount", 1, 3, 1_000_000_000)
				}
			}
			for j := range d.Rules[i].Caps {
				if c := &d.Rules[i].Caps[j]; c.Points != 0 {
					c.Points = pick[int64](t, "cap", 1, loyalty.MaxTally)
				}
			}
		}
		p, err := loyalty.Compile(d)
		if err != nil {
			return
		}
		sim := loyalty.Simulate(p)
		for i := range rapid.IntRange(1, 6).Draw(t, "commands") {
			e := anyEvent(t)
			for j := range e.Purchase.Lines {
				l := &e.Purchase.Lines[j]
				l.Quantity = pick[int64](t, "quantity", 1, loyalty.MaxItems)
				l.Gross = pick[int64](t, "gross", 0, 1, loyalty.MaxAmount/4, loyalty.MaxAmount)
				l.Discount, l.Tax, l.Covered = 0, 0, 0
			}
			key := fmt.Sprint("k", i)
			commands := []loyalty.Command{loyalty.Earn{Account: alice, Event: e, Key: key}}
			if maybe(t, "back") {
				commands = append(commands, loyalty.Refund{Account: alice, Of: key, Amount: pick[int64](t, "amount", 1, loyalty.MaxAmount), Key: key + "-some"},
					loyalty.Refund{Account: alice, Of: key, All: true, Key: key + "-back"})
			}
			for _, c := range commands {
				if _, err := sim.Do(c, noon.AddDate(0, 0, i)); err != nil {
					if _, bad := errors.AsType[*errs.InputError](err); !bad && !errors.Is(err, loyalty.ErrRefused) {
						t.Fatal(err)
					}
				}
			}
			a, _ := sim.Account(alice, noon.AddDate(0, 0, i))
			for _, h := range a.Holdings {
				b := h.Wallet.Balance(a.At)
				if h.Totals.Outstanding() != h.Wallet.Total() || b.Available < 0 || b.Pending < 0 || b.Debt < 0 {
					t.Fatalf("%+v", h)
				}
			}
		}
	})
}

func TestEventsAtTheirBounds(t *testing.T) {
	p, err := loyalty.Compile(shop([]loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 1}}}))
	if err != nil {
		t.Fatal(err)
	}
	items := func(n int64) loyalty.Line { return loyalty.Line{ID: "a", Gross: 1, Quantity: n} }
	for name, c := range map[string]struct {
		lines []loyalty.Line
		ok    bool
	}{
		"the largest amount":           {[]loyalty.Line{line("a", "", loyalty.MaxAmount)}, true},
		"one more":                     {[]loyalty.Line{line("a", "", loyalty.MaxAmount+1)}, false},
		"the largest amount of two":    {[]loyalty.Line{line("a", "", loyalty.MaxAmount-1), line("b", "", 1)}, true},
		"one more of two":              {[]loyalty.Line{line("a", "", loyalty.MaxAmount), line("b", "", 1)}, false},
		"less than nothing":            {[]loyalty.Line{line("a", "", -1)}, false},
		"as many items as may be":      {[]loyalty.Line{items(loyalty.MaxItems)}, true},
		"one item more":                {[]loyalty.Line{items(loyalty.MaxItems + 1)}, false},
		"no lines":                     {nil, false},
		"as many lines as may be":      {linesOf(loyalty.MaxLines), true},
		"one line more than there may": {linesOf(loyalty.MaxLines + 1), false},
	} {
		_, err := loyalty.Simulate(p).Do(order("k", c.lines...), noon)
		if _, bad := errors.AsType[*errs.InputError](err); c.ok != (err == nil) || !c.ok && !bad {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func linesOf(n int) (lines []loyalty.Line) {
	for i := range n {
		lines = append(lines, line(fmt.Sprint(i), "", 1))
	}
	return lines
}

func TestAnAmountOfMoneyIsNeverLeftOut(t *testing.T) {
	spent := loyalty.Metric{ID: "spent", Of: loyalty.CountMoney}
	for _, g := range []loyalty.Give{{Points: "1", Per: loyalty.PerMoney}, {Points: "1", Per: loyalty.PerMilestone, Metric: "spent"}} {
		_, err := loyalty.Compile(shop([]loyalty.Rule{{ID: "base", Give: g}}, spent))
		bad, ok := errors.AsType[*errs.DefinitionError](err)
		if !ok || len(bad.Mistakes) != 1 || bad.Mistakes[0].Path != "rules[0].give.amount" {
			t.Errorf("%+v: %v", g, err)
		}
	}
}
