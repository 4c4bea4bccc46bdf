package condition

import (
	"errors"
	"regexp/syntax"
	"strings"
	"testing"
)

// order is what the conditions here are decided on.
type order struct {
	Total  int64    `expr:"total"`
	Name   string   `expr:"name"`
	Tags   []string `expr:"tags"`
	failed error
}

func (o *order) Fail(err error) { o.failed = err }

// env has the types of an order, and a function.
type env struct {
	Total int64                  `expr:"total"`
	Name  string                 `expr:"name"`
	Tags  []string               `expr:"tags"`
	Twice func(of string) string `expr:"twice"`
}

var language = Language[*order]{
	Names: map[string]Value[*order]{
		"total": {Number: func(o *order) int64 { return o.Total }},
		"name":  {Text: func(o *order) string { return o.Name }},
		"tags":  {Texts: func(o *order) []string { return o.Tags }},
	},
	Funcs: map[string]func(*order, string) string{"twice": func(_ *order, of string) string { return of + of }},
}

func TestConditions(t *testing.T) {
	for source, want := range map[string]bool{
		`total > 10 and name == "Ann"`:                         true,
		`total in 1..11`:                                       false,
		`total in [12, -3]`:                                    true,
		`"vip" in tags and not ("staff" in tags)`:              true,
		`twice(lower(name)) == "annann"`:                       true,
		`twice(name) matches "^(Ann){2}$"`:                     true,
		`len(tags) == 1 ? name startsWith "B" : total % 5 > 1`: false,
		`-total + 24 == total`:                                 true,
	} {
		c, err := language.Compile(source, env{})
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		o := &order{Total: 12, Name: "Ann", Tags: []string{"vip"}}
		if got := c.Met(o); got != want || o.failed != nil {
			t.Errorf("%s is %t, %v", source, got, o.failed)
		}
	}
}

func TestConditionsWithoutAValue(t *testing.T) {
	for source, want := range map[string]error{`total % (total - 12) == 0`: ErrZero, `total * 9223372036854775807 > 0`: ErrOverflow} {
		c, err := language.Compile(source, env{})
		if err != nil {
			t.Fatal(err)
		}
		o := &order{Total: 12}
		if c.Met(o); !errors.Is(o.failed, want) {
			t.Errorf("%s: %v", source, o.failed)
		}
	}
}

func TestWhatIsNoCondition(t *testing.T) {
	for source, want := range map[string]string{
		`total`:                                  "bool",
		`nothing == 1`:                           "unknown name",
		`other(name) == ""`:                      "unknown name",
		`twice(total) == ""`:                     "cannot use",
		`twice(name, name) == ""`:                "too many arguments",
		`all(tags, # == "a")`:                    "no part of the language",
		`name matches name`:                      "no constant",
		`name matches "a" + "b"`:                 "no constant",
		`name matches "("`:                       "missing closing",
		`name matches "(a{30}){30}b{200}"`:       "more than 1000 instructions",
		`$env.name == "x"`:                       "no fact",
		`total in [total]`:                       "no constant",
		strings.Repeat("not ", 2000) + "true":    "longer than 4096 bytes",
		"true" + strings.Repeat(" or true", 150): "exceeds maximum allowed nodes",
	} {
		if _, err := language.Compile(source, env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v", source, err)
		}
	}
}

// No pattern has more instructions than were counted before it was compiled.
func FuzzPatterns(f *testing.F) {
	for _, pattern := range []string{`(?i:(a|bc?|[d-f]*){3,}){0,9}|x{0}y{2}`, `^(|a)(?:b??){40}$`, `(a+)+$`, ``, `(?s:.)\b*\pL{2,5}|[^a]?`} {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		re, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			return
		}
		most := 2 + instructions(re)
		if most > MaxPattern {
			return
		}
		program, err := syntax.Compile(re.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(program.Inst); n > most {
			t.Fatalf("%q has %d instructions, %d were counted", pattern, n, most)
		}
	})
}
