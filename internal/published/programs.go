package published

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/scrmkit/scrmkit/internal/engine"
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

	Bound     error // a bound engine does not publish
	Unknown   error // there is no such version
	Published error // the version exists and is another, or is not the next

	// Follows returns why a version can't follow the one before it, or nil. Without Follows any can.
	Follows func(d, before D) error
	// Refusal returns why a version was not stored, or nil where it may be published again. Without
	// Refusal any version may that is stored as it is.
	Refusal func(ctx context.Context, s storage.Store, d D) error
}

// Programs publishes programs and keeps them in memory, for every tenant. It is safe for concurrent
// use. It is an interface for the sake of those who import a package that holds one: the methods of a
// generic type are compiled with each importer.
type Programs[ID ~string, D, P any] interface {
	// Publish compiles and stores a version: the first one, or the one after the newest. One that is
	// stored already, unchanged, is no error. Errors: those of Kind.
	Publish(ctx context.Context, f engine.Frame, d D) (P, error)
	// Get returns a version of a program, or the newest for version 0: the one of at most Refresh ago
	// where another process publishes.
	Get(ctx context.Context, f engine.Frame, id ID, version int) (P, error)
	// Forget forgets which version is the newest.
	Forget(f engine.Frame, id ID)
}

type programs[ID ~string, D, P any] struct {
	kind  Kind[ID, D, P]
	cache Cache[ID, P]
}

// NewPrograms returns the programs of a kind.
func NewPrograms[ID ~string, D, P any](k Kind[ID, D, P]) Programs[ID, D, P] {
	return &programs[ID, D, P]{k, New[ID, P]()}
}

func (p *programs[ID, D, P]) Publish(ctx context.Context, f engine.Frame, d D) (program P, err error) {
	ctx, call := f.Begin(ctx, p.kind.Package+".publish", "")
	defer call.End(&err)
	var none P
	if f.Bound {
		return none, p.kind.Bound
	}
	if program, err = p.kind.Compile(d); err != nil {
		return none, err
	}
	id, version := p.kind.Version(d)
	if err := p.store(ctx, f.Store, p.kind.Definition(program)); err != nil {
		return none, fmt.Errorf("%s: publish %s version %d: %w", p.kind.Package, id, version, err)
	}
	p.Forget(f, id)
	return program, nil
}

func (p *programs[ID, D, P]) store(ctx context.Context, s storage.Store, d D) error {
	id, version := p.kind.Version(d)
	if version > 1 && p.kind.Follows != nil {
		before, err := p.stored(ctx, s, id, version-1)
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
	stored, err := p.stored(ctx, s, id, version)
	if err != nil || !Same(stored, d) {
		return p.kind.Published
	}
	return nil
}

// Same reports whether two definitions say the same.
func Same[D any](a, b D) bool { return bytes.Equal(journal.JSON(a), journal.JSON(b)) }

// stored returns the definition of a version, or of the newest for version 0.
func (p *programs[ID, D, P]) stored(ctx context.Context, s storage.Store, id ID, version int) (D, error) {
	d, ok, err := p.kind.Versions.Load(ctx, s, id, version)
	if err == nil && !ok {
		err = p.kind.Unknown
	}
	return d, err
}

func (p *programs[ID, D, P]) Get(ctx context.Context, f engine.Frame, id ID, version int) (program P, err error) {
	var none P
	if err := cmp.Or(valid.ID(p.kind.Noun, id), valid.Between("version", int64(version), 0, math.MaxInt32)); err != nil {
		return none, fmt.Errorf("%s: %s: %w", p.kind.Package, p.kind.Noun, err)
	}
	now := f.Now()
	if program, ok := p.cache.Get(f.Tenant(), id, version, now); ok {
		return program, nil
	}
	d, err := p.stored(ctx, f.Store, id, version)
	if err != nil {
		return none, fmt.Errorf("%s: %s %s: %w", p.kind.Package, p.kind.Noun, id, err)
	}
	if program, err = p.kind.Compile(d); err != nil {
		return none, fmt.Errorf("%s: %s %s as stored: %w", p.kind.Package, p.kind.Noun, id, err)
	}
	_, n := p.kind.Version(d)
	p.cache.Put(f.Tenant(), id, n, program, version == 0, now)
	return program, nil
}

func (p *programs[ID, D, P]) Forget(f engine.Frame, id ID) { p.cache.Forget(f.Tenant(), id) }
