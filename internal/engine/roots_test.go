package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A cup is filled, by so much at a time, up to 10.
type cup struct {
	ID      string `json:"id"`
	Seq     int64  `json:"seq"`
	Filled  int64  `json:"filled"`
	version int64
}

var cups = storage.NewTable("test_cup", func(c *storage.Columns, k *cup) {
	storage.Text(c, "cup", &k.ID)
	c.Key()
	c.Version(&k.version)
	c.State("state", 1, k)
})

var cupKind = engine.Kind[cup]{
	Root: func(c *cup) storage.Read { return cups.Get(c) },
	Seq:  func(c *cup) int64 { return c.Seq },
	Rows: func(c *cup) []storage.Row { c.version++; return []storage.Row{cups.Save(c)} },
}

var errFull = errs.New(errs.Exhausted, "the cup is full")

func fill(id, key string, n int64) engine.On[cup, int64] {
	return engine.On[cup, int64]{
		Command: engine.Command{Name: "cup.fill", Subject: "cup/" + id, Key: key, By: "bob", Input: n, Check: func() error { return nil }},
		New:     func() cup { return cup{ID: id} },
		Do: func(c *cup, _ time.Time) (int64, error) {
			if n == 0 {
				return c.Filled, nil
			}
			c.Seq++
			if c.Filled += n; c.Filled > 10 {
				return 0, errFull
			}
			return c.Filled, nil
		},
	}
}

func TestRoots(t *testing.T) {
	ctx := t.Context()
	f, told := hooked()
	db := memory.New()
	f.Store = db
	r := engine.NewRoots[cup, int64](f, cupKind)
	records := func() (kinds []string) {
		for e, err := range db.Journal().After(ctx, "", 0) {
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, fmt.Sprint(e.Subject, " ", e.Seq, " ", e.Key, " ", e.By, " ", string(e.Before), " ", string(e.Result)))
		}
		return kinds
	}
	for _, c := range []struct {
		name     string
		command  engine.On[cup, int64]
		want     int64
		replayed bool
		err      error
	}{
		{"the first makes the root", fill("a", "1", 4), 4, false, nil},
		{"the next one changes it", fill("a", "2", 4), 8, false, nil},
		{"one that comes again is done already", fill("a", "1", 4), 4, true, nil},
		{"and is another one with another input", fill("a", "1", 5), 0, false, journal.ErrKeyReused},
		{"one that is refused leaves no trace", fill("a", "3", 4), 0, false, errFull},
		{"nor does one that changes nothing", fill("a", "4", 0), 8, false, nil},
		{"whose key is free", fill("a", "4", 2), 10, false, nil},
		{"another root has keys of its own", fill("b", "1", 1), 1, false, nil},
	} {
		got, replayed, err := r.Do(ctx, c.command)
		if got != c.want || replayed != c.replayed || !errors.Is(err, c.err) {
			t.Errorf("%s: %d, %t, %v", c.name, got, replayed, err)
		}
	}
	dry := engine.NewRoots[cup, int64](f.Preview(), cupKind)
	if got, _, err := dry.Do(ctx, fill("b", "2", 2)); got != 3 || err != nil {
		t.Errorf("a preview: %d, %v", got, err)
	}
	lost := errors.New("lost")
	err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if got, _, err := r.In(tx).Do(ctx, fill("b", "2", 2)); got != 3 || err != nil {
			t.Errorf("in a transaction: %d, %v", got, err)
		}
		return lost
	})
	if err != lost {
		t.Error(err)
	}
	want := []string{
		`cup/a 1 1 bob  4`, `cup/a 2 2 bob {"id":"a","seq":1,"filled":4} 8`, `cup/a 3 4 bob {"id":"a","seq":2,"filled":8} 10`, `cup/b 1 1 bob  1`,
	}
	if got := records(); !slices.Equal(got, want) {
		t.Errorf("stored\n%q\nwant\n%q", got, want)
	}
	var outcomes []string
	for _, e := range *told {
		outcomes = append(outcomes, e.outcome)
	}
	if want := []string{"done", "done", "replayed", "refused", "refused", "done", "done", "done", "done", "done"}; !slices.Equal(outcomes, want) {
		t.Errorf("told %q, want %q", outcomes, want)
	}
}

// TestRootsTogether: what comes while others are stored shares one save.
func TestRootsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &gated{DB: memory.New(), gate: make(chan struct{})}
		r := engine.NewRoots[cup, int64](engine.New(db, nil, nil), cupKind)
		var wg sync.WaitGroup
		var full atomic.Int64
		for i := range 12 {
			wg.Go(func() {
				_, _, err := r.Do(t.Context(), fill("a", fmt.Sprint(i), 1))
				if err != nil && !errors.Is(err, errFull) {
					t.Error(err)
				}
				if err != nil {
					full.Add(1)
				}
			})
			synctest.Wait()
		}
		close(db.gate)
		wg.Wait()
		if db.saves != 2 || full.Load() != 2 {
			t.Errorf("%d saves, and %d found it full", db.saves, full.Load())
		}
	})
}

// gated is a database whose saves wait.
type gated struct {
	storage.DB
	gate  chan struct{}
	saves int
}

func (g *gated) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	<-g.gate
	g.saves++
	return g.DB.Save(ctx, changes)
}
