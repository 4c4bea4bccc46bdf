package imports

import (
	"go/types"
	"slices"
	"strings"
	"testing"
)

// held are generic types with few and short methods, or that are held by few, which exported types
// may hold.
var held = []string{
	"github.com/google/btree.BTreeG", "internal/engine.Try", "internal/texts.Table", "loyalty.arena", "scrm/lead.read", "storage/journal.Kind",
}

// The methods of a generic type are compiled again with each package that imports one whose types
// hold it: exported types hold interfaces instead.
func TestMethodsAreCompiledOnce(t *testing.T) {
	found := map[string]string{}
	for _, p := range exported(t, "", []string{"./..."}) {
		for _, name := range p.Scope().Names() {
			if o, ok := p.Scope().Lookup(name).(*types.TypeName); ok && o.Exported() {
				w := walk{map[types.Type]bool{}, short(p.Path()) + "." + name, found}
				w.into(o.Type())
			}
		}
	}
	for generic, by := range found {
		if !slices.Contains(held, generic) {
			t.Errorf("%s holds %s", by, generic)
		}
	}
	for _, generic := range held {
		if found[generic] == "" {
			t.Errorf("nothing holds %s: take it from the list", generic)
		}
	}
}

// A walk goes through what a type holds.
type walk struct {
	seen  map[types.Type]bool
	from  string
	found map[string]string // generic types, by which exported one holds them
}

func (w walk) into(t types.Type) {
	if w.seen[t] {
		return
	}
	w.seen[t] = true
	switch t := t.(type) {
	case *types.Named:
		_, isInterface := t.Underlying().(*types.Interface)
		of := t.Obj().Pkg() // nil: of error
		if of != nil && t.TypeArgs().Len() > 0 && t.NumMethods() > 0 && !isInterface && strings.Contains(of.Path(), ".") {
			w.found[short(of.Path())+"."+t.Obj().Name()] = w.from
		}
		if of == nil || !ours(of.Path()) || t.TypeParams().Len() > t.TypeArgs().Len() {
			return
		}
		w.into(t.Underlying())
		if !isInterface {
			for m := range t.Methods() {
				w.into(m.Signature())
			}
		}
	case *types.Struct:
		for f := range t.Fields() {
			w.into(f.Type())
		}
	case *types.Interface:
		for m := range t.Methods() {
			w.into(m.Signature())
		}
	case *types.Signature:
		w.into(t.Params())
		w.into(t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			w.into(v.Type())
		}
	case *types.Map:
		w.into(t.Key())
		w.into(t.Elem())
	case interface{ Elem() types.Type }:
		w.into(t.Elem())
	}
}
