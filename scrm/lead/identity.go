package lead

import (
	"cmp"
	"slices"
	"strings"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/phone"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// WhatsApp is the namespace of telephone numbers as WhatsApp has them (wa_id, or the user of a
// JID), in digits. The forms that it has of one number are one identity: see phone.WhatsApp.
const WhatsApp = "wa_id"

// whatsApp is the platform whose contacts have telephone numbers as names.
const whatsApp ids.Platform = "whatsapp"

// unphoned are platforms, by their common names, that have ids of their own for contacts, and no
// telephone numbers.
var unphoned = []ids.Platform{"instagram", "line", "linebusiness", "messenger", "skypoly", "telegram", "wechat", "wecom", "zalo"}

// phoneNamespace returns the namespace of telephone numbers on a platform, where an import of them
// has that one or none. Errors: *errs.InputError, where they would never meet what the platform
// tells.
func phoneNamespace(p ids.Platform, namespace string) (string, error) {
	switch {
	case p == whatsApp && (namespace == "" || namespace == WhatsApp):
		return WhatsApp, nil
	case p == whatsApp:
		return "", &errs.InputError{Field: "namespace", Reason: "has no telephone numbers on this platform: they have " + WhatsApp + ", or leave it out"}
	case namespace == "" && slices.Contains(unphoned, p):
		return "", &errs.InputError{Field: "phones", Reason: "are no ids of this platform's contacts: import those, or name a namespace of yours that events have too"}
	}
	return namespace, nil
}

// whole returns the identity with the namespace that WhatsApp's own forms say without one: a JID,
// or a number. What is neither stays as it is, for it is the embedder's; digits that may be an id
// of a linked device are refused.
func (id Identity) whole() (Identity, error) {
	user, server, isJID := strings.Cut(id.ID, "@")
	user, _, _ = strings.Cut(user, ":") // of a device
	switch {
	case isJID && (server == "s.whatsapp.net" || server == "c.us"):
		id.Namespace, id.ID = WhatsApp, user
	case isJID && server == "lid":
		id.Namespace, id.ID = "lid", user
	case strings.Trim(id.ID, "0123456789") == "" && len(id.ID) >= 7 && len(id.ID) <= 13:
		id.Namespace = WhatsApp
	case strings.HasPrefix(id.ID, "+"):
		if _, err := phone.WhatsApp(id.ID[1:]); err == nil {
			id.Namespace, id.ID = WhatsApp, id.ID[1:]
		}
	case strings.Trim(id.ID, "0123456789") == "" && len(id.ID) > 13:
		return id, &errs.InputError{Field: "contact.namespace", Reason: "is missing: " + WhatsApp + " for a telephone number, another for an id of a linked device"}
	}
	return id, nil
}

// normal returns the identity as it is stored.
func (id Identity) normal() (Identity, error) {
	if err := cmp.Or(valid.ID("contact.platform", id.Platform), valid.OptionalID("contact.namespace", id.Namespace), valid.ID("contact.id", id.ID)); err != nil {
		return id, err
	}
	if id.Platform == whatsApp && id.Namespace == "" {
		var err error
		if id, err = id.whole(); err != nil {
			return id, err
		}
	}
	if id.Namespace == WhatsApp {
		number, err := phone.WhatsApp(id.ID)
		if err != nil {
			return id, &errs.InputError{Field: "contact.id", Reason: "is no id of WhatsApp: a country code and a number, in digits"}
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
