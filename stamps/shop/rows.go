package shop

import (
	"context"
	"embed"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Manager is an identity and the shop that it manages.
type Manager struct {
	Identity Identity  `json:"identity"`       // as the embedder's sign-in knows it
	Shop     ids.Shop  `json:"shop,omitempty"` // "": none
	Slot     int       `json:"slot,omitempty"` // 1 to Shop.Slots; no two managers of a shop have the same
	Name     string    `json:"name,omitempty"` // shown to people
	Bound    time.Time `json:"bound,omitzero"` // since when
	Version  int64     `json:"-"`              // number of the change that made it so
}

// A Stamp is a name of a physical stamp (印章), and the shop that it belongs to.
type Stamp struct {
	Serial   Serial    `json:"serial"`             // in its canonical form
	Of       Serial    `json:"of,omitempty"`       // the stamp that this is another name of; "": its own
	Shop     ids.Shop  `json:"shop,omitempty"`     // "": none
	Bound    time.Time `json:"bound,omitzero"`     // since when
	Ref      string    `json:"ref,omitempty"`      // names the stamp in records that a customer sees
	Unsigned bool      `json:"unsigned,omitempty"` // presses without a token count
	Version  int64     `json:"-"`                  // number of the change that made it so
}

// An Invitation as it is stored: by a hash of its tenant and its token.
type Invitation struct {
	Hash    []byte    // of its tenant and its token
	Shop    ids.Shop  // shop to manage
	By      string    // who invited
	Expires time.Time // end of the time in which it may be used
	Ended   time.Time // used or withdrawn; zero: not yet
	UsedBy  Identity  // "": withdrawn
	Version int64     // number of the change that made it so
}

// Tables are those of the package.
var Tables = storage.Schema{Name: "shop", Tables: []storage.Declared{shops, managers, stamps, invitations}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

var (
	shops = storage.NewTable("shop_shop", func(c *storage.Columns, s *Shop) {
		storage.Text(c, "shop", &s.ID)
		c.Key()
		c.Version(&s.Version)
		storage.Text(c, "name", &s.Name)
		storage.Text(c, "address", &s.Address)
		storage.Text(c, "zone", &s.Zone)
		storage.Time(c, "begins", &s.From)
		storage.Time(c, "ends", &s.To)
		storage.Int(c, "slots", &s.Slots)
	})
	managers = storage.NewTable("shop_manager", func(c *storage.Columns, m *Manager) {
		storage.Text(c, "identity", &m.Identity)
		c.Key()
		c.Version(&m.Version)
		storage.Text(c, "shop", &m.Shop)
		storage.Int(c, "slot", &m.Slot)
		storage.Text(c, "name", &m.Name)
		storage.Time(c, "bound", &m.Bound)
	})
	stamps = storage.NewTable("shop_stamp", func(c *storage.Columns, s *Stamp) {
		storage.Text(c, "serial", &s.Serial)
		c.Key()
		c.Version(&s.Version)
		storage.Text(c, "shop", &s.Shop)
		storage.Time(c, "bound", &s.Bound)
		storage.Text(c, "named", &s.Of)
		storage.Text(c, "ref", &s.Ref)
		storage.Bool(c, "unsigned", &s.Unsigned)
	})
	invitations = storage.NewTable("shop_invitation", func(c *storage.Columns, i *Invitation) {
		storage.Bytes(c, "hash", &i.Hash)
		c.Key()
		c.Version(&i.Version)
		storage.Text(c, "shop", &i.Shop)
		storage.Text(c, "actor", &i.By)
		storage.Time(c, "expires", &i.Expires)
		storage.Time(c, "ended", &i.Ended)
		storage.Text(c, "used_by", &i.UsedBy)
	})

	shopsByID       = shops.Primary()
	_               = managers.Unique("slot", "shop", "slot").Only("shop")
	managersOf      = managers.Index("shop", "shop", "slot").Only("shop")
	stampsOf        = stamps.Index("shop", "shop").Only("shop")
	openInvitations = invitations.Index("open", "shop", "expires").Only("ended", time.Time{})
)

// A lookup names rows. Fields may be empty, and nothing is loaded for them then.
type lookup struct {
	shop       ids.Shop
	staff      bool     // with shop: its managers and physical stamps
	identity   Identity // the manager
	serial     Serial   // the physical stamp
	aliases    []Serial // more of them
	invitation []byte   // by its hash
	invited    bool     // with shop: its invitations that have not ended, those past their end among them
	subject    string   // with key: of the journal's entry
	key        string
}

// A state is what a lookup found. What does not exist has version 0.
type state struct {
	shop        Shop
	managers    []Manager // in the order of their slots
	stamps      []Stamp   // in the order of their serials
	manager     Manager
	stamp       Stamp
	aliases     []Stamp // in the order of lookup.aliases
	invitation  Invitation
	invitations []Invitation // by Expires and then by Hash
	entry       *journal.Entry
}

func load(ctx context.Context, s storage.Store, l lookup) (st state, err error) {
	look := storage.Look{Subject: l.subject, Key: l.key}
	if st.shop.ID = l.shop; l.shop != "" {
		look.Reads = append(look.Reads, shops.Get(&st.shop))
	}
	if st.manager.Identity = l.identity; l.identity != "" {
		look.Reads = append(look.Reads, managers.Get(&st.manager))
	}
	if st.stamp.Serial = l.serial; l.serial != "" {
		look.Reads = append(look.Reads, stamps.Get(&st.stamp))
	}
	if st.invitation.Hash = slices.Clone(l.invitation); l.invitation != nil {
		look.Reads = append(look.Reads, invitations.Get(&st.invitation))
	}
	st.aliases = make([]Stamp, len(l.aliases))
	for i, name := range l.aliases {
		st.aliases[i].Serial = name
		look.Reads = append(look.Reads, stamps.Get(&st.aliases[i]))
	}
	looks := []storage.Look{look}
	if err := s.Load(ctx, looks); err != nil {
		return state{}, err
	}
	st.entry = looks[0].Entry
	of := storage.Range{Prefix: []any{l.shop}}
	if l.staff {
		if st.managers, err = storage.Collect(storage.List(ctx, s, managersOf, of)); err == nil {
			st.stamps, err = storage.Collect(storage.List(ctx, s, stampsOf, of))
		}
	}
	if l.invited && err == nil {
		st.invitations, err = storage.Collect(storage.List(ctx, s, openInvitations, of))
	}
	return st, err
}

// An update has rows as they are to be stored, each still with the version that was loaded.
type update struct {
	shops       []Shop
	managers    []Manager
	stamps      []Stamp
	invitations []Invitation
	entry       journal.Entry
}

func (c update) save(ctx context.Context, s storage.Store) error {
	stored := storage.Change{Entries: []journal.Entry{c.entry}}
	for _, r := range c.shops {
		r.Version++
		stored.Rows = append(stored.Rows, shops.Save(&r))
	}
	for _, r := range c.managers {
		r.Version++
		stored.Rows = append(stored.Rows, managers.Save(&r))
	}
	for _, r := range c.stamps {
		r.Version++
		stored.Rows = append(stored.Rows, stamps.Save(&r))
	}
	for _, r := range c.invitations {
		r.Version++
		stored.Rows = append(stored.Rows, invitations.Save(&r))
	}
	errs, err := s.Save(ctx, []storage.Change{stored})
	if err != nil {
		return err
	}
	return errs[0]
}
