package ticket_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

const wooSecret = "woo secret of the shop"

// woo has a site of WooCommerce whose pushes of an order are one ticket.
func woo(db storage.DB) *ticket.Engine {
	e := must(ticket.New(db, keys, &ticket.Options{Now: clock}))
	must(e.PutSite(ctx, ticket.PutSite{Site: "shop", Key: "put", Settings: ticket.Settings{
		Scheme: ticket.Custom, Signing: &ticket.Signing{Header: "X-Shopify-Hmac-SHA256", Encoding: ticket.Base64}, Templates: "shop",
		Map: map[string]string{"name": "name", "status": "status"}, Order: ticket.Ordering{ID: "id", At: "date_modified_gmt", Version: "version"},
	}}))
	must(e.AddSecret(ctx, ticket.AddSecret{Site: "shop", Secret: wooSecret, Key: "secret"}))
	publish(e, 1, ticket.Rule{ID: "all", NoPhone: true, If: `status != "hold"`, Action: ticket.Action{Code: "CODE2222"}})
	return e
}

// state is what an order's ticket says.
func state(e *ticket.Engine, id ticket.ID) string {
	k, body, err := e.Ticket(ctx, id)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%s %s %s %s", k.State, k.Fields.Status, k.Fields.Name, body)
}

func TestPushesOfAnOrder(t *testing.T) {
	body := func(status string, minute int) string {
		return fmt.Sprintf(`{"id":727,"status":%q,"name":"Ann","date_modified_gmt":"2017-03-22T19:%02d:08"}`, status, minute)
	}
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("created, then changed, is one ticket with its history", func(t *testing.T) {
			e := woo(db.Tenant("order"))
			id := ticket.ID{Site: "shop", Event: "order:727"}
			send := func(body string) ticket.Outcome {
				t.Helper()
				return must(e.Receive(ctx, "shop", shopify(wooSecret, body)))
			}
			want := func(want string) {
				t.Helper()
				if got := state(e, id); got != want {
					t.Fatalf("%s\nwant %s", got, want)
				}
			}
			if out := send(body("created", 10)); out.ID != id || out.State != ticket.Received {
				t.Fatal(out)
			}
			must(e.Process(ctx, id))
			want("pending created Ann " + body("created", 10))
			send(body("paid", 20))
			want("pending paid Ann " + body("paid", 20))
			must(e.Take(ctx, ticket.Take{Ticket: id, Code: "CODE2222", By: "kathy", Key: "take"}))
			send(body("late", 15))
			want("assigned paid Ann " + body("paid", 20))
			send(body("shipped", 30))
			want("assigned shipped Ann " + body("shipped", 30))
			for range 2 {
				if out := send(body("late", 15)); !out.Replayed {
					t.Fatal("a push that came before", out)
				}
			}
			k, _, err := e.Ticket(ctx, id)
			if err != nil || len(k.Pushes) != 4 || k.Came != 4 {
				t.Fatal(k.Pushes, err)
			}
			for i, n := range []int64{1, 3, 2, 4} {
				was := must(e.Push(ctx, id, n))
				if k.Pushes[i].N != n || string(was) != []string{body("created", 10), body("late", 15), body("paid", 20), body("shipped", 30)}[i] {
					t.Error(i, k.Pushes[i], string(was))
				}
			}
			_, err = e.Push(ctx, id, 5)
			isError(t, err, ticket.ErrUnknownTicket)
		})
		t.Run("a list of several is refused and not stored, and one of one is read", func(t *testing.T) {
			e := woo(db.Tenant("list"))
			several := `[{"id":1},{"id":2}]`
			_, err := e.Receive(ctx, "shop", shopify(wooSecret, several))
			isError(t, err, ticket.ErrOrders)
			for k, err := range e.Tickets(ctx, ticket.Query{}) {
				t.Error(k, err)
			}
			settings := ticket.Settings{Scheme: ticket.Shopify, Templates: "t", Order: ticket.Ordering{ID: "0.id"}}
			must(e.PutSite(ctx, ticket.PutSite{Site: "shop", Key: "lists", Settings: settings}))
			if out := must(e.Receive(ctx, "shop", shopify(wooSecret, `[{"id":1}]`))); out.ID.Event != "order:1" {
				t.Error(out)
			}
			_, err = e.Receive(ctx, "shop", shopify(wooSecret, several))
			isError(t, err, ticket.ErrOrders)
			settings.Order.ID = "[name=order].value"
			must(e.PutSite(ctx, ticket.PutSite{Site: "shop", Key: "fields", Settings: settings}))
			if out := must(e.Receive(ctx, "shop", shopify(wooSecret, `[{"name":"city","value":"x"},{"name":"order","value":7}]`))); out.ID.Event != "order:7" {
				t.Error("a list of fields is one order:", out)
			}
			settings.Order = ticket.Ordering{}
			must(e.PutSite(ctx, ticket.PutSite{Site: "shop", Key: "pushes", Settings: settings}))
			out := must(e.Receive(ctx, "shop", shopify(wooSecret, several)))
			if _, body, err := e.Ticket(ctx, out.ID); err != nil || string(body) != several {
				t.Error("a push of a site without orders is one ticket:", string(body), err)
			}
		})
		t.Run("one that waits for somebody is decided on again", func(t *testing.T) {
			e := woo(db.Tenant("manual"))
			id := must(e.Receive(ctx, "shop", shopify(wooSecret, body("hold", 10)))).ID
			must(e.Process(ctx, id))
			must(e.Receive(ctx, "shop", shopify(wooSecret, body("paid", 20))))
			if out := must(e.Process(ctx, id)); out.State != ticket.Pending {
				t.Fatal(out)
			}
		})
		t.Run("an order whose id has a number after that of another keeps its body apart", func(t *testing.T) {
			e := woo(db.Tenant("split"))
			send := func(id, name string, minute int) ticket.ID {
				return must(e.Receive(ctx, "shop", shopify(wooSecret, fmt.Sprintf(`{"id":%q,"name":%q,"date_modified_gmt":"2017-03-22T19:%02d:08"}`, id, name, minute)))).ID
			}
			whole := send("#7", "Ann", 10)
			part := send("#7#2", "Bob", 10)
			send("#7", "Ann Lee", 20)
			for id, name := range map[ticket.ID]string{whole: "Ann Lee", part: "Bob"} {
				if _, body, err := e.Ticket(ctx, id); err != nil || !strings.Contains(string(body), strconv.Quote(name)) {
					t.Errorf("%s has %s, %v", id, body, err)
				}
			}
		})
		t.Run("pushes at once are all in the history, once", func(t *testing.T) {
			e := woo(db.Tenant("race"))
			var wg sync.WaitGroup
			for i := range 8 {
				for range 2 {
					wg.Go(func() {
						if _, err := e.Receive(ctx, "shop", shopify(wooSecret, body(fmt.Sprint("s", i), i))); err != nil {
							t.Error(err)
						}
					})
				}
			}
			wg.Wait()
			id := ticket.ID{Site: "shop", Event: "order:727"}
			k, got, err := e.Ticket(ctx, id)
			if err != nil || len(k.Pushes) != 8 || string(got) != body("s7", 7) {
				t.Fatal(k, string(got), err)
			}
			for _, p := range k.Pushes {
				if was := must(e.Push(ctx, id, p.N)); string(was) != body(fmt.Sprint("s", p.At.Minute()), p.At.Minute()) {
					t.Error(p, string(was))
				}
			}
		})
	})
}

// Whatever the order in which the pushes of orders come, and however often, each order's ticket
// says what its newest push does.
func TestArrivalOfPushesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := woo(memory.New())
		type change struct{ order, version, minute int }
		all := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) change {
			return change{rapid.IntRange(1, 2).Draw(t, "order"), rapid.IntRange(0, 2).Draw(t, "version"), rapid.IntRange(0, 59).Draw(t, "minute")}
		}), 1, 8, rapid.ID[change]).Draw(t, "changes")
		newest := map[int]change{}
		for _, c := range all {
			if was, ok := newest[c.order]; !ok || c.version > was.version || c.version == was.version && c.minute > was.minute {
				newest[c.order] = c
			}
		}
		status := func(c change) string { return fmt.Sprintf("v%d-%d", c.version, c.minute) }
		for _, c := range rapid.Permutation(append(all, all...)).Draw(t, "arrival") {
			body := fmt.Sprintf(`{"id":"%d","version":%d,"status":%q,"date_modified_gmt":"2017-03-22 19:%02d:08"}`, c.order, c.version, status(c), c.minute)
			id := must(e.Receive(ctx, "shop", shopify(wooSecret, body))).ID
			if rapid.Bool().Draw(t, "processed") {
				must(e.Process(ctx, id))
			}
		}
		for order, c := range newest {
			id := ticket.ID{Site: "shop", Event: ticket.EventID(fmt.Sprint("order:", order))}
			must(e.Process(ctx, id))
			if k, _, err := e.Ticket(ctx, id); err != nil || k.Fields.Status != status(c) {
				t.Fatalf("order %d says %q, want %q (%v)", order, k.Fields.Status, status(c), err)
			}
		}
	})
}

// Ids of orders that no ticket can have are known by their hash; pushes of no order are tickets of
// their own.
func TestIdsOfOrders(t *testing.T) {
	e := woo(memory.New())
	seen := map[ticket.ID]bool{}
	for _, body := range []string{
		`{"id":"gid://shopify/Order/1"}`, `{"id":"an order with spaces"}`, `{"id":"` + fmt.Sprintf("%0200d", 7) + `"}`, `{"name":"none"}`, `[]`, `hello`,
	} {
		id := must(e.Receive(ctx, "shop", shopify(wooSecret, body))).ID
		if again := must(e.Receive(ctx, "shop", shopify(wooSecret, body))); !again.Replayed || again.ID != id || seen[id] {
			t.Error(body, id, again)
		}
		seen[id] = true
		if read, err := ticket.Parse(id.String()); err != nil || read != id {
			t.Error(body, read, err)
		}
	}
}

func TestSettingsOfOrders(t *testing.T) {
	e := must(ticket.New(memory.New(), keys, nil))
	for field, o := range map[string]ticket.Ordering{
		"settings.order.id": {At: "at"}, "settings.order.at": {ID: "id", At: "a..b"}, "settings.order.version": {ID: "id", Version: "["},
	} {
		var bad *errs.InputError
		_, err := e.PutSite(ctx, ticket.PutSite{Site: "shop", Key: "put", Settings: ticket.Settings{Scheme: ticket.Shopify, Templates: "t", Order: o}})
		if !errors.As(err, &bad) || bad.Field != field {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func FuzzID(f *testing.F) {
	for _, seed := range []string{"shop/order:1", "shop/", "/", "a/b/c", "", "店/单", "shop/order:gid://x/1#2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ticket.Parse(text)
		var bad *errs.InputError
		if err != nil && !errors.As(err, &bad) {
			t.Fatal(err)
		}
		if err == nil && id.String() != text {
			t.Fatalf("%q is read as %v", text, id)
		}
	})
}
