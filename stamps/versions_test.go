package stamps

import (
	"errors"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
)

func TestExpiry(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	cases := []struct {
		name        string
		e           Expiry
		first, last time.Time
		want        time.Time
	}{
		{"never", Expiry{}, noon, noon, time.Time{}},
		{"a date", Expiry{Date: day(2026, 12, 31)}, noon, noon, day(2026, 12, 31)},
		{"days after the first", Expiry{Days: 30}, day(2026, 1, 1), day(2026, 1, 9), day(2026, 1, 31)},
		{"a month after the 31st of January is the 28th of February", Expiry{Months: 1}, day(2026, 1, 31), day(2026, 1, 31), day(2026, 2, 28)},
		{"a leap year has a 29th", Expiry{Months: 1}, day(2028, 1, 31), day(2028, 1, 31), day(2028, 2, 29)},
		{"twelve months", Expiry{Months: 12}, day(2026, 5, 17), day(2026, 5, 17), day(2027, 5, 17)},
		{"inactivity runs from the newest", Expiry{Inactive: 7}, day(2026, 1, 1), day(2026, 1, 9), day(2026, 1, 16)},
		{"the first bound ends it", Expiry{Date: day(2026, 1, 10), Inactive: 7}, day(2026, 1, 1), day(2026, 1, 9), day(2026, 1, 10)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := c.e.end(c.first, c.last); !got.Equal(c.want) {
				t.Fatalf("%s, want %s", got, c.want)
			}
		})
	}
	t.Run("a card is empty from the instant at which its stamps lapse", func(t *testing.T) {
		x := newTill(t, coffee(t, 1, func(d *Definition) { d.Card.Expiry.Days = 1 }))
		must(t)(x.add(2))
		if c := x.card.At(noon.AddDate(0, 0, 1).Add(-time.Microsecond)); c.Count != 2 {
			t.Fatal(c.Count)
		}
		if c := x.card.At(noon.AddDate(0, 0, 1)); c.Count != 0 {
			t.Fatal(c.Count)
		}
	})
	t.Run("a lapsed coupon is not redeemed", func(t *testing.T) {
		x := newTill(t, coffee(t, 1, func(d *Definition) { d.Card.Rewards[0].Coupon.Days = 1 }))
		must(t)(x.add(3))
		x.now = noon.AddDate(0, 0, 1)
		if _, err := x.redeem(1); !errors.Is(err, ErrLapsed) {
			t.Fatal(err)
		}
	})
}

func TestVersions(t *testing.T) {
	small := coffee(t, 1)
	large := coffee(t, 2, func(d *Definition) {
		d.Card.Size = 8
		d.Card.Rewards = []Reward{{ID: "cup", Name: "Free cup", At: 8}}
	})
	t.Run("a round keeps the version that it began with, and the next takes the one in force", func(t *testing.T) {
		x := newTill(t, small)
		must(t)(x.add(3))
		x.rules = NewRules(large, small)
		d := must(t)(x.add(12))
		x.want(2, 2, 15)
		x.wantCoupons("cookie@3 issued", "cup@5 issued", "cup@13 issued")
		must(t)(x.cancel(d.Record.Seq, 0))
		x.want(0, 3, 3)
		if x.card.Began != 1 {
			t.Fatalf("the card came back to version %d", x.card.Began)
		}
	})
	t.Run("a version that is missing is an error", func(t *testing.T) {
		x := newTill(t, small)
		must(t)(x.add(3))
		x.rules = NewRules(large)
		if _, err := x.add(1); !errors.Is(err, ErrUnknownProgram) {
			t.Fatal(err)
		}
	})
}

func TestWhereAndWhen(t *testing.T) {
	p := coffee(t, 1, func(d *Definition) {
		d.Shops = []ids.Shop{"wangjing"}
		d.From, d.To = noon, noon.AddDate(0, 1, 0)
		d.Card.Rewards[0].Shops = []ids.Shop{"sanlitun"}
	})
	at := func(shop ids.Shop, now time.Time) error {
		_, err := NewRules(p).Add(Card{ID: alice}, Add{Card: alice, N: 3, Place: Place{Shop: shop}}, now)
		return err
	}
	for _, c := range []struct {
		shop ids.Shop
		now  time.Time
		want error
	}{
		{"wangjing", noon, nil},
		{"sanlitun", noon, ErrShop},
		{"", noon, ErrShop},
		{"wangjing", noon.Add(-time.Microsecond), ErrClosed},
		{"wangjing", noon.AddDate(0, 1, 0), ErrClosed},
	} {
		if err := at(c.shop, c.now); !errors.Is(err, c.want) {
			t.Errorf("in %q at %s: %v", c.shop, c.now, err)
		}
	}
	d, err := NewRules(p).Add(Card{ID: alice}, Add{Card: alice, N: 3, Place: Place{Shop: "wangjing"}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	for shop, want := range map[ids.Shop]error{"wangjing": ErrShop, "sanlitun": nil} {
		if _, err := NewRules(p).Redeem(d.Card, &d.Coupons[0], Redeem{Place: Place{Shop: shop}}, noon); !errors.Is(err, want) {
			t.Errorf("redeemed in %s: %v", shop, err)
		}
	}
}
