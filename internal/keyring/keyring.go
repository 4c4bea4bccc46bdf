// Package keyring holds what engines share that keep secrets.
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/scrmkit/scrmkit/secret"
)

const idBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// Check accepts one or more keys of different ids.
func Check(keys []secret.Key) error {
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

// A Key is a secret.Key with what an engine derives of it.
type Key struct {
	ID  string
	MAC []byte // for Sum
	Box
}

// A Ring has the keys of an engine: the first one signs and seals, and any verifies and opens.
type Ring []Key

// New returns the ring of keys. mac and box name what they are for, so that no other engine derives
// the same.
func New(keys []secret.Key, mac, box string) (Ring, error) {
	if err := Check(keys); err != nil {
		return nil, err
	}
	var r Ring
	for _, k := range keys {
		r = append(r, Key{k.ID, Sum(k.Secret, mac), NewBox(k.Secret, box)})
	}
	return r, nil
}

// Open opens what the key of that id sealed.
func (r Ring) Open(id string, sealed []byte, context string) ([]byte, error) {
	for _, k := range r {
		if k.ID == id {
			return k.Open(sealed, context)
		}
	}
	return nil, errors.New("it was sealed by a key that is gone")
}

// SealText seals a text for the way to somebody and back: the id of the key, a dot and base 64.
func (r Ring) SealText(text []byte, context string) string {
	return r[0].ID + "." + base64.RawURLEncoding.EncodeToString(r[0].Seal(text, context))
}

// OpenText opens what SealText sealed.
func (r Ring) OpenText(sealed, context string) ([]byte, error) {
	id, text, _ := strings.Cut(sealed, ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return r.Open(id, raw, context)
}

// Sum is HMAC-SHA-256 of the parts, each with its length before it.
func Sum(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// A Box seals texts with AES-256-GCM, under a key of its own for each purpose.
type Box struct{ aead cipher.AEAD }

// NewBox returns the box of a key for a purpose.
func NewBox(key []byte, purpose string) Box {
	block, err := aes.NewCipher(Sum(key, purpose))
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // the block is that of AES
	}
	return Box{aead}
}

// Seal returns a text that is opened in the same context alone.
func (b Box) Seal(text []byte, context string) []byte {
	nonce := make([]byte, b.aead.NonceSize(), b.aead.NonceSize()+len(text)+b.aead.Overhead())
	rand.Read(nonce)
	return b.aead.Seal(nonce, nonce, text, []byte(context))
}

// Open returns what Seal sealed.
func (b Box) Open(sealed []byte, context string) ([]byte, error) {
	n := b.aead.NonceSize()
	if len(sealed) <= n {
		return nil, errors.New("it is too short to be sealed")
	}
	return b.aead.Open(nil, sealed[:n], sealed[n:], []byte(context))
}
