package authenticator

import "github.com/scrmkit/scrmkit/storage/journal"

// The kinds of the package's entries in the journal. Their subject is "authenticator/<subject>".
const (
	KindEnroll  journal.Kind[Result] = "authenticator.enroll"  // a new authenticator waits for its first code
	KindConfirm journal.Kind[Result] = "authenticator.confirm" // the first code of a new authenticator was typed
	KindVerify  journal.Kind[Result] = "authenticator.verify"  // a code was typed
	KindRecover journal.Kind[Result] = "authenticator.recover" // a recovery code was typed
	KindRenew   journal.Kind[Result] = "authenticator.renew"   // a new set of recovery codes was made
	KindDisable journal.Kind[Result] = "authenticator.disable" // an authenticator was disabled
	KindRemove  journal.Kind[Result] = "authenticator.remove"  // authenticators and recovery codes were deleted
)

var entryKinds = []journal.AnyKind{KindEnroll, KindConfirm, KindVerify, KindRecover, KindRenew, KindDisable, KindRemove}

// A Result is what the journal keeps of a command.
type Result struct {
	Outcome Outcome `json:"outcome"`           // what the command came to
	Refused string  `json:"refused,omitempty"` // why the code that was typed is refused; "": it is not
}
