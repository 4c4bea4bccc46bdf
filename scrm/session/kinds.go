package session

import "github.com/scrmkit/scrmkit/storage/journal"

// The kinds of the package's entries in the journal. Their subject is that of JournalSubject,
// "session/<realm>/<subject>".
const (
	KindStart     journal.Kind[Result] = "session.start"     // a session began
	KindRotate    journal.Kind[Result] = "session.rotate"    // a session got a new token
	KindEnd       journal.Kind[Result] = "session.end"       // the subject signed out of a session
	KindRevoke    journal.Kind[Result] = "session.revoke"    // a session was ended by its ID
	KindRevokeAll journal.Kind[Result] = "session.revokeAll" // the sessions of the subject were ended
)

var entryKinds = []journal.AnyKind{KindStart, KindRotate, KindEnd, KindRevoke, KindRevokeAll}

// A Result is what the journal keeps of a command.
type Result struct {
	Session Session   `json:"session,omitzero"` // that was started, rotated or signed out
	Ended   []Session `json:"ended,omitempty"`  // that gave way or were revoked
}
