// Package tenant keeps in memory what an engine has read of many tenants.
package tenant

import lru "github.com/hashicorp/golang-lru/v2"

// A Key names something of one tenant, which is never another's of the same ID.
type Key[ID comparable] struct {
	Tenant string
	ID     ID
}

// A Cache has rows of all tenants, within one bound: those that were used last. It is safe for
// concurrent use. It is an interface for the sake of those who import a package that holds one: the
// methods of a generic type are compiled with each importer.
type Cache[ID comparable, V any] interface {
	// Get returns a row, and whether the cache has it.
	Get(tenant string, id ID) (V, bool)
	// Peek is Get, but the row is not used by it.
	Peek(tenant string, id ID) (V, bool)
	// Oldest returns the row that was not used for the longest time, and whether there is one.
	Oldest() (Key[ID], V, bool)
	// Add keeps a row.
	Add(tenant string, id ID, row V)
	// Saved keeps a row that was stored, and forgets one of which that is not known.
	Saved(tenant string, id ID, row V, stored bool)
	// Remove forgets a row.
	Remove(tenant string, id ID)
	// Len returns how many rows the cache has.
	Len() int
}

type cache[ID comparable, V any] struct{ rows *lru.Cache[Key[ID], V] }

// NewCache returns a cache of at most that many rows.
func NewCache[ID comparable, V any](size int) Cache[ID, V] {
	rows, _ := lru.New[Key[ID], V](size)
	return cache[ID, V]{rows}
}

func (c cache[ID, V]) Get(tenant string, id ID) (V, bool) { return c.rows.Get(Key[ID]{tenant, id}) }

func (c cache[ID, V]) Peek(tenant string, id ID) (V, bool) { return c.rows.Peek(Key[ID]{tenant, id}) }

func (c cache[ID, V]) Oldest() (Key[ID], V, bool) { return c.rows.GetOldest() }

func (c cache[ID, V]) Add(tenant string, id ID, row V) { c.rows.Add(Key[ID]{tenant, id}, row) }

func (c cache[ID, V]) Saved(tenant string, id ID, row V, stored bool) {
	if stored {
		c.Add(tenant, id, row)
	} else {
		c.Remove(tenant, id)
	}
}

func (c cache[ID, V]) Remove(tenant string, id ID) { c.rows.Remove(Key[ID]{tenant, id}) }

func (c cache[ID, V]) Len() int { return c.rows.Len() }
