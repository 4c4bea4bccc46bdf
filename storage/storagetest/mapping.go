package storagetest

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/storage"
)

// Mapping draws rows with something in every field that is exported, and fails where one does not
// go to its columns and back unchanged. fix, which may be nil, makes a row that was drawn one that
// may be stored.
func Mapping[T any](t *testing.T, table *storage.Table[T], fix func(*T)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		var want, got T
		draw(t, reflect.ValueOf(&want).Elem())
		if fix != nil {
			fix(&want)
		}
		values, err := table.Put(&want).Values(nil)
		if err != nil {
			t.Fatal(err)
		}
		var readable []storage.Value
		for _, c := range table.Def().Readable() {
			readable = append(readable, values[c])
		}
		if err := table.Get(&got).Found(readable); err != nil {
			t.Fatal(err)
		}
		equalRows(t, got, want)
	})
}

// draw sets a value and all that is in it.
func draw(t *rapid.T, v reflect.Value) {
	label := v.Type().String()
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.SampledFrom(append([]string{""}, oddTexts...)).Draw(t, label))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, label))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := rapid.SampledFrom([]int64{0, 1, -1, 7, math.MaxInt64, math.MinInt64}).Draw(t, label)
		for v.OverflowInt(n) {
			n /= 2
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := rapid.SampledFrom([]uint64{0, 1, math.MaxUint64}).Draw(t, label)
		for v.OverflowUint(n) {
			n /= 2
		}
		v.SetUint(n)
	case reflect.Pointer:
		if rapid.Bool().Draw(t, label) {
			v.Set(reflect.New(v.Type().Elem()))
			draw(t, v.Elem())
		}
	case reflect.Slice:
		n := rapid.IntRange(0, 2).Draw(t, label)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			draw(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 2).Draw(t, label) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			draw(t, key)
			draw(t, value)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(rapid.SampledFrom([]time.Time{{}, at(0), at(1), time.UnixMicro(1).UTC()}).Draw(t, label)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				draw(t, v.Field(i))
			}
		}
	}
}

func equalRows[T any](t *rapid.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, exactly, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Fatalf("a row of %T (-want +got):\n%s", want, diff)
	}
}
