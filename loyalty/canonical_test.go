package loyalty

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
)

// FuzzCanonical reads links and outcomes as encoding/json does, as far as it reads them.
func FuzzCanonical(f *testing.F) {
	for _, text := range []string{
		`{"seq":14,"hash":"aGFzaA==","state":"c3RhdGU=","booking":{"member":"member","key":"key","hash":"aGFzaA=="},"terms":{"version":24,"hash":"aGFzaA=="}}`,
		`{"seq":1,"seq":2}`, `{"SEQ":1}`, `{"seq":-01}`, `{"seq":01}`, `{"seq":+1}`, `{"seq":1.0}`, `{"seq":9223372036854775808}`, `{"state":""}`,
		`{"state":null}`, `{"state":"\u0041AAA"}`, `{"hash":"AA=A"}`, `{"hash":"A"}`, `{"booking":{"member":"会员"}}`, "{\"booking\":{\"key\":\"\xff\"}}",
		`{"booking":{}}`, `{"terms":{}}`, `{"terms":{"version":1,"version":2}}`, `{"seq":1} `, `{"seq":1}x`, `{`, ``, `[]`, `{"seq":1,}`, `{,}`,
		`{"account":{"program":"club","member":"m"},"command":{"a":["}",{"b":"\""}]},"seq":1,"at":"2026-11-29T01:17:40.548259Z","moves":[{"currency":"points","at":"2026-11-29T01:17:40.548259Z","credited":[{"to":"2027-11-30T16:00:00Z","n":129}],"balance":{"available":129,"pending":0,"held":0,"debt":0,"lapsed":0},"totals":{"issued":129}}],"status":{}}`,
		`{"moves":[]}`, `{"moves":null}`, `{"moves":[{"currency":"a","totals":{"issued":1,"issued":2}}]}`, `{"moves":[{"currency":"a","totals":{}}],"moves":[]}`,
		`{"moves":[{"currency":"a"}]}`, `{"moves":[{"totals":{"sent":-3}},{}]}`, `{"Moves":[{"currency":"a","totals":{"issued":1}}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want link
		wantErr := json.Unmarshal(text, &want)
		got, err := linkOf(text, "member")
		if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %+v, %v, want %+v, %v", text, got, err, want, wantErr)
		}
		all, ok := postedBy(nil, text, func(b []byte) ids.Currency { return ids.Currency(b) })
		var out Outcome
		if !ok || json.Unmarshal(text, &out) != nil {
			return
		}
		var moved []posted
		for _, m := range out.Moves {
			moved = append(moved, posted{m.Currency, m.Totals})
		}
		if !reflect.DeepEqual(all, moved) {
			t.Errorf("%q has posted %+v, want %+v", text, all, moved)
		}
	})
}
