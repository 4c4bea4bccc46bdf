package routing

import "github.com/scrmkit/scrmkit/storage/journal"

// The kinds of the package's entries in the journal. Their subject is that of LineSubject,
// "dispatch/line/<line>".
const (
	KindPut   journal.Kind[Line]    = "dispatch.put"   // a line was made or changed
	KindRoute journal.Kind[Outcome] = "dispatch.route" // a visitor came, and was sent to an account or waits
	KindDrain journal.Kind[Outcome] = "dispatch.drain" // visitors who waited were sent to accounts
	KindLeave journal.Kind[Outcome] = "dispatch.leave" // a visitor waits no more
)

var entryKinds = []journal.AnyKind{KindPut, KindRoute, KindDrain, KindLeave}
