package session

import (
	"crypto/rand"
	"encoding/base64"
	"strings"

	"github.com/scrmkit/scrmkit/internal/keyring"
)

const (
	tokenPrefix = "scrmsess_" // by which scanners for secrets know a token
	tokenBytes  = 32
)

// encoding gives each token one text.
var encoding = base64.RawURLEncoding.Strict()

func newToken() string {
	b := make([]byte, tokenBytes)
	rand.Read(b)
	return tokenPrefix + encoding.EncodeToString(b)
}

// wellFormed reports whether a text can be a token.
func wellFormed(token string) bool {
	rest, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok || len(rest) != encoding.EncodedLen(tokenBytes) {
		return false
	}
	b, err := encoding.DecodeString(rest)
	return err == nil && len(b) == tokenBytes // a line feed is passed over
}

// hashToken returns what is stored of a token. It needs no key, for tokens are random; and how long
// a look-up of it takes tells nothing of them.
func hashToken(tenant, realm, token string) []byte {
	return keyring.Sum(nil, "session.v1 token", tenant, realm, token)
}
