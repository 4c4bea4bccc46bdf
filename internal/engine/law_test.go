package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/secret"
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

// TestEveryEngineTellsReplays: a command that is repeated is told of as replayed, by whatever engine.
func TestEveryEngineTellsReplays(t *testing.T) {
	ctx, db, noon := t.Context(), memory.New(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var told []string
	hook := func(ctx context.Context, op *storage.Op) (context.Context, func(error)) {
		return ctx, func(err error) {
			told = append(told, op.Name+" "+op.Outcome(err))
			if err != nil || op.Attempts == 0 && !strings.HasSuffix(op.Name, ".publish") {
				t.Error(*op, err)
			}
		}
	}
	now, random := func() time.Time { return noon }, []byte(strings.Repeat("k", 32))
	points := loyalty.New(db, &loyalty.Options{Now: now, Hook: hook})
	cards := stamps.New(db, &stamps.Options{Now: now, Hook: hook})
	shops := shop.New(db, &shop.Options{Now: now, Hook: hook})
	leads := lead.New(db, &lead.Options{Now: now, Hook: hook})
	lines := routing.New(db, &routing.Options{Now: now, Hook: hook})
	rewards, err := reward.New(db, []secret.Key{{ID: "1", Secret: random}}, &reward.Options{Now: now, Hook: hook})
	codes, err2 := otp.New(db, []secret.Key{{ID: "1", Secret: random}}, &otp.Options{Now: now, Hook: hook})
	licences, err3 := activation.New(db, []secret.Key{{ID: "1", Secret: random}}, &activation.Options{Now: now, Hook: hook})
	tickets, err4 := ticket.New(db, []secret.Key{{ID: "1", Secret: random}}, &ticket.Options{Now: now, Hook: hook})
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	points.Publish(ctx, loyalty.Definition{ID: "club", Version: 1, Zone: "UTC", Currencies: []loyalty.Currency{{ID: "points"}}})
	cards.Publish(ctx, coffee(1))
	rewards.Publish(ctx, reward.Definition{ID: "gifts", Version: 1, Zone: "UTC", Program: "club", Rewards: []reward.Reward{{ID: "cup"}}})
	told = nil
	job := lead.JobID{Code: "c", Platform: "whatsapp"}
	for range 2 {
		points.Adjust(ctx, loyalty.Adjust{Account: loyalty.AccountID{Program: "club", Member: "alice"}, N: 5, Reason: "gift", Key: "k"})
		cards.Add(ctx, stamps.Add{Card: stamps.CardID{Program: "coffee", Member: "alice"}, Key: "k"})
		rewards.Issue(ctx, reward.Issue{Take: reward.Take{Holder: reward.HolderID{Catalog: "gifts", Member: "alice"}, Reward: "cup"}, Gift: true, Key: "k"})
		shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: "north", Name: "North", Zone: "UTC", Slots: 2}, Key: "k"})
		codes.Issue(ctx, otp.Issue{Scope: "north", Holder: "alice", Purpose: "till", Key: "k"})
		licences.PutPool(ctx, activation.PutPool{Pool: "p", Ports: 3, Key: "k"})
		leads.Put(ctx, lead.Put{Job: job, Owner: "o", Name: "n", Terms: lead.Terms{Counts: lead.RuleOf("whatsapp"), Zone: "UTC", Scope: lead.Scope{Reach: lead.ReachJob}}, Key: "k"})
		lines.Put(ctx, routing.Put{Line: "ads", Settings: routing.Settings{Accounts: []routing.Account{{ID: "a"}}, Zone: "UTC"}, Key: "k"})
		tickets.PutSite(ctx, ticket.PutSite{Site: "web", Settings: ticket.Settings{Scheme: ticket.StandardWebhooks, Templates: "t"}, Key: "k"})
	}
	names := []string{
		"loyalty.adjust", "stamps.add", "reward.issue", "shop.put", "otp.issue", "activation.pool", "lead.put", "dispatch.put", "ticket.putSite",
	}
	var want []string
	for _, outcome := range []string{"done", "replayed"} {
		for _, name := range names {
			want = append(want, name+" "+outcome)
		}
	}
	if !slices.Equal(told, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
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

	codes, err := activation.New(db, []secret.Key{{ID: "1", Secret: []byte(strings.Repeat("k", 32))}}, &activation.Options{Hook: hook})
	must(err)
	issued, err := codes.Create(ctx, activation.Create{N: 1, Settings: activation.Settings{Ports: 1}, Key: "create"})
	must(err)
	access, err := codes.SignIn(ctx, activation.SignIn{Code: issued[0].Code, Device: "pc", Agent: "zoe"})
	must(err)
	typed := "hunter2-and-then-some-more"
	if _, err := codes.SignIn(ctx, activation.SignIn{Code: typed, Device: "pc", Agent: "zoe"}); err == nil {
		t.Error("anything is a code")
	}
	for _, private := range []string{"A1659391", "690123", invited.Token, issued[0].Code, access.Token, typed, typed[:8]} {
		if private == "" || strings.Contains(told.String(), private) {
			t.Errorf("%q is told:\n%s", private, &told)
		}
	}
	if n := strings.Count(told.String(), "\n"); n != 7 {
		t.Errorf("%d operations are told of:\n%s", n, &told)
	}
}
