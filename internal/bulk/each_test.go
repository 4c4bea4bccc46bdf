package bulk

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Each result stands where its command does, and what can't be run is not.
func TestEach(t *testing.T) {
	invalid, lost := errors.New("invalid"), errors.New("lost")
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOf(rapid.SampledFrom([]string{"run", "invalid", "lost"})).Draw(t, "commands")
		commands := make([]int, len(kinds))
		for i := range commands {
			commands[i] = i
		}
		results, errs := Each(commands, func(i int) (int, error) {
			if kinds[i] == "invalid" {
				return -1, invalid
			}
			return 10 * i, nil
		}, func(ops []int) ([]int, []error) {
			failed := make([]error, len(ops))
			for k, o := range ops {
				if kinds[o/10] == "lost" {
					failed[k] = lost
				}
			}
			return slices.Clone(ops), failed
		})
		for i, kind := range kinds {
			want, err := map[string]int{"run": 10 * i}[kind], map[string]error{"invalid": invalid, "lost": lost}[kind]
			if results[i] != want || errs[i] != err {
				t.Fatalf("command %d, %s: %d, %v", i, kind, results[i], errs[i])
			}
		}
	})
}
