package lead

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func goldenEngine(s storage.Tx) *Engine {
	return New(s, &Options{Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
}

func TestGoldenCommands(t *testing.T) {
	db, job := memory.New(), JobID{"ABCDEFGH", "whatsapp"}
	f := golden.Open(t, "commands")
	f.Commands(golden.Engine{
		Store: db, New: func(s storage.Tx) any { return goldenEngine(s) },
		Commands: []golden.Command{
			{
				Kind: "lead.put", Least: Put{Job: job, Owner: "owner", Terms: Terms{Counts: CountInbound, Zone: "Asia/Shanghai"}},
				Fill: golden.Fill{
					"terms.scope.reach": ReachCodes, "terms.begins": time.Unix(1_790_000_000, 0).UTC(), "terms.ends": time.Unix(1_890_000_000, 0).UTC(),
				},
			},
			{Kind: "lead.reset", Least: Reset{Job: job}},
			{Kind: "lead.link", Least: Link{Owner: "owner", With: "other"}},
			{Kind: "lead.unlink", Least: Unlink{Owner: "owner", With: "other"}},
		},
		Results: []golden.Result{{Name: "job", Of: Job{}}, {Name: "day", Of: time.Time{}}, {Name: "owner", Of: Owner{}}},
		Without: []string{"ImportCSV"},
	})
	// What the journal has of events has no key.
	outcome := golden.JSON("outcome", Outcome{}, nil, "The journal tells otherwise of events.")
	outcome.Whole = true
	f.Check(outcome)
	f.Check(golden.JSON("import", ImportCSV{Platform: "line"}, nil, "An import that was begun can't be gone on with."))
	for _, c := range []ImportCSV{
		{Platform: "line", Key: "ids"},
		{Platform: "whatsapp", Column: "phone", Phones: true, Region: "CN", By: "admin", Key: "phones"},
	} {
		for _, err := range goldenEngine(db).ImportCSV(t.Context(), c, strings.NewReader("phone\n+8613800138000\n")) {
			if err != nil {
				t.Fatal(err)
			}
		}
		for r, err := range db.Journal().Of(t.Context(), journal.Subject("lead/import", c.Key)) {
			if err != nil {
				t.Fatal(err)
			}
			f.Line("lead.importCSV of "+c.Key, hex.EncodeToString(r.Input)+" "+string(r.Result), "An import that was begun can't be gone on with.")
		}
	}
}

func TestGoldenStates(t *testing.T) {
	golden.Open(t, "states").States(Tables,
		golden.StateOf(jobs, "state", nil, func(j Job) Job { return j }, func(j *Job) Job { return *j }),
		golden.StateOf(owners, "state", nil, func(o Owner) Owner { return o }, func(o *Owner) Owner { return *o }),
		golden.StateOf(contacts, "merged", nil, func(id *Identity) Contact { return Contact{MergedTo: id} }, func(c *Contact) *Identity { return c.MergedTo }),
		golden.StateOf(contacts, "names", nil, func(names []Identity) Contact { return Contact{Names: names} }, func(c *Contact) []Identity { return c.Names }),
		golden.StateOf(leads, "state", nil, func(l Lead) Stored { return Stored{Lead: l} }, func(s *Stored) Lead { return s.Lead }),
	)
}
