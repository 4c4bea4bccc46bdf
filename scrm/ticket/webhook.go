package ticket

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// A Delivery is a request as it came.
type Delivery struct {
	Header func(name string) string // the first value of a header: http.Header.Get
	Query  func(name string) string // the first value of a parameter of the address: url.Values.Get; nil: there are none
	Body   []byte                   // at most MaxBody
}

func (d Delivery) header(name string) string {
	if name == "" || d.Header == nil {
		return ""
	}
	return d.Header(name)
}

// credential returns the text that has the signatures, or the token.
func (d Delivery) credential(s Signing) string {
	if s.Query != "" && d.Query != nil {
		return d.Query(s.Query)
	}
	return d.header(s.Header)
}

// A Push is a delivery that a site has signed.
type Push struct {
	Event EventID // id of the push, which the site repeats when it sends it again
	Hash  []byte  // SHA-256 of the body
}

// Verify is that of the scheme's Signing. Nothing is good under the scheme custom.
func (s Scheme) Verify(secrets []string, d Delivery, now time.Time) (Push, error) {
	return signings[s].Verify(secrets, d, now)
}

// Verify returns the push that a delivery is, where it was signed with one of the secrets, as it
// came, and in time. As much is hashed whatever is wrong, and whatever the number of secrets, up to
// two.
//
// Errors: ErrSignature; ErrStale where it was signed, at another time; *errs.InputError where a
// header has an id that can't be that of a push: it is missing, longer than 80 bytes, or has a
// space, a control character or a byte that separates what is signed.
func (s Signing) Verify(secrets []string, d Delivery, now time.Time) (Push, error) {
	sum := sha256.Sum256(d.Body)
	push := Push{EventID(d.header(s.ID)), sum[:]}
	sent, stale := s.sent(d, now)
	given, good := s.given(d), false
	for i := range max(maxSecrets, len(secrets)) {
		var key []byte
		err := ErrSignature // of a secret that makes up the number
		if i < len(secrets) {
			key, err = s.key(secrets[i])
		}
		want := s.sign(key, push.Event, sent, d.Body)
		for _, g := range given {
			if hmac.Equal(g, want) && err == nil {
				good = true
			}
		}
	}
	switch {
	case !good:
		return Push{}, ErrSignature
	case stale:
		return Push{}, ErrStale
	case s.ID != "":
		if err := s.checkID(push.Event); err != nil {
			return Push{}, err
		}
		return push, nil
	}
	push.Event = EventID(hex.EncodeToString(sum[:]))
	if s.Event != "" {
		if id, ok := s.event(d.Body); ok {
			push.Event = id
		}
	}
	return push, nil
}

// event returns the id that a body has.
func (s Signing) event(body []byte) (EventID, bool) {
	from, err := compileSource(s.Event)
	if err != nil {
		return "", false
	}
	doc, err := parse(body)
	if err != nil {
		return "", false
	}
	text := from.read(doc)
	return eventOf("", text), text != ""
}

// eventOf returns a text as the id of a push, with what goes before: the text where it can be one,
// or else a hash of it. What looks like another id and the number of a push can be no order's.
func eventOf(before, text string) EventID {
	id := EventID(before + text)
	own := !strings.HasPrefix(text, orders)
	if before == orders {
		own = strings.LastIndex(text, "#") < 1
	}
	if (ID{"site", id}).check() == nil && own && len(text) != 2*sha256.Size {
		return id
	}
	sum := sha256.Sum256([]byte(text))
	return EventID(before + hex.EncodeToString(sum[:]))
}

// sign returns the sum of a delivery under a key, or for a token the sum of the key.
func (s Signing) sign(key []byte, id EventID, sent string, body []byte) []byte {
	if s.Token {
		sum := sha256.Sum256(key)
		return sum[:]
	}
	mac := hmac.New(s.newHash(), key)
	pieces, _ := s.layout()
	for _, p := range pieces {
		switch p.name {
		case "body":
			mac.Write(body)
		case "id":
			mac.Write([]byte(id))
		case "timestamp":
			mac.Write([]byte(sent))
		default:
			mac.Write([]byte(p.text))
		}
	}
	return mac.Sum(nil)
}

// given returns the signatures that a delivery has, or the sum of its token.
func (s Signing) given(d Delivery) (found [][]byte) {
	for _, e := range s.elements(d.credential(s)) {
		text, ok := strings.CutPrefix(e, s.Prefix)
		switch {
		case !ok || text == "":
		case s.Token:
			sum := sha256.Sum256([]byte(text))
			found = append(found, sum[:])
		default:
			if sum := s.decode(text); len(sum) > 0 {
				found = append(found, sum)
			}
		}
	}
	return found
}
