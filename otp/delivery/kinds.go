package delivery

import (
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// The kinds of the package's entries in the journal. Their subject is the address,
// "delivery/<hash of the address>", or the message, "delivery-message/<ref>".
const (
	KindSend    journal.Kind[Sent]     = "delivery.send"    // a code was made, for a message to the address
	KindTell    journal.Kind[Told]     = "delivery.tell"    // a message without a code is to go to the address
	KindCheck   journal.Kind[Proof]    = "delivery.check"   // a code was typed for a claim to the address
	KindVerify  journal.Kind[Proof]    = "delivery.verify"  // a code was typed, which proved the address where it was right
	KindSpend   journal.Kind[Verified] = "delivery.spend"   // a claim proved the address
	KindAdmit   journal.Kind[Admitted] = "delivery.admit"   // the address was let in again
	KindDeliver journal.Kind[Status]   = "delivery.deliver" // the message was handed over, or will not be
	KindReceive journal.Kind[Status]   = "delivery.receive" // the vendor told what became of the message
)

var entryKinds = []journal.AnyKind{KindSend, KindTell, KindCheck, KindVerify, KindSpend, KindAdmit, KindDeliver, KindReceive}

// A Proof is what the journal keeps of an attempt: the verification, where the code was right; zero
// where it was wrong.
type Proof struct {
	ID      []byte    `json:"id,omitempty"`     // of the verification
	Hash    []byte    `json:"hash,omitempty"`   // of the address
	Expires time.Time `json:"expires,omitzero"` // the claim is good before it
}
