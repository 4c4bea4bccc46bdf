package stamps

import "testing"

func TestOfSeveralLookupsTheOldestCardCounts(t *testing.T) {
	for _, versions := range [][]int64{{5, 6}, {6, 5}, {0, 1}} {
		u := &unit{records: map[int64]Record{}, coupons: map[int64]Coupon{}}
		for _, v := range versions {
			u.add(lookup{Card: alice}, loaded{Card: Card{ID: alice, Version: v}})
		}
		if want := min(versions[0], versions[1]); u.loaded.Card.Version != want {
			t.Errorf("of the versions %v it took %d", versions, u.loaded.Card.Version)
		}
	}
}
