package redemption_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A step is one thing that is done at a desk.
type step struct {
	name string
	do   func(s setting) error
}

// byDesk and byPoints are the two ways in which alice turns out to be bob.
var (
	byDesk = step{"merge by the desk", func(s setting) error {
		_, err := s.desk.Merge(ctx, loyalty.Merge{Account: account, To: "bob", Key: "merge"})
		return err
	}}
	byPoints = step{"merge by the points", func(s setting) error {
		_, err := s.points.Merge(ctx, loyalty.Merge{Account: account, To: "bob", Key: "merge"})
		return err
	}}
)

// A visit reserves, and captures or cancels; or redeems, and returns: each names the member as it
// is known to the app.
func visit(member ids.Member, n int, ends string) []step {
	o := redemption.Order{
		Holder: reward.HolderID{Catalog: "gifts", Member: member}, Reward: "cup", N: 2, Price: cost, Key: fmt.Sprint("take", n),
	}
	taken := new(redemption.Result)
	keep := func(r redemption.Result, err error) error {
		if err == nil && !r.Replayed {
			*taken = r
		}
		return err
	}
	last := func(s setting) error {
		end, key := taken.Vouchers[0].ID.Holder, fmt.Sprintf("end-%s-%d", member, n)
		var err error
		switch ends {
		case "capture":
			_, err = s.desk.Capture(ctx, reward.Capture{Holder: end, Order: taken.Vouchers[0].Order, Key: key})
		case "cancel":
			_, err = s.desk.Cancel(ctx, reward.Cancel{Holder: end, Order: taken.Vouchers[0].Order, Key: key})
		default:
			_, err = s.desk.Return(ctx, reward.Return{Voucher: taken.Vouchers[1].ID, Key: key})
		}
		return err
	}
	if ends == "return" {
		return []step{{fmt.Sprint(member, " redeems"), func(s setting) error { return keep(s.desk.Redeem(ctx, o)) }}, {"return", last}}
	}
	return []step{
		{fmt.Sprint(member, " reserves"), func(s setting) error { return keep(s.desk.Reserve(ctx, redemption.Reserve{Order: o, For: time.Hour})) }},
		{ends, last},
	}
}

// A standing is what two members have together.
type standing struct {
	Balance loyalty.Balance
	Spent   int64
	States  map[reward.State]int
	Stock   int64
}

// stands returns what bob, who is also alice, has.
func stands(t testing.TB, s setting) standing {
	t.Helper()
	got := standing{Balance: s.balance(t, "bob"), States: s.states(t, "bob")}
	totals, err := s.points.Totals(ctx, "club")
	if err != nil {
		t.Fatal(err)
	}
	got.Spent = totals["points"].Redeemed
	counts, err := s.rewards.Counts(ctx, "gifts")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		got.Stock += c.N
	}
	return got
}

func play(t testing.TB, db storage.DB, steps []step) standing {
	t.Helper()
	s := open(t, db)
	s.give(t, "alice", 500)
	s.give(t, "bob", 1000)
	for _, x := range steps {
		for range 2 { // every command is repeated
			if err := x.do(s); err != nil {
				t.Fatalf("%s: %v", x.name, err)
			}
		}
	}
	// Somebody names alice once more, so that a merger by the points alone is known to the vouchers
	// too.
	if _, err := s.desk.Redeem(ctx, order("cup", 1, cost, "last")); err != nil {
		t.Fatal(err)
	}
	return stands(t, s)
}

func TestReserveMergeCaptureIsMergeReserveCapture(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	tenant := 0
	dbtest.Each(t, func(t *testing.T, whole dbtest.DB) {
		for _, merge := range []step{byDesk, byPoints} {
			for _, ends := range []string{"capture", "cancel", "return"} {
				t.Run(merge.name+", "+ends, func(t *testing.T) {
					stands := func(at int) standing {
						tenant++
						bobs := visit("bob", 1, "capture") // with the same numbers of vouchers, and the same key as alice's
						alices := visit("alice", 1, ends)
						steps := append(bobs, alices[:at]...)
						steps = append(append(steps, merge), alices[at:]...)
						return play(t, whole.Tenant(fmt.Sprint("merge ", tenant)), steps)
					}
					first := stands(0)
					want := standing{Balance: loyalty.Balance{Available: 1500 - 100}, Spent: 100, States: map[reward.State]int{reward.Issued: 5}, Stock: 5}
					switch ends {
					case "cancel":
						want = standing{loyalty.Balance{Available: 1440}, 60, map[reward.State]int{reward.Issued: 3, reward.Cancelled: 2}, 3}
					case "return":
						want = standing{loyalty.Balance{Available: 1420}, 80, map[reward.State]int{reward.Issued: 4, reward.Returned: 1}, 4}
					}
					if diff := cmp.Diff(want, first); diff != "" {
						t.Errorf("merged first (-want +got):\n%s", diff)
					}
					for at := 1; at <= 2; at++ {
						if diff := cmp.Diff(want, stands(at)); diff != "" {
							t.Errorf("merged after step %d (-want +got):\n%s", at, diff)
						}
					}
				})
			}
		}
	})
}

// TestWhereverAMergerComesItComesToTheSame: points, stock and vouchers do not depend on when two
// members turn out to be one.
func TestWhereverAMergerComesItComesToTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type chosen struct {
			member ids.Member
			ends   string
		}
		var all []chosen
		for range rapid.IntRange(1, 5).Draw(rt, "visits") {
			all = append(all, chosen{
				rapid.SampledFrom([]ids.Member{"alice", "bob"}).Draw(rt, "member"),
				rapid.SampledFrom([]string{"capture", "cancel", "return"}).Draw(rt, "ends"),
			})
		}
		// weave interleaves the steps of the visits, each in its order.
		var order []int
		for i := range all {
			order = append(order, i, i)
		}
		order = rapid.Permutation(order).Draw(rt, "order")
		merge := rapid.SampledFrom([]step{byDesk, byPoints}).Draw(rt, "merge")
		stands := func(at int) standing {
			var visits [][]step
			for i, c := range all {
				visits = append(visits, visit(c.member, i, c.ends))
			}
			var steps []step
			for i, of := range order {
				if i == at {
					steps = append(steps, merge)
				}
				steps = append(steps, visits[of][0])
				visits[of] = visits[of][1:]
			}
			if at == len(order) {
				steps = append(steps, merge)
			}
			return play(t, memory.New(), steps)
		}
		first, at := stands(0), rapid.IntRange(1, len(order)).Draw(rt, "at")
		if diff := cmp.Diff(first, stands(at)); diff != "" {
			rt.Fatalf("merged after %d steps (-merged first +got):\n%s", at, diff)
		}
		var vouchers int
		for n := range maps.Values(first.States) {
			vouchers += n
		}
		if want := 2*len(all) + 1; vouchers != want {
			rt.Fatalf("%d vouchers, want %d", vouchers, want)
		}
	})
}

func TestLimitsFollowAMerger(t *testing.T) {
	tenant := 0
	dbtest.Each(t, func(t *testing.T, whole dbtest.DB) {
		limited := func(t *testing.T) setting {
			tenant++
			s := open(t, whole.Tenant(fmt.Sprint("limit ", tenant)))
			_, err := s.rewards.Publish(ctx, reward.Definition{
				ID: "gifts", Version: 2, Zone: "UTC", Program: "club", Rewards: []reward.Reward{
					{ID: "cup", Prices: []reward.Price{cost}, Stock: 9, PerMember: []reward.Limit{{N: 3, Per: reward.Ever}}},
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range []ids.Member{"alice", "bob", "carol"} {
				s.give(t, m, 500)
			}
			return s
		}
		take := func(s setting, member ids.Member, n int64, key string) (redemption.Result, error) {
			o := order("cup", n, cost, key)
			o.Holder.Member = member
			return s.desk.Redeem(ctx, o)
		}
		merge := func(t *testing.T, s setting, from, to ids.Member) {
			t.Helper()
			m := loyalty.Merge{Account: loyalty.AccountID{Program: "club", Member: from}, To: to, Key: fmt.Sprint("merge-", from)}
			if _, err := s.desk.Merge(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		done := func(t *testing.T, r redemption.Result, err error) redemption.Result {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		left := func(t *testing.T, s setting, member ids.Member) int64 {
			t.Helper()
			offers, err := s.desk.Offers(ctx, reward.HolderID{Catalog: "gifts", Member: member})
			if err != nil {
				t.Fatal(err)
			}
			return *offers[0].Yours
		}
		t.Run("and count what both took, and what three did", func(t *testing.T) {
			s := limited(t)
			r, err := take(s, "alice", 1, "a")
			first := done(t, r, err)
			r, err = take(s, "bob", 1, "a")
			done(t, r, err)
			merge(t, s, "alice", "bob")
			if n := left(t, s, "bob"); n != 1 {
				t.Errorf("%d are left", n)
			}
			if n := left(t, s, "alice"); n != 1 {
				t.Errorf("%d are left by the name that is gone", n)
			}
			_, err = take(s, "bob", 2, "b")
			is(t, "two more", err, reward.ErrMemberLimit)
			_, err = take(s, "alice", 2, "b")
			is(t, "two more by the name that is gone", err, reward.ErrMemberLimit)
			merge(t, s, "bob", "carol")
			_, err = take(s, "carol", 2, "c")
			is(t, "two more of the third", err, reward.ErrMemberLimit)
			r, err = take(s, "alice", 1, "c")
			if last := done(t, r, err); last.Vouchers[0].ID.Holder.Member != "carol" {
				t.Error("it went to", last.Vouchers[0].ID)
			}
			r, err = take(s, "alice", 1, "c")
			if again := done(t, r, err); !again.Replayed {
				t.Error("it was taken twice")
			}
			if n := left(t, s, "carol"); n != 0 {
				t.Errorf("%d are left", n)
			}
			r, err = s.desk.Return(ctx, reward.Return{Voucher: first.Vouchers[0].ID, Key: "back"})
			done(t, r, err)
			if n := left(t, s, "carol"); n != 1 {
				t.Errorf("%d are left after one was given back", n)
			}
			if got := s.balance(t, "carol"); got.Available != 1500-40 {
				t.Errorf("the balance is %+v", got)
			}
			for member, want := range map[ids.Member]int{"carol": 3, "bob": 2, "alice": 1} {
				var n int
				for v, err := range s.rewards.Vouchers(ctx, reward.VoucherQuery{Member: member}) {
					if err != nil {
						t.Fatal(err)
					}
					n++
					if found, err := s.rewards.Find(ctx, v.Code); v.State == reward.Issued && (err != nil || found.ID != v.ID) {
						t.Error(found, err)
					}
				}
				if member != "bob" && n != want {
					t.Errorf("%d vouchers of %s, want %d", n, member, want)
				}
			}
			for _, limit := range []int{1, 2, 3} {
				n := 0
				for range s.rewards.Vouchers(ctx, reward.VoucherQuery{Catalog: "gifts", Member: "carol", Limit: limit}) {
					n++
				}
				if n != limit {
					t.Errorf("%d of at most %d are listed", n, limit)
				}
			}
		})
		t.Run("and what was reserved and not captured in time counts no longer", func(t *testing.T) {
			s := limited(t)
			r, err := s.desk.Reserve(ctx, redemption.Reserve{Order: order("cup", 3, cost, "r"), For: time.Minute})
			done(t, r, err)
			merge(t, s, "alice", "bob")
			_, err = take(s, "bob", 1, "b")
			is(t, "while it is reserved", err, reward.ErrMemberLimit)
			s.set(noon.Add(time.Minute))
			r, err = take(s, "bob", 3, "c")
			done(t, r, err)
		})
		t.Run("and a voucher can be used, and undone, by the id and the code it had", func(t *testing.T) {
			s := limited(t)
			r, err := take(s, "alice", 1, "a")
			v := done(t, r, err).Vouchers[0]
			merge(t, s, "alice", "bob")
			found, err := s.rewards.Find(ctx, v.Code)
			if err != nil || found.ID != v.ID {
				t.Fatal(found, err)
			}
			if _, err := s.rewards.Redeem(ctx, reward.Redeem{Voucher: v.ID, Shop: "north", Key: "x"}); err != nil {
				t.Fatal(err)
			}
			if got := s.states(t, "bob"); got[reward.Redeemed] != 1 {
				t.Error(got)
			}
		})
		t.Run("or nothing is merged", func(t *testing.T) {
			s := limited(t)
			r, err := take(s, "alice", 1, "a")
			done(t, r, err)
			merge(t, s, "alice", "bob")
			_, err = s.rewards.Merge(ctx, reward.Merge{Holder: alice, To: "carol", Key: "k"})
			is(t, "a second time", err, reward.ErrMerged)
			_, err = s.rewards.Merge(ctx, reward.Merge{Holder: reward.HolderID{Catalog: "gifts", Member: "bob"}, To: "alice", Key: "k"})
			is(t, "back", err, reward.ErrMerged)
		})
	})
}

// However far a chain of mergers by the points alone is noted among the vouchers, the rest is noted
// with the next command.
func TestChainsOfMergersAreNotedFromAnyEnd(t *testing.T) {
	tenant := 0
	dbtest.Each(t, func(t *testing.T, whole dbtest.DB) {
		for _, names := range [][]ids.Member{
			{"alice", "bob", "carol", "dave"}, {"bob", "alice"}, {"carol", "bob", "alice"}, {"carol", "alice", "bob"}, {"dave", "alice", "carol"},
		} {
			for between := range 3 { // mergers that were noted one by one before
				tenant++
				s := open(t, whole.Tenant(fmt.Sprint("chain ", tenant)))
				take := func(m ids.Member, key string) redemption.Result {
					t.Helper()
					o := order("cup", 1, cost, key)
					o.Holder.Member = m
					r, err := s.desk.Redeem(ctx, o)
					if err != nil {
						t.Fatalf("%v, %d noted before: %s takes: %v", names, between, m, err)
					}
					return r
				}
				for _, m := range []ids.Member{"alice", "bob", "carol", "dave"} {
					s.give(t, m, 500)
				}
				first := take("alice", "first").Vouchers[0]
				for i, m := range []ids.Member{"alice", "bob", "carol"} {
					to := []ids.Member{"bob", "carol", "dave"}[i]
					c := loyalty.Merge{Account: loyalty.AccountID{Program: "club", Member: m}, To: to, Key: fmt.Sprint("merge-", m)}
					if _, err := s.points.Merge(ctx, c); err != nil {
						t.Fatal(err)
					}
					if i < between {
						take("alice", fmt.Sprint("between-", i))
					}
				}
				for range 2 {
					for _, m := range names {
						if r := take(m, "last"); r.Vouchers[0].ID.Holder.Member != "dave" {
							t.Errorf("%v, %d noted before: what %s took went to %s", names, between, m, r.Vouchers[0].ID)
						}
					}
				}
				if _, err := s.desk.Return(ctx, reward.Return{Voucher: first.ID, Key: "back"}); err != nil {
					t.Fatalf("%v, %d noted before: %v", names, between, err)
				}
				n := int64(between + len(names))
				if got := s.balance(t, "dave"); got.Available != 2000-n*cost.Points {
					t.Errorf("%v, %d noted before: the balance is %+v", names, between, got)
				}
				if got := s.states(t, "dave"); int64(got[reward.Issued]) != n || got[reward.Returned] != 1 {
					t.Errorf("%v, %d noted before: %v", names, between, got)
				}
			}
		}
	})
}
