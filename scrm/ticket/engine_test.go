package ticket_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var (
	ctx  = context.Background()
	noon = time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	keys = []secret.Key{{ID: "1", Secret: []byte("a secret that is 32 bytes or more")}}
)

func clock() time.Time { return noon }

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

// open returns an engine with a site, and its secret.
func open(db storage.DB) (*ticket.Engine, string) {
	e := must(ticket.New(db, keys, &ticket.Options{Now: clock}))
	must(e.PutSite(ctx, ticket.PutSite{Site: "test1", Key: "put", Settings: ticket.Settings{
		Scheme: ticket.StandardWebhooks, Templates: "shop", Defaults: ticket.Fields{Platform: "whatsapp"},
	}}))
	return e, must(e.AddSecret(ctx, ticket.AddSecret{Site: "test1", Key: "secret"})).Secret
}

// push signs a body by Standard Webhooks.
func push(shared, id, body string) ticket.Delivery {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(shared, "whsec_"))
	if err != nil {
		panic(err)
	}
	sent := strconv.FormatInt(noon.Unix(), 10)
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + sent + "." + body))
	header := map[string]string{
		"webhook-id": id, "webhook-timestamp": sent, "webhook-signature": "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)),
	}
	return ticket.Delivery{Header: func(name string) string { return header[name] }, Body: []byte(body)}
}

// shopify signs a body as Shopify does.
func shopify(shared, body string) ticket.Delivery {
	h := hmac.New(sha256.New, []byte(shared))
	h.Write([]byte(body))
	header := map[string]string{"X-Shopify-Hmac-SHA256": base64.StdEncoding.EncodeToString(h.Sum(nil))}
	return ticket.Delivery{Header: func(name string) string { return header[name] }, Body: []byte(body)}
}

func publish(e *ticket.Engine, version int, rules ...ticket.Rule) {
	must(e.Publish(ctx, ticket.Templates{ID: "shop", Version: version, Rules: rules}))
}

var order = `{"customer":{"name":"郭恩晴","phone":"138 0013 8000"},"country":"CN"}`

func read(id ticket.RuleID, condition string, a ticket.Action) ticket.Rule {
	return ticket.Rule{ID: id, If: condition, Action: a, Map: map[string]string{
		"name": "customer.name", "phone": "customer.phone", "country": "country",
	}}
}

func TestTickets(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("are received once, as they came", func(t *testing.T) {
			db := db.Tenant("once")
			e, shared := open(db)
			var first, again atomic.Int64
			var wg sync.WaitGroup
			for range 32 {
				wg.Go(func() {
					out, err := e.Receive(ctx, "test1", push(shared, "msg_1", order))
					switch {
					case err != nil:
						t.Error(err)
					case out.Replayed:
						again.Add(1)
					default:
						first.Add(1)
					}
				})
			}
			wg.Wait()
			if first.Load() != 1 || again.Load() != 31 {
				t.Fatal(first.Load(), again.Load())
			}
			_, err := e.Receive(ctx, "test1", push(shared, "msg_1", order+" "))
			isError(t, err, ticket.ErrBody)
			for _, site := range []ticket.SiteID{"test1", "other"} {
				_, err = e.Receive(ctx, site, push("whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32)), "msg_2", order))
				isError(t, err, ticket.ErrSignature)
			}
			_, err = e.Receive(ctx, "test1", push(shared, "msg_3", strings.Repeat("x", ticket.MaxBody+1)))
			isError(t, err, ticket.ErrTooLarge)
			got, body, err := e.Ticket(ctx, ticket.ID{Site: "test1", Event: "msg_1"})
			if err != nil || string(body) != order || got.State != ticket.Received {
				t.Fatal(got, string(body), err)
			}
			n := 0
			for _, err := range e.Tickets(ctx, ticket.Query{}) {
				isError(t, err, nil)
				n++
			}
			if n != 1 {
				t.Fatal(n)
			}
			publish(e, 1, read("all", "", ticket.Action{Code: "VIPVIPVI"}))
			must(e.Process(ctx, got.ID))
			for r, err := range db.Journal().After(ctx, "", 0) {
				text := fmt.Sprintf("%s %s %s", r.Key, r.Before, r.Result)
				if err != nil || strings.Contains(text, "8000") || strings.Contains(text, shared[6:]) || strings.Contains(text, "ealed") {
					t.Fatal("the journal holds a number or a secret:", text, err)
				}
			}
		})
		t.Run("are processed again when the templates have changed, and no more often", func(t *testing.T) {
			e, shared := open(db.Tenant("again"))
			id := ticket.ID{Site: "test1", Event: "msg_1"}
			must(e.Receive(ctx, "test1", push(shared, "msg_1", order)))
			publish(e, 1, read("us", `country == "US"`, ticket.Action{Code: "AMERICAS"}))
			want := func(what string, out ticket.Outcome, state ticket.State, reason ticket.Reason, version int64) {
				t.Helper()
				got, _, err := e.Ticket(ctx, id)
				if err != nil || out.State != state || out.Reason != reason || got.State != state || got.Version != version {
					t.Fatalf("%s: %+v, %+v %v", what, out, got, err)
				}
			}
			want("no template", must(e.Process(ctx, id)), ticket.Manual, ticket.NoTemplate, 2)
			want("the same templates", must(e.Process(ctx, id)), ticket.Manual, ticket.NoTemplate, 2)
			publish(e, 2, read("us", `country == "US"`, ticket.Action{Code: "AMERICAS"}), read("cn", `country == "CN"`, ticket.Action{Pool: "asia"}))
			if n := must(e.ProcessAll(ctx, ticket.Query{State: ticket.Manual, Site: "test1"})); n != 1 {
				t.Fatal(n)
			}
			want("a rule is met", must(e.Process(ctx, id)), ticket.Pending, "", 3)
			_, err := e.Route(ctx, ticket.Route{Ticket: id, Pool: "europe"})
			isError(t, err, ticket.ErrState)
			out := must(e.Route(ctx, ticket.Route{Ticket: id, Pool: "asia"}))
			want("nobody has room", out, ticket.Manual, ticket.NoCapacity, 4)
			want("and again", must(e.Process(ctx, id)), ticket.Pending, "", 5)
			want("somebody has", must(e.Route(ctx, ticket.Route{Ticket: id, Pool: "asia", Account: "86139", Code: "ASIAASIA"})), ticket.Pending, "", 6)
			assign := ticket.Assign{Ticket: id, Target: ticket.Target{Code: "ASIAASIA", Account: "86139"}, Note: "mine", By: "kathy", Key: "take"}
			want("taken", must(e.Assign(ctx, assign)), ticket.Assigned, "", 7)
			if again := must(e.Assign(ctx, assign)); !again.Replayed || again.State != ticket.Assigned {
				t.Fatal(again)
			}
			assign.Note = "yours"
			_, err = e.Assign(ctx, assign)
			isError(t, err, journal.ErrKeyReused)
			want("processed", must(e.Process(ctx, id)), ticket.Assigned, "", 7)
			_, err = e.Reject(ctx, ticket.Reject{Ticket: id, Note: "spam", Key: "no"})
			isError(t, err, ticket.ErrState)
			if again := must(e.Receive(ctx, "test1", push(shared, "msg_1", order))); !again.Replayed || again.State != ticket.Assigned {
				t.Fatal(again)
			}
			_, err = e.Process(ctx, ticket.ID{Site: "test1", Event: "none"})
			isError(t, err, ticket.ErrUnknownTicket)
		})
		t.Run("are listed by site, state, platform, country and time", func(t *testing.T) {
			e, shared := open(db.Tenant("list"))
			publish(e, 1, read("cn", `country == "CN"`, ticket.Action{Code: "VIPVIPVI"}))
			for i := range 3 {
				must(e.Receive(ctx, "test1", push(shared, fmt.Sprint("msg_", i), order)))
			}
			must(e.Receive(ctx, "test1", push(shared, "msg_us", `{"country":"US"}`)))
			if n := must(e.ProcessAll(ctx, ticket.Query{State: ticket.Received, Oldest: true, Limit: 3})); n != 3 {
				t.Fatal(n)
			}
			must(e.Reject(ctx, ticket.Reject{Ticket: ticket.ID{Site: "test1", Event: "msg_1"}, Note: "a test", Key: "no"}))
			for _, tt := range []struct {
				q    ticket.Query
				want int
			}{
				{ticket.Query{}, 4}, {ticket.Query{State: ticket.Pending}, 2}, {ticket.Query{State: ticket.Received}, 1}, {ticket.Query{State: ticket.Rejected}, 1},
				{ticket.Query{Country: "CN"}, 3}, {ticket.Query{Platform: "whatsapp", Site: "test1"}, 3}, {ticket.Query{Site: "other"}, 0},
				{ticket.Query{From: noon}, 4}, {ticket.Query{To: noon}, 0}, {ticket.Query{Limit: 2}, 2},
				{ticket.Query{Country: "cn", Platform: "WhatsApp"}, 3}, {ticket.Query{Event: "msg_2"}, 1}, {ticket.Query{Event: "msg_9"}, 0},
			} {
				n := 0
				for k, err := range e.Tickets(ctx, tt.q) {
					isError(t, err, nil)
					if k.Fields.Country != "" && k.Name() != "test1-CN-"+k.Name()[9:] {
						t.Error(k.Name())
					}
					n++
				}
				if n != tt.want {
					t.Errorf("%+v: %d", tt.q, n)
				}
			}
			for field, q := range map[string]ticket.Query{"state": {State: "open"}, "limit": {Limit: -1}, "site": {Site: "a/b"}} {
				var bad *errs.InputError
				for _, err := range e.Tickets(ctx, q) {
					if !errors.As(err, &bad) || bad.Field != field {
						t.Errorf("%+v: %v", q, err)
					}
				}
				if bad == nil {
					t.Errorf("%+v is answered", q)
				}
			}
		})
		t.Run("of a site without templates are for somebody to look at", func(t *testing.T) {
			e, shared := open(db.Tenant("none"))
			id := must(e.Receive(ctx, "test1", push(shared, "msg_1", order))).ID
			for range 2 {
				if out := must(e.Process(ctx, id)); out.State != ticket.Manual || out.Reason != ticket.NoTemplate {
					t.Fatal(out)
				}
			}
			if k, _, err := e.Ticket(ctx, id); err != nil || k.Version != 2 || k.Templates != "shop" || k.Decided != 0 {
				t.Fatal(k, err)
			}
			publish(e, 1, read("all", "", ticket.Action{Code: "VIPVIPVI"}))
			if out := must(e.Process(ctx, id)); out.State != ticket.Pending || out.Decided != 1 {
				t.Fatal(out)
			}
		})
		t.Run("that can't be processed hold up no other", func(t *testing.T) {
			db := db.Tenant("broken")
			e, shared := open(db)
			publish(e, 1, read("all", "", ticket.Action{Code: "VIPVIPVI"}))
			must(e.PutSite(ctx, ticket.PutSite{Site: "broken", Key: "put", Settings: ticket.Settings{Scheme: ticket.StandardWebhooks, Templates: "broken"}}))
			must(e.AddSecret(ctx, ticket.AddSecret{Site: "broken", Secret: shared, Key: "secret"}))
			broken := ticket.Templates{ID: "broken", Version: 1, Rules: []ticket.Rule{{ID: "r", If: "("}}}
			isError(t, ticket.PublishUnchecked(ctx, db, broken), nil)
			for i, site := range []ticket.SiteID{"broken", "test1", "broken", "test1"} {
				must(e.Receive(ctx, site, push(shared, fmt.Sprint("msg_", i), order)))
			}
			n, err := e.ProcessAll(ctx, ticket.Query{State: ticket.Received, Oldest: true})
			if n != 2 || err == nil || !strings.Contains(err.Error(), "broken/msg_0") || !strings.Contains(err.Error(), "broken/msg_2") {
				t.Fatal(n, err)
			}
			var bad *errs.InputError
			if _, err := e.ProcessAll(ctx, ticket.Query{State: ticket.Received, Site: "a/b"}); !errors.As(err, &bad) {
				t.Fatal(err)
			}
		})
		t.Run("are not decided on by older templates than before", func(t *testing.T) {
			db := db.Tenant("older")
			e, shared := open(db)
			other := must(ticket.New(db, keys, &ticket.Options{Now: clock}))
			publish(e, 1)
			id := must(e.Receive(ctx, "test1", push(shared, "msg_1", order))).ID
			must(other.Program(ctx, "shop", 0))
			publish(e, 2, read("us", `country == "US"`, ticket.Action{Code: "AMERICAS"}))
			for _, e := range []*ticket.Engine{e, other} {
				if out := must(e.Process(ctx, id)); out.Decided != 2 {
					t.Fatal(out)
				}
			}
		})
		t.Run("are signed with secrets that fit the scheme of their site", func(t *testing.T) {
			e, _ := open(db.Tenant("scheme"))
			put := func(site ticket.SiteID, key string, s ticket.Scheme) error {
				_, err := e.PutSite(ctx, ticket.PutSite{Site: site, Key: key, Settings: ticket.Settings{Scheme: s, Templates: "shop"}})
				return err
			}
			isError(t, put("test1", "other", ticket.Shopify), ticket.ErrScheme)
			isError(t, put("shopify", "put", ticket.Shopify), nil)
			made := must(e.AddSecret(ctx, ticket.AddSecret{Site: "shopify", Key: "secret"}))
			if len(made.Secret) != 64 || strings.Trim(made.Secret, "0123456789abcdef") != "" {
				t.Fatal(made)
			}
			out := must(e.Receive(ctx, "shopify", shopify(made.Secret, order)))
			if again := must(e.Receive(ctx, "shopify", shopify(made.Secret, order))); !again.Replayed || again.ID != out.ID {
				t.Fatal(again)
			}
			isError(t, put("shopify", "other", ticket.StandardWebhooks), ticket.ErrScheme)
			must(e.RetireSecret(ctx, ticket.RetireSecret{Site: "shopify", ID: made.ID, Key: "retire"}))
			isError(t, put("shopify", "another", ticket.StandardWebhooks), nil)
			var bad *errs.InputError
			if _, err := e.AddSecret(ctx, ticket.AddSecret{Site: "shopify", Secret: made.Secret, Key: "its old one"}); !errors.As(err, &bad) {
				t.Fatal(err)
			}
			_, err := e.AddSecret(ctx, ticket.AddSecret{Site: "none", Key: "secret"})
			isError(t, err, ticket.ErrUnknownSite)
		})
		t.Run("are signed with the secrets that the embedder's keys open", func(t *testing.T) {
			db := db.Tenant("keys")
			var log strings.Builder
			with := func(keys ...secret.Key) *ticket.Engine {
				return must(ticket.New(db, keys, &ticket.Options{Now: clock, Logger: slog.New(slog.NewTextHandler(&log, nil))}))
			}
			e, first := open(db)
			chosen := ticket.AddSecret{Site: "test1", Key: "chosen", Secret: "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))}
			next := secret.Key{ID: "2", Secret: []byte("another secret of 32 bytes or mor")}
			both := with(next, keys[0])
			must(both.AddSecret(ctx, chosen))
			for _, e := range []*ticket.Engine{both, with(keys[0], next)} {
				for i, shared := range []string{first, chosen.Secret} {
					must(e.Receive(ctx, "test1", push(shared, fmt.Sprint("msg_", i), order)))
				}
				if again := must(e.AddSecret(ctx, chosen)); again.Secret != "" {
					t.Fatal(again)
				}
				if again := must(e.AddSecret(ctx, ticket.AddSecret{Site: "test1", Key: "secret"})); again.Secret != "" {
					t.Fatal(again)
				}
				changed := chosen
				changed.Secret = first
				_, err := e.AddSecret(ctx, changed)
				isError(t, err, journal.ErrKeyReused)
			}
			if log.Len() > 0 {
				t.Fatal(log.String())
			}
			for what, e := range map[string]*ticket.Engine{"the key is gone": with(next), "another key has its id": with(next, secret.Key{ID: "1", Secret: next.Secret})} {
				must(e.Receive(ctx, "test1", push(chosen.Secret, "msg_1", order)))
				if !strings.Contains(log.String(), "secret can't be opened") || strings.Contains(log.String(), "whsec") {
					t.Fatal(what, log.String())
				}
				for _, site := range []ticket.SiteID{"test1", "unknown"} {
					_, err := e.Receive(ctx, site, push(first, "msg_0", order))
					isError(t, err, ticket.ErrSignature)
				}
				log.Reset()
			}
			_, err := e.Receive(ctx, "test1", push(first, "msg.0", order))
			var bad *errs.InputError
			if !errors.As(err, &bad) || bad.Field != "webhook-id" {
				t.Fatal(err)
			}
		})
		t.Run("are signed with either of two secrets, until one is retired", func(t *testing.T) {
			e, shared := open(db.Tenant("rotate"))
			add := ticket.AddSecret{Site: "test1", Key: "second"}
			second := must(e.AddSecret(ctx, add))
			if again := must(e.AddSecret(ctx, add)); again != (ticket.Issued{ID: second.ID}) || !strings.HasPrefix(second.Secret, "whsec_") {
				t.Fatal(second, again)
			}
			_, err := e.AddSecret(ctx, ticket.AddSecret{Site: "test1", Key: "third"})
			isError(t, err, ticket.ErrSecrets)
			for i, s := range []string{shared, second.Secret} {
				must(e.Receive(ctx, "test1", push(s, fmt.Sprint("msg_", i), order)))
			}
			site := must(e.Site(ctx, "test1"))
			if len(site.Secrets) != 2 || site.Secrets[0].Sealed != nil {
				t.Fatal(site)
			}
			must(e.RetireSecret(ctx, ticket.RetireSecret{Site: "test1", ID: site.Secrets[0].ID, Key: "retire"}))
			_, err = e.Receive(ctx, "test1", push(shared, "msg_2", order))
			isError(t, err, ticket.ErrSignature)
			must(e.Receive(ctx, "test1", push(second.Secret, "msg_2", order)))
			var bad *errs.InputError
			if _, err := e.AddSecret(ctx, ticket.AddSecret{Site: "test1", Secret: "short", Key: "bad"}); !errors.As(err, &bad) {
				t.Fatal(err)
			}
			must(e.PutSite(ctx, ticket.PutSite{Site: "test1", Key: "close", Settings: ticket.Settings{Scheme: ticket.StandardWebhooks, Templates: "shop", Closed: true}}))
			_, err = e.Receive(ctx, "test1", push(second.Secret, "msg_4", order))
			isError(t, err, ticket.ErrClosed)
		})
	})
}

// A website pushes an order; the templates send it to a code, whose agent takes it.
func Example() {
	e, err := ticket.New(memory.New(), keys, &ticket.Options{Now: clock})
	if err != nil {
		panic(err)
	}
	_, err = e.PutSite(ctx, ticket.PutSite{Site: "shop1", Key: "put-1", Settings: ticket.Settings{
		Scheme: ticket.StandardWebhooks, Templates: "orders", Defaults: ticket.Fields{Platform: "whatsapp"},
	}})
	fmt.Println(err)
	added, err := e.AddSecret(ctx, ticket.AddSecret{Site: "shop1", Key: "secret-1"})
	fmt.Println(err)
	_, err = e.Publish(ctx, ticket.Templates{ID: "orders", Version: 1, Rules: []ticket.Rule{{
		ID: "china", If: `country == "CN"`, Action: ticket.Action{Code: "YK9LSA3S"},
		Map: map[string]string{"name": "customer.name", "phone": "customer.phone", "country": "country"},
	}}})
	fmt.Println(err)

	received, err := e.Receive(ctx, "shop1", push(added.Secret, "order-12", order)) // in the handler, with r.Header.Get and the body
	fmt.Println(received.State, err)
	out, err := e.Process(ctx, received.ID) // afterwards
	fmt.Println(out.State, out.Rule, out.Target.Code, err)
	out, err = e.Assign(ctx, ticket.Assign{Ticket: received.ID, Target: ticket.Target{Code: "YK9LSA3S"}, By: "kathy", Key: "take-1"})
	fmt.Println(out.State, err)
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// received <nil>
	// pending china YK9LSA3S <nil>
	// assigned <nil>
}

// A website's secret is replaced while it goes on pushing: both are good until the old one is retired.
func ExampleEngine_AddSecret() {
	e, old := open(memory.New())
	added, err := e.AddSecret(ctx, ticket.AddSecret{Site: "test1", Key: "secret-2"})
	if err != nil {
		panic(err)
	}
	for i, shared := range []string{old, added.Secret} {
		out, err := e.Receive(ctx, "test1", push(shared, fmt.Sprint("order-", i), order))
		fmt.Println(out.State, err)
	}
	site, err := e.Site(ctx, "test1")
	if err != nil {
		panic(err)
	}
	_, err = e.RetireSecret(ctx, ticket.RetireSecret{Site: "test1", ID: site.Secrets[0].ID, Key: "retire-1"})
	fmt.Println(err)
	_, err = e.Receive(ctx, "test1", push(old, "order-2", order))
	fmt.Println(errors.Is(err, ticket.ErrSignature))
	// Output:
	// received <nil>
	// received <nil>
	// <nil>
	// true
}

// Shopify signs the body alone, with the secret that it shows: a push that is sent again is the same one, whatever its headers say.
func ExampleEngine_Receive_shopify() {
	e, _ := open(memory.New())
	_, err := e.PutSite(ctx, ticket.PutSite{Site: "shop2", Key: "put-2", Settings: ticket.Settings{Scheme: ticket.Shopify, Templates: "orders"}})
	fmt.Println(err)
	_, err = e.AddSecret(ctx, ticket.AddSecret{Site: "shop2", Secret: "shown-by-Shopify", Key: "secret-2"})
	fmt.Println(err)
	for range 2 {
		out, err := e.Receive(ctx, "shop2", shopify("shown-by-Shopify", order))
		fmt.Println(out.State, out.Replayed, err)
	}
	// Output:
	// <nil>
	// <nil>
	// received false <nil>
	// received true <nil>
}

// A ticket that no rule is met for waits, until newer templates have one.
func ExampleEngine_ProcessAll() {
	e, shared := open(memory.New())
	publish(e, 1, read("america", `country == "US"`, ticket.Action{Pool: "america"}))
	received, err := e.Receive(ctx, "test1", push(shared, "order-1", order))
	if err != nil {
		panic(err)
	}
	out, err := e.Process(ctx, received.ID)
	fmt.Println(out.State, out.Reason, err)
	publish(e, 2, read("america", `country == "US"`, ticket.Action{Pool: "america"}), read("china", `country == "CN"`, ticket.Action{Pool: "china"}))
	n, err := e.ProcessAll(ctx, ticket.Query{State: ticket.Manual})
	fmt.Println(n, err)
	t, _, err := e.Ticket(ctx, received.ID)
	fmt.Println(t.State, t.Rule, t.Target.Pool, err)
	// Output:
	// manual noTemplate <nil>
	// 1 <nil>
	// pending china china <nil>
}
