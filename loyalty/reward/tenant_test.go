package reward_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage"
)

// A tape is a store that keeps what was saved through it, byte by byte.
type tape struct {
	storage.Tx
	saved *[]storage.Change
}

func (s tape) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	for _, c := range changes {
		if c.Entries != nil { // a catalog has none
			*s.saved = append(*s.saved, c)
		}
	}
	return s.Tx.Save(ctx, changes)
}

// TestACodeOfOneTenantIsUnknownInEveryOther tries every code in every other tenant by every method
// that takes one, where ids, members, catalogs and keys are the same, and then where the very rows
// are.
func TestACodeOfOneTenantIsUnknownInEveryOther(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, whole dbtest.DB) {
		names := []string{"", "a", "ab", "b", "租户"}
		type tenant struct {
			db    storage.DB
			e     *reward.Engine
			codes []string
			saved []storage.Change
		}
		tenants := map[string]*tenant{}
		for _, name := range names {
			x := &tenant{db: whole.Tenant(name)}
			x.e = must[*reward.Engine](t)(reward.New(tape{x.db, &x.saved}, keys, nil))
			must[*reward.Catalog](t)(x.e.Publish(ctx, catalog(reward.Reward{ID: "cup", Name: "Cup of " + name})))
			for _, member := range []string{"alice", "bob"} {
				out := must[reward.Outcome](t)(x.e.Issue(ctx, by(issue("cup", 2, reward.Price{}), member, "order")))
				for _, v := range out.Vouchers {
					x.codes = append(x.codes, v.Code)
				}
			}
			must[reward.Outcome](t)(x.e.Import(ctx, coming("carol", "move-in", "cup", "of "+strconv.Itoa(slices.Index(names, name)))))
			tenants[name] = x
		}
		ways := map[string]func(x *tenant, code string) (reward.Voucher, error){
			"Find": func(x *tenant, code string) (reward.Voucher, error) { return x.e.Find(ctx, code) },
			"Find of a preview": func(x *tenant, code string) (reward.Voucher, error) {
				return x.e.Preview().Find(ctx, code)
			},
			"Find in a transaction": func(x *tenant, code string) (v reward.Voucher, err error) {
				err = x.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
					v, err = x.e.In(tx).Find(ctx, code)
					return err
				})
				return v, err
			},
			"Find by an engine of another tenant that is bound to this one": func(x *tenant, code string) (v reward.Voucher, err error) {
				err = x.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
					for _, other := range tenants {
						if v, err = other.e.In(tx).Find(ctx, code); err != nil {
							return err
						}
					}
					return nil
				})
				return v, err
			},
		}
		try := func(what string) {
			for from, of := range tenants {
				for at, x := range tenants {
					for way, find := range ways {
						for _, code := range of.codes {
							v, err := find(x, code)
							switch {
							case from != at && !errors.Is(err, reward.ErrUnknownVoucher):
								t.Errorf("%s: %s: a code of %q is %v, %v in %q", what, way, from, v.ID, err, at)
							case from == at && (err != nil || v.Code != code):
								t.Errorf("%s: %s: a code of %q is %v, %v at home", what, way, from, v.ID, err)
							}
						}
					}
				}
			}
		}
		try("with the same ids")
		foreign := func(what string, in map[string]*tenant, home bool) {
			for at, x := range in {
				for _, from := range names {
					v, err := x.e.Find(ctx, "of "+strconv.Itoa(slices.Index(names, from)))
					if mine := from == at && home; mine != (err == nil) || mine && v.ID.Holder.Member != "carol" {
						t.Errorf("%s: what carol of %q came with is %v, %v in %q", what, from, v.ID, err, at)
					}
				}
			}
		}
		foreign("with the same ids", tenants, true)

		// The rows of a tenant, byte by byte, in a tenant that has none: they have other codes
		// there, and those are unknown too.
		copies := map[string]*tenant{}
		for _, name := range names {
			x := &tenant{db: whole.Tenant("copy of " + name)}
			x.e = must[*reward.Engine](t)(reward.New(x.db, keys, nil))
			must[*reward.Catalog](t)(x.e.Publish(ctx, catalog(reward.Reward{ID: "cup"})))
			for _, c := range tenants[name].saved {
				if errs, err := x.db.Save(ctx, []storage.Change{c}); err != nil || errs[0] != nil {
					t.Fatal(errs, err)
				}
			}
			copies[name] = x
		}
		foreign("of a copy", copies, false)
		for name, x := range copies {
			for from, of := range tenants {
				for _, code := range of.codes {
					if v, err := x.e.Find(ctx, code); !errors.Is(err, reward.ErrUnknownVoucher) {
						t.Errorf("a code of %q is %v, %v in the copy of %q", from, v.ID, err, name)
					}
				}
			}
			for _, member := range []ids.Member{"alice", "bob"} {
				v := must[reward.Voucher](t)(x.e.Voucher(ctx, reward.VoucherID{Holder: reward.HolderID{Catalog: "club", Member: member}, N: 1}))
				for _, of := range tenants {
					for _, code := range of.codes {
						if v.Code == code {
							t.Errorf("the copy of %q shows a code of the first", name)
						}
					}
				}
				if _, err := x.e.Find(ctx, v.Code); !errors.Is(err, reward.ErrUnknownVoucher) {
					t.Errorf("what the copy of %q shows is found: %v", name, err)
				}
			}
		}

		// What names a voucher by its id alone is answered by the tenant's own rows.
		for _, name := range names {
			id := reward.VoucherID{Holder: reward.HolderID{Catalog: "club", Member: "alice"}, N: 1}
			out := must[reward.Outcome](t)(tenants[name].e.Redeem(ctx, reward.Redeem{Voucher: id, Shop: "north", Key: "r"}))
			if out.Vouchers[0].Name != "Cup of "+name {
				t.Errorf("%q redeems the %s", name, out.Vouchers[0].Name)
			}
		}
		empty := whole.Tenant("empty")
		e := must[*reward.Engine](t)(reward.New(empty, keys, nil))
		must[*reward.Catalog](t)(e.Publish(ctx, catalog(reward.Reward{ID: "cup"})))
		id := reward.VoucherID{Holder: reward.HolderID{Catalog: "club", Member: "alice"}, N: 1}
		for method, f := range map[string]func() error{
			"Voucher": func() error { _, err := e.Voucher(ctx, id); return err },
			"Redeem":  func() error { _, err := e.Redeem(ctx, reward.Redeem{Voucher: id, Shop: "north", Key: "k"}); return err },
			"Undo":    func() error { _, err := e.Undo(ctx, reward.Undo{Voucher: id, Key: "k"}); return err },
			"Return":  func() error { _, err := e.Return(ctx, reward.Return{Voucher: id, Key: "k"}); return err },
			"Void":    func() error { _, err := e.Void(ctx, reward.Void{Voucher: id, Reason: "r", Key: "k"}); return err },
			"Expire":  func() error { _, err := e.Expire(ctx, reward.Expire{Voucher: id, Key: "k"}); return err },
		} {
			is(t, fmt.Sprintf("%s in a tenant without vouchers", method), f(), reward.ErrUnknownVoucher)
		}
		for v := range e.Vouchers(ctx, reward.VoucherQuery{}) {
			t.Error("a tenant without vouchers lists", v.ID)
		}
	})
}
