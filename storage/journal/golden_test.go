package journal_test

import (
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// What names and hashes commands is the same in every release.
func TestGoldenKeys(t *testing.T) {
	f := golden.Open(t, "keys")
	f.Line("subject", journal.Subject("stamps", "coffee", "alice"), "Entries are not found by their subject.")
	f.Line("subject with signs", journal.Subject("stamps", "50%", "a/b", "小明", ""), "Entries are not found by their subject.")
	f.Line("derived key", journal.DerivedKey("code", []byte("id"), 7, "alice"), "Flows do their commands twice.")
	f.Line("derived key of nothing", journal.DerivedKey("code"), "Flows do their commands twice.")
	command := map[string]any{"text": "<a & b> \"小明\"\u2028\n", "n": 7, "none": nil, "at": time.Date(2026, 11, 27, 1, 2, 3, 4000, time.UTC)}
	f.Line("hash", hex.EncodeToString(journal.Hash("kind", command)), "Every command that comes again is refused.")
	f.Line("hash of JSON", hex.EncodeToString(journal.HashJSON("kind", json.RawMessage(`{"n":7}`))), "Every command that comes again is refused.")
	f.Check(golden.JSON("record", journal.Record{}, golden.Fill{
		"before": json.RawMessage(`{"n":1}`), "result": json.RawMessage(`{"n":2}`),
	}, "Readers of the journal that keep its JSON can't read it."))
}

type visit struct {
	At    time.Time            `json:"at,omitzero"`
	Until *time.Time           `json:"until,omitempty"`
	Stays []Stay               `json:"stays,omitempty"`
	Named map[string]time.Time `json:"named,omitempty"`
	Any   any                  `json:"any,omitempty"`
	Stay
	own time.Time
}

type Stay struct{ From, To time.Time }

// The same instants give the same command, wherever they come from, and however fine they are.
func TestTimesOfACommandAreInstants(t *testing.T) {
	at := time.Date(2026, 11, 27, 1, 2, 3, 4000, time.UTC)
	of := func(at time.Time) visit {
		return visit{At: at, Until: &at, Stays: []Stay{{at, at}, {}}, Named: map[string]time.Time{"a": at}, Any: []any{at, Stay{To: at}}, Stay: Stay{From: at}, own: at}
	}
	want := string(journal.JSON(of(at)))
	for name, other := range map[string]time.Time{
		"in another zone": at.In(time.FixedZone("UTC+8", 8*60*60)), "in the zone of the machine": at.Local(), "finer": at.Add(999),
	} {
		v := of(other)
		kept := string(journal.JSON(v))
		if got := string(journal.JSON(journal.Instants(v))); got != want {
			t.Errorf("%s: %s\nwant\n%s", name, got, want)
		}
		if string(journal.Hash("visit", v)) != string(journal.Hash("visit", of(at))) {
			t.Errorf("%s: the hash is another one", name)
		}
		if got := string(journal.JSON(journal.Instants(&v))); got != want {
			t.Errorf("%s, by a pointer: %s\nwant\n%s", name, got, want)
		}
		if got := string(journal.JSON(v)); got != kept {
			t.Errorf("%s: the command that was given became %s", name, got)
		}
	}
	for _, v := range []any{nil, 7, "text", []byte("bytes"), []any(nil), (*visit)(nil), json.RawMessage(`{"n":1}`)} {
		if got, want := string(journal.JSON(journal.Instants(v))), string(journal.JSON(v)); got != want {
			t.Errorf("%#v becomes %s", v, got)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	type command struct {
		Card string    `json:"card"`
		At   time.Time `json:"at,omitzero"`
		By   string    `json:"by,omitempty"`
	}
	var c any = command{Card: "coffee/alice", At: time.Date(2026, 11, 27, 1, 2, 3, 4000, time.UTC)}
	for b.Loop() {
		journal.Hash("stamps.add", c)
	}
}
