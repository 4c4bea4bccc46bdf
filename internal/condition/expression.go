package condition

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
type expression[F Facts] struct {
	truth  func(f F) bool
	number func(f F) int64
	text   func(f F) string
	texts  func(f F) []string
}

var errLanguage = errors.New("is no part of the language of conditions")

// express returns a node of a condition that was checked for its types as an expression.
func (l *Language[F]) express(n ast.Node) (x expression[F], err error) {
	switch n := n.(type) {
	case *ast.BoolNode:
		return expression[F]{truth: func(F) bool { return n.Value }}, nil
	case *ast.IntegerNode:
		return expression[F]{number: func(F) int64 { return int64(n.Value) }}, nil
	case *ast.StringNode:
		return expression[F]{text: func(F) string { return n.Value }}, nil
	case *ast.IdentifierNode:
		return l.fact(n.Value)
	case *ast.MemberNode:
		of, isName := n.Node.(*ast.IdentifierNode)
		name, isText := n.Property.(*ast.StringNode)
		if isName && isText {
			return l.fact(of.Value + "." + name.Value)
		}
	case *ast.UnaryNode:
		return l.negation(n)
	case *ast.BinaryNode:
		return l.operation(n)
	case *ast.BuiltinNode:
		return l.call(n)
	case *ast.CallNode:
		return l.function(n)
	case *ast.ConditionalNode:
		return l.choice(n)
	}
	return x, fmt.Errorf("%s %w", n, errLanguage)
}

func (l *Language[F]) fact(name string) (x expression[F], err error) {
	v, ok := l.Names[name]
	if !ok {
		return x, fmt.Errorf("%s is no fact", name)
	}
	return expression[F]{number: v.Number, text: v.Text, texts: v.Texts}, nil
}

func (l *Language[F]) negation(n *ast.UnaryNode) (expression[F], error) {
	x, err := l.express(n.Node)
	switch {
	case err != nil:
		return x, err
	case x.truth != nil && (n.Operator == "not" || n.Operator == "!"):
		return expression[F]{truth: func(f F) bool { return !x.truth(f) }}, nil
	case x.number != nil && n.Operator == "-":
		return expression[F]{number: func(f F) int64 { v := x.number(f); return fits(f, -v, v != math.MinInt64) }}, nil
	}
	return x, fmt.Errorf("%s %w", n, errLanguage)
}

func (l *Language[F]) call(n *ast.BuiltinNode) (expression[F], error) {
	if len(n.Arguments) != 1 {
		return expression[F]{}, fmt.Errorf("%s %w", n, errLanguage)
	}
	x, err := l.express(n.Arguments[0])
	switch {
	case err != nil:
		return x, err
	case n.Name == "len" && x.text != nil:
		return expression[F]{number: func(f F) int64 { return int64(utf8.RuneCountInString(x.text(f))) }}, nil
	case n.Name == "len" && x.texts != nil:
		return expression[F]{number: func(f F) int64 { return int64(len(x.texts(f))) }}, nil
	case n.Name == "lower" && x.text != nil:
		return expression[F]{text: func(f F) string { return strings.ToLower(x.text(f)) }}, nil
	}
	return x, fmt.Errorf("%s %w", n, errLanguage)
}

func (l *Language[F]) function(n *ast.CallNode) (x expression[F], err error) {
	callee, named := n.Callee.(*ast.IdentifierNode)
	if !named || l.Funcs[callee.Value] == nil || len(n.Arguments) != 1 {
		return x, fmt.Errorf("%s %w", n, errLanguage)
	}
	do := l.Funcs[callee.Value]
	if x, err = l.express(n.Arguments[0]); err == nil && x.text == nil {
		err = fmt.Errorf("%s %w", n, errLanguage)
	}
	argument := x.text
	return expression[F]{text: func(f F) string { return do(f, argument(f)) }}, err
}

func (l *Language[F]) choice(n *ast.ConditionalNode) (x expression[F], err error) {
	c, err1 := l.express(n.Cond)
	a, err2 := l.express(n.Exp1)
	b, err3 := l.express(n.Exp2)
	switch err := errors.Join(err1, err2, err3); {
	case err != nil:
		return x, err
	case c.truth == nil:
	case a.truth != nil && b.truth != nil:
		return expression[F]{truth: choose(c.truth, a.truth, b.truth)}, nil
	case a.number != nil && b.number != nil:
		return expression[F]{number: choose(c.truth, a.number, b.number)}, nil
	case a.text != nil && b.text != nil:
		return expression[F]{text: choose(c.truth, a.text, b.text)}, nil
	}
	return x, fmt.Errorf("%s %w", n, errLanguage)
}

func choose[F, V any](c func(F) bool, a, b func(F) V) func(F) V {
	return func(f F) V {
		if c(f) {
			return a(f)
		}
		return b(f)
	}
}

func (l *Language[F]) operation(n *ast.BinaryNode) (x expression[F], err error) {
	if n.Operator == "in" {
		return l.member(n)
	}
	a, err1 := l.express(n.Left)
	b, err2 := l.express(n.Right)
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

func logic[F any](operator string, a, b func(F) bool) func(F) bool {
	switch operator {
	case "and", "&&":
		return func(f F) bool { return a(f) && b(f) }
	case "or", "||":
		return func(f F) bool { return a(f) || b(f) }
	case "==":
		return func(f F) bool { return a(f) == b(f) }
	case "!=":
		return func(f F) bool { return a(f) != b(f) }
	}
	return nil
}

func compare[F any, V int64 | string](operator string, a, b func(F) V) func(F) bool {
	switch operator {
	case "==":
		return func(f F) bool { return a(f) == b(f) }
	case "!=":
		return func(f F) bool { return a(f) != b(f) }
	case "<":
		return func(f F) bool { return a(f) < b(f) }
	case "<=":
		return func(f F) bool { return a(f) <= b(f) }
	case ">":
		return func(f F) bool { return a(f) > b(f) }
	case ">=":
		return func(f F) bool { return a(f) >= b(f) }
	}
	return nil
}

func parts[F any](operator string, a, b func(F) string) func(F) bool {
	switch operator {
	case "contains":
		return func(f F) bool { return strings.Contains(a(f), b(f)) }
	case "startsWith":
		return func(f F) bool { return strings.HasPrefix(a(f), b(f)) }
	case "endsWith":
		return func(f F) bool { return strings.HasSuffix(a(f), b(f)) }
	}
	return nil
}

func arithmetic[F Facts](operator string, a, b func(F) int64) func(F) int64 {
	var do func(f F, x, y int64) int64
	switch operator {
	case "+":
		do = func(f F, x, y int64) int64 { return fits(f, x+y, (x+y > x) == (y > 0)) }
	case "-":
		do = func(f F, x, y int64) int64 { return fits(f, x-y, (x-y < x) == (y > 0)) }
	case "*":
		do = func(f F, x, y int64) int64 {
			return fits(f, x*y, x == 0 || x*y/x == y && (x != -1 || y != math.MinInt64))
		}
	case "%":
		do = func(f F, x, y int64) int64 {
			if y == 0 {
				f.Fail(ErrZero)
				return 0
			}
			return x % y
		}
	default:
		return nil
	}
	return func(f F) int64 { return do(f, a(f), b(f)) }
}

// fits returns n, and notes where it is not the result.
func fits[F Facts](f F, n int64, ok bool) int64 {
	if !ok {
		f.Fail(ErrOverflow)
	}
	return n
}

func matches[F Facts](n *ast.BinaryNode, a func(F) string) (x expression[F], err error) {
	pattern, ok := n.Right.(*ast.StringNode)
	if !ok {
		return x, fmt.Errorf("%s: what it matches is no constant", n)
	}
	re, err := regexp.Compile(pattern.Value)
	if err != nil {
		return x, err
	}
	return expression[F]{truth: func(f F) bool { return re.MatchString(a(f)) }}, nil
}

// member is the operator in: of a list of constants, of a range, or of texts.
func (l *Language[F]) member(n *ast.BinaryNode) (x expression[F], err error) {
	a, err := l.express(n.Left)
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
			return expression[F]{truth: func(f F) bool {
				v := a.number(f)
				return from <= v && v <= to
			}}, nil
		}
	}
	b, err := l.express(n.Right)
	switch {
	case err != nil:
		return x, err
	case a.text != nil && b.texts != nil:
		return expression[F]{truth: func(f F) bool { return slices.Contains(b.texts(f), a.text(f)) }}, nil
	}
	return x, fmt.Errorf("%s %w", n, errLanguage)
}

func oneOf[F Facts](n ast.Node, a expression[F], list *ast.ArrayNode) (x expression[F], err error) {
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
		return expression[F]{truth: func(f F) bool { return slices.Contains(numbers, a.number(f)) }}, nil
	case a.text != nil && numbers == nil:
		return expression[F]{truth: func(f F) bool { return slices.Contains(texts, a.text(f)) }}, nil
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
