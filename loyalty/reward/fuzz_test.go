package reward_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty/reward"
)

// FuzzParseDefinition: whatever is read is refused by a typed error or compiles, is read again as
// it was, and decides without a panic on a cart.
func FuzzParseDefinition(f *testing.F) {
	for _, r := range []reward.Reward{
		{ID: "cup", Prices: []reward.Price{{Points: 20}, {Points: 10, Money: 500}}, Stock: 5, Levels: []ids.Level{"gold"}},
		{ID: "off", From: noon, Discounts: []reward.Discount{{BasisPoints: 2000, Most: 4000, Categories: []string{"coffee"}}, {Free: 1, MinItems: 3}}},
		{ID: "pay", Table: &reward.Table{Min: 50, Steps: []reward.Step{{Points: 50, Value: 100}}}, Discounts: []reward.Discount{{Value: true, MostOfOrder: 5000}}},
	} {
		text, err := json.Marshal(catalog(r))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"id":"a","version":1,"zone":"UTC","program":"p","rewards":[{"id":"x","to":"9999-12-31T23:00:00-12:00"}]}`))
	f.Add([]byte(`{"id":"a","unknown":1}`))
	cart := reward.Cart{Currency: "CNY", Lines: []reward.CartLine{
		{ID: "1", SKU: "latte", Categories: []string{"coffee"}, Quantity: 2, Price: 3200}, {ID: "2", Price: 1, Reduced: 1}, {ID: "3", Price: 999},
	}}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := reward.ParseDefinition(text)
		if err != nil {
			var input *errs.InputError
			if !errors.As(err, &input) {
				t.Fatalf("an untyped error: %v", err)
			}
			return
		}
		c, err := reward.Compile(d)
		if err != nil {
			var mistakes *errs.DefinitionError
			if !errors.As(err, &mistakes) || len(mistakes.Mistakes) == 0 {
				t.Fatalf("an untyped error: %v", err)
			}
			return
		}
		again, err := json.Marshal(c.Definition())
		if err != nil {
			t.Fatal(err)
		}
		read, err := reward.ParseDefinition(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, read, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		for _, r := range d.Rewards {
			off, err := c.Deduct(r.ID, 100, cart)
			if err == nil && (off.Total < 0 || off.Total > cart.Total()) {
				t.Fatalf("%d are taken off %d", off.Total, cart.Total())
			}
			if r.Table != nil {
				if _, taken, value := r.Table.Pay(1_000_000, 500); taken > 1_000_000 || value > 500 || taken < 0 || value < 0 {
					t.Fatalf("%d points make %d", taken, value)
				}
			}
		}
	})
}
