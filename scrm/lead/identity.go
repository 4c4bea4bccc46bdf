package lead

import (
	"cmp"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/phone"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// WhatsApp is the namespace of telephone numbers as WhatsApp has them (wa_id, or the user of a JID), in digits. The forms that it
// has of one number are one identity: see phone.WhatsApp.
const WhatsApp = "wa_id"

// normal returns the identity as it is stored.
func (id Identity) normal() (Identity, error) {
	if err := cmp.Or(valid.ID("contact.platform", id.Platform), valid.OptionalID("contact.namespace", id.Namespace), valid.ID("contact.id", id.ID)); err != nil {
		return id, err
	}
	if id.Namespace == WhatsApp {
		number, err := phone.WhatsApp(id.ID)
		if err != nil {
			return id, &InputError{Field: "contact.id", Reason: "is no id of WhatsApp: a country code and a number, in digits"}
		}
		id.ID = number[1:]
	}
	return id, nil
}

func (id Identity) compare(o Identity) int {
	return cmp.Or(cmp.Compare(id.Platform, o.Platform), cmp.Compare(id.Namespace, o.Namespace), cmp.Compare(id.ID, o.ID))
}

// subject names the contact in the journal, which has no identity of it.
func (c Contact) subject() string { return journal.Subject("lead/contact", c.Name) }

// Subject names the job in the journal.
func (id JobID) Subject() string {
	return journal.Subject("lead/job", string(id.Code), string(id.Platform))
}

// Subject names the owner in the journal.
func (id OwnerID) Subject() string { return journal.Subject("lead/owner", string(id)) }
