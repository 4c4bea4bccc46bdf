package timetest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
)

type line struct {
	At    time.Time
	Inner *line
}

type window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

type command struct {
	At     time.Time
	Window window
	Until  *time.Time
	Lines  []line
	Empty  []line
	ByName map[string]window
	Any    any
	hidden time.Time
}

func given() command {
	day := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	w := window{day, day.Add(time.Hour)}
	return command{day, w, &day, []line{{At: day}, {day, &line{At: day}}}, nil, map[string]window{"x": w}, w, day}
}

func check(c command) error {
	err := cmp.Or(valid.RequiredTime("at", c.At), valid.RequiredTime("window.from", c.Window.From), valid.RequiredTime("window.to", c.Window.To))
	if c.Until != nil {
		err = cmp.Or(err, valid.RequiredTime("until", *c.Until))
	}
	for _, l := range slices.Concat(c.Lines, c.Empty) {
		for l := &l; l != nil; l = l.Inner {
			err = cmp.Or(err, valid.RequiredTime("lines.at", l.At))
		}
	}
	for _, w := range append(slices.Collect(func(yield func(window) bool) {
		for _, w := range c.ByName {
			yield(w)
		}
	}), c.Any.(window)) {
		err = cmp.Or(err, valid.RequiredTime("windows.from", w.From), valid.RequiredTime("windows.to", w.To))
	}
	return err
}

func TestACommandThatChecksEveryTimePasses(t *testing.T) {
	Refuses(t, given(), check, nil)
}

func TestEveryFieldIsTried(t *testing.T) {
	var paths []string
	for _, problem := range problems(given(), func(command) error { return nil }, func() any { return nil }, nil) {
		path, _, _ := strings.Cut(problem, ":")
		paths = append(paths, path)
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	for _, want := range []string{
		"Any.From", "Any.To", "At", "ByName[x].From", "ByName[x].To", "Empty[0].At", "Lines[0].At", "Lines[0].Inner.At", "Lines[1].At",
		"Lines[1].Inner.At", "Until", "Window.From", "Window.To",
	} {
		if !slices.Contains(paths, want) {
			t.Errorf("%s is not tried, of %v", want, paths)
		}
	}
}

func TestProblemsAreFound(t *testing.T) {
	type one struct{ At, Other time.Time }
	good := one{given().At, given().At}
	strict := func(c one) error { return cmp.Or(valid.RequiredTime("at", c.At), valid.RequiredTime("other", c.Other)) }
	n := 0
	counted := func() any { return n }
	for name, test := range map[string]struct {
		run      func(one) error
		optional []string
		want     string
	}{
		"a check of all":      {run: strict},
		"a panic":             {run: func(c one) error { _ = must(c.Other); return strict(c) }, want: "panics"},
		"an accepted time":    {run: func(c one) error { return valid.RequiredTime("at", c.At) }, want: "Other: year -5 is accepted"},
		"another field named": {run: func(c one) error { return valid.RequiredTime("at", cmp.Or(c.Other, c.At)) }, want: "names the field"},
		"a zero time":         {run: func(c one) error { return cmp.Or(valid.Time("at", c.At), valid.RequiredTime("other", c.Other)) }, want: "At: the zero time is accepted"},
		"one that may be zero": {
			run:      func(c one) error { return cmp.Or(valid.Time("at", c.At), valid.RequiredTime("other", c.Other)) },
			optional: []string{"At"},
		},
		"something stored":     {run: func(c one) error { n++; return strict(c) }, want: "stored"},
		"a command that fails": {run: func(c one) error { return &errs.InputError{Field: "at, other"} }, want: "is not accepted"},
	} {
		found := strings.Join(problems(good, test.run, counted, test.optional), "\n")
		if test.want == "" && found != "" || !strings.Contains(found, test.want) {
			t.Errorf("%s: found %q, want %q", name, found, test.want)
		}
	}
}

func must(at time.Time) []byte {
	text, err := json.Marshal(at)
	if err != nil {
		panic(err)
	}
	return text
}
