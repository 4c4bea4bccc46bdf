package routing

import (
	"cmp"
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/secret"
)

var (
	// ErrToken: a visitor of a line that asks for tokens has none, or one that was not made for
	// that visitor, line and tenant.
	ErrToken = errs.New(errs.Denied, "routing: the visitor has no token of the line; have the page make one")
	// ErrTokenAge: a token is older than the line takes, or ahead of the clock.
	ErrTokenAge = errs.New(errs.OutOfTime, "routing: the visitor's token is too old; have the page make another")
)

// tokenAhead is how much later than now a token may have been made, for clocks that differ.
const tokenAhead = time.Minute

// Sign returns a token for a visitor of a line, for the page that knows the visitor to send along
// with them: so that nobody makes visitors up where Settings.Signed asks for it. It is good for
// Settings.TokenAge from now. Errors: *errs.InputError, and one where Options.Keys are none, too
// short or of the same id.
func (e *Engine) Sign(line ids.Line, v VisitorID) (string, error) {
	err := cmp.Or(Route{Line: line, Visitor: v}.check(), e.checkKeys())
	if err != nil {
		return "", fmt.Errorf("routing: sign: %w", err)
	}
	k, issued := e.keys[0], strconv.FormatInt(e.frame.Now().Unix(), 10)
	return strings.Join([]string{"v1", k.ID, issued, encode([]byte(v)), encode(e.mac(k, line, v, issued))}, "."), nil
}

func encode(text []byte) string { return base64.RawURLEncoding.EncodeToString(text) }

// mac binds a token to what it is for.
func (e *Engine) mac(k secret.Key, line ids.Line, v VisitorID, issued string) []byte {
	return keyring.Sum(k.Secret, "dispatch.v1 visitor", e.frame.Tenant(), string(line), string(v), issued)
}

func (e *Engine) checkKeys() error {
	if err := keyring.Check(e.keys); err != nil {
		return fmt.Errorf("options: %w", err)
	}
	return nil
}

// Visitor returns who a token is for, however old it is. ErrToken: the token is not one of the
// line.
func (e *Engine) Visitor(line ids.Line, token string) (VisitorID, error) {
	v, _, err := e.visitor(line, token)
	return v, err
}

// visitor returns who a token is for, and when it was made. ErrToken: it is none of the line.
func (e *Engine) visitor(line ids.Line, token string) (VisitorID, time.Time, error) {
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 5 || parts[0] != "v1" {
		return "", time.Time{}, ErrToken
	}
	v, err1 := base64.RawURLEncoding.Strict().DecodeString(parts[3])
	sum, err2 := base64.RawURLEncoding.Strict().DecodeString(parts[4])
	seconds, err3 := strconv.ParseInt(parts[2], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return "", time.Time{}, ErrToken
	}
	for _, k := range e.keys {
		if k.ID == parts[1] && hmac.Equal(sum, e.mac(k, line, VisitorID(v), parts[2])) {
			return VisitorID(v), time.Unix(seconds, 0).UTC(), nil
		}
	}
	return "", time.Time{}, ErrToken
}

// maxToken is longer than any token.
const maxToken = 512

// accepts returns ErrToken or ErrTokenAge where a visitor may not come to the line with a token
// that was made at that time, the zero time for none.
func (s Settings) accepts(issued, now time.Time) error {
	switch {
	case issued.IsZero() && s.Signed:
		return ErrToken
	case issued.IsZero():
		return nil
	case issued.After(now.Add(tokenAhead)), now.Sub(issued) >= time.Duration(cmp.Or(s.TokenAge, DefaultTokenAge))*time.Minute:
		return ErrTokenAge
	}
	return nil
}
