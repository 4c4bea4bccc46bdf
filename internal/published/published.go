// Package published keeps the compiled versions of programs in memory.
package published

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Refresh is how long another process may go on with an older version of a program after a newer
// one was published.
const Refresh = time.Second

const size = 1024

// A Cache has programs P by their tenant, id and version, and knows which version is the newest for
// as long as Refresh. It is safe for concurrent use.
type Cache[ID comparable, P any] struct {
	programs *lru.Cache[key[ID], P]
	newest   *lru.Cache[key[ID], newest]
}

type key[ID comparable] struct {
	tenant  string
	id      ID
	version int // 0: whichever is the newest
}

type newest struct {
	version int
	read    time.Time
}

// New returns an empty cache.
func New[ID comparable, P any]() *Cache[ID, P] {
	c := &Cache[ID, P]{}
	c.programs, _ = lru.New[key[ID], P](size)
	c.newest, _ = lru.New[key[ID], newest](size)
	return c
}

// Get returns a version of a program, or the newest for version 0, where the cache has it.
func (c *Cache[ID, P]) Get(tenant string, id ID, version int, now time.Time) (p P, ok bool) {
	if version == 0 {
		n, known := c.newest.Get(key[ID]{tenant, id, 0})
		if !known || now.Sub(n.read).Abs() >= Refresh {
			return p, false
		}
		version = n.version
	}
	return c.programs.Get(key[ID]{tenant, id, version})
}

// Put keeps a version of a program; isNewest says that it was read as the newest, now.
func (c *Cache[ID, P]) Put(tenant string, id ID, version int, p P, isNewest bool, now time.Time) {
	c.programs.Add(key[ID]{tenant, id, version}, p)
	if isNewest {
		c.newest.Add(key[ID]{tenant, id, 0}, newest{version, now})
	}
}

// Forget forgets which version is the newest.
func (c *Cache[ID, P]) Forget(tenant string, id ID) { c.newest.Remove(key[ID]{tenant, id, 0}) }
