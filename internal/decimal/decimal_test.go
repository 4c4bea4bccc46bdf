package decimal

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
)

func TestDrawIsUniform(t *testing.T) {
	const n, buckets = 1_000_000, 1000
	var counts [buckets]int
	zeros := 0
	for range n {
		s := Draw(6)
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
	// 999 degrees of freedom: mean 999, standard deviation 44.7; six of them either way fail once
	// in 10^8 runs.
	if math.Abs(chi-(buckets-1)) > 6*math.Sqrt(2*(buckets-1)) {
		t.Errorf("chi-square %.0f", chi)
	}
	if math.Abs(float64(zeros)-n/10) > 6*math.Sqrt(n*0.09) {
		t.Errorf("%d codes begin with 0", zeros)
	}
}

func TestNormalize(t *testing.T) {
	for _, c := range []struct {
		typed       string
		least, most int
		want        string // "": it is refused
	}{
		{"０１２-３４ 5", 6, 6, "012345"}, {"12345", 6, 6, ""}, {"1234567", 6, 6, ""}, {"1234567", 6, 8, "1234567"}, {"١٢٣٤٥٦", 6, 6, ""},
	} {
		got, err := Normalize(c.typed, c.least, c.most)
		if got != c.want || errors.Is(err, errs.Invalid) != (c.want == "") {
			t.Errorf("%q, %d to %d digits: %q, %v", c.typed, c.least, c.most, got, err)
		}
	}
}
