package storage

// ImportOptions configures a call that runs many commands C from a sequence, in batches. Nil and
// zero fields mean the documented defaults. Neither function is called while one of them runs.
type ImportOptions[C any] struct {
	Batch   int // commands that share a write; 0: 200
	Workers int // writes at once; 0: 4; an engine that is bound to a transaction does one at a time

	// Refused is called with a command that the rules refuse, of which nothing was stored, with its
	// number in the sequence, from 0 on, and the reason. Nil: the first refusal ends the call.
	Refused func(n int, c C, err error)
	// Progress is called after each write, with what was done so far. Nil: it is not told.
	Progress func(Imported)
}

// Imported counts what became of commands.
type Imported struct {
	Next     int // number of the first command, from 0 on, that may not have ended: all before it have
	Stored   int // commands that were run
	Replayed int // commands that were run before, with the same result
	Refused  int // commands of which nothing was stored
}
