// Package rules is what a team keeps of its program in its own repository: the definition in Go, testdata/club.json, which says
// what is to come of it, and one line of Go that runs that in CI.
package rules
