package loyaltytest_test

import (
	"fmt"
	"log"
	"testing"
	"testing/fstest"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/loyaltytest"
)

// A team's test runs the scenarios in its files on the program that its code publishes. A service
// says os.DirFS("testdata") instead of the file that stands here.
func ExampleRun() {
	club := loyalty.Definition{
		ID: "club", Version: 1, Zone: "Asia/Shanghai", Money: "CNY", Currencies: []loyalty.Currency{{ID: "points"}},
		Rules: []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	}
	files := fstest.MapFS{"club.json": {Data: []byte(`[
		{"name": "a point for each yuan", "steps": [
			{"at": "2026-03-02T12:00:00+08:00",
			 "earn": {"purchase": {"currency": "CNY", "lines": [{"id": "1", "gross": 12950}]}},
			 "want": {"earned": {"points": 129}}},
			{"at": "2026-03-03T12:00:00+08:00", "redeem": {"n": 100}, "want": {"balance": {"points": 29}}},
			{"at": "2026-03-04T12:00:00+08:00", "redeem": {"n": 30}, "want": {"error": "points"}}]}]`)}}
	// In a file of tests:
	//
	//	func TestClub(t *testing.T) { loyaltytest.Run(t, files, "*.json", club) }
	_ = func(t *testing.T) { loyaltytest.Run(t, files, "*.json", club) }
}

// Play gives the differences in words, a line each.
func ExampleScenario_Play() {
	scenarios, err := loyaltytest.Parse([]byte(`[
		{"name": "a point for each yuan",
		 "program": {"id": "club", "version": 1, "zone": "UTC", "money": "CNY", "currencies": [{"id": "points"}],
			"rules": [{"id": "base", "give": {"points": "1", "per": "money", "amount": 100}}]},
		 "steps": [
			{"at": "2026-03-02T12:00:00Z",
			 "earn": {"purchase": {"currency": "CNY", "lines": [{"id": "1", "gross": 12950}]}},
			 "want": {"earned": {"points": 130}}}]}]`))
	if err != nil {
		log.Fatal(err)
	}
	exercised := map[string]bool{}
	for _, difference := range scenarios[0].Play(exercised) {
		fmt.Println(difference)
	}
	fmt.Println(exercised)
	// Output:
	// step 1: earned.points: got 129, want 130
	// map[club/base:true]
}
