package journal

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSubjectsOfOtherIdsDiffer(t *testing.T) {
	ids := rapid.SliceOfN(rapid.StringOf(rapid.SampledFrom([]rune("a/%2F5 é"))), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		a, b := ids.Draw(t, "a"), ids.Draw(t, "b")
		same := len(a) == len(b)
		for i := 0; same && i < len(a); i++ {
			same = a[i] == b[i]
		}
		if (Subject("kind", a...) == Subject("kind", b...)) != same {
			t.Fatalf("%q and %q: %s", a, b, Subject("kind", a...))
		}
	})
	if s := Subject("stamps", "coffee", "alice"); s != "stamps/coffee/alice" {
		t.Error(s)
	}
}

func TestReplay(t *testing.T) {
	type command struct{ N int }
	e := Entry{Subject: "stamps/coffee/alice", Key: "k", Input: Hash("stamps.add", command{1}), Result: []byte(`{"n":7}`)}
	var result struct{ N int }
	if err := e.Replay(Hash("stamps.add", command{1}), &result); err != nil || result.N != 7 {
		t.Error(result, err)
	}
	for name, input := range map[string][]byte{
		"another command": Hash("stamps.add", command{2}),
		"another kind":    Hash("stamps.cancel", command{1}),
		"nothing":         nil,
	} {
		if err := e.Replay(input, &result); !errors.Is(err, ErrKeyReused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e.Result = []byte("{")
	if err := e.Replay(e.Input, &result); err == nil || errors.Is(err, ErrKeyReused) {
		t.Error("a result that is no JSON:", err)
	}
}

func TestInstant(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 30, 0, 123456789, time.FixedZone("CST", 8*60*60))
	if got := Instant(at); got != time.Date(2026, 3, 1, 1, 30, 0, 123456000, time.UTC) {
		t.Error(got)
	}
}
