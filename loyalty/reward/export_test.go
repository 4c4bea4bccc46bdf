package reward

import (
	"context"
	"fmt"

	"github.com/scrmkit/scrmkit/storage"
)

// Stored returns a voucher as it is stored.
func Stored(ctx context.Context, s storage.Store, id VoucherID) (string, error) {
	row := voucherRow{Voucher: Voucher{ID: id}}
	if err := s.Load(ctx, []storage.Look{{Reads: []storage.Read{vouchers.Get(&row)}}}); err != nil {
		return "", err
	}
	values, err := vouchers.Put(&row).Values(nil)
	text := fmt.Sprintf("%+v", values)
	for _, v := range values {
		text += " " + string(v.Bytes)
	}
	return text, err
}
