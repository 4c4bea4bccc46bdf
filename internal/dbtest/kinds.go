package dbtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A checked is a database that panics where an entry breaks [CheckKind].
type checked struct{ storage.DB }

func (c checked) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	checkKinds(changes)
	return c.DB.Save(ctx, changes)
}

func (c checked) InTx(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error {
	return c.DB.InTx(ctx, func(ctx context.Context, tx storage.Tx) error { return fn(ctx, checkedTx{tx}) })
}

// A checkedTx is a unit of work of a checked database.
type checkedTx struct{ storage.Tx }

func (c checkedTx) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	checkKinds(changes)
	return c.Tx.Save(ctx, changes)
}

// checkKinds checks entries where a schema of Main declares kinds: the tests of what knows none make
// up their own.
func checkKinds(changes []storage.Change) {
	if !slices.ContainsFunc(schemas, func(s storage.Schema) bool { return len(s.Kinds) > 0 }) {
		return
	}
	for _, c := range changes {
		for _, e := range c.Entries {
			if err := CheckKind(e, schemas); err != nil {
				panic(fmt.Errorf("dbtest: %w", err))
			}
		}
	}
}

// CheckKind returns an error unless one of the schemas has the kind of the entry, and its result is
// one of that kind: it is read without anything left over, and is written as it is there.
func CheckKind(e journal.Entry, schemas []storage.Schema) error {
	for _, s := range schemas {
		k, ok := s.Kind(e.Kind)
		if !ok {
			continue
		}
		result, err := k.Decode(e)
		if err != nil {
			return err
		}
		strict := reflect.New(reflect.TypeOf(result))
		d := json.NewDecoder(bytes.NewReader(e.Result))
		d.DisallowUnknownFields()
		if err := d.Decode(strict.Interface()); err != nil {
			return fmt.Errorf("the result of %s is no %T: %w\n%s", k, result, err, e.Result)
		}
		for _, v := range []any{result, strict.Elem().Interface()} {
			if text := journal.JSON(v); !bytes.Equal(text, e.Result) {
				return fmt.Errorf("the result of %s, read as %T, is written as\n%s\nand not as\n%s", k, v, text, e.Result)
			}
		}
		return nil
	}
	return fmt.Errorf("no schema has the kind of %s, %s", e.Subject, e.Kind)
}
