package storagetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// oneSite has something in every field.
func oneSite(id string, version int64) ticket.Site {
	return ticket.Site{
		ID: ticket.SiteID(id), Version: version, Seq: version,
		Settings: ticket.Settings{
			Name: `站 "x"`, Scheme: ticket.Custom, Templates: "shop", Closed: true, Map: map[string]string{"phone": "tel"}, Defaults: allFields(),
			Values: ticket.Values{"status": {"processing": "paid"}}, Order: ticket.Ordering{ID: "id", Version: "v", At: "at"},
			Signing: &ticket.Signing{
				Header: "X-A", Query: "q", Token: true, Hash: "sha1", Encoding: ticket.Hex, Prefix: "v1=", Separator: ",", Content: "{body}", ID: "X-B",
				Event: "id", Timestamp: "X-C", TimestampPrefix: "t=", Unit: "ms", Secret: "hex",
			},
		},
		Secrets: []ticket.Secret{{ID: "s1", Added: at(1), KeyID: "k", Sealed: mac(7)}},
	}
}

func allFields() ticket.Fields {
	return ticket.Fields{
		Name: "郭恩晴", Phone: "+8613800138000", Typed: "138 0013 8000", Country: "CN", Platform: "whatsapp", Language: "zh", Gender: "男", Status: "paid",
		Order: "12", Remark: `a "remark"`,
	}
}

// oneTicket has something in every field.
func oneTicket(site, event string, version int64) ticket.Ticket {
	return ticket.Ticket{
		ID: ticket.ID{Site: ticket.SiteID(site), Event: ticket.EventID(event)}, Version: version, Seq: version, State: ticket.Manual, Reason: ticket.BadPhone,
		Note: "a note", Fields: allFields(), Tags: []string{"vip"}, Target: ticket.Target{Code: "c", Pool: "p", Account: "a"}, Templates: "shop", Decided: 3,
		Agent: "a/1", Taken: at(3), Rule: "r", Undecided: []ticket.RuleID{"q"}, Received: at(1), Updated: at(2), Hash: mac(1),
		Pushes: []ticket.Pushed{{Event: "e", Hash: mac(1), Version: 2, At: at(3), Received: at(4), N: 1}}, Came: 1,
	}
}

func templates(version int) ticket.Templates {
	return ticket.Templates{ID: "shop", Version: version, Rules: []ticket.Rule{{
		ID: "r", If: `country == "CN"`, Map: map[string]string{"phone": "customer.phone"}, Defaults: ticket.Fields{Platform: "line"}, NoPhone: true,
		Action: ticket.Action{Code: "c", Tags: []string{"vip"}},
	}}}
}

var ticketWriter = writer{
	name: "ticket",
	save: func(ctx context.Context, tx storage.Tx, id string, loaded int64, key string) error {
		t := oneTicket("north", id, loaded+1)
		return one(tx.Tickets().Save(ctx, []ticket.Change{{Ticket: &t, Body: []byte("{}"), Entries: writer{name: "ticket"}.entries(id, loaded, key)}}))
	},
	version: func(ctx context.Context, tx storage.Tx, id string) (int64, error) {
		l, err := tx.Tickets().Load(ctx, ticket.Lookup{Ticket: oneTicket("north", id, 1).ID})
		return l.Ticket.Version, err
	},
}

func fillTickets(ctx context.Context, tx storage.Tx) error {
	s, t := oneSite("north", 1), oneTicket("north", "e1", 1)
	return errors.Join(tx.Tickets().Publish(ctx, templates(1)), allOf(tx.Tickets().Save(ctx, []ticket.Change{
		{Site: &s}, {Ticket: &t, Body: []byte(`{"id":1}`), Entries: []journal.Entry{entry(t.ID.Subject(), "key", 1)}},
	})))
}

var ticketReads = []call{
	{"Tickets.Load", func(ctx context.Context, tx storage.Tx) (any, error) {
		id := oneTicket("north", "e1", 1).ID
		return tx.Tickets().Load(ctx, ticket.Lookup{Site: "north", Ticket: id, Body: true, Subject: id.Subject(), Key: "key"})
	}},
	{"Tickets.Tickets", func(ctx context.Context, tx storage.Tx) (any, error) {
		var all [][]ticket.Ticket
		for _, q := range []ticket.Query{
			{}, {Site: "north"}, {Event: "e1"}, {State: ticket.Manual}, {Platform: "whatsapp"}, {Country: "CN"},
			{Code: "c"}, {Account: "a"}, {Code: "c", State: ticket.Pending}, {From: at(0)}, {To: at(9)},
			{Site: "north", Event: "e1", State: ticket.Manual, Platform: "whatsapp", Country: "CN", From: at(0), To: at(9), Oldest: true, Limit: 5},
		} {
			found, err := collect(tx.Tickets().Tickets(ctx, q))
			if err != nil {
				return nil, err
			}
			all = append(all, found)
		}
		return all, nil
	}},
	{"Tickets.Targets", func(ctx context.Context, tx storage.Tx) (any, error) { return collect(tx.Tickets().Targets(ctx)) }},
	{"Tickets.Sites", func(ctx context.Context, tx storage.Tx) (any, error) { return collect(tx.Tickets().Sites(ctx)) }},
	{"Tickets.Templates", func(ctx context.Context, tx storage.Tx) (any, error) {
		d, err := tx.Tickets().Templates(ctx, "shop", 0)
		if errors.Is(err, ticket.ErrUnknownTemplates) {
			err = nil
		}
		return d, err
	}},
}

var ticketWrites = []call{
	{"Tickets.Save", func(ctx context.Context, tx storage.Tx) (any, error) {
		t := oneTicket("north", "e1", 2)
		return nil, one(tx.Tickets().Save(ctx, []ticket.Change{{Ticket: &t}}))
	}},
	{"Tickets.Publish", func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, tx.Tickets().Publish(ctx, templates(2))
	}},
}

func tickets(s suite) {
	s.each("are stored whole, with the bodies that they came with", ticketsWhole)
	s.each("are listed by their query", ticketsListed)
	s.each("are found by their targets, each of which is listed once", ticketTargets)
	s.each("have templates in versions", func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			_, err := tx.Tickets().Templates(ctx, "shop", 0)
			isError(s.t, "none", err, ticket.ErrUnknownTemplates)
			must(s.t, tx.Tickets().Publish(ctx, templates(1)))
			isError(s.t, "the same version", tx.Tickets().Publish(ctx, templates(1)), ticket.ErrPublished)
			must(s.t, tx.Tickets().Publish(ctx, templates(2)))
			for asked, want := range map[int]int{0: 2, 1: 1, 2: 2} {
				d, err := tx.Tickets().Templates(ctx, "shop", asked)
				must(s.t, err)
				equal(s.t, "templates", d, templates(want))
			}
		})
	})
}

func ticketsWhole(s *scene) {
	load := func(ctx context.Context, tx storage.Tx, l ticket.Lookup) ticket.Loaded {
		s.t.Helper()
		got, err := tx.Tickets().Load(ctx, l)
		must(s.t, err)
		return got
	}
	site, a, b := oneSite("north", 1), oneTicket("north", "a", 1), oneTicket("south", "a", 1)
	all := ticket.Lookup{Site: "north", Ticket: a.ID, Body: true, Subject: a.ID.Subject(), Key: "key"}
	body := []byte{0, 0xff, '{', '\'', '\\'}
	s.do(func(ctx context.Context, tx storage.Tx) {
		equal(s.t, "nothing", load(ctx, tx, all), ticket.Loaded{Site: ticket.Site{ID: "north"}, Ticket: ticket.Ticket{ID: a.ID}})
		equal(s.t, "asked for nothing", load(ctx, tx, ticket.Lookup{}), ticket.Loaded{})
		must(s.t, allOf(tx.Tickets().Save(ctx, []ticket.Change{
			{Site: &site}, {Ticket: &a, Body: body, Entries: []journal.Entry{entry(a.ID.Subject(), "key", 1)}}, {Ticket: &b},
		})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		e := entry(a.ID.Subject(), "key", 1)
		equal(s.t, "all", load(ctx, tx, all), ticket.Loaded{Site: site, Ticket: a, Body: body, Entry: &e})
		equal(s.t, "without the body", load(ctx, tx, ticket.Lookup{Ticket: a.ID}), ticket.Loaded{Ticket: a})
		equal(s.t, "an empty body", load(ctx, tx, ticket.Lookup{Ticket: b.ID, Body: true}), ticket.Loaded{Ticket: b})
		next := oneTicket("north", "a", 2)
		next.State, next.Tags, next.Undecided = ticket.Pending, nil, nil
		must(s.t, one(tx.Tickets().Save(ctx, []ticket.Change{{Ticket: &next, Body: []byte("another")}})))
		equal(s.t, "with its first body", load(ctx, tx, ticket.Lookup{Ticket: a.ID, Body: true}), ticket.Loaded{Ticket: next, Body: body})
		next = oneTicket("north", "a", 3)
		must(s.t, one(tx.Tickets().Save(ctx, []ticket.Change{{Ticket: &next, Body: []byte("another"), Push: "a#2"}})))
		equal(s.t, "the body of another push", load(ctx, tx, ticket.Lookup{Ticket: ticket.ID{Site: "north", Event: "a#2"}, Body: true}),
			ticket.Loaded{Ticket: ticket.Ticket{ID: ticket.ID{Site: "north", Event: "a#2"}}, Body: []byte("another")})
		equal(s.t, "that of the first", load(ctx, tx, ticket.Lookup{Ticket: a.ID, Body: true}), ticket.Loaded{Ticket: next, Body: body})
		isError(s.t, "an old site", one(tx.Tickets().Save(ctx, []ticket.Change{{Site: &site}})), journal.ErrConflict)
		equal(s.t, "sites", list(s.t, tx.Tickets().Sites(ctx)), []ticket.Site{site})
	})
}

func ticketTargets(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		var changes []ticket.Change
		for i, state := range []ticket.State{ticket.Pending, ticket.Assigned, ticket.Manual, ticket.Done, ticket.Pending, ticket.Pending, ticket.Assigned} {
			t := oneTicket("north", string(rune('a'+i)), 1)
			t.State, t.Received = state, at(int64(i))
			t.Target = []ticket.Target{
				{Code: "d", Account: "x"}, {Code: "c"}, {Code: "m"}, {Code: "n"}, {Code: "d", Account: "w"}, {Pool: "p"}, {Pool: "p", Code: "d", Account: "x"},
			}[i]
			changes = append(changes, ticket.Change{Ticket: &t})
		}
		must(s.t, allOf(tx.Tickets().Save(ctx, changes)))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		equal(s.t, "targets", list(s.t, tx.Tickets().Targets(ctx)), []ticket.Target{{}, {Code: "c"}, {Code: "d", Account: "w"}, {Code: "d", Account: "x"}})
		for _, tt := range []struct {
			q    ticket.Query
			want string
		}{
			{ticket.Query{Code: "d"}, "gea"}, {ticket.Query{Code: "d", State: ticket.Pending}, "ea"}, {ticket.Query{Code: "d", Account: "x"}, "ga"},
			{ticket.Query{Account: "w"}, "e"}, {ticket.Query{Code: "n", State: ticket.Done}, "d"}, {ticket.Query{Code: "d", State: ticket.Assigned, Oldest: true}, "g"},
			{ticket.Query{Code: "d", State: ticket.Pending, Oldest: true, Limit: 1}, "a"}, {ticket.Query{Code: "x"}, ""},
		} {
			var got string
			for _, t := range list(s.t, tx.Tickets().Tickets(ctx, tt.q)) {
				got += string(t.ID.Event)
			}
			equal(s.t, fmt.Sprintf("%+v", tt.q), got, tt.want)
		}
	})
}

func ticketsListed(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		var changes []ticket.Change
		for i, event := range []string{"a", "b", "c", "d"} {
			t := oneTicket([]string{"north", "south"}[i%2], event, 1)
			t.Received, t.State = at(int64(i/2)), []ticket.State{ticket.Manual, ticket.Pending}[i/2]
			t.Fields.Platform, t.Fields.Country = []string{"line", "whatsapp"}[i%2], []string{"CN", "US", "", "CN"}[i]
			changes = append(changes, ticket.Change{Ticket: &t})
		}
		must(s.t, allOf(tx.Tickets().Save(ctx, changes)))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		for _, tt := range []struct {
			q    ticket.Query
			want string
		}{
			{ticket.Query{}, "dcba"}, {ticket.Query{Oldest: true}, "abcd"}, {ticket.Query{Limit: 3}, "dcb"}, {ticket.Query{Oldest: true, Limit: 3}, "abc"},
			{ticket.Query{Site: "south"}, "db"}, {ticket.Query{State: ticket.Manual}, "ba"}, {ticket.Query{Platform: "line"}, "ca"}, {ticket.Query{Country: "CN"}, "da"},
			{ticket.Query{From: at(1)}, "dc"}, {ticket.Query{To: at(1)}, "ba"}, {ticket.Query{From: at(0), To: at(1), Site: "north"}, "a"}, {ticket.Query{Site: "west"}, ""},
			{ticket.Query{Event: "c"}, "c"}, {ticket.Query{Site: "north", Event: "b"}, ""}, {ticket.Query{Platform: "whatsapp", Country: "CN"}, "d"},
			{ticket.Query{Platform: "line", Country: "CN", From: at(0), To: at(1)}, "a"}, {ticket.Query{Platform: "line", From: at(1), Oldest: true}, "c"},
			{ticket.Query{Country: "cn"}, ""}, {ticket.Query{Platform: "Line"}, ""},
		} {
			var got string
			for _, t := range list(s.t, tx.Tickets().Tickets(ctx, tt.q)) {
				got += string(t.ID.Event)
			}
			equal(s.t, fmt.Sprintf("%+v", tt.q), got, tt.want)
		}
	})
}

func (h *history) saveTickets(ctx context.Context, model storage.Tx) step {
	var changes []ticket.Change
	for _, event := range some(h, []ticket.EventID{"a", "店"}, 0, 2, "events") {
		id := ticket.ID{Site: pick(h, []ticket.SiteID{"north", "south"}, "site"), Event: event}
		l, err := model.Tickets().Load(ctx, ticket.Lookup{Ticket: id})
		if err != nil {
			h.t.Fatal(err)
		}
		t := oneTicket(string(id.Site), string(id.Event), h.version(l.Ticket.Version)+1)
		t.State, t.Received = pick(h, []ticket.State{ticket.Received, ticket.Manual, ticket.Pending}, "state"), h.time(false, "received")
		t.Fields.Country, t.Fields.Platform = pick(h, someTexts, "country"), pick(h, someTexts, "platform")
		changes = append(changes, ticket.Change{Ticket: &t, Body: []byte(pick(h, someTexts, "body")), Entries: h.entries(id.Subject())})
	}
	if h.upTo(2, "a site") == 0 {
		l, err := model.Tickets().Load(ctx, ticket.Lookup{Site: "north"})
		if err != nil {
			h.t.Fatal(err)
		}
		site := oneSite("north", h.version(l.Site.Version)+1)
		changes = append(changes, ticket.Change{Site: &site, Entries: h.entries(site.ID.Subject())})
	}
	return try(ctx, model, "Tickets.Save", changes, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kinds(tx.Tickets().Save(ctx, changes))
	})
}

func (h *history) loadTickets(ctx context.Context, model storage.Tx) step {
	l := ticket.Lookup{
		Site: "north", Ticket: ticket.ID{Site: pick(h, []ticket.SiteID{"north", "south"}, "site"), Event: pick(h, []ticket.EventID{"a", "店", ""}, "event")},
		Body: h.upTo(1, "body") == 1, Key: pick(h, someKeys, "key"),
	}
	l.Subject = l.Ticket.Subject()
	q := ticket.Query{From: h.time(true, "from"), To: h.time(true, "to"), Oldest: h.upTo(1, "oldest") == 1, Limit: h.upTo(2, "limit")}
	if h.upTo(1, "of a state") == 1 {
		q.State = ticket.Manual
	}
	if h.upTo(1, "of a country") == 1 {
		q.Country = pick(h, someTexts, "country")
	}
	if h.upTo(2, "of a platform") == 0 {
		q.Platform = pick(h, someTexts, "platform")
	}
	if h.upTo(2, "of a site") == 0 {
		q.Site, q.Event = "north", pick(h, []ticket.EventID{"", "a", "店"}, "of an event")
	}
	return try(ctx, model, "Tickets queries", []any{l, q}, func(ctx context.Context, tx storage.Tx) (any, error) {
		loaded, err := tx.Tickets().Load(ctx, l)
		if err != nil {
			return nil, err
		}
		found, err := collect(tx.Tickets().Tickets(ctx, q))
		return []any{loaded, found}, err
	})
}
