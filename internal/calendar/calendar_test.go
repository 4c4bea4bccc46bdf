package calendar

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Clocks show the time from Clock on, and an earlier one right before it, also where it is skipped
// or comes twice.
func TestClock(t *testing.T) {
	skipped, twice := 0, 0
	for _, name := range []string{
		"UTC", "Asia/Shanghai", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Beirut",
		"Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "Atlantic/Azores",
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for d := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < 2026; d = d.AddDate(0, 0, 1) {
			for _, minutes := range []int{0, 30, 90, 150, 1439} {
				want := d.Add(time.Duration(minutes) * time.Minute)
				got := Clock(d.Year(), d.Month(), d.Day(), minutes, zone)
				before := wall(got.Add(-time.Second))
				switch {
				case wall(got).After(want):
					skipped++
					if !before.Before(want) {
						t.Errorf("%s: %v for %v", name, got, want)
					}
				case wall(got).Before(want):
					t.Errorf("%s: %v for %v", name, got, want)
				case !before.Before(want):
					twice++
				}
			}
		}
	}
	if skipped < 20 || twice > skipped {
		t.Errorf("%d are skipped, %d come after clocks were put back", skipped, twice)
	}
}

// In every zone a day begins at the first instant when clocks show its minute or a later one, and a
// time is on the day that began last.
func TestDaysBeginOnceInEveryZone(t *testing.T) {
	zones := []string{
		"UTC", "Asia/Shanghai", "Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Havana", "America/Sao_Paulo",
		"America/Asuncion", "America/Caracas", "America/Godthab", "America/Scoresbysund", "Atlantic/Azores", "Africa/Cairo", "Africa/Casablanca",
		"Antarctica/Troll", "Asia/Amman", "Asia/Beirut", "Asia/Gaza", "Asia/Kathmandu", "Asia/Pyongyang", "Asia/Tehran", "Australia/Lord_Howe",
		"Pacific/Apia", "Pacific/Chatham", "Pacific/Kwajalein",
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(t, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		year, minutes := rapid.IntRange(1973, 2037).Draw(t, "year"), rapid.IntRange(0, 24*60-1).Draw(t, "minutes")
		if rapid.Bool().Draw(t, "early") {
			minutes %= 4 * 60 // when clocks are put back
		}
		day := time.Date(year, 1, 1+rapid.IntRange(0, 364).Draw(t, "day"), 12, 0, 0, 0, time.UTC)
		if _, end := day.In(zone).ZoneBounds(); !end.IsZero() && end.Year() == year && rapid.IntRange(0, 3).Draw(t, "changes") > 0 {
			year, month, date := end.In(zone).Date()
			day = time.Date(year, month, date+rapid.IntRange(-1, 1).Draw(t, "before or after"), 12, 0, 0, 0, time.UTC)
		}
		first := func(day time.Time) time.Time {
			y, m, d := day.Date()
			want := time.Date(y, m, d, 0, minutes, 0, 0, time.UTC)
			for at := want.Add(-40 * time.Hour); ; at = at.Add(time.Minute) {
				if !wall(at.In(zone)).Before(want) {
					return at
				}
			}
		}
		y, m, d := day.Date()
		begins := first(day)
		if got := Clock(y, m, d, minutes, zone); !got.Equal(begins) {
			t.Fatalf("%s %s + %d minutes in %s: %s, want %s", name, day.Format(time.DateOnly), minutes, name, got.UTC(), begins)
		}
		next := first(day.AddDate(0, 0, 1))
		for _, at := range []time.Time{begins, begins.Add(time.Duration(rapid.IntRange(0, int(next.Sub(begins)/time.Minute)).Draw(t, "after")) * time.Minute)} {
			want := begins
			if !at.Before(next) {
				want = next
			}
			if next.Equal(begins) {
				continue // the day is skipped
			}
			if got := Begins(at, minutes, zone); !got.Equal(want) {
				t.Fatalf("%s in %s is on the day from %s, want %s", at, name, got.UTC(), want)
			}
		}
	})
}
