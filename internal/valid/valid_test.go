package valid

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
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
		{"no time in a zone of 30 hours", Time("f", time.Time{}.In(time.FixedZone("", 30*60*60))), false},
		{"no time where one is required", RequiredTime("f", time.Time{}), false},
		{"10000 of UTC", Time("f", time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -12*60*60))), false},
		{"1970", Time("f", time.Unix(0, 0).UTC()), true},
		{"before 1970", Time("f", time.Unix(-1, 0).UTC()), false},
		{"9999", Time("f", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)), true},
		{"10000", Time("f", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), false},
	} {
		var e *errs.InputError
		if (c.err == nil) != c.ok || c.err != nil && (!errors.As(c.err, &e) || e.Field != "f" || e.Reason == "") {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
}

// TestAcceptedTimesCanBeStored: what Time accepts has JSON as it is and in UTC, and is the same
// instant in microseconds.
func TestAcceptedTimesCanBeStored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		year := int64(365 * 24 * 60 * 60)
		seconds := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3*year, 3*year), rapid.Int64Range(8024*year, 8040*year)).Draw(t, "seconds")
		offset := rapid.IntRange(-40*60*60, 40*60*60).Draw(t, "offset")
		at := time.Unix(seconds, rapid.Int64Range(0, 999_999).Draw(t, "µs")*1000).In(time.FixedZone("", offset))
		if Time("f", at) != nil {
			if _, err := json.Marshal(at.UTC()); err == nil && 0 <= at.Unix() && at.Year() <= 9999 && max(offset, -offset) < 24*60*60 {
				t.Fatalf("%v is refused", at)
			}
			return
		}
		for _, at := range []time.Time{at, at.UTC()} {
			text, err := json.Marshal(at)
			if err != nil {
				t.Fatal(err)
			}
			var back time.Time
			if err := json.Unmarshal(text, &back); err != nil || offset%60 == 0 && !back.Equal(at) || !time.UnixMicro(at.UnixMicro()).Equal(at) {
				t.Fatalf("%v comes back as %v: %v", at, back, err)
			}
		}
	})
}

func TestPast(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 5000, time.UTC)
	there := time.FixedZone("", 8*60*60)
	for _, c := range []struct {
		t, want time.Time
		ok      bool
	}{
		{time.Time{}, now, true}, {now, now, true}, {now.Add(999), now, true}, {now.Add(time.Microsecond), time.Time{}, false},
		{now.Add(-time.Hour).In(there), now.Add(-time.Hour), true}, {now.Add(-1), now.Add(-time.Microsecond), true},
	} {
		got, err := Past("at", c.t, now)
		if c.ok != (err == nil) || c.ok && got != c.want {
			t.Errorf("%s: %s, %v", c.t, got, err)
		}
	}
}
