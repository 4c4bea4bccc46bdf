package customer_test

import (
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// BenchmarkImportAll brings in customers with a number and a user of an app each.
func BenchmarkImportAll(b *testing.B) {
	e, n := open(b, dbtest.Postgres(b, pgtest.Bench(b))), 0
	imports := func(yield func(customer.Import, error) bool) {
		for b.Loop() {
			n++
			c := moving(ids.Member(fmt.Sprint("m", n)), customer.Identity{Platform: customer.Phone, ID: fmt.Sprintf("+86138%08d", n)},
				customer.Identity{Platform: customer.OpenID, Namespace: "wxA", ID: fmt.Sprint("o", n)})
			c.Profile.Nickname = "小爱"
			if !yield(c, nil) {
				return
			}
		}
	}
	if done, err := e.ImportAll(b.Context(), imports, nil); err != nil {
		b.Fatal(done, err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "customers/s")
}

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
