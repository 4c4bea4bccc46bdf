// Package tenant keeps in memory what an engine has read of many tenants.
package tenant

import lru "github.com/hashicorp/golang-lru/v2"

// A Key names something of one tenant, which is never another's of the same ID.
type Key[ID comparable] struct {
	Tenant string
	ID     ID
}

// A Cache has rows of all tenants, within one bound: those that were used last. It is safe for
// concurrent use.
type Cache[ID comparable, V any] struct{ rows *lru.Cache[Key[ID], V] }

// NewCache returns a cache of at most that many rows.
func NewCache[ID comparable, V any](size int) Cache[ID, V] {
	rows, _ := lru.New[Key[ID], V](size)
	return Cache[ID, V]{rows}
}

// Get returns a row, and whether the cache has it.
func (c Cache[ID, V]) Get(tenant string, id ID) (V, bool) { return c.rows.Get(Key[ID]{tenant, id}) }

// Add keeps a row.
func (c Cache[ID, V]) Add(tenant string, id ID, row V) { c.rows.Add(Key[ID]{tenant, id}, row) }

// Saved keeps a row that was stored, and forgets one of which that is not known.
func (c Cache[ID, V]) Saved(tenant string, id ID, row V, stored bool) {
	if stored {
		c.Add(tenant, id, row)
	} else {
		c.Remove(tenant, id)
	}
}

// Remove forgets a row.
func (c Cache[ID, V]) Remove(tenant string, id ID) { c.rows.Remove(Key[ID]{tenant, id}) }

// Len returns how many rows the cache has.
func (c Cache[ID, V]) Len() int { return c.rows.Len() }
