package reward

import (
	"context"
	"crypto/hmac"
	"slices"
	"strings"

	"github.com/scrmkit/scrmkit/storage"
)

const maxForeign = 128 // characters of a code from another system

// foreign returns a code of another system as it is compared, which letters' case, spaces, hyphens and
// full width don't matter for, and why it can't be one; "": it can.
func foreign(typed string) (text, reason string) {
	if len(typed) > 3*maxForeign {
		return "", "is too long"
	}
	var b strings.Builder
	for _, r := range strings.TrimSpace(typed) {
		r, counts := compared(r)
		switch {
		case !counts:
			continue
		case r < '!' || r > '~':
			return "", "has a character that is not of ASCII"
		}
		b.WriteRune(r)
	}
	switch n := b.Len(); {
	case n == 0:
		return "", "has neither letters nor digits"
	case n > maxForeign:
		return "", "is too long"
	}
	return b.String(), ""
}

// codesOf returns the codes of an import, whose vouchers those are: a row of each for each key, so
// that two processes that share a key give none to two vouchers.
func (e *Engine) codesOf(c Import, vouchers []Voucher) [][]codeRow {
	var all [][]codeRow
	for i, v := range c.Vouchers {
		if v.Code == "" {
			continue
		}
		text, _ := foreign(v.Code)
		rows := make([]codeRow, len(e.keys))
		for n, mac := range e.foreignMACs(text) {
			rows[n] = codeRow{mac, vouchers[i].ID, foreignProof(e.keys[n], e.frame.Tenant(), text, vouchers[i].ID)}
		}
		all = append(all, rows)
	}
	return all
}

func (e *Engine) foreignMACs(text string) [][]byte {
	macs := make([][]byte, len(e.keys))
	for i, k := range e.keys {
		macs[i] = foreignMAC(k, e.frame.Tenant(), text)
	}
	return macs
}

// needs returns what is loaded for a command.
func (e *Engine) needs(c command) lookup {
	l := c.lookup()
	if c, ok := c.(Import); ok {
		for _, v := range c.Vouchers {
			if text, reason := foreign(v.Code); reason == "" {
				l.macs = append(l.macs, e.foreignMACs(text)...)
			}
		}
	}
	return l
}

// has reports whether all of the codes are of their vouchers.
func (u *unit) has(all [][]codeRow) bool {
	return !slices.ContainsFunc(all, func(rows []codeRow) bool {
		return !slices.ContainsFunc(rows, func(r codeRow) bool { return u.codes[string(r.MAC)] == r.Voucher })
	})
}

// name gives vouchers the codes that they come with. ErrCodeTaken: one is another voucher's.
func (u *unit) name(all [][]codeRow) error {
	rows := slices.Concat(all...)
	if slices.ContainsFunc(rows, func(r codeRow) bool { return u.codes[string(r.MAC)] != VoucherID{} }) {
		return ErrCodeTaken
	}
	for i := range rows {
		u.codes[string(rows[i].MAC)] = rows[i].Voucher
		u.change.codes = append(u.change.codes, codes.Insert(&rows[i]))
	}
	return nil
}

// withForeign returns the voucher that came with a code; nil: none did, or none that the code's key
// vouches for.
func (e *Engine) withForeign(ctx context.Context, text string) (*Voucher, error) {
	rows := make([]codeRow, len(e.keys))
	var look storage.Look
	for i, mac := range e.foreignMACs(text) {
		rows[i].MAC = mac
		look.Reads = append(look.Reads, codes.Get(&rows[i]))
	}
	if err := e.frame.Store.Load(ctx, []storage.Look{look}); err != nil {
		return nil, err
	}
	for i, r := range rows {
		if !hmac.Equal(r.Proof, foreignProof(e.keys[i], e.frame.Tenant(), text, r.Voucher)) {
			continue
		}
		found, err := load(ctx, e.frame.Store, []lookup{{holder: r.Voucher.Holder, voucher: r.Voucher.N}})
		if err != nil || len(found[0].vouchers) == 0 {
			return nil, err
		}
		return &found[0].vouchers[0], nil
	}
	return nil, nil
}
