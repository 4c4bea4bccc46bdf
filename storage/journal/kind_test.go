package journal_test

import (
	"github.com/scrmkit/scrmkit/storage/journal"
	"strings"
	"testing"
)

func TestKind(t *testing.T) {
	type result struct {
		N int `json:"n"`
	}
	const added journal.Kind[result] = "stamps.add"
	for _, c := range []struct {
		name string
		e    journal.Entry
		want result
		err  string // "": none
	}{
		{"of the kind", journal.Entry{Kind: "stamps.add", Result: []byte(`{"n":7}`)}, result{7}, ""},
		{"of a newer release", journal.Entry{Kind: "stamps.add", Result: []byte(`{"n":7,"more":true}`)}, result{7}, ""},
		{"of another kind", journal.Entry{Kind: "stamps.cancel", Result: []byte(`{"n":7}`)}, result{}, "journal: the entry is of kind stamps.cancel, and not stamps.add"},
		{"of none", journal.Entry{Result: []byte(`{"n":7}`)}, result{}, "and not stamps.add"},
		{"another result", journal.Entry{Kind: "stamps.add", Result: []byte(`"a text"`)}, result{}, "journal: result of stamps.add: json:"},
		{"no result", journal.Entry{Kind: "stamps.add"}, result{}, "and its result was archived"},
	} {
		got, err := added.Result(c.e)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
		var any journal.AnyKind = added
		same, again := any.Decode(c.e)
		if same != got || (again == nil) != (err == nil) || any.String() != "stamps.add" {
			t.Errorf("%s, decoded as any: %+v, %v", c.name, same, again)
		}
	}
}
