package tenant

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// A cache has at most as many rows as it was made for, of however many tenants, and a tenant gets
// its own row or none.
func TestCacheIsBoundedAndKeepsTenantsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 20).Draw(t, "size")
		c, stored := NewCache[int, string](size), map[Key[int]]string{}
		for n := range rapid.IntRange(1, 300).Draw(t, "operations") {
			k := Key[int]{fmt.Sprint(rapid.IntRange(0, 50).Draw(t, "tenant")), rapid.IntRange(0, 2).Draw(t, "id")}
			if rapid.Bool().Draw(t, "saved") {
				known := rapid.IntRange(0, 4).Draw(t, "conflict") > 0
				stored[k] = fmt.Sprint(k.Tenant, " ", n)
				if c.Saved(k.Tenant, k.ID, stored[k], known); !known {
					delete(stored, k)
				}
			}
			if row, ok := c.Get(k.Tenant, k.ID); ok && row != stored[k] {
				t.Fatalf("%v is %q, want %q", k, row, stored[k])
			}
			if c.Len() > size {
				t.Fatalf("%d rows in a cache of %d", c.Len(), size)
			}
		}
	})
}
