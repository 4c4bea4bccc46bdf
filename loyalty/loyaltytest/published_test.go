package loyaltytest_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/loyaltytest"
)

// club is a definition as the code publishes it.
func club() loyalty.Definition {
	return loyalty.Definition{
		ID: "club", Version: 1, Zone: "UTC", Money: "CNY", Currencies: []loyalty.Currency{{ID: "points"}},
		Rules: []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	}
}

func TestScenariosOfWhatTheCodePublishes(t *testing.T) {
	loyaltytest.Run(t, os.DirFS("testdata/published"), "*.json", club())
}

func TestAFailureSaysWhereAndWhat(t *testing.T) {
	all, err := loyaltytest.Parse([]byte(`[{"name": "wrong", "program": {"id": "club", "version": 1, "zone": "UTC", "currencies": [{"id": "points"}]}, "steps": [
		{"at": "2026-03-02T10:00:00Z", "adjust": {"n": 9007199254740993, "reason": "welcome"}, "want": {"error": "MaxPoints"}},
		{"at": "2026-03-02T10:00:00Z", "adjust": {"n": 100, "to": "2027-01-01T00:00:00Z", "reason": "welcome"}, "want": {
			"balance": {"points": 99}, "expiring": {"points": [{"to": "2027-01-01T08:00:00+08:00", "n": 60}, {"n": 40}]}, "others": {"bob": {"balance": {"points": 5}}}}}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	got := all[0].Play(map[string]bool{})
	want := []string{
		"step 2: balance.points: got 100, want 99", "step 2: expiring.points[0].n: got 100, want 60",
		`step 2: expiring.points[1]: got nothing, want {"n":40}`, "step 2: others.bob.balance.points: got 0, want 5",
	}
	if len(got) == 0 || !strings.HasPrefix(got[0], "step 1: error ") {
		t.Fatalf("%q", got)
	}
	if diff := cmp.Diff(want, got[1:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	for what, text := range map[string]string{
		"no JSON":                        `[`,
		"a field that is not known":      `[{"name": "x", "unknown": 1}]`,
		"one of a step":                  `[{"name": "x", "steps": [{"at": "2026-03-02T10:00:00Z", "earned": {}}]}]`,
		"one of a command":               `[{"name": "x", "steps": [{"at": "2026-03-02T10:00:00Z", "redeem": {"m": 1}}]}]`,
		"one of a reward":                `[{"name": "x", "steps": [{"at": "2026-03-02T10:00:00Z", "reward": {"redeem": {"gift": "cup"}}}]}]`,
		"one of stamps":                  `[{"name": "x", "steps": [{"at": "2026-03-02T10:00:00Z", "stamps": {"add": {"m": 1}}}]}]`,
		"one of a card":                  `[{"name": "x", "steps": [{"at": "2026-03-02T10:00:00Z", "want": {"cards": {"coffee": {"stamps": 1}}}}]}]`,
		"one of a catalog":               `[{"name": "x", "catalogs": [{"reward": []}]}]`,
		"one of what is wanted":          `[{"name": "x", "steps": [{"at": "2026-03-02T10:00:00Z", "want": {"ballance": {}}}]}]`,
		"one of the program":             `[{"name": "x", "program": {"id": "a", "rule": []}}]`,
		"a step without a time":          `[{"name": "x", "steps": [{"want": {}}]}]`,
		"a time of year 10000 in UTC":    `[{"name": "x", "steps": [{"at": "9999-12-31T23:00:00-12:00"}]}]`,
		"a time before 1970":             `[{"name": "x", "steps": [{"at": "1969-12-31T23:00:00Z"}]}]`,
		"a second file after the first":  `[] []`,
		"a time that is none of RFC3339": `[{"name": "x", "steps": [{"at": "yesterday"}]}]`,
	} {
		var input *errs.InputError
		if _, err := loyaltytest.Parse([]byte(text)); !errors.As(err, &input) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzParse: whatever is read is refused by a typed error, or plays without a panic.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/published/members.json", "testdata/programs.json", "testdata/suite/shop.json"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`[{"name": "x", "steps": [{"at": "9999-12-31T23:00:00-12:00", "redeem": {"n": 1}}]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := loyaltytest.Parse(text)
		if err != nil {
			var input *errs.InputError
			if !errors.As(err, &input) {
				t.Fatalf("an untyped error: %v", err)
			}
			return
		}
		for _, s := range all {
			s.Play(map[string]bool{})
		}
	})
}
