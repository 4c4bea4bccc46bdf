// Package storage is the seam between the engines and a database: a [DB] gives each engine its store, and runs several
// engines in one transaction. Its adapters are storage/memory and storage/bunstore; storage/storagetest is what both pass.
//
//	err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
//		if err := codes.In(tx).Spend(ctx, claim); err != nil {
//			return err
//		}
//		_, err := cards.In(tx).Add(ctx, stamps.Add{Card: id, N: 1, Key: key})
//		return err
//	})
package storage

import (
	"context"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/tripwire"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/seam"
)

var (
	// ErrOutsideTx: a store of the database was used with the context of a unit of work that it is no part of. Use the
	// Tx that InTx gave. Nothing was stored.
	ErrOutsideTx = tripwire.ErrOutsideTx
	// ErrRetry: the database asks for the whole transaction to be run again (a serialization failure, a deadlock, a
	// busy SQLite file). InTx does so by itself; the owner of a joined transaction rolls back and decides.
	ErrRetry = errs.New(errs.TryAgain, "storage: the transaction must be rolled back and run again")
)

// A Tx gives the stores of one unit of work. Outside InTx and Join each Save is a unit of its own.
type Tx interface {
	seam.Store
	Activation() activation.Store
	Journal() journal.Store
	Leads() lead.Store
	Loyalty() loyalty.Store
	OTP() otp.Store
	Rewards() reward.Store
	Stamps() stamps.Store
}

// A DB is a database, seen by one tenant. It is safe for concurrent use.
type DB interface {
	Tx
	// InTx runs fn in a transaction: committed where fn returns nil, rolled back where it returns an error or panics. fn
	// may run more than once (at most 5 times), so it must leave nothing behind but what it stores through tx. It must
	// use the context it is given; within that context the stores of the DB itself return ErrOutsideTx, and so does
	// another InTx. The error is fn's, or the database's; ErrRetry where the last run had to be given up too.
	InTx(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	// Tenant returns the same database seen by another tenant: no query of it reads or writes a row of any other. The
	// DB that an adapter makes is that of tenant "".
	Tenant(id string) DB
}
