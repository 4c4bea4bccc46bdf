package customer

import (
	"embed"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/storage"
)

// Tables are those of the package.
var Tables = storage.Schema{
	Name: "customer", Tables: []storage.Declared{customers, identities, consents, fieldVersions}, Kinds: entryKinds, Files: migrations,
}

//go:embed migrations
var migrations embed.FS

// A record is a customer as it is stored.
type record struct {
	Member  ids.Member
	Version int64
	EraseBy time.Time
	KeyID   string // of the key that sealed
	Sealed  []byte // the profile
	State   state
}

// A state is what is stored of a customer in clear.
type state struct {
	Created     time.Time   `json:"created"`
	Preferences Preferences `json:"preferences,omitzero"`
	Consents    []Consent   `json:"consents,omitempty"`
	Erased      time.Time   `json:"erased,omitzero"`
}

// A place is where an identity is found by a key: it has one under each.
type place struct {
	Hash      []byte // keeper.place
	Member    ids.Member
	Platform  Platform
	Namespace string
	KeyID     string // of the key that sealed and hashed
	Sealed    []byte // the Identity.ID
	Way       string
	Time      time.Time
}

// A word is a consent as it came.
type word struct {
	Member  ids.Member
	N       int64 // version of the customer that it made
	Consent Consent
}

// fieldsID is the name of the custom fields, of which a tenant has one definition.
type fieldsID string

const theFields fieldsID = "profile"

var (
	customers = storage.NewTable("customer_customer", func(c *storage.Columns, r *record) {
		storage.Text(c, "member", &r.Member)
		c.Key()
		c.Version(&r.Version)
		storage.Time(c, "erase_by", &r.EraseBy)
		storage.Text(c, "key_id", &r.KeyID)
		storage.Bytes(c, "sealed", &r.Sealed)
		c.State("state", 1, &r.State)
	}).Fill(80)
	identities = storage.NewTable("customer_identity", func(c *storage.Columns, p *place) {
		storage.Bytes(c, "hash", &p.Hash)
		c.Key()
		storage.Text(c, "member", &p.Member)
		storage.Text(c, "platform", &p.Platform)
		storage.Text(c, "namespace", &p.Namespace)
		storage.Text(c, "key_id", &p.KeyID)
		storage.Bytes(c, "sealed", &p.Sealed)
		storage.Text(c, "way", &p.Way)
		storage.Time(c, "at", &p.Time)
	})
	consents = storage.NewTable("customer_consent", func(c *storage.Columns, w *word) {
		storage.Text(c, "member", &w.Member)
		storage.Int(c, "n", &w.N)
		c.Key()
		c.State("consent", 1, &w.Consent)
	}).Of(customers)
	fieldVersions = published.NewVersions[fieldsID, Fields]("customer_fields")

	toErase        = customers.Index("due", "erase_by").Only("erase_by")
	customersByKey = customers.Index("key", "key_id")
	identitiesOf   = identities.Index("member", "member")
	identitiesIn   = identities.Index("namespace", "platform", "namespace")
	consentsOf     = consents.Primary()
)
