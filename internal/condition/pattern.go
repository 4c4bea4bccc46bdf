package condition

import (
	"cmp"
	"fmt"
	"regexp/syntax"

	"github.com/expr-lang/expr/ast"
)

// patterns counts the instructions of patterns, before any is compiled.
type patterns struct {
	n   int
	err error // of a pattern that is none
}

// Visit implements ast.Visitor.
func (p *patterns) Visit(node *ast.Node) {
	n, ok := (*node).(*ast.BinaryNode)
	if !ok || n.Operator != "matches" {
		return
	}
	pattern, constant := n.Right.(*ast.StringNode)
	if !constant {
		p.err = cmp.Or(p.err, fmt.Errorf("%s: what it matches is no constant", n))
		return
	}
	re, err := syntax.Parse(pattern.Value, syntax.Perl)
	if err != nil {
		p.err = cmp.Or(p.err, err)
		return
	}
	p.n += 2 + instructions(re)
}

// instructions returns how many instructions a pattern is compiled to, or a few more, without
// compiling it: repeats are written out there, and nested ones multiply.
func instructions(re *syntax.Regexp) int {
	if re.Op == syntax.OpLiteral {
		return len(re.Rune)
	}
	n := 0
	for _, sub := range re.Sub {
		n += instructions(sub)
	}
	switch re.Op {
	case syntax.OpConcat:
		return max(1, n)
	case syntax.OpAlternate:
		return n + len(re.Sub)
	case syntax.OpRepeat:
		if re.Max < 0 {
			return max(1, re.Min)*n + 2
		}
		return re.Max*n + (re.Max - re.Min) + 1
	case syntax.OpStar, syntax.OpCapture:
		return n + 2
	}
	return n + 1
}
