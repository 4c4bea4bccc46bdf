// Package imports holds the rules of what may import what, as tests over the whole repository, and
// that README.md quotes only code that compiles.
package imports
