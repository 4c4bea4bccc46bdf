package activation

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/width"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/secret"
)

const (
	labelLen  = 8
	secretLen = 26 // of base 32
)

// newCode returns the ID and the rest of a code that nobody has.
func newCode() (id ids.Code, rest string) { return ids.Code(rand.Text()[:labelLen]), rand.Text() }

// textOf returns a code as it is shown.
func textOf(id ids.Code, rest string) string { return string(id) + "-" + rest }

// parseCode reads a code as people type it: in whatever case and width, with spaces and hyphens,
// and with digits that its letters are taken for. ok is false where it can be none.
func parseCode(typed string) (id ids.Code, rest string, ok bool) {
	if len(typed) > 8*(labelLen+secretLen) {
		return "", "", false
	}
	var b strings.Builder
	for _, r := range strings.ToUpper(width.Fold.String(typed)) {
		switch {
		case r >= 'A' && r <= 'Z' || r >= '2' && r <= '7':
			b.WriteRune(r)
		case r == '0':
			b.WriteByte('O')
		case r == '1':
			b.WriteByte('I')
		case r == '8':
			b.WriteByte('B')
		case r == ' ' || r == '-' || r == '\t' || r == '\n' || r == '\r':
		default:
			return "", "", false
		}
	}
	text := b.String()
	if len(text) != labelLen+secretLen {
		return "", "", false
	}
	return ids.Code(text[:labelLen]), text[labelLen:], true
}

// seal returns what is stored of a tenant's code.
func seal(k secret.Key, tenant string, id ids.Code, rest string) *Secret {
	return &Secret{k.ID, keyring.Sum(k.Secret, "activation.v1 code", tenant, string(id), rest)}
}

// opens reports whether the rest is that of the tenant's code. It takes as long where nothing is
// stored.
func (s *Secret) opens(keys []secret.Key, tenant string, id ids.Code, rest string) bool {
	if s == nil {
		s = &Secret{MAC: make([]byte, sha256.Size)}
	}
	i := slices.IndexFunc(keys, func(k secret.Key) bool { return k.ID == s.KeyID })
	return hmac.Equal(seal(keys[max(i, 0)], tenant, id, rest).MAC, s.MAC) && i >= 0
}

// newToken returns the token of a session.
func newToken(id SessionID) string {
	return string(id.Code) + "." + strconv.FormatInt(id.N, 10) + "." + rand.Text()
}

// parseToken returns the session that a token is of.
func parseToken(token string) (id SessionID, ok bool) {
	part := strings.Split(token, ".")
	if len(token) > labelLen+1+20+1+secretLen || len(part) != 3 || len(part[2]) != secretLen {
		return id, false
	}
	n, err := strconv.ParseInt(part[1], 10, 64)
	return SessionID{ids.Code(part[0]), n}, err == nil && n > 0 && valid.ID("", part[0]) == nil
}

// hashSession returns what is stored of the token of a tenant's session.
func hashSession(tenant, token string) []byte { return hashToken("session", tenant, token) }

// hashDevice returns what is stored of the token of a tenant's device.
func hashDevice(tenant string, id DeviceID, token string) []byte {
	return hashToken("device", tenant, string(id), token)
}

// hashInvitation returns what is stored of the token of a tenant's invitation.
func hashInvitation(tenant, token string) []byte { return hashToken("invitation", tenant, token) }

// hashToken needs no key: tokens are random.
func hashToken(kind, tenant string, parts ...string) []byte {
	return keyring.Sum(nil, append([]string{"activation.v1 " + kind, tenant}, parts...)...)
}

func sameHash(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
