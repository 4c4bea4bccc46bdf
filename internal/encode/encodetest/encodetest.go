// Package encodetest tests what writes JSON without reflection.
package encodetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Same tests that write gives what json.Marshal does, for values of all kinds in every field below
// V.
func Same[V any](t *testing.T, write func(v *V) []byte) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		var v V
		fill(t, reflect.ValueOf(&v).Elem(), "")
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := write(&v); string(got) != string(want) {
			t.Fatalf("%s\nwant\n%s", got, want)
		}
	})
}

// fill draws a value for everything below v.
func fill(t *rapid.T, v reflect.Value, path string) {
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		micros := rapid.SampledFrom([]int64{0, 1, 999_999, 1_772_357_400_000_000, 1_772_357_400_120_000, 253402300799999999}).Draw(t, path)
		if rapid.IntRange(0, 3).Draw(t, path+" is zero") > 0 {
			*at = time.UnixMicro(micros).UTC()
		}
		return
	case *json.RawMessage:
		*at = rapid.SampledFrom([]json.RawMessage{nil, json.RawMessage(`{"n":1}`)}).Draw(t, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(t, v.Field(i), path+"."+f.Name)
			}
		}
	case reflect.Slice:
		n := rapid.IntRange(-1, 2).Draw(t, path)
		if n < 0 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i), fmt.Sprint(path, i))
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, path) {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), path)
		}
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{"", "m1", `"\`, "<a&b>", "小明\u2028", "a\x00\n\x7f", "\xff"}).Draw(t, path))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, path))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Byte().Draw(t, path)))
	case reflect.Int64, reflect.Int:
		v.SetInt(rapid.SampledFrom([]int64{0, 1, -1, 1<<63 - 1, -1 << 63}).Draw(t, path))
	default:
		t.Fatalf("%s is a %s", path, v.Kind())
	}
}
