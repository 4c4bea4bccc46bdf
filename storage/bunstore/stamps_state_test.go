package bunstore

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/stamps"
)

func TestStateText(t *testing.T) {
	number := rapid.Int64()
	at := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		return time.UnixMicro(rapid.Int64Range(-1<<50, 1<<52).Draw(t, "at")).UTC()
	})
	state := rapid.Custom(func(t *rapid.T) stamps.State {
		s := stamps.State{
			Seq: number.Draw(t, "seq"), Coupons: number.Draw(t, "coupons"), Floor: number.Draw(t, "floor"), Stood: number.Draw(t, "stood"),
			First: at.Draw(t, "first"), Last: at.Draw(t, "last"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "recent") {
			s.Recent = append(s.Recent, stamps.Tick{Seq: number.Draw(t, "tick"), At: at.Draw(t, "at"), N: number.Draw(t, "n")})
		}
		for range rapid.IntRange(0, 3).Draw(t, "done") {
			s.Done = append(s.Done, stamps.Run{
				Version: int(number.Draw(t, "version")), Size: number.Draw(t, "size"), Rounds: number.Draw(t, "rounds"), First: at.Draw(t, "first"),
			})
		}
		for range rapid.IntRange(0, 3).Draw(t, "owed") {
			s.Owed = append(s.Owed, number.Draw(t, "owed"))
		}
		if rapid.Bool().Draw(t, "counted") {
			s.Bought = number.Draw(t, "bought")
			for range rapid.IntRange(0, 3).Draw(t, "paid") {
				s.Paid = append(s.Paid, stamps.Paid{
					Before: number.Draw(t, "before"), Stamps: number.Draw(t, "stamps"), Units: number.Draw(t, "units"),
				})
			}
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		want := state.Draw(t, "state")
		var got stamps.State
		if err := stateField(&got)(stateText(want)); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s: -want +got\n%s", stateText(want), d)
		}
	})
}

// What is no state is an error, and no panic.
func FuzzStateField(f *testing.F) {
	f.Add(stateText(stamps.State{Seq: 3, Recent: []stamps.Tick{{Seq: 3, N: 1}}, Owed: []int64{9}}))
	f.Add("[1,2]")
	f.Add("[0,0,0,0,0,0,9223372036854775807]")
	f.Add("[0,0,0,0,0,0,-1,-1]")
	f.Add(stateText(stamps.State{Bought: 1, Paid: []stamps.Paid{{Before: 1, Stamps: 1, Units: 3}}, Owed: []int64{9}}))
	f.Add("[0,0,0,0,0,0,0,-9223372036854775808,0,9223372036854775807]")
	f.Add("{}")
	f.Fuzz(func(t *testing.T, text string) {
		var s stamps.State
		if err := stateField(&s)(text); err != nil || text == "" {
			return
		}
		if len(s.Recent)+len(s.Done)+len(s.Paid)+len(s.Owed) > len(text) {
			t.Errorf("%q gives %+v", text, s)
		}
	})
}

func TestStateThatEndsTooEarly(t *testing.T) {
	for _, text := range []string{"[1]", "[0,0,0,0,0,0]", "[0,0,0,0,0,0,1]", "[0,0,0,0,0,0,0,1,2,3]", "[0,0,0,0,0,0,0,-1]", "[0,0,0,0,0,0,0,-1,1,2,3]"} {
		var s stamps.State
		if stateField(&s)(text) == nil {
			t.Errorf("%s is %+v", text, s)
		}
	}
}
