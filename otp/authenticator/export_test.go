package authenticator

import (
	"context"
	"errors"

	"github.com/scrmkit/scrmkit/storage"
)

// Graft stores what is stored of one subject as that of another one, as somebody does who writes to
// the database.
func Graft(ctx context.Context, from storage.Store, a Subject, to storage.Store, b Subject) error {
	h := newHolder(a)
	if err := from.Load(ctx, []storage.Look{{Reads: h.reads(active, pending, recovery)}}); err != nil {
		return err
	}
	h.Subject, h.version = b, 0
	for i := range h.secrets {
		h.secrets[i].Subject, h.secrets[i].changed = b, len(h.secrets[i].Sealed) > 0
	}
	errs, err := to.Save(ctx, []storage.Change{{Rows: h.rows()}})
	return errors.Join(append(errs, err)...)
}

// Swap gives the active authenticator of a subject the secret of the pending one.
func Swap(ctx context.Context, s storage.Store, of Subject) error {
	h := newHolder(of)
	if err := s.Load(ctx, []storage.Look{{Reads: h.reads(active, pending)}}); err != nil {
		return err
	}
	*h.secret(active) = *h.secret(pending)
	h.secrets[0].Use, h.secrets[0].changed = active, true
	errs, err := s.Save(ctx, []storage.Change{{Rows: h.rows()}})
	return errors.Join(append(errs, err)...)
}

// Sealed returns what is stored of the secrets of a subject, and the keys that sealed them.
func Sealed(ctx context.Context, s storage.Store, of Subject) (stored [][]byte, keys []string, err error) {
	h := newHolder(of)
	err = s.Load(ctx, []storage.Look{{Reads: h.reads(active, pending, recovery)}})
	for _, row := range h.secrets {
		if len(row.Sealed) > 0 {
			stored, keys = append(stored, row.Sealed), append(keys, row.KeyID)
		}
	}
	return stored, keys, err
}
