// Package errs sorts errors into a few classes, by what a caller can do about them, so that a
// service maps the errors of every package to its own statuses in one switch over ClassOf.
//
// Every exported error of scrmkit, variable or type, has exactly one class and matches it with
// errors.Is. Which one it is may be relied on; errors that are added later have one too.
// An invalid argument is an *[InputError] in every package, and an invalid definition a
// *[DefinitionError].
//
// Errors without a class are those of others, of databases and contexts for instance, and mistakes
// of the program that no caller is to tell apart. They are for a log, as those of class Internal
// are.
package errs

import "slices"

// A Class is what errors of several packages have in common. It is an error itself: errors.Is(err,
// NotFound) reports whether err is of class NotFound, and an error that wraps NotFound is.
type Class string

const (
	// NotFound: what the call names does not exist.
	NotFound Class = "not found"
	// Invalid: an argument is missing, malformed or out of range, or it is a code, a token or a
	// cursor that is no good. Change it; the same call fails again.
	Invalid Class = "invalid"
	// Denied: the caller may not do that, or has not shown who is calling.
	Denied Class = "denied"
	// Conflict: the call is valid, but the rules or the state of what it names do not allow it.
	Conflict Class = "conflict"
	// Exhausted: a balance, a stock, a limit or a budget is used up. Where time gives it back, the
	// error is a type with the time to wait.
	Exhausted Class = "exhausted"
	// OutOfTime: it is too early or too late for that, by the dates of what the call names. It is
	// not the deadline of a context.
	OutOfTime Class = "out of time"
	// TryAgain: another call came in between, or the database was out of reach or too slow. Make the
	// same call again with the same key, or run the whole transaction again that it was part of.
	// Nothing was stored, unless the error says that this is not known.
	TryAgain Class = "try again"
	// Internal: the program, its settings or its database is at fault. The caller can do nothing;
	// whoever runs the service can.
	Internal Class = "internal"
)

var classes = []Class{NotFound, Invalid, Denied, Conflict, Exhausted, OutOfTime, TryAgain, Internal}

// Error returns the text of the class, which is the class itself.
func (c Class) Error() string { return string(c) }

// New returns an error of a class, with a text that need not name it. The error matches itself, the
// class, and each of the errors that it is a case of: errors.Is(err, of) is true, but neither what
// that error matches nor its class is taken over.
func New(c Class, text string, of ...error) error { return &classed{c, text, of} }

type classed struct {
	class Class
	text  string
	of    []error
}

func (e *classed) Error() string { return e.text }

func (e *classed) Is(target error) bool { return target == e.class || slices.Contains(e.of, target) }

// ClassOf returns the class of an error, or "" if err is nil or has none. The outermost error with
// a class decides: one that wraps another may have a class of its own, and of errors that are
// joined the first with a class counts, as with errors.As. A type has a class by its method Is.
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	is, _ := err.(interface{ Is(error) bool })
	for _, c := range classes {
		if err == c || is != nil && is.Is(c) {
			return c
		}
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		return ClassOf(err.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range err.Unwrap() {
			if c := ClassOf(err); c != "" {
				return c
			}
		}
	}
	return ""
}

// Refused reports whether err is an answer to the caller, who can do something about it: it has a
// class, which is neither Internal nor TryAgain. Any other error is a failure: of the database, of
// a context, or of many who changed the same at once.
func Refused(err error) bool {
	c := ClassOf(err)
	return c != "" && c != Internal && c != TryAgain
}
