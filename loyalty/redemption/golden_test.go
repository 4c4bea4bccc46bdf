package redemption

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/loyalty/reward"
)

// What is done with the points of a voucher has the same keys in every release.
func TestGoldenKeys(t *testing.T) {
	const broken = "Points of vouchers that were taken are held, spent or given back twice."
	f, id := golden.Open(t, "keys"), reward.VoucherID{Holder: reward.HolderID{Catalog: "shop", Member: "alice"}, N: 7}
	k := keysOf(reward.Voucher{ID: id, Order: 6})
	f.Line("hold", k.hold, broken)
	f.Line("spend", k.spend, broken)
	f.Line("back", k.back, broken)
	f.Line("merger", mergeKey("bob"), "Members who were merged are merged twice.")
}
