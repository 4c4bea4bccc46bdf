// Package rules is what a team keeps of its programme in its own repository: testdata/club.json says what is to come of it,
// and one line of Go runs that in CI.
package rules
