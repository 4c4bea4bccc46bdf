package customer_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// BenchmarkSignIn signs a customer in who is known.
func BenchmarkSignIn(b *testing.B) {
	for _, on := range []struct {
		name string
		open func() storage.DB
	}{{"memory", func() storage.DB { return memory.New() }}, {"postgres", func() storage.DB { return dbtest.Postgres(b, pgtest.DSN(b)) }}} {
		b.Run(on.name, func(b *testing.B) {
			e := open(b, on.open())
			c := customer.SignIn{Identity: openID, Also: []customer.Identity{union}, Way: "wechat"}
			if _, err := e.SignIn(b.Context(), c); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if s, err := e.SignIn(b.Context(), c); err != nil || s.New {
					b.Fatal(s, err)
				}
			}
		})
	}
}
