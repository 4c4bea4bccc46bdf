package customer

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A lookup names what a command needs. Fields may be empty, and nothing is loaded for them then.
type lookup struct {
	member     ids.Member
	key        string // with member: of the journal's entry
	identities []Identity
}

// A unit is what was loaded, and becomes what is to be stored.
type unit struct {
	customer Customer // with the Version that was loaded
	words    []Consent
	former   *Identity // for the outcome

	record record
	places []place // of the customer, as they are stored
	owned  []owned // lookup.identities, with their owners
	entry  *journal.Entry
	before json.RawMessage // the state, for the journal
}

// maxPlaces is how many places of a customer are read: more than its identities have under twenty
// keys.
const maxPlaces = 20 * MaxIdentities

// load returns what a lookup names, of one moment.
func (e *Engine) load(ctx context.Context, l lookup) (*unit, error) {
	units, err := e.loadAll(ctx, []lookup{l})
	if err != nil {
		return nil, err
	}
	return units[0], nil
}

// loadAll returns what each of the lookups names, of one moment.
func (e *Engine) loadAll(ctx context.Context, lookups []lookup) ([]*unit, error) {
	units, looks, found := make([]*unit, len(lookups)), make([]storage.Look, len(lookups)), make([][][]place, len(lookups))
	for k, l := range lookups {
		u, look := &unit{record: record{Member: l.member}}, &looks[k]
		units[k] = u
		if l.member != "" {
			look.Subject, look.Key = journal.Subject("customer", string(l.member)), l.key
			look.Reads = append(look.Reads, customers.Get(&u.record),
				identitiesOf.All(&u.places, storage.Range{Prefix: []any{l.member}, Limit: maxPlaces}))
		}
		found[k] = make([][]place, len(l.identities))
		for i, identity := range l.identities {
			found[k][i] = make([]place, len(e.ring))
			for n, hash := range e.ring.places(e.frame.Tenant(), identity) {
				found[k][i][n].Hash = hash
				look.Reads = append(look.Reads, identities.Get(&found[k][i][n]))
			}
		}
	}
	if err := e.frame.Store.Load(ctx, looks); err != nil {
		return nil, err
	}
	for k, u := range units {
		u.entry = looks[k].Entry
		for i, places := range found[k] {
			o := owned{Identity: lookups[k].identities[i]}
			for _, p := range places {
				if p.Member != "" {
					o.owner = p.Member
				}
			}
			u.owned = append(u.owned, o)
		}
		if u.record.Version == 0 {
			continue
		}
		u.before = journal.JSON(u.record.State)
		if err := e.open(u); err != nil {
			return nil, err
		}
	}
	return units, nil
}

// open makes the customer of its rows.
func (e *Engine) open(u *unit) error {
	r := u.record
	u.customer = Customer{
		ID: r.Member, Created: r.State.Created, Preferences: r.State.Preferences, Consents: r.State.Consents,
		EraseBy: r.EraseBy, Erased: r.State.Erased, Version: r.Version,
	}
	if err := e.ring.open(r.KeyID, r.Sealed, e.sealedIn("profile", r.Member, ""), &u.customer.Profile); err != nil {
		return err
	}
	for _, p := range u.places {
		if !e.ring.has(p.KeyID) {
			continue
		}
		var id string
		if err := e.ring.open(p.KeyID, p.Sealed, e.sealedIn("identity", r.Member, string(p.Hash)), &id); err != nil {
			return err
		}
		l := Linked{Identity{p.Platform, p.Namespace, id}, p.Way, p.Time}
		if !slices.Contains(u.customer.Identities, l) {
			u.customer.Identities = append(u.customer.Identities, l)
		}
	}
	slices.SortStableFunc(u.customer.Identities, func(a, b Linked) int { return a.Time.Compare(b.Time) })
	return nil
}

// save stores the customer of a unit, its words and what the journal tells of it.
func (e *Engine) save(ctx context.Context, u *unit, entries ...journal.Entry) error {
	failed, err := e.frame.Store.Save(ctx, []storage.Change{e.change(u, entries...)})
	if err != nil {
		return err
	}
	return failed[0]
}

// change returns what stores the customer of a unit, its words and what the journal tells of it.
func (e *Engine) change(u *unit, entries ...journal.Entry) storage.Change {
	c := &u.customer
	c.Version++
	r := record{Member: c.ID, Version: c.Version, EraseBy: c.EraseBy, KeyID: e.ring[0].id}
	r.State = state{Created: c.Created, Preferences: c.Preferences, Consents: c.Consents, Erased: c.Erased}
	r.Sealed = e.ring[0].seal(journal.JSON(c.Profile), e.sealedIn("profile", c.ID, ""))
	change := storage.Change{Rows: append([]storage.Row{customers.Save(&r)}, e.placing(u)...), Entries: entries}
	for _, w := range u.words {
		change.Rows = append(change.Rows, consents.Insert(&word{c.ID, c.Version, w}))
	}
	return change
}

// placing returns what gives each identity of the customer a place under each key, and takes the
// others away. One that another customer has is in the way of the insert.
func (e *Engine) placing(u *unit) (rows []storage.Row) {
	stored := map[string]place{}
	for _, p := range u.places {
		stored[string(p.Hash)] = p
	}
	for _, l := range u.customer.Identities {
		for _, k := range e.ring {
			p := place{
				Hash: k.place(e.frame.Tenant(), l.Identity), Member: u.customer.ID, Platform: l.Platform, Namespace: l.Namespace,
				KeyID: k.id, Way: l.Way, Time: l.Time,
			}
			p.Sealed = k.seal(journal.JSON(l.ID), e.sealedIn("identity", p.Member, string(p.Hash)))
			switch before, ok := stored[string(p.Hash)]; {
			case !ok:
				rows = append(rows, identities.Insert(&p))
			case before.Way != p.Way || !before.Time.Equal(p.Time):
				rows = append(rows, identities.Put(&p))
			}
			delete(stored, string(p.Hash))
		}
	}
	for _, p := range u.places {
		_, over := stored[string(p.Hash)]
		if over && (e.ring.has(p.KeyID) || len(u.customer.Identities) == 0) {
			rows = append(rows, identities.Drop(&p))
		}
	}
	return rows
}
