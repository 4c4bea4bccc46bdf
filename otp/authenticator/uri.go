package authenticator

import (
	"cmp"
	"fmt"
	"image"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
)

const maxLabel = 128 // bytes, so that every URI fits into a QR code

// URI returns the address that an app reads the secret from, otpauth://totp/..., as Google
// Authenticator defined it. The app shows issuer and account, which name the service and the
// account there; neither is empty or has a colon. *errs.InputError: one of them can't be, or the
// TOTP is not valid.
func (t TOTP) URI(issuer, account string) (string, error) {
	if err := cmp.Or(t.Validate(), checkLabel("issuer", issuer), checkLabel("account", account)); err != nil {
		return "", err
	}
	query := []string{
		"secret=" + t.Base32(), "issuer=" + escape(issuer), "algorithm=" + string(t.Algorithm),
		fmt.Sprint("digits=", t.Digits), fmt.Sprint("period=", int64(t.Period/time.Second)),
	}
	return "otpauth://totp/" + escape(issuer) + ":" + escape(account) + "?" + strings.Join(query, "&"), nil
}

// escape returns a text as it may be anywhere in a URI. The library leaves '&' and '+' as they are,
// with which an app reads another issuer.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// checkLabel accepts what an app can show as the issuer or the account.
func checkLabel(field, text string) error {
	fail := func(reason string) error { return &errs.InputError{Field: field, Reason: reason} }
	switch {
	case text == "":
		return fail("is missing")
	case len(text) > maxLabel:
		return fail("is longer than 128 bytes")
	case strings.Contains(text, ":"):
		return fail("has a colon, which separates the issuer from the account")
	case strings.TrimSpace(text) != text:
		return fail("begins or ends with a space")
	}
	return valid.Text(field, text)
}

// QR returns the QR code of a URI as a square picture, size pixels wide. *errs.InputError: the URI
// is too long for one, or the size is not between 200 and 2000.
func QR(uri string, size int) (image.Image, error) {
	if err := valid.Between("size", int64(size), 200, 2000); err != nil {
		return nil, err
	}
	var picture image.Image
	key, err := otp.NewKeyFromURL(uri)
	if err == nil {
		picture, err = key.Image(size, size)
	}
	if err != nil {
		return nil, &errs.InputError{Field: "uri", Reason: "can't be shown as a QR code of that size"} // err could hold the secret
	}
	return picture, nil
}
