package bunstore_test

import (
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead/dispatch"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// A database with rows of the first version is used as it is after the files that came later.
func TestUpgradeOfAFilledDatabase(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			ctx, db := t.Context(), open(t)
			first, err := fs.ReadFile(bunstore.Migrations(db.Dialect().Name()), "0001_scrmkit.sql")
			if err != nil {
				t.Fatal(err)
			}
			execScript(t, db, string(first))
			schema, noon, blob := "", "1772424000000000", "x'00'"
			if db.Dialect().Name() == dialect.PG {
				schema, noon, blob = "scrmkit.", "'2026-03-02T04:00:00Z'", `'\x00'`
			}
			execScript(t, db, fmt.Sprintf(`
insert into %[1]sotp_scope values ('', 'wangjing', 52, 52, %[2]s);
insert into %[1]sotp_typist values ('', 'wangjing', 'kathy', %[2]s);
insert into %[1]sotp_code values ('', 'wangjing', %[3]s, 1, 52, 'k1', 6, %[3]s, 'alice', 'stamp', %[3]s, %[2]s, %[2]s, %[2]s, '', null, '');
insert into %[1]sshop_shop values ('', 'wangjing', 1, 'Wangjing', '', 'Asia/Shanghai', null, null, 0);
insert into %[1]sshop_stamp values ('', 'a1659391', 1, 'wangjing', %[2]s), ('', 'b1', 1, 'wangjing', %[2]s), ('', 'B1', 1, 'sanlitun', %[2]s);
insert into %[1]sactivation_port values ('', 'AAAABBBB', 2, 'whatsapp', 'x', 1, 'linked',
	'{"id":{"code":"AAAABBBB","n":2},"platform":"whatsapp","state":"linked","session":1,"account":"x","updated":"2026-03-02T04:00:00Z"}');
insert into %[1]sactivation_claim values ('', 'x', 'whatsapp', 1, 'AAAABBBB', 2), ('', 'gone', 'whatsapp', 1, 'AAAABBBB', 3);
insert into %[1]sdispatch_line values ('', 'asia', 1, '{"id":"asia","version":1,"waiting":2}');
insert into %[1]sdispatch_visitor values ('', 'asia', 'ticket:shop/1', 1, '{"id":"ticket:shop/1","n":1,"waiting":true,"came":"2026-03-02T04:00:00Z"}'),
	('', 'asia', 'eve', 2, '{"id":"eve","n":2,"waiting":true,"came":"2026-03-02T04:00:00Z"}');
`, schema, noon, blob))
			store := newStore(t, db)
			at := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

			scopes, err := store.OTP().Load(ctx, []otp.Lookup{{
				Scope: "wangjing", Holder: "alice", Purpose: "stamp", Parties: []otp.Party{{Kind: otp.PartyTypist, ID: "kathy"}},
			}}, at.Add(-time.Minute))
			want := []otp.State{{
				Scope: otp.ScopeRow{Scope: "wangjing", Version: 52, Issued: 52, Seq: 52, Debt: at}, Count: map[int]int64{},
				Meters: []otp.Meter{{Scope: "wangjing", Party: otp.Party{Kind: otp.PartyTypist, ID: "kathy"}, Debt: at}},
			}}
			if diff := cmp.Diff(want, scopes); err != nil || diff != "" {
				t.Errorf("a scope without codes of no tenant: %v %s", err, diff)
			}

			shops := shop.New(store, nil)
			_, _, names, err := shops.Get(ctx, "wangjing")
			if err != nil || len(names) != 1 || names[0].Serial != "A1659391" {
				t.Errorf("physical stamps of the shop: %v, %v", names, err)
			}
			if _, err := shops.UnbindStamps(ctx, shop.UnbindStamps{Shop: "wangjing", Serial: "a1659391", Key: "k"}); err != nil {
				t.Error(err)
			}

			for account, want := range map[activation.AccountID]activation.Binding{"x": {{Code: "AAAABBBB", From: at}}, "gone": nil} {
				l, err := store.Activation().Load(ctx, activation.Lookup{Platform: "whatsapp", Account: account})
				if diff := cmp.Diff(want, l.Claim.Periods); err != nil || diff != "" {
					t.Errorf("when %s was linked: %v %s", account, err, diff)
				}
			}

			var orders []bool
			for v, err := range dispatch.New(store, nil).Waiting(ctx, "asia", 0) {
				if err != nil {
					t.Fatal(err)
				}
				orders = append(orders, v.Order)
			}
			if diff := cmp.Diff([]bool{true, false}, orders); diff != "" {
				t.Errorf("who waits is an order: %s", diff)
			}
		})
	}
}
