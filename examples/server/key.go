package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// numbered finds what may be a telephone number: 7 digits or more, however they are grouped.
var numbered = regexp.MustCompile(`(?:\d[-./()+_:\s]*){7}`)

// ownKey prepares the key that a client gave for the engines, whose journal keeps it and hands it
// to every relay. It is false where the key is like one that a flow derives. A key that may hold a
// telephone number is replaced by a hash of it, which is another text for another key; whoever
// tries all numbers still finds which it was of.
func ownKey(h http.Header) bool {
	key := h.Get("Idempotency-Key")
	if strings.HasPrefix(key, journal.Derived) {
		return false
	}
	if numbered.MatchString(key) && len(key) <= 128 {
		sum := sha256.Sum256([]byte(key))
		h.Set("Idempotency-Key", "sha256-"+hex.EncodeToString(sum[:]))
	}
	return true
}
