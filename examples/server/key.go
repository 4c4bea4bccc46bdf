package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"unicode"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// numbered reports whether a text may hold a telephone number: 7 digits or more of any script, with
// no letter between them.
func numbered(text string) bool {
	n := 0
	for _, r := range text {
		switch {
		case unicode.IsLetter(r):
			n = 0
		case unicode.IsNumber(r):
			if n++; n == 7 {
				return true
			}
		}
	}
	return false
}

// ownKey prepares the key that a client gave for the engines, whose journal keeps it and hands it
// to every relay. It is false where the key is like one that a flow derives. A key that may hold a
// telephone number is replaced by a hash of it, which is another text for another key; whoever
// tries all numbers still finds which it was of.
func ownKey(h http.Header) bool {
	key := h.Get("Idempotency-Key")
	if strings.HasPrefix(key, journal.Derived) {
		return false
	}
	if numbered(key) && len(key) <= 128 {
		sum := sha256.Sum256([]byte(key))
		h.Set("Idempotency-Key", "sha256-"+hex.EncodeToString(sum[:]))
	}
	return true
}
