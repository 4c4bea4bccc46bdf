package reward

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of catalogs", func(t *testing.T) { storagetest.Mapping(t, catalogs.Table(), nil) })
	t.Run("of holders", func(t *testing.T) {
		storagetest.Mapping(t, holders, func(h *Holder) { h.Others = nil })
	})
	t.Run("of vouchers", func(t *testing.T) {
		storagetest.Mapping(t, vouchers, func(v *voucherRow) {
			v.Code, v.QR = "", ""
			if len(v.MAC) == 0 {
				v.MAC = nil
			}
			if len(v.Salt) == 0 {
				v.Salt = nil
			}
		})
	})
	t.Run("of codes of other systems", func(t *testing.T) {
		storagetest.Mapping(t, codes, func(k *codeRow) {
			if len(k.MAC) == 0 {
				k.MAC = nil
			}
			if len(k.Proof) == 0 {
				k.Proof = nil
			}
		})
	})
	t.Run("of counts", func(t *testing.T) { storagetest.Mapping(t, counts, nil) })
}
