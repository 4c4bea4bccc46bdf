package loyalty

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// An expression is a part of a condition as a function of the facts. One of its fields is set.
type expression struct {
	truth  func(f *lineFacts) bool
	number func(f *lineFacts) int64
	text   func(f *lineFacts) string
	texts  func(f *lineFacts) []string
}

// facts are the names that a condition may use.
var facts = map[string]expression{
	"event.kind":          {text: func(f *lineFacts) string { return f.Event.Kind }},
	"event.n":             {number: func(f *lineFacts) int64 { return f.Event.N }},
	"event.channel":       {text: func(f *lineFacts) string { return f.Event.Channel }},
	"event.shop":          {text: func(f *lineFacts) string { return f.Event.Shop }},
	"purchase.total":      {number: func(f *lineFacts) int64 { return f.Purchase.Total }},
	"purchase.paid":       {number: func(f *lineFacts) int64 { return f.Purchase.Paid }},
	"purchase.items":      {number: func(f *lineFacts) int64 { return f.Purchase.Items }},
	"purchase.skus":       {texts: func(f *lineFacts) []string { return f.Purchase.SKUs }},
	"purchase.categories": {texts: func(f *lineFacts) []string { return f.Purchase.Categories }},
	"purchase.labels":     {texts: func(f *lineFacts) []string { return f.Purchase.Labels }},
	"member.labels":       {texts: func(f *lineFacts) []string { return f.Member.Labels }},
	"member.days":         {number: func(f *lineFacts) int64 { return int64(f.Member.Days) }},
	"tier":                {text: func(f *lineFacts) string { return f.Tier }},
	"time.year":           {number: func(f *lineFacts) int64 { return int64(f.Time.Year) }},
	"time.month":          {number: func(f *lineFacts) int64 { return int64(f.Time.Month) }},
	"time.day":            {number: func(f *lineFacts) int64 { return int64(f.Time.Day) }},
	"time.weekday":        {number: func(f *lineFacts) int64 { return int64(f.Time.Weekday) }},
	"time.hour":           {number: func(f *lineFacts) int64 { return int64(f.Time.Hour) }},
	"time.minute":         {number: func(f *lineFacts) int64 { return int64(f.Time.Minute) }},
	"time.date":           {text: (*lineFacts).date},
	"line.sku":            {text: func(f *lineFacts) string { return f.Line.SKU }},
	"line.category":       {text: func(f *lineFacts) string { return f.Line.Category }},
	"line.labels":         {texts: func(f *lineFacts) []string { return f.Line.Labels }},
	"line.quantity":       {number: func(f *lineFacts) int64 { return f.Line.Quantity }},
	"line.amount":         {number: func(f *lineFacts) int64 { return f.Line.Amount }},
}

var errLanguage = errors.New("is no part of the language of conditions")

// express returns a node of a condition that was checked for its types as an expression.
func express(n ast.Node) (x expression, err error) {
	switch n := n.(type) {
	case *ast.BoolNode:
		return expression{truth: func(*lineFacts) bool { return n.Value }}, nil
	case *ast.IntegerNode:
		return expression{number: func(*lineFacts) int64 { return int64(n.Value) }}, nil
	case *ast.StringNode:
		return expression{text: func(*lineFacts) string { return n.Value }}, nil
	case *ast.IdentifierNode:
		return fact(n.Value)
	case *ast.MemberNode:
		of, isName := n.Node.(*ast.IdentifierNode)
		name, isText := n.Property.(*ast.StringNode)
		if isName && isText {
			return fact(of.Value + "." + name.Value)
		}
	case *ast.UnaryNode:
		return negation(n)
	case *ast.BinaryNode:
		return operation(n)
	case *ast.BuiltinNode:
		return call(n)
	case *ast.ConditionalNode:
		return choice(n)
	}
	return x, fmt.Errorf("%s %w", n, errLanguage)
}

func fact(name string) (expression, error) {
	x, ok := facts[name]
	if !ok {
		return x, fmt.Errorf("%s is no fact", name)
	}
	return x, nil
}

func negation(n *ast.UnaryNode) (expression, error) {
	x, err := express(n.Node)
	switch {
	case err != nil:
		return x, err
	case x.truth != nil && (n.Operator == "not" || n.Operator == "!"):
		return expression{truth: func(f *lineFacts) bool { return !x.truth(f) }}, nil
	case x.number != nil && n.Operator == "-":
		return expression{number: func(f *lineFacts) int64 { v := x.number(f); return f.fits(-v, v != math.MinInt64) }}, nil
	}
	return x, fmt.Errorf("%s %w", n, errLanguage)
}

func call(n *ast.BuiltinNode) (expression, error) {
	if len(n.Arguments) != 1 {
		return expression{}, fmt.Errorf("%s %w", n, errLanguage)
	}
	x, err := express(n.Arguments[0])
	switch {
	case err != nil:
		return x, err
	case n.Name == "len" && x.text != nil:
		return expression{number: func(f *lineFacts) int64 { return int64(utf8.RuneCountInString(x.text(f))) }}, nil
	case n.Name == "len" && x.texts != nil:
		return expression{number: func(f *lineFacts) int64 { return int64(len(x.texts(f))) }}, nil
	case n.Name == "lower" && x.text != nil:
		return expression{text: func(f *lineFacts) string { return strings.ToLower(x.text(f)) }}, nil
	}
	return x, fmt.Errorf("%s %w", n, errLanguage)
}

func choice(n *ast.ConditionalNode) (x expression, err error) {
	c, err1 := express(n.Cond)
	a, err2 := express(n.Exp1)
	b, err3 := express(n.Exp2)
	switch err := errors.Join(err1, err2, err3); {
	case err != nil:
		return x, err
	case c.truth == nil:
	case a.truth != nil && b.truth != nil:
		return expression{truth: choose(c.truth, a.truth, b.truth)}, nil
	case a.number != nil && b.number != nil:
		return expression{number: choose(c.truth, a.number, b.number)}, nil
	case a.text != nil && b.text != nil:
		return expression{text: choose(c.truth, a.text, b.text)}, nil
	}
	return x, fmt.Errorf("%s %w", n, errLanguage)
}

func choose[V any](c func(*lineFacts) bool, a, b func(*lineFacts) V) func(*lineFacts) V {
	return func(f *lineFacts) V {
		if c(f) {
			return a(f)
		}
		return b(f)
	}
}

func operation(n *ast.BinaryNode) (x expression, err error) {
	if n.Operator == "in" {
		return member(n)
	}
	a, err1 := express(n.Left)
	b, err2 := express(n.Right)
	switch err := errors.Join(err1, err2); {
	case err != nil:
		return x, err
	case a.truth != nil && b.truth != nil:
		x.truth = logic(n.Operator, a.truth, b.truth)
	case a.number != nil && b.number != nil:
		x.truth = compare(n.Operator, a.number, b.number)
		x.number = arithmetic(n.Operator, a.number, b.number)
	case a.text != nil && b.text != nil && n.Operator == "matches":
		return matches(n, a.text)
	case a.text != nil && b.text != nil:
		x.truth = compare(n.Operator, a.text, b.text)
		if x.truth == nil {
			x.truth = parts(n.Operator, a.text, b.text)
		}
	}
	if x.truth == nil && x.number == nil {
		return x, fmt.Errorf("%s %w", n, errLanguage)
	}
	return x, nil
}

func logic(operator string, a, b func(*lineFacts) bool) func(*lineFacts) bool {
	switch operator {
	case "and", "&&":
		return func(f *lineFacts) bool { return a(f) && b(f) }
	case "or", "||":
		return func(f *lineFacts) bool { return a(f) || b(f) }
	case "==":
		return func(f *lineFacts) bool { return a(f) == b(f) }
	case "!=":
		return func(f *lineFacts) bool { return a(f) != b(f) }
	}
	return nil
}

func compare[V int64 | string](operator string, a, b func(*lineFacts) V) func(*lineFacts) bool {
	switch operator {
	case "==":
		return func(f *lineFacts) bool { return a(f) == b(f) }
	case "!=":
		return func(f *lineFacts) bool { return a(f) != b(f) }
	case "<":
		return func(f *lineFacts) bool { return a(f) < b(f) }
	case "<=":
		return func(f *lineFacts) bool { return a(f) <= b(f) }
	case ">":
		return func(f *lineFacts) bool { return a(f) > b(f) }
	case ">=":
		return func(f *lineFacts) bool { return a(f) >= b(f) }
	}
	return nil
}

func parts(operator string, a, b func(*lineFacts) string) func(*lineFacts) bool {
	switch operator {
	case "contains":
		return func(f *lineFacts) bool { return strings.Contains(a(f), b(f)) }
	case "startsWith":
		return func(f *lineFacts) bool { return strings.HasPrefix(a(f), b(f)) }
	case "endsWith":
		return func(f *lineFacts) bool { return strings.HasSuffix(a(f), b(f)) }
	}
	return nil
}

func arithmetic(operator string, a, b func(*lineFacts) int64) func(*lineFacts) int64 {
	var do func(f *lineFacts, x, y int64) int64
	switch operator {
	case "+":
		do = func(f *lineFacts, x, y int64) int64 { return f.fits(x+y, (x+y > x) == (y > 0)) }
	case "-":
		do = func(f *lineFacts, x, y int64) int64 { return f.fits(x-y, (x-y < x) == (y > 0)) }
	case "*":
		do = func(f *lineFacts, x, y int64) int64 {
			return f.fits(x*y, x == 0 || x*y/x == y && (x != -1 || y != math.MinInt64))
		}
	case "%":
		do = func(f *lineFacts, x, y int64) int64 {
			if y == 0 {
				f.failed = errZero
				return 0
			}
			return x % y
		}
	default:
		return nil
	}
	return func(f *lineFacts) int64 { return do(f, a(f), b(f)) }
}

// fits returns n, and notes where it is not the result.
func (f *lineFacts) fits(n int64, ok bool) int64 {
	if !ok {
		f.failed = errOverflow
	}
	return n
}

func matches(n *ast.BinaryNode, a func(*lineFacts) string) (x expression, err error) {
	pattern, ok := n.Right.(*ast.StringNode)
	if !ok {
		return x, fmt.Errorf("%s: what it matches is no constant", n)
	}
	re, err := regexp.Compile(pattern.Value)
	if err != nil {
		return x, err
	}
	return expression{truth: func(f *lineFacts) bool { return re.MatchString(a(f)) }}, nil
}

// member is the operator in: of a list of constants, of a range, or of texts.
func member(n *ast.BinaryNode) (x expression, err error) {
	a, err := express(n.Left)
	if err != nil {
		return x, err
	}
	if list, ok := n.Right.(*ast.ArrayNode); ok {
		return oneOf(n, a, list)
	}
	if span, ok := n.Right.(*ast.BinaryNode); ok && span.Operator == ".." && a.number != nil {
		from, ok1 := constant(span.Left)
		to, ok2 := constant(span.Right)
		if ok1 && ok2 {
			return expression{truth: func(f *lineFacts) bool {
				v := a.number(f)
				return from <= v && v <= to
			}}, nil
		}
	}
	b, err := express(n.Right)
	switch {
	case err != nil:
		return x, err
	case a.text != nil && b.texts != nil:
		return expression{truth: func(f *lineFacts) bool { return slices.Contains(b.texts(f), a.text(f)) }}, nil
	}
	return x, fmt.Errorf("%s %w", n, errLanguage)
}

func oneOf(n ast.Node, a expression, list *ast.ArrayNode) (x expression, err error) {
	var numbers []int64
	var texts []string
	for _, node := range list.Nodes {
		if number, ok := constant(node); ok {
			numbers = append(numbers, number)
		} else if text, ok := node.(*ast.StringNode); ok {
			texts = append(texts, text.Value)
		} else {
			return x, fmt.Errorf("%s: what is in the list is no constant", n)
		}
	}
	switch {
	case a.number != nil && texts == nil:
		return expression{truth: func(f *lineFacts) bool { return slices.Contains(numbers, a.number(f)) }}, nil
	case a.text != nil && numbers == nil:
		return expression{truth: func(f *lineFacts) bool { return slices.Contains(texts, a.text(f)) }}, nil
	}
	return x, fmt.Errorf("%s %w", n, errLanguage)
}

// constant returns a number as it is written, with its sign.
func constant(n ast.Node) (int64, bool) {
	if u, ok := n.(*ast.UnaryNode); ok && u.Operator == "-" {
		if i, ok := u.Node.(*ast.IntegerNode); ok {
			return -int64(i.Value), true
		}
	}
	i, ok := n.(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	return int64(i.Value), true
}
