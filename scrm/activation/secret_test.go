package activation

import (
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/valid"
)

func TestParseCode(t *testing.T) {
	id, rest := newCode()
	text := textOf(id, rest)
	for _, typed := range []string{
		text, strings.ToLower(text), strings.ReplaceAll(text, "-", ""), " " + text + "\r\n",
		strings.NewReplacer("O", "0", "I", "1", "B", "8").Replace(text),
		strings.Map(func(r rune) rune { return r + 0xfee0 }, text),
	} {
		if i, r, ok := parseCode(typed); !ok || i != id || r != rest {
			t.Errorf("%q: %s %t", typed, i, ok)
		}
	}
	for _, typed := range []string{"", text[1:], text + "A", text[:20] + "!" + text[21:], text[:20] + "9" + text[21:], strings.Repeat(" ", 1e6) + text} {
		if _, _, ok := parseCode(typed); ok {
			t.Errorf("%.50q is one", typed)
		}
	}
}

func FuzzParseCode(f *testing.F) {
	id, rest := newCode()
	f.Add(textOf(id, rest))
	f.Add("０１８ａ-b")
	f.Fuzz(func(t *testing.T, typed string) {
		id, rest, ok := parseCode(typed)
		if !ok {
			return
		}
		if i, r, ok := parseCode(textOf(id, rest)); !ok || i != id || r != rest {
			t.Fatalf("%q is read as %s, which is another", typed, id)
		}
	})
}

func FuzzParseToken(f *testing.F) {
	f.Add(newToken(SessionID{"YK9LSA3S", 7}))
	f.Add("a.1.")
	f.Add("a.-1." + strings.Repeat("A", secretLen))
	f.Fuzz(func(t *testing.T, token string) {
		id, ok := parseToken(token)
		if ok && (id.N <= 0 || valid.ID("", id.Code) != nil) {
			t.Fatalf("%q is of %v", token, id)
		}
	})
}
