package valid

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestChecks(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		ok   bool
	}{
		{"an id", ID("f", "wx:o6_bmjrPTlm6_2sgVt7hMZOPfL2M/7"), true},
		{"a Chinese id", ID("f", "望京店"), true},
		{"the longest id", ID("f", strings.Repeat("a", MaxID)), true},
		{"a longer one", ID("f", strings.Repeat("a", MaxID+1)), false},
		{"no id", ID("f", ""), false},
		{"an id that may be missing", OptionalID("f", ""), true},
		{"a space", ID("f", "a b"), false},
		{"a full-width space", ID("f", "a\u3000b"), false},
		{"NUL", ID("f", "a\x00"), false},
		{"no UTF-8", ID("f", "a\xff"), false},
		{"a text", Text("f", "王小明 😀"), true},
		{"no text", Text("f", ""), true},
		{"the longest text", Text("f", strings.Repeat("a", MaxText)), true},
		{"a longer text", Text("f", strings.Repeat("a", MaxText+1)), false},
		{"a line feed", Text("f", "a\nb"), false},
		{"a text of no UTF-8", Text("f", "\xc3\x28"), false},
		{"within", Between("f", 5, 5, 5), true},
		{"below", Between("f", 4, 5, math.MaxInt64), false},
		{"above", Between("f", 6, 5, 5), false},
		{"no time", Time("f", time.Time{}), true},
		{"1970", Time("f", time.Unix(0, 0).UTC()), true},
		{"before 1970", Time("f", time.Unix(-1, 0).UTC()), false},
		{"9999", Time("f", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)), true},
		{"10000", Time("f", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), false},
	} {
		var e *Error
		if (c.err == nil) != c.ok || c.err != nil && (!errors.As(c.err, &e) || e.Field != "f" || e.Reason == "") {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
}
