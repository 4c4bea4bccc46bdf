package ticket

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Scheme is how a site signs what it pushes.
type Scheme string

// The schemes.
const (
	// StandardWebhooks 1.0 (github.com/standard-webhooks/standard-webhooks): headers webhook-id, webhook-timestamp and
	// webhook-signature, with v1 (HMAC-SHA256). The id is that of the push.
	StandardWebhooks Scheme = "standardWebhooks"
	// Shopify signs the body alone, in X-Shopify-Hmac-SHA256: its ids are not signed. So a push is known by its body, and one that is
	// sent again, by whomever and under whatever id, is the same one.
	Shopify Scheme = "shopify"
)

// Tolerance is how much older or newer than now a push of StandardWebhooks may be.
const Tolerance = 5 * time.Minute

// maxSignatures is how many signatures of a header are looked at.
const maxSignatures = 16

// A Delivery is a request as it came.
type Delivery struct {
	Header func(name string) string // the first value of a header: http.Header.Get
	Body   []byte
}

// Event returns the id of the push that a delivery has, before it is known whether it was signed. ErrSignature: it has none.
func (s Scheme) Event(d Delivery) (EventID, error) {
	if s == Shopify {
		sum := sha256.Sum256(d.Body)
		return EventID(hex.EncodeToString(sum[:])), nil
	}
	id := d.Header("webhook-id")
	// The id is signed with a full stop after it: one with another in it could be cut elsewhere.
	if valid.ID("webhook-id", id) != nil || len(id) > maxEvent || strings.Contains(id, ".") {
		return "", ErrSignature
	}
	return EventID(id), nil
}

// Verify returns nil where a delivery was signed with one of the secrets, as it came, and in time. It takes as long whatever is wrong.
// Errors: ErrSignature; ErrStale where it was signed, at another time.
func (s Scheme) Verify(secrets []string, d Delivery, now time.Time) error {
	signed, signatures, stale := d.Body, []string{d.Header("X-Shopify-Hmac-SHA256")}, false
	if s != Shopify {
		sent := d.Header("webhook-timestamp")
		signed = []byte(d.Header("webhook-id") + "." + sent + ".")
		signed = append(signed, d.Body...)
		signatures = nil
		for _, text := range strings.SplitN(d.Header("webhook-signature"), " ", maxSignatures+1) {
			if v1, ok := strings.CutPrefix(text, "v1,"); ok && len(signatures) < maxSignatures {
				signatures = append(signatures, v1)
			}
		}
		at, err := strconv.ParseInt(sent, 10, 64)
		stale = err != nil || time.Unix(at, 0).Sub(now).Abs() > Tolerance
	}
	good := false
	for _, secret := range secrets {
		key, err := s.key(secret)
		sum := hmac.New(sha256.New, key)
		sum.Write(signed)
		want := sum.Sum(nil)
		for _, text := range signatures {
			got, decodeErr := base64.StdEncoding.DecodeString(text)
			if hmac.Equal(got, want) && err == nil && decodeErr == nil {
				good = true
			}
		}
	}
	switch {
	case !good:
		return ErrSignature
	case stale:
		return ErrStale
	}
	return nil
}
