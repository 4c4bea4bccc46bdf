package dbtest

import (
	"context"
	"errors"
	"slices"

	"github.com/scrmkit/scrmkit/storage"
)

// ErrPoison is what a Poisoned store fails with.
var ErrPoison = errors.New("poison")

// A Poisoned store can't load some subjects and fails some writes, which it counts. It is for one
// goroutine at a time.
type Poisoned struct {
	storage.Tx
	Subjects []string
	Failing  int // the number of the write that fails; 0: none
	Writes   int
}

// Load implements storage.Store.
func (p *Poisoned) Load(ctx context.Context, looks []storage.Look) error {
	if slices.ContainsFunc(looks, func(l storage.Look) bool { return slices.Contains(p.Subjects, l.Subject) }) {
		return ErrPoison
	}
	return p.Tx.Load(ctx, looks)
}

// Save implements storage.Store.
func (p *Poisoned) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	if p.Writes++; p.Writes == p.Failing {
		return nil, ErrPoison
	}
	return p.Tx.Save(ctx, changes)
}
