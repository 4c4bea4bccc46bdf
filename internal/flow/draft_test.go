package flow_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/scrmkit/scrmkit/internal/flow"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

type purse struct {
	Owner   string
	Version int64
	Coins   int64
}

type till struct {
	Owner string
	Coins int64
}

var (
	purses = storage.NewTable("test_purse", func(c *storage.Columns, p *purse) {
		storage.Text(c, "owner", &p.Owner)
		c.Key()
		c.Version(&p.Version)
		storage.Int(c, "coins", &p.Coins)
	})
	bags = storage.NewTable("test_bag", func(c *storage.Columns, p *purse) {
		storage.Text(c, "owner", &p.Owner)
		c.Key()
		c.Version(&p.Version)
		storage.Int(c, "coins", &p.Coins)
	})
	tills = storage.NewTable("test_till", func(c *storage.Columns, t *till) {
		storage.Text(c, "owner", &t.Owner)
		c.Key()
		storage.Int(c, "coins", &t.Coins)
	})
	byOwner = purses.Primary()
)

// counted is a database that counts the units of work that are asked of it.
type counted struct {
	storage.DB
	saves, txs int
}

func (c *counted) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	c.saves++
	return c.DB.Save(ctx, changes)
}

func (c *counted) InTx(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error {
	c.txs++
	return c.DB.InTx(ctx, fn)
}

// fill adds coins to a purse or a bag.
func fill(ctx context.Context, s storage.Store, t *storage.Table[purse], owner string, n int64, entries ...journal.Entry) error {
	p := purse{Owner: owner}
	if err := s.Load(ctx, []storage.Look{{Reads: []storage.Read{t.Get(&p)}}}); err != nil {
		return err
	}
	p.Version, p.Coins = p.Version+1, p.Coins+n
	return save(ctx, s, storage.Change{Rows: []storage.Row{t.Save(&p)}, Entries: entries})
}

func save(ctx context.Context, s storage.Store, changes ...storage.Change) error {
	errs, err := s.Save(ctx, changes)
	return errors.Join(append(errs, err)...)
}

func coins(t *testing.T, s storage.Store, of *storage.Table[purse], owner string) int64 {
	t.Helper()
	p := purse{Owner: owner}
	if err := s.Load(t.Context(), []storage.Look{{Reads: []storage.Read{of.Get(&p)}}}); err != nil {
		t.Fatal(err)
	}
	return p.Coins
}

func TestInSave(t *testing.T) {
	refused := errors.New("refused")
	for _, c := range []struct {
		name       string
		fn         func(ctx context.Context, tx storage.Tx, db storage.DB, run int) error
		saves, txs int // of the database by itself
		purse, bag int64
		err        error
		runs       int
	}{
		{name: "what is saved in two tables is one Save", saves: 1, purse: 3, bag: 4, runs: 1,
			fn: func(ctx context.Context, tx storage.Tx, _ storage.DB, _ int) error {
				return errors.Join(fill(ctx, tx, purses, "ann", 3), fill(ctx, tx, bags, "ann", 4))
			}},
		{name: "what only reads saves nothing", runs: 1,
			fn: func(ctx context.Context, tx storage.Tx, _ storage.DB, _ int) error {
				return tx.Load(ctx, []storage.Look{{Reads: []storage.Read{purses.Get(&purse{Owner: "ann"})}}})
			}},
		{name: "after an error nothing is stored", runs: 1, err: refused,
			fn: func(ctx context.Context, tx storage.Tx, _ storage.DB, _ int) error {
				return errors.Join(fill(ctx, tx, purses, "ann", 3), refused)
			}},
		{name: "who reads what it saved reads it", txs: 1, purse: 7, runs: 2,
			fn: func(ctx context.Context, tx storage.Tx, _ storage.DB, _ int) error {
				return errors.Join(fill(ctx, tx, purses, "ann", 3), fill(ctx, tx, purses, "ann", 4))
			}},
		{name: "even where the error is kept from it", txs: 1, purse: 7, runs: 2,
			fn: func(ctx context.Context, tx storage.Tx, _ storage.DB, _ int) error {
				_ = fill(ctx, tx, purses, "ann", 3)
				_ = fill(ctx, tx, purses, "ann", 4)
				return nil
			}},
		{name: "who saves a table again does", txs: 1, purse: 3, runs: 2,
			fn: func(ctx context.Context, tx storage.Tx, _ storage.DB, _ int) error {
				return errors.Join(fill(ctx, tx, purses, "ann", 3),
					save(ctx, tx, storage.Change{Rows: []storage.Row{purses.Save(&purse{Owner: "bob", Version: 1})}}))
			}},
		{name: "who saves several changes does", txs: 1, purse: 3, bag: 4, runs: 2,
			fn: func(ctx context.Context, tx storage.Tx, _ storage.DB, _ int) error {
				return save(ctx, tx, storage.Change{Rows: []storage.Row{purses.Save(&purse{Owner: "ann", Version: 1, Coins: 3})}},
					storage.Change{Rows: []storage.Row{bags.Save(&purse{Owner: "ann", Version: 1, Coins: 4})}})
			}},
		{name: "who lists what it saved lists it", txs: 1, purse: 3, runs: 2,
			fn: func(ctx context.Context, tx storage.Tx, _ storage.DB, _ int) error {
				err := fill(ctx, tx, purses, "ann", 3)
				all, err2 := storage.Collect(storage.List(ctx, tx, byOwner, storage.Range{}))
				if err2 == nil && len(all) != 1 {
					err2 = fmt.Errorf("%d purses are listed", len(all))
				}
				return errors.Join(err, err2)
			}},
		{name: "who looks for the key that it used finds it", txs: 1, purse: 3, runs: 2,
			fn: func(ctx context.Context, tx storage.Tx, _ storage.DB, _ int) error {
				err := fill(ctx, tx, purses, "ann", 3, journal.Entry{Subject: "ann", Key: "k", Seq: 1, Kind: "fill"})
				looks := []storage.Look{{Subject: "ann", Key: "k"}}
				if err2 := tx.Load(ctx, looks); err2 != nil || looks[0].Entry == nil {
					err = errors.Join(err, errors.New("it is not there"), err2)
				}
				return err
			}},
		{name: "where another change comes first it is done again", saves: 1, txs: 1, purse: 13, bag: 4, runs: 2,
			fn: func(ctx context.Context, tx storage.Tx, db storage.DB, run int) error {
				err := fill(ctx, tx, purses, "ann", 3)
				if run == 1 {
					err = errors.Join(err, fill(ctx, db, purses, "ann", 10))
				}
				return errors.Join(err, fill(ctx, tx, bags, "ann", 4))
			}},
		{name: "where a key was used meanwhile it is done again", saves: 1, txs: 1, purse: 3, runs: 2,
			fn: func(ctx context.Context, tx storage.Tx, db storage.DB, run int) error {
				e := journal.Entry{Subject: "ann", Key: "k", Seq: 1, Kind: "fill"}
				if run == 1 {
					return errors.Join(fill(ctx, tx, bags, "ann", 4, e), fill(ctx, db, purses, "ann", 3, e))
				}
				return nil
			}},
		{name: "where a sum meets its bound it is told", saves: 1, txs: 1, purse: 3, runs: 2,
			fn: func(ctx context.Context, tx storage.Tx, _ storage.DB, _ int) error {
				err := save(ctx, tx, storage.Change{Rows: []storage.Row{tills.AddWithin(&till{"ann", -1}, math.MaxInt32)}})
				if errors.Is(err, storage.ErrBound) {
					err = nil // one that is empty gives nothing
				}
				return errors.Join(err, fill(ctx, tx, purses, "ann", 3))
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := memory.New()
			seen, runs := &counted{DB: db}, 0
			err := flow.On(seen, nil, nil).InSave(t.Context(), func(ctx context.Context, tx storage.Tx) error {
				runs++
				return c.fn(ctx, tx, db, runs)
			})
			if !errors.Is(err, c.err) || seen.saves != c.saves || seen.txs != c.txs || runs != c.runs {
				t.Errorf("%d saves, %d transactions, %d runs, %v", seen.saves, seen.txs, runs, err)
			}
			if p, b := coins(t, db, purses, "ann"), coins(t, db, bags, "ann"); p != c.purse || b != c.bag {
				t.Errorf("%d and %d coins, want %d and %d", p, b, c.purse, c.bag)
			}
		})
	}
	t.Run("in a transaction of the caller's it is a part of that", func(t *testing.T) {
		db := memory.New()
		err := db.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			err := flow.On(db, nil, nil).In(tx).InSave(ctx, func(ctx context.Context, tx storage.Tx) error { return fill(ctx, tx, purses, "ann", 3) })
			return errors.Join(err, refused)
		})
		if n := coins(t, db, purses, "ann"); !errors.Is(err, refused) || n != 0 {
			t.Errorf("%d coins after %v", n, err)
		}
	})
}
