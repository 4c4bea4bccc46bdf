package customer

import (
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// The kinds of the package's entries in the journal. Their subject is "customer/<member>". None of
// their results has personal data in clear.
const (
	KindSignIn          journal.Kind[SignedIn] = "customer.signIn"          // a sign-in made the customer, or linked identities
	KindLink            journal.Kind[Result]   = "customer.link"            // an identity was linked
	KindUnlink          journal.Kind[Result]   = "customer.unlink"          // an identity was unlinked
	KindImport          journal.Kind[Result]   = "customer.import"          // the customer came from another system
	KindPutProfile      journal.Kind[Result]   = "customer.putProfile"      // the profile was stored
	KindPutPreferences  journal.Kind[Result]   = "customer.putPreferences"  // the preferences were stored
	KindRecordConsent   journal.Kind[Result]   = "customer.recordConsent"   // the customer said yes or no to a use of their data
	KindScheduleErasure journal.Kind[Result]   = "customer.scheduleErasure" // the customer is to be erased, or wants to stay
	KindErase           journal.Kind[Result]   = "customer.erase"           // the customer was erased
	KindMoveApp         journal.Kind[Result]   = "customer.moveApp"         // the identity in an app that moved was unlinked
)

var entryKinds = []journal.AnyKind{
	KindSignIn, KindLink, KindUnlink, KindImport, KindPutProfile, KindPutPreferences, KindRecordConsent, KindScheduleErasure, KindErase, KindMoveApp,
}

// A Result is what the journal keeps of a command.
type Result struct {
	Member  ids.Member `json:"member"`           // the customer
	Version int64      `json:"version"`          // of the customer after it
	KeyID   string     `json:"keyId,omitempty"`  // id of the key that Former is sealed with
	Former  []byte     `json:"former,omitempty"` // Outcome.Former, sealed
}
