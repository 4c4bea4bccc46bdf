package loyaltytest_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/loyalty/loyaltytest"
)

func TestScenarios(t *testing.T) {
	c := loyaltytest.Run(t, os.DirFS("testdata"), "*.json")
	want := []string{"OL11c/xxl", "OL11e/orange", "OL12b/base", "OL15/c", "OL16/b"} // they are there to give nothing
	if diff := cmp.Diff(want, c.Never); diff != "" {
		t.Errorf("rules that give nothing in any scenario (-want +got):\n%s", diff)
	}
}
