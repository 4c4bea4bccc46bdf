package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/seam"
)

// lost returns journal.ErrDuplicate, journal.ErrConflict or seam.ErrBound where that is what err says of
// a change.
func lost(err error) error {
	switch {
	case errors.Is(err, seam.ErrBound):
		return seam.ErrBound
	case errors.Is(err, journal.ErrDuplicate):
		return journal.ErrDuplicate
	case errors.Is(err, journal.ErrConflict), taken(err):
		return journal.ErrConflict
	}
	return nil
}

// saveStep stores a change with one statement a row, within a savepoint. It returns
// journal.ErrDuplicate, journal.ErrConflict or seam.ErrBound apart from other errors; then nothing is
// stored and the transaction is usable.
func (u unit) saveStep(ctx context.Context, c change) (refused, err error) {
	if _, err := u.tx.ExecContext(ctx, "savepoint scrmkit_step"); err != nil {
		return nil, err
	}
	err = u.steps(ctx, c)
	if err == nil {
		_, err = u.tx.ExecContext(ctx, "release savepoint scrmkit_step")
		return nil, err
	}
	if refused = lost(err); refused == nil {
		return nil, err
	}
	if _, err := u.tx.ExecContext(ctx, "rollback to savepoint scrmkit_step"); err != nil {
		return nil, err
	}
	_, err = u.tx.ExecContext(ctx, "release savepoint scrmkit_step")
	return refused, err
}

func (u unit) steps(ctx context.Context, c change) error {
	if len(c.entries) > 0 {
		if err := u.own.begin(ctx, u); err != nil {
			return err
		}
	}
	for _, e := range c.entries {
		if n, err := u.step(ctx, insert, e); err != nil {
			return err
		} else if n == 0 {
			return journal.ErrDuplicate
		}
	}
	for _, r := range c.guards {
		if n, err := u.step(ctx, there, r); err != nil {
			return err
		} else if n > 0 {
			return journal.ErrConflict
		}
	}
	roots := slices.Clone(c.roots)
	slices.SortStableFunc(roots, compareRows)
	for _, r := range roots {
		// A row may take the place in the index that another row of the change leaves, whichever
		// comes first.
		if len(roots) > 1 && r.table.unique != nil && !r.table.inserts(r) {
			if n, err := u.step(ctx, vacate, r); err != nil {
				return err
			} else if n == 0 {
				return journal.ErrConflict
			}
		}
	}
	for _, r := range roots {
		verb := update
		if r.table.inserts(r) {
			verb = insert
		}
		if n, err := u.step(ctx, verb, r); err != nil {
			return err
		} else if n == 0 {
			return journal.ErrConflict
		}
	}
	for _, r := range c.fresh {
		if n, err := u.step(ctx, insert, r); err != nil {
			return err
		} else if n == 0 {
			return journal.ErrConflict
		}
	}
	for _, r := range c.children {
		if _, err := u.step(ctx, upsert, r); err != nil {
			return err
		}
	}
	for _, r := range c.kept {
		if _, err := u.step(ctx, insert, r); err != nil {
			return err
		}
	}
	for _, r := range c.dropped {
		if _, err := u.step(ctx, remove, r); err != nil {
			return err
		}
	}
	for _, r := range c.ended {
		if _, err := u.step(ctx, end, r); err != nil {
			return err
		}
	}
	// Many changes add to one count: it is locked last, for the shortest time, and several in one
	// order.
	for _, r := range slices.SortedFunc(slices.Values(c.counts), compareRows) {
		if n, err := u.step(ctx, count, r); err != nil {
			return err
		} else if n == 0 {
			return seam.ErrBound
		}
	}
	for _, r := range slices.SortedFunc(slices.Values(c.sums), compareRows) {
		if _, err := u.step(ctx, add, r); err != nil {
			return err
		}
	}
	return nil
}

// inserts reports whether the row must not be there yet.
func (t *table) inserts(r row) bool { return !t.existing && r.version() == 1 }

// A verb is what a step does with its row.
type verb uint8

const (
	insert verb = iota // 0 rows where one is there
	update             // 0 rows where the stored version is another, or the place in the unique index is taken
	vacate             // leaves the unique index; 0 rows where the stored version is another
	upsert
	remove
	there // 1 row where one is there
	end   // closes the ports without an account that a session has in use
	count // adds to a count; 0 rows where it would come out of its bound
	add   // adds its numbers to those of the row that is there
	hold  // keeps others from changing it; Postgres alone needs that
)

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
		values = values[:len(r.table.key)+1]
	case hold:
		values = values[:len(r.table.key)]
	}
	args := make([]any, 0, 1+len(values))
	args = append(args, u.tenant)
	for _, value := range values {
		args = append(args, u.bind(value))
	}
	switch v {
	case insert, count, there:
		n := int64(0)
		err := u.query(ctx, s, 1, args, func(*sql.Rows) error { n++; return nil })
		return n, err
	case update, vacate:
		result, err := u.exec(ctx, s, args)
		if err != nil {
			return 0, err
		}
		return result.RowsAffected()
	}
	_, err := u.exec(ctx, s, args)
	return 0, err
}

// stepText returns a statement whose arguments are the tenant and the values of the row.
func (g grammar) stepText(v verb, t *table) string {
	var p params
	for i, c := range t.columns {
		p = append(p, param{c.name, g.param(i+2, c.kind)})
	}
	tenant := g.param(1, text)
	switch v {
	case update:
		return "update " + g.name(t.name) + " as c set " + p[len(t.key):].join("{col} = {val}", ", ") +
			" where c.tenant = " + tenant + " and " + p[:len(t.key)].join("c.{col} = {val}", " and ") +
			" and c.version = " + p[len(t.key)].value + " - 1" + g.free(t, tenant, p)
	case vacate:
		return "update " + g.name(t.name) + " as c set " + t.unique.place.name + " = " + t.unique.none() +
			" where c.tenant = " + tenant + " and " + p[:len(t.key)].join("c.{col} = {val}", " and ") +
			" and c.version = " + p[len(t.key)].value + " - 1"
	case hold:
		return "select 1 from " + g.name(t.name) + " as c where c.tenant = " + tenant + " and " +
			p[:len(t.key)].join("c.{col} = {val}", " and ") + " for no key update"
	case remove, there:
		verb := map[verb]string{remove: "delete from ", there: "select 1 from "}[v]
		return verb + g.name(t.name) + " as c where c.tenant = " + tenant + " and " + p.join("c.{col} = {val}", " and ")
	case end:
		return "update " + g.name(t.name) + " as c set at = 'closed' where c.tenant = " + tenant + " and " +
			p.join("c.{col} = {val}", " and ") + " and c.account = '' and c.at in ('unlinked', 'pending')"
	case count:
		return g.countText(t, tenant, p)
	}
	names, values := "tenant, "+p.join("{col}", ", "), tenant+", "+p.join("{val}", ", ")
	if t == entryTable {
		names += ", pos"
		if g == sqlite {
			values += ", " + nextPos
		} else {
			values += ", " + following(tenant, p.of("subject").value)
		}
	}
	if v == insert {
		return "insert into " + g.name(t.name) + " (" + names + ") select " + values + " where true" + g.missing(t, tenant, p) +
			" on conflict do nothing returning 1"
	}
	text := "insert into " + g.name(t.name) + " (" + names + ") values (" + values + ") on conflict "
	switch v {
	case add:
		return text + g.sum(t)
	}
	return text + g.replace(t)
}

// countText returns a statement that adds n to a count, which must then be from 0 to most. Where
// others add to it at the same time it waits for them, and then sees what they have left.
func (g grammar) countText(t *table, tenant string, p params) string {
	key, sum, n, most := p[:len(t.key)], p[len(t.key)].column, p[len(t.key)].value, p.of("most").value
	return "insert into " + g.name(t.name) + " as c (tenant, " + names(t.key) + ", " + sum + ") select " + tenant + ", " +
		key.join("{val}", ", ") + ", " + n + " where " + n + " between 0 and " + most + " or exists (select 1 from " + g.name(t.name) +
		" as x where x.tenant = " + tenant + " and " + key.join("x.{col} = {val}", " and ") + ") on conflict (tenant, " +
		names(t.key) + ") do update set " + sum + " = c." + sum + " + excluded." + sum + " where c." + sum + " + excluded." + sum +
		" between 0 and " + most + " returning 1"
}

// replace is what an upsert does with a row that is there.
func (g grammar) replace(t *table) string {
	var p params
	for _, c := range t.columns[len(t.key):] {
		p = append(p, param{c.name, "excluded." + c.name})
	}
	return "(tenant, " + names(t.key) + ") do update set " + p.join("{col} = {val}", ", ")
}

// sum is what an addition does with a row that is there.
func (g grammar) sum(t *table) string {
	var p params
	for _, c := range t.columns[len(t.key):] {
		p = append(p, param{c.name, t.name + "." + c.name + " + excluded." + c.name})
	}
	return "(tenant, " + names(t.key) + ") do update set " + p.join("{col} = {val}", ", ")
}

// missing is the condition that what must be absent where the row p is inserted is not there, nor
// the row itself: an insert waits for who changes a row that is in its way, and two that insert
// some rows and change others may wait for each other. Both are look-ups by the key, whatever the
// planner takes the tables for.
func (g grammar) missing(t *table, tenant string, p params) string {
	if t.absent == nil {
		return ""
	}
	lacks := func(table string) string {
		return "(select 1 from " + g.name(table) + " as x where x.tenant = " + tenant + " and " +
			p[:len(t.key)].join("x.{col} = {val}", " and ") + " limit 1) is null"
	}
	return " and " + lacks(t.name) + " and (" + p.of(t.absent.unless).value + " is not null or " + lacks(t.absent.table) + ")"
}

// free is the condition that no other row has the place in the unique index that the row p is to
// have. Postgres raises an error where an update would violate it, and so aborts the transaction.
func (g grammar) free(t *table, tenant string, p params) string {
	if t.unique == nil {
		return ""
	}
	var same params
	for _, name := range t.unique.columns {
		same = append(same, p.of(name))
	}
	return " and not exists (select 1 from " + g.name(t.name) + " as x where x.tenant = " + tenant + " and " +
		same.join("x.{col} = {val}", " and ") + " and " + t.unique.holds("x") +
		" and not (" + p[:len(t.key)].join("x.{col} = {val}", " and ") + "))"
}
