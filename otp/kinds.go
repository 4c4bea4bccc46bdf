package otp

import "github.com/scrmkit/scrmkit/storage/journal"

// The kinds of the package's entries in the journal, with their subjects. None of their results has
// the digits of a code.
const (
	KindIssue journal.Kind[Result]    = "otp.issue" // a code was made: "otp-holder/<scope>/<holder>"
	KindCheck journal.Kind[Result]    = "otp.check" // a code was typed, a right or a wrong one: "otp-typist/<scope>/<typist>"
	KindAdmit journal.Kind[Result]    = "otp.admit" // a typist was let in again: "otp-typist/<scope>/<typist>"
	KindSpend journal.Kind[SpentCode] = "otp.spend" // a code was used up: "otp-code/<scope>/<number of the code>"
)

var entryKinds = []journal.AnyKind{KindIssue, KindCheck, KindAdmit, KindSpend}

// A Result is what the journal keeps of a command.
type Result struct {
	Issued *Issued   `json:"issued,omitempty"` // of Issue
	Claim  *Claim    `json:"claim,omitempty"`  // of Check; nil: the code was refused
	Reason string    `json:"reason,omitempty"` // of a Check that was refused: Unknown, Early, Expired, WrongPurpose, or the End of the code
	Admit  *Admitted `json:"admit,omitempty"`  // of Admit
}

// A SpentCode is what the journal keeps of a code that was used up.
type SpentCode struct {
	Holder  HolderID `json:"holder"`  // who had the code
	Number  int64    `json:"number"`  // number of the code within its scope
	Purpose Purpose  `json:"purpose"` // what it allowed
}
