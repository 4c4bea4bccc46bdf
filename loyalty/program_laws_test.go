package loyalty_test

import (
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func pick[V any](t *rapid.T, label string, from ...V) V {
	return rapid.SampledFrom(from).Draw(t, label)
}

func maybe(t *rapid.T, label string) bool { return rapid.Bool().Draw(t, label) }

// anyProgram draws a program with all kinds of rules.
func anyProgram(t *rapid.T) loyalty.Definition {
	d := loyalty.Definition{
		ID: "club", Version: 1, Zone: pick(t, "zone", "UTC", "Asia/Shanghai", "America/New_York"), Money: "CNY",
		Basis: pick(t, "basis", loyalty.Net, loyalty.Gross, loyalty.Untaxed),
		Currencies: []loyalty.Currency{{
			ID: "points", Scale: pick(t, "scale", 0, 1), Round: pick(t, "round", loyalty.Down, loyalty.HalfUp, loyalty.HalfEven, loyalty.Up),
			PerLine: maybe(t, "per line"), Pending: pick(t, "pending", 0, 0, 3), Inactive: maybe(t, "inactive"),
			Expiry:  pick(t, "expiry", loyalty.Expiry{Days: 10}, loyalty.Expiry{Months: 1, RoundUp: loyalty.Month}),
			ByLevel: maybe(t, "by level"), Begun: maybe(t, "begun"),
			Overdraft: pick(t, "overdraft", loyalty.BelowZero, loyalty.WithinBalance, loyalty.PendingOnly),
		}, {ID: "status"}},
		Metrics: []loyalty.Metric{
			{ID: "spent", Of: loyalty.CountMoney, Window: pick(t, "window", loyalty.Window{Days: 20}, loyalty.Window{Calendar: loyalty.Month}, loyalty.Window{})},
			{ID: "earned", Of: loyalty.CountPoints, Window: loyalty.Window{Calendar: loyalty.Month}},
		},
		Tiers: &loyalty.Tiers{
			Levels: []loyalty.Level{
				{ID: "low"}, {ID: "mid", Needs: []loyalty.Need{{"spent": 20_000}, {"earned": 300}}},
				{ID: "high", Needs: []loyalty.Need{{"spent": 40_000, "earned": 100}}, Expiry: map[ids.Currency]*loyalty.Expiry{"points": {}}},
			},
			Downgrade: pick(t, "downgrade", loyalty.AtEnd, loyalty.OnRefund),
			Valid:     loyalty.Validity{Expiry: pick(t, "valid", loyalty.Expiry{Days: 15}, loyalty.Expiry{RoundUp: loyalty.Month}, loyalty.Expiry{})},
			Rollover:  maybe(t, "rollover"), AtEnd: maybe(t, "at end"),
		},
	}
	points := &d.Currencies[0]
	points.ByLevel, points.Begun = points.ByLevel && !points.Inactive, points.Begun && points.Pending > 0
	if d.Tiers.Valid != (loyalty.Validity{}) {
		d.Tiers.ByOne, d.Tiers.Grace = maybe(t, "by one"), pick(t, "grace", 0, 3)
		if maybe(t, "lose") {
			d.Tiers.Lose = []ids.Currency{"points"}
		}
	}
	gifts(t, d)
	if maybe(t, "capped member") {
		d.Caps = []loyalty.Cap{{Points: 150, Per: loyalty.Day}}
	}
	for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
		r := loyalty.Rule{
			ID: loyalty.RuleID(fmt.Sprint("r", i)), Priority: pick(t, "priority", 0, 0, 1), Stop: pick(t, "stop", false, false, true),
			Exclusive: pick(t, "exclusive", false, false, false, true), MinSpend: pick[int64](t, "minimum", 0, 0, 5_000),
			If:    pick(t, "if", "", "", `tier != "low"`, `time.weekday <= 5`, `"vip" in member.labels`),
			Lines: pick(t, "lines", "", `line.sku == "a"`, `"red" in line.labels`),
		}
		switch pick(t, "kind", "rate", "rate", "item", "times", "times", "event", "milestone", "status") {
		case "rate":
			r.Give = loyalty.Give{Points: pick[loyalty.Decimal](t, "points", "1", "2.3", "0.125"), Per: loyalty.PerMoney, Amount: pick[int64](t, "amount", 100, 150),
				Part: pick(t, "part", loyalty.Fraction, loyalty.Whole, loyalty.Carry)}
			r.Group, r.Bonus = pick(t, "group", "", "", "rates"), maybe(t, "bonus")
			if r.Group != "" {
				r.Bonus = false
			}
		case "item":
			r.Give = loyalty.Give{Points: "5", Per: loyalty.PerItem, Amount: pick[int64](t, "items", 0, 3), Part: pick(t, "part", loyalty.Fraction, loyalty.Whole)}
		case "times":
			r.Give = loyalty.Give{Times: pick[loyalty.Decimal](t, "times", "2", "1.5", "0.25", "1.1")}
			r.Group = pick(t, "group", "", "times")
		case "event":
			r.Give, r.Lines = loyalty.Give{Points: "7.5", Per: loyalty.PerEvent}, ""
		case "milestone":
			r.Give, r.Lines = loyalty.Give{Points: "11", Per: loyalty.PerMilestone, Metric: "spent", Amount: 7_000}, ""
		case "status":
			r.Give, r.Currency = loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}, "status"
		}
		if r.Group == "" && r.Give.Per != loyalty.PerMilestone && r.Give.Times != "0.25" && maybe(t, "capped") {
			r.Caps = []loyalty.Cap{{Points: 40, Per: pick(t, "per", loyalty.PerOne, loyalty.Day, loyalty.Month)}}
		}
		d.Rules = append(d.Rules, r)
	}
	return d
}

func anyEvent(t *rapid.T) loyalty.Event {
	e := loyalty.Event{Purchase: &loyalty.Purchase{Currency: "CNY"}}
	if maybe(t, "vip") {
		e.Labels = []string{"vip"}
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "lines") {
		l := loyalty.Line{
			ID: fmt.Sprint(i), SKU: pick(t, "sku", "a", "b"), Quantity: rapid.Int64Range(0, 4).Draw(t, "quantity"),
			Gross: rapid.Int64Range(0, 9_999).Draw(t, "gross"), Kind: pick(t, "kind", loyalty.Item, loyalty.Item, loyalty.Item, loyalty.Shipping),
		}
		l.Discount = min(l.Gross, pick[int64](t, "discount", 0, 0, 99))
		l.Tax = min(l.Gross-l.Discount, pick[int64](t, "tax", 0, 7))
		l.Covered = min(l.Gross-l.Discount, pick[int64](t, "covered", 0, 0, 500))
		if maybe(t, "red") {
			l.Labels = []string{"red"}
		}
		e.Purchase.Lines = append(e.Purchase.Lines, l)
	}
	return e
}

func compiled(t *rapid.T, d loyalty.Definition) *loyalty.Program {
	p, err := loyalty.Compile(d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheOrderOfRulesAndLinesChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyProgram(t)
		shuffled := d
		shuffled.Rules = rapid.Permutation(d.Rules).Draw(t, "rules")
		one, other := compiled(t, d), compiled(t, shuffled)
		a, b := loyalty.Account{ID: alice}, loyalty.Account{ID: alice}
		for i := range rapid.IntRange(1, 4).Draw(t, "events") {
			e := anyEvent(t)
			turned := e
			turned.Purchase = &loyalty.Purchase{Currency: "CNY", Lines: rapid.Permutation(e.Purchase.Lines).Draw(t, "lines")}
			now := noon.AddDate(0, 0, i*3)
			first, err1 := one.Earn(a, e, now)
			second, err2 := other.Earn(b, turned, now)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			if diff := gocmp.Diff(first, second, gocmp.FilterPath(func(p gocmp.Path) bool { return p.Last().String() == ".also" }, gocmp.Ignore())); diff != "" {
				t.Fatal(diff)
			}
			a, b = first.Next, second.Next
		}
	})
}

func withoutGifts(d loyalty.Definition) loyalty.Definition {
	if d.Tiers != nil {
		for i := range d.Tiers.Levels {
			d.Tiers.Levels[i].Gift = nil
		}
	}
	return d
}

// What refunds took back so far is never more than was earned, and all of it in the end. Of one
// line it is the share of what came back in what was earned, rounded down. A rule that carries has
// its share taken back in whole blocks, after what it carries: less than two blocks of it may be
// taken later than that, never sooner. Milestones and the gifts of levels are not among it: they go
// back with what their metric comes to.
func TestRefundsTakeBackTheirShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := withoutGifts(anyProgram(t))
		d.Rules = slices.DeleteFunc(d.Rules, func(r loyalty.Rule) bool { return r.Give.Per == loyalty.PerMilestone })
		p := compiled(t, d)
		sim := loyalty.Simulate(p)
		e := anyEvent(t)
		one := maybe(t, "of one line")
		if one {
			e.Purchase.Lines = e.Purchase.Lines[:1]
		}
		earned, err := sim.Do(loyalty.Earn{Account: alice, Event: e, Key: "order"}, noon)
		if err != nil {
			t.Fatal(err)
		}
		var paid, back int64
		for _, l := range e.Purchase.Lines {
			paid += l.Gross - l.Discount
		}
		taken := map[ids.Currency]int64{}
		note := func(o loyalty.Outcome) {
			for _, m := range o.Moves {
				taken[m.Currency] += loyalty.Sum(m.Taken) + m.Owed + m.Forgone - loyalty.Sum(m.Credited)
			}
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "refunds") {
			if paid == back {
				break
			}
			n := rapid.Int64Range(1, paid-back).Draw(t, "amount")
			o, err := sim.Do(loyalty.Refund{Account: alice, Of: "order", Amount: n, Key: fmt.Sprint("refund-", i)}, noon.AddDate(0, 0, i))
			if err != nil {
				t.Fatal(err)
			}
			back += n
			note(o)
			for _, id := range []ids.Currency{"points", "status"} {
				x := new(big.Int).Mul(big.NewInt(earned.Earned(id)), big.NewInt(back))
				want := x.Quo(x, big.NewInt(paid)).Int64()
				least := want - later(d, id)
				if one && (taken[id] < least || taken[id] > want) || taken[id] > earned.Earned(id) || revived(o, id) {
					t.Fatalf("%s: %d of %d taken for %d of %d, want %d to %d", id, taken[id], earned.Earned(id), back, paid, least, want)
				}
			}
		}
		if o, err := sim.Do(loyalty.Refund{Account: alice, Of: "order", All: true, Key: "rest"}, noon.AddDate(0, 0, 9)); err == nil {
			note(o)
			for id, n := range taken {
				if n != earned.Earned(id) {
					t.Fatalf("%s: %d of %d taken in the end", id, n, earned.Earned(id))
				}
			}
		} else if back < paid {
			t.Fatal(err)
		}
		a, _ := sim.Account(alice, noon.AddDate(0, 0, 9))
		for _, tally := range a.Tallies {
			if tally.Name == "metric/spent" && tally.Tally.Total > 0 && a.Status.Since.Before(noon.AddDate(0, 0, 1)) && p.Definition().Tiers.Rollover == false {
				t.Fatalf("%+v is left", tally)
			}
		}
	})
}

// revived reports whether an outcome gives points of a currency.
func revived(o loyalty.Outcome, id ids.Currency) bool {
	return slices.ContainsFunc(o.Moves, func(m loyalty.Move) bool { return m.Currency == id && loyalty.Sum(m.Credited) > 0 })
}

// later returns how much of a currency a refund may take back later than its share comes to it: two
// blocks of each rule that carries.
func later(d loyalty.Definition, id ids.Currency) (n int64) {
	times, scale := big.NewRat(1, 1), int64(1)
	for range d.Currencies[0].Scale {
		scale *= 10
	}
	rat := func(n loyalty.Decimal) *big.Rat { x, _ := new(big.Rat).SetString(string(n)); return x }
	for _, r := range d.Rules {
		if x := r.Give.Times; x != "" && rat(x).Cmp(big.NewRat(1, 1)) > 0 {
			times.Mul(times, rat(x))
		}
	}
	for _, r := range d.Rules {
		if r.Give.Part == loyalty.Carry && id == "points" {
			two := new(big.Rat).Mul(times, rat(r.Give.Points))
			two.Mul(two, big.NewRat(2*scale, 1))
			n += new(big.Int).Quo(two.Num(), two.Denom()).Int64() + 1
		}
	}
	return n
}

// anyCommand draws a command of one of two members.
func anyCommand(t *rapid.T, i int, at time.Time) loyalty.Command {
	id, peer := alice, bob
	if maybe(t, "bob") {
		id, peer = bob, alice
	}
	key, of := fmt.Sprint("k", i), fmt.Sprint("k", rapid.IntRange(0, max(0, i-1)).Draw(t, "of"))
	n := rapid.Int64Range(1, 120).Draw(t, "n")
	if pick(t, "import", i == 0, false, false) {
		return anyImport(t, id, at, key)
	}
	switch pick(t, "command", "earn", "earn", "earn", "redeem", "reserve", "capture", "release", "adjust", "transfer", "refund", "refund",
		"return", "expire", "activate", "tier", "again", "merge") {
	case "earn":
		e := anyEvent(t)
		e.At = at.AddDate(0, 0, -rapid.IntRange(0, 40).Draw(t, "late"))
		return loyalty.Earn{Account: id, Event: e, Key: key}
	case "redeem":
		return loyalty.Redeem{Account: id, N: n, Key: key}
	case "reserve":
		return loyalty.Reserve{Account: id, N: n, Until: at.AddDate(0, 0, 2), Key: key}
	case "capture":
		return loyalty.Capture{Account: id, Hold: of, N: n, Key: key}
	case "release":
		return loyalty.Release{Account: id, Hold: of, Key: key}
	case "adjust":
		if maybe(t, "taken") {
			n = -n
		}
		return loyalty.Adjust{Account: id, N: n, Reason: "by hand", Key: key}
	case "transfer":
		return loyalty.Transfer{Account: id, To: peer.Member, N: n, Key: key}
	case "refund":
		if maybe(t, "all") {
			return loyalty.Refund{Account: id, Of: of, All: true, Key: key}
		}
		return loyalty.Refund{Account: id, Of: of, Amount: n * 20, Key: key}
	case "return":
		return loyalty.Return{Account: id, Of: of, Key: key}
	case "activate":
		return loyalty.Activate{Account: id, Of: of, Key: key}
	case "expire":
		return loyalty.Expire{Account: id, Key: key}
	case "tier":
		return loyalty.SetTier{Account: id, Level: pick[ids.Level](t, "level", "low", "mid", "high"), Until: at.AddDate(0, 0, 5), Key: key}
	case "merge":
		return loyalty.Merge{Account: id, To: peer.Member, Key: key}
	}
	return loyalty.Redeem{Account: id, N: n, Key: of}
}

// Time changes what counts for a level when the account says that it will, and not before.
func TestAccountsTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := compiled(t, anyProgram(t))
		sim, now := loyalty.Simulate(p), noon
		for i := range rapid.IntRange(1, 8).Draw(t, "commands") {
			now = now.AddDate(0, 0, rapid.IntRange(0, 12).Draw(t, "days"))
			c := anyCommand(t, i, now)
			if maybe(t, "large") {
				c = buy(alice, rapid.Int64Range(5_000, 30_000).Draw(t, "amount"), fmt.Sprint("large", i))
			}
			_, _ = sim.Do(c, now)
		}
		a, ok := sim.Account(alice, now)
		if !ok {
			return
		}
		for range 20 {
			turns, last := a.Turns, a.Turns.Add(-time.Microsecond)
			if turns.IsZero() {
				turns, last = a.At.AddDate(2, 0, 0), a.At.AddDate(2, 0, 0)
			}
			if before := p.At(a, latest(a.At, last)); a.Status != before.Status || !reflect.DeepEqual(a.Tallies, before.Tallies) {
				t.Fatalf("%+v was to turn at %v, and was %+v before", a, turns, before)
			}
			if a.Turns.IsZero() {
				return
			}
			a.Holdings = nil // what becomes of points is told by their lots
			d, err := p.Expire(a, turns)
			if err != nil || d.Seq == 0 {
				t.Fatalf("%+v did not turn: %v", a, err)
			}
			a = d.Next
		}
	})
}

// nextVersion returns a version that may follow another one, and whether it may: points are pending
// for other times, and end by other rules.
func nextVersion(t *rapid.T, d loyalty.Definition) (loyalty.Definition, bool) {
	next := d
	next.Version++
	next.Currencies = slices.Clone(d.Currencies)
	next.Currencies[0].Pending = pick(t, "next pending", 0, 3, 25)
	next.Currencies[0].Expiry = pick(t, "next expiry", loyalty.Expiry{Days: 2}, loyalty.Expiry{Days: 40}, loyalty.Expiry{Months: 1, RoundUp: loyalty.Month})
	next.Currencies[0].Begun = next.Currencies[0].Pending > 0 && maybe(t, "next begun")
	_, err := loyalty.Compile(next)
	return next, err == nil && next.Follows(d) == nil
}

// The books of every history add up, its ledgers are whole, nothing is below zero, and looking in
// between changes nothing.
func TestHistoriesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyProgram(t)
		p := compiled(t, d)
		sim, watched := loyalty.Simulate(p), loyalty.Simulate(p)
		now := noon
		for i := range rapid.IntRange(1, 20).Draw(t, "commands") {
			now = now.AddDate(0, 0, rapid.IntRange(0, 12).Draw(t, "days"))
			if rapid.IntRange(0, 9).Draw(t, "a new version") == 0 {
				if next, ok := nextVersion(t, d); ok {
					d, p = next, compiled(t, next)
					sim.Switch(p)
					watched.Switch(p)
				}
			}
			c := anyCommand(t, i, now)
			out, err := sim.Do(c, now)
			watched.Account(alice, now)
			for a := range watched.Accounts(now) {
				p.Progress(a, now)
			}
			again, err2 := watched.Do(c, now)
			if fmt.Sprint(err) != fmt.Sprint(err2) || gocmp.Diff(out, again) != "" {
				t.Fatal(err, err2, gocmp.Diff(out, again))
			}
			for _, id := range []loyalty.AccountID{alice, bob} {
				addsUp(t, p, sim, id, now)
			}
		}
		totals, err := sim.Totals()
		if err != nil {
			t.Fatal(err)
		}
		for id, total := range totals {
			left, stored := int64(0), total.Outstanding()
			for a := range sim.Accounts(now) {
				left += a.Wallet(id).Total()
				stored += issued(a, id) - issued(sim.Stored(a.ID), id) // gifts of levels that time gave
			}
			if expired := stored - left; expired < 0 || total.Sent != total.Received {
				t.Fatalf("%s: %+v, %d are left", id, total, left)
			}
		}
	})
}

// issued returns what the books of an account say that it was given, of a currency.
func issued(a loyalty.Account, id ids.Currency) (n int64) {
	for _, h := range a.Holdings {
		if h.Currency == id {
			n += h.Totals.Issued
		}
	}
	return n
}

func addsUp(t *rapid.T, p *loyalty.Program, sim *loyalty.Simulation, id loyalty.AccountID, now time.Time) {
	a, ok := sim.Account(id, now)
	if !ok {
		return
	}
	for _, h := range a.Holdings {
		if h.Totals.Outstanding() != h.Wallet.Total() {
			t.Fatalf("%s: %+v, but the wallet has %+v", id.Member, h.Totals, h.Wallet)
		}
		for _, l := range h.Wallet.Lots {
			if l.N <= 0 {
				t.Fatalf("%+v", h.Wallet)
			}
		}
		if len(h.Wallet.Lots) > 12 {
			t.Fatalf("%d lots", len(h.Wallet.Lots))
		}
	}
	ledger := sim.Ledger(id)
	err := loyalty.Check(sim.Stored(id), func(yield func(journal.Entry, error) bool) {
		for i := len(ledger) - 1; i >= 0; i-- {
			if !yield(ledger[i], nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	soon := now.AddDate(0, 0, 3)
	direct, byStep := p.At(a, soon.AddDate(0, 0, 30)), p.At(p.At(a, soon), soon.AddDate(0, 0, 30))
	if direct.Status != byStep.Status || direct.Wallet("points").Balance(now) != byStep.Wallet("points").Balance(now) {
		t.Fatalf("%+v, by step %+v", direct, byStep)
	}
	// Points do not end as others come, but where they end as the member is active.
	alone := p.At(a, soon)
	d, err := p.Adjust(alone, loyalty.Adjust{Account: id, Currency: "status", N: 1, Reason: "by hand", Key: "soon"}, soon)
	if err == nil && !p.Definition().Currencies[0].Inactive && alone.Wallet("points").Balance(soon) != d.Next.Wallet("points").Balance(soon) {
		t.Fatalf("%+v, beside others %+v", alone, d.Next)
	}
}
