package lead

import (
	"github.com/scrmkit/scrmkit/errs"
)

// An InputError reports an invalid command: Field is missing or out of range, and Reason says why.
type InputError = errs.InputError

// ErrUnknownJob: the code has no job on that platform. Open it with Put.
var ErrUnknownJob = errs.New(errs.NotFound, "lead: there is no such job")
