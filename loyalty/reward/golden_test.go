package reward

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var (
	goldenHolder  = HolderID{"shop", "alice"}
	goldenVoucher = VoucherID{goldenHolder, 1}
	goldenKey     = secret.Key{ID: "k1", Secret: []byte("0123456789abcdef0123456789abcdef")}
	goldenFill    = golden.Fill{"currency": "CNY", "for": int64(time.Hour), "price.currency": "points"}
)

func TestGoldenCommands(t *testing.T) {
	db := memory.New()
	engine := func(s storage.Tx) any {
		e, err := New(s, []secret.Key{goldenKey}, &Options{Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	d := Definition{ID: "shop", Version: 1, Program: "club", Name: "Shop", Zone: "Asia/Shanghai", Rewards: []Reward{{ID: "cup", Name: "Cup", Stock: 10}}}
	if _, err := engine(db).(*Engine).Publish(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	take := Take{Holder: goldenHolder, Reward: "cup"}
	golden.Open(t, "commands").Commands(golden.Engine{
		Store: db, New: engine,
		Commands: []golden.Command{
			{Kind: "reward.issue", Least: Issue{Take: take}, Fill: goldenFill, Apart: true},
			{Kind: "reward.reserve", Least: Reserve{Take: take, For: time.Minute}, Fill: goldenFill},
			{Kind: "reward.capture", Least: Capture{Holder: goldenHolder, Order: 1}},
			{Kind: "reward.cancel", Least: Cancel{Holder: goldenHolder, Order: 1}},
			{Kind: "reward.redeem", Least: Redeem{Voucher: goldenVoucher, Shop: "north"}, Fill: goldenFill},
			{Kind: "reward.undo", Least: Undo{Voucher: goldenVoucher}},
			{Kind: "reward.return", Least: Return{Voucher: goldenVoucher}},
			{Kind: "reward.void", Least: Void{Voucher: goldenVoucher, Reason: "a mistake"}},
			{Kind: "reward.merge", Least: Merge{Holder: goldenHolder, To: "bob"}},
			{Kind: "reward.import", Least: Import{Holder: goldenHolder, Vouchers: []OpeningVoucher{{Reward: "cup"}}}, Fill: goldenFill},
			{Kind: "reward.expire", Least: Expire{Voucher: goldenVoucher}},
		},
		Results: []golden.Result{{Name: "outcome", Of: Outcome{}}},
	})
}

func TestGoldenStates(t *testing.T) {
	golden.Open(t, "states").States(Tables,
		golden.Definitions(catalogs.Table(), nil, Definition{}),
		golden.StateOf(holders, "state", nil, func(h Holder) Holder { return h }, func(h *Holder) Holder { return *h }),
		golden.StateOf(vouchers, "state", golden.Fill{"id": VoucherID{}},
			func(v Voucher) voucherRow { return voucherRow{Voucher: v} }, func(r *voucherRow) Voucher { return r.Voucher }),
	)
}

// What a voucher shows follows from its salt, and is found by its MAC, in every release.
func TestGoldenCodes(t *testing.T) {
	f, salt := golden.Open(t, "codes"), []byte("0123456789abcdef")
	const broken = "Vouchers that members hold show another code, or are not found by theirs."
	for _, c := range []struct{ name, tenant, prefix string }{{"plain", "", ""}, {"of a tenant", "acme", ""}, {"with a prefix", "", "CAP"}} {
		text := code(goldenKey, c.tenant, c.prefix, salt)
		f.Line("code "+c.name, grouped(text), broken)
		f.Line("mac "+c.name, hex.EncodeToString(mac(goldenKey, c.tenant, text)), broken)
		if typed, err := read(grouped(text)); err != nil || typed != text {
			t.Errorf("%s is read as %s: %v", grouped(text), typed, err)
		}
	}
	for _, c := range []struct{ name, tenant string }{{"plain", ""}, {"of a tenant", "acme"}} {
		text, _ := foreign("ab-12")
		f.Line("foreign mac "+c.name, hex.EncodeToString(foreignMAC(goldenKey, c.tenant, text)), broken)
		f.Line("foreign proof "+c.name, hex.EncodeToString(foreignProof(goldenKey, c.tenant, text, goldenVoucher)), broken)
	}
	f.Line("qr", qrPrefix, broken)
	f.Line("key under who goes on", followedKey(goldenHolder, "key"), "A command of a member who was merged is done twice.")
}
