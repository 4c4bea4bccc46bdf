package bunstore

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// inlined returns the text of a statement of Postgres with its arguments written into it. Every
// driver sends such a text as it is, in one message that needs nothing of what the connection did
// before.
func inlined(text string, args []any) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		digits := 0
		for digits < len(after) && after[digits] >= '0' && after[digits] <= '9' {
			digits++
		}
		n, err := strconv.Atoi(after[:digits])
		if err != nil || n < 1 || n > len(args) {
			return "", fmt.Errorf("the statement has no argument $%s", after[:digits])
		}
		if err := literal(&b, args[n-1]); err != nil {
			return "", err
		}
		text = after[digits:]
	}
}

// literal writes a value as Postgres reads it under every setting of a session.
func literal(b *strings.Builder, v any) error {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case int64:
		b.WriteString("(" + strconv.FormatInt(v, 10) + ")")
	case string:
		if strings.Contains(v, `\`) {
			b.WriteByte('E')
			v = strings.ReplaceAll(v, `\`, `\\`)
		}
		b.WriteString("'" + strings.ReplaceAll(v, "'", "''") + "'")
	case []byte:
		b.WriteString(`E'\\x` + hex.EncodeToString(v) + "'")
	case time.Time:
		b.WriteString(v.UTC().Format("'2006-01-02 15:04:05.000000+00'"))
	default:
		return fmt.Errorf("an argument is a %T", v)
	}
	return nil
}
