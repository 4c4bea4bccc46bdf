// Package upgrade holds the test of processes of two releases on one database.
package upgrade
