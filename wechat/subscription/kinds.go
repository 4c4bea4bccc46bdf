package subscription

import "github.com/scrmkit/scrmkit/storage/journal"

// The kinds of the package's entries in the journal. Their subject is
// "subscription/<app>/<openid>/<template>".
const (
	KindReport  journal.Kind[Result] = "subscription.report"  // the front end said that the user accepted the template
	KindObserve journal.Kind[Result] = "subscription.observe" // an event of WeChat said something
	KindReserve journal.Kind[Result] = "subscription.reserve" // a message took its accept, and is about to be sent
	KindAnswer  journal.Kind[Result] = "subscription.answer"  // WeChat answered to a message
	KindAbandon journal.Kind[Result] = "subscription.abandon" // what became of a message is not waited for any more
)

var entryKinds = []journal.AnyKind{KindReport, KindObserve, KindReserve, KindAnswer, KindAbandon}

// A Result is what the journal keeps of a command.
type Result struct {
	Balance Balance  `json:"balance"`           // after it
	Message *Receipt `json:"message,omitempty"` // that it is about, after it; nil: it is about none
}
