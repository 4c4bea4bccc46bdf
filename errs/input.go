package errs

import (
	"fmt"
	"strings"
)

// An InputError reports an invalid argument of a call: Field is missing or out of range, and Reason
// says why. Nothing was done, and the same call fails again.
type InputError struct {
	Field  string // as the JSON of the command names it: "purchase.lines[1].amount"
	Reason string // what is wrong, to follow the field: "is missing"
}

// Error returns the field and the reason.
func (e *InputError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Reason) }

// Is reports whether target is Invalid.
func (e *InputError) Is(target error) bool { return target == Invalid }

// A DefinitionError lists every mistake of a definition: a program, a catalog or templates.
type DefinitionError struct {
	Mistakes []Mistake // at least one, in the order in which they were found
}

// A Mistake is what is wrong at a place of a definition.
type Mistake struct {
	Path   string `json:"path"`   // in the JSON of the definition: "card.rewards[1].at"
	Reason string `json:"reason"` // what is wrong, to follow the path: "is missing"
}

// Error returns all mistakes, in one line.
func (e *DefinitionError) Error() string {
	var b strings.Builder
	b.WriteString("the definition has mistakes: ")
	for i, m := range e.Mistakes {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s %s", m.Path, m.Reason)
	}
	return b.String()
}

// Is reports whether target is Invalid.
func (e *DefinitionError) Is(target error) bool { return target == Invalid }
