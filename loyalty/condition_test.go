package loyalty

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/expr-lang/expr"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/internal/condition"
)

// some are facts with something in every field.
var some = lineFacts{
	Facts: Facts{
		Event:    EventFacts{"purchase", 3, "app", "north"},
		Purchase: PurchaseFacts{12_000, 13_000, 4, []string{"a", "b"}, []string{"tea", ""}, []string{"gift"}},
		Member:   MemberFacts{[]string{"vip", "staff"}, 40},
		Tier:     "gold",
		Time:     TimeFacts{2026, 3, 2, 1, 12, 30, "2026-03-02"},
	},
	Line: &LineFacts{"a", "tea", []string{"red", "Blue"}, 2, 6_000},
}

func TestEveryFactHasAName(t *testing.T) {
	var walk func(path string, typ reflect.Type)
	seen := map[string]bool{}
	walk = func(path string, typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			switch name := path + f.Tag.Get("expr"); {
			case f.Anonymous:
				walk(path, f.Type)
			case f.Type.Kind() == reflect.Struct:
				walk(name+".", f.Type)
			case f.Type.Kind() == reflect.Pointer:
				walk(name+".", f.Type.Elem())
			case f.IsExported():
				seen[name] = true
				if _, ok := language.Names[name]; !ok {
					t.Errorf("%s has no function", name)
				}
			}
		}
	}
	walk("", reflect.TypeFor[lineFacts]())
	for name := range language.Names {
		if !seen[name] {
			t.Errorf("%s is no field", name)
		}
	}
}

func TestConditions(t *testing.T) {
	for source, want := range map[string]bool{
		`purchase.total >= 10000 and "vip" in member.labels and time.weekday in 1..5`: true,
		`line.sku in ["a", "c"]`:                                 true,
		`line.quantity in [1, 3]`:                                false,
		`not ("red" in line.labels)`:                             false,
		`"red" not in line.labels`:                               false,
		`lower("TEA") == line.category`:                          true,
		`len(purchase.skus) == 2 && len(tier) == 4`:              true,
		`event.shop startsWith "no" or event.shop == "x"`:        true,
		`event.channel matches "^a.p$"`:                          true,
		`(tier == "gold" ? 2 : 3) * purchase.items == 8`:         true,
		`purchase.total % 7 == 2 and -purchase.items == -4`:      true,
		`time.date >= "2026-03-01" and time.date < "2026-04-01"`: true,
		`purchase.paid - purchase.total != 1000`:                 false,
	} {
		c, err := compilePredicate("it", source, lineFacts{})
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		f := some
		if got, err := c.met(&f); err != nil || got != want {
			t.Errorf("%s: %t, %v", source, got, err)
		}
	}
}

func TestConditionsThatAreNone(t *testing.T) {
	for _, source := range []string{
		"(", "purchase", "purchase.total", "purchase.total == \"x\"", "purchase.nothing == 1", "line.sku", "tier + tier == tier",
		`any(member.labels, # == "vip")`, `filter(member.labels, true) == []`, "1..1000000000 == []", `purchase.total / 3 > 1`,
		"purchase.total > 1.5", `tier matches "("`, `tier matches event.shop`, `tier in [event.shop]`, `let x = 1; x == 1`,
		`now() == now()`, `repeat("x", 1000000) == ""`, `purchase?.total == 1`, `member.labels[0] == "vip"`, `tier[0:1] == "g"`,
		`{"a": 1} == {"a": 1}`, `nil == nil`, strings.Repeat("not ", 300) + "true",
	} {
		if _, err := compilePredicate("it", source, lineFacts{}); err == nil {
			t.Errorf("%s was compiled", source)
		}
	}
	if _, err := compilePredicate("it", `line.sku == "a"`, Facts{}); err == nil {
		t.Error("a condition on the event sees a line")
	}
}

func TestConditionsThatCannotBeDecided(t *testing.T) {
	for source, want := range map[string]error{
		`purchase.total % (purchase.items - 4) == 0`:                   condition.ErrZero,
		`purchase.total * 4611686018427387904 > 0`:                     condition.ErrOverflow,
		`purchase.total + 9223372036854775807 > 0`:                     condition.ErrOverflow,
		`-9223372036854775807 - purchase.total > 0`:                    condition.ErrOverflow,
		`false or purchase.total * purchase.total * 4000000000000 > 0`: condition.ErrOverflow,
	} {
		c, err := compilePredicate("rule x", source, lineFacts{})
		if err != nil {
			t.Fatal(source, err)
		}
		f := some
		var undecided *ConditionError
		if _, err := c.met(&f); !errors.As(err, &undecided) || !errors.Is(err, want) || undecided.Of != "rule x" {
			t.Errorf("%s: %v", source, err)
		}
		if f.failed != nil {
			t.Error("the next condition fails as well")
		}
	}
}

// What a condition comes to is what expr-lang.org says of it.
func TestConditionsAreTheLanguage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := truth(t, 3)
		f, line := some, *some.Line
		f.Line = &line
		f.Purchase.Total = rapid.Int64Range(-20, 20).Draw(t, "total")
		f.Line.SKU = rapid.SampledFrom([]string{"", "a", "ab", "B"}).Draw(t, "sku")
		c, err := compilePredicate("it", source, lineFacts{})
		if err != nil && strings.Contains(err.Error(), "divide by zero") {
			t.Skip("both see it as they compile")
		}
		if err != nil {
			t.Fatal(source, err)
		}
		program, err := expr.Compile(source, expr.Env(lineFacts{}), expr.AsBool())
		if err != nil {
			t.Fatal(source, err)
		}
		got, err := c.met(&f)
		want, wantErr := expr.Run(program, f)
		if (err == nil) != (wantErr == nil) || err == nil && got != want {
			t.Fatalf("%s: %t, %v; want %v, %v", source, got, err, want, wantErr)
		}
	})
}

func TestNestedChoicesTakeNoLongerThanTheyAreLong(t *testing.T) {
	source := `tier == "gold"`
	for range 30 {
		source = "(" + source + ` ? true : false)`
	}
	f, evaluated := some, 0
	inner := language.Names["tier"]
	defer func() { language.Names["tier"] = inner }()
	language.Names["tier"] = condition.Value[*lineFacts]{Text: func(f *lineFacts) string { evaluated++; return f.Tier }}
	c, err := compilePredicate("it", source, lineFacts{})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := c.met(&f); !ok || err != nil || evaluated != 1 {
		t.Error(ok, err, evaluated)
	}
}

func draw(t *rapid.T, options ...func() string) string {
	return options[rapid.IntRange(0, len(options)-1).Draw(t, "option")]()
}

func truth(t *rapid.T, depth int) string {
	pick := func(from ...string) string { return rapid.SampledFrom(from).Draw(t, "operator") }
	if depth == 0 {
		return pick("true", "false", `("vip" in member.labels)`, `(line.sku == "a")`)
	}
	return draw(t,
		func() string {
			return "(" + truth(t, depth-1) + pick(" and ", " or ", " == ", " != ", " && ", " || ") + truth(t, depth-1) + ")"
		},
		func() string { return pick("not ", "!") + "(" + truth(t, depth-1) + ")" },
		func() string {
			return "(" + number(t, depth-1) + pick(" == ", " != ", " < ", " <= ", " > ", " >= ") + number(t, depth-1) + ")"
		},
		func() string {
			return "(" + text(t) + pick(" == ", " != ", " < ", " >= ", " contains ", " startsWith ", " endsWith ") + text(t) + ")"
		},
		func() string {
			return "(" + text(t) + pick(" in ", " not in ") + pick(`["a", "tea"]`, "line.labels", "purchase.skus") + ")"
		},
		func() string {
			return "(" + number(t, depth-1) + pick(" in ", " not in ") + pick("[1, 2, 3]", "-5..5", "3..3") + ")"
		},
		func() string { return "(" + text(t) + " matches " + pick(`"^a"`, `"[a-z]+b?$"`) + ")" },
		func() string {
			return "(" + truth(t, depth-1) + " ? " + truth(t, depth-1) + " : " + truth(t, depth-1) + ")"
		},
	)
}

func number(t *rapid.T, depth int) string {
	if depth <= 0 {
		return rapid.SampledFrom([]string{"0", "7", "purchase.total", "line.quantity", "len(tier)", "len(line.labels)", "time.month"}).Draw(t, "number")
	}
	return draw(t,
		func() string {
			return "(" + number(t, depth-1) + rapid.SampledFrom([]string{" + ", " - ", " * ", " % "}).Draw(t, "operator") + number(t, depth-1) + ")"
		},
		func() string { return "-(" + number(t, depth-1) + ")" },
		func() string { return fmt.Sprint(rapid.IntRange(-9, 9).Draw(t, "n")) },
		func() string {
			return "(" + truth(t, depth-1) + " ? " + number(t, depth-1) + " : " + number(t, depth-1) + ")"
		},
	)
}

func text(t *rapid.T) string {
	return rapid.SampledFrom([]string{`""`, `"a"`, `"tea"`, "line.sku", "tier", "lower(line.sku)", "time.date", "event.shop"}).Draw(t, "text")
}

func FuzzCondition(f *testing.F) {
	for _, source := range []string{`"vip" in member.labels`, `purchase.total % 3 == 0`, `tier matches "^g"`, `1 in 1..3`, `-9223372036854775807 - 2 > 0`} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		c, err := compilePredicate("it", source, lineFacts{})
		if err != nil || c == nil {
			return
		}
		facts := some
		began := time.Now()
		if _, err := c.met(&facts); err != nil {
			var undecided *ConditionError
			if !errors.As(err, &undecided) {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > time.Second {
			t.Fatalf("%q took %s", source, took)
		}
	})
}
