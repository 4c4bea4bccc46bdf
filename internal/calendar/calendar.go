// Package calendar holds what rules about days and months share.
package calendar

import "time"

// Midnight returns when the day begins, which is later than 0:00 where clocks are put forward then.
func Midnight(year int, month time.Month, day int, zone *time.Location) time.Time {
	t := time.Date(year, month, day, 0, 0, 0, 0, zone)
	for range 4 {
		if t.Hour() == 23 {
			t = t.Add(15 * time.Minute)
		}
	}
	return t
}

// Later adds calendar months, cut to the last day of the month that it comes to.
func Later(year int, month time.Month, day, months int) (int, time.Month, int) {
	first := time.Date(year, month+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	return first.Year(), first.Month(), min(day, LastDay(first.Year(), first.Month()))
}

// LastDay returns how many days a month has.
func LastDay(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
