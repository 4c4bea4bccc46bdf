package refund

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/loyalty/reward"
)

// The vouchers of a refund come back under the same keys in every release.
func TestGoldenKeys(t *testing.T) {
	id := reward.VoucherID{Holder: reward.HolderID{Catalog: "shop", Member: "alice"}, N: 7}
	golden.Open(t, "keys").Line("voucher", Refund{Key: "key"}.keyOf(id), "A refund that comes again is refused.")
}
