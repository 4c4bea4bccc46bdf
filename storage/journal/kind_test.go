package journal

import (
	"strings"
	"testing"
)

func TestKind(t *testing.T) {
	type result struct {
		N int `json:"n"`
	}
	const added Kind[result] = "stamps.add"
	for _, c := range []struct {
		name string
		e    Entry
		want result
		err  string // "": none
	}{
		{"of the kind", Entry{Kind: "stamps.add", Result: []byte(`{"n":7}`)}, result{7}, ""},
		{"of a newer release", Entry{Kind: "stamps.add", Result: []byte(`{"n":7,"more":true}`)}, result{7}, ""},
		{"of another kind", Entry{Kind: "stamps.cancel", Result: []byte(`{"n":7}`)}, result{}, "journal: the entry is of kind stamps.cancel, and not stamps.add"},
		{"of none", Entry{Result: []byte(`{"n":7}`)}, result{}, "and not stamps.add"},
		{"another result", Entry{Kind: "stamps.add", Result: []byte(`"a text"`)}, result{}, "journal: result of stamps.add: json:"},
		{"no result", Entry{Kind: "stamps.add"}, result{}, "and its result was archived"},
	} {
		got, err := added.Result(c.e)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
		var any AnyKind = added
		same, again := any.Decode(c.e)
		if same != got || (again == nil) != (err == nil) || any.String() != "stamps.add" {
			t.Errorf("%s, decoded as any: %+v, %v", c.name, same, again)
		}
	}
}
