package storage

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A ReadKind is how a Read finds its rows.
type ReadKind uint8

// The kinds of reads.
const (
	ReadKey   ReadKind = iota // the row with a key
	ReadFirst                 // the first row of a range
	ReadAll                   // the rows of a range
	ReadCount                 // how many rows a range has
)

// A Read is one thing that a Look asks for.
type Read struct {
	Table *Def     // table that is read
	Kind  ReadKind // by key or by a range, rows or their number
	Query Query    // of every kind but ReadKey; it has a limit
	key   func(*Columns)
	found func(*Columns)
	count *int64
}

// Get reads the row with v's key into v, which stays as it is where there is none.
func (t *Table[T]) Get(v *T) Read {
	to := func(c *Columns) { t.row(c, v) }
	return Read{Table: t.def, key: to, found: to}
}

// First reads the first row of a range into v, which stays as it is where there is none.
func (x *Index[T]) First(v *T, r Range) Read {
	r.Limit = 1
	return Read{Table: x.def.Table, Kind: ReadFirst, Query: x.query(r), found: func(c *Columns) { x.table.row(c, v) }}
}

// All reads the rows of a range, which has a limit, in its order. What was in to is gone.
func (x *Index[T]) All(to *[]T, r Range) Read {
	*to = nil
	return Read{Table: x.def.Table, Kind: ReadAll, Query: x.limited(r), found: func(c *Columns) {
		var v T
		x.table.row(c, &v)
		*to = append(*to, v)
	}}
}

// Count reads how many rows a range has: at most as many as its limit.
func (x *Index[T]) Count(n *int64, r Range) Read {
	*n = 0
	return Read{Table: x.def.Table, Kind: ReadCount, Query: x.limited(r), count: n}
}

func (x *Index[T]) limited(r Range) Query {
	if r.Limit <= 0 {
		panic("storage: a range of " + x.def.Table.Name + " is read without a limit")
	}
	return x.query(r)
}

// Key returns the values of the key of a ReadKey, appended to those.
func (r Read) Key(values []Value) []Value {
	c := Columns{values: values[len(values):len(values):cap(values)], most: r.Table.Key}
	r.key(&c)
	return append(values, c.values...)
}

// Found takes the readable columns of a row that was found. A ReadAll takes one row after the
// other, in the order of its range.
func (r Read) Found(values []Value) error {
	c := Columns{read: true, values: values}
	r.found(&c)
	if c.err != nil {
		return &RowError{r.Table.Name, c.err}
	}
	return nil
}

// A RowError reports a row that can't be read: it is not as its table has them, or a newer release
// wrote it, which is ErrFormat.
type RowError struct {
	Table string // name of the table
	Err   error  // what is wrong
}

func (e *RowError) Error() string { return fmt.Sprintf("storage: read %s: %v", e.Table, e.Err) }

func (e *RowError) Unwrap() error { return e.Err }

// Is reports whether target is errs.Internal.
func (e *RowError) Is(target error) bool { return target == errs.Internal }

// Counted takes the number of rows of a ReadCount.
func (r Read) Counted(n int64) { *r.count = n }

// A Look asks for what a command needs, all of one moment.
type Look struct {
	Reads []Read // rows to read
	// The entry of the journal with that subject and key, unless Key is "".
	Subject, Key string
	Entry        *journal.Entry // that was found; nil: none
}

// A Range is a part of an index: the rows whose first columns are Prefix, from From up to To in the
// column that comes next.
type Range struct {
	Prefix   []any   // values of the first columns of the index
	After    []any   // what the columns after the prefix must come after, in the direction of the range; none: its beginning
	From, To any     // half-open; nil: unbounded
	Down     bool    // the last row first
	Limit    int     // 0: all
	Where    []Match // filters; a row matches all of them
}

// A Match asks for the rows whose column is one of some values, or is a text with a part.
type Match struct {
	Column string // name of one of the filters of the index
	In     []any  // any of these values
	Part   string // "": any
}

// Where is Match of one value.
func Where(column string, value any) Match { return Match{Column: column, In: []any{value}} }

// Contains is Match of a text that part is in, byte by byte.
func Contains(column, part string) Match { return Match{Column: column, Part: part} }

// A Query is a range of an index, as a Store sees it.
type Query struct {
	Index  *IndexDef   // index of the range
	Prefix []Value     // Range.Prefix
	After  []Value     // in Index.Order, after the prefix
	From   *Value      // Range.From; nil: unbounded
	To     *Value      // Range.To; nil: unbounded
	Down   bool        // the last row first
	Limit  int         // 0: all
	Where  []Condition // filters; a row matches all of them
}

// query returns the range as a Store sees it. It panics where a range is none of the index.
func (x *Index[T]) query(r Range) Query {
	order, columns := x.def.Order(), x.def.Table.Columns
	q := Query{Index: x.def, Down: r.Down, Limit: r.Limit}
	for i, v := range r.Prefix {
		q.Prefix = append(q.Prefix, columns[order[i]].as(v))
	}
	next := len(r.Prefix)
	for i, v := range r.After {
		q.After = append(q.After, columns[order[next+i]].as(v))
	}
	bound := func(v any) *Value {
		if v == nil {
			return nil
		}
		value := columns[order[next]].as(v)
		return &value
	}
	q.From, q.To = bound(r.From), bound(r.To)
	for _, m := range r.Where {
		c := Condition{Column: x.def.Table.column(m.Column), Part: m.Part}
		if !slices.Contains(x.def.Filters, c.Column) {
			panic("storage: " + m.Column + " is no filter of " + x.def.Name)
		}
		if m.Part != "" && (len(m.In) > 0 || columns[c.Column].Kind != KindText) {
			panic("storage: a part of " + m.Column + " is asked for, which is no text or has to be one of some values")
		}
		for _, v := range m.In {
			c.In = append(c.In, columns[c.Column].as(v))
		}
		q.Where = append(q.Where, c)
	}
	return q
}

// List yields the rows of a range in the order of the index, page by page: no connection is held,
// and no lock, while the consumer runs. One that can't be read comes with a *RowError and what can be
// read of it, and the next one after it; any other error is the last thing that it yields.
func List[T any](ctx context.Context, s Store, x *Index[T], r Range) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for values, err := range s.List(ctx, x.query(r)) {
			var v T
			if err == nil {
				c := Columns{read: true, values: values}
				x.table.row(&c, &v)
				if c.err != nil {
					if !yield(v, &RowError{x.def.Table.Name, c.err}) {
						return
					}
					continue
				}
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Prune deletes the rows of a range, which has a limit, and returns how many those were: as many as
// the limit where there may be more. It may run twice, and beside anything else: rows that others
// are changing may be left for the next time.
func Prune[T any](ctx context.Context, s Store, x *Index[T], r Range) (int64, error) {
	return s.Prune(ctx, x.limited(r))
}

// Collect returns all that a list yields, or its first error.
func Collect[T any](list iter.Seq2[T, error]) (all []T, err error) {
	for v, err := range list {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}
