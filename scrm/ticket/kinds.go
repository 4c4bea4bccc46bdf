package ticket

import "github.com/scrmkit/scrmkit/storage/journal"

// The kinds of the package's entries in the journal. Their subject is the site,
// "ticket/site/<site>", or the ticket, "ticket/ticket/<site>/<event>".
const (
	KindPutSite      journal.Kind[Site]    = "ticket.putSite"      // a site was made or changed
	KindAddSecret    journal.Kind[Issued]  = "ticket.addSecret"    // a site has one more secret
	KindRetireSecret journal.Kind[Site]    = "ticket.retireSecret" // a secret of a site was ended
	KindReceive      journal.Kind[Outcome] = "ticket.receive"      // a push made a ticket, or came for it
	KindProcess      journal.Kind[Outcome] = "ticket.process"      // the templates decided on a ticket
	KindAssign       journal.Kind[Outcome] = "ticket.assign"       // a ticket was given to somebody
	KindReject       journal.Kind[Outcome] = "ticket.reject"       // a ticket was ended without being handled
	KindRoute        journal.Kind[Outcome] = "ticket.route"        // the ticket of a pool went to an account, or found none
	KindTake         journal.Kind[Outcome] = "ticket.take"         // an agent took a ticket
	KindHandBack     journal.Kind[Outcome] = "ticket.handBack"     // an agent gave a ticket back
	KindFinish       journal.Kind[Outcome] = "ticket.finish"       // a ticket was finished
	KindRecall       journal.Kind[Outcome] = "ticket.recall"       // a ticket whose target cannot handle it is Manual again
)

var entryKinds = []journal.AnyKind{
	KindPutSite, KindAddSecret, KindRetireSecret, KindReceive, KindProcess, KindAssign, KindReject, KindRoute, KindTake, KindHandBack,
	KindFinish, KindRecall,
}
