package giftcard_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/examples/newcontext/giftcard"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return start }

func at(now time.Time) *giftcard.Options {
	return &giftcard.Options{Now: func() time.Time { return now }}
}

func cny(minor int64) giftcard.Money { return giftcard.Money{Minor: minor, Currency: "CNY"} }

func issue(card giftcard.CardID, minor int64) giftcard.Issue {
	return giftcard.Issue{Command: giftcard.Command{Card: card, Amount: cny(minor), Key: "issue"}}
}

func charge(card giftcard.CardID, key string, minor int64) giftcard.Charge {
	return giftcard.Charge{Command: giftcard.Command{Card: card, Amount: cny(minor), By: "kathy", Key: key}}
}

func refund(card giftcard.CardID, key, of string, minor int64) giftcard.Refund {
	return giftcard.Refund{Command: charge(card, key, minor).Command, Of: of}
}

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A tenanted is a database with its tenants.
type tenanted struct {
	storage.DB
	tenant func(id string) storage.DB
	// join runs f in a transaction of the test's own, as a tenant. Nil: the database has none.
	join func(t *testing.T, tenant string, f func(tx storage.Tx))
}

// databases are where the tests run: SQL with the tables of giftcard alone.
var databases = map[string]func(t *testing.T) tenanted{
	"memory": func(*testing.T) tenanted {
		db := memory.New()
		return tenanted{DB: db, tenant: func(id string) storage.DB { return db.Tenant(id) }}
	},
	"sqlite": func(t *testing.T) tenanted {
		return open(t, "sqlite:"+filepath.Join(t.TempDir(), "cards.db"))
	},
	"postgres": func(t *testing.T) tenanted { return open(t, pgtest.DSN(t)) },
}

func open(t *testing.T, name string) tenanted {
	t.Helper()
	on, err := database.Connect(name)
	check(t, err)
	t.Cleanup(func() { on.Close() })
	check(t, bunstore.Migrate(t.Context(), on, giftcard.Tables))
	check(t, bunstore.Validate(t.Context(), on, giftcard.Tables))
	db, err := bunstore.New(on, nil)
	check(t, err)
	join := func(t *testing.T, tenant string, f func(tx storage.Tx)) {
		t.Helper()
		tx, err := on.DB.BeginTx(t.Context(), nil)
		check(t, err)
		defer func() { _ = tx.Rollback() }()
		f(db.Tenant(tenant).Join(tx))
		check(t, tx.Commit())
	}
	return tenanted{db, func(id string) storage.DB { return db.Tenant(id) }, join}
}

// TestEngine plays the same story plainly, in InTx and in a joined transaction, each as a tenant of
// its own with cards of the same names.
func TestEngine(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			db := database(t)
			story(t, t.Context(), giftcard.New(db, at(start)), db)
			// One engine serves the tenants of its database.
			e := giftcard.New(db, at(start))
			within := db.tenant("within")
			check(t, within.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
				story(t, ctx, e.In(tx), tx)
				return nil
			}))
			told(t, within)
			if db.join != nil {
				db.join(t, "joined", func(tx storage.Tx) { story(t, t.Context(), e.In(tx), tx) })
				told(t, db.tenant("joined"))
			}
			told(t, db)

			lost := errors.New("lost")
			err := db.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
				must(e.In(tx).Issue(ctx, issue("G2", 1)))
				return lost
			})
			if err != lost {
				t.Error(err)
			}
			told(t, db)
			if _, err := giftcard.New(db.tenant("none"), nil).Card(t.Context(), "G1"); !errors.Is(err, giftcard.ErrUnknownCard) {
				t.Errorf("another tenant: %v", err)
			}
		})
	}
}

// told holds that a tenant has what the story leaves: the card, and its entries.
func told(t *testing.T, db storage.DB) {
	t.Helper()
	card := must(giftcard.New(db, nil).Card(t.Context(), "G1"))
	want := giftcard.Card{ID: "G1", Seq: 3, Balance: cny(950)}
	if card != want {
		t.Errorf("%+v, want %+v", card, want)
	}
	entries := must(storage.Collect(db.Journal().After(t.Context(), "", 0)))
	var kinds []string
	for i, e := range entries {
		kinds = append(kinds, strings.TrimPrefix(e.Kind, "giftcard."))
		kind, ok := giftcard.Tables.Kind(e.Kind)
		if !ok || string(journal.JSON(must(kind.Decode(e.Entry)))) != string(e.Result) {
			t.Errorf("of kind %s: %s", e.Kind, e.Result)
		}
		if e.Subject != "giftcard/G1" || e.Seq != int64(i+1) || !e.At.Equal(start) || len(e.Input) == 0 || (e.Before == nil) != (i == 0) {
			t.Errorf("entry %+v", e)
		}
	}
	if got := fmt.Sprint(kinds); got != "[issue charge refund]" {
		t.Error(got)
	}
	if e := entries[1]; e.By != "kathy" ||
		string(e.Before) != `{"id":"G1","seq":1,"balance":{"minor":1000,"currency":"CNY"}}` ||
		string(e.Result) != `{"card":{"id":"G1","seq":2,"balance":{"minor":700,"currency":"CNY"}},"moved":-300}` {
		t.Errorf("by %s, before %s, result %s", e.By, e.Before, e.Result)
	}
}

// story is what becomes of a card, with what is refused on the way.
func story(t *testing.T, ctx context.Context, e *giftcard.Engine, tx storage.Tx) {
	t.Helper()
	done := func(want int64, out giftcard.Outcome, err error, again bool) {
		t.Helper()
		if err != nil || out.Card.Balance.Minor != want || out.Replayed != again {
			t.Fatalf("%+v, %v; want a balance of %d", out, err, want)
		}
	}
	refused := func(want error, _ giftcard.Outcome, err error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Fatalf("%v, want %v", err, want)
		}
	}
	dollars := charge("G1", "dollars", 1)
	dollars.Amount.Currency = "USD"

	_, err := e.Card(ctx, "G1")
	refused(giftcard.ErrUnknownCard, giftcard.Outcome{}, err)
	out, err := e.Charge(ctx, charge("G1", "lunch", 300))
	refused(giftcard.ErrUnknownCard, out, err)
	for again := range 2 {
		out, err = e.Issue(ctx, issue("G1", 1000))
		done(1000, out, err, again == 1)
	}
	other := issue("G1", 1000)
	other.Key = "issue-2"
	out, err = e.Issue(ctx, other)
	refused(giftcard.ErrIssued, out, err)
	for again := range 2 {
		out, err = e.Charge(ctx, charge("G1", "lunch", 300))
		done(700, out, err, again == 1)
	}
	out, err = e.Charge(ctx, charge("G1", "lunch", 301))
	refused(journal.ErrKeyReused, out, err)
	out, err = e.Refund(ctx, refund("G1", "lunch", "lunch", 300))
	refused(journal.ErrKeyReused, out, err)
	out, err = e.Charge(ctx, charge("G1", "dinner", 701))
	refused(giftcard.ErrInsufficient, out, err)
	out, err = e.Charge(ctx, dollars)
	refused(giftcard.ErrCurrency, out, err)
	out, err = e.Refund(ctx, refund("G1", "r1", "lunch", 301))
	refused(giftcard.ErrInsufficient, out, err)
	out, err = e.Refund(ctx, refund("G1", "r1", "dinner", 1))
	refused(giftcard.ErrInsufficient, out, err)
	for again := range 2 {
		out, err = e.Refund(ctx, refund("G1", "r1", "lunch", 250))
		done(950, out, err, again == 1)
	}
	out, err = e.Refund(ctx, refund("G1", "r2", "lunch", 51))
	refused(giftcard.ErrInsufficient, out, err)
}

// TestInput holds that bad input is an errs.InputError of its field, and that nothing is stored.
func TestInput(t *testing.T) {
	db := memory.New()
	e := giftcard.New(db, at(start))
	must(e.Issue(t.Context(), issue("G1", 1000)))
	stored := timetest.Records(t, db.Journal())
	before := fmt.Sprint(stored())
	long := strings.Repeat("x", 129)
	for field, c := range map[string]func(c *giftcard.Refund){
		"card":            func(c *giftcard.Refund) { c.Card = "" },
		"key":             func(c *giftcard.Refund) { c.Key = "" },
		"by":              func(c *giftcard.Refund) { c.By = long },
		"of":              func(c *giftcard.Refund) { c.Of = "with a space" },
		"amount.minor":    func(c *giftcard.Refund) { c.Amount.Minor = -1 },
		"amount.currency": func(c *giftcard.Refund) { c.Amount.Currency = "cny" },
	} {
		bad := refund("G1", "k", "lunch", 1)
		c(&bad)
		_, err := e.Refund(t.Context(), bad)
		failed := map[string]error{"refund": err}
		if field != "of" {
			_, failed["charge"] = e.Charge(t.Context(), giftcard.Charge{Command: bad.Command})
			_, failed["issue"] = e.Issue(t.Context(), giftcard.Issue{Command: bad.Command})
		}
		for kind, err := range failed {
			var input *errs.InputError
			if !errors.As(err, &input) || input.Field != field || !strings.HasPrefix(err.Error(), "giftcard."+kind+": ") {
				t.Errorf("%s of %s: %v", field, kind, err)
			}
		}
	}
	for _, amount := range []int64{0, math.MinInt64} {
		if _, err := e.Charge(t.Context(), charge("G1", "k", amount)); !errors.As(err, new(*errs.InputError)) {
			t.Errorf("an amount of %d: %v", amount, err)
		}
	}
	if _, err := e.Card(t.Context(), ""); !errors.As(err, new(*errs.InputError)) {
		t.Error(err)
	}
	if after := fmt.Sprint(stored()); after != before {
		t.Errorf("stored is %s", after)
	}
}

// TestRace: 32 tills charge one card at once, in two processes. It never goes below zero, and what
// the charges took is what it lost.
func TestRace(t *testing.T) {
	const tills, visits, price, budget = 32, 4, 3, 200
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			db := database(t)
			engines := []*giftcard.Engine{giftcard.New(db, at(start)), giftcard.New(db, at(start))}
			must(engines[0].Issue(t.Context(), issue("G1", budget)))
			var taken atomic.Int64
			var refused atomic.Int64
			var balances sync.Map
			var wg sync.WaitGroup
			for till := range tills {
				wg.Go(func() {
					for visit := range visits {
						out, err := engines[till%2].Charge(t.Context(), charge("G1", fmt.Sprint(till, "/", visit), price))
						switch _, twice := balances.LoadOrStore(out.Card.Balance.Minor, true); {
						case errors.Is(err, giftcard.ErrInsufficient):
							refused.Add(1)
						case err != nil || twice || out.Card.Balance.Minor < 0:
							t.Errorf("%+v, %v", out, err)
						default:
							taken.Add(-out.Moved)
						}
					}
				})
			}
			wg.Wait()
			card := must(engines[0].Card(t.Context(), "G1"))
			if card.Balance.Minor != budget%price || taken.Load() != budget-budget%price || refused.Load() != tills*visits-budget/price {
				t.Errorf("%+v, with %d taken and %d refused", card, taken.Load(), refused.Load())
			}
			sum(t, db, card)
		})
	}
}

// TestRefundsAtOnce: many refunds of one charge, which share batches, give back what it took and no
// more.
func TestRefundsAtOnce(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			db := database(t)
			e := giftcard.New(db, at(start))
			must(e.Issue(t.Context(), issue("G1", 100)))
			must(e.Charge(t.Context(), charge("G1", "dinner", 50)))
			var given atomic.Int64
			var wg sync.WaitGroup
			for n := range 32 {
				wg.Go(func() {
					out, err := e.Refund(t.Context(), refund("G1", fmt.Sprint("back", n), "dinner", 3))
					if err != nil && !errors.Is(err, giftcard.ErrInsufficient) {
						t.Error(err)
					}
					given.Add(out.Moved)
				})
			}
			wg.Wait()
			card := must(e.Card(t.Context(), "G1"))
			if card.Balance != cny(98) || given.Load() != 48 {
				t.Errorf("%+v, and %d were given back", card, given.Load())
			}
			sum(t, db, card)
		})
	}
}

// sum holds the balance of a card to the sum of its entries, each of which goes on from the one
// before.
func sum(t interface{ Fatalf(string, ...any) }, db storage.DB, card giftcard.Card) {
	entries := must(storage.Collect(db.Journal().Of(context.Background(), journal.Subject("giftcard", string(card.ID)))))
	slices.Reverse(entries)
	var balance int64
	for i, e := range entries {
		var out giftcard.Outcome
		if err := e.Replay(e.Input, &out); err != nil {
			t.Fatalf("%v", err)
		}
		if balance += out.Moved; balance < 0 || balance != out.Card.Balance.Minor || out.Card.Seq != int64(i+1) || e.Seq != out.Card.Seq {
			t.Fatalf("entry %d: %+v at a sum of %d", i+1, out, balance)
		}
	}
	if balance != card.Balance.Minor || int64(len(entries)) != card.Seq {
		t.Fatalf("%d entries that sum to %d, and the card is %+v", len(entries), balance, card)
	}
}

// counting is a database that counts its saves, each of which waits for the gate.
type counting struct {
	storage.DB
	saves   atomic.Int64
	changes atomic.Int64
	gate    chan struct{}
}

func (c *counting) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	<-c.gate
	c.saves.Add(1)
	c.changes.Add(int64(len(changes)))
	return c.DB.Save(ctx, changes)
}

// TestCombining: of 64 commands that come at once the first is saved by itself, and the others,
// which come meanwhile, together.
func TestCombining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &counting{DB: memory.New(), gate: make(chan struct{})}
		must(giftcard.New(db.DB, at(start)).Issue(t.Context(), issue("G1", 1000)))
		e := giftcard.New(db, at(start))
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				if _, err := e.Charge(t.Context(), charge("G1", fmt.Sprint("k", i), 10)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(db.gate)
		wg.Wait()
		if db.saves.Load() != 2 || db.changes.Load() != 2 {
			t.Errorf("%d saves of %d changes for 64 commands, want 2", db.saves.Load(), db.changes.Load())
		}
		card := must(e.Card(t.Context(), "G1"))
		if card.Balance != cny(360) || card.Seq != 65 {
			t.Errorf("%+v", card)
		}
		sum(t, db.DB, card)
	})
}

// TestRefusalsInABatch: what a batch refuses after changes that could not be stored is asked again.
func TestRefusalsInABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &counting{DB: memory.New(), gate: make(chan struct{})}
		other := giftcard.New(db.DB, at(start))
		must(other.Issue(t.Context(), issue("G1", 100)))
		e := giftcard.New(db, at(start))
		var wg sync.WaitGroup
		var ok, short atomic.Int64
		for i := range 3 { // the first alone, and two in a batch that takes more than the card has
			wg.Go(func() {
				_, err := e.Charge(t.Context(), charge("G1", fmt.Sprint("k", i), 40))
				if errors.Is(err, giftcard.ErrInsufficient) {
					short.Add(1)
				} else if err == nil {
					ok.Add(1)
				}
			})
			synctest.Wait()
		}
		db.gate <- struct{}{} // of the first
		synctest.Wait()
		must(other.Refund(t.Context(), refund("G1", "back", "k0", 40))) // before the batch
		close(db.gate)
		wg.Wait()
		if ok.Load() != 3 || short.Load() != 0 {
			t.Errorf("%d charges, and %d refused", ok.Load(), short.Load())
		}
		sum(t, db.DB, must(other.Card(t.Context(), "G1")))
	})
}

// TestHook holds that an operation is told with its subject, and whether it was a replay.
func TestHook(t *testing.T) {
	var told []string
	e := giftcard.New(memory.New().Tenant("acme"), &giftcard.Options{Now: clock, Hook: func(ctx context.Context, op *storage.Op) (context.Context, func(error)) {
		return ctx, func(err error) {
			told = append(told, fmt.Sprint(op.Tenant, " ", op.Name, " ", op.Subject, " ", op.Outcome(err)))
		}
	}})
	must(e.Issue(t.Context(), issue("G1", 10)))
	must(e.Issue(t.Context(), issue("G1", 10)))
	if _, err := e.Charge(t.Context(), charge("G1", "k", 11)); err == nil {
		t.Error("no error")
	}
	want := []string{"acme giftcard.issue giftcard/G1 done", "acme giftcard.issue giftcard/G1 replayed", "acme giftcard.charge giftcard/G1 refused"}
	if !slices.Equal(told, want) {
		t.Errorf("%q", told)
	}
}
