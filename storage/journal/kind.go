package journal

import (
	"encoding/json"
	"fmt"
)

// A Kind is what an entry records, and R is the type of its result. Each context has its kinds as
// constants, named after the commands that write them, and their comments say whose entries they
// are. A handler of entries is a switch:
//
//	switch r.Kind {
//	case string(shop.KindBind):
//		out, err := shop.KindBind.Result(r.Entry) // a shop.Outcome
//
// A kind never changes, and its results are read by later releases too. Entry.Before has no such
// type: it is for people.
type Kind[R any] string

// Result decodes the result of an entry. A field that R does not have, of a newer release, is passed
// over. ErrArchived: it is not here any more. Another error: the entry is of another kind, or its
// result is not an R.
func (k Kind[R]) Result(e Entry) (result R, err error) {
	if e.Kind != string(k) {
		return result, fmt.Errorf("journal: the entry is of kind %s, and not %s", e.Kind, k)
	}
	if e.Archived() {
		return result, fmt.Errorf("journal: result of %s: %w", k, ErrArchived)
	}
	if err = json.Unmarshal(e.Result, &result); err != nil {
		return result, fmt.Errorf("journal: result of %s: %w", k, err)
	}
	return result, nil
}

// Decode is Result for who does not know the kind until it has the entry.
func (k Kind[R]) Decode(e Entry) (result any, err error) { return k.Result(e) }

// String returns the kind as Entry has it.
func (k Kind[R]) String() string { return string(k) }

// An AnyKind is a Kind, whatever the type of its results.
type AnyKind interface {
	String() string
	Decode(e Entry) (result any, err error)
}
