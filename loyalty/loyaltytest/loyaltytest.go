// Package loyaltytest runs scenarios of a program: files that a team keeps beside its definition
// and runs in its own CI.
//
//	func TestProgram(t *testing.T) { loyaltytest.Run(t, os.DirFS("testdata"), "*.json", club.Definition()) }
//
// The scenarios run on the definition that the code publishes, or on one that stands in the file;
// with a [Suite] on catalogs of rewards and on stamp cards too.
//
// A file is a JSON array of scenarios. Each begins with a program and no members, and does one
// thing after another, by the engines themselves, on a database in memory and a clock that shows
// the time of the step.
package loyaltytest

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/stamps"
)

// Coverage is which rules of the programs the scenarios exercised: those that gave, multiplied, or
// were capped.
type Coverage struct {
	Exercised []string // "program/rule", in their order
	Never     []string // rules that no scenario exercised, in their order
}

// String returns how many rules were exercised, and which were not.
func (c Coverage) String() string {
	s := fmt.Sprintf("%d of %d rules exercised", len(c.Exercised), len(c.Exercised)+len(c.Never))
	if len(c.Never) > 0 {
		s += "; never: " + strings.Join(c.Never, ", ")
	}
	return s
}

// A Suite is what the code publishes, for scenarios that have none of their own.
type Suite struct {
	Programs []loyalty.Definition // programs of points
	Catalogs []reward.Definition  // catalogs of rewards
	Cards    []stamps.Definition  // programs of stamp cards and handouts
}

// Run runs the scenarios of a team that has programs of points alone, as Suite.Run does.
func Run(t *testing.T, files fs.FS, pattern string, programs ...loyalty.Definition) Coverage {
	t.Helper()
	return Suite{Programs: programs}.Run(t, files, pattern)
}

// Run runs the scenarios of all files that match the pattern, each as a test of its own, and logs
// the coverage. It fails where no file matches.
func (suite Suite) Run(t *testing.T, files fs.FS, pattern string) Coverage {
	t.Helper()
	names, err := fs.Glob(files, pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no scenario matches %s: %v", pattern, err)
	}
	rules := map[string]bool{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		scenarios, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, s := range scenarios {
			t.Run(s.Name, func(t *testing.T) {
				s, err := s.on(suite)
				if err != nil {
					t.Fatal(err)
				}
				for _, failure := range s.Play(rules) {
					t.Error(failure)
				}
			})
		}
	}
	var c Coverage
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		if rules[rule] {
			c.Exercised = append(c.Exercised, rule)
		} else {
			c.Never = append(c.Never, rule)
		}
	}
	t.Log(c)
	return c
}
