// Package calendar holds what rules about days and months share.
package calendar

import "time"

// Midnight returns when the day begins, which is later than 0:00 where clocks are put forward then.
func Midnight(year int, month time.Month, day int, zone *time.Location) time.Time {
	return Clock(year, month, day, 0, zone)
}

// Clock returns when clocks first show so many minutes after 0:00 on a day, or when they are put
// forward over that. Where they are put back, and show it twice, it is the first time in every
// zone, which time.Date leaves open.
func Clock(year int, month time.Month, day, minutes int, zone *time.Location) time.Time {
	t := time.Date(year, month, day, 0, minutes, 0, 0, zone)
	begin, end := t.ZoneBounds()
	switch wall(t).Compare(time.Date(year, month, day, 0, minutes, 0, 0, time.UTC)) {
	case -1:
		return end
	case 1:
		return begin
	}
	if begin.IsZero() {
		return t
	}
	_, offset := t.Zone()
	_, before := begin.Add(-1).Zone()
	if first := t.Add(-time.Duration(before-offset) * time.Second); first.Before(begin) && before > offset {
		return first
	}
	return t
}

// Begins returns the last beginning of a day at or before a time, where days begin so many minutes
// after 0:00. Where clocks skip that minute it is the first one after, and where they show it twice
// the first time.
func Begins(at time.Time, minutes int, zone *time.Location) time.Time {
	year, month, day := at.In(zone).Date()
	day++ // it may have begun: clocks that are put back after midnight show the day before again
	for {
		t := Clock(year, month, day, minutes, zone)
		if !t.After(at) {
			return t
		}
		day--
	}
}

// wall returns what clocks show as a time in UTC.
func wall(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
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
