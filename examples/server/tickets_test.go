package main

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/scrm/ticket"
)

// site puts a website that signs as Shopify does.
func (b *bench) site(id, settings string) {
	b.Helper()
	b.do(root, "PUT", "/sites/"+id, settings, 200)
	b.do(root, "POST", "/sites/"+id+"/secrets", `{"secret":"`+hookSecret+`"}`, 200)
}

func TestPushesAreStoredAsTheyCame(t *testing.T) {
	b := start(t, Config{})
	b.site("shop", `{"scheme":"shopify","templates":"orders","defaults":{"platform":"WhatsApp"}}`)
	for _, tt := range []struct {
		name, site, secret, body string
		want                     int
	}{
		{"text in another encoding", "shop", hookSecret, "{\"name\":\"\xb9\xf9\"}", 202},
		{"nothing", "shop", hookSecret, "", 202},
		{"a mebibyte", "shop", hookSecret, strings.Repeat("x", 1<<20), 202},
		{"more than a mebibyte", "shop", hookSecret, strings.Repeat("x", 1<<20+1), 413},
		{"a forged push in another encoding", "shop", "another secret of 16", "\xb9\xf9", 401},
		{"an unknown site", "none", hookSecret, "{}", 401},
	} {
		if res := b.push(tt.site, tt.secret, tt.body); res.status != tt.want {
			t.Errorf("%s: %d %s, want %d", tt.name, res.status, res.body, tt.want)
		}
	}
	b.do(root, "POST", "/tickets", `{"state":"received"}`, 200)
	list := b.do(root, "GET", "/tickets?platform=whatsapp&state=manual", "", 200)
	if n := strings.Count(list.body, `"reason":"unreadable"`); n != 3 {
		t.Errorf("%d tickets can't be read: %s", n, list.body)
	}
	b.do(root, "GET", "/tickets?state=open", "", 422)
}

func TestListOfTickets(t *testing.T) {
	b := start(t, Config{})
	b.site("test1", `{"name":"测试站","scheme":"shopify","templates":"orders","defaults":{"platform":"whatsapp"},
		"map":{"name":"name","phone":"phone","country":"cc","gender":"gender","remark":"note"}}`)
	if got := b.do(root, "GET", "/sites/test1", "", 200); got.field("settings.name") != "测试站" || strings.Contains(got.body, "sealed") {
		t.Error(got.body)
	}
	b.do(root, "GET", "/sites/none", "", 404)
	b.do(root, "PUT", "/sites/test1", `{"scheme":"standardWebhooks","templates":"orders"}`, 409)
	for i, phone := range []string{"0619392120615", "+86 138 0013 8000"} {
		b.push("test1", hookSecret, fmt.Sprintf(`{"id":%d,"name":"郭恩晴","phone":%q,"cc":"in","gender":"男","note":"a note"}`, i, phone))
	}
	b.do(root, "POST", "/tickets", `{"state":"received"}`, 200)
	list := b.do(root, "GET", "/tickets?country=in", "", 200)
	for path, want := range map[string]any{
		"0.phone": "+8613800138000", "1.phone": "0619392120615", "0.customer": "郭恩晴", "0.country": "IN", "0.platform": "whatsapp", "0.state": "manual",
		"0.reason": "noTemplate", "0.id.site": "test1", "0.siteName": "测试站", "0.gender": "男", "0.remark": "a note",
	} {
		if got := list.field("items." + path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if name, _ := list.field("items.0.name").(string); !strings.HasPrefix(name, "test1-IN-") || list.field("items.0.created") == nil {
		t.Error(list.body)
	}
	code, _ := b.do(root, "POST", "/codes", `{"n":1,"settings":{"platforms":[]}}`, 200).field("items.0.id").(string)
	b.do(root, "PUT", "/templates/orders/versions/1", `{"id":"orders","version":1,"rules":[{"id":"all","action":{"code":"`+code+`"}}]}`, 200)
	for i, want := range []string{"pending", "manual"} {
		path := fmt.Sprintf("/tickets/test1/%s/decisions", list.field(fmt.Sprintf("items.%d.id.event", i)))
		for range 2 {
			if got := b.do(root, "POST", path, "", 200).field("state"); got != want {
				t.Errorf("ticket %d is %v, want %s", i, got, want)
			}
		}
	}
	b.do(root, "POST", "/tickets/test1/none/decisions", "", 404)
}

func TestSiteWithoutTemplatesHoldsUpNoOther(t *testing.T) {
	b := start(t, Config{})
	for _, id := range []string{"bad", "good"} {
		b.site(id, `{"scheme":"shopify","templates":"`+id+`"}`)
		b.push(id, hookSecret, "{}")
	}
	b.do(root, "PUT", "/templates/good/versions/1", `{"id":"good","version":1,"rules":[{"id":"all","noPhone":true}]}`, 422)
	b.do(root, "PUT", "/templates/good/versions/1", `{"id":"good","version":1,"rules":[{"id":"all","noPhone":true,"action":{}}]}`, 200)
	if got := b.do(root, "POST", "/tickets", `{"state":"received"}`, 200); got.field("n") != 2.0 || got.field("next") != nil || got.field("problem") != nil {
		t.Fatal(got.body)
	}
	for site, want := range map[string]string{"bad": "manual", "good": "pending"} {
		if got := b.do(root, "GET", "/tickets?site="+site, "", 200).field("items.0.state"); got != want {
			t.Errorf("the ticket of %s is %v", site, got)
		}
	}
}

func TestEveryTicketGetsItsTurn(t *testing.T) {
	b := start(t, Config{})
	b.site("shop", `{"scheme":"shopify","templates":"orders"}`)
	for i := range 5 {
		b.push("shop", hookSecret, fmt.Sprintf(`{"id":%d}`, i))
	}
	if err := b.processReceived(t.Context()); err != nil {
		t.Fatal(err)
	}
	q := ticket.Query{State: ticket.Manual, Limit: 2}
	total, turns := 0, 0
	for {
		n, next, err := b.process(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		total, turns, q.From = total+n, turns+1, next
		if next.IsZero() {
			break
		}
	}
	if total != 5 || turns != 3 {
		t.Errorf("%d tickets in %d turns", total, turns)
	}
	b.do(root, "POST", "/tickets", `{"state":"manual","from":"2020-01-01T00:00:00Z","to":"2020-01-02T00:00:00Z"}`, 200)
}

// JotForm signs nothing: its pushes come with the token in the address, and an order that changes
// is one ticket.
func TestPushesWithATokenInTheAddress(t *testing.T) {
	b := start(t, Config{})
	b.do(root, "PUT", "/sites/forms", `{"scheme":"jotform","templates":"none","map":{"name":"rawRequest.q3_name.first + rawRequest.q3_name.last"},
		"order":{"id":"submissionID","at":"rawRequest.changed"}}`, 200)
	b.do(root, "POST", "/sites/forms/secrets", `{"secret":"`+hookSecret+`"}`, 200)
	push := func(token, name, at string) int {
		form := url.Values{"submissionID": {"45"}, "rawRequest": {fmt.Sprintf(`{"q3_name":{"first":%q,"last":"Lee"},"changed":%q}`, name, at)}}
		return b.send("", "POST", "/hooks/forms?token="+token, "", strings.NewReader(form.Encode())).status
	}
	for _, tt := range []struct {
		token, name, at string
		want            int
	}{
		{hookSecret, "Ann", "2026-03-10T04:00:00Z", 202}, {"none", "Eve", "2026-03-10T06:00:00Z", 401}, {hookSecret, "Anna", "2026-03-10T05:00:00Z", 202},
		{hookSecret, "An", "2026-03-10T03:00:00Z", 202},
	} {
		if got := push(tt.token, tt.name, tt.at); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	b.do(root, "POST", "/tickets", `{"state":"received"}`, 200)
	if got := b.do(root, "GET", "/tickets/forms/order:45", "", 200); got.field("fields.name") != "Anna Lee" || got.field("came") != 3.0 {
		t.Error(got.body)
	}
}
