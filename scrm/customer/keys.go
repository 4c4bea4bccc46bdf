package customer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// ErrKeyGone: what is stored of the customer was sealed by a key that the engine does not have.
// Give it the key again, until Reseal is done.
var ErrKeyGone = errs.New(errs.Internal, "customer: it was sealed by a key that is gone; give the engine that key again, and run Reseal")

// A keeper keeps personal data under one key. The one without a box keeps it as plain text.
type keeper struct {
	id     string
	secret []byte
	box    *keyring.Box
}

// A ring is the keepers of an engine. The first one seals; each of them opens.
type ring []keeper

// newRing returns an error for keys that are none, and where there are none at all and plain text
// is not wanted.
func newRing(keys []secret.Key, plain bool) (ring, error) {
	var r ring
	if len(keys) > 0 || !plain {
		if err := keyring.Check(keys); err != nil {
			return nil, err
		}
	}
	for _, k := range keys {
		box := keyring.NewBox(k.Secret, "customer.v1")
		r = append(r, keeper{k.ID, k.Secret, &box})
	}
	if plain {
		r = append(r, keeper{})
	}
	return r, nil
}

// seal returns a text as it is stored.
func (k keeper) seal(text []byte, context string) []byte {
	if k.box == nil {
		return text
	}
	return k.box.Seal(text, context)
}

// place returns where an identity is stored: nobody finds it there who has the database alone.
func (k keeper) place(tenant string, i Identity) []byte {
	return keyring.Sum(k.secret, "customer.v1 identity", tenant, string(i.Platform), i.Namespace, i.ID)
}

// digest returns what the journal has of personal data in the input of a command.
func (k keeper) digest(tenant string, v any) []byte {
	return keyring.Sum(k.secret, "customer.v1 input", tenant, string(journal.JSON(v)))
}

// places returns where an identity is stored, under each key.
func (r ring) places(tenant string, i Identity) [][]byte {
	all := make([][]byte, len(r))
	for n, k := range r {
		all[n] = k.place(tenant, i)
	}
	return all
}

// open reads a value that was sealed by the key of that id. Errors: ErrKeyGone; storage.ErrFormat;
// that it was changed.
func (r ring) open(keyID string, sealed []byte, context string, v any) error {
	i := slices.IndexFunc(r, func(k keeper) bool { return k.id == keyID })
	if i < 0 {
		return fmt.Errorf("%w (%q)", ErrKeyGone, keyID)
	}
	text, err := sealed, error(nil)
	if r[i].box != nil {
		text, err = r[i].box.Open(sealed, context)
	}
	if err != nil {
		return errors.New("customer: stored data can't be opened: it was changed, or is another row's")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if d.Decode(v) != nil {
		return storage.ErrFormat
	}
	return nil
}

// has reports whether there is a key of that id.
func (r ring) has(keyID string) bool {
	return slices.ContainsFunc(r, func(k keeper) bool { return k.id == keyID })
}
