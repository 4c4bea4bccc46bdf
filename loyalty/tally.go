package loyalty

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/calendar"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Tally counts something by the day: points that were earned, money that was spent, visits. It is
// what caps and tiers are decided on. The zero Tally is empty; one that keeps n days has at most n
// numbers, however many things it counted.
//
// Days are those of the program's calendar, so that every call for one Tally takes one zone.
type Tally struct {
	Total int64      // of all time
	Days  []DayTotal // the days that are kept and are not 0, the oldest first
}

// A DayTotal is what a Tally counted on a day.
type DayTotal struct {
	Day int64 // days since 1 January 1970
	N   int64 // what was counted, never 0
}

// MarshalJSON writes the total and then, for each day, how many days after the one before it is and
// its number.
func (t Tally) MarshalJSON() ([]byte, error) { return t.append(nil), nil }

func (t Tally) append(text []byte) []byte {
	text = strconv.AppendInt(append(text, '['), t.Total, 10)
	last := int64(0)
	for _, d := range t.Days {
		text = strconv.AppendInt(append(text, ','), d.Day-last, 10)
		text = strconv.AppendInt(append(text, ','), d.N, 10)
		last = d.Day
	}
	return append(text, ']')
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Tally) UnmarshalJSON(text []byte) error {
	var numbers []int64
	if err := json.Unmarshal(text, &numbers); err != nil {
		return err
	}
	if len(numbers)%2 == 0 {
		return fmt.Errorf("loyalty: a tally of %d numbers", len(numbers))
	}
	*t = Tally{Total: numbers[0]}
	last := int64(0)
	for i := 1; i < len(numbers); i += 2 {
		last += numbers[i]
		t.Days = append(t.Days, DayTotal{last, numbers[i+1]})
	}
	return nil
}

// MaxTally is the most that a Tally counts to, and the least below zero.
const MaxTally = 1_000_000_000_000_000

// Add counts n at a time, which may be earlier than what was counted before, and drops the days
// that are keep or more before the newest of the Tally and of it. n is below zero where something
// is taken back: it goes to the day on which it was counted. Errors: *errs.InputError, ErrOverflow.
func (t Tally) Add(n int64, at time.Time, zone *time.Location, keep int) (Tally, error) {
	if err := valid.Between("n", n, -MaxTally, MaxTally); err != nil {
		return t, err
	}
	if err := valid.Between("keep", int64(keep), 0, maxDays); err != nil {
		return t, err
	}
	total := t.Total + n
	if total > MaxTally || total < -MaxTally {
		return t, ErrOverflow
	}
	day := dayOf(at.In(zone).Date())
	days := slices.Clone(t.Days)
	i, known := slices.BinarySearchFunc(days, day, compareDays)
	if !known {
		days = slices.Insert(days, i, DayTotal{Day: day})
	}
	newest := days[len(days)-1].Day
	days[i].N += n
	days = slices.DeleteFunc(days, func(d DayTotal) bool { return d.N == 0 || d.Day <= newest-int64(keep) })
	if len(days) == 0 {
		days = nil
	}
	return Tally{Total: total, Days: days}, nil
}

// takeBack takes n away that was counted on a day: from the total alone where the day is not kept
// any more.
func (t Tally) takeBack(n, day int64) Tally {
	t.Total -= n
	i, kept := slices.BinarySearchFunc(t.Days, day, compareDays)
	if !kept {
		return t
	}
	t.Days = slices.Clone(t.Days)
	if t.Days[i].N -= n; t.Days[i].N == 0 {
		t.Days = slices.Delete(t.Days, i, i+1)
	}
	if len(t.Days) == 0 {
		t.Days = nil
	}
	return t
}

// on returns what is counted on a day, as far as it is kept.
func (t Tally) on(day int64) int64 {
	if i, kept := slices.BinarySearchFunc(t.Days, day, compareDays); kept {
		return t.Days[i].N
	}
	return 0
}

func compareDays(d DayTotal, day int64) int { return cmp.Compare(d.Day, day) }

// Sum returns what was counted in the window that now is in. A Tally that keeps Window.Keep days
// has all of it.
func (t Tally) Sum(w Window, now time.Time, zone *time.Location) int64 {
	return t.sum(w, dayOf(now.In(zone).Date()), zone)
}

// sum returns what was counted in the window that a day is in.
func (t Tally) sum(w Window, day int64, zone *time.Location) (n int64) {
	from, to, ever := w.around(day, zone)
	if ever {
		return t.Total
	}
	first := sort.Search(len(t.Days), func(i int) bool { return t.Days[i].Day >= from })
	for _, d := range t.Days[first:] {
		if d.Day < to {
			n += d.N
		}
	}
	return n
}

// A Window is the time that a cap or a tier looks back to. The zero Window is all time. One field
// is set.
type Window struct {
	Calendar Period `json:"calendar,omitempty"` // the day, week (from Monday), month, quarter, half or year that it is
	Days     int    `json:"days,omitempty"`     // number of days, today included
	Months   int    `json:"months,omitempty"`   // number of months back to the same day, which is left out

	// The year since the last anniversary of this day, which is the member's own: the day of
	// joining, or of an upgrade.
	Anniversary time.Time `json:"anniversary,omitzero"`
}

// Week is Monday to Sunday. It is for windows alone.
const Week Period = "week"

// Check returns an *errs.InputError if the window is invalid.
func (w Window) Check() error {
	switch w.Calendar {
	case "", Day, Week, Month, Quarter, Half, Year:
	default:
		return &errs.InputError{Field: "calendar", Reason: "is none of day, week, month, quarter, half and year"}
	}
	if err := valid.Between("days", int64(w.Days), 0, maxDays); err != nil {
		return err
	}
	if err := valid.Between("months", int64(w.Months), 0, maxMonths); err != nil {
		return err
	}
	set := 0
	for _, s := range []bool{w.Calendar != "", w.Days > 0, w.Months > 0, !w.Anniversary.IsZero()} {
		if s {
			set++
		}
	}
	if set > 1 {
		return &errs.InputError{Field: "calendar", Reason: "and days, months and anniversary exclude each other"}
	}
	return valid.Time("anniversary", w.Anniversary)
}

// Keep returns how many days a Tally has to keep for this window; 0 for all time.
func (w Window) Keep() int {
	switch {
	case w.Days > 0:
		return w.Days
	case w.Months > 0:
		return 31 * w.Months
	case w.Calendar == Day:
		return 1
	case w.Calendar == Week:
		return 7
	case w.Calendar == Month:
		return 31
	case w.Calendar == Quarter:
		return 92
	case w.Calendar == Half:
		return 184
	case w.Calendar == Year, !w.Anniversary.IsZero():
		return 366
	}
	return 0
}

// End returns when the window ends that now is in, in UTC, and the next one begins at 0. Zero:
// never, for it rolls, or is all time.
func (w Window) End(now time.Time, zone *time.Location) time.Time {
	if w.rolls() {
		return time.Time{}
	}
	_, to, _ := w.days(now, zone)
	year, month, day := time.Unix(to*secondsOfDay, 0).UTC().Date()
	return calendar.Midnight(year, month, day, zone).UTC()
}

// days returns the window of now as [from, to), or ever for all time.
func (w Window) days(now time.Time, zone *time.Location) (from, to int64, ever bool) {
	return w.around(dayOf(now.In(zone).Date()), zone)
}

// rolls reports whether the window has no end after which another one begins.
func (w Window) rolls() bool { return w.Calendar == "" && w.Anniversary.IsZero() }

// around returns the window of a day as [from, to), or ever for all time.
func (w Window) around(today int64, zone *time.Location) (from, to int64, ever bool) {
	year, month, day := time.Unix(today*secondsOfDay, 0).UTC().Date()
	months := func(first time.Month, n time.Month) (int64, int64, bool) {
		return dayOf(year, first, 1), dayOf(year, first+n, 1), false
	}
	switch {
	case w.Days > 0:
		return today - int64(w.Days) + 1, today + 1, false
	case w.Months > 0:
		return dayOf(calendar.Later(year, month, day, -w.Months)) + 1, today + 1, false
	case w.Calendar == Day:
		return today, today + 1, false
	case w.Calendar == Week:
		monday := today - (today+3)%7 // 1 January 1970 was a Thursday
		return monday, monday + 7, false
	case w.Calendar == Month:
		return months(month, 1)
	case w.Calendar == Quarter:
		return months((month-1)/3*3+1, 3)
	case w.Calendar == Half:
		return months((month-1)/6*6+1, 6)
	case w.Calendar == Year:
		return months(1, 12)
	case w.Anniversary.IsZero():
		return 0, 0, true
	}
	_, of, on := w.Anniversary.In(zone).Date()
	in := func(year int) int64 { return dayOf(year, of, min(on, calendar.LastDay(year, of))) }
	if today < in(year) {
		return in(year - 1), in(year), false
	}
	return in(year), in(year + 1), false
}

const secondsOfDay = 24 * 60 * 60

func dayOf(year int, month time.Month, day int) int64 {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay
}
