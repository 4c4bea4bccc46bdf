package ticket_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestTimesOfQueries(t *testing.T) {
	db := memory.New()
	e, _ := open(db)
	q := ticket.Query{State: ticket.Manual, From: noon, To: noon.Add(time.Hour)}
	stored := timetest.Records(t, db.Journal())
	timetest.Refuses(t, q, func(q ticket.Query) error {
		for _, err := range e.Tickets(ctx, q) {
			return err
		}
		return nil
	}, stored, "From", "To")
	timetest.Refuses(t, q, func(q ticket.Query) error {
		_, err := e.ProcessAll(ctx, q)
		return err
	}, stored, "From", "To")
}

// A time in a push that cannot be stored is none: the push counts by its arrival.
func TestTimesInPushes(t *testing.T) {
	e := woo(memory.New())
	for _, at := range []string{"9999-12-31T23:00:00-12:00", "0000-01-01T00:00:00Z", "300000-01-01T00:00:00Z", "2026-03-10T04:00:00+30:00", "-5", "9223372036854775807", "none", ""} {
		id := must(e.Receive(ctx, "shop", shopify(wooSecret, `{"id":7,"date_modified_gmt":"`+at+`"}`))).ID
		if k, _, err := e.Ticket(ctx, id); err != nil || !k.Pushes[len(k.Pushes)-1].At.Equal(noon) {
			t.Errorf("%q: %v %v", at, k.Pushes, err)
		}
	}
}

func FuzzDefinition(f *testing.F) {
	for _, seed := range []string{
		`{"id":"t","version":1,"rules":[{"id":"r","if":"country == \"US\"","map":{"name":"a + b | c[d=e].f"},"values":{"status":{"a":"b","*":"c"}},"action":{"code":"c"}}]}`,
		`{"id":"t","version":1,"rules":[{"id":"r","if":"body(\"a[\") != \"\"","noPhone":true}]}`, `{"id":"t","version":0}`, `{"rules":[{"map":{"price":"a"}}]}`,
	} {
		f.Add([]byte(seed), []byte(`{"a":"x","c":[{"d":"e","f":"g"}]}`))
	}
	f.Fuzz(func(t *testing.T, text, body []byte) {
		var d ticket.Templates
		if json.Unmarshal(text, &d) != nil {
			return
		}
		p, err := ticket.Compile(d)
		var bad *errs.DefinitionError
		if err != nil {
			if !errors.As(err, &bad) || len(bad.Mistakes) == 0 {
				t.Fatal(err)
			}
			return
		}
		k := p.Decide(ticket.Site{ID: "shop"}, ticket.Ticket{}, body, noon)
		if k.State != ticket.Pending && k.State != ticket.Manual {
			t.Fatal(k)
		}
	})
}

func FuzzSiteSettings(f *testing.F) {
	for _, seed := range []string{
		`{"scheme":"custom","signing":{"header":"X-A","content":"{id}.{body}","id":"X-B"},"templates":"t","map":{"name":"a"},"order":{"id":"id"}}`,
		`{"scheme":"jotform","templates":"t","values":{"status":{"*":"x"}}}`, `{"scheme":"custom","templates":"t"}`, `{"scheme":"line","templates":"t","order":{"at":"x"}}`,
	} {
		f.Add([]byte(seed), []byte(`{"id":1}`))
	}
	f.Fuzz(func(t *testing.T, text, body []byte) {
		var s ticket.Settings
		if json.Unmarshal(text, &s) != nil {
			return
		}
		e := must(ticket.New(memory.New(), keys, &ticket.Options{Now: clock}))
		var bad *errs.InputError
		if _, err := e.PutSite(ctx, ticket.PutSite{Site: "shop", Settings: s, Key: "k"}); err != nil {
			if !errors.As(err, &bad) || bad.Field == "" {
				t.Fatal(err)
			}
			return
		}
		if _, err := e.AddSecret(ctx, ticket.AddSecret{Site: "shop", Key: "s"}); err != nil {
			t.Fatal("a site has no secret that it could be given:", err)
		}
		if _, err := e.Receive(ctx, "shop", ticket.Delivery{Header: func(string) string { return "x" }, Body: body}); err == nil {
			t.Fatal("a forgery")
		}
	})
}
