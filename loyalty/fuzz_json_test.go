package loyalty_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/scrmkit/scrmkit/loyalty"
)

// FuzzDecimal reads numbers of definitions: none makes Compile panic, and what was read is written
// as it was.
func FuzzDecimal(f *testing.F) {
	for _, text := range []string{`1`, `"2.3"`, `"999999999.999999"`, `1e9`, `-0`, `null`, `""`, `"1."`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var d, again loyalty.Decimal
		if json.Unmarshal(text, &d) != nil {
			return
		}
		written, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%q was written as %s: %v", d, written, err)
		}
		p := club(1)
		p.Rules[0].Give.Points = d
		_, _ = loyalty.Compile(p)
	})
}

// FuzzTally reads stored tallies: none panics, and what was read is read again from what is written
// of it.
func FuzzTally(f *testing.F) {
	for _, text := range []string{`[0]`, `[5,20514,5]`, `[5,20514,2,1,3]`, `[]`, `[1,2]`, `null`, `[9223372036854775807,-9223372036854775808,1]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var tally, again loyalty.Tally
		if json.Unmarshal(text, &tally) != nil {
			return
		}
		written, err := json.Marshal(tally)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &again); err != nil || !reflect.DeepEqual(tally, again) {
			t.Fatalf("%s was written as %s: %v", text, written, err)
		}
	})
}
