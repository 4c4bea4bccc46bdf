package loyalty_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
)

// ladder returns a program that gives 100 points for silver, which 1000 a year are for, and 500 for
// gold, which 2000 are for.
func ladder(change ...func(*loyalty.Definition)) loyalty.Definition {
	d := shop(nil, loyalty.Metric{ID: "spent", Of: loyalty.CountMoney, Window: loyalty.Window{Days: 365}})
	d.Tiers = &loyalty.Tiers{
		Levels: []loyalty.Level{
			{ID: "member"},
			{ID: "silver", Needs: []loyalty.Need{{"spent": 100_000}}, Gift: &loyalty.Gift{Points: 100}},
			{ID: "gold", Needs: []loyalty.Need{{"spent": 200_000}}, Gift: &loyalty.Gift{Points: 500}},
		},
		Valid: loyalty.Validity{Expiry: loyalty.Expiry{Months: 1}}, Downgrade: loyalty.OnRefund,
	}
	for _, c := range change {
		c(&d)
	}
	return d
}

func downgrade(d loyalty.Downgrade) func(*loyalty.Definition) {
	return func(p *loyalty.Definition) { p.Tiers.Downgrade = d }
}

func again(p *loyalty.Definition) {
	for i := range p.Tiers.Levels[1:] {
		p.Tiers.Levels[i+1].Gift.Again = true
	}
}

func TestGiftsOfLevels(t *testing.T) {
	type step struct {
		day int
		c   loyalty.Command
	}
	spend := func(key string, n int64) loyalty.Earn { return buy(alice, n, key) }
	adjust := func(key string, n int64) loyalty.Adjust {
		return loyalty.Adjust{Account: alice, N: n, Reason: "r", Key: key}
	}
	byHand := func(key string, level ids.Level, day int) loyalty.SetTier {
		c := loyalty.SetTier{Account: alice, Level: level, Key: key}
		if day > 0 {
			c.Until = noon.AddDate(0, 0, day)
		}
		return c
	}
	week := func(p *loyalty.Definition) { p.Metrics[0].Window = loyalty.Window{Days: 7} }
	for _, c := range []struct {
		name string
		d    loyalty.Definition
		do   []step
		want int64
	}{
		{"a level that is reached gives its gift", ladder(), []step{{0, spend("1", 100_000)}}, 100},
		{"and one below it nothing", ladder(), []step{{0, spend("1", 99_999)}}, 0},
		{"two levels at once give both gifts, as one after the other", ladder(), []step{{0, spend("1", 200_000)}}, 600},
		{"one after the other as well", ladder(), []step{{0, spend("1", 100_000)}, {1, spend("2", 100_000)}}, 600},
		{"to keep a level gives nothing", ladder(), []step{{0, spend("1", 100_000)}, {1, spend("2", 50_000)}, {40, spend("3", 40_000)}}, 100},
		{"to reach it once more gives nothing", ladder(week), []step{{0, spend("1", 100_000)}, {50, spend("2", 100_000)}}, 100},
		{"but with again", ladder(week, again), []step{{0, spend("1", 100_000)}, {50, spend("2", 100_000)}}, 200},
		{"and again not where it was kept", ladder(week, again), []step{{0, spend("1", 100_000)}, {20, spend("2", 100_000)}, {27, spend("3", 100_000)}}, 100},
		{"a level by hand gives nothing", ladder(), []step{{0, byHand("hand", "gold", 0)}}, 0},
		{"nor what is reached below it", ladder(), []step{{0, byHand("hand", "gold", 5)}, {1, spend("1", 100_000)}, {6, spend("2", 1)}}, 0},
		{"but what is reached above it", ladder(), []step{{0, byHand("hand", "silver", 5)}, {1, spend("1", 200_000)}}, 500},
		{"a refund takes it back", ladder(), []step{{0, spend("1", 100_000)}, {1, back("1")}}, 0},
		{"a part of it too", ladder(), []step{{0, spend("1", 200_000)}, {1, half(back("1"), 1)}}, 100},
		{"but not what is beyond the need", ladder(), []step{{0, spend("1", 150_000)}, {1, half(back("1"), 50_000)}}, 100},
		{"a gift that is spent is owed", ladder(), []step{{0, spend("1", 100_000)}, {0, loyalty.Redeem{Account: alice, N: 80, Key: "r"}}, {1, back("1")}}, -80},
		{"or taken from other points", ladder(), []step{
			{0, spend("1", 100_000)}, {0, loyalty.Redeem{Account: alice, N: 80, Key: "r"}}, {0, adjust("a", 30)}, {1, back("1")}}, -50},
		{"or forgone where the currency says so", ladder(func(p *loyalty.Definition) { p.Currencies[0].Overdraft = loyalty.WithinBalance }), []step{
			{0, spend("1", 100_000)}, {0, loyalty.Redeem{Account: alice, N: 80, Key: "r"}}, {1, back("1")}}, 0},
		{"it comes again with the level", ladder(), []step{{0, spend("1", 100_000)}, {1, back("1")}, {2, spend("2", 100_000)}}, 100},
		{"the purchase of another day bears it where one is enough", ladder(), []step{{0, spend("1", 100_000)}, {1, spend("2", 100_000)}, {2, back("1")}}, 100},
		{"a refund takes it back though the level stays to its end", ladder(downgrade(loyalty.AtEnd)), []step{{0, spend("1", 100_000)}, {1, back("1")}}, 0},
		{"though it stays for ever", ladder(downgrade(loyalty.Never)), []step{{0, spend("1", 100_000)}, {1, back("1")}}, 0},
		{"and it comes again as the level is earned again", ladder(downgrade(loyalty.Never)), []step{{0, spend("1", 100_000)}, {1, back("1")}, {2, spend("2", 100_000)}}, 100},
		{"once", ladder(downgrade(loyalty.Never), again), []step{{0, spend("1", 100_000)}, {1, back("1")}, {2, spend("2", 100_000)}, {3, spend("3", 1)}}, 100},
		{"and goes again", ladder(downgrade(loyalty.Never)), []step{
			{0, spend("1", 100_000)}, {1, back("1")}, {2, spend("2", 100_000)}, {3, back("2")}, {4, spend("3", 100)}}, 0},
		{"not twice where the level was lost in between", ladder(downgrade(loyalty.AtEnd), again), []step{
			{0, spend("1", 100_000)}, {1, back("1")}, {60, spend("2", 100_000)}, {61, spend("3", 1)}}, 100},
		{"an event that is told late gives it for its day", ladder(), []step{{3, on("2026-03-03", spend("1", 100_000))}}, 100},
		{"and once where it makes a level sooner", ladder(), []step{{3, spend("1", 100_000)}, {4, on("2026-03-03", spend("2", 100_000))}}, 600},
		{"also for a level that is lost by now", ladder(week, func(p *loyalty.Definition) { p.Tiers.Valid = loyalty.Validity{Expiry: loyalty.Expiry{Days: 8}} }),
			[]step{{0, spend("0", 1)}, {28, on("2026-03-03", spend("1", 100_000))}}, 100},
		{"a wallet that is full gets none", ladder(), []step{{0, adjust("a", loyalty.MaxPoints-99)}, {1, spend("1", 100_000)}}, loyalty.MaxPoints - 99},
		{"it is pending with its currency", ladder(func(p *loyalty.Definition) { p.Currencies[0].Pending = 3 }), []step{{0, spend("1", 100_000)}, {2, spend("2", 1)}}, 0},
		{"and no longer", ladder(func(p *loyalty.Definition) { p.Currencies[0].Pending = 3 }), []step{{0, spend("1", 100_000)}, {3, spend("2", 1)}}, 100},
		{"it ends with its currency", ladder(func(p *loyalty.Definition) { p.Currencies[0].Expiry = loyalty.Expiry{Days: 3} }), []step{{0, spend("1", 100_000)}, {4, spend("2", 1)}}, 0},
		{"no cap holds it", ladder(func(p *loyalty.Definition) { p.Caps = []loyalty.Cap{{Points: 10, Per: loyalty.Day}} }), []step{{0, spend("1", 100_000)}}, 100},
		{"it is multiplied by nothing, counts for no level and no milestone", ladder(func(p *loyalty.Definition) {
			p.Metrics = append(p.Metrics, loyalty.Metric{ID: "points", Of: loyalty.CountPoints})
			p.Tiers.Levels[2].Needs = []loyalty.Need{{"points": 50}}
			p.Rules = []loyalty.Rule{{ID: "twice", Give: loyalty.Give{Times: "2"}},
				{ID: "mile", Give: loyalty.Give{Points: "7", Per: loyalty.PerMilestone, Metric: "points", Amount: 50}}}
		}), []step{{0, spend("1", 100_000)}, {1, spend("2", 1)}}, 100},
		{"at the end of a window where levels come then", ladder(func(p *loyalty.Definition) {
			p.Metrics[0].Window, p.Tiers.AtEnd = loyalty.Window{Calendar: loyalty.Month}, true
		}), []step{{0, spend("1", 100_000)}, {30, spend("2", 1)}}, 100},
		{"and not before", ladder(func(p *loyalty.Definition) {
			p.Metrics[0].Window, p.Tiers.AtEnd = loyalty.Window{Calendar: loyalty.Month}, true
		}), []step{{0, spend("1", 100_000)}, {29, spend("2", 1)}}, 0},
		{"it is gone with a downgrade that loses points", ladder(week, func(p *loyalty.Definition) { p.Tiers.Lose = []ids.Currency{"points"} }),
			[]step{{0, spend("1", 100_000)}, {50, spend("2", 1)}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := loyalty.Compile(c.d)
			if err != nil {
				t.Fatal(err)
			}
			sim, now := loyalty.Simulate(p), noon
			for _, s := range c.do {
				now = noon.AddDate(0, 0, s.day)
				if _, err := sim.Do(s.c, now); err != nil {
					t.Fatal(err)
				}
			}
			a, _ := sim.Account(alice, now)
			if b := a.Wallet("points").Balance(now); b.Available-b.Debt != c.want {
				t.Errorf("%+v, want %d; %+v", b, c.want, a.Gifts)
			}
		})
	}
}

// A version that has other levels gives the gifts of those that a member did not have by then, and
// none where the level of before is gone.
func TestGiftsOfOtherLevels(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*loyalty.Definition)
		level  ids.Level
		want   int64
	}{
		{"a level that members have gets a gift", func(d *loyalty.Definition) {}, "silver", 0},
		{"a level that members come to by now", func(d *loyalty.Definition) { d.Tiers.Levels[2].Needs[0]["spent"] = 120_000 }, "gold", 500},
		{"a level of another name", func(d *loyalty.Definition) { d.Tiers.Levels[1].ID = "jade" }, "jade", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			compile := func(d loyalty.Definition) *loyalty.Program { return compiledFor(t, d) }
			sim := loyalty.Simulate(compile(ladder(func(d *loyalty.Definition) { d.Tiers.Levels[1].Gift, d.Tiers.Levels[2].Gift = nil, nil })))
			must[loyalty.Outcome](t)(sim.Do(buy(alice, 120_000, "1"), noon))
			sim.Switch(compile(ladder(c.change)))
			must[loyalty.Outcome](t)(sim.Do(buy(alice, 1, "2"), noon.AddDate(0, 0, 1)))
			a := sim.Stored(alice)
			if got := a.Wallet("points").Total(); got != c.want || a.Status.Level != c.level {
				t.Errorf("%d points on %s, want %d", got, a.Status.Level, c.want)
			}
		})
	}
}

func TestOutcomesNameGifts(t *testing.T) {
	p, err := loyalty.Compile(ladder())
	if err != nil {
		t.Fatal(err)
	}
	sim := loyalty.Simulate(p)
	steps := func(c loyalty.Command) []loyalty.Step {
		out, err := sim.Do(c, noon)
		if err != nil {
			t.Fatal(err)
		}
		return out.Steps
	}
	for _, c := range []struct {
		c    loyalty.Command
		want []loyalty.Step
	}{
		{buy(alice, 200_000, "1"), []loyalty.Step{
			{Level: "silver", Currency: "points", N: 100_000_000, Why: loyalty.LevelReached}, {Level: "gold", Currency: "points", N: 500_000_000, Why: loyalty.LevelReached}}},
		{back("1"), []loyalty.Step{
			{Level: "silver", Currency: "points", N: -100_000_000, Why: loyalty.LevelNotReached}, {Level: "gold", Currency: "points", N: -500_000_000, Why: loyalty.LevelNotReached}}},
	} {
		if diff := gocmp.Diff(c.want, steps(c.c)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

func TestGiftsThatCanNotBe(t *testing.T) {
	d := ladder()
	d.Tiers.Levels[0].Gift = &loyalty.Gift{Points: 1}
	d.Tiers.Levels[1].Gift = &loyalty.Gift{Points: 0, Currency: "euros"}
	d.Tiers.Levels[2] = loyalty.Level{ID: "vip", Manual: true, Gift: &loyalty.Gift{Points: loyalty.MaxEarned + 1}}
	_, err := loyalty.Compile(d)
	var mistakes *errs.DefinitionError
	if !errors.As(err, &mistakes) {
		t.Fatal(err)
	}
	var got []string
	for _, m := range mistakes.Mistakes {
		got = append(got, m.Path)
	}
	slices.Sort(got)
	want := []string{"tiers.levels[0].gift.points", "tiers.levels[1].gift.currency", "tiers.levels[1].gift.points", "tiers.levels[2].gift.points", "tiers.levels[2].gift.points"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff, err)
	}
}

// A gift that two members have is there twice after their merger, and no third one comes of it. One
// that was passed on is owed by those who got it, as any points.
func TestGiftsMoveAsPoints(t *testing.T) {
	p, err := loyalty.Compile(ladder())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		do         []loyalty.Command
		alice, bob int64
	}{
		{"both had it", []loyalty.Command{buy(alice, 100_000, "1"), buy(bob, 100_000, "2"), loyalty.Merge{Account: bob, To: alice.Member, Key: "m"}}, 700, 0},
		{"one of them had it", []loyalty.Command{buy(alice, 1, "1"), buy(bob, 100_000, "2"), loyalty.Merge{Account: bob, To: alice.Member, Key: "m"}, buy(alice, 1, "3")}, 100, 0},
		{"together they have it", []loyalty.Command{buy(alice, 50_000, "1"), buy(bob, 50_000, "2"), loyalty.Merge{Account: bob, To: alice.Member, Key: "m"}}, 100, 0},
		{"until one of them does not", []loyalty.Command{buy(alice, 50_000, "1"), buy(bob, 50_000, "2"), loyalty.Merge{Account: bob, To: alice.Member, Key: "m"}, back("1")}, 0, 0},
		{"and what both had goes with the last of it", []loyalty.Command{buy(alice, 100_000, "1"), buy(bob, 100_000, "2"), loyalty.Merge{Account: bob, To: alice.Member, Key: "m"}, back("1"),
			loyalty.Refund{Account: bob, Of: "2", All: true, Key: "2-back"}}, 0, 0},
		{"passed on", []loyalty.Command{buy(alice, 100_000, "1"), loyalty.Transfer{Account: alice, To: bob.Member, N: 60, Key: "t"}, back("1")}, -60, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim, now := loyalty.Simulate(p), noon
			for _, command := range c.do {
				now = now.Add(time.Minute)
				if _, err := sim.Do(command, now); err != nil {
					t.Fatal(err)
				}
			}
			for id, want := range map[loyalty.AccountID]int64{alice: c.alice, bob: c.bob} {
				a, _ := sim.Account(id, now)
				if b := a.Wallet("points").Balance(now); b.Available-b.Debt != want {
					t.Errorf("%s has %+v, want %d; %+v", id.Member, b, want, a.Gifts)
				}
			}
		})
	}
}

// However many tills cross the threshold at once, the gift comes once, and a replay changes nothing.
func TestEnginesGiveAGiftOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		c := &clock{}
		c.set(noon)
		tenant := db.Tenant("gifts")
		points := loyalty.New(tenant, &loyalty.Options{Now: c.now})
		must[*loyalty.Program](t)(points.Publish(ctx, ladder()))
		seen := must[loyalty.Outcome](t)(points.Preview().Earn(ctx, buy(alice, 100_000, "seen")))
		if seen.Earned("points") != 100 || len(seen.Steps) != 1 {
			t.Errorf("the preview says %+v", seen)
		}
		gifts := make([]int64, 50)
		together(50, func(i int) {
			out, err := points.Earn(ctx, buy(alice, 100_000/50+1, fmt.Sprint("k", i)))
			if err != nil {
				t.Error(err)
			}
			gifts[i] = out.Earned("points")
		})
		slices.Sort(gifts)
		if gifts[48] != 0 || gifts[49] != 100 {
			t.Errorf("gave %v", gifts)
		}
		holds(t, points, alice, 100)
		for i := range 50 {
			if out := must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 100_000/50+1, fmt.Sprint("k", i)))); !out.Replayed {
				t.Errorf("%+v", out)
			}
		}
		holds(t, points, alice, 100)
		if _, err := points.Verified(ctx, loyalty.VerifyQuery{Program: "club"}); err != nil {
			t.Error(err)
		}
	})
}
