package otp

import (
	"errors"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
)

func TestWeightAndDigits(t *testing.T) {
	for _, c := range []struct {
		live           map[int]int64
		weight, digits int64
	}{
		{nil, 10, 6},
		{map[int]int64{6: 10}, 10, 6},
		{map[int]int64{6: 11}, 11, 6},
		{map[int]int64{6: 19}, 19, 6},
		{map[int]int64{6: 20}, 20, 7},
		{map[int]int64{6: 20, 7: 199}, 20, 7},
		{map[int]int64{6: 20, 7: 200}, 20, 8},
		{map[int]int64{6: 20, 7: 200, 8: 1999}, 20, 8},
		{map[int]int64{6: 20, 7: 200, 8: 2000}, 20, 0},
		{map[int]int64{6: 5, 7: 111}, 12, 6},
	} {
		if w, d := Weight(c.live), Digits(c.live); w != c.weight || d != int(c.digits) {
			t.Errorf("%v: weight %d, digits %d; want %d, %d", c.live, w, d, c.weight, c.digits)
		}
	}
	for _, c := range []struct {
		longest int
		live    map[int]int64
		want    int
	}{
		{6, map[int]int64{6: 39}, 6},
		{6, map[int]int64{6: 40}, 0},
		{7, map[int]int64{6: 19}, 6},
		{7, map[int]int64{6: 20}, 7},
		{7, map[int]int64{6: 20, 7: 399}, 7},
		{7, map[int]int64{6: 20, 7: 400}, 0},
		{8, map[int]int64{6: 20, 7: 200, 8: 2000}, 0},
	} {
		if d := (Policy{MaxDigits: c.longest}).Digits(c.live); d != c.want {
			t.Errorf("with at most %d digits and %v live, the next has %d; want %d", c.longest, c.live, d, c.want)
		}
	}
	t.Run("no number of live codes makes a guess weigh more", func(t *testing.T) {
		for longest, most := range map[int]int64{6: maxCrowd, 7: maxCrowd, 8: maxWeight} {
			p, live := Policy{MaxDigits: longest}, map[int]int64{}
			for d := p.Digits(live); d != 0; d = p.Digits(live) {
				live[d]++
				if w := Weight(live); w > most || d > longest {
					t.Fatalf("%v weighs %d with at most %d digits", live, w, longest)
				}
			}
		}
	})
}

func TestNormalize(t *testing.T) {
	for _, c := range []struct {
		typed, want string
	}{
		{"012345", "012345"},
		{" 012-345 ", "012345"},
		{"０１２３４５", "012345"},
		{"０１２　３４５", "012345"},
		{"０１２－３４５", "012345"},
		{"12345678", "12345678"},
		{"12345", ""},
		{"123456789", ""},
		{"12345a", ""},
		{"١٢٣٤٥٦", ""}, // Arabic-Indic digits
		{"12345\x00", ""},
		{"12345\xff6", ""},
		{"", ""},
		{strings.Repeat(" ", 1000) + "123456", ""},
	} {
		got, err := Normalize(c.typed)
		var input *errs.InputError
		if got != c.want || (c.want == "") != errors.As(err, &input) {
			t.Errorf("%q: %q, %v", c.typed, got, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "1") {
			t.Errorf("the error tells of the digits: %v", err)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"123456", "１２３４５６", "12 34-56", "\x00", "12345６"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		digits, err := Normalize(typed)
		if err == nil && (len(digits) < minDigits || len(digits) > maxDigits || strings.Trim(digits, "0123456789") != "") {
			t.Fatalf("%q became %q", typed, digits)
		}
		if err == nil {
			if again, err := Normalize(digits); err != nil || again != digits {
				t.Fatalf("%q became %q, and that %q", typed, digits, again)
			}
		}
	})
}

func TestKeys(t *testing.T) {
	random := make([]byte, 32)
	for name, keys := range map[string][]secret.Key{
		"none":     nil,
		"short":    {{ID: "a", Secret: random[:31]}},
		"no id":    {{Secret: random}},
		"dot":      {{ID: "a.b", Secret: random}},
		"repeated": {{ID: "a", Secret: random}, {ID: "a", Secret: random}},
	} {
		if _, err := New(nil, keys, nil); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// A tenantStore knows its tenant, and nothing else.
type tenantStore struct{ storage.Tx }

func (tenantStore) TenantID() string { return "acme" }

func FuzzOpen(f *testing.F) {
	e, err := New(tenantStore{}, []secret.Key{{ID: "a", Secret: make([]byte, 32)}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	sealed := e.Seal(Claim{By: "kathy", Code: Code{Scope: "wangjing", Number: 7}})
	f.Add(sealed)
	f.Add("a.")
	f.Add(".")
	f.Fuzz(func(t *testing.T, text string) {
		claim, err := e.Open(text)
		switch {
		case err != nil && !errors.Is(err, ErrInvalidCode):
			t.Fatal(err)
		case err == nil && (claim.By != "kathy" || claim.Code.Number != 7):
			t.Fatalf("%q opened as %v", text, claim)
		}
	})
}
