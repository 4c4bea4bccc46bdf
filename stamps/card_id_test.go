package stamps

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
)

func FuzzParseCardID(f *testing.F) {
	for _, seed := range []string{
		"coffee/alice", "coffee/al%2Fice/3", "coffee/alice/0", "coffee/alice/-1", "coffee/alice/+1", "coffee/alice/01", "a/b/c", "a/b/", "a//b",
		"/", "", "%/b", "%zz/b", "a/b/3/4", "咖啡/爱/9223372036854775807", "a/b/9223372036854775808", "a%00/b", "a/%ff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseCardID(text)
		if err != nil {
			var input *errs.InputError
			if !errors.As(err, &input) {
				t.Fatal(err)
			}
			return
		}
		again, err := ParseCardID(id.String())
		if err != nil || again != id {
			t.Fatalf("%q became %v and then %v: %v", text, id, again, err)
		}
		var read CardID
		written, err := json.Marshal(id)
		if err == nil {
			err = json.Unmarshal(written, &read)
		}
		if err != nil || read != id {
			t.Fatalf("%q became %v and, as JSON, %v: %v", text, id, read, err)
		}
		if other, err := ParseCouponID(id.String() + ":7"); err != nil || other.Card != id || other.N != 7 {
			t.Fatalf("%q became %v, and its coupon's id %v: %v", text, id, other, err)
		}
	})
}
