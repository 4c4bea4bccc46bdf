package bunstore

import (
	"encoding/hex"
	"strconv"
	"time"
)

// An array is the text of a Postgres array, which every driver can carry.
type array struct{ text []byte }

// add appends v, which is a value of a row.
func (a *array) add(v any) {
	if len(a.text) == 0 {
		a.text = append(a.text, '{')
	} else {
		a.text = append(a.text, ',')
	}
	switch v := v.(type) {
	case string:
		a.quote(v)
	case int64:
		a.text = strconv.AppendInt(a.text, v, 10)
	case time.Time:
		if v.IsZero() {
			a.text = append(a.text, "NULL"...)
			return
		}
		a.text = append(a.text, '"')
		a.text = v.UTC().AppendFormat(a.text, "2006-01-02 15:04:05.000000+00")
		a.text = append(a.text, '"')
	case []byte:
		a.text = append(a.text, `"\\x`...)
		a.text = hex.AppendEncode(a.text, v)
		a.text = append(a.text, '"')
	}
}

func (a *array) quote(s string) {
	a.text = append(a.text, '"')
	from := 0
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			a.text = append(append(a.text, s[from:i]...), '\\')
			from = i
		}
	}
	a.text = append(append(a.text, s[from:]...), '"')
}

// String returns the text of the array.
func (a *array) String() string {
	if len(a.text) == 0 {
		return "{}"
	}
	return string(a.text) + "}"
}
