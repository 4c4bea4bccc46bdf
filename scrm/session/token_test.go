package session_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/scrm/session"
)

func TestTokens(t *testing.T) {
	a, b := session.NewToken(), session.NewToken()
	if a == b || !session.WellFormed(a) || !session.WellFormed(b) {
		t.Errorf("tokens %q and %q", a, b)
	}
	body := strings.TrimPrefix(a, session.TokenPrefix)
	for what, token := range map[string]string{
		"nothing": "", "the prefix": session.TokenPrefix, "no prefix": body, "another prefix": "scrmSESS_" + body, "a letter less": a[:len(a)-1],
		"a letter more": a + "A", "padding": a + "=", "a space": " " + a, "the other alphabet": session.TokenPrefix + strings.Repeat("+", len(body)),
		"a line feed": session.TokenPrefix + body[:10] + "\n" + body[11:], "bits that are not used": session.TokenPrefix + strings.Repeat("A", len(body)-1) + "B",
	} {
		if session.WellFormed(token) {
			t.Errorf("%s: %q is a token", what, token)
		}
	}
	hash := session.HashToken("acme", "customer", a)
	for what, other := range map[string][]byte{
		"token": session.HashToken("acme", "customer", b), "realm": session.HashToken("acme", "staff", a), "tenant": session.HashToken("", "customer", a),
		"tenant that ends elsewhere": session.HashToken("acmec", "ustomer", a),
	} {
		if bytes.Equal(hash, other) || len(other) != 32 {
			t.Errorf("another %s has the hash %x", what, other)
		}
	}
}

// FuzzTokens: what is taken for a token is the one text of 256 bits.
func FuzzTokens(f *testing.F) {
	f.Add(session.NewToken())
	f.Add(session.TokenPrefix)
	f.Add(session.TokenPrefix + strings.Repeat("\n", 43))
	f.Fuzz(func(t *testing.T, token string) {
		if !session.WellFormed(token) {
			return
		}
		body, ok := strings.CutPrefix(token, session.TokenPrefix)
		b, err := base64.RawURLEncoding.DecodeString(body)
		if !ok || err != nil || len(b) != 32 || base64.RawURLEncoding.EncodeToString(b) != body {
			t.Errorf("%q is a token: %x, %v", token, b, err)
		}
	})
}
