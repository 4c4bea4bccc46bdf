package customer

import (
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/calendar"
)

// A Date is a day of the calendar, of which the year may be unknown. The zero Date is none.
type Date struct {
	Year  int // 0: unknown
	Month time.Month
	Day   int
}

// MarshalText returns "1990-05-01", "--05-01" without a year, and "" for the zero Date.
func (d Date) MarshalText() ([]byte, error) {
	switch {
	case d == Date{}:
		return nil, nil
	case d.Year == 0:
		return fmt.Appendf(nil, "--%02d-%02d", d.Month, d.Day), nil
	}
	return fmt.Appendf(nil, "%04d-%02d-%02d", d.Year, d.Month, d.Day), nil
}

// UnmarshalText reads what MarshalText gives.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	s := string(text)
	if len(s) > 2 && s[:2] == "--" {
		s = "2000" + s[1:] // which has a 29 February
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() == 0 {
		return &errs.InputError{Field: "date", Reason: "is no day like 1990-05-01, or --05-01 without a year"}
	}
	*d = Date{t.Year(), t.Month(), t.Day()}
	if s != string(text) {
		d.Year = 0
	}
	return nil
}

// check accepts days that exist, from the year 1900 on, and the zero Date.
func (d Date) check(field string) error {
	year := d.Year
	if year == 0 {
		year = 2000
	}
	if d != (Date{}) && (year < 1900 || year > 9999 || d.Month < 1 || d.Month > 12 || d.Day < 1 || d.Day > calendar.LastDay(year, d.Month)) {
		return &errs.InputError{Field: field, Reason: "is no day since the year 1900"}
	}
	return nil
}

// Age returns how many full years somebody who was born on d has lived on the day of now, in the
// zone of now. Who was born on 29 February is a year older on 1 March where there is no such day.
// ok is false where the year is unknown.
func (d Date) Age(now time.Time) (years int, ok bool) {
	if d.Year == 0 {
		return 0, false
	}
	year, month, day := now.Date()
	years = year - d.Year
	if month < d.Month || month == d.Month && day < d.Day {
		years--
	}
	return years, true
}
