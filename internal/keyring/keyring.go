// Package keyring holds what engines share that keep secrets.
package keyring

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// A Key is a secret of the embedder's, from its own configuration.
type Key struct {
	ID     string // 1 to 32 bytes of a-z, A-Z, 0-9, '-' and '_'; names the key for ever
	Secret []byte // at least 32 bytes from a random source
}

const idBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// Check accepts one or more keys of different ids.
func Check(keys []Key) error {
	if len(keys) == 0 {
		return errors.New("there is no key; give one of at least 32 random bytes")
	}
	seen := map[string]bool{}
	for _, k := range keys {
		switch {
		case len(k.ID) < 1 || len(k.ID) > 32 || strings.Trim(k.ID, idBytes) != "":
			return fmt.Errorf("key id %q is not 1 to 32 letters, digits, '-' or '_'", k.ID)
		case len(k.Secret) < 32:
			return fmt.Errorf("the secret of key %s has fewer than 32 bytes", k.ID)
		case seen[k.ID]:
			return fmt.Errorf("key id %s is there twice", k.ID)
		}
		seen[k.ID] = true
	}
	return nil
}

// Sum is HMAC-SHA-256 of the parts, each with its length before it.
func Sum(secret []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, secret)
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}
