package loyalty_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/loyalty"
)

// No definition, whatever it is, makes a purchase, years of time or a refund panic, take long, or
// lose points from the books.
func FuzzDefinition(f *testing.F) {
	rolling := club(1)
	rolling.Tiers.AtEnd, rolling.Tiers.Rollover, rolling.Tiers.Grace = true, true, 3
	rolling.Metrics[0].Window = loyalty.Window{Calendar: loyalty.Day}
	for _, d := range []loyalty.Definition{club(1), twenty(), rolling} {
		text, err := json.Marshal(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, int64(12_345), int64(400))
	}
	f.Fuzz(func(t *testing.T, text []byte, amount, days int64) {
		d, err := loyalty.ParseDefinition(text)
		if err != nil {
			return
		}
		p, err := loyalty.Compile(d)
		var mistakes *errs.DefinitionError
		if err != nil {
			if !errors.As(err, &mistakes) {
				t.Fatal(err)
			}
			return
		}
		began := time.Now()
		sim := loyalty.Simulate(p)
		id := loyalty.AccountID{Program: d.ID, Member: "alice"}
		now := noon
		for i := range 3 {
			e := loyalty.Earn{Account: id, Event: basket(), Key: fmt.Sprint("k", i)}
			e.Purchase.Currency, e.Purchase.Lines[0].Gross = d.Money, amount
			_, _ = sim.Do(e, now)
			now = now.Add(time.Duration(max(0, min(days, 100_000))) * 24 * time.Hour)
		}
		_, _ = sim.Do(loyalty.Refund{Account: id, Of: "k0", All: true, Key: "back"}, now)
		if a, ok := sim.Account(id, now); ok {
			p.Progress(a, now)
			for _, h := range a.Holdings {
				if h.Totals.Outstanding() != h.Wallet.Total() {
					t.Fatalf("%+v", h)
				}
			}
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Fatalf("took %s", took)
		}
	})
}
