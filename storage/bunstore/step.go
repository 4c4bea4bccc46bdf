package bunstore

import (
	"context"
	"errors"
	"slices"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// lost returns journal.ErrDuplicate, journal.ErrConflict or storage.ErrBound where that is what err
// says of a change.
func lost(err error) error {
	switch {
	case errors.Is(err, storage.ErrBound):
		return storage.ErrBound
	case errors.Is(err, journal.ErrDuplicate):
		return journal.ErrDuplicate
	case errors.Is(err, journal.ErrConflict), taken(err):
		return journal.ErrConflict
	}
	return nil
}

// saveStep stores a change with one statement a row, within a savepoint. It returns
// journal.ErrDuplicate, journal.ErrConflict or storage.ErrBound apart from other errors; then nothing
// is stored and the transaction is usable.
func (u unit) saveStep(ctx context.Context, c change) (refused, err error) {
	if _, err := u.tx.Exec(ctx, "savepoint scrmkit_step", nil); err != nil {
		return nil, err
	}
	err = u.steps(ctx, c)
	if err == nil {
		_, err = u.tx.Exec(ctx, "release savepoint scrmkit_step", nil)
		return nil, err
	}
	if refused = lost(err); refused == nil {
		return nil, err
	}
	if _, err := u.tx.Exec(ctx, "rollback to savepoint scrmkit_step", nil); err != nil {
		return nil, err
	}
	_, err = u.tx.Exec(ctx, "release savepoint scrmkit_step", nil)
	return refused, err
}

func (u unit) steps(ctx context.Context, c change) error {
	if len(c.entries) > 0 {
		if err := u.own().begin(ctx, u); err != nil {
			return err
		}
	}
	entries := c.entries
	if u.distributed() && len(entries) > 0 {
		var err error
		if entries, err = u.placed(ctx, entries); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if err := u.must(ctx, insert, e, journal.ErrDuplicate); err != nil {
			return err
		}
	}
	for _, r := range c.guards {
		if n, err := u.step(ctx, look, r); err != nil {
			return err
		} else if n > 0 {
			return journal.ErrConflict
		}
	}
	for i, r := range c.firm {
		// A row may take the place in an index that another row of the change leaves, whichever comes
		// first.
		moves := func(o row) bool { return o.table == r.table && len(r.uniques) > 0 }
		if !r.inserts() && (slices.ContainsFunc(c.firm[:i], moves) || slices.ContainsFunc(c.firm[i+1:], moves)) {
			if err := u.must(ctx, vacate, r, journal.ErrConflict); err != nil {
				return err
			}
		}
	}
	for _, r := range slices.Concat(c.firm, c.rest) {
		if r.turn() > 0 {
			continue
		}
		verb := stepOf[r.verb]
		if r.verb == storage.VerbSave && r.first() {
			verb = insert
		}
		var err error
		if verb == insert || verb == update {
			err = u.must(ctx, verb, r, journal.ErrConflict)
		} else {
			_, err = u.step(ctx, verb, r)
		}
		if err != nil {
			return err
		}
	}
	// Many changes add to one row: it is locked last, for the shortest time, and several in one
	// order.
	for _, r := range c.rest {
		if r.verb == storage.VerbAdd {
			if _, err := u.step(ctx, add, r); err != nil {
				return err
			}
		}
	}
	for _, r := range c.firm {
		if r.verb == storage.VerbAddWithin {
			verb := count
			if n := r.values[len(r.key)].Int; n < 0 || n > r.most {
				verb = shift
			}
			if err := u.must(ctx, verb, r, storage.ErrBound); err != nil {
				return err
			}
		}
	}
	return nil
}

// must does one thing with one row, and returns refused where it could not.
func (u unit) must(ctx context.Context, v verb, r row, refused error) error {
	n, err := u.step(ctx, v, r)
	if err == nil && n == 0 {
		err = refused
	}
	return err
}

// A verb is what a step does with its row.
type verb uint8

const (
	insert verb = iota // 0 rows where one is there
	update             // 0 rows where the stored version is another, or the place in the unique index is taken
	vacate             // leaves the unique index; 0 rows where the stored version is another
	upsert
	remove
	count // adds to a number, or begins it; 0 rows where it would come out of its bound
	shift // adds to a number that is there; 0 rows where it would come out of its bound
	add   // adds its numbers to those of the row that is there
	look  // 0 rows where none is there
	keep  // insert, and either is right
	hold  // keeps others from changing it; Postgres alone needs that
)

// stepOf is what a step does with a row.
var stepOf = [...]verb{
	storage.VerbSave: update, storage.VerbPut: upsert, storage.VerbInsert: insert, storage.VerbKeep: keep, storage.VerbDrop: remove, storage.VerbAdd: add,
	storage.VerbAddWithin: count, storage.VerbAbsent: look,
}

// step does one thing with one row and returns how many rows that changed, where that decides: of
// an insert those that it returns, for a distributed engine may count one that it did not store.
func (u unit) step(ctx context.Context, v verb, r row) (int64, error) {
	type key struct {
		verb  verb
		table *table
	}
	s := u.statement(key{v, r.table}, func() string { return u.stepText(v, r.table) })
	values := r.values
	switch v {
	case vacate:
		values = values[:len(r.key)+1]
	case hold:
		values = values[:len(r.key)]
	case shift:
		values = values[:len(r.key)+1]
	}
	w := argWriter{grammar: u.grammar, args: append(make([]any, 0, 2+len(values)), u.tenant)}
	w.values(values)
	if v == count || v == shift {
		w.args = append(w.args, r.most)
	}
	switch v {
	case insert, look, count, shift:
		n := int64(0)
		err := u.query(ctx, s, 1, w.args, func(Rows) error { n++; return nil })
		return n, err
	case update, vacate:
		result, err := u.exec(ctx, s, w.args)
		if err != nil {
			return 0, err
		}
		return result.RowsAffected()
	}
	_, err := u.exec(ctx, s, w.args)
	return 0, err
}

// stepText returns a statement whose arguments are the tenant and the values of the row.
func (u unit) stepText(v verb, t *table) string {
	g := u.grammar
	var p params
	for i, c := range t.columns {
		p = append(p, param{c.name, g.param(i+2, c.kind)})
	}
	tenant := g.param(1, text)
	key := p[:len(t.key)]
	row := g.name(t.name) + " as c where c.tenant = " + tenant + " and " + key.join("c.{col} = {val}", " and ")
	switch v {
	case update:
		return "update " + g.name(t.name) + " as c set " + p[len(t.key):].join("{col} = {val}", ", ") +
			" where c.tenant = " + tenant + " and " + key.join("c.{col} = {val}", " and ") +
			" and c.version = " + p[len(t.key)].value + " - 1" + g.free(t, tenant, p)
	case vacate:
		var none params
		for _, u := range t.uniques {
			none = append(none, param{u.place.name, u.none()})
		}
		return "update " + g.name(t.name) + " as c set " + none.join("{col} = {val}", ", ") +
			" where c.tenant = " + tenant + " and " + key.join("c.{col} = {val}", " and ") +
			" and c.version = " + p[len(t.key)].value + " - 1"
	case hold:
		return "select 1 from " + row + " for no key update"
	case look:
		return "select 1 from " + row
	case remove:
		return "delete from " + row
	case count:
		return g.countText(t, append(p, param{"most", g.param(len(p)+2, integer)}), "values ("+tenant+", "+p.join("{val}", ", ")+")")
	case shift:
		sum, most := p[len(t.key)], g.param(len(t.key)+3, integer)
		next := "c." + sum.column + " + " + sum.value
		return "update " + g.name(t.name) + " as c set " + sum.column + " = " + next + " where c.tenant = " + tenant + " and " +
			key.join("c.{col} = {val}", " and ") + " and " + next + " between 0 and " + most + " returning 1"
	}
	names, values := "tenant, "+p.join("{col}", ", "), tenant+", "+p.join("{val}", ", ")
	if t == entryTable {
		names += ", pos"
		switch {
		case u.grammar == sqlite:
			values += ", " + nextPos
		case u.distributed():
			values += ", " + u.param(len(p)+2, integer)
		default:
			values += ", " + following(tenant, p.of("subject").value)
		}
	}
	text := "insert into " + g.name(t.name) + " as c (" + names + ") values (" + values + ")"
	switch v {
	case add:
		return text + t.adding("c")
	case upsert:
		return text + t.replacing()
	}
	return text + " on conflict do nothing returning 1"
}

// countText returns a statement that adds the rows to a number, which must then be from 0 to most.
// Where others add to it at the same time it waits for them, and then sees what they have left.
func (g grammar) countText(t *table, p params, rows string) string {
	sum := p[len(t.key)].column
	return "insert into " + g.name(t.name) + " as c (tenant, " + names(t.columns) + ") " + rows + " on conflict (tenant, " + names(t.key) +
		") do update set " + sum + " = c." + sum + " + excluded." + sum + " where c." + sum + " + excluded." + sum +
		" between 0 and " + p.of("most").value + " returning 1"
}
