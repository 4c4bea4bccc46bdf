package sms

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// A field is a header that is signed, with its name in small letters.
type field struct{ name, value string }

// fields returns the headers of those names.
func fields(r *http.Request, names ...string) []field {
	signed := make([]field, len(names))
	for i, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = cmp.Or(r.Host, r.URL.Host)
		}
		signed[i] = field{name, strings.TrimSpace(value)}
	}
	return signed
}

// names returns the names of the fields as signatures list them.
func names(signed []field) string {
	all := make([]string, len(signed))
	for i, f := range signed {
		all[i] = f.name
	}
	return strings.Join(all, ";")
}

// canonical returns the SHA-256 of the canonical form of a request: method, path, query, signed
// headers in the order of their names, and the hash of the body, as AWS Signature Version 4 has
// them and the vendors who took it over.
func canonical(r *http.Request, signed []field, hash string) string {
	var headers strings.Builder
	for _, f := range signed {
		headers.WriteString(f.name + ":" + f.value + "\n")
	}
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	path := cmp.Or(r.URL.EscapedPath(), "/")
	return digest([]byte(strings.Join([]string{r.Method, path, query, headers.String(), names(signed), hash}, "\n")))
}

// digest returns the SHA-256 of a text in hexadecimal.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// mac returns HMAC-SHA-256 of a text.
func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// A scope is what a key is derived for, so that a signature is good for a day, a region and a
// service alone.
type scope struct {
	algorithm string
	parts     []string // as the day, the region, the service and "request"
}

// authorize sets the header Authorization to a signature by a key that is derived for the scope.
func (s scope) authorize(r *http.Request, id, secret, when string, signed []field, hash string) {
	within := strings.Join(s.parts, "/")
	key := []byte(secret)
	for _, part := range s.parts {
		key = mac(key, part)
	}
	signature := mac(key, strings.Join([]string{s.algorithm, when, within, canonical(r, signed, hash)}, "\n"))
	r.Header.Set("Authorization", s.algorithm+" Credential="+id+"/"+within+", SignedHeaders="+names(signed)+
		", Signature="+hex.EncodeToString(signature))
}
