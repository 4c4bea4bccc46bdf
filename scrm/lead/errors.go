package lead

import (
	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// An InputError is a command that can't be. Field is the one to change.
type InputError = valid.Error

// ErrUnknownJob: the code has no job on that platform. Open it with Put.
var ErrUnknownJob = errs.New(errs.NotFound, "lead: there is no such job")
