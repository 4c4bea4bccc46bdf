package storage

import (
	"context"

	"github.com/scrmkit/scrmkit/errs"
)

// A Hook is called as an operation of an engine or a flow begins, which goes on with the context
// that it returns. The function that it returns is called once, with the error of the operation, as
// that ends. It is the one place for traces and metrics. Any number of operations run at once, and
// those of a flow have those of its engines within them.
//
// The Op is for reading, until that function has returned.
type Hook func(ctx context.Context, op *Op) (context.Context, func(error))

// An Op is an operation as a Hook sees it.
type Op struct {
	Name   string // "stamps.add"
	Tenant string // as Store.TenantID returns it

	// Subject is that of the journal's entry. It is "" where the operation leaves none or several,
	// where the subject is not known as it begins, and where that could hold a secret.
	Subject string

	// Replayed and Attempts are set as the operation ends. Attempts is how often it was decided: more
	// than once where other changes came first, or it had been done before; 0 where it was not
	// decided, or that is not counted.
	Replayed bool // the key was used before, and the first result was returned
	Attempts int
}

// Outcome returns how the operation ended with that error, for a metric: "done"; "replayed";
// "refused", by the rules, for a reason that is the caller's (errs.Refused); or "failed".
func (op *Op) Outcome(err error) string {
	switch {
	case err == nil && op.Replayed:
		return "replayed"
	case err == nil:
		return "done"
	case errs.Refused(err):
		return "refused"
	}
	return "failed"
}
