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
		if r >= '！' && r <= '～' { // full width
			r -= '！' - '!'
		}
		switch {
		case r == '-' || r == ' ' || r == '\u3000':
			continue
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		case r < '!' || r > '~':
			return "", "has a character that is neither a letter of the alphabet nor a digit nor a sign of ASCII"
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

// A named is a code of another system with the voucher that comes with it.
type named struct {
	row    codeRow
	others [][]byte // the MACs of the code with older keys
}

// codesOf returns the codes of an import, whose vouchers those are.
func (e *Engine) codesOf(c Import, vouchers []Voucher) []named {
	var all []named
	for i, v := range c.Vouchers {
		if v.Code == "" {
			continue
		}
		text, _ := foreign(v.Code)
		macs := e.foreignMACs(text)
		all = append(all, named{codeRow{macs[0], vouchers[i].ID, foreignProof(e.keys[0], e.frame.Tenant(), text, vouchers[i].ID)}, macs[1:]})
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

func (n named) macs() [][]byte { return append([][]byte{n.row.MAC}, n.others...) }

// has reports whether all of the codes are of their vouchers.
func (u *unit) has(all []named) bool {
	return !slices.ContainsFunc(all, func(n named) bool {
		return !slices.ContainsFunc(n.macs(), func(mac []byte) bool { return u.codes[string(mac)] == n.row.Voucher })
	})
}

// name gives vouchers the codes that they come with. ErrCodeTaken: one is another voucher's.
func (u *unit) name(all []named) error {
	for _, n := range all {
		if slices.ContainsFunc(n.macs(), func(mac []byte) bool { return u.codes[string(mac)] != VoucherID{} }) {
			return ErrCodeTaken
		}
	}
	for _, n := range all {
		u.codes[string(n.row.MAC)] = n.row.Voucher
		u.change.codes = append(u.change.codes, codes.Insert(&n.row))
		for _, mac := range n.others {
			u.change.codes = append(u.change.codes, codes.Absent(&codeRow{MAC: mac}))
		}
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
