package dbtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A Play is what an engine is tried with in each way in which a service may use it.
type Play[E any] struct {
	New    func(t *testing.T, db DB) E                          // makes an engine
	In     func(e E, tx storage.Tx) E                           // binds it to a unit of work
	Before func(t *testing.T, ctx context.Context, e E)         // does what is done outside of units of work; nil: nothing
	Story  func(ctx context.Context, e E, see func(any, error)) // runs commands, and tells what they return
}

// A unit runs f in a unit of work, which is committed where f returns nil.
type unit func(ctx context.Context, db DB, f func(ctx context.Context, tx storage.Tx) error) error

// Modes plays on each adapter: command by command, within InTx, and within a transaction of the
// caller's that Join takes. Wherever it plays, commands return the same and the journal has the
// same; a unit of work that is rolled back leaves nothing; within InTx the engine itself is refused.
// What commands return is compared as JSON.
func Modes[E any](t *testing.T, p Play[E]) {
	inTx := func(ctx context.Context, db DB, f func(ctx context.Context, tx storage.Tx) error) error {
		return db.InTx(ctx, f)
	}
	on := func(t *testing.T, db *bun.DB, id string) {
		s := store(t, db)
		p.modes(t, Of(tenants{s, id}), map[string]unit{"InTx": inTx, "Join": func(ctx context.Context, of DB, f func(ctx context.Context, tx storage.Tx) error) error {
			return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return f(ctx, s.Join(tx.Tx).Tenant(of.TenantID())) })
		}})
	}
	t.Run("memory", func(t *testing.T) { p.modes(t, Of(memory.New()), map[string]unit{"InTx": inTx}) })
	t.Run("sqlite", func(t *testing.T) { on(t, sqlite(t, SQLitePath(t)), "") })
	t.Run("postgres", func(t *testing.T) { on(t, postgres(t, template.DSN(t)), "") })
	onCitus(t, on)
}

func (p Play[E]) modes(t *testing.T, db DB, units map[string]unit) {
	plain := db.Tenant("plain")
	want := p.play(t.Context(), p.begin(t, plain))
	all := told(t, plain)
	for name, unit := range units {
		t.Run("in "+name, func(t *testing.T) {
			db := db.Tenant(name)
			e := p.begin(t, db)
			before := told(t, db)
			run := func(end error) {
				err := unit(t.Context(), db, func(ctx context.Context, tx storage.Tx) error {
					if diff := cmp.Diff(want, p.play(ctx, p.In(e, tx))); diff != "" {
						t.Errorf("other than command by command (-) the story is (+)\n%s", diff)
					}
					if name == "InTx" {
						p.refused(t, ctx, e)
					}
					return end
				})
				if !errors.Is(err, end) {
					t.Fatal(err)
				}
			}
			run(errors.New("what else is to be stored fails"))
			if diff := cmp.Diff(before, told(t, db)); diff != "" {
				t.Errorf("what was rolled back left (+)\n%s", diff)
			}
			run(nil)
			if diff := cmp.Diff(all, told(t, db)); diff != "" {
				t.Errorf("other than command by command (-) the journal has (+)\n%s", diff)
			}
		})
	}
}

// begin returns an engine after what is done before.
func (p Play[E]) begin(t *testing.T, db DB) E {
	e := p.New(t, db)
	if p.Before != nil {
		p.Before(t, t.Context(), e)
	}
	return e
}

// play returns what the commands of the story return, a line each.
func (p Play[E]) play(ctx context.Context, e E) (lines []string) {
	p.Story(ctx, e, func(v any, err error) {
		text, bad := json.Marshal(v)
		lines = append(lines, fmt.Sprintf("%s %v", text, errors.Join(err, bad)))
	})
	return lines
}

// refused wants the first command of the story refused by an engine that is no part of the unit of
// work of ctx.
func (p Play[E]) refused(t *testing.T, ctx context.Context, e E) {
	var all []error
	p.Story(ctx, e, func(_ any, err error) { all = append(all, err) })
	if !errors.Is(all[0], storage.ErrOutsideTx) {
		t.Errorf("outside of the unit of work: %v", all[0])
	}
}

// told returns what the journal of a tenant has, in an order that does not tell entries of one unit
// of work apart.
func told(t *testing.T, db DB) (lines []string) {
	t.Helper()
	for r, err := range db.Journal().After(t.Context(), "", 0) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %d", r.Kind, r.Seq))
	}
	slices.Sort(lines)
	return lines
}
