package loyalty

import (
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/condition"
)

// Facts are what the condition of a rule sees, by the names in its tags: `purchase.total >= 10000
// and "vip" in member.labels and time.weekday in 6..7`. In Rule.Lines and Metric.Lines there is
// line, a LineFacts, as well.
//
// A condition is written in the language of expr-lang.org, and is true or false. It has numbers
// without decimals, texts, true and false; the operators and, or, not, ==, !=, <, <=, >, >=, +, -,
// *, %, in, contains, startsWith, endsWith and matches, with a constant after in and after matches;
// the functions len and lower; and ?:. So it has no loops, and the time that it takes grows with
// its length and that of the texts alone.
type Facts struct {
	Event    EventFacts    `expr:"event"`    // what happened
	Purchase PurchaseFacts `expr:"purchase"` // the purchase; empty for other events
	Member   MemberFacts   `expr:"member"`   // who it happened to
	Tier     string        `expr:"tier"`     // the id of the member's level, before the event
	Time     TimeFacts     `expr:"time"`     // of the event, in the program's zone
}

// EventFacts are those of the event.
type EventFacts struct {
	Kind    string `expr:"kind"`    // Event.Kind
	N       int64  `expr:"n"`       // Event.N
	Channel string `expr:"channel"` // Event.Channel
	Shop    string `expr:"shop"`    // Event.Shop
}

// PurchaseFacts are those of the whole purchase. Lines that earn nothing are left out of all but
// paid.
type PurchaseFacts struct {
	Total      int64    `expr:"total"`      // what earns; minor units
	Paid       int64    `expr:"paid"`       // gross less discount, of all lines
	Items      int64    `expr:"items"`      // sum of the quantities
	SKUs       []string `expr:"skus"`       // those of the lines
	Categories []string `expr:"categories"` // those of the lines
	Labels     []string `expr:"labels"`     // Purchase.Labels
}

// LineFacts are those of one line.
type LineFacts struct {
	SKU      string   `expr:"sku"`      // Line.SKU
	Category string   `expr:"category"` // Line.Category
	Labels   []string `expr:"labels"`   // Line.Labels
	Quantity int64    `expr:"quantity"` // Line.Quantity
	Amount   int64    `expr:"amount"`   // what earns; minor units
}

// MemberFacts are those of the member.
type MemberFacts struct {
	Labels []string `expr:"labels"` // Event.Labels
	Days   int      `expr:"days"`   // since the member joined
}

// TimeFacts are those of an instant.
type TimeFacts struct {
	Year    int    `expr:"year"`    // calendar year
	Month   int    `expr:"month"`   // 1 is January
	Day     int    `expr:"day"`     // day of the month, from 1
	Weekday int    `expr:"weekday"` // 1 is Monday, 7 is Sunday
	Hour    int    `expr:"hour"`    // 0 to 23
	Minute  int    `expr:"minute"`  // 0 to 59
	Date    string `expr:"date"`    // "2026-03-02"
}

type lineFacts struct {
	Facts
	Line   *LineFacts `expr:"line"`
	at     time.Time  // in the program's zone
	failed error
}

// A ConditionError reports a condition that has no value for an event: it divides by zero, or
// counts too far.
type ConditionError struct {
	Of  string // "rule double", "metric nights"
	Err error  // what went wrong
}

// Error implements error.
func (e *ConditionError) Error() string {
	return fmt.Sprintf("loyalty: condition of %s: %v", e.Of, e.Err)
}

// Is reports whether target is errs.Invalid.
func (e *ConditionError) Is(target error) bool { return target == errs.Invalid }

// Unwrap returns Err.
func (e *ConditionError) Unwrap() error { return e.Err }

// language has the names that a condition may use.
var language = condition.Language[*lineFacts]{Names: map[string]condition.Value[*lineFacts]{
	"event.kind":          {Text: func(f *lineFacts) string { return f.Event.Kind }},
	"event.n":             {Number: func(f *lineFacts) int64 { return f.Event.N }},
	"event.channel":       {Text: func(f *lineFacts) string { return f.Event.Channel }},
	"event.shop":          {Text: func(f *lineFacts) string { return f.Event.Shop }},
	"purchase.total":      {Number: func(f *lineFacts) int64 { return f.Purchase.Total }},
	"purchase.paid":       {Number: func(f *lineFacts) int64 { return f.Purchase.Paid }},
	"purchase.items":      {Number: func(f *lineFacts) int64 { return f.Purchase.Items }},
	"purchase.skus":       {Texts: func(f *lineFacts) []string { return f.Purchase.SKUs }},
	"purchase.categories": {Texts: func(f *lineFacts) []string { return f.Purchase.Categories }},
	"purchase.labels":     {Texts: func(f *lineFacts) []string { return f.Purchase.Labels }},
	"member.labels":       {Texts: func(f *lineFacts) []string { return f.Member.Labels }},
	"member.days":         {Number: func(f *lineFacts) int64 { return int64(f.Member.Days) }},
	"tier":                {Text: func(f *lineFacts) string { return f.Tier }},
	"time.year":           {Number: func(f *lineFacts) int64 { return int64(f.Time.Year) }},
	"time.month":          {Number: func(f *lineFacts) int64 { return int64(f.Time.Month) }},
	"time.day":            {Number: func(f *lineFacts) int64 { return int64(f.Time.Day) }},
	"time.weekday":        {Number: func(f *lineFacts) int64 { return int64(f.Time.Weekday) }},
	"time.hour":           {Number: func(f *lineFacts) int64 { return int64(f.Time.Hour) }},
	"time.minute":         {Number: func(f *lineFacts) int64 { return int64(f.Time.Minute) }},
	"time.date":           {Text: (*lineFacts).date},
	"line.sku":            {Text: func(f *lineFacts) string { return f.Line.SKU }},
	"line.category":       {Text: func(f *lineFacts) string { return f.Line.Category }},
	"line.labels":         {Texts: func(f *lineFacts) []string { return f.Line.Labels }},
	"line.quantity":       {Number: func(f *lineFacts) int64 { return f.Line.Quantity }},
	"line.amount":         {Number: func(f *lineFacts) int64 { return f.Line.Amount }},
}}

// Fail implements condition.Facts.
func (f *lineFacts) Fail(err error) { f.failed = err }

// A predicate is a condition that is decided on facts; nil is met.
type predicate struct {
	of  string
	run func(f *lineFacts) bool
}

func (p *predicate) met(f *lineFacts) (bool, error) {
	if p == nil {
		return true, nil
	}
	ok := p.run(f)
	if err := f.failed; err != nil {
		f.failed = nil
		return false, &ConditionError{p.of, err}
	}
	return ok, nil
}

// compilePredicate returns nil for no condition. env is what it may see: Facts, or lineFacts.
func compilePredicate(of, source string, env any) (*predicate, error) {
	if source == "" {
		return nil, nil
	}
	c, err := language.Compile(source, env)
	if err != nil {
		return nil, err
	}
	return &predicate{of, c.Met}, nil
}

// timeFacts are those of an instant, but for its date, which takes as long as the others together:
// lineFacts.date.
func timeFacts(t time.Time) TimeFacts {
	weekday := int(t.Weekday())
	if weekday == 0 {
		weekday = 7
	}
	year, month, day := t.Date()
	hour, minute, _ := t.Clock()
	return TimeFacts{Year: year, Month: int(month), Day: day, Weekday: weekday, Hour: hour, Minute: minute}
}

func (f *lineFacts) date() string {
	if f.Time.Date == "" {
		f.Time.Date = f.at.Format(time.DateOnly)
	}
	return f.Time.Date
}
