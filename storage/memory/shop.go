package memory

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type shopStore struct{ unit }

// Load implements [shop.Store].
func (s shopStore) Load(ctx context.Context, l shop.Lookup) (st shop.State, err error) {
	err = s.do(ctx, func(t *tables) error {
		st.Shop = t.shops[l.Shop]
		st.Shop.ID = l.Shop
		if l.Shop != "" && l.Staff {
			for _, m := range t.managers {
				if m.Shop == l.Shop {
					st.Managers = append(st.Managers, m)
				}
			}
			for _, p := range t.physical {
				if p.Shop == l.Shop {
					st.Stamps = append(st.Stamps, p)
				}
			}
		}
		slices.SortFunc(st.Managers, func(a, b shop.Manager) int { return cmp.Compare(a.Slot, b.Slot) })
		slices.SortFunc(st.Stamps, func(a, b shop.Stamp) int { return cmp.Compare(a.Serial, b.Serial) })
		st.Manager = t.managers[l.Identity]
		st.Manager.Identity = l.Identity
		st.Stamp = t.physical[l.Serial]
		st.Stamp.Serial = l.Serial
		for _, a := range l.Aliases {
			p := t.physical[a]
			p.Serial = a
			st.Aliases = append(st.Aliases, p)
		}
		if l.Shop != "" && l.Invited {
			for _, i := range t.invitations {
				if i.Shop == l.Shop && i.Ended.IsZero() {
					i.Hash = bytes.Clone(i.Hash)
					st.Invitations = append(st.Invitations, i)
				}
			}
			slices.SortFunc(st.Invitations, func(a, b shop.Invitation) int {
				return cmp.Or(a.Expires.Compare(b.Expires), bytes.Compare(a.Hash, b.Hash))
			})
		}
		st.Invitation = t.invitations[string(l.Invitation)]
		st.Invitation.Hash = bytes.Clone(l.Invitation)
		if l.Key != "" {
			st.Record = t.entry(l.Entry, l.Key)
		}
		return nil
	})
	return st, err
}

// Pairs implements [shop.Store].
func (s shopStore) Pairs(ctx context.Context, pairs []shop.Pair) (states []shop.State, err error) {
	err = s.do(ctx, func(t *tables) error {
		states = make([]shop.State, len(pairs))
		for i, p := range pairs {
			st := shop.State{Shop: t.shops[p.Shop], Manager: t.managers[p.Identity]}
			st.Shop.ID, st.Manager.Identity = p.Shop, p.Identity
			states[i] = st
		}
		return nil
	})
	return states, err
}

// Save implements [shop.Store].
func (s shopStore) Save(ctx context.Context, c shop.Change) error {
	return s.do(ctx, func(t *tables) error {
		switch {
		case t.used(c.Entries):
			return journal.ErrDuplicate
		case !t.unchanged(c) || !t.slotsFree(c.Managers):
			return journal.ErrConflict
		}
		for _, sh := range c.Shops {
			sh.Version++
			sh.From, sh.To = journal.Instant(sh.From), journal.Instant(sh.To)
			put(t, t.shops, sh.ID, sh)
		}
		for _, m := range c.Managers {
			m.Version++
			m.Bound = journal.Instant(m.Bound)
			put(t, t.managers, m.Identity, m)
		}
		for _, p := range c.Stamps {
			p.Version++
			p.Bound = journal.Instant(p.Bound)
			put(t, t.physical, p.Serial, p)
		}
		for _, inv := range c.Invitations {
			inv.Version++
			inv.Hash = bytes.Clone(inv.Hash)
			inv.Expires, inv.Ended = journal.Instant(inv.Expires), journal.Instant(inv.Ended)
			put(t, t.invitations, string(inv.Hash), inv)
		}
		t.record(c.Entries)
		return nil
	})
}

// unchanged reports whether every row has the version that is stored.
func (t *tables) unchanged(c shop.Change) bool {
	return !slices.ContainsFunc(c.Shops, func(r shop.Shop) bool { return t.shops[r.ID].Version != r.Version }) &&
		!slices.ContainsFunc(c.Managers, func(r shop.Manager) bool { return t.managers[r.Identity].Version != r.Version }) &&
		!slices.ContainsFunc(c.Stamps, func(r shop.Stamp) bool { return t.physical[r.Serial].Version != r.Version }) &&
		!slices.ContainsFunc(c.Invitations, func(r shop.Invitation) bool { return t.invitations[string(r.Hash)].Version != r.Version })
}

// slotsFree reports whether no two managers would have the same slot once the changed ones are
// stored, so that one change may free a slot and fill it.
func (t *tables) slotsFree(changed []shop.Manager) bool {
	type slot struct {
		shop shop.ID
		n    int
	}
	if len(changed) == 0 {
		return true
	}
	after := maps.Clone(t.managers)
	for _, m := range changed {
		after[m.Identity] = m
	}
	taken := map[slot]bool{}
	for _, m := range after {
		at := slot{m.Shop, m.Slot}
		if m.Shop != "" && taken[at] {
			return false
		}
		taken[at] = true
	}
	return true
}

// List implements [shop.Store].
func (s shopStore) List(ctx context.Context) iter.Seq2[shop.Shop, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]shop.Shop, error) {
		return slices.SortedFunc(maps.Values(t.shops), func(a, b shop.Shop) int { return cmp.Compare(a.ID, b.ID) }), nil
	})
}
