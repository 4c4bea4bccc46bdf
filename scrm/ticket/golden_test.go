package ticket

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var goldenKey = secret.Key{ID: "k1", Secret: []byte("0123456789abcdef0123456789abcdef")}

func goldenEngine(s storage.Tx) *Engine {
	e, err := New(s, []secret.Key{goldenKey}, &Options{Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
	if err != nil {
		panic(err)
	}
	return e
}

func TestGoldenCommands(t *testing.T) {
	const chosen = "a secret that the site has chosen"
	id := ID{"shop", "order-1"}
	f := golden.Open(t, "commands")
	f.Commands(golden.Engine{
		Store: memory.New(), New: func(s storage.Tx) any { return goldenEngine(s) },
		Commands: []golden.Command{
			{
				Kind: "ticket.putSite", Least: PutSite{Site: "shop", Settings: Settings{Scheme: Shopify, Templates: "orders"}}, Apart: true,
				Fill: golden.Fill{
					"settings.map":    map[string]string{"phone": "customer.phone", "name": "customer.name"},
					"settings.values": Values{"status": {"processing": "paid", "*": "other"}, "gender": {"f": "female"}},
				},
			},
			{
				Kind: "ticket.putSite", Name: "ticket.putSite of a scheme of its own",
				Least: PutSite{Site: "shop", Settings: Settings{Scheme: Custom, Signing: &Signing{Header: "X-Signature"}, Templates: "orders"}}, Apart: true,
			},
			{Kind: "ticket.addSecret", Least: AddSecret{Site: "shop"}},
			{
				Kind: "ticket.addSecret", Name: "ticket.addSecret of its own", Least: AddSecret{Site: "shop", Secret: chosen},
				Input: func(c any) any { return []any{c, keyring.Sum(goldenKey.Secret, "ticket.v1 input", chosen)} },
			},
			{Kind: "ticket.retireSecret", Least: RetireSecret{Site: "shop", ID: "ABCDEFGH"}},
			{Kind: "ticket.assign", Least: Assign{Ticket: id, Target: Target{Code: "ABCDEFGH"}}},
			{Kind: "ticket.reject", Least: Reject{Ticket: id, Note: "a joke"}},
			{Kind: "ticket.take", Least: Take{Ticket: id, Code: "ABCDEFGH"}},
			{Kind: "ticket.handBack", Least: HandBack{Ticket: id, Code: "ABCDEFGH", Note: "not mine"}},
			{Kind: "ticket.finish", Least: Finish{Ticket: id}},
		},
		Results: []golden.Result{{Name: "site", Of: Site{}}, {Name: "issued", Of: Issued{}}, {Name: "outcome", Of: Outcome{}}},
	})
}

func TestGoldenStates(t *testing.T) {
	golden.Open(t, "states").States(Tables,
		golden.StateOf(sites, "state", nil, func(s Site) Site { return s }, func(s *Site) Site { return *s }),
		golden.StateOf(tickets, "state", nil, func(t Ticket) Ticket { return t }, func(t *Ticket) Ticket { return *t }),
		golden.Definitions(templates.Table(), nil, Templates{}),
	)
}

// What is sealed, and what tickets are found by, is the same in every release.
func TestGoldenSeals(t *testing.T) {
	const broken = "Pushes and orders that came before come again as other tickets."
	e, f := goldenEngine(memory.New()), golden.Open(t, "seals")
	sealed, err := hex.DecodeString(f.Once("secret of a site", func() string {
		return hex.EncodeToString(e.boxes[0].Seal([]byte("a secret"), SiteID("shop").context("ABCDEFGH")))
	}))
	if err != nil {
		t.Fatal(err)
	}
	site := Site{ID: "shop", Secrets: []Secret{{ID: "ABCDEFGH", KeyID: goldenKey.ID, Sealed: sealed}}}
	if got := e.open(t.Context(), site); len(got) != 1 || got[0] != "a secret" {
		t.Errorf("the secret of a site, sealed by an earlier release, is opened as %q: its pushes are refused", got)
	}
	for _, c := range []struct{ name, before, text string }{
		{"push", "", "event-1"}, {"push with a long id", "", strings.Repeat("x", 100)}, {"push like an order", "", orders + "1"},
		{"order", orders, "1001"}, {"order with a space", orders, "No. 7"},
	} {
		f.Line(c.name, string(eventOf(c.before, c.text)), broken)
	}
	f.Line("one more push of an order", string(ID{"shop", "order:1001"}.push(Pushed{N: 2}).Event), broken)
	f.Line("name of a ticket", Ticket{ID: ID{"shop", "order:1001"}, Fields: Fields{Country: "US", Language: "en"}}.Name(), "Tickets have other names in lists.")
}
