package reward

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/secret"
)

const (
	// alphabet is that of Crockford's base 32: crockford.com/base32.html.
	alphabet  = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	random    = 15 // characters
	maxPrefix = 8
	saltSize  = 16
	macSize   = 16
	group     = 4

	// qrPrefix, like the code, is of the alphanumeric mode of ISO/IEC 18004.
	qrPrefix = "VOUCHER:"
)

// code returns the code that a salt has in a tenant, without separators.
func code(k secret.Key, tenant, prefix string, salt []byte) string {
	sum := keyring.Sum(k.Secret, "reward.v1 code", tenant, string(salt))
	b := []byte(prefix)
	bits, n := 0, uint(0)
	for _, c := range sum {
		bits, n = bits<<8|int(c), n+8
		for ; n >= 5 && len(b) < len(prefix)+random; n -= 5 {
			b = append(b, alphabet[bits>>(n-5)&31])
		}
		bits &= 1<<n - 1
	}
	return string(append(b, checkOf(string(b))))
}

// mac is what a code is found by in a tenant.
func mac(k secret.Key, tenant, code string) []byte {
	return keyring.Sum(k.Secret, "reward.v1 index", tenant, code)[:macSize]
}

// foreignMAC is what a code of another system is found by in a tenant.
func foreignMAC(k secret.Key, tenant, code string) []byte {
	return keyring.Sum(k.Secret, "reward.v1 foreign", tenant, code)[:macSize]
}

// foreignProof proves that a code of another system came with a voucher.
func foreignProof(k secret.Key, tenant, code string, v VoucherID) []byte {
	return keyring.Sum(k.Secret, "reward.v1 came with", tenant, code, string(v.Holder.Catalog), string(v.Holder.Member), strconv.FormatInt(v.N, 10))[:macSize]
}

// grouped returns a code as it is read: CUP-7K3M-9QX2-WZ4T-HB5N.
func grouped(code string) string {
	at := len(code) - random - 1
	parts := make([]string, 0, 5)
	if at > 0 {
		parts = append(parts, code[:at])
	}
	for ; at < len(code); at += group {
		parts = append(parts, code[at:at+group])
	}
	return strings.Join(parts, "-")
}

// read returns a code that was typed or scanned, without separators. *errs.InputError: it can't be
// one.
func read(typed string) (string, error) {
	if len(typed) > 128 {
		return "", &errs.InputError{Field: "code", Reason: "is too long"}
	}
	var b []byte
	for _, r := range strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(typed)), qrPrefix) {
		r, counts := compared(r)
		if !counts {
			continue
		}
		switch r {
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if r > 127 || strings.IndexByte(alphabet, byte(r)) < 0 {
			return "", &errs.InputError{Field: "code", Reason: "has a character that no code has"}
		}
		b = append(b, byte(r))
	}
	if len(b) < random+1 || len(b) > maxPrefix+random+1 {
		return "", &errs.InputError{Field: "code", Reason: fmt.Sprintf("has not the %d characters of one after its prefix", random+1)}
	}
	if last := len(b) - 1; checkOf(string(b[:last])) != b[last] {
		return "", &errs.InputError{Field: "code", Reason: "has a wrong character; compare it with what is shown"}
	}
	return string(b), nil
}

// compared returns a character of a code as it is compared, and whether it counts: hyphens and spaces
// don't, nor do a letter's case and full width.
func compared(r rune) (rune, bool) {
	if r >= '！' && r <= '～' {
		r -= '！' - '!'
	}
	if r >= 'a' && r <= 'z' {
		r -= 'a' - 'A'
	}
	return r, r != '-' && r != ' ' && r != '\u3000'
}

// checkOf returns the check character: with it, the sum over GF(32) of each character times a power
// of x, counted from the end, is 0. The powers are different ones, so that no single error and no
// swap of two gives 0 again.
func checkOf(code string) byte {
	sum := 0
	for i := range len(code) {
		sum = double(sum ^ strings.IndexByte(alphabet, code[i]))
	}
	return alphabet[sum]
}

// double is the product with x in GF(32), modulo x^5 + x^2 + 1, where the powers of x come to 1
// after 31 steps.
func double(n int) int {
	n <<= 1
	if n > 31 {
		n ^= 0b100101
	}
	return n
}
