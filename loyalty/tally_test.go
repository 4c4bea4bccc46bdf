package loyalty_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/loyalty"
)

func TestWindow(t *testing.T) {
	shanghai := zone(t, "Asia/Shanghai")
	at := func(s string) time.Time {
		t.Helper()
		v, err := time.ParseInLocation("2006-01-02 15:04", s, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		name      string
		w         loyalty.Window
		now       string
		first     string // day that counts
		end       string // "": it rolls
		lastCount string // day that counts
	}{
		{"the day", loyalty.Window{Calendar: loyalty.Day}, "2026-03-15 23:59", "2026-03-15", "2026-03-16", "2026-03-15"},
		{"the week", loyalty.Window{Calendar: loyalty.Week}, "2026-03-15 12:00", "2026-03-09", "2026-03-16", "2026-03-15"},
		{"the week, on Monday", loyalty.Window{Calendar: loyalty.Week}, "2026-03-16 00:00", "2026-03-16", "2026-03-23", "2026-03-22"},
		{"the month", loyalty.Window{Calendar: loyalty.Month}, "2028-02-29 12:00", "2028-02-01", "2028-03-01", "2028-02-29"},
		{"the quarter", loyalty.Window{Calendar: loyalty.Quarter}, "2026-12-31 12:00", "2026-10-01", "2027-01-01", "2026-12-31"},
		{"the half", loyalty.Window{Calendar: loyalty.Half}, "2026-07-01 00:00", "2026-07-01", "2027-01-01", "2026-12-31"},
		{"the year", loyalty.Window{Calendar: loyalty.Year}, "2026-07-01 00:00", "2026-01-01", "2027-01-01", "2026-12-31"},
		{"400 days", loyalty.Window{Days: 400}, "2026-03-15 12:00", "2025-02-09", "", "2026-03-15"},
		{"12 months", loyalty.Window{Months: 12}, "2026-03-15 12:00", "2025-03-16", "", "2026-03-15"},
		{"a month, from its end", loyalty.Window{Months: 1}, "2026-03-31 12:00", "2026-03-01", "", "2026-03-31"},
		{"12 months, from 29 February", loyalty.Window{Months: 12}, "2028-02-29 12:00", "2027-03-01", "", "2028-02-29"},
		{"an anniversary to come", loyalty.Window{Anniversary: at("2024-05-20 09:00")}, "2026-05-19 23:00", "2025-05-20", "2026-05-20", "2026-05-19"},
		{"an anniversary today", loyalty.Window{Anniversary: at("2024-05-20 09:00")}, "2026-05-20 00:00", "2026-05-20", "2027-05-20", "2027-05-19"},
		{"who joined on 29 February", loyalty.Window{Anniversary: at("2024-02-29 09:00")}, "2026-02-28 00:00", "2026-02-28", "2027-02-28", "2027-02-27"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.w.Check(); err != nil {
				t.Fatal(err)
			}
			sum := func(day string) int64 {
				tally, err := loyalty.Tally{}.Add(1, at(day+" 12:00"), shanghai, 36525)
				if err != nil {
					t.Fatal(err)
				}
				return tally.Sum(c.w, at(c.now), shanghai)
			}
			before := at(c.first+" 12:00").AddDate(0, 0, -1).Format(time.DateOnly)
			after := at(c.lastCount+" 12:00").AddDate(0, 0, 1).Format(time.DateOnly)
			if sum(before) != 0 || sum(c.first) != 1 || sum(c.lastCount) != 1 || sum(after) != 0 {
				t.Errorf("%s: %d, %s: %d, %s: %d, %s: %d", before, sum(before), c.first, sum(c.first), c.lastCount, sum(c.lastCount), after, sum(after))
			}
			end := c.w.End(at(c.now), shanghai)
			if c.end == "" && !end.IsZero() || c.end != "" && !end.Equal(at(c.end+" 00:00")) {
				t.Error("ends", end)
			}
		})
	}
}

func TestTallyOfAllTime(t *testing.T) {
	var tally loyalty.Tally
	var err error
	for i := range 1000 {
		if tally, err = tally.Add(2, day(1).AddDate(0, 0, i), time.UTC, 400); err != nil {
			t.Fatal(err)
		}
	}
	if got := tally.Sum(loyalty.Window{}, day(1), time.UTC); got != 2000 || len(tally.Days) != 400 {
		t.Error(got, len(tally.Days))
	}
}

func TestTallyTakesBack(t *testing.T) {
	tally := loyalty.Tally{}
	for _, c := range []struct {
		n  int64
		at int
	}{{50, 3}, {70, 40}, {-50, 3}} {
		var err error
		if tally, err = tally.Add(c.n, day(c.at), time.UTC, 366); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "days", len(tally.Days), 1)
	equal(t, "total", tally.Total, int64(70))
}

func TestTallyBadInput(t *testing.T) {
	full, err := loyalty.Tally{}.Add(loyalty.MaxTally, day(1), time.UTC, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := full.Add(1, day(1), time.UTC, 1); !errors.Is(err, loyalty.ErrOverflow) {
		t.Error(err)
	}
	var input *errs.InputError
	if _, err := full.Add(loyalty.MaxTally+1, day(1), time.UTC, 1); !errors.As(err, &input) {
		t.Error(err)
	}
	if _, err := full.Add(1, day(1), time.UTC, -1); !errors.As(err, &input) {
		t.Error(err)
	}
	for name, w := range map[string]loyalty.Window{
		"an unknown period": {Calendar: "moon"},
		"two windows":       {Calendar: loyalty.Day, Days: 3},
		"days below zero":   {Days: -1},
		"too many months":   {Months: 1201},
	} {
		if err := w.Check(); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A Tally that keeps what its window asks for sums what a plain recount does, in whatever order
// things are counted.
func TestTallyRecounts(t *testing.T) {
	windows := []loyalty.Window{
		{}, {Calendar: loyalty.Day}, {Calendar: loyalty.Week}, {Calendar: loyalty.Month}, {Calendar: loyalty.Quarter},
		{Calendar: loyalty.Half}, {Calendar: loyalty.Year}, {Days: 30}, {Days: 400}, {Months: 1}, {Months: 12},
		{Anniversary: day(59)},
	}
	shanghai := zone(t, "Asia/Shanghai")
	type event struct {
		at time.Time
		n  int64
	}
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SampledFrom(windows).Draw(t, "window")
		now := day(1).Add(time.Duration(rapid.Int64Range(0, 3*365*24).Draw(t, "now")) * time.Hour)
		var events []event
		for range rapid.IntRange(0, 30).Draw(t, "events") {
			ago := time.Duration(rapid.Int64Range(0, 500*24).Draw(t, "ago")) * time.Hour
			events = append(events, event{now.Add(-ago), rapid.Int64Range(-5, 20).Draw(t, "n")})
		}
		var tally, backwards loyalty.Tally
		var all, alone int64
		for i, e := range events {
			var err error
			if tally, err = tally.Add(e.n, e.at, shanghai, w.Keep()); err != nil {
				t.Fatal(err)
			}
			last := events[len(events)-1-i]
			if backwards, err = backwards.Add(last.n, last.at, shanghai, w.Keep()); err != nil {
				t.Fatal(err)
			}
			one, err := loyalty.Tally{}.Add(e.n, e.at, shanghai, 36525)
			if err != nil {
				t.Fatal(err)
			}
			alone += one.Sum(w, now, shanghai)
			all += e.n
		}
		if got := tally.Sum(w, now, shanghai); got != alone || tally.Total != all || len(tally.Days) > w.Keep() {
			t.Fatalf("%d, want %d; total %d of %d; %d days", got, alone, tally.Total, all, len(tally.Days))
		}
		if cmp.Diff(tally.Sum(w, now, shanghai), backwards.Sum(w, now, shanghai)) != "" {
			t.Fatalf("%+v forwards, %+v backwards", tally, backwards)
		}
	})
}

func TestTallyComesBackFromJSON(t *testing.T) {
	for _, tally := range []loyalty.Tally{
		{}, {Total: -3}, {Total: 9, Days: []loyalty.DayTotal{{Day: -1, N: 4}, {Day: 20_000, N: -5}, {Day: 20_001, N: 10}}},
	} {
		text, err := json.Marshal(tally)
		if err != nil {
			t.Fatal(err)
		}
		var back loyalty.Tally
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tally, back); diff != "" {
			t.Error(string(text), diff)
		}
	}
	for _, text := range []string{`[]`, `[1,2]`, `{"total":1}`, `[1,2,"3"]`} {
		var back loyalty.Tally
		if err := json.Unmarshal([]byte(text), &back); err == nil {
			t.Errorf("%s is %+v", text, back)
		}
	}
}
