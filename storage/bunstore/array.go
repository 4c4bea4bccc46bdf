package bunstore

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// arrays writes the texts of Postgres arrays, which every driver can carry, one after the other.
type arrays struct {
	text strings.Builder
	ends []int
}

// size is about how long the arrays of all rows are.
func size(changes []change) int {
	n := 0
	for _, c := range changes {
		for _, rows := range [][]row{c.roots, c.children, c.entries} {
			for _, r := range rows {
				for _, v := range r.values {
					n += 6
					switch v := v.(type) {
					case string:
						n += len(v) + len(v)/6
					case time.Time:
						n += 26
					case json.RawMessage:
						n += len(v) + len(v)/6
					case []byte:
						n += 2 * len(v)
					}
				}
			}
		}
	}
	return n
}

// add appends v, which is a value of a row, to the array that has not ended yet.
func (a *arrays) add(v any) {
	if a.text.Len() == a.begin() {
		a.text.WriteByte('{')
	} else {
		a.text.WriteByte(',')
	}
	var scratch [64]byte
	switch v := v.(type) {
	case nil:
		a.text.WriteString("NULL")
	case string:
		quote(&a.text, v)
	case json.RawMessage:
		quote(&a.text, v)
	case int64:
		a.text.Write(strconv.AppendInt(scratch[:0], v, 10))
	case time.Time:
		if v.IsZero() {
			a.text.WriteString("NULL")
			return
		}
		a.text.Write(v.UTC().AppendFormat(scratch[:0], `"2006-01-02 15:04:05.000000+00"`))
	case []byte:
		a.text.WriteString(`"\\x`)
		a.text.Write(hex.AppendEncode(scratch[:0], v))
		a.text.WriteByte('"')
	}
}

// begin is where the array begins that has not ended yet.
func (a *arrays) begin() int {
	if len(a.ends) == 0 {
		return 0
	}
	return a.ends[len(a.ends)-1]
}

func quote[S string | json.RawMessage](b *strings.Builder, s S) {
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

// end ends the array.
func (a *arrays) end() {
	if a.text.Len() == a.begin() {
		a.text.WriteByte('{')
	}
	a.text.WriteByte('}')
	a.ends = append(a.ends, a.text.Len())
}

// appendTo appends the arrays to the arguments of a statement.
func (a *arrays) appendTo(args []any) []any {
	text, begin := a.text.String(), 0
	for _, end := range a.ends {
		args = append(args, text[begin:end])
		begin = end
	}
	return args
}
