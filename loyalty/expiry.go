package loyalty

import (
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/calendar"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Period is a part of the calendar.
type Period string

const (
	Day     Period = "day"     // from midnight to midnight
	Month   Period = "month"   // calendar month
	Quarter Period = "quarter" // three months, from January
	Half    Period = "half"    // six months, from January
	Year    Period = "year"    // calendar year
)

// An Expiry says when points end that were earned at a time. The zero Expiry is never.
//
// Every end is a midnight, at the end of the day that the rule comes to, so that the points of one
// day have one end; with Eve at its beginning. Where RoundUp names a longer period it is the
// midnight at the end of the month, quarter, half or year. "N months after the month of the
// purchase" is Months: N with RoundUp: Month: what is earned on 15 December ends, with 6 months, at
// the beginning of 1 July. RoundUp: Day alone ends points with the day on which they are earned.
type Expiry struct {
	Days   int `json:"days,omitempty"`   // after they were earned
	Months int `json:"months,omitempty"` // cut to the last day of the month that it comes to: 31 January and 1 is 28 February
	Years  int `json:"years,omitempty"`  // cut as Months is

	RoundUp Period `json:"roundUp,omitempty"` // "": Day
	Eve     bool   `json:"eve,omitempty"`     // the day before is the last one: "until the eve of the anniversary"; excludes RoundUp

	// A day of every year, at whose end all points end that were earned up to it, or Days, Months
	// and Years after that. nil: none. 29 February is 28 February in the other years.
	On *YearDay `json:"on,omitempty"`
}

// A YearDay is a day of every year.
type YearDay struct {
	Month time.Month `json:"month"` // month of the day
	Day   int        `json:"day"`   // day of the month, from 1
}

// The longest spans of an Expiry.
const (
	maxDays   = 36_525
	maxMonths = 1200
	maxYears  = 100
)

// Check returns an *errs.InputError if the rule is invalid.
func (e Expiry) Check() error {
	for _, f := range []struct {
		name    string
		n, most int
	}{{"days", e.Days, maxDays}, {"months", e.Months, maxMonths}, {"years", e.Years, maxYears}} {
		if err := valid.Between(f.name, int64(f.n), 0, int64(f.most)); err != nil {
			return err
		}
	}
	switch e.RoundUp {
	case "", Day, Month, Quarter, Half, Year:
	default:
		return &errs.InputError{Field: "roundUp", Reason: "is none of day, month, quarter, half and year"}
	}
	if e.Eve && e.RoundUp != "" {
		return &errs.InputError{Field: "eve", Reason: "excludes roundUp, at whose end points end"}
	}
	if e.Eve && e.never() {
		return &errs.InputError{Field: "eve", Reason: "needs days, months, years or on"}
	}
	if e.On == nil {
		return nil
	}
	if err := valid.Between("on.month", int64(e.On.Month), 1, 12); err != nil {
		return err
	}
	return valid.Between("on.day", int64(e.On.Day), 1, int64(calendar.LastDay(2024, e.On.Month)))
}

// never reports whether the rule has no end.
func (e Expiry) never() bool { return e == (Expiry{Eve: e.Eve}) }

// outlasts reports whether points that are pending for so many days always end after they begin.
func (e Expiry) outlasts(pending int) bool {
	if e.never() || e.Days+28*e.Months+365*e.Years > pending {
		return true
	}
	for day := range 4*365 + 1 {
		earned := time.Date(2024, 1, 1+day, 0, 0, 0, 0, time.UTC)
		if !e.End(earned, time.UTC).After(earned.AddDate(0, 0, pending)) {
			return false
		}
	}
	return true
}

// End returns when points end that were earned at that time, in UTC; zero: never. The calendar is
// that of zone.
func (e Expiry) End(earned time.Time, zone *time.Location) time.Time {
	if e.never() {
		return time.Time{}
	}
	t := earned.In(zone)
	year, month, day := t.Date()
	if e.On != nil {
		if on := e.On.in(year); month > e.On.Month || month == e.On.Month && (day > on || e.Eve && day == on) {
			year++
		}
		month, day = e.On.Month, e.On.in(year+e.Years)
	}
	year, month, day = calendar.Later(year, month, day, e.Years*12+e.Months)
	if e.Days > 0 {
		year, month, day = time.Date(year, month, day+e.Days, 12, 0, 0, 0, time.UTC).Date()
	}
	switch e.RoundUp {
	case Month:
		month, day = month+1, 0
	case Quarter:
		month, day = (month-1)/3*3+4, 0
	case Half:
		month, day = (month-1)/6*6+7, 0
	case Year:
		month, day = 13, 0
	}
	if !e.Eve {
		day++
	}
	return calendar.Midnight(year, month, day, zone).UTC()
}

// in returns the day in the month of that year.
func (d YearDay) in(year int) int { return min(d.Day, calendar.LastDay(year, d.Month)) }
