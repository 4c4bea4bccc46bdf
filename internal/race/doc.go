// Package race makes tests shorter under the race detector, with which they take ten times as long.
package race

import (
	"flag"
	"testing"
)

// Few has each property of a package drawn 5 times under the race detector. Call it in TestMain:
// what finds a race is that a test runs, not how often.
func Few() {
	if Enabled {
		_ = flag.Set("rapid.checks", "5") // of a package without properties there is no such flag
	}
}

// Skip leaves to the plain run what finds no race, and says why it finds none.
func Skip(t testing.TB, why string) {
	t.Helper()
	if Enabled {
		t.Skip("the race detector has nothing to find: " + why)
	}
}
