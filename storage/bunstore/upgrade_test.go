package bunstore_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/internal/schemas"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
)

// A database with rows of the first version is used as it is after the files that came later.
func TestUpgradeOfAFilledDatabase(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			ctx, db := t.Context(), open(t)
			first, err := os.ReadFile("flat/" + name + "/0001_scrmkit.sql")
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
insert into %[1]sstamps_card values ('', 'alice', 'coffee', 0, 7, 'Alice', 1, 2, 1, 13, %[2]s, null, 0,
	'[7,3,1,2,-62135596800000000,1772424000000000,2,6,1772424000000000,1,7,1772424000000001,2,-3,1,5,2,1772424000000000,2,10,1,-62135596800000000,4,1,100,2,3,15,20]');
insert into %[1]sstamps_card values ('', 'bob', 'coffee', 0, 1, '', 1, 0, 1, 1, %[2]s, null, 0, '[1,0,0,0,1772424000000000,1772424000000000,0,0]');
insert into %[1]sstamps_record values ('', 'alice', 'coffee', 0, 1, 'transfer', 1, 0, 0, 0, '["coffee","b/b",0]', %[2]s, 'north', '', '', 'Alice', 'alice', '', ''),
	('', 'alice', 'coffee', 0, 2, 'stamp', 1, 0, 0, 0, '', %[2]s, '', '', '', '', '', '{"amount":5}', '');
insert into %[1]sstamps_coupon values ('', 'alice', 'coffee', 0, 1, 'cup', 'A cup', 1, 5, 'issued', %[2]s, %[2]s, null, '', '', ''),
	('', 'alice', 'coffee', 0, 2, 'cup', 'A cup', 1, 5, 'redeemed', %[2]s, %[2]s, null, '', '', '');
insert into %[1]slead_contact values ('', 'line', '', 'eve', 1, 'name', 1, '', '', null);
insert into %[1]slead_library values ('', 'line', '', 'eve', %[2]s, 'file', 1, 1);
insert into %[1]sdispatch_line values ('', 'asia', 1, '{"id":"asia","version":1,"waiting":2}');
insert into %[1]sdispatch_visitor values ('', 'asia', 'ticket:shop/1', 1, '{"id":"ticket:shop/1","n":1,"waiting":true,"came":"2026-03-02T04:00:00Z"}'),
	('', 'asia', 'eve', 2, '{"id":"eve","n":2,"waiting":true,"came":"2026-03-02T04:00:00Z"}');
`, schema, noon, blob))
			store := newStore(t, db, schemas.All...)
			at := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

			codes, err := otp.New(store, []secret.Key{{ID: "k1", Secret: make([]byte, 32)}}, nil)
			check(t, err)
			issued, err := codes.Issue(ctx, otp.Issue{Scope: "wangjing", Holder: "alice", Purpose: "stamp", Key: "k"})
			if err != nil || issued.Number != 53 || issued.Digits != 6 {
				t.Errorf("the next code of the scope: %+v, %v", issued, err)
			}

			cards := stamps.New(store, nil)
			alice := stamps.CardID{Program: "coffee", Member: "alice"}
			card, err := cards.Card(ctx, alice)
			want := stamps.State{
				Seq: 7, Coupons: 3, Floor: 1, Stood: 2, Last: at,
				Recent: []stamps.Tick{{Seq: 6, At: at, N: 1}, {Seq: 7, At: at.Add(time.Microsecond), N: 2}},
				Done:   []stamps.Run{{Version: 1, Size: 5, Rounds: 2, First: at}, {Version: 2, Size: 10, Rounds: 1}},
				Bought: 4, Paid: []stamps.Paid{{Before: 100, Stamps: 2, Units: 3}}, Owed: []int64{15, 20},
			}
			if diff := cmp.Diff(want, card.State); err != nil || diff != "" {
				t.Errorf("the state of a card: %v %s", err, diff)
			}
			card, err = cards.Card(ctx, stamps.CardID{Program: "coffee", Member: "bob"})
			if diff := cmp.Diff(stamps.State{Seq: 1, First: at, Last: at}, card.State, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("the state of another card: %v %s", err, diff)
			}
			var history []stamps.Record
			for r, err := range cards.History(ctx, alice) {
				check(t, err)
				history = append(history, r)
			}
			if diff := cmp.Diff([]stamps.Record{
				{Card: alice, Seq: 2, Purpose: stamps.PurposeStamp, N: 1, At: at, Purchase: &stamps.Purchase{Amount: 5}},
				{Card: alice, Seq: 1, Purpose: stamps.PurposeTransfer, N: 1, At: at, Shop: "north", Nickname: "Alice",
					Peer: &stamps.CardID{Program: "coffee", Member: "b/b"}},
			}, history); diff != "" {
				t.Errorf("the history of a card: %s", diff)
			}

			had, err := lead.New(store, nil).Import(ctx, []lead.Identity{{Platform: "line", ID: "eve"}, {Platform: "line", ID: "dan"}})
			if diff := cmp.Diff([]bool{true, false}, had); err != nil || diff != "" {
				t.Errorf("what the library had: %v %s", err, diff)
			}

			shops := shop.New(store, nil)
			_, _, names, err := shops.Get(ctx, "wangjing")
			if err != nil || len(names) != 1 || names[0].Serial != "A1659391" {
				t.Errorf("physical stamps of the shop: %v, %v", names, err)
			}
			if _, err := shops.UnbindStamps(ctx, shop.UnbindStamps{Shop: "wangjing", Serial: "a1659391", Key: "k"}); err != nil {
				t.Error(err)
			}

			periods := texts(t, db, "select periods from "+schema+"activation_claim order by account")
			if diff := cmp.Diff([]string{"[]", `[{"code" : "AAAABBBB", "from" : "2026-03-02T04:00:00Z"}]`}, periods); diff != "" {
				if name != "sqlite" || periods[1] != `[{"code":"AAAABBBB","from":"2026-03-02T04:00:00Z"}]` {
					t.Errorf("when accounts were linked: %s", diff)
				}
			}

			var orders []bool
			for v, err := range routing.New(store, nil).Waiting(ctx, "asia", 0) {
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
