package ticket

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
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

// A Push is a delivery that a site has signed.
type Push struct {
	Event EventID
	Hash  []byte // SHA-256 of the body
}

// Verify returns the push that a delivery is, where it was signed with one of the secrets, as it came, and in time. As much is hashed
// whatever is wrong, and whatever the scheme and the number of secrets, up to two.
//
// Errors: ErrSignature; ErrStale where it was signed, at another time; *InputError where its id can't be that of a push: it is missing,
// longer than 80 bytes, or has a full stop, a space or a control character.
func (s Scheme) Verify(secrets []string, d Delivery, now time.Time) (Push, error) {
	hash := sha256.Sum256(d.Body)
	push := Push{EventID(d.Header("webhook-id")), hash[:]}
	sent := d.Header("webhook-timestamp")
	before := []byte(string(push.Event) + "." + sent + ".")
	at, err := strconv.ParseInt(sent, 10, 64)
	stale := err != nil || time.Unix(at, 0).Sub(now).Abs() > Tolerance
	if s == Shopify {
		push.Event, stale = EventID(hex.EncodeToString(hash[:])), false
	}
	given, good := signatures(d), false
	for i := range max(maxSecrets, len(secrets)) {
		var key []byte
		err := ErrSignature // of a secret that makes up the number
		if i < len(secrets) {
			key, err = s.key(secrets[i])
		}
		want := s.sign(key, before, d.Body)
		for _, g := range given {
			if hmac.Equal(g.sum, want) && err == nil && g.of == s {
				good = true
			}
		}
	}
	switch {
	case !good:
		return Push{}, ErrSignature
	case stale:
		return Push{}, ErrStale
	}
	if err := push.Event.check(); err != nil {
		return Push{}, err
	}
	return push, nil
}

// sign returns the sum of a delivery under a key, of the body with what stands before it or, for Shopify, without.
func (s Scheme) sign(key, before, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	if s == Shopify {
		mac.Write(body)
		sum := mac.Sum(nil)
		mac.Write(before) // as much is hashed as for the other scheme
		return sum
	}
	mac.Write(before)
	mac.Write(body)
	return mac.Sum(nil)
}

type signature struct {
	of  Scheme
	sum []byte
}

// signatures returns the signatures that a delivery has, of whatever scheme.
func signatures(d Delivery) (found []signature) {
	add := func(of Scheme, text string) {
		if sum, err := base64.StdEncoding.DecodeString(text); err == nil {
			found = append(found, signature{of, sum})
		}
	}
	for i, text := range strings.SplitN(d.Header("webhook-signature"), " ", maxSignatures+1) {
		if v1, ok := strings.CutPrefix(text, "v1,"); ok && i < maxSignatures {
			add(StandardWebhooks, v1)
		}
	}
	add(Shopify, d.Header("X-Shopify-Hmac-SHA256"))
	return found
}

// check accepts the id of a push. It is signed with a full stop after it: one with another in it could be cut elsewhere.
func (id EventID) check() error {
	err := valid.ID("webhook-id", id)
	if err == nil && (len(id) > maxEvent || strings.Contains(string(id), ".")) {
		err = &InputError{Field: "webhook-id", Reason: fmt.Sprintf("is longer than %d bytes, or has a full stop", maxEvent)}
	}
	return err
}
