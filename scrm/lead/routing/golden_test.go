package routing

import (
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func goldenEngine(s storage.Tx) *Engine {
	return New(s, &Options{
		Now:  func() time.Time { return time.Unix(1_800_000_000, 0) },
		Keys: []secret.Key{{ID: "k1", Secret: []byte("0123456789abcdef0123456789abcdef")}},
	})
}

func TestGoldenCommands(t *testing.T) {
	f := golden.Open(t, "commands")
	f.Commands(golden.Engine{
		Store: memory.New(), New: func(s storage.Tx) any { return goldenEngine(s) },
		Commands: []golden.Command{{
			Kind: "dispatch.put", Least: Put{Line: "north", Settings: Settings{Zone: "Asia/Shanghai"}},
		}},
		Results: []golden.Result{{Name: "line", Of: Line{}}},
	})
	// What the journal has of the commands without a key.
	outcome := golden.JSON("outcome", Outcome{}, nil, "The journal tells otherwise of visitors.")
	outcome.Whole = true
	f.Check(outcome)
}

func TestGoldenStates(t *testing.T) {
	golden.Open(t, "states").States(Tables,
		golden.StateOf(lines, "state", nil, func(l Line) Line { return l }, func(l *Line) Line { return *l }),
		golden.StateOf(visitors, "state", nil, func(v Visitor) visitorRow { return visitorRow{Visitor: v} }, func(r *visitorRow) Visitor { return r.Visitor }),
	)
}

// A token that one release has signed is that of the same visitor in another.
func TestGoldenTokens(t *testing.T) {
	e, f := goldenEngine(memory.New()), golden.Open(t, "tokens")
	acme := goldenEngine(memory.New().Tenant("acme"))
	for _, c := range []struct {
		name string
		e    *Engine
	}{{"token", e}, {"token of a tenant", acme}} {
		token, err := c.e.Sign("north", "visitor")
		if err != nil {
			t.Fatal(err)
		}
		f.Line(c.name, token, "Visitors who come with a token are refused.")
		if v, err := c.e.Visitor("north", token); err != nil || v != "visitor" {
			t.Errorf("%s is that of %q: %v", c.name, v, err)
		}
	}
}
