package desk_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var (
	ctx  = context.Background()
	noon = time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	key  = secret.Key{ID: "1", Secret: []byte("a secret that is 32 bytes or more")}
)

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

func isError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error is %v, want %v", got, want)
	}
}

type scene struct {
	*desk.Desk
	desk.Parts
	now *atomic.Int64
}

func open(db storage.DB) scene {
	at := &atomic.Int64{}
	at.Store(noon.UnixMicro())
	now := func() time.Time { return time.UnixMicro(at.Load()).UTC() }
	p := desk.Parts{
		Codes:   must(activation.New(db, []secret.Key{key}, &activation.Options{Now: now})),
		Leads:   lead.New(db, &lead.Options{Now: now}),
		Lines:   routing.New(db, &routing.Options{Now: now, Keys: []secret.Key{key}}),
		Tickets: must(ticket.New(db, []secret.Key{key}, &ticket.Options{Now: now})),
	}
	return scene{desk.New(db, p, &desk.Options{Now: now}), p, at}
}

func (s scene) pass(d time.Duration) { s.now.Add(d.Microseconds()) }

// make makes a code of the platforms.
func (s scene) make(key string, platforms ...ids.Platform) activation.Issued {
	return must(s.Create(ctx, desk.Create{Codes: activation.Create{N: 1, Key: key, Settings: activation.Settings{
		Platforms: platforms, Ports: 3, Counting: activation.Counting{Owner: "boss", Reach: "owner", Zone: "Asia/Shanghai"},
	}}}))[0]
}

// sign has an agent sign in and link an account.
func (s scene) sign(c activation.Issued, platform ids.Platform, account ids.Account) activation.Access {
	access := must(s.Codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: activation.DeviceID("pc-" + c.ID), Agent: "kathy"}))
	port := must(s.Codes.Open(ctx, activation.Open{Session: access.ID(), Platform: platform, Key: "open-" + string(account)}))
	must(s.Codes.Link(ctx, activation.Link{Session: access.ID(), Port: port.ID.N, Account: account, Key: "link-" + string(account)}))
	return access
}

// site has a website push to the line asia.
func (s scene) site(id ticket.SiteID) {
	must(s.Tickets.PutSite(ctx, ticket.PutSite{Site: id, Key: "put", Settings: ticket.Settings{Scheme: ticket.Shopify, Templates: "t"}}))
	must(s.Tickets.AddSecret(ctx, ticket.AddSecret{Site: id, Secret: "hush-hush-hush-hush", Key: "secret"}))
	must(s.Tickets.Publish(ctx, ticket.Templates{ID: "t", Version: 1, Rules: []ticket.Rule{
		{ID: "all", NoPhone: true, Action: ticket.Action{Pool: "asia"}},
	}}))
}

func (s scene) push(site ticket.SiteID, body string) ticket.ID {
	h := hmac.New(sha256.New, []byte("hush-hush-hush-hush"))
	h.Write([]byte(body))
	return must(s.Tickets.Receive(ctx, site, ticket.Delivery{Body: []byte(body), Header: func(string) string {
		return base64.StdEncoding.EncodeToString(h.Sum(nil))
	}})).ID
}

// state is what a ticket is at, and to whom it went.
func (s scene) state(id ticket.ID) string {
	k, _, err := s.Tickets.Ticket(ctx, id)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%s %s %s", k.State, k.Reason, k.Target.Account)
}

// line makes the line asia.
func (s scene) line(key string, settings routing.Settings) {
	settings.Zone = "Asia/Shanghai"
	must(s.Lines.Put(ctx, routing.Put{Line: "asia", Key: key, Settings: settings}))
}

func report(access activation.Access, id, account string, contact string) desk.Report {
	return desk.Report{
		Token: access.Token, Platform: "whatsapp", Contact: []lead.Identity{{Platform: "whatsapp", ID: contact}},
		Event: lead.Event{ID: lead.EventID(id), Account: ids.Account(account), At: noon, Kind: lead.Inbound},
	}
}

// table prints rows, but for the ids, which are random.
func (s scene) table(names map[ids.Code]string) string {
	var b strings.Builder
	for r, err := range s.Rows(ctx, desk.Query{Platforms: []ids.Platform{"whatsapp", "line"}}) {
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "%s %s %d", names[r.Code.ID], r.State, r.Online)
		for _, c := range r.Cells {
			if !c.Permitted {
				fmt.Fprintf(&b, " | no permission")
				continue
			}
			fmt.Fprintf(&b, " | %s %d new %d duplicate, today %d", c.Job, c.Total.New, c.Total.Duplicate, c.Today.New)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestDesk(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("lists codes with what they counted", func(t *testing.T) {
			s := open(db.Tenant("rows"))
			a := s.make("a", "whatsapp", "line")
			s.pass(time.Second)
			b := s.make("b", "whatsapp")
			s.pass(time.Second)
			c := s.make("c")
			names := map[ids.Code]string{a.ID: "A", b.ID: "B", c.ID: "C"}
			if again := s.make("b", "whatsapp"); again != (activation.Issued{ID: b.ID}) {
				t.Fatal(again)
			}
			first, second := s.sign(a, "whatsapp", "x"), s.sign(b, "whatsapp", "y")
			for i, r := range []desk.Report{report(first, "1", "x", "ann"), report(second, "2", "y", "ann"), report(second, "3", "y", "bob")} {
				out, err := s.Report(ctx, r)
				if want := []lead.Verdict{lead.NewLead, lead.Duplicate, lead.NewLead}[i]; err != nil || out.Verdict != want {
					t.Fatal(i, out, err)
				}
			}
			must(s.Codes.Disable(ctx, activation.CodeBatch{Codes: []ids.Code{b.ID}, Key: "off"}))
			want := "C enabled 0 | no permission | no permission\n" +
				"B disabled 0 | whatsapp 1 new 1 duplicate, today 1 | no permission\n" +
				"A enabled 1 | whatsapp 1 new 0 duplicate, today 1 | line 0 new 0 duplicate, today 0\n"
			if got := s.table(names); got != want {
				t.Fatalf("%s\nwant\n%s", got, want)
			}
			_, err := s.Report(ctx, report(second, "4", "y", "eve"))
			isError(t, err, activation.ErrSignedOut)
			_, err = s.Report(ctx, report(first, "4", "z", "eve"))
			isError(t, err, desk.ErrAccount)
			r := report(first, "4", "x", "eve")
			r.Platform = "wecom"
			_, err = s.Report(ctx, r)
			isError(t, err, activation.ErrPlatform)

			edit := activation.Edit{Code: c.ID, Key: "edit", Settings: activation.Settings{
				Platforms: []ids.Platform{"line"}, Counting: activation.Counting{Zone: "Mars"},
			}}
			if _, err := s.Edit(ctx, edit); err == nil {
				t.Fatal("a zone that is none")
			}
			if code := must(s.Codes.Code(ctx, c.ID)); len(code.Settings.Platforms) != 0 {
				t.Fatal("half an edit", code)
			}
			edit = activation.Edit{Code: b.ID, Key: "edit", Settings: activation.Settings{
				Platforms: []ids.Platform{"line"}, Ports: 1, Counting: activation.Counting{Zone: "UTC"},
			}}
			must(s.Edit(ctx, edit))
			if got := s.table(names); !strings.Contains(got, "B disabled 0 | no permission | line 0 new 0 duplicate, today 0\n") {
				t.Fatal(got)
			}
			if j := must(s.Leads.Job(ctx, lead.JobID{Code: b.ID, Platform: "line"})); j.Owner != "boss" || j.Terms[0].Zone != "UTC" {
				t.Fatal(j)
			}
		})
		t.Run("sends visitors and tickets to accounts that are online", func(t *testing.T) {
			s := open(db.Tenant("send"))
			a := s.make("a", "whatsapp")
			must(s.Lines.Put(ctx, routing.Put{Line: "asia", Key: "put", Settings: routing.Settings{
				Zone: "Asia/Shanghai", Queue: 2, Accounts: []routing.Account{{ID: desk.Account("whatsapp", "x"), Day: 3}},
			}}))
			s.site("shop")
			want := func(what string, id ticket.ID, want string) {
				t.Helper()
				if got := s.state(id); got != want {
					t.Fatalf("%s: %s, want %s", what, got, want)
				}
			}
			var pushed []ticket.ID
			for i := range 4 {
				pushed = append(pushed, s.push("shop", fmt.Sprintf(`{"id":%d}`, i)))
				s.pass(time.Second)
			}
			if n := must(s.Handle(ctx, ticket.Query{State: ticket.Received, Oldest: true})); n != 4 {
				t.Fatal(n)
			}
			want("nobody is online: it waits", pushed[0], "pending  ")
			want("it waits too", pushed[1], "pending  ")
			want("and no more may", pushed[2], "manual noCapacity ")
			_, err := s.Visit(ctx, "asia", "ann")
			var none *routing.NoCapacityError
			if !errors.As(err, &none) || none.Why != routing.Behind {
				t.Fatal(err)
			}
			must(s.Assign(ctx, ticket.Assign{Ticket: pushed[1], Target: ticket.Target{Code: s.make("b").ID}, Key: "take"}))
			if l := must(s.Lines.Line(ctx, "asia")); l.Waiting != 1 {
				t.Fatal(l)
			}
			s.sign(a, "whatsapp", "x")
			out := must(s.Visit(ctx, "asia", "ann"))
			if out.Account != desk.Account("whatsapp", "x") || len(out.Served) != 1 {
				t.Fatal(out)
			}
			want("served before the visitor", pushed[0], "pending  x")
			if n := must(s.Handle(ctx, ticket.Query{State: ticket.Manual, Oldest: true})); n != 2 {
				t.Fatal(n)
			}
			want("there is room now", pushed[2], "pending  x")
			want("the day's target is reached", pushed[3], "pending  ")
			must(s.Reject(ctx, ticket.Reject{Ticket: pushed[3], Note: "a test", Key: "no"}))
			if l := must(s.Lines.Line(ctx, "asia")); l.Waiting != 0 || l.Taken[0].Today != 3 {
				t.Fatal(l)
			}
			late := s.push("shop", `{"id":"late"}`)
			must(s.Handle(ctx, ticket.Query{State: ticket.Received}))
			want("it waits for tomorrow", late, "pending  ")
			s.pass(12*time.Hour + activation.Away)
			if out := must(s.Drain(ctx, "asia")); len(out.Served) != 0 {
				t.Fatal("served by who is away", out)
			}
			for agent, err := range s.Codes.Agents(ctx, activation.PortQuery{}) {
				if err != nil || agent.Online {
					t.Fatal(agent, err)
				}
			}
			s.sign(a, "whatsapp", "x2")
			access := must(s.Codes.SignIn(ctx, activation.SignIn{Code: a.Code, Device: "another"}))
			must(s.Codes.Link(ctx, activation.Link{Session: access.ID(), Port: 2, Account: "x", Key: "again"}))
			if out := must(s.Drain(ctx, "asia")); len(out.Served) != 1 {
				t.Fatal(out)
			}
			want("served", late, "pending  x")
		})
	})
}

// An agent signs in, links an account and reports who wrote to it; a visitor is sent to that
// account.
func Example() {
	db := memory.New()
	now := time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	random := []byte("32 random bytes of your own secret")
	codes, err := activation.New(db, []secret.Key{{ID: "2026", Secret: random}}, &activation.Options{Now: clock})
	if err != nil {
		log.Fatal(err)
	}
	tickets, err := ticket.New(db, []secret.Key{{ID: "2026", Secret: random}}, &ticket.Options{Now: clock})
	if err != nil {
		log.Fatal(err)
	}
	leads := lead.New(db, &lead.Options{Now: clock})
	lines := routing.New(db, &routing.Options{Now: clock})
	sales := desk.New(db, desk.Parts{Codes: codes, Leads: leads, Lines: lines, Tickets: tickets}, &desk.Options{Now: clock})

	made, err := sales.Create(ctx, desk.Create{Codes: activation.Create{N: 1, Key: "first", Settings: activation.Settings{
		Platforms: []ids.Platform{"whatsapp"}, Ports: 3,
		Counting: activation.Counting{Owner: "boss", Reach: "owner", Library: true, Zone: "Asia/Shanghai", Reset: 8 * 60},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	access, err := codes.SignIn(ctx, activation.SignIn{Code: made[0].Code, Device: "laptop", Agent: "kathy"})
	if err != nil {
		log.Fatal(err)
	}
	port, err := codes.Open(ctx, activation.Open{Session: access.ID(), Platform: "whatsapp", Key: "open-1"})
	if err != nil {
		log.Fatal(err)
	}
	port, err = codes.Link(ctx, activation.Link{Session: access.ID(), Port: port.ID.N, Account: "sales-1", Key: "link-1"})
	fmt.Println(port.State, err)

	out, err := sales.Report(ctx, desk.Report{
		Token: access.Token, Platform: "whatsapp", Contact: []lead.Identity{{Platform: "whatsapp", Namespace: lead.WhatsApp, ID: "8613912345678"}},
		Event: lead.Event{ID: "message-1", Account: "sales-1", At: now, Kind: lead.Inbound},
	})
	fmt.Println(out.Verdict, out.Reasons, err)

	_, err = lines.Put(ctx, routing.Put{Line: "spring", Key: "put-1", Settings: routing.Settings{
		Zone: "Asia/Shanghai", Accounts: []routing.Account{{ID: desk.Account("whatsapp", "sales-1"), Day: 50}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	sent, err := sales.Visit(ctx, "spring", "visitor-1")
	fmt.Println(sent.Account, err)

	for row, err := range sales.Rows(ctx, desk.Query{Platforms: []ids.Platform{"whatsapp", "line"}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(row.State, row.Online, "online")
		for _, c := range row.Cells {
			fmt.Println(c.Platform, c.Permitted, c.Today.New, c.Total.New, c.Total.Duplicate)
		}
	}
	// Output:
	// linked <nil>
	// new [first] <nil>
	// whatsapp/sales-1 <nil>
	// enabled 1 online
	// whatsapp true 1 1 0
	// line false 0 0 0
}
