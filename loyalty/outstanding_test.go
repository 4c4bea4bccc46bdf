package loyalty_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// The totals at an instant are those after a sweep at that instant, of any history, and what is
// outstanding is what ends and what does not, less the debts.
func TestTotalsAtAreThoseAfterASweep(t *testing.T) {
	db, histories := memory.New(), 0
	rapid.Check(t, func(t *rapid.T) {
		histories++
		c := &clock{}
		points := loyalty.New(db.Tenant(fmt.Sprint(histories)), &loyalty.Options{Now: c.now})
		d := anyProgram(t)
		if _, err := points.Publish(ctx, d); err != nil {
			t.Fatal(err)
		}
		now := noon
		ends := []time.Time{noon}
		for i := range rapid.IntRange(1, 12).Draw(t, "commands") {
			now = now.AddDate(0, 0, rapid.IntRange(0, 12).Draw(t, "days"))
			c.set(now)
			out, _ := run(points, anyCommand(t, i, now))
			for _, m := range out.Moves {
				for _, l := range slices.Concat(m.Credited, m.Held) {
					ends = append(ends, l.To, l.From)
				}
			}
			ends = append(ends, out.Status.Until)
		}
		at := now.Add(time.Duration(rapid.IntRange(0, 60*24).Draw(t, "hours")) * time.Hour)
		if end := pick(t, "end", ends...); maybe(t, "on an end") && end.After(now) {
			at = end
		}
		got, err := points.TotalsAt(ctx, "club", at)
		if err != nil {
			t.Fatal(err)
		}
		for id, q := range got {
			outstanding := q.Endless - q.Debt
			for _, e := range q.Ends {
				outstanding += e.N
			}
			if outstanding != q.Outstanding() {
				t.Fatalf("%s: %+v adds up to %d, and %d are outstanding", id, q, outstanding, q.Outstanding())
			}
		}
		c.set(at)
		for swept := -1; swept != 0; {
			if swept, err = points.Sweep(ctx, 100); err != nil {
				t.Fatal(err)
			}
		}
		posted, err := points.Totals(ctx, "club")
		if err != nil {
			t.Fatal(err)
		}
		if len(posted) != len(got) {
			t.Fatalf("%v, want %v", got, posted)
		}
		for id, want := range posted {
			if diff := gocmp.Diff(want, got[id].Totals); diff != "" {
				t.Fatalf("%s at %s (-swept +got)\n%s", id, at, diff)
			}
		}
		again, err := points.TotalsAt(ctx, "club", at)
		if diff := gocmp.Diff(got, again); err != nil || diff != "" {
			t.Fatalf("a sweep changed them: %v\n%s", err, diff)
		}
	})
}

// What ends by the end of a month is what has expired by then, where nothing else happens.
func TestEndsAreWhatExpires(t *testing.T) {
	shanghai := must[*time.Location](t)(time.LoadLocation("Asia/Shanghai"))
	rapid.Check(t, func(t *rapid.T) {
		p := compiled(t, loyalty.Definition{ID: "club", Version: 1, Zone: "Asia/Shanghai", Currencies: []loyalty.Currency{{ID: "points"}}})
		sim := loyalty.Simulate(p)
		end := func() time.Time {
			return noon.Add(time.Duration(rapid.IntRange(1, 400*24).Draw(t, "hours")) * time.Hour)
		}
		for i := range rapid.IntRange(1, 12).Draw(t, "commands") {
			var c loyalty.Command = loyalty.Adjust{Account: alice, N: rapid.Int64Range(1, 9).Draw(t, "n"), To: end(), Reason: "r", Key: fmt.Sprint(i)}
			switch pick(t, "command", "adjust", "adjust", "endless", "reserve") {
			case "endless":
				c = loyalty.Adjust{Account: bob, N: 5, Reason: "r", Key: fmt.Sprint(i)}
			case "reserve":
				c = loyalty.Reserve{Account: alice, N: rapid.Int64Range(1, 9).Draw(t, "n"), Until: end(), Key: fmt.Sprint(i)}
			}
			_, _ = sim.Do(c, noon)
		}
		stored := func(yield func(loyalty.Account, error) bool) {
			for _, id := range []loyalty.AccountID{alice, bob} {
				if !yield(sim.Stored(id), nil) {
					return
				}
			}
		}
		totals := func(at time.Time) loyalty.Position {
			found, err := p.TotalsAt(stored, at)
			if err != nil {
				t.Fatal(err)
			}
			return found["points"]
		}
		now, ended := totals(noon), int64(0)
		for _, e := range now.Ends {
			month, err := time.ParseInLocation("2006-01", e.Month, shanghai)
			if err != nil {
				t.Fatal(err)
			}
			ended += e.N
			if got := totals(month.AddDate(0, 1, 0)).Expired; got != ended {
				t.Fatalf("%d have expired with %s, and %d were to end: %+v", got, e.Month, ended, now)
			}
		}
		if last := totals(noon.AddDate(3, 0, 0)); last.Outstanding() != now.Endless || len(last.Ends) > 0 {
			t.Fatalf("%+v is left of %+v", last, now)
		}
	})
}

func TestTotalsAtAnInstant(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		c := &clock{}
		c.set(noon)
		points := loyalty.New(db, &loyalty.Options{Now: c.now})
		d := loyalty.Definition{ID: "club", Version: 1, Zone: "Asia/Shanghai", Currencies: []loyalty.Currency{
			{ID: "points", Value: &loyalty.Value{Money: "CNY", Amount: 1, Points: 3}}, {ID: "stars"}}}
		must[*loyalty.Program](t)(points.Publish(ctx, d))
		give := func(id loyalty.AccountID, currency ids.Currency, n int64, to time.Time, key string) {
			t.Helper()
			must[loyalty.Outcome](t)(points.Adjust(ctx, loyalty.Adjust{Account: id, Currency: currency, N: n, To: to, Reason: "r", Key: key}))
		}
		newYear := time.Date(noon.Year(), 12, 31, 16, 0, 0, 0, time.UTC) // in Shanghai
		give(alice, "", 10, newYear, "december")
		give(alice, "", 20, newYear.Add(time.Hour), "january")
		give(bob, "", 30, time.Time{}, "endless")
		give(bob, "stars", 7, time.Time{}, "stars")
		must[loyalty.Outcome](t)(points.Reserve(ctx, loyalty.Reserve{Account: alice, N: 4, Until: newYear.AddDate(0, 1, 0).Add(-time.Microsecond), Key: "hold"}))
		december, january := fmt.Sprintf("%d-12", noon.Year()), fmt.Sprintf("%d-01", noon.Year()+1)
		at := func(at time.Time) map[ids.Currency]loyalty.Position {
			t.Helper()
			return must[map[ids.Currency]loyalty.Position](t)(points.TotalsAt(ctx, "club", at))
		}
		stars := loyalty.Position{Totals: loyalty.Totals{Issued: 7}, Endless: 7}
		for _, want := range []struct {
			at     time.Time
			points loyalty.Position
		}{
			{noon, loyalty.Position{Totals: loyalty.Totals{Issued: 60}, Money: "CNY", Value: 20, Endless: 30, Ends: []loyalty.Ending{{Month: december, N: 6}, {Month: january, N: 24}}}},
			{newYear.Add(-time.Microsecond), loyalty.Position{Totals: loyalty.Totals{Issued: 60}, Money: "CNY", Value: 20, Endless: 30, Ends: []loyalty.Ending{{Month: december, N: 6}, {Month: january, N: 24}}}},
			{newYear, loyalty.Position{Totals: loyalty.Totals{Issued: 60, Expired: 6}, Money: "CNY", Value: 18, Endless: 30, Ends: []loyalty.Ending{{Month: january, N: 24}}}},
			{newYear.AddDate(0, 1, 0), loyalty.Position{Totals: loyalty.Totals{Issued: 60, Expired: 30}, Money: "CNY", Value: 10, Endless: 30}},
			{noon.AddDate(-1, 0, 0), loyalty.Position{Totals: loyalty.Totals{Issued: 60}, Money: "CNY", Value: 20, Endless: 30, Ends: []loyalty.Ending{{Month: december, N: 6}, {Month: january, N: 24}}}},
		} {
			if diff := gocmp.Diff(map[ids.Currency]loyalty.Position{"points": want.points, "stars": stars}, at(want.at)); diff != "" {
				t.Errorf("%s (-want +got)\n%s", want.at, diff)
			}
		}
		if _, err := points.TotalsAt(ctx, "club", time.Time{}); !errors.As(err, new(*errs.InputError)) {
			t.Error(err)
		}
		if _, err := points.TotalsAt(ctx, "none", noon); !errors.Is(err, loyalty.ErrUnknownProgram) {
			t.Error(err)
		}
	})
}

// A value is the exact quotient, towards zero, or too large for an int64.
func TestValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := loyalty.Value{
			Money: "CNY", Amount: rapid.Int64Range(1, loyalty.MaxAmount).Draw(t, "amount"), Points: rapid.Int64Range(1, loyalty.MaxPoints).Draw(t, "points"),
		}
		n := pick(t, "n", rapid.Int64().Draw(t, "any"), math.MinInt64, math.MaxInt64, v.Points, -v.Points)
		want := new(big.Int).Mul(big.NewInt(n), big.NewInt(v.Amount))
		want.Quo(want, big.NewInt(v.Points))
		got, err := v.Of(n)
		most := new(big.Int).Abs(want).Cmp(big.NewInt(math.MaxInt64)) <= 0
		if most && (err != nil || got != want.Int64()) || !most && !errors.Is(err, loyalty.ErrOverflow) {
			t.Fatalf("%+v of %d is %d, %v; want %s", v, n, got, err, want)
		}
	})
	for field, v := range map[string]loyalty.Value{
		"money": {Money: "yuan", Amount: 1, Points: 1}, "amount": {Money: "CNY", Points: 1}, "points": {Money: "CNY", Amount: 1},
	} {
		d := club(1)
		d.Currencies[0].Value = &v
		var mistakes *errs.DefinitionError
		if _, err := loyalty.Compile(d); !errors.As(err, &mistakes) || mistakes.Mistakes[0].Path != "currencies[0].value."+field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Books add up exactly, or are refused: of an account, of all of a program, and of all at an
// instant, in the same way.
func TestBooksThatDoNotFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		db := memory.New()
		points := loyalty.New(db, &loyalty.Options{Now: func() time.Time { return noon }})
		p, err := points.Publish(ctx, club(1))
		if err != nil {
			t.Fatal(err)
		}
		n := rapid.Custom(func(t *rapid.T) int64 {
			return pick(t, "n", rapid.Int64Range(0, math.MaxInt64).Draw(t, "any"), 0, 1, math.MaxInt64/2, math.MaxInt64)
		})
		fields := func(t *loyalty.Totals) []*int64 {
			return []*int64{&t.Issued, &t.Redeemed, &t.Expired, &t.Revoked, &t.Received, &t.Sent}
		}
		sums := make([]*big.Int, 6)
		for i := range sums {
			sums[i] = new(big.Int)
		}
		var accounts []loyalty.Account
		for i := range rapid.IntRange(1, 4).Draw(t, "accounts") {
			var books loyalty.Totals
			for k, f := range fields(&books) {
				*f = n.Draw(t, "books")
				sums[k].Add(sums[k], big.NewInt(*f))
			}
			accounts = append(accounts, loyalty.Account{
				ID: loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", i))}, Version: 1, Seq: 1, At: noon, Joined: noon,
				Holdings: []loyalty.Holding{{Currency: "points", Wallet: loyalty.Wallet{At: noon}, Totals: books}},
			})
		}
		if err := loyalty.SaveAccounts(ctx, db, accounts); err != nil {
			t.Fatal(err)
		}
		fits := true
		for _, sum := range sums {
			fits = fits && sum.IsInt64()
		}
		totals, err := points.Totals(ctx, "club")
		position, err2 := p.TotalsAt(points.Accounts(ctx, loyalty.AccountQuery{Program: "club"}), noon)
		if !fits {
			if !errors.Is(err, loyalty.ErrOverflow) || !errors.Is(err2, loyalty.ErrOverflow) {
				t.Fatal(sums, err, err2)
			}
			return
		}
		if err != nil || err2 != nil || totals["points"] != position["points"].Totals {
			t.Fatal(totals, err, position, err2)
		}
		books := totals["points"]
		for k, f := range fields(&books) {
			if *f != sums[k].Int64() {
				t.Fatal(books, sums)
			}
		}
		first := accounts[0]
		d, err := p.Adjust(first, loyalty.Adjust{Account: first.ID, N: 10}, noon)
		if issued := first.Holdings[0].Totals.Issued; issued > math.MaxInt64-10 {
			if !errors.Is(err, loyalty.ErrOverflow) {
				t.Fatal(d, err)
			}
		} else if err != nil || d.Next.Holdings[0].Totals.Issued != issued+10 {
			t.Fatal(d, err)
		}
	})
}
