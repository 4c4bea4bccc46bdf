package calendar

import (
	"testing"
	"time"
)

// Clocks show the time from Clock on, and an earlier one right before it, also where it is skipped or comes twice.
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
