// Package memory is the adapter that keeps everything in the memory of one process: for tests, for
// examples, and as the model that the other adapters are compared with. Where a contract leaves
// something open, what it does is the answer.
//
//   - Transactions run one after the other; while one is open every other call waits, or gives up
//     with its context.
//   - What is put in and what comes out are copies: nobody else holds what is stored.
//   - An iterator yields what was stored when it began, and holds no lock while its consumer runs.
package memory

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"

	"github.com/scrmkit/scrmkit/internal/tripwire"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var errEnded = errors.New("memory: the transaction has ended")

// A DB is a database in memory, seen by one tenant. It implements [storage.DB].
type DB struct{ unit }

var _ storage.DB = (*DB)(nil)

// New returns an empty database, seen by tenant "".
func New() *DB {
	return &DB{unit{data: &data{lock: make(chan struct{}, 1), tenants: map[string]*tables{}}}}
}

// Tenant returns the same database, seen by another tenant: no query of it reads or writes a row of
// any other.
func (d *DB) Tenant(id string) *DB { return &DB{unit{data: d.data, tenant: id}} }

// Tenants yields the tenants whose journals have entries, in the order of their ids.
func (d *DB) Tenants(ctx context.Context) iter.Seq2[string, error] {
	return yieldAll(ctx, d.unit, func(*tables) (all []string, _ error) {
		for id, t := range d.data.tenants {
			if len(t.feed) > len(t.gone) {
				all = append(all, id)
			}
		}
		slices.Sort(all)
		return all, nil
	})
}

// InTx implements [storage.DB]. The database itself never asks for another run; fn may, with
// [storage.ErrRetry].
func (d *DB) InTx(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error {
	if err := tripwire.Check(ctx, d.data); err != nil {
		return err
	}
	return storage.Retry(ctx, func() error { return d.run(ctx, fn) })
}

// run rolls back unless it returns nil, and so where fn panics or ends its goroutine too.
func (d *DB) run(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error {
	if err := d.data.acquire(ctx); err != nil {
		return err
	}
	defer d.data.release()
	tx := &transaction{began: len(d.data.of(d.tenant).feed)}
	d.data.open = tx
	committed := false
	defer func() {
		tx.end(committed)
		d.data.open = nil
	}()
	if err := fn(tripwire.Mark(ctx, d.data), unit{d.data, d.tenant, tx}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	committed = true
	return nil
}

// data is what all tenants share. Whoever has the lock may read and write it.
type data struct {
	lock    chan struct{}
	tenants map[string]*tables
	open    *transaction // nil: none
}

// acquire takes the lock, or gives up with ctx.
func (d *data) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case d.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *data) release() { <-d.lock }

func (d *data) of(tenant string) *tables {
	t := d.tenants[tenant]
	if t == nil {
		t = newTables(d)
		d.tenants[tenant] = t
	}
	return t
}

// TenantID implements [storage.Store].
func (u unit) TenantID() string { return u.tenant }

// A transaction is an open InTx. It has the lock of the data; its own is for the goroutines that
// share its Tx.
type transaction struct {
	mu    sync.Mutex
	ended bool
	began int // entries in the feed when it began
	undo  []func()
}

func (tx *transaction) end(committed bool) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.ended = true
	if committed {
		return
	}
	for i := len(tx.undo) - 1; i >= 0; i-- {
		tx.undo[i]()
	}
}

// A unit gives the stores of one tenant: inside tx, or where that is nil with each call on its own.
type unit struct {
	data   *data
	tenant string
	tx     *transaction
}

// do runs fn on the tables of the tenant, with nobody else.
func (u unit) do(ctx context.Context, fn func(*tables) error) error {
	if u.tx == nil {
		if err := tripwire.Check(ctx, u.data); err != nil {
			return err
		}
		if err := u.data.acquire(ctx); err != nil {
			return err
		}
		defer u.data.release()
		return fn(u.data.of(u.tenant))
	}
	u.tx.mu.Lock()
	defer u.tx.mu.Unlock()
	if u.tx.ended {
		return errEnded
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return fn(u.data.of(u.tenant))
}

// Journal implements [storage.Tx].
func (u unit) Journal() journal.Store { return journalStore{u} }
