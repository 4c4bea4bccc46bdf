package lead

import "github.com/scrmkit/scrmkit/errs"

// ErrUnknownJob: the code has no job on that platform. Open it with Put.
var ErrUnknownJob = errs.New(errs.NotFound, "lead: there is no such job")
