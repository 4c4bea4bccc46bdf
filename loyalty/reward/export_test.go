package reward

import (
	"context"
	"errors"
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

// Recode lets the row of another system's code name another voucher.
func (e *Engine) Recode(ctx context.Context, s storage.Store, code string, to VoucherID) error {
	text, _ := foreign(code)
	row := codeRow{MAC: e.foreignMACs(text)[0]}
	if err := s.Load(ctx, []storage.Look{{Reads: []storage.Read{codes.Get(&row)}}}); err != nil {
		return err
	}
	row.Voucher = to
	failed, err := s.Save(ctx, []storage.Change{{Rows: []storage.Row{codes.Put(&row)}}})
	return errors.Join(append(failed, err)...)
}
