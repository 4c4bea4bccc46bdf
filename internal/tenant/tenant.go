// Package tenant names what an engine keeps in memory for many tenants.
package tenant

// A Key names something of one tenant, which is never another's of the same ID.
type Key[ID comparable] struct {
	Tenant string
	ID     ID
}
