package ticket

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Scheme is how a site signs what it pushes.
type Scheme string

// The schemes. What is not said there is that of a Signing.
const (
	// StandardWebhooks 1.0 (github.com/standard-webhooks/standard-webhooks): headers webhook-id,
	// webhook-timestamp and webhook-signature, with v1 (HMAC-SHA256). The id is that of the push.
	StandardWebhooks Scheme = "standardWebhooks"
	// Shopify signs the body alone, in X-Shopify-Hmac-SHA256: its ids are not signed. So a push is
	// known by its body, and one that is sent again, by whomever and under whatever id, is the same
	// one.
	Shopify     Scheme = "shopify"
	WooCommerce Scheme = "woocommerce" // X-WC-Webhook-Signature: base64, over the body
	Typeform    Scheme = "typeform"    // Typeform-Signature: sha256=, base64, over the body; the id is event_id in it
	GitHub      Scheme = "github"      // X-Hub-Signature-256: sha256=, hexadecimal, over the body; Meta signs so too
	LINE        Scheme = "line"        // x-line-signature: base64, over the body
	JotForm     Scheme = "jotform"     // signs nothing: the parameter token of the address is the secret
	Custom      Scheme = "custom"      // as Settings.Signing says
)

// Tolerance is how much older or newer than now a push with a time may be.
const Tolerance = 5 * time.Minute

// maxSignatures is how many signatures of a header are looked at.
const maxSignatures = 16

// A Signing is how pushes are signed, as data: by HMAC of a text that Content lays out, or by the
// secret itself as a token.
//
// What replays are known by is signed: the id of a header where Content has it, a text of the body,
// or else all of the body. So whoever sends a push again, under whatever headers, sends the same
// one.
type Signing struct {
	Header    string   `json:"header,omitempty"`    // that has the signatures, or the token
	Query     string   `json:"query,omitempty"`     // parameter of the address that has the token, instead of Header: logs may show it
	Token     bool     `json:"token,omitempty"`     // the secret itself is sent, and nothing is signed
	Hash      string   `json:"hash,omitempty"`      // sha256, sha1 or sha512; "": sha256
	Encoding  Encoding `json:"encoding,omitempty"`  // of the signatures; "": hex
	Prefix    string   `json:"prefix,omitempty"`    // before each signature, or the token: "sha256=", "v1,", "Bearer "
	Separator string   `json:"separator,omitempty"` // between several signatures of the header; "": it has one

	// Content is what is signed: "{body}", or with {id} and {timestamp} and texts between them, as
	// in "v0:{timestamp}:{body}". "": the body.
	Content string `json:"content,omitempty"`

	ID              string `json:"id,omitempty"`              // header that has the id of the push, which Content has too
	Event           string `json:"event,omitempty"`           // source of the body that has the id of the push
	Timestamp       string `json:"timestamp,omitempty"`       // header that has the time of the attempt, which Content has too
	TimestampPrefix string `json:"timestampPrefix,omitempty"` // before it, among what Separator separates: "t="
	Unit            string `json:"unit,omitempty"`            // of the time: s or ms; "": s
	Secret          string `json:"secret,omitempty"`          // how secrets are written: raw, hex, base64 or whsec; "": raw
}

// An Encoding is how signatures are written.
type Encoding string

// The encodings. Of each, padding may be there or not.
const (
	Hex       Encoding = "hex"       // base 16
	Base64    Encoding = "base64"    // RFC 4648, section 4
	Base64URL Encoding = "base64url" // RFC 4648, section 5
)

var signings = map[Scheme]Signing{
	StandardWebhooks: {
		Header: "webhook-signature", Separator: " ", Prefix: "v1,", Encoding: Base64, Content: "{id}.{timestamp}.{body}",
		ID: "webhook-id", Timestamp: "webhook-timestamp", Secret: "whsec",
	},
	Shopify:     {Header: "X-Shopify-Hmac-SHA256", Encoding: Base64},
	WooCommerce: {Header: "X-WC-Webhook-Signature", Encoding: Base64},
	Typeform:    {Header: "Typeform-Signature", Prefix: "sha256=", Encoding: Base64, Event: "event_id"},
	GitHub:      {Header: "X-Hub-Signature-256", Prefix: "sha256="},
	LINE:        {Header: "x-line-signature", Encoding: Base64},
	JotForm:     {Query: "token", Token: true},
}

// signing returns how a site signs; of an unknown site, something as costly as any.
func (s Settings) signing() Signing {
	if s.Scheme == Custom && s.Signing != nil {
		return *s.Signing
	}
	return signings[s.Scheme]
}

func (s Settings) checkScheme() error {
	_, known := signings[s.Scheme]
	switch {
	case s.Scheme == Custom && s.Signing != nil:
		return s.Signing.check()
	case s.Scheme == Custom:
		return &errs.InputError{Field: "settings.signing", Reason: "is missing, which the scheme custom has"}
	case !known:
		return &errs.InputError{Field: "settings.scheme", Reason: "is none of standardWebhooks, shopify, woocommerce, typeform, github, line, jotform and custom"}
	case s.Signing != nil:
		return &errs.InputError{Field: "settings.signing", Reason: "is for the scheme custom"}
	}
	return nil
}

func (s Signing) check() error {
	bad := func(field, reason string) error {
		return &errs.InputError{Field: "settings.signing." + field, Reason: reason}
	}
	for _, f := range []struct{ field, text string }{{"header", s.Header}, {"id", s.ID}, {"timestamp", s.Timestamp}} {
		if strings.Trim(strings.ToLower(f.text), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" || len(f.text) > valid.MaxID {
			return bad(f.field, "is no name of a header")
		}
	}
	if err := cmp.Or(valid.OptionalID("settings.signing.query", s.Query), valid.Text("settings.signing.prefix", s.Prefix),
		valid.Text("settings.signing.separator", s.Separator), valid.Text("settings.signing.content", s.Content),
		valid.Text("settings.signing.timestampPrefix", s.TimestampPrefix)); err != nil {
		return err
	}
	for _, f := range []struct {
		field, text string
		any         []string
	}{
		{"hash", s.Hash, []string{"", "sha256", "sha1", "sha512"}}, {"encoding", string(s.Encoding), []string{"", "hex", "base64", "base64url"}},
		{"unit", s.Unit, []string{"", "s", "ms"}}, {"secret", s.Secret, []string{"", "raw", "hex", "base64", "whsec"}},
	} {
		if !slices.Contains(f.any, f.text) {
			return bad(f.field, "is none of "+strings.Join(f.any[1:], ", "))
		}
	}
	if s.Event != "" {
		if _, err := compileSource(s.Event); err != nil {
			return bad("event", err.Error())
		}
	}
	pieces, ok := s.layout()
	names := map[string]int{}
	for _, p := range pieces {
		names[p.name]++
	}
	switch {
	case (s.Header == "") == (s.Query == ""):
		return bad("header", "and query: one of them has the signature or the token")
	case s.Query != "" && !s.Token:
		return bad("query", "has a token alone, no signature")
	case s.Token && (s.Content != "" || s.Timestamp != "" || s.Encoding != "" || s.Hash != "" || s.Secret != "" && s.Secret != "raw"):
		return bad("token", "signs nothing: no content, timestamp, encoding, hash or way to write secrets")
	case s.ID != "" && s.Event != "":
		return bad("id", "and event: the id of a push is in one place")
	case s.Token:
		return nil
	case !ok || names["body"] != 1 || names["id"] > 1 || names["timestamp"] > 1:
		return bad("content", "does not have {body} once, and {id} and {timestamp} at most once, with other texts than digits between them")
	case (names["id"] == 1) != (s.ID != ""):
		return bad("id", "is signed or nothing: content has {id} where a header has it, and not otherwise")
	case (names["timestamp"] == 1) != (s.Timestamp != ""):
		return bad("timestamp", "is signed or nothing: content has {timestamp} where a header has it, and not otherwise")
	}
	return nil
}

// A piece of a layout is a text, or a name in braces.
type piece struct{ name, text string }

// layout returns the pieces of Content. ok is false where two names have no text between them by
// which they can be told apart.
func (s Signing) layout() (pieces []piece, ok bool) {
	ok = true
	for rest := cmp.Or(s.Content, "{body}"); rest != ""; {
		at, name := len(rest), ""
		for _, n := range []string{"body", "id", "timestamp"} {
			if i := strings.Index(rest, "{"+n+"}"); i >= 0 && i < at {
				at, name = i, n
			}
		}
		if at > 0 {
			pieces = append(pieces, piece{text: rest[:at]})
		} else if len(pieces) > 0 {
			ok = false // two names side by side
		}
		if name == "" {
			break
		}
		pieces = append(pieces, piece{name: name})
		rest = rest[at+len(name)+2:]
	}
	for i, p := range pieces {
		if p.name == "" && i > 0 && i < len(pieces)-1 && strings.ContainsFunc(p.text, unicode.IsDigit) {
			ok = false // a time could go on in it
		}
	}
	return pieces, ok
}

// key returns what is signed with, of the secret as it is written. *errs.InputError: it is none.
func (s Signing) key(secret string) ([]byte, error) {
	bad := func(reason string) ([]byte, error) { return nil, &errs.InputError{Field: "secret", Reason: reason} }
	var raw []byte
	var err error
	switch s.Secret {
	case "whsec":
		text, ok := strings.CutPrefix(secret, "whsec_")
		if raw, err = base64.StdEncoding.DecodeString(text); !ok || err != nil || len(raw) < 24 || len(raw) > 64 {
			return bad(`is not "whsec_" and 24 to 64 bytes in base64`)
		}
		return raw, nil
	case "hex":
		raw, err = hex.DecodeString(secret)
	case "base64":
		raw, err = base64.StdEncoding.DecodeString(secret)
	default:
		if strings.HasPrefix(secret, "whsec_") && s.Header == signings[Shopify].Header {
			return bad("is one of Standard Webhooks")
		}
		raw = []byte(secret)
	}
	if err != nil || len(raw) < 16 || strings.TrimSpace(secret) != secret {
		return bad("has fewer than 16 characters or bytes, spaces around it, or is not written as the site's scheme says")
	}
	return raw, nil
}

// newHash returns the hash of the signatures.
func (s Signing) newHash() func() hash.Hash {
	switch s.Hash {
	case "sha1":
		return sha1.New
	case "sha512":
		return sha512.New
	}
	return sha256.New
}

// decode reads a signature; nil: it is none.
func (s Signing) decode(text string) []byte {
	var sum []byte
	var err error
	switch s.Encoding {
	case Base64:
		sum, err = base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	case Base64URL:
		sum, err = base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	default:
		sum, err = hex.DecodeString(text)
	}
	if err != nil {
		return nil
	}
	return sum
}

// elements returns what a header has, each once.
func (s Signing) elements(header string) []string {
	if s.Separator == "" {
		return []string{header}
	}
	all := strings.SplitN(header, s.Separator, maxSignatures+1)
	all = all[:min(len(all), maxSignatures)]
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// sent returns the time of the attempt as it is written, and whether it is within the tolerance.
func (s Signing) sent(d Delivery, now time.Time) (text string, stale bool) {
	if s.Timestamp == "" {
		return "", false
	}
	text = d.header(s.Timestamp)
	if s.TimestampPrefix != "" {
		elements := s.elements(text)
		i := slices.IndexFunc(elements, func(e string) bool { return strings.HasPrefix(e, s.TimestampPrefix) })
		if i < 0 {
			return "", true
		}
		text = strings.TrimPrefix(elements[i], s.TimestampPrefix)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strings.Trim(text, "0123456789") != "" {
		return text, true
	}
	at := time.Unix(n, 0)
	if s.Unit == "ms" {
		at = time.UnixMilli(n)
	}
	return text, at.Sub(now).Abs() > Tolerance
}

// checkID accepts the id of a header: one that no neighbor in the signed text could be a part of.
func (s Signing) checkID(id EventID) error {
	name := strings.ToLower(s.ID)
	err := cmp.Or(valid.ID(name, id), valid.Between(name, int64(len(id)), 1, maxEvent))
	if err == nil && strings.HasPrefix(string(id), orders) {
		err = &errs.InputError{Field: name, Reason: "begins with " + orders + ", as the tickets of orders alone do"}
	}
	pieces, _ := s.layout()
	for i, p := range pieces {
		beside := i > 0 && pieces[i-1].name == "id" || i+1 < len(pieces) && pieces[i+1].name == "id"
		if err == nil && p.text != "" && beside && strings.ContainsAny(string(id), p.text) {
			err = &errs.InputError{Field: name, Reason: fmt.Sprintf("has one of %q, with which other parts of what is signed begin and end", p.text)}
		}
	}
	return err
}
