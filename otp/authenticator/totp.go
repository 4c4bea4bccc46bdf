package authenticator

import (
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/scrmkit/scrmkit/errs"
)

const (
	minDigits = 6
	maxDigits = 8
	minSecret = 20 // bytes: the 160 bits that RFC 4226, 4 recommends
	maxSecret = 64 // bytes: the hash of SHA-512
	minPeriod = 15 * time.Second
	maxPeriod = 2 * time.Minute // NIST SP 800-63B-4, 3.1.4: a code changes at least that often
)

// An Algorithm is the hash function of a TOTP.
type Algorithm string

// The algorithms of RFC 6238.
const (
	SHA1   Algorithm = "SHA1"
	SHA256 Algorithm = "SHA256"
	SHA512 Algorithm = "SHA512"
)

// hashes are the algorithms as the library names them, each with the bytes of its hash, which a new
// secret has (RFC 6238, 5.1).
var hashes = map[Algorithm]struct {
	of    otp.Algorithm
	bytes int
}{SHA1: {otp.AlgorithmSHA1, 20}, SHA256: {otp.AlgorithmSHA256, 32}, SHA512: {otp.AlgorithmSHA512, 64}}

// A TOTP is what a service and an app share: a secret, and how codes follow from it and the time
// (RFC 6238).
type TOTP struct {
	Secret    []byte        `json:"secret"`    // 20 to 64 bytes
	Algorithm Algorithm     `json:"algorithm"` // hash function of the HMAC
	Digits    int           `json:"digits"`    // length of a code, 6 to 8
	Period    time.Duration `json:"period"`    // how long a code lasts: whole seconds, 15 to 120; nanoseconds in JSON
}

// Validate returns an *errs.InputError where a field is out of its bounds, and else nil.
func (t TOTP) Validate() error {
	if len(t.Secret) < minSecret || len(t.Secret) > maxSecret {
		return &errs.InputError{Field: "secret", Reason: fmt.Sprintf("has not %d to %d bytes", minSecret, maxSecret)}
	}
	return t.checkParameters()
}

// checkParameters is Validate of all but the secret.
func (t TOTP) checkParameters() error {
	switch {
	case hashes[t.Algorithm].bytes == 0:
		return &errs.InputError{Field: "algorithm", Reason: "is none of SHA1, SHA256 and SHA512"}
	case t.Digits < minDigits || t.Digits > maxDigits:
		return &errs.InputError{Field: "digits", Reason: fmt.Sprintf("is not between %d and %d", minDigits, maxDigits)}
	case t.Period < minPeriod || t.Period > maxPeriod || t.Period%time.Second != 0:
		return &errs.InputError{Field: "period", Reason: fmt.Sprintf("is not whole seconds between %s and %s", minPeriod, maxPeriod)}
	}
	return nil
}

// Base32 returns the secret as people type it into an app that can't scan.
func (t TOTP) Base32() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(t.Secret)
}

// Code returns the code that an app shows at a time, from 1970 on. Errors are those of Validate.
func (t TOTP) Code(at time.Time) (string, error) {
	if err := t.Validate(); err != nil {
		return "", err
	}
	return t.code(max(0, t.step(at))), nil
}

// Verify reports whether a code is accepted at a time: it is that of the step now, of the one
// before or, where ahead says so, of the one after, and that step is later than last, the step of
// the code that was accepted last (0: none was). Of several such steps it is the oldest.
//
// The step is that of the code. It is 0 where the code is wrong, and at most last where the code
// was right before. A TOTP that is not valid accepts nothing.
func (t TOTP) Verify(code string, now time.Time, last int64, ahead bool) (step int64, ok bool) {
	if t.Validate() != nil {
		return 0, false
	}
	current := t.step(now)
	newest := current
	if ahead {
		newest++
	}
	for s := max(0, current-1); s <= newest; s++ {
		same := subtle.ConstantTimeCompare([]byte(t.code(s)), []byte(code)) == 1
		if same && !ok {
			step, ok = s, s > last
		}
	}
	return step, ok
}

// step returns how many periods have ended since 1970.
func (t TOTP) step(at time.Time) int64 { return at.Unix() / int64(t.Period/time.Second) }

// code returns the code of a step, which is not negative. The TOTP is valid.
func (t TOTP) code(step int64) string {
	code, err := hotp.GenerateCodeCustom(t.Base32(), uint64(step), hotp.ValidateOpts{
		Digits: otp.Digits(t.Digits), Algorithm: hashes[t.Algorithm].of,
	})
	if err != nil {
		panic("authenticator: " + err.Error()) // the text of the secret is base 32
	}
	return code
}
