package ticket

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Site is a website that pushes orders and leads.
type Site struct {
	ID       SiteID   `json:"id"`                // unique in the tenant
	Version  int64    `json:"version"`           // number of the change that made it so
	Seq      int64    `json:"seq"`               // entries of the journal
	Settings Settings `json:"settings"`          // how its pushes are read
	Secrets  []Secret `json:"secrets,omitempty"` // at most two, the older one first
}

// Settings are how the pushes of a site are read.
type Settings struct {
	Name      string            `json:"name,omitempty"`    // shown to people
	Scheme    Scheme            `json:"scheme"`            // how pushes are signed
	Signing   *Signing          `json:"signing,omitempty"` // of the scheme custom
	Templates TemplatesID       `json:"templates"`         // templates that decide on its pushes
	Map       map[string]string `json:"map,omitempty"`     // fields, by their JSON names, and where the body has them: "customer.first_name + customer.last_name"
	Values    Values            `json:"values,omitempty"`  // what the texts of fields become
	Order     Ordering          `json:"order,omitzero"`    // which pushes are of one order; zero: each is a ticket of its own
	Defaults  Fields            `json:"defaults,omitzero"` // of what neither the push nor its rule has
	Closed    bool              `json:"closed,omitempty"`  // it takes no push
}

// A Secret is what a site signs with.
type Secret struct {
	ID     string    `json:"id"`               // names the secret
	Added  time.Time `json:"added"`            // when it was added
	KeyID  string    `json:"keyID,omitempty"`  // that Sealed is under; what an engine gives has neither
	Sealed []byte    `json:"sealed,omitempty"` // the secret, encrypted
}

// A PutSite makes a site, or gives it other settings.
type PutSite struct {
	Site     SiteID   `json:"site"`         // site to make or to change
	Settings Settings `json:"settings"`     // the settings that it is to have
	By       string   `json:"by,omitempty"` // who did it, for the journal
	Key      string   `json:"-"`            // idempotency key; required
}

// An AddSecret gives a site one more secret, for the time until the other one is retired.
type AddSecret struct {
	Site   SiteID `json:"site"`         // site that signs with it
	Secret string `json:"-"`            // that the site has chosen; "": one is made, of the site's scheme
	By     string `json:"by,omitempty"` // who did it, for the journal
	Key    string `json:"-"`            // idempotency key; required
}

// An Issued secret is shown this once; it is empty where the command is repeated.
type Issued struct {
	ID     string `json:"id"` // to retire it by
	Secret string `json:"-"`  // what the site signs with
}

// A RetireSecret ends a secret at once.
type RetireSecret struct {
	Site SiteID `json:"site"`         // site that signed with it
	ID   string `json:"id"`           // Secret.ID
	By   string `json:"by,omitempty"` // who did it, for the journal
	Key  string `json:"-"`            // idempotency key; required
}

const maxSecrets = 2

func (c PutSite) check() error {
	s := c.Settings
	err := cmp.Or(c.Site.check(), valid.Text("settings.name", s.Name), valid.ID("settings.templates", s.Templates),
		s.Defaults.check("settings.defaults."), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
	if err == nil {
		err = s.checkScheme()
	}
	for _, name := range slices.Sorted(maps.Keys(s.Map)) {
		_, bad := fieldSource("settings.", name, s.Map[name])
		err = cmp.Or(err, bad)
	}
	return cmp.Or(err, s.Values.check("settings."), s.Order.check())
}

func (c AddSecret) check() error {
	return cmp.Or(c.Site.check(), valid.Text("secret", c.Secret), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c RetireSecret) check() error {
	return cmp.Or(c.Site.check(), valid.ID("id", c.ID), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (f Fields) check(path string) error {
	return cmp.Or(valid.Text(path+"name", f.Name), valid.Text(path+"phone", f.Phone), valid.Text(path+"country", f.Country),
		valid.Text(path+"platform", f.Platform), valid.Text(path+"language", f.Language), valid.Text(path+"gender", f.Gender), valid.Text(path+"status", f.Status),
		valid.Text(path+"order", f.Order), valid.Text(path+"remark", f.Remark))
}

// public returns the site as it is given out.
func (s Site) public() Site {
	s.Secrets = slices.Clone(s.Secrets)
	for i := range s.Secrets {
		s.Secrets[i].KeyID, s.Secrets[i].Sealed = "", nil
	}
	return s
}

// Put decides on a PutSite, of a site with these secrets. ErrScheme: one of them is not of the
// scheme.
func (s Site) Put(next Settings, secrets []string) (Site, error) {
	for _, secret := range secrets {
		if _, err := next.signing().key(secret); err != nil {
			return s, ErrScheme
		}
	}
	s.Settings = next
	return s, nil
}

// AddSecret decides on an AddSecret. Errors: ErrUnknownSite, ErrSecrets.
func (s Site) AddSecret(k Secret) (Site, error) {
	switch {
	case s.Version == 0:
		return s, ErrUnknownSite
	case len(s.Secrets) >= maxSecrets:
		return s, ErrSecrets
	}
	s.Secrets = append(slices.Clone(s.Secrets), k)
	return s, nil
}

// RetireSecret decides on a RetireSecret. Errors: ErrUnknownSite, ErrUnknownSecret.
func (s Site) RetireSecret(id string) (Site, error) {
	if s.Version == 0 {
		return s, ErrUnknownSite
	}
	left := slices.DeleteFunc(slices.Clone(s.Secrets), func(k Secret) bool { return k.ID == id })
	if len(left) == len(s.Secrets) {
		return s, ErrUnknownSecret
	}
	s.Secrets = left
	return s, nil
}

// context is what a secret is sealed for.
func (id SiteID) context(secret string) string { return fmt.Sprintf("%q %q", string(id), secret) }
