package storagetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var errGivenUp = errors.New("given up")

func transactions(s suite) {
	s.once("commits what every store wrote in it", func(t *testing.T, d Database) {
		must(t, d.DB.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error { return fill(ctx, tx) }))
		filled(t, d)
	})
	s.once("that was joined commits what every store wrote in it", func(t *testing.T, d Database) {
		joinable(t, d)
		must(t, d.Join(t.Context(), func(ctx context.Context, tx storage.Tx) error { return fill(ctx, tx) }))
		filled(t, d)
	})
	s.once("reads what it wrote", func(t *testing.T, d Database) {
		must(t, d.DB.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			must(t, fill(ctx, tx))
			rootWriter.holds(ctx, t, tx, "north", 1, 1)
			return nil
		}))
	})
	s.once("that gives an error stores nothing", func(t *testing.T, d Database) {
		isError(t, "InTx", d.DB.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			return errors.Join(fill(ctx, tx), errGivenUp)
		}), errGivenUp)
		untouched(t, d)
	})
	s.once("that was joined and gives an error stores nothing", func(t *testing.T, d Database) {
		joinable(t, d)
		isError(t, "Join", d.Join(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			return errors.Join(fill(ctx, tx), errGivenUp)
		}), errGivenUp)
		untouched(t, d)
	})
	s.once("that fails takes back changes of rows that were there", rollsBackChanges)
	s.once("that panics stores nothing, and panics on", panics)
	s.once("whose goroutine ends stores nothing", goexits)
	s.once("whose context ends stores nothing", func(t *testing.T, d Database) {
		ctx, cancel := context.WithCancel(t.Context())
		isError(t, "InTx", d.DB.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			must(t, fill(ctx, tx))
			cancel()
			return nil
		}), context.Canceled)
		untouched(t, d)
	})
	s.once("that has to runs again from the start", runsAgain)
	s.once("runs at most five times", runsFiveTimes)
	s.once("that was joined never runs again", joinedRunsOnce)
	s.once("is the only way to the database from within", onlyWay)
	s.once("that has ended is refused", ended)
	s.once("that rolls back leaves what was saved before it", attemptStands)
}

func joinable(t *testing.T, d Database) {
	if d.Join == nil {
		t.Skip("the adapter joins no transactions")
	}
}

// answers are what every read finds in db.
func answers(t testing.TB, db storage.DB) map[string]any {
	t.Helper()
	found := map[string]any{}
	for _, c := range reads {
		v, err := c.run(t.Context(), db)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		found[c.name] = v
	}
	return found
}

// filled fails where db does not hold what fill writes.
func filled(t testing.TB, d Database) {
	t.Helper()
	want := d.Tenant("filled plainly")
	must(t, fill(t.Context(), want))
	equal(t, "after the commit", answers(t, d.DB), answers(t, want))
}

// untouched fails where db holds anything that fill writes.
func untouched(t testing.TB, d Database) {
	t.Helper()
	equal(t, "after the rollback", answers(t, d.DB), answers(t, d.Tenant("nobody")))
	must(t, fill(t.Context(), d.DB))
}

func rollsBackChanges(t *testing.T, d Database) {
	must(t, fill(t.Context(), d.DB))
	before := answers(t, d.DB)
	isError(t, "InTx", d.DB.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
		for _, c := range writes {
			if _, err := c.run(ctx, tx); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		return errGivenUp
	}), errGivenUp)
	equal(t, "after the rollback", answers(t, d.DB), before)
	for _, c := range writes {
		if _, err := c.run(t.Context(), d.DB); err != nil {
			t.Errorf("%s, again: %v", c.name, err)
		}
	}
}

func panics(t *testing.T, d Database) {
	func() {
		defer func() { equal(t, "panic", recover(), any("out of ink")) }()
		err := d.DB.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			must(t, fill(ctx, tx))
			panic("out of ink")
		})
		t.Errorf("InTx returned %v", err)
	}()
	untouched(t, d)
}

func goexits(t *testing.T, d Database) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := d.DB.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			if err := fill(ctx, tx); err != nil {
				return err
			}
			runtime.Goexit()
			return nil
		})
		t.Errorf("InTx returned %v", err)
	}()
	<-done
	untouched(t, d)
}

// Rule 4: InTx owns its transaction, and runs it again where it has to.
func runsAgain(t *testing.T, d Database) {
	runs := 0
	must(t, d.DB.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
		if err := fill(ctx, tx); err != nil {
			return err
		}
		if runs++; runs < 5 {
			return fmt.Errorf("run %d: %w", runs, storage.ErrRetry)
		}
		return nil
	}))
	equal(t, "runs", runs, 5)
	filled(t, d)
}

// Rule 4: it gives up after five runs.
func runsFiveTimes(t *testing.T, d Database) {
	runs := 0
	isError(t, "InTx", d.DB.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
		runs++
		return errors.Join(fill(ctx, tx), storage.ErrRetry)
	}), storage.ErrRetry)
	equal(t, "runs", runs, 5)
	untouched(t, d)

	runs = 0
	isError(t, "InTx", d.DB.InTx(t.Context(), func(context.Context, storage.Tx) error {
		runs++
		return journal.ErrConflict
	}), journal.ErrConflict)
	equal(t, "runs after an error of another kind", runs, 1)
}

// Rule 4: the owner of a joined transaction decides.
func joinedRunsOnce(t *testing.T, d Database) {
	joinable(t, d)
	runs := 0
	isError(t, "Join", d.Join(t.Context(), func(ctx context.Context, tx storage.Tx) error {
		runs++
		return errors.Join(fill(ctx, tx), storage.ErrRetry)
	}), storage.ErrRetry)
	equal(t, "runs", runs, 1)
	untouched(t, d)
}

// Rule 5: within InTx every store of the database that is not its Tx is refused, and so is another
// transaction.
func onlyWay(t *testing.T, d Database) {
	must(t, fill(t.Context(), d.DB))
	before := answers(t, d.DB)
	must(t, d.DB.InTx(t.Context(), func(ctx context.Context, _ storage.Tx) error {
		for _, db := range []storage.DB{d.DB, d.Tenant(""), d.Tenant("other")} {
			for _, c := range everyCall() {
				_, err := c.run(ctx, db)
				isError(t, c.name, err, storage.ErrOutsideTx)
			}
			isError(t, "InTx", db.InTx(ctx, func(context.Context, storage.Tx) error {
				t.Error("a transaction began within another")
				return nil
			}), storage.ErrOutsideTx)
		}
		return nil
	}))
	equal(t, "after it", answers(t, d.DB), before)
}

// Rule 5: a Tx is of no use after its unit of work.
func ended(t *testing.T, d Database) {
	must(t, fill(t.Context(), d.DB))
	before := answers(t, d.DB)
	var kept storage.Tx
	keep := func(ctx context.Context, tx storage.Tx) error {
		kept = tx
		return nil
	}
	refused := func() {
		for _, c := range everyCall() {
			if _, err := c.run(t.Context(), kept); err == nil {
				t.Errorf("%s: a transaction that had ended answered", c.name)
			}
		}
	}
	must(t, d.DB.InTx(t.Context(), keep))
	refused()
	if d.Join != nil {
		must(t, d.Join(t.Context(), keep))
		refused()
	}
	equal(t, "after it", answers(t, d.DB), before)
}

// Rule 6: what was counted outside is not forgiven by the rollback of what it was for.
func attemptStands(t *testing.T, d Database) {
	ctx := t.Context()
	must(t, fill(ctx, d.DB))
	guess := entry(rootSubject("north"), "wrong guess", 2)
	must(t, one(d.DB.Save(ctx, []storage.Change{rootChange("north", 2, guess)})))
	isError(t, "InTx", d.DB.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if err := tokenWriter.save(ctx, tx, "north", 0, "spent"); err != nil {
			return err
		}
		if err := rootWriter.save(ctx, tx, "north", 2, "more"); err != nil {
			return err
		}
		return errGivenUp
	}), errGivenUp)
	rootWriter.holds(ctx, t, d.DB, "north", 2, 2)
	tokenWriter.holds(ctx, t, d.DB, "north", 0, 0)
}
