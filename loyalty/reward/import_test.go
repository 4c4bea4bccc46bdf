package reward_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
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

// coming returns an import of a member's vouchers of a reward, with codes or "".
func coming(member, key string, id reward.RewardID, codes ...string) reward.Import {
	c := reward.Import{Holder: reward.HolderID{Catalog: "club", Member: ids.Member(member)}, Key: key}
	for _, code := range codes {
		c.Vouchers = append(c.Vouchers, reward.OpeningVoucher{Reward: id, Code: code})
	}
	return c
}

func TestRulesOfImport(t *testing.T) {
	day := 24 * time.Hour
	cup := reward.Reward{
		ID: "cup", Name: "Cup", Value: 500, Stock: 1, PerMember: []reward.Limit{{N: 1, Per: reward.Ever}}, Levels: []ids.Level{"gold"},
		To: noon.Add(-day), Valid: reward.Validity{After: 1, Days: 30},
	}
	pay := reward.Reward{ID: "pay", Table: &reward.Table{Steps: []reward.Step{{Points: 100, Value: 100}}}}
	midnight := noon.Truncate(day)
	for _, c := range []struct {
		name     string
		given    reward.OpeningVoucher
		from, to time.Time
		value    int64
		field    string // that is wrong; "": none
	}{
		{"one of the reward's, past its stock, its limits and its end, and of another level", reward.OpeningVoucher{Reward: "cup"}, midnight.Add(day), midnight.Add(31 * day), 500, ""},
		{"by the reward's rule from the day on which it was taken", reward.OpeningVoucher{Reward: "cup", Taken: noon.Add(-10 * day)}, midnight.Add(-9 * day), midnight.Add(21 * day), 500, ""},
		{"with an end of its own", reward.OpeningVoucher{Reward: "cup", To: noon.Add(2 * day)}, midnight.Add(day), noon.Add(2 * day), 500, ""},
		{"with a beginning of its own", reward.OpeningVoucher{Reward: "cup", From: noon.Add(3 * day)}, noon.Add(3 * day), midnight.Add(31 * day), 500, ""},
		{"with a value of its own", reward.OpeningVoucher{Reward: "cup", Value: 7}, midnight.Add(day), midnight.Add(31 * day), 7, ""},
		{"of a table, with a value", reward.OpeningVoucher{Reward: "pay", Value: 300}, time.Time{}, time.Time{}, 300, ""},
		{"of a table, without a value", reward.OpeningVoucher{Reward: "pay"}, time.Time{}, time.Time{}, 0, "vouchers[0].value"},
		{"past its end by the rule", reward.OpeningVoucher{Reward: "cup", Taken: noon.Add(-32 * day)}, time.Time{}, time.Time{}, 0, "vouchers[0].to"},
		{"past its own end", reward.OpeningVoucher{Reward: "pay", Value: 1, To: noon}, time.Time{}, time.Time{}, 0, "vouchers[0].to"},
		{"that ends before it begins", reward.OpeningVoucher{Reward: "cup", To: noon.Add(time.Hour)}, time.Time{}, time.Time{}, 0, "vouchers[0].to"},
		{"taken in the future", reward.OpeningVoucher{Reward: "cup", Taken: noon.Add(time.Second)}, time.Time{}, time.Time{}, 0, "vouchers[0].taken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := reward.Holder{ID: alice, Version: 3, Seq: 3, Last: 2}
			d, err := compile(t, catalog(cup, pay)).Import(h, reward.Import{Holder: alice, Vouchers: []reward.OpeningVoucher{c.given}, Key: "k"}, noon)
			if c.field != "" {
				var input *errs.InputError
				if !errors.As(err, &input) || input.Field != c.field {
					t.Fatalf("%v, want a mistake in %s", err, c.field)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			v := d.Vouchers[0]
			if !v.From.Equal(c.from) || !v.To.Equal(c.to) || v.Value != c.value || v.ID.N != 3 || v.Order != 3 || v.Of != "k" || v.State != reward.Issued {
				t.Errorf("%+v", v)
			}
			if len(d.Bounds) > 0 || len(d.Next.Counts) > 0 || d.Next.Last != 3 || d.Price != (reward.Price{}) {
				t.Errorf("it counts: %+v", d)
			}
		})
	}
	rules := compile(t, catalog(cup))
	_, err := rules.Import(reward.Holder{ID: alice}, coming("alice", "k", "tea", ""), noon)
	is(t, "a reward that is not there", err, reward.ErrUnknownReward)
	_, err = rules.Import(reward.Holder{ID: alice, Merged: "bob"}, coming("alice", "k", "cup", ""), noon)
	is(t, "of who was merged", err, reward.ErrMerged)
	_, err = compile(t, reward.Definition{ID: "club", Version: 1, Zone: "UTC", Program: "club", Rewards: []reward.Reward{{ID: "cup"}}}).
		Import(reward.Holder{ID: alice}, reward.Import{Vouchers: []reward.OpeningVoucher{{Reward: "cup", Value: 1}}}, noon)
	is(t, "money in a catalog without", err, errs.Invalid)
}

func TestImportsThatAreWrong(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		e, _ := open(t, db, reward.Reward{ID: "cup"})
		many := coming("alice", "k", "cup", make([]string, reward.MaxPieces+1)...)
		for field, c := range map[string]reward.Import{
			"holder.member":      coming("", "k", "cup", ""),
			"key":                coming("alice", "", "cup", ""),
			"vouchers":           many,
			"vouchers[0].reward": coming("alice", "k", "", ""),
			"vouchers[1].code":   coming("alice", "k", "cup", "ab-12", "AB 12"), // the same one
			"vouchers[0].code":   coming("alice", "k", "cup", " - "),
			"vouchers[2].code":   coming("alice", "k", "cup", "qqq-1", "b", "兑换"),
			"vouchers[3].code":   coming("alice", "k", "cup", "qqq-1", "b", "c", strings.Repeat("x", 129)),
		} {
			var input *errs.InputError
			if _, err := e.Import(ctx, c); !errors.As(err, &input) || input.Field != field {
				t.Errorf("%v, want a mistake in %s", err, field)
			} else if strings.Contains(err.Error(), "qqq") || strings.Contains(err.Error(), "兑换") || strings.Contains(err.Error(), "xx") {
				t.Errorf("a code is in %v", err)
			}
		}
		for v := range e.Vouchers(ctx, reward.VoucherQuery{}) {
			t.Error("stored:", v)
		}
	})
}

func TestCodesOfAnotherSystem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, whole dbtest.DB) {
		run := func(name string, f func(t *testing.T, db dbtest.DB)) {
			db := whole.Tenant(name)
			t.Run(name, func(t *testing.T) { f(t, db) })
		}
		cup := reward.Reward{ID: "cup", Name: "Cup", Stock: 1, PerMember: []reward.Limit{{N: 1, Per: reward.Ever}}}
		run("a voucher is found by the code that it came with and by its own, and is redeemed once", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db, cup)
			out := must[reward.Outcome](t)(e.Import(ctx, coming("alice", "k", "cup", "ab-12 x/9", "")))
			if len(out.Vouchers) != 2 || out.Vouchers[0].Code == "" || out.Vouchers[1].Code == "" {
				t.Fatal(out.Vouchers)
			}
			for _, typed := range []string{"ab-12 x/9", "AB12X/9", " ａｂ１２ｘ／９　", out.Vouchers[0].Code, out.Vouchers[0].QR} {
				if v := must[reward.Voucher](t)(e.Find(ctx, typed)); v.ID != out.Vouchers[0].ID {
					t.Errorf("%s finds %v", typed, v.ID)
				}
			}
			for typed, want := range map[string]error{"AB12X9": errs.Invalid, "": errs.Invalid, "兑": errs.Invalid, strings.Repeat("x", 1_000): errs.Invalid} {
				_, err := e.Find(ctx, typed)
				is(t, "find "+typed[:min(len(typed), 9)], err, want)
			}
			v := must[reward.Voucher](t)(e.Find(ctx, "ab12x/9"))
			must[reward.Outcome](t)(e.Redeem(ctx, reward.Redeem{Voucher: v.ID, Shop: "n", Key: "1"}))
			_, err := e.Redeem(ctx, reward.Redeem{Voucher: must[reward.Voucher](t)(e.Find(ctx, out.Vouchers[0].Code)).ID, Shop: "n", Key: "2"})
			is(t, "by the other code", err, reward.ErrRedeemed)
		})
		run("it counts for no stock and no limit, and goes back to neither", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db, cup)
			out := must[reward.Outcome](t)(e.Import(ctx, coming("alice", "k", "cup", "a", "b")))
			must[reward.Outcome](t)(e.Issue(ctx, by(issue("cup", 1, reward.Price{}), "alice", "own")))
			must[reward.Outcome](t)(e.Return(ctx, reward.Return{Voucher: out.Vouchers[0].ID, Key: "r"}))
			if n := counted(t, db, "cup"); n != 1 {
				t.Error(n, "are counted")
			}
			_, err := e.Issue(ctx, by(issue("cup", 1, reward.Price{}), "bob", "b"))
			is(t, "one more than the stock", err, reward.ErrSoldOut)
		})
		run("of many who bring one code, in two processes amid a rotation of keys, one gets it", func(t *testing.T, db dbtest.DB) {
			e, c := open(t, db, cup)
			newer := secret.Key{ID: "2", Secret: bytes.Repeat([]byte{2}, 32)}
			engines := [2]*reward.Engine{}
			for i, order := range [][]secret.Key{{keys[0], newer}, {newer, keys[0]}} {
				engines[i] = must[*reward.Engine](t)(reward.New(db, order, &reward.Options{Now: c.now}))
			}
			var wg sync.WaitGroup
			failed := make([]error, 20)
			for i := range failed {
				wg.Go(func() {
					_, failed[i] = engines[i%2].Import(ctx, coming(fmt.Sprint("member-", i), "k", "cup", "own "+fmt.Sprint(i), "shared"))
				})
			}
			wg.Wait()
			won := slices.DeleteFunc(failed, func(err error) bool { return errors.Is(err, reward.ErrCodeTaken) })
			if len(won) != 1 || won[0] != nil {
				t.Fatal(won)
			}
			v := must[reward.Voucher](t)(e.Find(ctx, "shared"))
			own := strings.TrimPrefix(string(v.ID.Holder.Member), "member-")
			if f := must[reward.Voucher](t)(e.Find(ctx, "own "+own)); f.ID.Holder != v.ID.Holder {
				t.Error(f.ID, v.ID)
			}
			n := 0
			for range e.Vouchers(ctx, reward.VoucherQuery{}) {
				n++
			}
			if n != 2 {
				t.Error(n, "vouchers are stored")
			}
		})
		run("the key stands for the codes too", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db, cup)
			c := coming("alice", "k", "cup", "a", "b")
			first := must[reward.Outcome](t)(e.Import(ctx, c))
			again := must[reward.Outcome](t)(e.Import(ctx, coming("alice", "k", "cup", "A", " b")))
			if !again.Replayed || again.Vouchers[1].Code != first.Vouchers[1].Code {
				t.Error(again)
			}
			for _, codes := range [][]string{{"a", "c"}, {"b", "a"}, {"a"}} {
				_, err := e.Import(ctx, coming("alice", "k", "cup", codes...))
				is(t, fmt.Sprint(codes), err, journal.ErrKeyReused)
			}
			c.Key = "another"
			_, err := e.Import(ctx, c)
			is(t, "under another key", err, reward.ErrCodeTaken)
		})
		run("codes stay good, and taken, under a newer key", func(t *testing.T, db dbtest.DB) {
			e, c := open(t, db, cup)
			v := must[reward.Outcome](t)(e.Import(ctx, coming("alice", "k", "cup", "a"))).Vouchers[0]
			rotated := must[*reward.Engine](t)(reward.New(db, append([]secret.Key{{ID: "2", Secret: bytes.Repeat([]byte{2}, 32)}}, keys...), &reward.Options{Now: c.now}))
			if found := must[reward.Voucher](t)(rotated.Find(ctx, "a")); found.ID != v.ID {
				t.Error(found)
			}
			_, err := rotated.Import(ctx, coming("bob", "k", "cup", "a"))
			is(t, "the same code", err, reward.ErrCodeTaken)
			if again := must[reward.Outcome](t)(rotated.Import(ctx, coming("alice", "k", "cup", "a"))); !again.Replayed {
				t.Error(again)
			}
		})
		run("no code is in the database, nor what a guess could be tried on", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db, cup)
			v := must[reward.Outcome](t)(e.Import(ctx, coming("alice", "k", "cup", "SECRET-77"))).Vouchers[0]
			text := must[string](t)(reward.Stored(ctx, db, v.ID))
			for r, err := range db.Journal().After(ctx, "", 0) {
				if err != nil {
					t.Fatal(err)
				}
				text += string(must[[]byte](t)(json.Marshal(r)))
				if bare := coming("alice", "k", "cup", ""); bytes.Equal(r.Entry.Input, journal.Hash("reward.import", bare)) != true {
					t.Error("the hash of the command is not of what it is without its codes")
				}
			}
			if strings.Contains(text, "SECRET") {
				t.Error("the code is in", text)
			}
		})
		run("a row that names another voucher names none", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db, cup)
			out := must[reward.Outcome](t)(e.Import(ctx, coming("alice", "k", "cup", "a", "b")))
			if err := e.Recode(ctx, db, "a", out.Vouchers[1].ID); err != nil {
				t.Fatal(err)
			}
			_, err := e.Find(ctx, "a")
			is(t, "find", err, errs.Invalid)
		})
		run("who was merged brings its vouchers to who goes on", func(t *testing.T, db dbtest.DB) {
			e, _ := open(t, db, cup)
			must[reward.Outcome](t)(e.Merge(ctx, reward.Merge{Holder: alice, To: "bob", Key: "m"}))
			many := must[reward.Imported](t)(e.ImportAll(ctx, func(yield func(reward.Import, error) bool) {
				_ = yield(coming("carol", "k", "cup", "c"), nil) && yield(coming("alice", "k", "cup", "a"), nil)
			}, nil))
			again := must[reward.Outcome](t)(e.Import(ctx, coming("alice", "k", "cup", "a")))
			if v := must[reward.Voucher](t)(e.Find(ctx, "a")); v.ID.Holder.Member != "bob" || many.Stored != 2 || !again.Replayed {
				t.Error(v, many, again)
			}
		})
	})
}

func TestImportAll(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		e, _ := open(t, db, reward.Reward{ID: "cup", Value: 300}, reward.Reward{ID: "tea"})
		const members = 250
		all := func(yield func(reward.Import, error) bool) {
			for i := range members {
				c := coming(fmt.Sprint(i), "k", "cup", fmt.Sprint("code ", i), "")
				c.Vouchers = append(c.Vouchers, reward.OpeningVoucher{Reward: "tea", Value: 5})
				switch i {
				case 7:
					c.Vouchers[0].Code = "code 6"
				case 8:
					c.Vouchers[2].Reward = "none"
				}
				if !yield(c, nil) {
					return
				}
			}
		}
		want := reward.Imported{
			Imported: storage.Imported{Next: members, Stored: members - 2, Refused: 2},
			Vouchers: map[reward.RewardID]int64{"cup": 2 * (members - 2), "tea": members - 2},
			Values:   map[reward.RewardID]int64{"cup": 600 * (members - 2), "tea": 5 * (members - 2)},
		}
		for _, run := range []struct {
			what     string
			e        *reward.Engine
			replayed bool
			stored   int
		}{{"a preview", e.Preview(), false, 0}, {"the first", e, false, 3 * (members - 2)}, {"the second", e, true, 3 * (members - 2)}} {
			refused := map[int]error{}
			done, err := run.e.ImportAll(ctx, all, &storage.ImportOptions[reward.Import]{Batch: 100, Refused: func(n int, _ reward.Import, err error) { refused[n] = err }})
			want := want
			switch {
			case run.stored == 0: // of two that have a code it sees the same as one
				want.Stored, want.Refused, refused[7] = members-1, 1, reward.ErrCodeTaken
				want.Vouchers, want.Values = map[reward.RewardID]int64{"cup": 2 * (members - 1), "tea": members - 1}, map[reward.RewardID]int64{"cup": 600 * (members - 1), "tea": 5 * (members - 1)}
			case run.replayed:
				want.Stored, want.Replayed = 0, want.Stored
			}
			if refused[6] != nil { // which of the two comes first is open
				refused[7] = refused[6]
			}
			is(t, run.what, refused[7], reward.ErrCodeTaken)
			is(t, run.what, refused[8], reward.ErrUnknownReward)
			if err != nil || done.Imported != want.Imported || !maps.Equal(done.Vouchers, want.Vouchers) || !maps.Equal(done.Values, want.Values) {
				t.Errorf("%s: %+v, %v", run.what, done, err)
			}
			n := 0
			for range e.Vouchers(ctx, reward.VoucherQuery{}) {
				n++
			}
			if n != run.stored {
				t.Errorf("%s: %d vouchers", run.what, n)
			}
		}
	})
}
