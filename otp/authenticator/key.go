package authenticator

import (
	"encoding/json"
	"fmt"

	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A ring seals secrets, and hashes the codes in the inputs of commands.
type ring keyring.Ring

func newRing(keys []secret.Key) (ring, error) {
	r, err := keyring.New(keys, "authenticator.v1 code", "authenticator.v1 seal")
	if err != nil {
		return nil, fmt.Errorf("authenticator: %w", err)
	}
	return ring(r), nil
}

// inputs are what a command with a code is hashed as, under every key.
func (r ring) inputs(tenant string, s Subject, code string) []any {
	var all []any
	for _, k := range r {
		all = append(all, []any{s, keyring.Sum(k.MAC, tenant, string(s), code)[:16]})
	}
	return all
}

// seal seals a value into the row of a secret, which is that of the number-th of its use.
func (r ring) seal(tenant string, row *sealed, number int64, v any) {
	row.KeyID, row.Sealed = r[0].ID, r[0].Seal(journal.JSON(v), sealContext(tenant, row, number))
}

// open reads what seal sealed.
func (r ring) open(tenant string, row *sealed, number int64, v any) error {
	for _, k := range r {
		if k.ID == row.KeyID {
			text, err := k.Open(row.Sealed, sealContext(tenant, row, number))
			if err == nil {
				err = json.Unmarshal(text, v)
			}
			if err != nil {
				return fmt.Errorf("authenticator: the %s secret of %s can't be opened; the subject has to enroll again", row.Use, row.Subject)
			}
			return nil
		}
	}
	return fmt.Errorf("authenticator: the %s secret of %s was sealed by the key %q; put that key back", row.Use, row.Subject, row.KeyID)
}

// sealContext is what something sealed is of.
func sealContext(tenant string, row *sealed, number int64) string {
	return fmt.Sprintf("authenticator.v1 %d %s %d %s %s %d", len(tenant), tenant, len(row.Subject), row.Subject, row.Use, number)
}
