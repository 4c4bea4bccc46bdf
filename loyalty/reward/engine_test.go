package reward_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var (
	ctx  = context.Background()
	keys = []secret.Key{{ID: "1", Secret: bytes.Repeat([]byte{1}, 32)}}
)

// clock is one that tests set.
type clock struct{ at atomic.Int64 }

func (c *clock) set(t time.Time) { c.at.Store(t.UnixMicro()) }
func (c *clock) now() time.Time  { return time.UnixMicro(c.at.Load()) }

// open returns an engine with the catalog in force, and its clock, which stands at noon.
func open(t testing.TB, db storage.DB, rewards ...reward.Reward) (*reward.Engine, *clock) {
	t.Helper()
	c := &clock{}
	c.set(noon)
	e, err := reward.New(db, keys, &reward.Options{Now: c.now})
	if err == nil {
		_, err = e.Publish(ctx, catalog(rewards...))
	}
	if err != nil {
		t.Fatal(err)
	}
	return e, c
}

// by names the key of an Issue.
func by(x reward.Issue, member, key string) reward.Issue {
	x.Holder.Member, x.Key = ids.Member(member), key
	return x
}

func must[V any](t testing.TB) func(V, error) V {
	return func(v V, err error) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func is(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error is %v, want %v", what, err, want)
	}
}

func counted(t testing.TB, db storage.DB, id reward.RewardID) int64 {
	t.Helper()
	e := must[*reward.Engine](t)(reward.New(db, keys, nil))
	for _, c := range must[[]reward.Count](t)(e.Counts(ctx, "club")) {
		if c.Reward == id && c.In == "ever" {
			return c.N
		}
	}
	return 0
}

func TestEngine(t *testing.T) {
	tenant := 0
	dbtest.Each(t, func(t *testing.T, whole dbtest.DB) {
		run := func(name string, f func(t *testing.T, db dbtest.DB)) {
			tenant++
			db := whole.Tenant(fmt.Sprint("case ", tenant))
			t.Run(name, func(t *testing.T) { f(t, db) })
		}
		free := issue("cup", 1, reward.Price{})
		run("a voucher is found by its code, redeemed once, and undone", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db, reward.Reward{ID: "cup", Name: "Cup"})
			v := must[reward.Outcome](t)(e.Issue(ctx, by(free, "alice", "a"))).Vouchers[0]
			if !strings.HasPrefix(v.Code, "CVP-") || v.QR != "VOUCHER:"+strings.ReplaceAll(v.Code, "-", "") {
				t.Fatalf("code %q, QR %q", v.Code, v.QR)
			}
			for _, typed := range []string{v.Code, v.QR, strings.ToLower(v.Code)} {
				if found := must[reward.Voucher](t)(e.Find(ctx, typed)); found.ID != v.ID || found.Code != v.Code {
					t.Errorf("%s finds %+v", typed, found)
				}
			}
			use := reward.Redeem{Voucher: v.ID, Shop: "north", By: "manager", Key: "r"}
			if out := must[reward.Outcome](t)(e.Redeem(ctx, use)); out.Vouchers[0].State != reward.Redeemed || out.Vouchers[0].Shop != "north" {
				t.Error(out)
			}
			if out := must[reward.Outcome](t)(e.Redeem(ctx, use)); !out.Replayed || out.Vouchers[0].Code != v.Code {
				t.Error("the repetition is", out)
			}
			use.Key = "again"
			_, err := e.Redeem(ctx, use)
			is(t, "again", err, reward.ErrRedeemed)
			must[reward.Outcome](t)(e.Undo(ctx, reward.Undo{Voucher: v.ID, Reason: "mistake", Key: "u"}))
			must[reward.Outcome](t)(e.Redeem(ctx, use))
			if now := must[reward.Voucher](t)(e.Voucher(ctx, v.ID)); now.State != reward.Redeemed {
				t.Error(now)
			}
		})
		run("a code that is typed wrong or of nobody is told apart", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db, reward.Reward{ID: "cup"})
			other, _ := open(t, db.Tenant("another"), reward.Reward{ID: "cup"})
			v := must[reward.Outcome](t)(other.Issue(ctx, by(free, "alice", "a"))).Vouchers[0]
			_, err := e.Find(ctx, v.Code)
			is(t, "another tenant's", err, reward.ErrUnknownVoucher)
			var input *errs.InputError
			last := "0"
			if strings.HasSuffix(v.Code, last) {
				last = "1"
			}
			if _, err := e.Find(ctx, v.Code[:len(v.Code)-1]+last); !errors.As(err, &input) {
				t.Error(err)
			}
		})
		run("no code is in the database", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db, reward.Reward{ID: "cup"})
			v := must[reward.Outcome](t)(e.Issue(ctx, by(free, "alice", "a"))).Vouchers[0]
			must[reward.Outcome](t)(e.Redeem(ctx, reward.Redeem{Voucher: v.ID, Shop: "n", Key: "r"}))
			text := must[string](t)(reward.Stored(ctx, db, v.ID))
			for r, err := range db.Journal().After(ctx, "", 0) {
				text += string(must[[]byte](t)(json.Marshal(r)))
				if err != nil {
					t.Fatal(err)
				}
			}
			if bare := strings.ReplaceAll(v.Code, "-", ""); strings.Contains(text, bare) || strings.Contains(text, v.Code) || strings.Contains(text, bare[3:]) {
				t.Error("the code is in", text)
			}
		})
		run("codes of an older key stay good", func(t *testing.T, db dbtest.DB) {
			e, c := open(t, db, reward.Reward{ID: "cup"})
			v := must[reward.Outcome](t)(e.Issue(ctx, by(free, "alice", "a"))).Vouchers[0]
			rotated := must[*reward.Engine](t)(reward.New(db, append([]secret.Key{{ID: "2", Secret: bytes.Repeat([]byte{2}, 32)}}, keys...), &reward.Options{Now: c.now}))
			if found := must[reward.Voucher](t)(rotated.Find(ctx, v.Code)); found.Code != v.Code {
				t.Error(found)
			}
			gone := must[*reward.Engine](t)(reward.New(db, []secret.Key{{ID: "2", Secret: bytes.Repeat([]byte{2}, 32)}}, &reward.Options{Now: c.now}))
			_, err := gone.Find(ctx, v.Code)
			is(t, "without the key", err, reward.ErrUnknownVoucher)
		})
		run("OL35: of two pieces, so many are used and so many asked for", func(t *testing.T, db dbtest.DB) {
			for i, c := range []struct {
				used, n int64
				want    error
			}{{2, 1, reward.ErrSoldOut}, {1, 1, nil}, {1, 2, reward.ErrSoldOut}, {0, 2, nil}} {
				limited(t, db.Tenant(fmt.Sprint("OL35 ", i)), reward.Reward{ID: "cup", Stock: 2}, c.used, c.n, c.want)
			}
		})
		run("OL36: of a limit of all members, so many are used and so many asked for", func(t *testing.T, db dbtest.DB) {
			for i, c := range []struct {
				limit, used, n int64
				want           error
			}{{1, 1, 1, reward.ErrSoldOut}, {2, 1, 2, reward.ErrSoldOut}, {3, 1, 2, nil}} {
				limited(t, db.Tenant(fmt.Sprint("OL36 ", i)), reward.Reward{ID: "cup", Limits: []reward.Limit{{N: c.limit, Per: reward.Ever}}}, c.used, c.n, c.want)
			}
		})
		run("a limit a day begins again the next day", func(t *testing.T, db dbtest.DB) {
			e, c := open(t, db, reward.Reward{ID: "cup", Limits: []reward.Limit{{N: 1, Per: reward.Day}}, PerMember: []reward.Limit{{N: 1, Per: reward.Day}}})
			must[reward.Outcome](t)(e.Issue(ctx, by(free, "alice", "a")))
			_, err := e.Issue(ctx, by(free, "alice", "b"))
			is(t, "the same member", err, reward.ErrMemberLimit)
			_, err = e.Issue(ctx, by(free, "bob", "b"))
			is(t, "another", err, reward.ErrSoldOut)
			c.set(noon.Add(12 * time.Hour))
			must[reward.Outcome](t)(e.Issue(ctx, by(free, "alice", "c")))
		})
		run("what was reserved and not captured in time goes to the next one who asks", func(t *testing.T, db dbtest.DB) {
			e, c := open(t, db, reward.Reward{ID: "cup", Stock: 2})
			held := reward.Reserve{Take: reward.Take{Holder: alice, Reward: "cup", N: 2}, For: time.Minute, Key: "h"}
			must[reward.Outcome](t)(e.Reserve(ctx, held))
			_, err := e.Issue(ctx, by(free, "bob", "a"))
			is(t, "before its end", err, reward.ErrSoldOut)
			c.set(noon.Add(time.Minute + time.Second))
			must[reward.Outcome](t)(e.Issue(ctx, by(free, "bob", "b")))
			if n := counted(t, db, "cup"); n != 1 {
				t.Errorf("%d are taken", n)
			}
			if v := must[reward.Voucher](t)(e.Voucher(ctx, reward.VoucherID{Holder: alice, N: 1})); v.State != reward.Lapsed || v.Code != "" {
				t.Error(v)
			}
			_, err = e.Capture(ctx, reward.Capture{Holder: alice, Order: 1, Key: "c"})
			is(t, "a late capture", err, reward.ErrUnknownOrder)
		})
		run("the sweep posts what is past its end, once", func(t *testing.T, db dbtest.DB) {
			e, c := open(t, db, reward.Reward{ID: "cup", Stock: 9, Valid: reward.Validity{Days: 1}})
			must[reward.Outcome](t)(e.Issue(ctx, by(issue("cup", 2, reward.Price{}), "alice", "a")))
			must[reward.Outcome](t)(e.Reserve(ctx, reward.Reserve{Take: reward.Take{Holder: alice, Reward: "cup"}, For: time.Minute, Key: "h"}))
			if n := must[int](t)(e.Sweep(ctx, 100)); n != 0 {
				t.Errorf("%d before their end", n)
			}
			c.set(noon.AddDate(0, 0, 5))
			if n := must[int](t)(e.Sweep(ctx, 100)); n != 3 {
				t.Errorf("%d swept", n)
			}
			if n := must[int](t)(e.Sweep(ctx, 100)); n != 0 {
				t.Errorf("%d swept again", n)
			}
			if n := counted(t, db, "cup"); n != 2 {
				t.Errorf("%d are taken: what lapsed after it was issued stays taken", n)
			}
		})
		run("a version that changes the rules changes no voucher", func(t *testing.T, db dbtest.DB) {
			first := reward.Reward{ID: "cup", Shops: []ids.Shop{"north"}, Valid: reward.Validity{Days: 30}}
			e, c := open(t, db, first)
			v := must[reward.Outcome](t)(e.Issue(ctx, by(free, "alice", "a"))).Vouchers[0]
			must[reward.Outcome](t)(e.Reserve(ctx, reward.Reserve{Take: reward.Take{Holder: alice, Reward: "cup"}, For: time.Hour, Key: "h"}))
			next := catalog(reward.Reward{ID: "mug", Prices: []reward.Price{{Points: 5}}})
			next.Version = 2
			must[*reward.Catalog](t)(e.Publish(ctx, next))
			c.set(noon.Add(reward.Refresh))
			_, err := e.Issue(ctx, by(free, "bob", "a"))
			is(t, "a reward that is gone", err, reward.ErrUnknownReward)
			_, err = e.Redeem(ctx, reward.Redeem{Voucher: v.ID, Shop: "south", Key: "s"})
			is(t, "another shop", err, reward.ErrShop)
			must[reward.Outcome](t)(e.Redeem(ctx, reward.Redeem{Voucher: v.ID, Shop: "north", Key: "n"}))
			out := must[reward.Outcome](t)(e.Capture(ctx, reward.Capture{Holder: alice, Order: 2, Key: "c"}))
			if !out.Vouchers[0].To.Equal(v.To) {
				t.Errorf("it is valid until %s, want %s", out.Vouchers[0].To, v.To)
			}
		})
		run("offers are what is left for all and for the member", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db,
				reward.Reward{ID: "cup", Stock: 5, PerMember: []reward.Limit{{N: 2, Per: reward.Month}}}, reward.Reward{ID: "gold", Levels: []ids.Level{"gold"}},
				reward.Reward{ID: "later", From: noon.Add(time.Hour)})
			must[reward.Outcome](t)(e.Issue(ctx, by(free, "alice", "a")))
			must[reward.Outcome](t)(e.Issue(ctx, by(free, "bob", "a")))
			text := func(level ids.Level) string {
				return string(must[[]byte](t)(json.Marshal(must[[]reward.Offer](t)(e.Offers(ctx, alice, level)))))
			}
			if got := text(""); strings.Count(got, `"id"`) != 1 || !strings.Contains(got, `"left":3,"yours":1`) {
				t.Error(got)
			}
			if got := text("gold"); strings.Count(got, `"id"`) != 2 {
				t.Error(got)
			}
		})
		run("a key names one command, and tells of another", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db, reward.Reward{ID: "cup", Stock: 1, Levels: []ids.Level{"gold"}})
			x := by(free, "alice", "a")
			x.Level = "gold"
			first := must[reward.Outcome](t)(e.Issue(ctx, x))
			x.Level = "member"
			again := must[reward.Outcome](t)(e.Issue(ctx, x))
			if !again.Replayed || again.Vouchers[0].Code != first.Vouchers[0].Code {
				t.Error(again)
			}
			x.N = 2
			_, err := e.Issue(ctx, x)
			is(t, "another command", err, journal.ErrKeyReused)
		})
		run("20 of 50 who ask for the last 20 get one, and 3 of 50 times one member gets 3", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db, reward.Reward{ID: "cup", Stock: 20}, reward.Reward{ID: "mug", PerMember: []reward.Limit{{N: 3, Per: reward.Ever}}})
			race := func(what string, most int, want error, take func(i int) error) {
				t.Helper()
				var won atomic.Int64
				var wg sync.WaitGroup
				for i := range 50 {
					wg.Go(func() {
						switch err := take(i); {
						case err == nil:
							won.Add(1)
						case !errors.Is(err, want):
							t.Errorf("%s: %v", what, err)
						}
					})
				}
				wg.Wait()
				if won.Load() != int64(most) {
					t.Errorf("%s: %d won", what, won.Load())
				}
			}
			race("stock", 20, reward.ErrSoldOut, func(i int) error {
				_, err := e.Issue(ctx, by(free, fmt.Sprint("member-", i), "a"))
				return err
			})
			race("limit", 3, reward.ErrMemberLimit, func(i int) error {
				_, err := e.Issue(ctx, by(issue("mug", 1, reward.Price{}), "alice", fmt.Sprint("m", i)))
				return err
			})
			v := must[reward.Outcome](t)(e.Issue(ctx, by(reward.Issue{Take: issue("mug", 1, reward.Price{}).Take, Gift: true}, "alice", "gift"))).Vouchers[0]
			race("redemption", 1, reward.ErrRedeemed, func(i int) error {
				_, err := e.Redeem(ctx, reward.Redeem{Voucher: v.ID, Shop: "north", Key: fmt.Sprint("r", i)})
				return err
			})
			if n := counted(t, db, "cup"); n != 20 {
				t.Errorf("%d cups are counted", n)
			}
		})
		run("bad input is an error with its field, and stores nothing", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db, reward.Reward{ID: "cup"})
			for field, f := range map[string]func() error{
				"n": func() error {
					_, err := e.Issue(ctx, by(issue("cup", reward.MaxPieces+1, reward.Price{}), "a", "k"))
					return err
				},
				"price.points": func() error {
					_, err := e.Issue(ctx, by(issue("cup", 1, reward.Price{Points: -1}), "a", "k"))
					return err
				},
				"price": func() error {
					x := by(issue("cup", 1, reward.Price{Points: 1}), "a", "k")
					x.Gift = true
					_, err := e.Issue(ctx, x)
					return err
				},
				"key":           func() error { _, err := e.Issue(ctx, by(free, "a", "")); return err },
				"holder.member": func() error { _, err := e.Issue(ctx, by(free, "a b", "k")); return err },
				"for":           func() error { _, err := e.Reserve(ctx, reward.Reserve{Take: free.Take, Key: "k"}); return err },
				"reason": func() error {
					_, err := e.Void(ctx, reward.Void{Voucher: reward.VoucherID{Holder: alice, N: 1}, Key: "k"})
					return err
				},
				"voucher.n": func() error {
					_, err := e.Undo(ctx, reward.Undo{Voucher: reward.VoucherID{Holder: alice}, Key: "k"})
					return err
				},
				"shop": func() error {
					_, err := e.Redeem(ctx, reward.Redeem{Voucher: reward.VoucherID{Holder: alice, N: 1}, Key: "k"})
					return err
				},
				"order": func() error { _, err := e.Cancel(ctx, reward.Cancel{Holder: alice, Key: "k"}); return err },
			} {
				var input *errs.InputError
				if err := f(); !errors.As(err, &input) || input.Field != field {
					t.Errorf("%s: %v", field, err)
				}
			}
			for range db.Journal().After(ctx, "", 0) {
				t.Error("something was stored")
			}
		})
	})
}

// limited takes so many, and then so many more.
func limited(t *testing.T, db storage.DB, r reward.Reward, used, n int64, want error) {
	t.Helper()
	e, _ := open(t, db, r)
	if used > 0 {
		must[reward.Outcome](t)(e.Issue(ctx, by(issue("cup", used, reward.Price{}), "bob", "used")))
	}
	_, err := e.Issue(ctx, by(issue("cup", n, reward.Price{}), "alice", "more"))
	is(t, fmt.Sprintf("%d used and %d more", used, n), err, want)
}
