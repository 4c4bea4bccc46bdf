package otp

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func TestBudgetBoundsEveryWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SampledFrom([]Budget{PerScope(), PerTypist()}).Draw(t, "budget")
		type guess struct {
			at     time.Time
			weight int64
		}
		var debt time.Time
		var passed []guess
		now := noon
		for range rapid.IntRange(1, 200).Draw(t, "guesses") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "pause")))
			weight := rapid.Int64Range(minWeight, maxWeight).Draw(t, "weight")
			after, wait := b.Charge(debt, now, weight)
			if wait > 0 {
				if _, later := b.Charge(debt, now.Add(wait), weight); later > 0 {
					t.Fatalf("after waiting %s it says to wait %s more", wait, later)
				}
				continue
			}
			debt = after
			passed = append(passed, guess{now, weight})
			var sum int64
			for _, g := range slices.Backward(passed) {
				if now.Sub(g.at) >= b.Window {
					break
				}
				sum += g.weight
			}
			if sum > b.Burst+b.Leak {
				t.Fatalf("guesses that weigh %d in a window of %d", sum, b.Burst+b.Leak)
			}
		}
	})
}

func TestWeightAndDigits(t *testing.T) {
	for _, c := range []struct {
		live           map[int]int64
		weight, digits int64
	}{
		{nil, 10, 6},
		{map[int]int64{6: 10}, 10, 6},
		{map[int]int64{6: 11}, 11, 6},
		{map[int]int64{6: 29}, 29, 6},
		{map[int]int64{6: 30}, 30, 7},
		{map[int]int64{6: 30, 7: 299}, 30, 7},
		{map[int]int64{6: 30, 7: 300}, 30, 8},
		{map[int]int64{6: 30, 7: 300, 8: 2999}, 30, 8},
		{map[int]int64{6: 30, 7: 300, 8: 3000}, 30, 0},
		{map[int]int64{6: 5, 7: 111}, 12, 6},
	} {
		if w, d := Weight(c.live), Digits(c.live); w != c.weight || d != int(c.digits) {
			t.Errorf("%v: weight %d, digits %d; want %d, %d", c.live, w, d, c.weight, c.digits)
		}
	}
	t.Run("no number of live codes makes a guess weigh more than 30", func(t *testing.T) {
		live := map[int]int64{}
		for d := Digits(live); d != 0; d = Digits(live) {
			live[d]++
			if w := Weight(live); w > maxWeight {
				t.Fatalf("%v weighs %d", live, w)
			}
		}
	})
}

func TestDrawIsUniform(t *testing.T) {
	const n, buckets = 1_000_000, 1000
	var counts [buckets]int
	zeros := 0
	for range n {
		s := draw(6)
		if len(s) != 6 || strings.Trim(s, "0123456789") != "" {
			t.Fatalf("drew %q", s)
		}
		if s[0] == '0' {
			zeros++
		}
		counts[int(s[3]-'0')*100+int(s[4]-'0')*10+int(s[5]-'0')]++
	}
	chi := 0.0
	for _, c := range counts {
		d := float64(c) - n/buckets
		chi += d * d / (n / buckets)
	}
	// 999 degrees of freedom: mean 999, standard deviation 44.7; six of them either way fail once in 10^8 runs.
	if math.Abs(chi-(buckets-1)) > 6*math.Sqrt(2*(buckets-1)) {
		t.Errorf("chi-square %.0f", chi)
	}
	if math.Abs(float64(zeros)-n/10) > 6*math.Sqrt(n*0.09) {
		t.Errorf("%d codes begin with 0", zeros)
	}
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
		var input *InputError
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
	secret := make([]byte, 32)
	for name, keys := range map[string][]Key{
		"none":     nil,
		"short":    {{ID: "a", Secret: secret[:31]}},
		"no id":    {{Secret: secret}},
		"dot":      {{ID: "a.b", Secret: secret}},
		"repeated": {{ID: "a", Secret: secret}, {ID: "a", Secret: secret}},
	} {
		if _, err := New(nil, keys, nil); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func FuzzOpen(f *testing.F) {
	e, err := New(nil, []Key{{ID: "a", Secret: make([]byte, 32)}}, nil)
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
