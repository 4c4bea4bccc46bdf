package bunstore

import (
	"bytes"
	"context"
	"database/sql"
	"iter"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type shopStore struct{ unit }

// Save implements [shop.Store].
func (s shopStore) Save(ctx context.Context, c shop.Change) error {
	one := change{entries: entryRows(c.Entries)}
	for _, r := range c.Shops {
		one.roots = append(one.roots, row{shopTable, []any{
			string(r.ID), r.Version + 1, r.Name, r.Address, r.Zone, r.From, r.To, int64(r.Slots),
		}})
	}
	for _, r := range c.Managers {
		one.roots = append(one.roots, row{managerTable, []any{
			string(r.Identity), r.Version + 1, string(r.Shop), int64(r.Slot), r.Name, r.Bound,
		}})
	}
	for _, r := range c.Stamps {
		var unsigned int64
		if r.Unsigned {
			unsigned = 1
		}
		one.roots = append(one.roots, row{physicalTable, []any{
			string(r.Serial), r.Version + 1, string(r.Shop), r.Bound, string(r.Of), r.Ref, unsigned,
		}})
	}
	for _, r := range c.Invitations {
		one.roots = append(one.roots, row{invitationTable, []any{
			r.Hash, r.Version + 1, string(r.Shop), r.By, r.Expires, r.Ended, string(r.UsedBy),
		}})
	}
	errs, err := s.save(ctx, "save shops", []change{one})
	if err != nil {
		return err
	}
	return errs[0]
}

var shopLookup = []column{
	{"shop", text}, {"identity", text}, {"serial", text}, {"invitation", binary}, {"entry", text}, {"key", text},
}

const (
	shopColumns = "s.name, s.address, s.zone, micros(s.begins), micros(s.ends), s.slots, s.version"

	managerColumns    = "m.identity, m.shop, m.slot, m.name, micros(m.bound), m.version"
	physicalColumns   = "p.serial, p.shop, micros(p.bound), p.named, p.ref, p.unsigned, p.version"
	invitationColumns = "hexed(i.hash), i.shop, i.actor, micros(i.expires), micros(i.ended), i.used_by, i.version"
)

func shopFields(s *shop.Shop) []any {
	return []any{
		textField(&s.Name), textField(&s.Address), textField(&s.Zone), timeField(&s.From), timeField(&s.To),
		intField(&s.Slots), intField(&s.Version),
	}
}

func managerFields(m *shop.Manager) []any {
	return []any{
		textField(&m.Identity), textField(&m.Shop), intField(&m.Slot), textField(&m.Name), timeField(&m.Bound),
		intField(&m.Version),
	}
}

func physicalFields(p *shop.Stamp) []any {
	unsigned := field(func(src any) error {
		var n int64
		err := intField(&n)(src)
		p.Unsigned = n != 0
		return err
	})
	return []any{
		textField(&p.Serial), textField(&p.Shop), timeField(&p.Bound), textField(&p.Of), textField(&p.Ref), unsigned, intField(&p.Version),
	}
}

func invitationFields(i *shop.Invitation) []any {
	return []any{
		binaryField(&i.Hash), textField(&i.Shop), textField(&i.By), timeField(&i.Expires), timeField(&i.Ended), textField(&i.UsedBy),
		intField(&i.Version),
	}
}

// Load implements [shop.Store].
func (s shopStore) Load(ctx context.Context, l shop.Lookup) (st shop.State, err error) {
	if err := s.check(ctx); err != nil {
		return st, err
	}
	lookups := [][]any{{string(l.Shop), string(l.Identity), string(l.Serial), l.Invitation, l.Entry, l.Key}}
	err = s.look(ctx, "shop", shopLookup, lookups, func(l lookup) string {
		return "select " + shopColumns + ", " + managerColumns + ", " + physicalColumns +
			", " + invitationColumns + ", " + entryColumns + " from " + l.source() +
			l.find("shop_shop", "s", "s.shop = l.shop") +
			l.find("shop_manager", "m", "m.identity = l.identity") +
			l.find("shop_stamp", "p", "p.serial = l.serial") +
			l.find("shop_invitation", "i", "i.hash = l.invitation") +
			l.entry()
	}, func(rows *sql.Rows, _ int) error {
		fields := append(shopFields(&st.Shop), managerFields(&st.Manager)...)
		fields = append(fields, physicalFields(&st.Stamp)...)
		fields = append(fields, invitationFields(&st.Invitation)...)
		var entry journal.Entry
		if err := rows.Scan(append(fields, entryFields(&entry)...)...); err != nil {
			return err
		}
		st.Record = found(entry)
		return nil
	})
	if err == nil && l.Shop != "" && l.Staff {
		err = s.loadStaff(ctx, l.Shop, &st)
	}
	if err == nil && len(l.Aliases) > 0 {
		err = s.loadAliases(ctx, l.Aliases, &st)
	}
	if err == nil && l.Shop != "" && l.Invited {
		err = s.loadInvited(ctx, l.Shop, &st)
	}
	if err != nil {
		return shop.State{}, s.fail("load a shop", err)
	}
	st.Shop.ID, st.Manager.Identity, st.Stamp.Serial = l.Shop, l.Identity, l.Serial
	st.Invitation.Hash = bytes.Clone(l.Invitation)
	return st, nil
}

// Pairs implements [shop.Store].
func (s shopStore) Pairs(ctx context.Context, pairs []shop.Pair) ([]shop.State, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	states, lookups := make([]shop.State, len(pairs)), make([][]any, len(pairs))
	for i, p := range pairs {
		lookups[i] = []any{string(p.Shop), string(p.Identity)}
	}
	err := s.look(ctx, "pairs", []column{{"shop", text}, {"identity", text}}, lookups, func(l lookup) string {
		return "select l.ord, " + shopColumns + ", " + managerColumns + " from " + l.source() +
			l.find("shop_shop", "s", "s.shop = l.shop") + l.find("shop_manager", "m", "m.identity = l.identity")
	}, func(rows *sql.Rows, first int) error {
		var ord int
		var st shop.State
		fields := append([]any{&ord}, shopFields(&st.Shop)...)
		if err := rows.Scan(append(fields, managerFields(&st.Manager)...)...); err != nil {
			return err
		}
		states[first+ord-1] = st
		return nil
	})
	if err != nil {
		return nil, s.fail("load shops and managers", err)
	}
	for i, p := range pairs {
		states[i].Shop.ID, states[i].Manager.Identity = p.Shop, p.Identity
	}
	return states, nil
}

// loadStaff reads who manages the shop and what stamps it has.
func (s shopStore) loadStaff(ctx context.Context, id shop.ID, st *shop.State) error {
	of, lookups := []column{{"shop", text}}, [][]any{{string(id)}}
	err := s.look(ctx, "managers", of, lookups, func(l lookup) string {
		return "select " + managerColumns + " from " + l.source() +
			l.listed("shop_manager", "m", "m.shop = l.shop and m.shop <> ''") + " order by m.slot"
	}, func(rows *sql.Rows, _ int) error {
		var m shop.Manager
		err := rows.Scan(managerFields(&m)...)
		st.Managers = append(st.Managers, m)
		return err
	})
	if err != nil {
		return err
	}
	return s.look(ctx, "physical", of, lookups, func(l lookup) string {
		return "select " + physicalColumns + " from " + l.source() +
			l.listed("shop_stamp", "p", "p.shop = l.shop and p.shop <> ''") + " order by p.serial"
	}, func(rows *sql.Rows, _ int) error {
		var p shop.Stamp
		err := rows.Scan(physicalFields(&p)...)
		st.Stamps = append(st.Stamps, p)
		return err
	})
}

// loadAliases reads the physical stamps of those names.
func (s shopStore) loadAliases(ctx context.Context, aliases []shop.Serial, st *shop.State) error {
	lookups := make([][]any, len(aliases))
	st.Aliases = make([]shop.Stamp, len(aliases))
	for i, a := range aliases {
		lookups[i] = []any{string(a)}
		st.Aliases[i].Serial = a
	}
	return s.look(ctx, "aliases", []column{{"serial", text}}, lookups, func(l lookup) string {
		return "select l.ord, " + physicalColumns + " from " + l.source() + l.all("shop_stamp", "p", "p.serial = l.serial")
	}, func(rows *sql.Rows, first int) error {
		var ord int
		var p shop.Stamp
		if err := rows.Scan(append([]any{&ord}, physicalFields(&p)...)...); err != nil {
			return err
		}
		st.Aliases[first+ord-1] = p
		return nil
	})
}

// loadInvited reads the invitations of the shop that have not ended.
func (s shopStore) loadInvited(ctx context.Context, id shop.ID, st *shop.State) error {
	return s.look(ctx, "invited", []column{{"shop", text}}, [][]any{{string(id)}}, func(l lookup) string {
		return "select " + invitationColumns + " from " + l.source() +
			l.listed("shop_invitation", "i", "i.shop = l.shop and i.ended is null") + " order by i.expires, i.hash"
	}, func(rows *sql.Rows, _ int) error {
		var i shop.Invitation
		err := rows.Scan(invitationFields(&i)...)
		st.Invitations = append(st.Invitations, i)
		return err
	})
}

// List implements [shop.Store].
func (s shopStore) List(ctx context.Context) iter.Seq2[shop.Shop, error] {
	return paged(ctx, s.unit, "list shops", 0, func(q *bun.SelectQuery, last *shop.Shop) *bun.SelectQuery {
		q = q.TableExpr(s.name("shop_shop")+" AS s").ColumnExpr(s.readable("s.shop, "+shopColumns)).
			Where("s.tenant = ?", s.tenant).OrderExpr("s.shop")
		if last != nil {
			q = q.Where("s.shop > ?", string(last.ID))
		}
		return q
	}, func(rows *sql.Rows) (sh shop.Shop, err error) {
		err = rows.Scan(append([]any{textField(&sh.ID)}, shopFields(&sh)...)...)
		return sh, err
	})
}
