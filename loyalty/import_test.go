package loyalty_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// movedTo is a program that members of another system come to.
func movedTo() loyalty.Definition {
	return loyalty.Definition{
		ID: "club", Version: 1, Zone: "UTC", Money: "CNY",
		Currencies: []loyalty.Currency{
			{ID: "points", Expiry: loyalty.Expiry{Months: 12}, Overdraft: loyalty.BelowZero},
			{ID: "miles", Expiry: loyalty.Expiry{Days: 100}, Inactive: true},
		},
		Metrics: []loyalty.Metric{{ID: "spent", Of: loyalty.CountMoney, Window: loyalty.Window{Calendar: loyalty.Year}}},
		Tiers: &loyalty.Tiers{
			Levels: []loyalty.Level{
				{ID: "basic"}, {ID: "silver", Needs: []loyalty.Need{{"spent": 1_000}}, Gift: &loyalty.Gift{Points: 50}},
				{ID: "gold", Needs: []loyalty.Need{{"spent": 5_000}}, Gift: &loyalty.Gift{Points: 500}},
			},
			Valid: loyalty.Validity{Expiry: loyalty.Expiry{Months: 12}}, Downgrade: loyalty.AtEnd,
		},
		Rules: []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	}
}

func TestImport(t *testing.T) {
	p := compiledFor(t, movedTo())
	at := func(days int) time.Time { return noon.AddDate(0, 0, days) }
	for _, c := range []struct {
		name   string
		in     loyalty.Import
		points loyalty.Balance
		miles  loyalty.Balance
		books  loyalty.Totals // of points
		status loyalty.Status // Status of the outcome
	}{
		{
			name:   "nothing but a member",
			status: loyalty.Status{Level: "basic", Since: noon},
		},
		{
			name: "lots with their ends, and what became of others",
			in: loyalty.Import{Joined: at(-900), Points: []loyalty.Opening{{
				Lots: []loyalty.OpeningLot{{N: 70, To: at(3)}, {N: 30, From: at(2)}}, Redeemed: 400, Expired: 55,
			}}},
			points: loyalty.Balance{Available: 70, Pending: 30},
			books:  loyalty.Totals{Issued: 555, Redeemed: 400, Expired: 55},
			status: loyalty.Status{Level: "basic", Since: at(-900)},
		},
		{
			name:   "points that have ended are in the books as such",
			in:     loyalty.Import{Points: []loyalty.Opening{{Lots: []loyalty.OpeningLot{{N: 70, To: at(-1)}, {N: 8, Earned: at(-367)}, {N: 5, Earned: at(-364)}}}}},
			points: loyalty.Balance{Available: 5},
			books:  loyalty.Totals{Issued: 83, Expired: 78},
			status: loyalty.Status{Level: "basic", Since: noon},
		},
		{
			name:   "points that are pending for longer than points last end as long after they begin",
			in:     loyalty.Import{Points: []loyalty.Opening{{Lots: []loyalty.OpeningLot{{N: 8, From: at(400)}}}}},
			points: loyalty.Balance{Pending: 8},
			books:  loyalty.Totals{Issued: 8},
			status: loyalty.Status{Level: "basic", Since: noon},
		},
		{
			name:   "a debt",
			in:     loyalty.Import{Points: []loyalty.Opening{{Currency: "points", Debt: 90, Lots: []loyalty.OpeningLot{{N: 100, From: at(5)}}}}},
			points: loyalty.Balance{Pending: 100, Debt: 90},
			books:  loyalty.Totals{Issued: 100, Revoked: 90},
			status: loyalty.Status{Level: "basic", Since: noon},
		},
		{
			name:   "points that end with inactivity end a hundred days after the last one",
			in:     loyalty.Import{Active: at(-99), Points: []loyalty.Opening{{Currency: "miles", Lots: []loyalty.OpeningLot{{N: 10, Earned: at(-500)}}}}},
			miles:  loyalty.Balance{Available: 10},
			status: loyalty.Status{Level: "basic", Since: noon},
		},
		{
			name:   "a level that the metrics come to, without its gift",
			in:     loyalty.Import{Metrics: []loyalty.OpeningCount{{Metric: "spent", At: at(-1), N: 700}, {Metric: "spent", At: at(-3), N: 300}}},
			status: loyalty.Status{Level: "silver", Since: noon, Until: time.Date(2027, 3, 3, 0, 0, 0, 0, time.UTC)},
		},
		{
			name: "a level that was reached before, and that the metrics will give again as it ends",
			in: loyalty.Import{
				Metrics: []loyalty.OpeningCount{{Metric: "spent", At: at(-1), N: 1000}}, Tier: loyalty.OpeningTier{Level: "silver", Since: at(-40), Until: at(200)},
			},
			status: loyalty.Status{Level: "silver", Since: at(-40), Until: time.Date(2027, 9, 19, 0, 0, 0, 0, time.UTC)},
		},
		{
			name:   "a level that no metric comes to is kept as one that was given by hand",
			in:     loyalty.Import{Tier: loyalty.OpeningTier{Level: "gold", Since: at(-40), Until: at(20)}},
			status: loyalty.Status{Level: "gold", Since: at(-40), Until: at(20), Hand: "gold"},
		},
		{
			name:   "a level without an end has the program's",
			in:     loyalty.Import{Tier: loyalty.OpeningTier{Level: "gold", Since: at(-40)}},
			status: loyalty.Status{Level: "gold", Since: at(-40), Until: time.Date(2027, 1, 22, 0, 0, 0, 0, time.UTC), Hand: "gold"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := loyalty.Simulate(p)
			c.in.Account, c.in.Key = alice, "import"
			out, err := sim.Do(c.in, noon)
			if err != nil {
				t.Fatal(err)
			}
			a := sim.Stored(alice)
			if points, miles := a.Wallet("points").Balance(noon), a.Wallet("miles").Balance(noon); points != c.points || miles != c.miles {
				t.Errorf("points %+v, miles %+v", points, miles)
			}
			var books loyalty.Totals
			for _, h := range a.Holdings {
				if h.Currency == "points" {
					books = h.Totals
				}
			}
			if books != c.books || out.Status != c.status {
				t.Errorf("%+v, %+v", books, out.Status)
			}
			if len(a.Gifts) != 0 || len(out.Steps) != 0 {
				t.Errorf("it gave %+v: %+v", a.Gifts, out.Steps)
			}
			if again, err := sim.Do(c.in, noon); err != nil || !again.Replayed {
				t.Error(again, err)
			}
		})
	}
}

func TestImportsAreRefused(t *testing.T) {
	later, level := noon.AddDate(0, 0, 1), func(l ids.Level) loyalty.OpeningTier { return loyalty.OpeningTier{Level: l} }
	lot := func(l loyalty.OpeningLot) []loyalty.Opening {
		return []loyalty.Opening{{Lots: []loyalty.OpeningLot{l}}}
	}
	for field, c := range map[string]loyalty.Import{
		"joined":                 {Joined: later},
		"active":                 {Active: later},
		"points[0].lots[0].n":    {Points: lot(loyalty.OpeningLot{})},
		"points[0].lots[0].to":   {Points: []loyalty.Opening{{Currency: "miles", Lots: []loyalty.OpeningLot{{N: 1, To: later}}}}},
		"points[0].lots[0].from": {Points: []loyalty.Opening{{Debt: 1, Lots: []loyalty.OpeningLot{{N: 1}}}}},
		"points[0].lots":         {Points: []loyalty.Opening{{Lots: make([]loyalty.OpeningLot, loyalty.MaxOpening+1)}}},
		"points[1].lots[0].to":   {Points: append(lot(loyalty.OpeningLot{N: 1}), loyalty.Opening{Currency: "miles", Lots: []loyalty.OpeningLot{{N: 1, From: later, To: later}}})},
		"points[0].debt":         {Points: []loyalty.Opening{{Debt: -1}}},
		"points[0].redeemed":     {Points: []loyalty.Opening{{Redeemed: -1}}},
		"points[0].expired":      {Points: []loyalty.Opening{{Expired: loyalty.MaxPoints + 1}}},
		"points[1].currency":     {Points: []loyalty.Opening{{}, {Currency: "points"}}},
		"metrics[0].metric":      {Metrics: []loyalty.OpeningCount{{Metric: "visits", At: noon, N: 1}}},
		"metrics[0].at":          {Metrics: []loyalty.OpeningCount{{Metric: "spent", N: 1}}},
		"metrics[1].at":          {Metrics: []loyalty.OpeningCount{{Metric: "spent", At: noon, N: 1}, {Metric: "spent", At: later, N: 1}}},
		"metrics":                {Metrics: make([]loyalty.OpeningCount, loyalty.MaxOpening+1)},
		"tier.since":             {Tier: loyalty.OpeningTier{Level: "gold", Since: later}},
		"tier.until":             {Tier: loyalty.OpeningTier{Level: "gold", Until: noon}},
		"tier.level":             {Tier: level("basic"), Metrics: []loyalty.OpeningCount{{Metric: "spent", At: noon, N: 1000}}},
	} {
		sim := loyalty.Simulate(compiledFor(t, movedTo()))
		c.Account, c.Key = alice, "import"
		_, err := sim.Do(c, noon)
		var input *errs.InputError
		if !errors.As(err, &input) || input.Field != field {
			t.Errorf("%s: %v", field, err)
		}
		if sim.Stored(alice).Version != 0 {
			t.Errorf("%s: there is an account", field)
		}
	}
	sim := loyalty.Simulate(compiledFor(t, movedTo()))
	for want, c := range map[error]loyalty.Import{
		loyalty.ErrUnknownLevel:    {Tier: level("platinum")},
		loyalty.ErrUnknownCurrency: {Points: []loyalty.Opening{{Currency: "stars"}}},
		loyalty.ErrOverflow:        {Points: []loyalty.Opening{{Lots: []loyalty.OpeningLot{{N: loyalty.MaxPoints}, {N: 1}}}}},
	} {
		c.Account, c.Key = alice, "import"
		if _, err := sim.Do(c, noon); !errors.Is(err, want) {
			t.Error(err, "want", want)
		}
	}
	if _, err := sim.Do(loyalty.SetTier{Account: alice, Level: "gold", Key: "tier"}, noon); err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Do(loyalty.Import{Account: alice, Key: "import"}, noon); !errors.Is(err, loyalty.ErrAccountExists) {
		t.Error(err)
	}
}

// imported is an account as it can be told to another system.
func imported(a loyalty.Account) loyalty.Import {
	c := loyalty.Import{Account: a.ID, Joined: a.Joined, Active: a.Active, Key: "import"}
	for _, h := range a.Holdings {
		o := loyalty.Opening{Currency: h.Currency, Debt: h.Wallet.Debt, Redeemed: h.Totals.Redeemed, Expired: h.Totals.Expired}
		for _, l := range h.Wallet.Lots {
			o.Lots = append(o.Lots, loyalty.OpeningLot{N: l.N, From: l.From, To: l.To})
		}
		c.Points = append(c.Points, o)
	}
	for _, named := range a.Tallies {
		metric, rest := loyalty.MetricID(named.Name[len("metric/"):]), named.Tally.Total
		for _, d := range named.Tally.Days {
			c.Metrics = append(c.Metrics, loyalty.OpeningCount{Metric: metric, At: time.Unix(d.Day*86400, 0).Add(12 * time.Hour).UTC(), N: d.N})
			rest -= d.N
		}
		if rest != 0 {
			c.Metrics = slices.Insert(c.Metrics, 0, loyalty.OpeningCount{Metric: metric, At: a.Joined, N: rest})
		}
	}
	if a.Status.Level != "" {
		c.Tier = loyalty.OpeningTier{Level: a.Status.Level, Since: a.Status.Since, Until: a.Status.Until}
	}
	return c
}

// A member who moves, with all that can be told of an account, has the same points and the same level
// from then on as one who stays.
func TestWhoMovesGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := movedTo()
		d.Currencies = d.Currencies[:1]
		d.Currencies[0].Expiry = loyalty.Expiry{Days: 10}
		d.Metrics[0].Window = pick(t, "window", loyalty.Window{Days: 20}, loyalty.Window{Calendar: loyalty.Month}, loyalty.Window{})
		for i := range d.Tiers.Levels {
			d.Tiers.Levels[i].Gift = nil
		}
		d.Tiers.Valid.Expiry = pick(t, "valid", loyalty.Expiry{Days: 15}, loyalty.Expiry{RoundUp: loyalty.Month}, loyalty.Expiry{})
		stays, moves := loyalty.Simulate(compiled(t, d)), loyalty.Simulate(compiled(t, d))
		now, before := noon, rapid.IntRange(1, 6).Draw(t, "before")
		for i := range before + rapid.IntRange(1, 6).Draw(t, "after") {
			now = now.AddDate(0, 0, rapid.IntRange(0, 12).Draw(t, "days"))
			if i == before {
				a, ok := stays.Account(alice, now)
				if !ok {
					return
				}
				if _, err := moves.Do(imported(a), now); err != nil {
					t.Fatal(err)
				}
			}
			var c loyalty.Command = buy(alice, rapid.Int64Range(100, 3_000).Draw(t, "amount"), fmt.Sprint("order", i))
			if maybe(t, "spends") {
				c = loyalty.Redeem{Account: alice, N: rapid.Int64Range(1, 30).Draw(t, "n"), Key: fmt.Sprint("tap", i)}
			}
			_, err := stays.Do(c, now)
			if i < before {
				continue
			}
			if _, again := moves.Do(c, now); fmt.Sprint(errors.Unwrap(again)) != fmt.Sprint(errors.Unwrap(err)) {
				t.Fatalf("%v, and %v of who moved", err, again)
			}
			for _, at := range []time.Time{now, now.AddDate(0, 0, rapid.IntRange(1, 40).Draw(t, "later"))} {
				want, _ := stays.Account(alice, at)
				got, _ := moves.Account(alice, at)
				w, g := want.Wallet("points"), got.Wallet("points")
				if w.Balance(at) != g.Balance(at) || want.Status.Level != got.Status.Level || !want.Status.Since.Equal(got.Status.Since) || !want.Due().Equal(got.Due()) {
					t.Fatalf("at %s of who stays: %+v %+v\nof who moved: %+v %+v", at, w.Balance(at), want.Status, g.Balance(at), got.Status)
				}
			}
		}
	})
}

// some yields imports, and then the error.
func some(all []loyalty.Import, end error) iter.Seq2[loyalty.Import, error] {
	return func(yield func(loyalty.Import, error) bool) {
		for _, c := range all {
			if !yield(c, nil) {
				return
			}
		}
		if end != nil {
			yield(loyalty.Import{}, end)
		}
	}
}

// failing is a store whose writes fail now and then, before or after they have taken effect.
type failing struct {
	storage.Tx
	fails func() (before, after bool)
}

var errFailing = errors.New("the database is gone")

func (f failing) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	before, after := f.fails()
	if before {
		return nil, errFailing
	}
	errs, err := f.Tx.Save(ctx, changes)
	if after {
		return nil, errFailing
	}
	return errs, err
}

// However often moving in fails or is stopped, and wherever it goes on: in the end every member is
// there once, with what was told, and what ImportAll says is what the database has.
func TestImportAll(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		histories := 0
		rapid.Check(t, func(t *rapid.T) {
			histories++
			tenant, now := db.Tenant(fmt.Sprint(histories)), func() time.Time { return noon }
			opts := &loyalty.Options{Now: now}
			points := loyalty.New(tenant, opts)
			if _, err := points.Publish(ctx, movedTo()); err != nil {
				t.Fatal(err)
			}
			n := rapid.IntRange(0, 40).Draw(t, "members")
			all, refused := make([]loyalty.Import, n), map[int]bool{}
			want := loyalty.Imported{Imported: storage.Imported{Next: n}, Totals: map[ids.Currency]loyalty.Totals{}, Levels: map[ids.Level]int{}}
			for i := range all {
				all[i] = loyalty.Import{
					Account: loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", i))}, Key: "import",
					Points: []loyalty.Opening{{Lots: []loyalty.OpeningLot{{N: int64(i + 1)}}, Redeemed: 3}},
				}
				switch pick(t, "member", "plain", "plain", "gold", "bad", "unknown") {
				case "plain":
					want.Levels["basic"]++
				case "gold":
					all[i].Tier.Level = "gold"
					want.Levels["gold"]++
				case "bad":
					all[i].Points[0].Debt, refused[i] = -1, true
				case "unknown":
					all[i].Tier.Level, refused[i] = "platinum", true
				}
				if !refused[i] {
					sum, _ := want.Totals["points"].Plus(loyalty.Totals{Issued: int64(i + 4), Redeemed: 3})
					want.Totals["points"] = sum
				}
			}
			want.Refused = len(refused)
			o := storage.ImportOptions[loyalty.Import]{Batch: rapid.IntRange(1, 12).Draw(t, "batch"), Workers: rapid.IntRange(1, 3).Draw(t, "workers")}
			told := map[int]bool{}
			o.Refused = func(n int, c loyalty.Import, err error) {
				if told[n] = true; c.Account != all[n].Account || !refused[n] {
					t.Errorf("import %d of %s: %v", n, c.Account.Member, err)
				}
			}
			dry, err := points.Preview().ImportAll(ctx, some(all, nil), &o)
			if err != nil || dry.Stored != n-len(refused) || dry.Replayed != 0 {
				t.Fatal(dry, err)
			}
			for a, err := range points.Accounts(ctx, loyalty.AccountQuery{}) {
				t.Fatal("a preview has opened", a.ID, err)
			}
			clear(told)
			draws := rapid.SliceOfN(rapid.IntRange(0, 9), 0, 6).Draw(t, "failures")
			var lock = make(chan struct{}, 1)
			broken := loyalty.New(failing{tenant, func() (before, after bool) {
				lock <- struct{}{}
				defer func() { <-lock }()
				if len(draws) == 0 {
					return false, false
				}
				next := draws[0]
				draws = draws[1:]
				return next < 3, next > 6
			}}, opts)
			from, whole := 0, rapid.Bool().Draw(t, "from the first one")
			var done loyalty.Imported
			for {
				done, err = broken.ImportAll(ctx, some(all[from:], nil), &storage.ImportOptions[loyalty.Import]{Batch: o.Batch, Workers: o.Workers, Refused: func(n int, c loyalty.Import, err error) { o.Refused(from+n, c, err) }})
				if err == nil {
					break
				}
				if !errors.Is(err, errFailing) {
					t.Fatal(err)
				}
				if !whole {
					from += done.Next
				}
			}
			if len(told) != len(refused) {
				t.Errorf("%d refusals are told of %d", len(told), len(refused))
			}
			again, err := points.ImportAll(ctx, some(all, nil), &o)
			want.Replayed = n - len(refused)
			if diff := gocmp.Diff(want, again); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
			if whole && !maps.Equal(done.Totals, want.Totals) {
				t.Errorf("%v, want %v", done.Totals, want.Totals)
			}
			totals, err := points.Totals(ctx, "club")
			if err != nil || !maps.Equal(totals, want.Totals) {
				t.Error(totals, err)
			}
			for _, c := range all {
				if err := points.Verify(ctx, c.Account); err != nil && !errors.Is(err, loyalty.ErrUnknownAccount) {
					t.Error(err)
				}
			}
		})
	})
}

func TestImportAllEnds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		points := loyalty.New(db, nil)
		if _, err := points.Publish(ctx, movedTo()); err != nil {
			t.Fatal(err)
		}
		of := func(member ids.Member, n int64) loyalty.Import {
			return loyalty.Import{Account: loyalty.AccountID{Program: "club", Member: member}, Key: "import", Points: []loyalty.Opening{{Lots: []loyalty.OpeningLot{{N: n}}}}}
		}
		if done, err := points.ImportAll(ctx, some([]loyalty.Import{of("a", 1), of("b", -1)}, nil), &storage.ImportOptions[loyalty.Import]{Batch: 1, Workers: 1}); !errors.Is(err, errs.Invalid) || done.Next != 1 {
			t.Error("with the first refusal:", done, err)
		}
		wrong := errors.New("line 3 is no member")
		if _, err := points.ImportAll(ctx, some([]loyalty.Import{of("a", 1)}, wrong), nil); !errors.Is(err, wrong) {
			t.Error("with an error of the sequence:", err)
		}
		if _, err := points.ImportAll(ctx, some([]loyalty.Import{of("a", 2)}, nil), nil); !errors.Is(err, journal.ErrKeyReused) {
			t.Error("with another import of a member:", err)
		}
		var told []int
		twice := []loyalty.Import{of("c", 1), of("c", 1), of("c", 2)}
		done, err := points.ImportAll(ctx, some(twice, nil), &storage.ImportOptions[loyalty.Import]{Refused: func(n int, _ loyalty.Import, err error) {
			if told = append(told, n); !errors.Is(err, journal.ErrKeyReused) {
				t.Error(err)
			}
		}})
		if err != nil || done.Stored != 1 || done.Replayed != 1 || !slices.Equal(told, []int{2}) {
			t.Error("a member who is there three times:", done, told, err)
		}
		stopped, cancel := context.WithCancel(ctx)
		members := make([]loyalty.Import, 50)
		for i := range members {
			members[i] = of(ids.Member(fmt.Sprint("m", i)), 1)
		}
		done, err = points.ImportAll(stopped, some(members, nil), &storage.ImportOptions[loyalty.Import]{Batch: 5, Workers: 1, Progress: func(done storage.Imported) {
			if done.Next == 20 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) || done.Next != 20 || done.Stored != 20 {
			t.Error("when it is stopped:", done, err)
		}
		err = db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			done, err := points.In(tx).ImportAll(ctx, some(members, nil), &storage.ImportOptions[loyalty.Import]{Batch: 5})
			if done.Stored != 30 || done.Replayed != 20 {
				t.Error("in a transaction:", done)
			}
			return errors.Join(err, errFailing)
		})
		if _, found := points.Account(ctx, members[49].Account); !errors.Is(err, errFailing) || !errors.Is(found, loyalty.ErrUnknownAccount) {
			t.Error("after a rollback:", err, found)
		}
	})
}

// anyImport draws an import into a program of anyProgram, which may be one that it refuses.
func anyImport(t *rapid.T, id loyalty.AccountID, at time.Time, key string) loyalty.Import {
	days := func(name string, least, most int) time.Time {
		if n := rapid.IntRange(least, most).Draw(t, name); n != least {
			return at.AddDate(0, 0, n)
		}
		return time.Time{}
	}
	c := loyalty.Import{Account: id, Joined: days("joined", -400, 0), Active: days("active", -60, 0), Key: key}
	for _, currency := range []ids.Currency{"points", "status"} {
		if !maybe(t, "has points") {
			continue
		}
		o := loyalty.Opening{Currency: currency, Redeemed: rapid.Int64Range(0, 50).Draw(t, "redeemed"), Expired: rapid.Int64Range(0, 50).Draw(t, "expired")}
		for range rapid.IntRange(0, 4).Draw(t, "lots") {
			o.Lots = append(o.Lots, loyalty.OpeningLot{
				N: rapid.Int64Range(1, 100).Draw(t, "lot"), Earned: days("earned", -40, 0), From: days("from", -1, 3), To: days("to", -3, 30),
			})
		}
		if maybe(t, "owes") {
			o.Debt = rapid.Int64Range(0, 80).Draw(t, "debt")
		}
		c.Points = append(c.Points, o)
	}
	for range rapid.IntRange(0, 4).Draw(t, "counts") {
		c.Metrics = append(c.Metrics, loyalty.OpeningCount{
			Metric: pick[loyalty.MetricID](t, "metric", "spent", "earned"), At: at.AddDate(0, 0, -rapid.IntRange(0, 40).Draw(t, "ago")), N: rapid.Int64Range(1, 30_000).Draw(t, "counted"),
		})
	}
	if maybe(t, "has a level") {
		c.Tier = loyalty.OpeningTier{Level: pick[ids.Level](t, "level", "low", "mid", "high"), Since: days("since", -30, 0), Until: days("until", -1, 30)}
	}
	return c
}
