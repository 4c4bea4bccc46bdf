package delivery

import (
	"strings"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/phone"
)

// An Address is where a code is sent: a telephone number in E.164, as phone.Parse gives it, or a
// mailbox: "+8613800138000", "alice@example.com". A mailbox is ASCII, its domain in the form of
// DNS. Those that differ by case are one; aliases such as alice+1@example.com are not the same.
type Address string

// Channel returns the way to the address.
func (a Address) Channel() message.Channel {
	if strings.HasPrefix(string(a), "+") {
		return message.SMS
	}
	return message.Mail
}

// folded returns what all ways to write the address have in common.
func (a Address) folded() string { return strings.ToLower(string(a)) }

// telltale returns what gives the address away where it is in a text in lower case: of a number its
// last digits, for texts have it with and without what comes before them.
func (a Address) telltale() string {
	text := a.folded()
	if a.Channel() == message.SMS {
		return text[max(0, len(text)-7):]
	}
	local, _, _ := strings.Cut(text, "@")
	return local
}

// check returns an *errs.InputError that does not hold the address.
func (a Address) check() error {
	reason := ""
	switch {
	case a == "":
		reason = "is missing"
	case a.Channel() == message.SMS:
		if n, err := phone.Parse(string(a), ""); err != nil || n.E164 != string(a) {
			reason = "is not a number in E.164; read it with phone.Parse"
		}
	case !mailbox(string(a)):
		reason = "is neither a number in E.164 nor a mailbox in ASCII"
	}
	if reason != "" {
		return &errs.InputError{Field: "address", Reason: reason}
	}
	return nil
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	numbers = "0123456789"
	atoms   = letters + numbers + "!#$%&'*+-/=?^_`{|}~" // RFC 5322, 3.2.3
)

// mailbox reports whether a text is a mailbox of RFC 5321 without quotes and literals, in a domain
// of two names or more.
func mailbox(s string) bool {
	local, domain, _ := strings.Cut(s, "@")
	if len(local) > 64 || len(s) > 254 || strings.Count(domain, ".") == 0 {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || !of(atom, atoms) {
			return false
		}
	}
	for name := range strings.SplitSeq(domain, ".") {
		if name == "" || len(name) > 63 || !of(name, letters+numbers+"-") || name[0] == '-' || name[len(name)-1] == '-' {
			return false
		}
	}
	return true
}

// of reports whether a text is made of those bytes.
func of(s, bytes string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(bytes, r) })
}
