package published

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Kind is what a context tells of its programs P, which are compiled from definitions D.
type Kind[ID ~string, D, P any] struct {
	Package, Noun string // "loyalty", "program": for the texts of errors
	Versions      Versions[ID, D]
	Version       func(D) (ID, int)
	Compile       func(D) (P, error)
	Definition    func(P) D // that P was compiled from

	Unknown   error // there is no such version
	Published error // the version exists and is another, or is not the next

	// Follows returns why a version can't follow the one before it, or nil. Without Follows any can.
	Follows func(d, before D) error
	// Refusal returns why a version was not stored, or nil where it may be published again. Without
	// Refusal any version may that is stored as it is.
	Refusal func(ctx context.Context, s storage.Store, d D) error
}

// Programs publishes programs and keeps them in memory, for every tenant. It is safe for concurrent
// use.
type Programs[ID ~string, D, P any] struct {
	kind  Kind[ID, D, P]
	cache *Cache[ID, P]
}

// NewPrograms returns the programs of a kind.
func NewPrograms[ID ~string, D, P any](k Kind[ID, D, P]) *Programs[ID, D, P] {
	return &Programs[ID, D, P]{k, New[ID, P]()}
}

// Publish compiles and stores a version: the first one, or the one after the newest. One that is
// stored already, unchanged, is no error. Errors: those of Kind.
func (p *Programs[ID, D, P]) Publish(ctx context.Context, s storage.Store, d D) (program P, err error) {
	var none P
	if program, err = p.kind.Compile(d); err != nil {
		return none, err
	}
	id, version := p.kind.Version(d)
	if err := p.store(ctx, s, p.kind.Definition(program)); err != nil {
		return none, fmt.Errorf("%s: publish %s version %d: %w", p.kind.Package, id, version, err)
	}
	p.Forget(s.TenantID(), id)
	return program, nil
}

func (p *Programs[ID, D, P]) store(ctx context.Context, s storage.Store, d D) error {
	id, version := p.kind.Version(d)
	if version > 1 && p.kind.Follows != nil {
		before, err := p.Stored(ctx, s, id, version-1)
		if err == nil {
			err = p.kind.Follows(d, before)
		}
		if err != nil && !errors.Is(err, p.kind.Unknown) { // there is none before: it is not the next
			return err
		}
	}
	next, err := p.kind.Versions.Publish(ctx, s, id, version, d)
	switch {
	case err != nil || next:
		return err
	case p.kind.Refusal != nil:
		return p.kind.Refusal(ctx, s, d)
	}
	stored, err := p.Stored(ctx, s, id, version)
	if err != nil || !Same(stored, d) {
		return p.kind.Published
	}
	return nil
}

// Same reports whether two definitions say the same.
func Same[D any](a, b D) bool { return bytes.Equal(journal.JSON(a), journal.JSON(b)) }

// Stored returns the definition of a version as it is stored, or of the newest for version 0.
func (p *Programs[ID, D, P]) Stored(ctx context.Context, s storage.Store, id ID, version int) (D, error) {
	d, ok, err := p.kind.Versions.Load(ctx, s, id, version)
	if err == nil && !ok {
		err = p.kind.Unknown
	}
	return d, err
}

// Get returns a version of a program, or the newest for version 0: the one of at most Refresh ago
// where another process publishes.
func (p *Programs[ID, D, P]) Get(ctx context.Context, s storage.Store, id ID, version int, now time.Time) (program P, err error) {
	var none P
	if err := cmp.Or(valid.ID(p.kind.Noun, id), valid.Between("version", int64(version), 0, math.MaxInt32)); err != nil {
		return none, fmt.Errorf("%s: %s: %w", p.kind.Package, p.kind.Noun, err)
	}
	if program, ok := p.cache.Get(s.TenantID(), id, version, now); ok {
		return program, nil
	}
	d, err := p.Stored(ctx, s, id, version)
	if err != nil {
		return none, fmt.Errorf("%s: %s %s: %w", p.kind.Package, p.kind.Noun, id, err)
	}
	if program, err = p.kind.Compile(d); err != nil {
		return none, fmt.Errorf("%s: %s %s as stored: %w", p.kind.Package, p.kind.Noun, id, err)
	}
	_, n := p.kind.Version(d)
	p.cache.Put(s.TenantID(), id, n, program, version == 0, now)
	return program, nil
}

// Forget forgets which version is the newest.
func (p *Programs[ID, D, P]) Forget(tenant string, id ID) { p.cache.Forget(tenant, id) }
