package loyalty

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/encode/encodetest"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func TestJSON(t *testing.T) {
	t.Run("of an account", func(t *testing.T) { encodetest.Same(t, func(a *Account) []byte { return a.AppendJSON(nil) }) })
	t.Run("of a booking", func(t *testing.T) { encodetest.Same(t, func(b *Booking) []byte { return b.AppendJSON(nil) }) })
	t.Run("of an outcome", func(t *testing.T) { encodetest.Same(t, func(o *Outcome) []byte { return o.json() }) })
	t.Run("of a link", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			hash := func(name string) []byte { return rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, name) }
			l := link{Seq: rapid.Int64().Draw(t, "seq"), Hash: hash("hash"), State: hash("state"), Terms: terms{rapid.Int().Draw(t, "version"), hash("terms")}}
			if rapid.Bool().Draw(t, "booked") {
				l.Booking = &booked{ids.Member(rapid.String().Draw(t, "member")), rapid.String().Draw(t, "key"), hash("booking")}
			}
			if got, want := l.json(), journal.JSON(l); string(got) != string(want) {
				t.Fatalf("%s, want %s", got, want)
			}
		})
	})
}
