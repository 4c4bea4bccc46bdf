package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// coffee gives so many stamps a visit.
func coffee(each int64) stamps.Definition {
	return stamps.Definition{
		ID: "coffee", Version: 1, Zone: "UTC",
		Card: &stamps.CardDefinition{
			Size: 1000, Rewards: []stamps.Reward{{ID: "cup", Name: "A cup", At: 1000}},
			Earn: stamps.Earn{Per: stamps.PerVisit, Stamps: each}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		},
	}
}

// counting is a unit of work that counts its loads.
type counting struct {
	storage.Tx
	loads *int
}

func (c counting) Load(ctx context.Context, looks []storage.Look) error {
	*c.loads++
	return c.Tx.Load(ctx, looks)
}

// TestOneEngineServesManyTenants: in a transaction of any tenant an engine goes by the rules of that
// tenant, and what it keeps in memory does not grow with their number: what was used long ago is
// read again.
func TestOneEngineServesManyTenants(t *testing.T) {
	const bound = 1024 // programs that are kept
	ctx, db := t.Context(), memory.New()
	cards := stamps.New(db, nil)
	name := func(i int) string { return fmt.Sprint("tenant ", i) }
	for i := range bound + 100 {
		if _, err := stamps.New(db.Tenant(name(i)), nil).Publish(ctx, coffee(int64(i%9+1))); err != nil {
			t.Fatal(err)
		}
	}
	visit := func(i int, key string) (loads int) {
		err := db.Tenant(name(i)).InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			out, err := cards.In(counting{tx, &loads}).Add(ctx, stamps.Add{Card: stamps.CardID{Program: "coffee", Member: "alice"}, Key: key})
			if want := int64(i%9 + 1); err == nil && out.Card.Count != want && key == "first" {
				t.Errorf("%s gives %d stamps, want %d", name(i), out.Card.Count, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return loads
	}
	cold := visit(0, "first")
	warm := visit(0, "second")
	if warm >= cold {
		t.Fatalf("%d loads with the program at hand, and %d without it", warm, cold)
	}
	for i := 1; i < bound+100; i++ {
		if n := visit(i, "first"); n != cold {
			t.Fatalf("%d loads of %s, which was not seen before; want %d", n, name(i), cold)
		}
	}
	if n := visit(bound+99, "second"); n != warm {
		t.Errorf("%d loads of the last tenant, want %d", n, warm)
	}
	if n := visit(0, "third"); n != cold {
		t.Errorf("%d loads of the first tenant after %d others, want %d", n, bound+99, cold)
	}
}

// TestHooksAreToldNoSecret: whatever is typed, shown once or sealed stands in no Op.
func TestHooksAreToldNoSecret(t *testing.T) {
	ctx, db := t.Context(), memory.New()
	var told strings.Builder
	hook := func(ctx context.Context, op *storage.Op) (context.Context, func(error)) {
		return ctx, func(error) { fmt.Fprintf(&told, "%+v\n", *op) }
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	shops := shop.New(db, &shop.Options{Hook: hook})
	_, err := shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: "north", Name: "North", Zone: "UTC", Slots: 2}, Key: "put"})
	must(err)
	_, err = shops.BindStamp(ctx, shop.BindStamp{Shop: "north", Serial: "A1659391", Aliases: []shop.Serial{"690123"}, Unsigned: true, Key: "bind"})
	must(err)
	invited, err := shops.Invite(ctx, shop.Invite{Shop: "north", Key: "invite"})
	must(err)
	_, err = shops.Bind(ctx, shop.Bind{Token: invited.Token, Identity: "wx-ann", Name: "Ann", Key: "ann"})
	must(err)

	codes, err := activation.New(db, []activation.Key{{ID: "1", Secret: []byte(strings.Repeat("k", 32))}}, &activation.Options{Hook: hook})
	must(err)
	issued, err := codes.Create(ctx, activation.Create{N: 1, Settings: activation.Settings{Ports: 1}, Key: "create"})
	must(err)
	seat, err := codes.SignIn(ctx, activation.SignIn{Code: issued[0].Code, Device: "pc", Agent: "zoe"})
	must(err)
	typed := "hunter2-and-then-some-more"
	if _, err := codes.SignIn(ctx, activation.SignIn{Code: typed, Device: "pc", Agent: "zoe"}); err == nil {
		t.Error("anything is a code")
	}
	for _, secret := range []string{"A1659391", "690123", invited.Token, issued[0].Code, seat.Token, typed, typed[:8]} {
		if secret == "" || strings.Contains(told.String(), secret) {
			t.Errorf("%q is told:\n%s", secret, &told)
		}
	}
	if n := strings.Count(told.String(), "\n"); n != 7 {
		t.Errorf("%d operations are told of:\n%s", n, &told)
	}
}
