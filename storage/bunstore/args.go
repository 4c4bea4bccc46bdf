package bunstore

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/storage"
)

// An argWriter collects the arguments of a statement: values, and arrays as texts, which every
// driver can carry. The texts are parts of one.
type argWriter struct {
	grammar
	args   []any
	text   strings.Builder
	arrays []arrayEnd
	begin  int // of the array that has not ended yet
}

// An arrayEnd is which argument an array is, and where its text ends.
type arrayEnd struct{ arg, end int }

// bind returns v as an argument; nil: it is NULL.
func (g grammar) bind(v storage.Value) any {
	switch {
	case v.Null:
		return nil
	case v.Kind == storage.KindTime && g == postgres:
		return v.Time()
	case v.Kind == storage.KindInt || v.Kind == storage.KindTime:
		return v.Int
	case v.Kind == storage.KindJSON:
		return string(v.Bytes)
	case v.Kind == storage.KindBytes && v.Bytes == nil:
		return []byte{}
	case v.Kind == storage.KindBytes:
		return v.Bytes
	}
	return v.Text
}

func instantValue(t time.Time) storage.Value {
	if t.IsZero() {
		return storage.Value{Kind: storage.KindTime, Null: true}
	}
	return storage.Value{Kind: storage.KindTime, Int: t.UnixMicro()}
}

// values adds arguments.
func (w *argWriter) values(values []storage.Value) {
	for _, v := range values {
		w.args = append(w.args, w.bind(v))
	}
}

// columns adds an array for each of the columns of rows from first up to last.
func (w *argWriter) columns(rows []row, first, last int) {
	for c := first; c < last; c++ {
		for _, r := range rows {
			w.element(r.values[c])
		}
		w.end()
	}
}

// element adds a value to the array that has not ended yet.
func (w *argWriter) element(v storage.Value) {
	w.separate()
	var scratch [64]byte
	switch {
	case v.Null:
		w.text.WriteString("NULL")
	case v.Kind == storage.KindInt:
		w.text.Write(strconv.AppendInt(scratch[:0], v.Int, 10))
	case v.Kind == storage.KindTime:
		w.text.Write(v.Time().AppendFormat(scratch[:0], `"2006-01-02 15:04:05.000000+00"`))
	case v.Kind == storage.KindBytes:
		w.text.WriteString(`"\\x`)
		w.text.Write(hex.AppendEncode(scratch[:0], v.Bytes))
		w.text.WriteByte('"')
	case v.Kind == storage.KindJSON:
		quote(&w.text, v.Bytes)
	default:
		quote(&w.text, v.Text)
	}
}

// numbers adds an array.
func (w *argWriter) numbers(numbers []int64) {
	var scratch [20]byte
	for _, n := range numbers {
		w.separate()
		w.text.Write(strconv.AppendInt(scratch[:0], n, 10))
	}
	w.end()
}

func (w *argWriter) separate() {
	if w.text.Len() == w.begin {
		w.text.WriteByte('{')
	} else {
		w.text.WriteByte(',')
	}
}

// end ends the array.
func (w *argWriter) end() {
	if w.text.Len() == w.begin {
		w.text.WriteByte('{')
	}
	w.text.WriteByte('}')
	w.begin = w.text.Len()
	w.arrays = append(w.arrays, arrayEnd{len(w.args), w.begin})
	w.args = append(w.args, nil)
}

// all returns the arguments.
func (w *argWriter) all() []any {
	text, begin := w.text.String(), 0
	for _, a := range w.arrays {
		w.args[a.arg] = text[begin:a.end]
		begin = a.end
	}
	return w.args
}

func quote[S string | []byte](b *strings.Builder, s S) {
	b.WriteByte('"')
	from := 0
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteString(string(s[from:i]))
			b.WriteByte('\\')
			from = i
		}
	}
	b.WriteString(string(s[from:]))
	b.WriteByte('"')
}

// size is about how long the texts of the arrays of rows are.
func size(rows []row) (n int) {
	for _, r := range rows {
		for _, v := range r.values {
			switch n += 6; v.Kind {
			case storage.KindTime:
				n += 26
			case storage.KindBytes:
				n += 2 * len(v.Bytes)
			default:
				n += len(v.Text) + len(v.Text)/6 + len(v.Bytes) + len(v.Bytes)/6
			}
		}
	}
	return n
}
