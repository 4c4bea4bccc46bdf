package lead

import (
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// The kinds of the package's entries in the journal, with their subjects. A contact goes by a name
// that says nothing of who it is.
const (
	KindPut       journal.Kind[Job]       = "lead.put"       // a job was opened or changed: "lead/job/<code>/<platform>"
	KindReset     journal.Kind[time.Time] = "lead.reset"     // a new day of a job began, at that time: "lead/job/<code>/<platform>"
	KindLink      journal.Kind[Owner]     = "lead.link"      // an owner consents to being compared with another: "lead/owner/<owner>"
	KindUnlink    journal.Kind[Owner]     = "lead.unlink"    // an owner consents no more: "lead/owner/<owner>"
	KindObserve   journal.Kind[Outcome]   = "lead.meet"      // an event changed a contact: "lead/contact/<name>"
	KindUnite     journal.Kind[United]    = "lead.unite"     // contacts turned out to be this one: "lead/contact/<name>"
	KindUnited    journal.Kind[string]    = "lead.united"    // a contact turned out to be that of another name: "lead/contact/<name>"
	KindImportCSV journal.Kind[time.Time] = "lead.importCSV" // the import of a file began, at that time: "lead/import/<key>"
)

var entryKinds = []journal.AnyKind{KindPut, KindReset, KindLink, KindUnlink, KindObserve, KindUnite, KindUnited, KindImportCSV}

// United is what the journal tells of contacts that became one.
type United struct {
	Contacts []string        `json:"contacts,omitempty"` // by their names in the journal, which go no further
	Turned   []VerdictChange `json:"turned,omitempty"`   // verdicts that changed by it
}
