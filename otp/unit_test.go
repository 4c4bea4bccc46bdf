package otp

import "testing"

func TestOfSeveralLookupsTheOldestScopeCounts(t *testing.T) {
	for _, versions := range [][]int64{{5, 6}, {6, 5}, {0, 1}} {
		u := newUnit()
		for _, v := range versions {
			u.add(lookup{scope: "wangjing"}, state{scope: ScopeRow{Scope: "wangjing", Version: v}})
		}
		if want := min(versions[0], versions[1]); u.scope.Version != want {
			t.Errorf("of the versions %v it took %d", versions, u.scope.Version)
		}
	}
}
