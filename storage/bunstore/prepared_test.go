package bunstore

import "testing"

func TestGeneration(t *testing.T) {
	for _, c := range []struct {
		used int64
		want int
	}{{0, 1}, {63, 1}, {64, 2}, {255, 2}, {256, 3}, {1023, 3}, {lastGeneration - 1, 8}, {lastGeneration, 9}, {1 << 40, 9}} {
		if got := generation(c.used); got != c.want {
			t.Errorf("after %d rows it is generation %d, want %d", c.used, got, c.want)
		}
	}
}
