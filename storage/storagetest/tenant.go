package storagetest

import (
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/scrmkit/scrmkit/storage"
)

// Rule 7: a tenant meets nothing of another, by whatever method, in whatever transaction.
func tenants(s suite) {
	s.once("finds nothing of another", func(t *testing.T, d Database) {
		must(t, fill(t.Context(), d.Tenant("a")))
		nothing := answers(t, d.Tenant("nobody"))
		for _, id := range []string{"", "b", "A", "a ", "%", "a%"} {
			equal(t, "tenant "+id, answers(t, d.Tenant(id)), nothing)
		}
	})
	s.once("of no name finds nothing of another, nor another of it", func(t *testing.T, d Database) {
		must(t, fill(t.Context(), d.DB))
		equal(t, "tenant b", answers(t, d.Tenant("b")), answers(t, d.Tenant("nobody")))
		equal(t, "the tenant of no name", answers(t, d.Tenant("")), answers(t, d.DB))
	})
	s.once("writes the ids of another without a conflict, and changes nothing of it", func(t *testing.T, d Database) {
		a, b := d.Tenant("a"), d.Tenant("b")
		must(t, fill(t.Context(), a))
		before := answers(t, a)
		must(t, fill(t.Context(), b))
		equal(t, "tenant b", answers(t, b), before)
		for _, c := range writes {
			if _, err := c.run(t.Context(), b); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		equal(t, "tenant a", answers(t, a), before)
	})
	s.once("is listed where it has entries", func(t *testing.T, d Database) {
		lister, ok := d.DB.(interface {
			Tenants(ctx context.Context) iter.Seq2[string, error]
		})
		if !ok {
			t.Skip("the adapter lists no tenants")
		}
		var want []string
		for _, id := range []string{"b%", "a", "店", "店 again"} {
			must(t, fill(t.Context(), d.Tenant(id)))
			want = append(want, d.Tenant(id).TenantID())
		}
		nobody := d.Tenant("nobody")
		must(t, one(nobody.Save(t.Context(), []storage.Change{rootChange("a", 1)})))
		all, err := collect(lister.Tenants(t.Context()))
		must(t, err)
		slices.Sort(want)
		equal(t, "each once, in order", all, slices.Compact(slices.Sorted(slices.Values(all))))
		equal(t, "tenants", slices.DeleteFunc(all, func(id string) bool { return !slices.Contains(append(want, nobody.TenantID()), id) }), want)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = collect(lister.Tenants(ended))
		isError(t, "Tenants", err, context.Canceled)
	})
	s.once("stays itself in a transaction", func(t *testing.T, d Database) {
		a, b := d.Tenant("a"), d.Tenant("b")
		must(t, fill(t.Context(), a))
		before := answers(t, a)
		must(t, b.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			rootWriter.holds(ctx, t, tx, "north", 0, 0)
			must(t, fill(ctx, tx))
			for _, c := range writes {
				if _, err := c.run(ctx, tx); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			return nil
		}))
		equal(t, "tenant a", answers(t, a), before)
		rootWriter.holds(t.Context(), t, b, "north", 2, 1)
	})
}
