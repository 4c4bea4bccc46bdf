package desk_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/ticket"
)

// of are accounts of WhatsApp in a line.
func of(accounts ...ids.Account) (all []routing.Account) {
	for _, a := range accounts {
		all = append(all, routing.Account{ID: desk.Account("whatsapp", a)})
	}
	return all
}

func TestSend(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("goes on whatever accounts agents link", func(t *testing.T) {
			s := open(db.Tenant("long"))
			s.line("p", routing.Settings{Accounts: append(of("x"), routing.Account{ID: "night-desk"}, routing.Account{ID: "whatsapp/%00"})})
			s.sign(s.make("a", "whatsapp"), "whatsapp", "x")
			s.sign(s.make("b", "whatsapp"), "whatsapp", ids.Account(strings.Repeat("客", 40)))
			if out := must(s.Visit(ctx, "asia", "v")); out.Account != desk.Account("whatsapp", "x") {
				t.Fatal(out)
			}
			must(s.Drain(ctx, "asia"))
			_, err := s.Visit(ctx, "none", "v")
			isError(t, err, routing.ErrUnknownLine)
			_, err = s.Drain(ctx, "none")
			isError(t, err, routing.ErrUnknownLine)
		})
		t.Run("sends no visitor by the name of an account on another platform", func(t *testing.T) {
			s := open(db.Tenant("platforms"))
			s.line("p", routing.Settings{Accounts: of("x")})
			s.sign(s.make("a", "whatsapp", "line"), "line", "x")
			_, err := s.Visit(ctx, "asia", "v")
			var none *routing.NoCapacityError
			if !errors.As(err, &none) || none.Why != routing.Offline {
				t.Fatal(err)
			}
		})
		t.Run("sends tickets to accounts that are offline where the line does, if they have a port", func(t *testing.T) {
			s := open(db.Tenant("offline"))
			settings := routing.Settings{Offline: true, Accounts: of("x")}
			s.line("p", settings)
			c := s.make("a", "whatsapp")
			s.site("shop")
			first := s.push("shop", `{"id":1}`)
			must(s.Handle(ctx, ticket.Query{State: ticket.Received}))
			if got := s.state(first); got != "manual noCapacity " {
				t.Fatal("without a port:", got)
			}
			s.sign(c, "whatsapp", "x")
			s.pass(activation.Away)
			second := s.push("shop", `{"id":2}`)
			must(s.Handle(ctx, ticket.Query{State: ticket.Received}))
			k, _, err := s.Tickets.Ticket(ctx, second)
			if err != nil || k.State != ticket.Pending || k.Target.Account != "x" || k.Target.Code != c.ID {
				t.Fatal(k, err)
			}
			settings.Accounts = append(settings.Accounts, routing.Account{ID: "night-desk"})
			settings.Accounts[0].Closed = true
			s.line("p2", settings)
			third := s.push("shop", `{"id":3}`)
			must(s.Handle(ctx, ticket.Query{State: ticket.Received}))
			if got := s.state(third); got != "pending  night-desk" {
				t.Fatal("to another name:", got)
			}
			if l := must(s.Lines.Line(ctx, "asia")); l.Sent != 2 {
				t.Fatal(l)
			}
		})
		t.Run("leaves a ticket that nobody has room for as it is, however often it is handled", func(t *testing.T) {
			s := open(db.Tenant("same"))
			s.line("p", routing.Settings{Accounts: of("x")})
			s.site("shop")
			id := s.push("shop", `{"id":1}`)
			must(s.Handle(ctx, ticket.Query{State: ticket.Received}))
			before, _, err := s.Tickets.Ticket(ctx, id)
			isError(t, err, nil)
			for range 3 {
				s.pass(time.Second)
				if n := must(s.Handle(ctx, ticket.Query{State: ticket.Manual})); n != 1 {
					t.Fatal(n)
				}
			}
			if after, _, err := s.Tickets.Ticket(ctx, id); err != nil || after.Version != before.Version || after.Reason != ticket.NoCapacity {
				t.Fatalf("%+v %v", after, err)
			}
			s.sign(s.make("a", "whatsapp"), "whatsapp", "x")
			must(s.Handle(ctx, ticket.Query{State: ticket.Manual}))
			if got := s.state(id); got != "pending  x" {
				t.Fatal(got)
			}
		})
		t.Run("keeps what an account counted that was removed", func(t *testing.T) {
			s := open(db.Tenant("removed"))
			c := s.make("a", "whatsapp")
			access := s.sign(c, "whatsapp", "x")
			must(s.Report(ctx, report(access, "1", "x", "ann")))
			must(s.Codes.Close(ctx, activation.Leave{Port: activation.PortID{Code: c.ID, N: 2}, Key: "gone"}))
			job := lead.JobID{Code: c.ID, Platform: "whatsapp"}
			for n, err := range s.Leads.Counts(ctx, lead.CountQuery{Job: job, Account: "x"}) {
				if err != nil || n.New != 1 {
					t.Fatal(n, err)
				}
				job = lead.JobID{}
			}
			if job != (lead.JobID{}) {
				t.Fatal("it counted nothing")
			}
			must(s.Codes.Delete(ctx, activation.CodeBatch{Codes: []ids.Code{c.ID}, Key: "all"}))
			if sum := must(s.Leads.Summary(ctx, lead.JobID{Code: c.ID, Platform: "whatsapp"})); sum.Total.New != 1 {
				t.Fatal(sum.Total)
			}
		})
		t.Run("lets no visitor come as a ticket", func(t *testing.T) {
			s := open(db.Tenant("names"))
			s.line("p", routing.Settings{Queue: 2, Accounts: of("x")})
			must(s.Lines.Put(ctx, routing.Put{Line: "other", Key: "put", Settings: routing.Settings{Zone: "UTC", Queue: 5, Accounts: of("x")}}))
			s.site("shop")
			id := s.push("shop", `{"id":1}`)
			must(s.Handle(ctx, ticket.Query{State: ticket.Received}))
			_, err := s.Visit(ctx, "other", desk.Visitor(id))
			var bad *errs.InputError
			if !errors.As(err, &bad) || bad.Field != "visitor" {
				t.Fatal(err)
			}
			must(s.Visit(ctx, "other", routing.VisitorID(id.String())))
			s.sign(s.make("a", "whatsapp"), "whatsapp", "x")
			must(s.Drain(ctx, "other"))
			if got := s.state(id); got != "pending  " {
				t.Fatal("a visitor of another line moved the ticket:", got)
			}
			must(s.Drain(ctx, "asia"))
			if got := s.state(id); got != "pending  x" {
				t.Fatal(got)
			}
		})
		t.Run("handles the other tickets where a site has no templates, and those with the longest names", func(t *testing.T) {
			s := open(db.Tenant("joined"))
			s.line("p", routing.Settings{Queue: 9, Accounts: of("x")})
			long := ticket.SiteID(strings.Repeat("s", 40))
			s.site(long)
			must(s.Tickets.PutSite(ctx, ticket.PutSite{Site: "bad", Key: "put", Settings: ticket.Settings{Scheme: ticket.Shopify, Templates: "none"}}))
			must(s.Tickets.AddSecret(ctx, ticket.AddSecret{Site: "bad", Secret: "hush-hush-hush-hush", Key: "secret"}))
			var pushed []ticket.ID
			for i, site := range []ticket.SiteID{"bad", long, "bad", long} {
				pushed = append(pushed, s.push(site, fmt.Sprintf(`{"id":%d}`, i)))
				s.pass(time.Second)
			}
			n, err := s.Handle(ctx, ticket.Query{State: ticket.Received, Oldest: true})
			if err != nil || n != 4 || s.state(pushed[0]) != "manual noTemplate " || s.state(pushed[2]) != "manual noTemplate " {
				t.Fatal(n, err)
			}
			if l := must(s.Lines.Line(ctx, "asia")); l.Waiting != 2 {
				t.Fatal(l)
			}
		})
	})
}

func TestReport(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		s := open(db)
		a, b := s.make("a", "whatsapp"), s.make("b", "whatsapp")
		first := s.sign(a, "whatsapp", "x")
		second := must(s.Codes.SignIn(ctx, activation.SignIn{Code: b.Code, Device: "d"}))
		port := must(s.Codes.Open(ctx, activation.Open{Session: second.ID(), Platform: "whatsapp", Key: "o"}))
		link := activation.Link{Session: second.ID(), Port: port.ID.N, Account: "x", Key: "l"}
		t.Run("an account that another code has linked can't be reported of", func(t *testing.T) {
			_, err := s.Codes.Link(ctx, link)
			isError(t, err, activation.ErrLinked)
			_, err = s.Report(ctx, report(second, "1", "x", "ann"))
			isError(t, err, desk.ErrAccount)
			var bad *errs.InputError
			if _, err = s.Report(ctx, report(first, "1", "", "ann")); !errors.As(err, &bad) || bad.Field != "event.account" {
				t.Fatal(err)
			}
			must(s.Report(ctx, report(first, "1", "x", "ann")))
			var by string
			for r, err := range db.Journal().After(ctx, "", 0) {
				if by = r.By; err != nil {
					t.Fatal(err)
				}
			}
			if by != first.ID().String() {
				t.Fatal("the last entry is by", by)
			}
		})
		t.Run("one that has moved is reported of by the code that has it", func(t *testing.T) {
			must(s.Codes.SignOut(ctx, activation.SignOut{Session: first.ID(), Key: "out"}))
			must(s.Codes.Link(ctx, link))
			must(s.Report(ctx, report(second, "2", "x", "ben")))
			again := must(s.Codes.SignIn(ctx, activation.SignIn{Code: a.Code, Device: "d2"}))
			_, err := s.Report(ctx, report(again, "3", "x", "eve"))
			isError(t, err, desk.ErrAccount)
		})
		t.Run("one that is logged out may be, and one that is banned may not", func(t *testing.T) {
			must(s.Codes.Logout(ctx, activation.Leave{Port: port.ID, Key: "logout"}))
			must(s.Report(ctx, report(second, "4", "x", "joe")))
			must(s.Codes.Ban(ctx, activation.Leave{Port: port.ID, Key: "ban"}))
			_, err := s.Report(ctx, report(second, "5", "x", "jim"))
			isError(t, err, desk.ErrAccount)
		})
	})
}
