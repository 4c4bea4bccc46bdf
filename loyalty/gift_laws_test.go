package loyalty_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/loyalty"
)

// gifts draws gifts for the levels of a program.
func gifts(t *rapid.T, d loyalty.Definition) {
	if !maybe(t, "gifts") {
		return
	}
	for i := range d.Tiers.Levels[1:] {
		if maybe(t, "gift") {
			d.Tiers.Levels[i+1].Gift = &loyalty.Gift{
				Currency: pick[loyalty.CurrencyID](t, "of", "", "points", "status"), Points: pick[int64](t, "points", 13, 500), Again: maybe(t, "again"),
			}
		}
	}
}

// gives reports whether any level of a program has a gift.
func gives(d loyalty.Definition) bool {
	return d.Tiers != nil && slices.ContainsFunc(d.Tiers.Levels, func(l loyalty.Level) bool { return l.Gift != nil })
}

// given returns how many gifts of each level a member was given.
func given(a loyalty.Account) map[loyalty.LevelID]int64 {
	n := map[loyalty.LevelID]int64{}
	for _, g := range a.Gifts {
		if g.N != 0 {
			n[g.Level] = g.N
		}
	}
	return n
}

var _ = fmt.Sprint
var _ = testing.Short
