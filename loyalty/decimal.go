package loyalty

import (
	"strconv"
	"strings"
)

// A Decimal is an exact number, not below zero, of up to 9 digits before the point and 6 after it:
// "2.3". In JSON it is a text or a number. "" is none.
type Decimal string

const million = 1_000_000

// UnmarshalJSON takes a text, or a number as it is written.
func (d *Decimal) UnmarshalJSON(text []byte) error {
	s := string(text)
	if unquoted, err := strconv.Unquote(s); err == nil {
		s = unquoted
	}
	*d = Decimal(s)
	return nil
}

// millionths returns the number times a million.
func (d Decimal) millionths() (int64, bool) {
	whole, fraction, point := strings.Cut(string(d), ".")
	if whole == "" || len(whole) > 9 || len(fraction) > 6 || point && fraction == "" {
		return 0, false
	}
	for _, r := range whole + fraction {
		if r < '0' || r > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", 6-len(fraction)), 10, 64)
	return n, err == nil
}
