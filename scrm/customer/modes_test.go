package customer_test

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/customer"
)

func TestModes(t *testing.T) {
	dbtest.Modes(t, dbtest.Play[*customer.Engine]{
		New: func(t *testing.T, db dbtest.DB) *customer.Engine { return open(t, db).Engine },
		In:  (*customer.Engine).In,
		Before: func(t *testing.T, ctx context.Context, e *customer.Engine) {
			if err := e.Publish(ctx, customer.Fields{Version: 1, Fields: []customer.Field{{Name: "milk", Type: customer.Text}}}); err != nil {
				t.Fatal(err)
			}
		},
		Story: func(ctx context.Context, e *customer.Engine, see func(any, error)) {
			see(e.SignIn(ctx, customer.SignIn{Identity: openID, Also: []customer.Identity{union}, Way: "wechat", Member: "alice"}))
			see(e.SignIn(ctx, customer.SignIn{Identity: bobs, Way: "wechat", Member: "bob"}))
			for range 2 {
				see(e.Link(ctx, customer.Link{Member: "alice", Identity: number, Way: "sms", Key: "link"}))
			}
			see(e.Link(ctx, customer.Link{Member: "bob", Identity: number, Way: "sms", Key: "link"}))
			see(e.Find(ctx, number))
			see(e.PutProfile(ctx, customer.PutProfile{Member: "alice", Key: "profile", Profile: customer.Profile{
				Nickname: "小爱", Custom: map[string]string{"milk": "oat"},
			}}))
			see(e.PutPreferences(ctx, customer.PutPreferences{Member: "alice", Key: "prefer", Preferences: customer.Preferences{Language: "zh"}}))
			see(e.RecordConsent(ctx, customer.RecordConsent{Member: "alice", Key: "consent", Consent: customer.Consent{
				Purpose: "marketing", Kind: customer.Plain, Given: true, Version: "1", Way: "miniprogram", Time: start,
			}}))
			see(ordered(e.Get(ctx, "alice")))
			see(e.Unlink(ctx, customer.Unlink{Member: "alice", Identity: number, Key: "unlink"}))
			all, err := e.Export(ctx, "alice")
			see(len(all.Consents), err)
			see(ordered(all.Customer, err))
			see(e.ScheduleErasure(ctx, customer.ScheduleErasure{Member: "bob", Due: start.Add(time.Hour), Key: "schedule"}))
			for due, err := range e.Erasures(ctx, start.Add(2*time.Hour)) {
				see(due, err)
			}
			see(e.Erase(ctx, customer.Erase{Member: "bob", Key: "erase"}))
			see(e.Get(ctx, "bob"))
			for said, err := range e.Consents(ctx, "alice") {
				see(said, err)
			}
		},
	})
}

// ordered has the identities that were linked at one time in an order that does not depend on the
// tenant.
func ordered(c customer.Customer, err error) (customer.Customer, error) {
	slices.SortFunc(c.Identities, func(a, b customer.Linked) int { return cmp.Compare(a.Platform, b.Platform) })
	return c, err
}
