// Package published stores the versions of programs, and keeps them compiled in memory.
package published

import (
	"time"

	"github.com/scrmkit/scrmkit/internal/tenant"
)

// Refresh is how long another process may go on with an older version of a program after a newer
// one was published.
const Refresh = time.Second

const size = 1024

// A Cache has programs P by their tenant, id and version, and knows which version is the newest for
// as long as Refresh. It is safe for concurrent use.
type Cache[ID comparable, P any] interface {
	// Get returns a version of a program, or the newest for version 0, where the cache has it.
	Get(tenant string, id ID, version int, now time.Time) (P, bool)
	// Put keeps a version of a program; isNewest says that it was read as the newest, now.
	Put(tenant string, id ID, version int, p P, isNewest bool, now time.Time)
	// Forget forgets which version is the newest.
	Forget(tenant string, id ID)
}

type cache[ID comparable, P any] struct {
	programs tenant.Cache[nth[ID], P]
	newest   tenant.Cache[ID, newest]
}

type nth[ID comparable] struct {
	id      ID
	version int
}

type newest struct {
	version int
	read    time.Time
}

// New returns an empty cache.
func New[ID comparable, P any]() Cache[ID, P] {
	return &cache[ID, P]{tenant.NewCache[nth[ID], P](size), tenant.NewCache[ID, newest](size)}
}

func (c *cache[ID, P]) Get(tenant string, id ID, version int, now time.Time) (p P, ok bool) {
	if version == 0 {
		n, known := c.newest.Get(tenant, id)
		if !known || now.Sub(n.read).Abs() >= Refresh {
			return p, false
		}
		version = n.version
	}
	return c.programs.Get(tenant, nth[ID]{id, version})
}

func (c *cache[ID, P]) Put(tenant string, id ID, version int, p P, isNewest bool, now time.Time) {
	c.programs.Add(tenant, nth[ID]{id, version}, p)
	if isNewest {
		c.newest.Add(tenant, id, newest{version, now})
	}
}

func (c *cache[ID, P]) Forget(tenant string, id ID) { c.newest.Remove(tenant, id) }
