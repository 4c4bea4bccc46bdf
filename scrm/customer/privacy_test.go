package customer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Neither the journal nor a hook nor an error has anything personal, and a row that is moved to
// another customer or tenant is not opened.
func TestNothingPersonalIsInClear(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		var told strings.Builder
		hook := func(ctx context.Context, op *storage.Op) (context.Context, func(error)) {
			return ctx, func(err error) { fmt.Fprintf(&told, "%+v %v\n", *op, err) }
		}
		e, err := customer.New(db, []secret.Key{key1}, &customer.Options{Hook: hook})
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		note := func(_ any, err error) {
			if err != nil {
				fmt.Fprintln(&told, err)
			}
		}
		s, err := e.SignIn(ctx, customer.SignIn{Identity: openID, Also: []customer.Identity{union}, Way: "wechat"})
		if err != nil {
			t.Fatal(err)
		}
		eve, err := e.SignIn(ctx, customer.SignIn{Identity: bobs, Way: "wechat"})
		if err != nil {
			t.Fatal(err)
		}
		link := customer.Link{Member: s.Member, Identity: number, Way: "sms", Key: "1"}
		note(e.Link(ctx, link))
		link.Identity, link.Replace, link.Key = other, true, "2"
		note(e.Link(ctx, link))
		link.Member, link.Key = eve.Member, "3"
		note(e.Link(ctx, link))
		note(e.Unlink(ctx, customer.Unlink{Member: s.Member, Identity: number, Key: "4"}))
		note(e.Find(ctx, number))
		link.Identity.ID, link.Key = "13800138000", "5"
		note(e.Link(ctx, link))
		p := customer.Profile{Nickname: "Xiaoai", Family: "Wangsdottir", Birthday: customer.Date{Year: 1990, Month: 5, Day: 1}, Custom: map[string]string{"shoe": "forty-two"}}
		note(e.PutProfile(ctx, customer.PutProfile{Member: s.Member, Profile: p, Key: "6"}))
		p.Custom = nil
		note(e.PutProfile(ctx, customer.PutProfile{Member: s.Member, Profile: p, Key: "7"}))
		note(e.Erase(ctx, customer.Erase{Member: s.Member, Key: "8"}))
		moves := customer.Import{Member: "grace", Identities: []customer.Linked{{Identity: number}}, Profile: p, Key: "9"}
		note(e.Import(ctx, moves))
		moves.Member = "heidi"
		note(e.Import(ctx, moves))
		moves.Identities[0].ID = "13800138000"
		note(e.Import(ctx, moves))

		records := 0
		for r, err := range db.Journal().After(ctx, "", 0) {
			if err != nil {
				t.Fatal(err)
			}
			records++
			told.Write(journal.JSON(r))
		}
		if records < 7 {
			t.Error(records, "records")
		}
		for _, secret := range []string{"oAlice", "uAlice", "13800138000", "13900139000", "Xiaoai", "Wangsdottir", "1990", "forty-two"} {
			if strings.Contains(told.String(), secret) {
				t.Errorf("%s is told: %s", secret, told.String())
			}
		}
	})
}
