package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// A team is what the service has for those who answer customers on WhatsApp.
type team struct {
	agents  *activation.Engine
	leads   *lead.Engine
	lines   *routing.Engine
	tickets *ticket.Engine
	sales   *desk.Desk
	access  activation.Access // kathy's
	now     time.Time         // of a clock that is set, so that each run prints the same
}

// openSales makes the tables and the engines of the sales team.
func (s *service) openSales(ctx context.Context, keys []secret.Key) error {
	if err := bunstore.Migrate(ctx, bunstore.OnSQLite(s.db), activation.Tables, lead.Tables, routing.Tables, ticket.Tables); err != nil {
		return err
	}
	s.now = time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	clock := func() time.Time { return s.now }
	var err error
	if s.agents, err = activation.New(s.store, keys, &activation.Options{Now: clock}); err != nil {
		return err
	}
	if s.tickets, err = ticket.New(s.store, keys, &ticket.Options{Now: clock}); err != nil {
		return err
	}
	s.leads = lead.New(s.store, &lead.Options{Now: clock})
	s.lines = routing.New(s.store, &routing.Options{Now: clock})
	parts := desk.Parts{Codes: s.agents, Leads: s.leads, Lines: s.lines, Tickets: s.tickets}
	s.sales = desk.New(s.store, parts, &desk.Options{Now: clock})
	return nil
}

// hire makes a code with a job that counts leads; kathy signs in with it and links two accounts.
func (s *service) hire(ctx context.Context) error {
	made, err := s.sales.Create(ctx, desk.Create{Codes: activation.Create{N: 1, Key: "first", Settings: activation.Settings{
		Platforms: []ids.Platform{"whatsapp"}, Ports: 3,
		Counting: activation.Counting{Owner: "boss", Reach: "owner", Library: true, Zone: "Asia/Shanghai", Reset: 8 * 60},
	}}})
	if err != nil {
		return err
	}
	s.access, err = s.agents.SignIn(ctx, activation.SignIn{Code: made[0].Code, Device: "laptop", Agent: "kathy"})
	if err != nil {
		return err
	}
	for _, account := range []ids.Account{"sales-1", "sales-2"} {
		port, err := s.agents.Open(ctx, activation.Open{Session: s.access.ID(), Platform: "whatsapp", Key: "open-" + string(account)})
		if err != nil {
			return err
		}
		port, err = s.agents.Link(ctx, activation.Link{Session: s.access.ID(), Port: port.ID.N, Account: account, Key: "link-" + string(account)})
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s\n", port.Account, port.State)
	}
	return nil
}

// report has kathy's client report that a customer wrote to one of her accounts.
func (s *service) report(ctx context.Context, id lead.EventID, account ids.Account, customer string) error {
	out, err := s.sales.Report(ctx, desk.Report{
		Token: s.access.Token, Platform: "whatsapp", Contact: []lead.Identity{{Platform: "whatsapp", Namespace: lead.WhatsApp, ID: customer}},
		Event: lead.Event{ID: id, Account: account, At: s.now, Kind: lead.Inbound},
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s to %s: %s %v\n", id, account, out.Verdict, out.Reasons)
	return nil
}

// messages are a customer's, to one account and then to the other.
func (s *service) messages(ctx context.Context) error {
	if err := s.report(ctx, "message-1", "sales-1", "8613912345678"); err != nil {
		return err
	}
	s.now = s.now.Add(time.Second)
	return s.report(ctx, "message-2", "sales-2", "8613912345678")
}

// known imports a file of known customers into the library. One of them writes as soon as it holds.
func (s *service) known(ctx context.Context) error {
	file := "name,phone\n郭恩晴,138 0013 8000\n张小东,+86 (0)139-1234-5678\n郭恩晴,008613800138000\n李,none\n"
	list := lead.ImportCSV{Platform: "whatsapp", Namespace: lead.WhatsApp, Column: "phone", Phones: true, Region: "CN", Key: "customers.csv"}
	for row, err := range s.leads.ImportCSV(ctx, list, strings.NewReader(file)) {
		if err != nil {
			return err
		}
		fmt.Printf("row %d: %s\n", row.Row, row.Mark)
	}
	s.now = s.now.Add(lead.Notice)
	return s.report(ctx, "message-3", "sales-1", "8613800138000")
}

// list prints the codes, but for their ids, which are random.
func (s *service) list(ctx context.Context) error {
	for row, err := range s.sales.Rows(ctx, desk.Query{Platforms: []ids.Platform{"whatsapp", "line"}}) {
		if err != nil {
			return err
		}
		fmt.Println(row.State, row.Online, "online")
		for _, c := range row.Cells {
			fmt.Println(c.Platform, c.Permitted, c.Today.New, c.Total.New, c.Total.Duplicate)
		}
	}
	return nil
}

// send sends a visitor to an account, twice. Another account has reached its target of the day.
func (s *service) send(ctx context.Context) error {
	_, err := s.lines.Put(ctx, routing.Put{Line: "spring", Key: "put-1", Settings: routing.Settings{
		Zone: "Asia/Shanghai", Reset: 8 * 60, Accounts: []routing.Account{
			{ID: desk.Account("whatsapp", "sales-1"), Day: 1}, {ID: desk.Account("whatsapp", "sales-2"), Day: 50},
		},
	}})
	if err != nil {
		return err
	}
	for range 2 {
		sent, err := s.sales.Visit(ctx, "spring", "visitor-1")
		if err != nil {
			return err
		}
		fmt.Printf("visitor-1: %s, sent there before: %t\n", sent.Account, sent.Sticky)
	}
	return nil
}

// push has the website push an order, which is stored, read by templates and sent to an account.
func (s *service) push(ctx context.Context) error {
	_, err := s.tickets.PutSite(ctx, ticket.PutSite{Site: "website", Key: "put-1", Settings: ticket.Settings{
		Scheme: ticket.StandardWebhooks, Templates: "orders", Defaults: ticket.Fields{Platform: "whatsapp"},
	}})
	if err != nil {
		return err
	}
	added, err := s.tickets.AddSecret(ctx, ticket.AddSecret{Site: "website", Key: "secret-1"})
	if err != nil {
		return err
	}
	_, err = s.tickets.Publish(ctx, ticket.Templates{ID: "orders", Version: 1, Rules: []ticket.Rule{{
		ID: "china", If: `country == "CN"`, Action: ticket.Action{Pool: "spring"},
		Map: map[string]string{"name": "customer.name", "phone": "customer.phone", "country": "country"},
	}}})
	if err != nil {
		return err
	}
	body := []byte(`{"customer":{"name":"郭恩晴","phone":"138 0013 8000"},"country":"CN"}`)
	header, err := signed(added.Secret, "order-12", s.now, body)
	if err != nil {
		return err
	}
	received, err := s.tickets.Receive(ctx, "website", ticket.Delivery{Header: header.Get, Body: body})
	if err != nil {
		return err
	}
	if _, err := s.sales.Handle(ctx, ticket.Query{State: ticket.Received, Oldest: true}); err != nil {
		return err
	}
	t, _, err := s.tickets.Ticket(ctx, received.ID)
	if err != nil {
		return err
	}
	fmt.Printf("%s of %s: %s, then %s at %s\n", t.ID.Event, t.Fields.Name, received.State, t.State, t.Target.Account)
	return nil
}

// signed returns the headers that the website pushes a body with, by Standard Webhooks.
func signed(shared, id string, at time.Time, body []byte) (http.Header, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(shared, "whsec_"))
	if err != nil {
		return nil, err
	}
	sent := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + sent + "." + string(body)))
	header := http.Header{}
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", sent)
	header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return header, nil
}
