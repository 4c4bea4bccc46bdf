package subscription

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/scrmkit/scrmkit/errs"
)

// MaxThing is how many characters a thing may have.
const MaxThing = 20

// A kindRule says what the values of a kind of fields may be.
type kindRule struct {
	want string // what a value is, to follow "is not"
	fits func(value string) bool
}

// The kinds of fields, by WeChat's documents of November 2026 ("订阅消息参数值内容限制").
var kinds = map[string]kindRule{
	"thing":            {fmt.Sprintf("1 to %d characters", MaxThing), func(v string) bool { return within(v, MaxThing) }},
	"number":           {"a number of at most 32 digits", func(v string) bool { return len(v) <= 32 && number.MatchString(v) }},
	"letter":           {"1 to 32 letters", func(v string) bool { return within(v, 32, letter) }},
	"symbol":           {"1 to 5 symbols", func(v string) bool { return within(v, 5, symbol) }},
	"character_string": {"1 to 32 letters, digits and symbols", func(v string) bool { return within(v, 32, letter, digit, symbol) }},
	"time":             {"a time like 15:01, with or without a date before it, or two with ~ between them", func(v string) bool { return span(v, clock) }},
	"date":             {"a date like 2019-10-01 or 2019年10月1日, with or without a time after it, or two with ~ between them", func(v string) bool { return span(v, day) }},
	"amount":           {"an amount of at most 10 digits, like ￥12.50 or 12.50元", isAmount},
	"phone_number":     {"1 to 17 digits and symbols", func(v string) bool { return within(v, 17, digit, symbol) }},
	"car_number":       {"at most 8 letters and digits, of which the first and the last may be Chinese characters", isCarNumber},
	"name":             {"a name of at most 10 characters, or 20 without Chinese ones, and without digits", isName},
	"phrase":           {"1 to 5 Chinese characters", func(v string) bool { return within(v, 5, han) }},
	"enum":             {"one of its values", func(string) bool { return true }}, // the field lists them
}

func kindNames() []string { return slices.Sorted(maps.Keys(kinds)) }

// values returns the values of a message as they are sent, or an *errs.InputError.
func (t Template) values(given map[string]string) (map[string]string, error) {
	sent := make(map[string]string, len(t.Fields))
	for _, f := range t.Fields {
		v, ok := given[f.Key]
		if !ok {
			return nil, wrong(f.Key, "is missing")
		}
		kind := kindOf(f.Key)
		switch {
		case !utf8.ValidString(v):
			return nil, wrong(f.Key, "is not UTF-8")
		case strings.ContainsFunc(v, hidden):
			return nil, wrong(f.Key, "has a control character")
		case strings.TrimSpace(v) == "":
			return nil, wrong(f.Key, "is empty")
		}
		if f.Shorten {
			v = shorten(v)
		}
		if !kinds[kind].fits(v) || kind == "enum" && !slices.Contains(f.Values, v) {
			return nil, wrong(f.Key, "is not "+kinds[kind].want)
		}
		sent[f.Key] = v
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if _, ok := sent[key]; !ok {
			return nil, wrong(key, "is no field of the template")
		}
	}
	return sent, nil
}

func wrong(key, reason string) error {
	return &errs.InputError{Field: "values." + key, Reason: reason}
}

// hidden reports whether a character is one of control, ends a line or changes the direction of
// writing.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// shorten cuts a value to MaxThing characters, of which the last is "…" then.
func shorten(v string) string {
	if all := []rune(v); len(all) > MaxThing {
		return string(all[:MaxThing-1]) + "…"
	}
	return v
}

// A class reports whether a character is one of a kind.
type class func(r rune) bool

func letter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

func digit(r rune) bool { return '0' <= r && r <= '9' }

func symbol(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }

func han(r rune) bool { return unicode.Is(unicode.Han, r) }

// within reports whether a value has 1 to most characters, each of one of the classes; without
// classes each may be any.
func within(v string, most int, classes ...class) bool {
	n := utf8.RuneCountInString(v)
	return 1 <= n && n <= most && (len(classes) == 0 || only(v, classes...))
}

func only(v string, classes ...class) bool {
	return !strings.ContainsFunc(v, func(r rune) bool {
		return !slices.ContainsFunc(classes, func(is class) bool { return is(r) })
	})
}

const (
	hours = `([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?`
	month = `(0?[1-9]|1[0-2])`
	dayOf = `(0?[1-9]|[12]\d|3[01])` // day of a month
	dates = `(\d{4}年` + month + `月(` + dayOf + `日)?|` + month + `月` + dayOf + `日|` +
		`\d{4}(-` + month + `(-` + dayOf + `)?|/` + month + `(/` + dayOf + `)?|\.` + month + `(\.` + dayOf + `)?)|` +
		month + `[-/.]` + dayOf + `)`
)

var (
	number = regexp.MustCompile(`^\d+(\.\d+)?$`)
	clock  = regexp.MustCompile(`^(` + dates + ` )?` + hours + `$`)
	day    = regexp.MustCompile(`^` + dates + `( ` + hours + `)?$`)
	amount = regexp.MustCompile(`^(\p{Sc})?(\d+(?:\.\d+)?)元?$`)
)

// span reports whether a value is of a form, or two that are with "~" between them.
func span(v string, form *regexp.Regexp) bool {
	from, to, two := strings.Cut(v, "~")
	return form.MatchString(from) && (!two || form.MatchString(to))
}

func isAmount(v string) bool {
	m := amount.FindStringSubmatch(v)
	return m != nil && len(strings.Replace(m[2], ".", "", 1)) <= 10
}

func isCarNumber(v string) bool {
	all := []rune(v)
	for i, r := range all {
		if edge := i == 0 || i == len(all)-1; !letter(r) && !digit(r) && !(edge && han(r)) {
			return false
		}
	}
	return 1 <= len(all) && len(all) <= 8
}

func isName(v string) bool {
	if strings.ContainsFunc(v, han) {
		return within(v, 10, letter, symbol, han)
	}
	return within(v, 20, letter, symbol, func(r rune) bool { return r == ' ' })
}
