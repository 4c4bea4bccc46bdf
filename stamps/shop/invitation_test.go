package shop_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
)

// bind accepts an invitation as an identity of its own.
func bind(shops *shop.Engine, token string, identity shop.Identity, key string) error {
	_, err := shops.Bind(ctx, shop.Bind{Token: token, Identity: identity, Key: key})
	return err
}

func open24(t *testing.T, shops *shop.Engine, id ids.Shop) (open []shop.InvitationID) {
	t.Helper()
	all, err := shops.Invitations(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		open = append(open, i.ID())
	}
	return open
}

func TestInvitations(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("an unbound manager does not come back with an older one, of any shop's inviter", func(t *testing.T) {
			shops, _ := open(t, db.Tenant("dismissed"))
			older, second, elsewhere := invite(t, shops, "wangjing", "1"), invite(t, shops, "wangjing", "2"), invite(t, shops, "sanlitun", "1")
			if err := bind(shops, invite(t, shops, "wangjing", "3"), "kathy", "b"); err != nil {
				t.Fatal(err)
			}
			out, err := shops.Unbind(ctx, shop.Unbind{Shop: "wangjing", Identity: "kathy", Key: "u"})
			if err != nil || len(out.Withdrawn) != 2 {
				t.Fatal(out, err)
			}
			for _, token := range []string{older, second} {
				for _, identity := range []shop.Identity{"kathy", "friend"} {
					if err := bind(shops, token, identity, "again"); !errors.Is(err, shop.ErrInvitation) {
						t.Fatal(err)
					}
				}
			}
			if n := len(open24(t, shops, "wangjing")); n != 0 {
				t.Fatal(n)
			}
			if err := bind(shops, elsewhere, "li", "b"); err != nil {
				t.Fatal("the other shop's is withdrawn too:", err)
			}
			if err := bind(shops, invite(t, shops, "wangjing", "4"), "kathy", "b4"); err != nil {
				t.Fatal("a new one is not accepted:", err)
			}
		})
		t.Run("are listed while they are open, and withdrawn one by one or all", func(t *testing.T) {
			shops, now := open(t, db.Tenant("list"))
			made := make([]shop.Invited, 4)
			for i := range made {
				var err error
				if made[i], err = shops.Invite(ctx, shop.Invite{Shop: "wangjing", By: "boss", Key: fmt.Sprint(i)}); err != nil {
					t.Fatal(err)
				}
				*now = now.Add(time.Minute)
			}
			all, err := shops.Invitations(ctx, "wangjing")
			if err != nil || len(all) != 4 || all[0].ID() != made[0].ID || all[3].By != "boss" || !all[1].Expires.Equal(made[1].Expires) {
				t.Fatal(all, err)
			}
			one := shop.Withdraw{Shop: "wangjing", Invitation: made[1].ID, Key: "w"}
			for i := range 2 {
				out, err := shops.Withdraw(ctx, one)
				if err != nil || len(out.Withdrawn) != 1 || out.Withdrawn[0] != made[1].ID || out.Replayed != (i > 0) {
					t.Fatal(out, err)
				}
			}
			if err := bind(shops, made[1].Token, "kathy", "b"); !errors.Is(err, shop.ErrInvitation) {
				t.Fatal(err)
			}
			if err := bind(shops, made[0].Token, "kathy", "b"); err != nil {
				t.Fatal(err)
			}
			for name, w := range map[string]shop.Withdraw{
				"a used one":            {Shop: "wangjing", Invitation: made[0].ID, Key: "x"},
				"a withdrawn one":       {Shop: "wangjing", Invitation: made[1].ID, Key: "x"},
				"one of another shop":   {Shop: "sanlitun", Invitation: made[2].ID, Key: "x"},
				"one by its token":      {Shop: "wangjing", Invitation: shop.InvitationID(made[2].Token), Key: "x"},
				"one that was not made": {Shop: "wangjing", Invitation: "none", Key: "x"},
			} {
				if _, err := shops.Withdraw(ctx, w); !errors.Is(err, shop.ErrInvitation) {
					t.Errorf("%s: %v", name, err)
				}
			}
			*now = made[2].Expires
			if got := open24(t, shops, "wangjing"); len(got) != 1 || got[0] != made[3].ID {
				t.Fatal(got)
			}
			out, err := shops.Withdraw(ctx, shop.Withdraw{Shop: "wangjing", Key: "all"})
			if err != nil || len(out.Withdrawn) != 1 {
				t.Fatal(out, err)
			}
			for _, err := range []error{
				func() error { _, err := shops.Invitations(ctx, "none"); return err }(),
				func() error { _, err := shops.Withdraw(ctx, shop.Withdraw{Shop: "none", Key: "k"}); return err }(),
			} {
				if !errors.Is(err, shop.ErrUnknownShop) {
					t.Error(err)
				}
			}
		})
		t.Run("of one tenant are unknown in another, even where their rows are there", func(t *testing.T) {
			mine, _ := open(t, db.Tenant("mine"))
			yours, _ := open(t, db.Tenant("yours"))
			token := invite(t, yours, "wangjing", "i")
			if err := bind(mine, token, "kathy", "b"); !errors.Is(err, shop.ErrInvitation) {
				t.Fatal(err)
			}
			all, err := yours.Invitations(ctx, "wangjing")
			if err != nil {
				t.Fatal(err)
			}
			copied := all[0]
			copied.Version = 1
			errs, err := db.Tenant("mine").Save(ctx, []storage.Change{{Rows: []storage.Row{shop.InvitationTable.Save(&copied)}}})
			if err != nil || errs[0] != nil {
				t.Fatal(err, errs)
			}
			if err := bind(mine, token, "kathy", "b"); !errors.Is(err, shop.ErrInvitation) {
				t.Fatal(err)
			}
			if err := bind(yours, token, "kathy", "b"); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("bind one of 16 who scan the same", func(t *testing.T) {
			shops, _ := open(t, db.Tenant("one"))
			token := invite(t, shops, "wangjing", "i")
			var won atomic.Int64
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					switch err := bind(shops, token, shop.Identity(fmt.Sprint("m", i)), "b"); {
					case err == nil:
						won.Add(1)
					case !errors.Is(err, shop.ErrInvitation):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Fatal(won.Load())
			}
		})
		t.Run("bind nobody once an unbinding or a withdrawal has come back", func(t *testing.T) {
			for round := range 8 {
				shops, _ := open(t, db.Tenant(fmt.Sprint("race", round)))
				if err := bind(shops, invite(t, shops, "wangjing", "k"), "kathy", "b"); err != nil {
					t.Fatal(err)
				}
				tokens := make([]string, 6)
				for i := range tokens {
					tokens[i] = invite(t, shops, "wangjing", fmt.Sprint(i))
				}
				var wg sync.WaitGroup
				for i, token := range tokens[:4] {
					wg.Go(func() {
						err := bind(shops, token, shop.Identity(fmt.Sprint("m", i)), "b")
						if err != nil && !errors.Is(err, shop.ErrInvitation) && !errors.Is(err, shop.ErrSlots) {
							t.Error(err)
						}
					})
				}
				wg.Go(func() {
					var err error
					if round%2 == 0 {
						_, err = shops.Unbind(ctx, shop.Unbind{Shop: "wangjing", Identity: "kathy", Key: "u"})
					} else {
						_, err = shops.Withdraw(ctx, shop.Withdraw{Shop: "wangjing", Key: "w"})
					}
					if err != nil {
						t.Error(err)
					}
					_, managers, _, err := shops.Get(ctx, "wangjing")
					if err != nil {
						t.Error(err)
					}
					for i, token := range tokens {
						if err := bind(shops, token, shop.Identity(fmt.Sprint("late", i)), "b"); !errors.Is(err, shop.ErrInvitation) {
							t.Error("bound afterwards:", err)
						}
					}
					if _, after, _, _ := shops.Get(ctx, "wangjing"); len(after) != len(managers) {
						t.Error(managers, after)
					}
				})
				wg.Wait()
			}
		})
	})
}
