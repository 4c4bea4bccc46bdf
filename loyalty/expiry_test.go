package loyalty_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/loyalty"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestExpiry(t *testing.T) {
	shanghai := zone(t, "Asia/Shanghai")
	for _, c := range []struct {
		name   string
		e      loyalty.Expiry
		earned string
		zone   *time.Location
		want   string // "": never
	}{
		{"never", loyalty.Expiry{}, "2026-03-01T10:00:00", shanghai, ""},
		{"the day itself", loyalty.Expiry{RoundUp: loyalty.Day}, "2026-03-01T10:00:00", shanghai, "2026-03-02T00:00:00"},
		{"the eve of the anniversary", loyalty.Expiry{Years: 1, Eve: true}, "2026-03-01T10:00:00", shanghai, "2027-03-01T00:00:00"},
		{"the eve of 28 February", loyalty.Expiry{Years: 1, Eve: true}, "2028-02-29T10:00:00", shanghai, "2029-02-28T00:00:00"},
		{"the eve of a day of the year, before it", loyalty.Expiry{On: &loyalty.YearDay{Month: 4, Day: 1}, Eve: true}, "2026-03-31T23:00:00", shanghai, "2026-04-01T00:00:00"},
		{"the eve of a day of the year, on it", loyalty.Expiry{On: &loyalty.YearDay{Month: 4, Day: 1}, Eve: true}, "2026-04-01T00:00:00", shanghai, "2027-04-01T00:00:00"},
		{"30 days after", loyalty.Expiry{Days: 30}, "2026-03-01T10:00:00", shanghai, "2026-04-01T00:00:00"},
		{"30 days after, late in the evening", loyalty.Expiry{Days: 30}, "2026-03-01T23:59:59", shanghai, "2026-04-01T00:00:00"},
		{"a month after 31 January", loyalty.Expiry{Months: 1}, "2026-01-31T10:00:00", shanghai, "2026-03-01T00:00:00"},
		{"a month after 31 January of a leap year", loyalty.Expiry{Months: 1}, "2028-01-31T10:00:00", shanghai, "2028-03-01T00:00:00"},
		{"13 months after 31 January", loyalty.Expiry{Months: 1, Years: 1}, "2027-01-31T10:00:00", shanghai, "2028-03-01T00:00:00"},
		{"a year after 29 February", loyalty.Expiry{Years: 1}, "2028-02-29T10:00:00", shanghai, "2029-03-01T00:00:00"},
		{"Starbucks US: 6 months after the month", loyalty.Expiry{Months: 6, RoundUp: loyalty.Month}, "2020-12-15T10:00:00", shanghai, "2021-07-01T00:00:00"},
		{"Starbucks China: the same month of the next year", loyalty.Expiry{Years: 1, RoundUp: loyalty.Month}, "2025-03-15T10:00:00", shanghai, "2026-04-01T00:00:00"},
		{"the end of the month", loyalty.Expiry{RoundUp: loyalty.Month}, "2026-02-28T23:00:00", shanghai, "2026-03-01T00:00:00"},
		{"the end of the quarter", loyalty.Expiry{RoundUp: loyalty.Quarter}, "2026-04-01T00:00:00", shanghai, "2026-07-01T00:00:00"},
		{"the end of the half", loyalty.Expiry{RoundUp: loyalty.Half}, "2026-06-30T10:00:00", shanghai, "2026-07-01T00:00:00"},
		{"the end of the half, in the second", loyalty.Expiry{RoundUp: loyalty.Half}, "2026-07-01T10:00:00", shanghai, "2027-01-01T00:00:00"},
		{"the end of the year", loyalty.Expiry{RoundUp: loyalty.Year}, "2026-01-01T00:00:00", shanghai, "2027-01-01T00:00:00"},
		{"the end of the next year", loyalty.Expiry{Years: 1, RoundUp: loyalty.Year}, "2026-05-01T00:00:00", shanghai, "2028-01-01T00:00:00"},
		{"a day of the year, before it", loyalty.Expiry{On: &loyalty.YearDay{Month: 1, Day: 31}}, "2026-01-30T10:00:00", shanghai, "2026-02-01T00:00:00"},
		{"a day of the year, on it", loyalty.Expiry{On: &loyalty.YearDay{Month: 1, Day: 31}}, "2026-01-31T10:00:00", shanghai, "2026-02-01T00:00:00"},
		{"a day of the year, after it", loyalty.Expiry{On: &loyalty.YearDay{Month: 1, Day: 31}}, "2026-02-01T10:00:00", shanghai, "2027-02-01T00:00:00"},
		{"29 February of the year after", loyalty.Expiry{Years: 1, On: &loyalty.YearDay{Month: 2, Day: 29}}, "2027-02-01T10:00:00", shanghai, "2028-03-01T00:00:00"},
		{"29 February", loyalty.Expiry{On: &loyalty.YearDay{Month: 2, Day: 29}}, "2027-02-28T10:00:00", shanghai, "2027-03-01T00:00:00"},
		{"the day is the zone's", loyalty.Expiry{Days: 1}, "2026-03-01T16:30:00", time.UTC, "2026-03-03T00:00:00"},
		{"a day that begins at 1:00", loyalty.Expiry{Days: 1}, "2018-11-02T10:00:00", zone(t, "America/Sao_Paulo"), "2018-11-04T01:00:00"},
		{"a day of 25 hours", loyalty.Expiry{Days: 1}, "2026-10-24T10:00:00", zone(t, "Europe/Berlin"), "2026-10-26T00:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.e.Check(); err != nil {
				t.Fatal(err)
			}
			earned, err := time.ParseInLocation("2006-01-02T15:04:05", c.earned, c.zone)
			if err != nil {
				t.Fatal(err)
			}
			end := c.e.End(earned, c.zone)
			got := ""
			if !end.IsZero() {
				got = end.In(c.zone).Format("2006-01-02T15:04:05")
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestExpiryCheck(t *testing.T) {
	for name, e := range map[string]loyalty.Expiry{
		"days below zero":    {Days: -1},
		"months below zero":  {Months: -1},
		"more than a life":   {Years: 101},
		"an unknown period":  {RoundUp: "week"},
		"a thirteenth month": {On: &loyalty.YearDay{Month: 13, Day: 1}},
		"30 February":        {On: &loyalty.YearDay{Month: 2, Day: 30}},
		"day 0":              {On: &loyalty.YearDay{Month: 2}},
		"the eve of never":   {Eve: true},
		"the eve of a month": {Months: 1, RoundUp: loyalty.Month, Eve: true},
	} {
		var input *errs.InputError
		if err := e.Check(); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who earns later keeps points as long or longer, and points live at least to the end of their day.
func TestExpiryGrowsWithTime(t *testing.T) {
	zones := []*time.Location{time.UTC, zone(t, "Asia/Shanghai"), zone(t, "America/Sao_Paulo"), zone(t, "Pacific/Apia")}
	rapid.Check(t, func(t *rapid.T) {
		e := loyalty.Expiry{
			Days: rapid.IntRange(0, 400).Draw(t, "days"), Months: rapid.IntRange(0, 40).Draw(t, "months"),
			Years:   rapid.IntRange(0, 3).Draw(t, "years"),
			RoundUp: rapid.SampledFrom([]loyalty.Period{"", loyalty.Day, loyalty.Month, loyalty.Quarter, loyalty.Half, loyalty.Year}).Draw(t, "round up"),
		}
		if rapid.Bool().Draw(t, "on a day") {
			e.On = &loyalty.YearDay{Month: time.Month(rapid.IntRange(1, 12).Draw(t, "month")), Day: rapid.IntRange(1, 28).Draw(t, "day")}
		}
		e.Eve = e.RoundUp == "" && e != (loyalty.Expiry{}) && rapid.Bool().Draw(t, "eve")
		z := rapid.SampledFrom(zones).Draw(t, "zone")
		a := time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "earned"), 0)
		b := a.Add(time.Duration(rapid.Int64Range(0, 4e7).Draw(t, "later")) * time.Second)
		first, second := e.End(a, z), e.End(b, z)
		switch {
		case first.IsZero() != second.IsZero():
			t.Fatal(first, second)
		case first.IsZero():
		case !first.After(a) || second.Before(first):
			t.Fatalf("earned %s ends %s; earned %s ends %s", a.In(z), first.In(z), b.In(z), second.In(z))
		}
	})
}
