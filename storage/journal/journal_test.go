package journal_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
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
		if (journal.Subject("kind", a...) == journal.Subject("kind", b...)) != same {
			t.Fatalf("%q and %q: %s", a, b, journal.Subject("kind", a...))
		}
	})
	if s := journal.Subject("stamps", "coffee", "alice"); s != "stamps/coffee/alice" {
		t.Error(s)
	}
}

// ParseSubject is the inverse of Subject: it returns the ids of what that makes, and refuses all
// else.
func TestParseSubject(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune("a/%2F5f é")))
	rapid.Check(t, func(t *rapid.T) {
		kind, ids := text.Draw(t, "kind"), rapid.SliceOfN(text, 0, 3).Draw(t, "ids")
		if got, ok := journal.ParseSubject(kind, journal.Subject(kind, ids...)); !ok || !slices.Equal(got, ids) {
			t.Fatalf("%q of %s: %q, %t", ids, kind, got, ok)
		}
		parses(t, kind, text.Draw(t, "subject"))
		parses(t, kind, kind+"/"+text.Draw(t, "rest"))
	})
	for _, c := range []struct{ kind, subject string }{
		{"stamps", "stamps-claim/coffee/alice"}, {"stamps", "stamp"}, {"stamps", ""}, {"stamps", "shop/coffee"}, {"stamps", "stamps/50%"},
		{"stamps", "stamps/a%2fb"}, {"stamps", "stamps/%41"}, {"activation/code", "activation/pool/north"}, {"stamps", "/stamps/coffee"},
	} {
		if ids, ok := journal.ParseSubject(c.kind, c.subject); ok || ids != nil {
			t.Errorf("%q of %s: %q", c.subject, c.kind, ids)
		}
	}
}

// parses holds that a subject is parsed where Subject makes it, and alone there.
func parses(t interface{ Fatalf(string, ...any) }, kind, subject string) {
	ids, ok := journal.ParseSubject(kind, subject)
	if ok && journal.Subject(kind, ids...) != subject {
		t.Fatalf("%q of %s: %q", subject, kind, ids)
	}
	made := subject == kind
	if rest, ok := strings.CutPrefix(subject, kind+"/"); ok {
		plain := strings.NewReplacer("%25", "", "%2F", "").Replace(rest)
		made = !strings.Contains(plain, "%")
	}
	if ok != made {
		t.Fatalf("%q of %s: parsed %t, made %t", subject, kind, ok, made)
	}
}

func FuzzParseSubject(f *testing.F) {
	f.Add("stamps", "stamps/50%25/a%2Fb//小明")
	f.Add("activation/code", "activation/code/ABCDEFGH")
	f.Add("", "/a%252F")
	f.Add("a", "a/%2%25F")
	f.Fuzz(func(t *testing.T, kind, subject string) { parses(t, kind, subject) })
}

func TestReplay(t *testing.T) {
	type command struct{ N int }
	e := journal.Entry{Subject: "stamps/coffee/alice", Key: "k", Input: journal.Hash("stamps.add", command{1}), Result: []byte(`{"n":7}`)}
	var result struct{ N int }
	if err := e.Replay(journal.Hash("stamps.add", command{1}), &result); err != nil || result.N != 7 {
		t.Error(result, err)
	}
	for name, input := range map[string][]byte{
		"another command": journal.Hash("stamps.add", command{2}),
		"another kind":    journal.Hash("stamps.cancel", command{1}),
		"nothing":         nil,
	} {
		if err := e.Replay(input, &result); !errors.Is(err, journal.ErrKeyReused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e.Result = []byte("{")
	if err := e.Replay(e.Input, &result); err == nil || errors.Is(err, journal.ErrKeyReused) {
		t.Error("a result that is no JSON:", err)
	}
}

func TestInstant(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 30, 0, 123456789, time.FixedZone("CST", 8*60*60))
	if got := journal.Instant(at); got != time.Date(2026, 3, 1, 1, 30, 0, 123456000, time.UTC) {
		t.Error(got)
	}
}
