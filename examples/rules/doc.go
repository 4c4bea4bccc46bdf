// Package rules is what a team keeps of its program in its own repository: the definitions in Go,
// of points, rewards and stamp cards; testdata/club.json and testdata/shop/shop.json, which say
// what is to come of them; and a few lines of Go that run those in CI.
package rules
