package reward_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty/reward"
)

var (
	noon  = time.Date(2018, 7, 1, 12, 0, 0, 0, time.UTC)
	alice = reward.HolderID{Catalog: "club", Member: "alice"}
)

// catalog holds the rewards, in version 1.
func catalog(rewards ...reward.Reward) reward.Definition {
	return reward.Definition{
		ID: "club", Version: 1, Name: "礼品", Zone: "UTC", Program: "club", Money: "CNY", Prefix: "CVP", Rewards: rewards,
	}
}

func compile(t testing.TB, d reward.Definition) reward.Rules {
	t.Helper()
	c, err := reward.Compile(d)
	if err != nil {
		t.Fatal(err)
	}
	return reward.NewRules(c)
}

func issue(id reward.RewardID, n int64, p reward.Price) reward.Issue {
	return reward.Issue{Take: reward.Take{Holder: alice, Reward: id, N: n, Price: p}}
}

func TestIssue(t *testing.T) {
	cost := reward.Price{Points: 20}
	cup := reward.Reward{ID: "cup", Name: "Cup", Prices: []reward.Price{cost, {Points: 10, Money: 500}}}
	with := func(f func(r *reward.Reward)) reward.Reward {
		r := cup
		f(&r)
		return r
	}
	for _, tt := range []struct {
		name   string
		reward reward.Reward
		x      reward.Issue
		want   error
	}{
		{"at its price", cup, issue("cup", 2, cost), nil},
		{"for points and money", cup, issue("cup", 1, reward.Price{Points: 10, Money: 500}), nil},
		{"at no price", cup, issue("cup", 1, reward.Price{}), reward.ErrPrice},
		{"at a price that is no more", cup, issue("cup", 1, reward.Price{Points: 15}), reward.ErrPrice},
		{"at a price in another currency", cup, issue("cup", 1, reward.Price{Points: 20, Currency: "stars"}), reward.ErrPrice},
		{"what costs nothing", with(func(r *reward.Reward) { r.Prices = nil }), issue("cup", 1, reward.Price{}), nil},
		{"what costs nothing, for points", with(func(r *reward.Reward) { r.Prices = nil }), issue("cup", 1, cost), reward.ErrPrice},
		{"what is not there", cup, issue("mug", 1, cost), reward.ErrUnknownReward},
		{"before it begins", with(func(r *reward.Reward) { r.From = noon.Add(1) }), issue("cup", 1, cost), reward.ErrClosed},
		{"as it begins", with(func(r *reward.Reward) { r.From = noon }), issue("cup", 1, cost), nil},
		{"as it ends", with(func(r *reward.Reward) { r.To = noon }), issue("cup", 1, cost), reward.ErrClosed},
		{"of another level", with(func(r *reward.Reward) { r.Levels = []ids.Level{"gold"} }), issue("cup", 1, cost), reward.ErrLevel},
		{"more than there ever were", with(func(r *reward.Reward) { r.Stock = 2 }), issue("cup", 3, cost), reward.ErrSoldOut},
		{"more than all may take in a day", with(func(r *reward.Reward) { r.Limits = []reward.Limit{{N: 2, Per: reward.Day}} }), issue("cup", 3, cost), reward.ErrSoldOut},
		{"more than a member may", with(func(r *reward.Reward) { r.PerMember = []reward.Limit{{N: 2, Per: reward.Ever}} }), issue("cup", 3, cost), reward.ErrMemberLimit},
		{"as many as a member may", with(func(r *reward.Reward) { r.PerMember = []reward.Limit{{N: 2, Per: reward.Ever}} }), issue("cup", 2, cost), nil},
		{"a gift, of another level and beyond the limit", with(func(r *reward.Reward) {
			r.Levels, r.PerMember = []ids.Level{"gold"}, []reward.Limit{{N: 1, Per: reward.Ever}}
		}), reward.Issue{Take: reward.Take{Holder: alice, Reward: "cup", N: 2}, Gift: true}, nil},
		{"whose vouchers have ended", with(func(r *reward.Reward) { r.Valid.Until = noon }), issue("cup", 1, cost), reward.ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := compile(t, catalog(tt.reward)).Issue(reward.Holder{ID: alice}, nil, tt.x, noon)
			if !errors.Is(err, tt.want) {
				t.Fatalf("error is %v, want %v", err, tt.want)
			}
			if err != nil {
				return
			}
			n := max(1, tt.x.N)
			if int64(len(d.Vouchers)) != n || d.Next.Last != n || d.Outcome.Price.Points != n*tt.x.Price.Points || d.Outcome.Price.Money != n*tt.x.Price.Money {
				t.Errorf("%d vouchers, the last is %d, at %+v", len(d.Vouchers), d.Next.Last, d.Outcome.Price)
			}
		})
	}
}

// Figures of the reference, 4.
func TestOpenLoyalty(t *testing.T) {
	t.Run("OL33: a coupon that is taken on 1 July and ends 30 days later is good on 31 July", func(t *testing.T) {
		rules := compile(t, catalog(reward.Reward{ID: "cup", Valid: reward.Validity{Days: 30}}))
		v := take(t, rules, reward.Holder{ID: alice}, issue("cup", 1, reward.Price{}), noon)
		for at, want := range map[string]error{"2018-07-31T23:59:59Z": nil, "2018-08-01T00:00:00Z": reward.ErrLapsed} {
			if err := redeem(rules, v, parse(t, at)); !errors.Is(err, want) {
				t.Errorf("at %s: %v, want %v", at, err, want)
			}
		}
	})
	t.Run("OL33: one that begins 30 days later begins on 31 July", func(t *testing.T) {
		rules := compile(t, catalog(reward.Reward{ID: "cup", Valid: reward.Validity{After: 30}}))
		v := take(t, rules, reward.Holder{ID: alice}, issue("cup", 1, reward.Price{}), noon)
		for at, want := range map[string]error{"2018-07-30T23:59:59Z": reward.ErrNotYet, "2018-07-31T00:00:00Z": nil} {
			if err := redeem(rules, v, parse(t, at)); !errors.Is(err, want) {
				t.Errorf("at %s: %v, want %v", at, err, want)
			}
		}
	})
	// OL34, the cost, is a test of package redemption; OL35 and OL36, of all members together, are
	// of the engine.
	t.Run("OL37: a limit of 10 a member, of which 10 or 8 are used", func(t *testing.T) {
		rules := compile(t, catalog(reward.Reward{ID: "cup", PerMember: []reward.Limit{{N: 10, Per: reward.Ever}}}))
		for _, c := range []struct {
			used, n int64
			want    error
		}{{10, 1, reward.ErrMemberLimit}, {8, 3, reward.ErrMemberLimit}, {8, 2, nil}} {
			h := reward.Holder{ID: alice, Version: 1, Counts: []reward.Count{{Reward: "cup", In: "ever", N: c.used}}}
			if _, err := rules.Issue(h, nil, issue("cup", c.n, reward.Price{}), noon); !errors.Is(err, c.want) {
				t.Errorf("%d used, %d more: %v, want %v", c.used, c.n, err, c.want)
			}
		}
	})
}

func parse(t testing.TB, at string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// take returns the first voucher that an Issue gives.
func take(t testing.TB, rules reward.Rules, h reward.Holder, x reward.Issue, now time.Time) reward.Voucher {
	t.Helper()
	d, err := rules.Issue(h, nil, x, now)
	if err != nil {
		t.Fatal(err)
	}
	return d.Vouchers[0]
}

func redeem(rules reward.Rules, v reward.Voucher, now time.Time) error {
	_, err := rules.Redeem(reward.Holder{ID: alice, Version: 1, Last: 1}, &v, reward.Redeem{Voucher: v.ID, Shop: "north"}, now)
	return err
}

// Figures of the reference, 5.
func TestTable(t *testing.T) {
	steps := func(pairs ...int64) (s []reward.Step) {
		for i := 0; i < len(pairs); i += 2 {
			s = append(s, reward.Step{Points: pairs[i], Value: pairs[i+1]})
		}
		return s
	}
	for _, tt := range []struct {
		name                 string
		table                reward.Table
		points, taken, value int64
	}{
		{"Starbucks, 465 stars at 125: 3 drinks", reward.Table{Steps: steps(125, 1)}, 465, 375, 3},
		{"Starbucks, 542: 4", reward.Table{Steps: steps(125, 1)}, 542, 500, 4},
		{"Sephora, 500 are 10 dollars", reward.Table{Steps: steps(500, 1000)}, 1499, 1000, 2000},
		{"Sephora Rouge, 2500 are 100: the dearest step goes first", reward.Table{Steps: steps(500, 1000, 2500, 10000)}, 3600, 3500, 12000},
		{"Tesco, below 150", reward.Table{Min: 150, Steps: steps(1, 1)}, 149, 0, 0},
		{"Tesco, 150 are 1.50", reward.Table{Min: 150, Steps: steps(1, 1)}, 150, 150, 150},
		{"Starbucks 2026: 400, 300, 200, 100, 60, 25", reward.Table{Steps: steps(25, 1, 60, 2, 100, 3, 200, 4, 300, 5, 400, 6)}, 795, 785, 6 + 5 + 2 + 1},
		{"a step at most twice", reward.Table{Steps: []reward.Step{{Points: 100, Value: 5, Most: 2}}}, 999, 200, 10},
		{"nothing", reward.Table{Steps: steps(100, 5)}, 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			slices.Reverse(tt.table.Steps)
			fits, taken, value := tt.table.Fit(tt.points)
			if taken != tt.taken || value != tt.value {
				t.Errorf("%d points for %d (%+v), want %d for %d", taken, value, fits, tt.taken, tt.value)
			}
			d, err := compile(t, catalog(reward.Reward{ID: "money", Table: &tt.table})).Issue(
				reward.Holder{ID: alice}, nil, issue("money", 1, reward.Price{Points: tt.points}), noon)
			switch {
			case tt.taken == 0 && !errors.Is(err, reward.ErrTooFew):
				t.Errorf("the error of none is %v", err)
			case tt.taken > 0 && (err != nil || d.Vouchers[0].Value != value || d.Vouchers[0].Price.Points != taken):
				t.Errorf("the voucher is %+v, %v", d.Vouchers, err)
			}
		})
	}
}

func TestVoucher(t *testing.T) {
	rules := compile(t, catalog(reward.Reward{ID: "cup", Stock: 5, Valid: reward.Validity{Days: 30}, Shops: []ids.Shop{"north"}}))
	h := reward.Holder{ID: alice, Version: 1, Last: 1}
	issued := take(t, rules, reward.Holder{ID: alice}, issue("cup", 1, reward.Price{}), noon)
	in := func(s reward.State) reward.Voucher {
		v := issued
		v.State = s
		return v
	}
	later, end := noon.Add(time.Hour), noon.AddDate(0, 2, 0)
	commands := map[string]func(v reward.Voucher, now time.Time) (reward.Decision, error){
		"redeem": func(v reward.Voucher, now time.Time) (reward.Decision, error) {
			return rules.Redeem(h, &v, reward.Redeem{Voucher: v.ID, Shop: "north"}, now)
		},
		"undo": func(v reward.Voucher, now time.Time) (reward.Decision, error) {
			return rules.Undo(h, &v, reward.Undo{Voucher: v.ID}, now)
		},
		"return": func(v reward.Voucher, now time.Time) (reward.Decision, error) {
			return rules.Return(h, &v, reward.Return{Voucher: v.ID}, now)
		},
		"void": func(v reward.Voucher, now time.Time) (reward.Decision, error) {
			return rules.Void(h, &v, reward.Void{Voucher: v.ID}, now)
		},
	}
	for _, tt := range []struct {
		command string
		state   reward.State
		now     time.Time
		want    any // the state that it comes to, or the error
	}{
		{"redeem", reward.Issued, later, reward.Redeemed},
		{"redeem", reward.Issued, end, reward.ErrLapsed},
		{"redeem", reward.Reserved, later, reward.ErrNotIssued},
		{"redeem", reward.Redeemed, later, reward.ErrRedeemed},
		{"redeem", reward.Lapsed, later, reward.ErrLapsed},
		{"redeem", reward.Cancelled, later, reward.ErrVoided},
		{"redeem", reward.Returned, later, reward.ErrVoided},
		{"redeem", reward.Voided, later, reward.ErrVoided},
		{"undo", reward.Redeemed, later, reward.Issued},
		{"undo", reward.Issued, later, reward.ErrNotRedeemed},
		{"return", reward.Issued, later, reward.Returned},
		{"return", reward.Issued, end, reward.ErrLapsed},
		{"return", reward.Redeemed, later, reward.ErrRedeemed},
		{"return", reward.Returned, later, reward.ErrVoided},
		{"void", reward.Issued, later, reward.Voided},
		{"void", reward.Redeemed, later, reward.ErrRedeemed},
		{"void", reward.Voided, later, reward.ErrVoided},
	} {
		t.Run(fmt.Sprintf("%s of one that is %s, after %s", tt.command, tt.state, tt.now.Sub(noon)), func(t *testing.T) {
			d, err := commands[tt.command](in(tt.state), tt.now)
			if want, fails := tt.want.(error); fails {
				if !errors.Is(err, want) || !errors.Is(err, reward.ErrRefused) {
					t.Errorf("error is %v, want %v", err, want)
				}
				return
			}
			if err != nil || d.Vouchers[0].State != tt.want {
				t.Fatalf("%+v, %v", d.Vouchers, err)
			}
			back := int64(0)
			if tt.command == "return" {
				back = -1
			}
			if got := sum(d.Bounds); got != back {
				t.Errorf("the stock changes by %d, want %d", got, back)
			}
		})
	}
	t.Run("is not for another shop", func(t *testing.T) {
		if _, err := rules.Redeem(h, &issued, reward.Redeem{Voucher: issued.ID, Shop: "south"}, later); !errors.Is(err, reward.ErrShop) {
			t.Error(err)
		}
	})
	t.Run("that was undone can be redeemed again", func(t *testing.T) {
		d, err := commands["undo"](in(reward.Redeemed), later)
		if err == nil {
			d, err = commands["redeem"](d.Vouchers[0], later)
		}
		if err != nil || d.Vouchers[0].State != reward.Redeemed {
			t.Error(d, err)
		}
	})
	t.Run("that is not there", func(t *testing.T) {
		if _, err := rules.Redeem(h, nil, reward.Redeem{}, later); !errors.Is(err, reward.ErrUnknownVoucher) {
			t.Error(err)
		}
	})
}

func sum(bounds []reward.Bound) (n int64) {
	for _, b := range bounds {
		n += b.N
	}
	return n
}

func TestReserve(t *testing.T) {
	rules := compile(t, catalog(reward.Reward{
		ID: "cup", Stock: 5, Valid: reward.Validity{Days: 30}, PerMember: []reward.Limit{{N: 2, Per: reward.Ever}},
	}))
	reserve := func(n int64) reward.Reserve {
		return reward.Reserve{Take: reward.Take{Holder: alice, Reward: "cup", N: n}, For: time.Hour}
	}
	d, err := rules.Reserve(reward.Holder{ID: alice}, nil, reserve(2), noon)
	if err != nil || sum(d.Bounds) != 2 {
		t.Fatal(d, err)
	}
	h, reserved := d.Next, d.Vouchers
	h.Version = 1
	t.Run("counts towards the limit of the member", func(t *testing.T) {
		if _, err := rules.Issue(h, reserved, issue("cup", 1, reward.Price{}), noon); !errors.Is(err, reward.ErrMemberLimit) {
			t.Error(err)
		}
	})
	t.Run("is captured whole, and is valid from then", func(t *testing.T) {
		d, err := rules.Capture(h, reserved, reward.Capture{Holder: alice, Order: 1}, noon.Add(time.Minute))
		if err != nil || len(d.Vouchers) != 2 || d.Vouchers[1].State != reward.Issued || sum(d.Bounds) != 0 ||
			!d.Vouchers[0].To.Equal(parse(t, "2018-08-01T00:00:00Z")) {
			t.Error(d, err)
		}
	})
	t.Run("is cancelled whole, and given back", func(t *testing.T) {
		d, err := rules.Cancel(h, reserved, reward.Cancel{Holder: alice, Order: 1}, noon.Add(time.Minute))
		if err != nil || len(d.Vouchers) != 2 || d.Vouchers[0].State != reward.Cancelled || sum(d.Bounds) != -2 || len(d.Next.Counts) != 0 {
			t.Error(d, err)
		}
	})
	t.Run("is neither after its end", func(t *testing.T) {
		for _, now := range []time.Time{noon.Add(time.Hour), noon.Add(2 * time.Hour)} {
			_, err1 := rules.Capture(h, reserved, reward.Capture{Holder: alice, Order: 1}, now)
			_, err2 := rules.Cancel(h, reserved, reward.Cancel{Holder: alice, Order: 1}, now)
			if !errors.Is(err1, reward.ErrUnknownOrder) || !errors.Is(err2, reward.ErrUnknownOrder) {
				t.Error(err1, err2)
			}
		}
	})
	t.Run("that is past its end leaves the limit, and is given back with the next command", func(t *testing.T) {
		d, err := rules.Issue(h, reserved, issue("cup", 2, reward.Price{}), noon.Add(time.Hour))
		if err != nil || len(d.Lapsed) != 2 || d.Lapsed[0].State != reward.Lapsed || sum(d.Bounds) != 0 || d.Next.Last != 4 {
			t.Error(d, err)
		}
	})
	t.Run("is bounded", func(t *testing.T) {
		free := compile(t, catalog(reward.Reward{ID: "cup"}))
		d, err := free.Reserve(reward.Holder{ID: alice}, nil, reserve(reward.MaxReserved), noon)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := free.Reserve(d.Next, d.Vouchers, reserve(1), noon); !errors.Is(err, reward.ErrReserved) {
			t.Error(err)
		}
	})
}

func TestCompile(t *testing.T) {
	bad := reward.Definition{
		Zone: "Mars", Prefix: "LOU", Money: "yuan", Version: 0, Rewards: []reward.Reward{
			{ID: "a", Prices: []reward.Price{{}, {Points: 1}, {Points: 1}}, Table: &reward.Table{Steps: []reward.Step{{Points: 0, Value: 1}}}},
			{ID: "a", From: noon, To: noon, Limits: []reward.Limit{{N: 0, Per: "fortnight"}}, Stock: -1},
			{ID: "b", Valid: reward.Validity{Days: 1, After: 2}, Value: -1},
		},
	}
	want := []string{
		"id", "version", "program", "zone", "money", "prefix", "rewards[0].prices[0].points", "rewards[0].prices[2]", "rewards[0].table",
		"rewards[0].table.steps[0].points", "rewards[1].id", "rewards[1].to", "rewards[1].limits[0].n", "rewards[1].limits[0].per",
		"rewards[1].stock", "rewards[2].valid.after", "rewards[2].value",
	}
	_, err := reward.Compile(bad)
	var e *errs.DefinitionError
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	for _, path := range want {
		if !slices.ContainsFunc(e.Mistakes, func(m errs.Mistake) bool { return m.Path == path }) {
			t.Errorf("nothing is said of %s: %v", path, e)
		}
	}
	if _, err := reward.Compile(reward.Definition{ID: "c", Version: 1, Program: "p", Zone: "UTC", Rewards: []reward.Reward{{ID: "a", Value: 5}}}); err == nil {
		t.Error("money without a currency passes")
	}
}

// What is counted is what is held: of any history of one member, on a stock that the test keeps.
func TestCountsAreTheVouchers(t *testing.T) {
	def := catalog(
		reward.Reward{ID: "cup", Stock: 6, PerMember: []reward.Limit{{N: 3, Per: reward.Day}, {N: 5, Per: reward.Ever}}},
		reward.Reward{ID: "mug", Limits: []reward.Limit{{N: 4, Per: reward.Week}, {N: 9, Per: reward.Ever}}, Valid: reward.Validity{Days: 2}},
	)
	rules := compile(t, def)
	rapid.Check(t, func(t *rapid.T) {
		h, now := reward.Holder{ID: alice}, noon
		vouchers := map[int64]reward.Voucher{}
		counts := map[string]int64{}
		for range rapid.IntRange(1, 30).Draw(t, "commands") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "hours")) * time.Hour)
			var reserved []reward.Voucher
			for n := range h.Last {
				if v := vouchers[n+1]; v.State == reward.Reserved {
					reserved = append(reserved, v)
				}
			}
			id := rapid.SampledFrom([]reward.RewardID{"cup", "mug"}).Draw(t, "reward")
			x := reward.Take{Holder: alice, Reward: id, N: rapid.Int64Range(1, 3).Draw(t, "n")}
			n := rapid.Int64Range(1, 10).Draw(t, "number")
			var v *reward.Voucher
			if found, ok := vouchers[n]; ok {
				v = &found
			}
			d, err := rapid.SampledFrom([]func() (reward.Decision, error){
				func() (reward.Decision, error) { return rules.Issue(h, reserved, reward.Issue{Take: x}, now) },
				func() (reward.Decision, error) {
					return rules.Reserve(h, reserved, reward.Reserve{Take: x, For: 5 * time.Hour}, now)
				},
				func() (reward.Decision, error) { return rules.Capture(h, reserved, reward.Capture{Order: n}, now) },
				func() (reward.Decision, error) { return rules.Cancel(h, reserved, reward.Cancel{Order: n}, now) },
				func() (reward.Decision, error) { return rules.Return(h, v, reward.Return{}, now) },
				func() (reward.Decision, error) { return rules.Void(h, v, reward.Void{}, now) },
				func() (reward.Decision, error) { return rules.Redeem(h, v, reward.Redeem{Shop: "n"}, now) },
				func() (reward.Decision, error) { return rules.Undo(h, v, reward.Undo{}, now) },
				func() (reward.Decision, error) { return rules.Expire(h, v, reserved, now) },
			}).Draw(t, "command")()
			if err != nil || d.Seq == 0 {
				if err != nil && !errors.Is(err, reward.ErrRefused) {
					t.Fatal(err)
				}
				continue
			}
			fits := true
			for _, b := range d.Bounds {
				n := counts[string(b.Reward)+b.In] + b.N
				if n < 0 {
					t.Fatalf("%s in %s comes to %d", b.Reward, b.In, n)
				}
				fits = fits && n <= b.Most
			}
			if !fits {
				continue
			}
			for _, b := range d.Bounds {
				counts[string(b.Reward)+b.In] += b.N
			}
			h = d.Next
			for _, v := range slices.Concat(d.Vouchers, d.Lapsed) {
				vouchers[v.ID.N] = v
			}
			held := map[reward.RewardID]int64{}
			for _, v := range vouchers {
				reservation := v.State == reward.Lapsed && v.To.Sub(v.Taken) == 5*time.Hour
				if v.State != reward.Cancelled && v.State != reward.Returned && !reservation {
					held[v.Reward]++
				}
			}
			for id, most := range map[reward.RewardID]int64{"cup": 5, "mug": 9} {
				if counts[string(id)+"ever"] != held[id] || held[id] > most {
					t.Fatalf("%d of %s are held, %d counted", held[id], id, counts[string(id)+"ever"])
				}
			}
			for _, c := range h.Counts {
				if c.In == "ever" && c.N != held[c.Reward] {
					t.Fatalf("the member holds %d of %s, and %d are counted", held[c.Reward], c.Reward, c.N)
				}
			}
		}
	})
}
