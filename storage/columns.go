package storage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/scrmkit/scrmkit/errs"
)

// ErrFormat: a newer release wrote the state of the row, with something that this one would lose.
// Nothing was changed. Upgrade this process.
var ErrFormat = errs.New(errs.Internal, "storage: a newer release wrote this row; upgrade this process")

// Columns are those of one row, for the function of its table. The function names each column once,
// always in the same order: first those of the key, then Key, then Version in a root, then the
// rest.
type Columns struct {
	table  *Def // whose columns are being declared; nil: values are written or read
	read   bool
	values []Value // that were written, or are to be read
	n      int     // the column that comes next
	most   int     // columns that are written; 0: all
	err    error
}

// Key ends the columns of the key.
func (c *Columns) Key() {
	if c.table != nil {
		c.table.Key = len(c.table.Columns)
	}
}

// Version makes the table one of roots. The first version that is stored is 1.
func (c *Columns) Version(p *int64) {
	if c.table != nil {
		c.table.Root = true
	}
	Int(c, "version", p)
}

// Reading reports whether a row is being read, for what is stored in another form than it has.
func (c *Columns) Reading() bool { return c.read }

// column declares a column, or reports whether its value is to be written to, or is read from, the
// Value that it returns.
func (c *Columns) column(name string, k Kind, derived bool) *Value {
	if c.table != nil {
		c.table.Columns = append(c.table.Columns, Column{name, k, derived})
		return nil
	}
	if c.read {
		if derived {
			return nil
		}
		c.n++
		return &c.values[c.n-1]
	}
	if c.most > 0 && len(c.values) == c.most {
		return nil
	}
	c.values = append(c.values, Value{Kind: k})
	return &c.values[len(c.values)-1]
}

// Text is a column of text.
func Text[S ~string](c *Columns, name string, p *S) {
	switch v := c.column(name, KindText, false); {
	case v == nil:
	case c.read:
		*p = S(v.Text)
	default:
		v.Text = string(*p)
	}
}

// Int is a column of integers.
func Int[N ~int | ~int64](c *Columns, name string, p *N) {
	switch v := c.column(name, KindInt, false); {
	case v == nil:
	case c.read:
		*p = N(v.Int)
	default:
		v.Int = int64(*p)
	}
}

// Bool is a column of integers, 1 for true and 0 for false.
func Bool(c *Columns, name string, p *bool) {
	switch v := c.column(name, KindInt, false); {
	case v == nil:
	case c.read:
		*p = v.Int != 0
	case *p:
		v.Int = 1
	}
}

// Time is a column of times, in UTC and cut to microseconds. One that an index orders rows by is not
// the zero time, but where the index leaves that row out.
func Time(c *Columns, name string, p *time.Time) {
	switch v := c.column(name, KindTime, false); {
	case v == nil:
	case c.read:
		*p = v.Time()
	default:
		*v = timeValue(*p)
	}
}

// Bytes is a column of bytes.
func Bytes[B ~[]byte](c *Columns, name string, p *B) {
	switch v := c.column(name, KindBytes, false); {
	case v == nil:
	case c.read:
		*p = nil
		if len(v.Bytes) > 0 {
			*p = B(bytes.Clone(v.Bytes))
		}
	default:
		v.Bytes = *p
	}
}

// Derived is a column for an index or a report, whose value follows from the rest of the row. It is
// written and never read back.
func Derived[V ~string | ~int64 | time.Time](c *Columns, name string, of func() V) {
	var zero V
	if v := c.column(name, valueOf(zero).Kind, true); v != nil {
		*v = valueOf(of())
	}
}

// State is a column with all of p as JSON, by name: what its method AppendJSON([]byte) []byte
// appends, where it has one, and else what json.Marshal gives. The format is 1, and grows by 1 where
// what is written means something else than before. A state of a newer format, or with a field that
// p does not have, is ErrFormat: to write it back would lose what a newer release has put there.
func (c *Columns) State(name string, format int, p any) {
	switch v := c.column(name, KindJSON, false); {
	case v == nil:
	case c.read:
		if err := decode(v.Bytes, format, p); err != nil && c.err == nil {
			c.err = fmt.Errorf("column %s: %w", name, err)
		}
	default:
		doc, err := encode(format, p)
		if err != nil && c.err == nil {
			c.err = fmt.Errorf("column %s: %w", name, err)
		}
		v.Bytes = doc
	}
}

// Raw is a column of State as it is stored, for a table that reads rows and writes none: for what
// compares states byte by byte.
func (c *Columns) Raw(name string, p *json.RawMessage) {
	if v := c.column(name, KindJSON, false); v != nil && c.read {
		*p = bytes.Clone(v.Bytes)
	}
}

const (
	formatPrefix = `{"$format":` // begins a state of another format than 1
	valuePrefix  = `,"$value":`  // follows the format of one that is no object
)

func encode(format int, p any) ([]byte, error) {
	var doc []byte
	var err error
	if own, ok := p.(interface{ AppendJSON([]byte) []byte }); ok {
		doc = own.AppendJSON(make([]byte, 0, 512))
	} else {
		doc, err = json.Marshal(p)
	}
	if err != nil || format == 1 {
		return doc, err
	}
	head := strconv.AppendInt([]byte(formatPrefix), int64(format), 10)
	switch {
	case doc[0] != '{':
		return append(append(append(head, valuePrefix...), doc...), '}'), nil
	case len(doc) > len("{}"):
		head = append(head, ',')
	}
	return append(head, doc[1:]...), nil
}

func decode(doc []byte, format int, p any) error {
	if rest, ok := bytes.CutPrefix(doc, []byte(formatPrefix)); ok {
		end := bytes.IndexAny(rest, ",}")
		n, err := strconv.Atoi(string(rest[:max(end, 0)]))
		if err != nil || n > format {
			return ErrFormat
		}
		if value, ok := bytes.CutPrefix(rest[end:], []byte(valuePrefix)); ok {
			doc = bytes.TrimSuffix(value, []byte("}"))
		} else {
			doc = append([]byte{'{'}, bytes.TrimPrefix(rest[end:], []byte(","))...)
		}
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.DisallowUnknownFields()
	err := d.Decode(p)
	if err != nil && bytes.HasPrefix([]byte(err.Error()), []byte("json: unknown field ")) {
		return fmt.Errorf("%w (%s)", ErrFormat, err)
	}
	return err
}
