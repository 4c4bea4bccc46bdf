// Package condition has conditions over facts, in the language of expr-lang.org: numbers without
// decimals, texts, true and false; the operators and, or, not, ==, !=, <, <=, >, >=, +, -, *, %, in,
// contains, startsWith, endsWith and matches, with a constant after in and after matches; the
// functions len and lower, and those of the facts; and ?:.
//
// There are no loops, and patterns are bounded, so that the time that a condition takes grows with
// its length and that of the texts alone.
package condition

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

const (
	maxSource = 4096 // bytes
	maxNodes  = 200
	// MaxPattern is how many instructions the patterns of a condition have at most.
	MaxPattern = 1000
)

var (
	// ErrZero: a condition divides by zero.
	ErrZero = errors.New("divides by zero")
	// ErrOverflow: a condition counts further than an int64 holds.
	ErrOverflow = errors.New("counts further than 64 bits")
)

// Facts are what a condition is decided on.
type Facts interface {
	// Fail is told ErrZero or ErrOverflow, where a condition has no value.
	Fail(err error)
}

// A Language is what conditions over facts F may use. It is not changed after its first use.
type Language[F Facts] struct {
	Names map[string]Value[F]                          // "tier", "purchase.total"
	Funcs map[string]func(f F, argument string) string // of a text, which give a text
}

// A Value is that of a name. One of its fields is set.
type Value[F Facts] struct {
	Number func(f F) int64
	Text   func(f F) string
	Texts  func(f F) []string
}

// A Condition is true or false of facts. It is safe for concurrent use.
type Condition[F Facts] struct {
	Met      func(f F) bool
	Patterns int // how many instructions its patterns have
}

// Compile compiles a condition. env is a struct of the names that this one may use, each with its
// type, as expr-lang.org has it.
func (l *Language[F]) Compile(source string, env any) (Condition[F], error) {
	failed := func(err error) (Condition[F], error) {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return Condition[F]{}, fmt.Errorf("can't be compiled: %s", first)
	}
	if len(source) > maxSource {
		return failed(fmt.Errorf("it is longer than %d bytes", maxSource))
	}
	tree, err := parser.Parse(source)
	if err != nil {
		return failed(err)
	}
	var p patterns
	if ast.Walk(&tree.Node, &p); p.err != nil {
		return failed(p.err)
	}
	if p.n > MaxPattern {
		return failed(fmt.Errorf("its patterns have more than %d instructions", MaxPattern))
	}
	if _, err := expr.Compile(source, expr.Env(env), expr.AsBool(), expr.WarnOnAny(), expr.MaxNodes(maxNodes),
		expr.DisableAllBuiltins(), expr.EnableBuiltin("len"), expr.EnableBuiltin("lower")); err != nil {
		return failed(err)
	}
	x, err := l.express(tree.Node)
	switch {
	case err != nil:
		return failed(err)
	case x.truth == nil:
		return failed(errors.New("is neither true nor false"))
	}
	return Condition[F]{x.truth, p.n}, nil
}
