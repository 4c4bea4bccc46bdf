package phone

import "strings"

// WhatsApp returns the number that WhatsApp has under an id (wa_id, or the user of a JID): an id is
// a country code and a number in digits, but older ones of Brazil lack the 9 that mobile numbers
// there begin with since 2012 to 2016, and those of Mexico keep the 1 that mobile numbers there
// began with until 2019. Two ids of one number are one person.
//
// Numbers of Argentina stay as they are: without the 9 of mobile numbers they may be somebody
// else's. *Error: the text is not an id.
func WhatsApp(id string) (e164 string, err error) {
	if len(id) < 7 || len(id) > 15 || strings.Trim(id, "0123456789") != "" || id[0] == '0' {
		return "", &Error{Garbled}
	}
	switch {
	case len(id) == 12 && id[:2] == "55" && id[4] >= '6':
		id = id[:4] + "9" + id[4:]
	case len(id) == 13 && id[:3] == "521":
		id = "52" + id[3:]
	}
	return "+" + id, nil
}

// WhatsAppIDs returns the ids that WhatsApp may have a number under, in digits; the number's own
// first.
func WhatsAppIDs(e164 string) []string {
	id := strings.TrimPrefix(e164, "+")
	switch {
	case len(id) == 13 && id[:2] == "55" && id[4] == '9' && id[5] >= '6':
		return []string{id, id[:4] + id[5:]}
	case len(id) == 12 && id[:2] == "52":
		return []string{id, "521" + id[2:]}
	}
	return []string{id}
}
