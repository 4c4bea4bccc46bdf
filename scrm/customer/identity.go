package customer

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Platform is what kind of identity an [Identity] is. Besides these a service may name its own.
type Platform string

const (
	OpenID  Platform = "wechat.openid"  // user of an app; the namespace is the AppID
	UnionID Platform = "wechat.unionid" // user of all apps of an open-platform account, which is the namespace
	Phone   Platform = "phone"          // number in E.164; no namespace
	Mail    Platform = "mail"           // mail address; no namespace
)

// An Identity is somebody as a platform knows them.
type Identity struct {
	Platform  Platform `json:"platform"`            // what kind of identity
	Namespace string   `json:"namespace,omitempty"` // within which the ID is unique: an app, an account
	ID        string   `json:"id"`                  // compared byte by byte
}

// check refuses what can't be an identity.
func (i Identity) check(field string) error {
	err := cmp.Or(valid.ID(field+".platform", i.Platform), valid.OptionalID(field+".namespace", i.Namespace), valid.ID(field+".id", i.ID))
	if err != nil {
		return err
	}
	if (i.Platform == Phone || i.Platform == Mail) && i.Namespace != "" {
		return &errs.InputError{Field: field + ".namespace", Reason: "is given; phones and mail addresses have none"}
	}
	switch i.Platform {
	case Phone:
		if n := len(i.ID); n < 8 || n > 16 || i.ID[0] != '+' || i.ID[1] == '0' || strings.Trim(i.ID[1:], "0123456789") != "" {
			return &errs.InputError{Field: field + ".id", Reason: "is no number in E.164: '+', the country code and the number, in digits"}
		}
	case Mail:
		if name, host, ok := strings.Cut(i.ID, "@"); !ok || name == "" || host == "" || strings.ToLower(i.ID) != i.ID {
			return &errs.InputError{Field: field + ".id", Reason: "is no mail address in lower case"}
		}
	case OpenID, UnionID:
		if i.Namespace == "" {
			return &errs.InputError{Field: field + ".namespace", Reason: "is missing: an openid is of an app, a unionid of an open-platform account"}
		}
	}
	return nil
}

// beside reports whether a customer has at most one of the two.
func (i Identity) beside(o Identity) bool {
	return i.Platform == o.Platform && i.Namespace == o.Namespace
}

// A Linked is an identity of a customer.
type Linked struct {
	Identity
	Way  string    `json:"way,omitempty"` // how it was proven: "wechat", "quick", "realtime", "sms"
	Time time.Time `json:"time"`          // when it was proven, and linked
}

// MaxIdentities is how many identities a customer may have.
const MaxIdentities = 20

// Errors of identities.
var (
	ErrUnknown   = errs.New(errs.NotFound, "customer: there is no such customer")
	ErrTaken     = errs.New(errs.Conflict, "customer: the identity belongs to another customer; unlink it there first")
	ErrLinked    = errs.New(errs.Conflict, "customer: the customer has another identity of that kind; replace it")
	ErrNotLinked = errs.New(errs.NotFound, "customer: the customer has no such identity")
	ErrLast      = errs.New(errs.Conflict, "customer: the customer has no other identity to sign in with; link one first")
	ErrFull      = errs.New(errs.Exhausted, "customer: the customer has as many identities as one may have; unlink one first")
	ErrErased    = errs.New(errs.Conflict, "customer: the customer was erased")
)

// owned is an identity and the customer that it belongs to; "": to nobody.
type owned struct {
	Identity
	owner ids.Member
}

// who returns the customer that a sign-in with identities is of, the one that proves it first: its
// owner, or else that of the first other one that has an owner; "": a new customer.
func who(all []owned) ids.Member {
	for _, o := range all {
		if o.owner != "" {
			return o.owner
		}
	}
	return ""
}

// joined returns the identities of a customer after a sign-in: those that nobody has are linked,
// each in the place of the one of its platform and namespace, while there is room. clash reports
// whether one of them belongs to another customer; it stays there.
func joined(member ids.Member, has []Linked, all []owned, way string, now time.Time) (after []Linked, linked int, clash bool) {
	after = slices.Clone(has)
	for _, o := range all {
		clash = clash || o.owner != "" && o.owner != member
		if o.owner != "" {
			continue
		}
		after = slices.DeleteFunc(after, func(l Linked) bool { return l.beside(o.Identity) })
		if len(after) < MaxIdentities {
			after, linked = append(after, Linked{o.Identity, way, now}), linked+1
		}
	}
	return after, linked, clash
}

// link returns what a Link changes: the identity that it takes the place of, if there is one.
// Errors: ErrTaken, ErrLinked, ErrFull.
func link(has []Linked, o owned, member ids.Member, replace bool) (former *Identity, err error) {
	if o.owner != "" && o.owner != member {
		return nil, ErrTaken
	}
	i := slices.IndexFunc(has, func(l Linked) bool { return l.beside(o.Identity) && l.Identity != o.Identity })
	switch {
	case i >= 0 && !replace:
		return nil, ErrLinked
	case i >= 0:
		old := has[i].Identity
		return &old, nil
	case o.owner == "" && len(has) >= MaxIdentities:
		return nil, ErrFull
	}
	return nil, nil
}

// unlink reports why an identity can't be unlinked. Errors: ErrNotLinked, ErrLast.
func unlink(has []Linked, i Identity) error {
	switch {
	case !slices.ContainsFunc(has, func(l Linked) bool { return l.Identity == i }):
		return ErrNotLinked
	case len(has) == 1:
		return ErrLast
	}
	return nil
}
