package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Whatever agents ask, no answer names what is another's: a colleague's account, device, session or
// contact, another code, its owner or when it had a contact. An operation for agents that is not
// asked here fails the test.
func TestAgentsLearnNothingOfOthers(t *testing.T) {
	b := start(t, Config{})
	made := b.do(root, "POST", "/codes", `{"n":2,"settings":{"platforms":["whatsapp"],"ports":9,"remark":"foreign-remark","department":"foreign-department","counting":{"owner":"foreign-owner","group":"foreign-group","reach":"owner","zone":"UTC"}}}`, 200)
	mine, code := made.field("items.0.id").(string), made.field("items.0.code").(string)
	theirs, other := made.field("items.1.id").(string), made.field("items.1.code").(string)
	signIn := func(code, device, agent string) string {
		b.Helper()
		return b.do("", "POST", "/agent/sessions", fmt.Sprintf(`{"code":%q,"device":%q,"agent":%q}`, code, device, agent), 200).field("token").(string)
	}
	link := func(token, account string) string {
		b.Helper()
		port := fmt.Sprint("/agent/ports/", b.do(token, "POST", "/agent/ports", `{"platform":"whatsapp"}`, 200).field("id.n"))
		b.do(token, "POST", port+"/links", fmt.Sprintf(`{"account":%q,"name":"%s-name"}`, account, account), 200)
		return port
	}
	event := func(id, account, contact string, at time.Time) string {
		return fmt.Sprintf(`{"platform":"whatsapp","contact":[%s],"event":{"id":%q,"account":%q,"at":%q,"kind":"inbound"}}`, contact, id, account, at.Format(time.RFC3339Nano))
	}
	who := func(names ...string) string {
		var all []string
		for _, n := range names {
			all = append(all, fmt.Sprintf(`{"platform":"whatsapp","namespace":"lid","id":%q}`, n))
		}
		return strings.Join(all, ",")
	}
	colleague, stranger := signIn(code, "foreign-desk", "foreign-kathy"), signIn(other, "foreign-pc", "foreign-li")
	theirPort := link(colleague, "foreign-sales")
	link(stranger, "foreign-support")
	seen := time.Now().UTC().Truncate(time.Second)
	b.do(colleague, "POST", "/agent/events", event("foreign-1", "foreign-sales", who("ann"), seen), 200)
	b.do(stranger, "POST", "/agent/events", event("foreign-2", "foreign-support", who("bob"), seen), 200)
	b.do(root, "POST", "/library", `{"contacts":[{"platform":"whatsapp","namespace":"lid","id":"eve"}]}`, 200)

	b.do(root, "PUT", "/sites/foreign-shop", `{"scheme":"shopify","templates":"t"}`, 200)
	b.do(root, "POST", "/sites/foreign-shop/secrets", fmt.Sprintf(`{"secret":%q}`, hookSecret), 200)
	b.do(root, "PUT", "/templates/t/versions/1", `{"id":"t","version":1,"rules":[{"id":"all","noPhone":true,"action":{"pool":"foreign-line"}}]}`, 200)
	if res := b.push("foreign-shop", hookSecret, `{"id":7,"phone":"+8613800138000"}`); res.status != http.StatusAccepted {
		t.Fatal(res.body)
	}
	b.do(root, "POST", "/tickets", `{"state":"received"}`, 200)
	ticket := "/tickets/foreign-shop/" + fmt.Sprint(b.do(root, "GET", "/tickets", "", 200).field("items.0.id.event"))
	b.do(root, "POST", ticket+"/assignments", fmt.Sprintf(`{"target":{"code":%q},"note":"foreign-note"}`, theirs), 200)

	token := signIn(code, "my-phone", "me")
	hidden := []string{"foreign", theirs, seen.Format(time.RFC3339)}
	asked := map[string]bool{}
	ask := func(route, method, path, body string) response {
		t.Helper()
		asked[method+" "+route] = true
		b.keys++
		res := b.send(token, method, path, fmt.Sprintf("test-%d", b.keys), strings.NewReader(body))
		if res.status == http.StatusInternalServerError {
			t.Errorf("%s %s: %s", method, path, res.body)
		}
		var root any
		if err := json.Unmarshal([]byte(res.body), &root); err != nil {
			t.Fatal(res.body, err)
		}
		var walk func(at string, v any)
		walk = func(at string, v any) {
			switch v := v.(type) {
			case map[string]any:
				for name, child := range v {
					walk(at+"."+name, child)
				}
			case []any:
				for i, child := range v {
					walk(fmt.Sprintf("%s[%d]", at, i), child)
				}
			case string:
				for _, h := range hidden {
					if strings.Contains(v, h) {
						t.Errorf("%s %s tells %q at %s", method, path, v, at)
					}
				}
			}
		}
		walk("", root)
		for name, values := range res.header {
			walk(name, fmt.Sprint(values))
		}
		return res
	}
	port := fmt.Sprint("/agent/ports/", ask("/agent/ports", "POST", "/agent/ports", `{"platform":"whatsapp"}`).field("id.n"))
	ask("/agent/ports", "POST", "/agent/ports", `{"platform":"none"}`)
	ask("/agent", "GET", "/agent", "")
	ask("/agent/beats", "POST", "/agent/beats", "")
	ask("/agent/ports/{n}/pairings", "POST", port+"/pairings", fmt.Sprintf(`{"until":%q}`, time.Now().Add(time.Hour).Format(time.RFC3339)))
	ask("/agent/ports/{n}/pairings", "POST", theirPort+"/pairings", fmt.Sprintf(`{"until":%q}`, time.Now().Add(time.Hour).Format(time.RFC3339)))
	ask("/agent/ports/{n}/links", "POST", port+"/links", `{"account":"foreign-support"}`)
	ask("/agent/ports/{n}/links", "POST", theirPort+"/links", `{"account":"mine"}`)
	if res := ask("/agent/ports/{n}/links", "POST", port+"/links", `{"account":"mine"}`); res.status != 200 {
		t.Fatal(res.body)
	}
	ask("/agent/ports/{n}/states", "POST", theirPort+"/states", `{"state":"closed"}`)
	ask("/agent/ports/{n}/states", "POST", theirPort+"/states", `{"state":"loggedOut"}`)
	for i, contact := range []string{who("ann"), who("bob"), who("eve"), who("joe"), who("ann", "bob"), who("ann", "bob", "joe", "new")} {
		for _, at := range []time.Time{seen.Add(2 * time.Second), seen.Add(-time.Minute), seen.AddDate(0, 0, -30)} {
			for _, account := range []string{"mine", "foreign-sales", "foreign-support", "none"} {
				for range 2 {
					ask("/agent/events", "POST", "/agent/events", event(fmt.Sprint(i, at.Unix()), account, contact, at))
				}
			}
		}
	}
	if res := ask("/agent/events", "POST", "/agent/events", event("dup", "mine", who("ann"), seen.Add(3*time.Second))); res.status != 200 || res.field("verdict") != "excluded" && res.field("verdict") != "duplicate" {
		t.Fatal(res.body)
	}
	ask("/agent/tickets", "GET", "/agent/tickets", "")
	for _, what := range []string{"/takes", "/returns", "/ends"} {
		if res := ask("/agent/tickets/{site}/{event}"+what, "POST", "/agent"+ticket+what, `{"note":"mine"}`); res.status == http.StatusOK {
			t.Errorf("%s of another's ticket: %s", what, res.body)
		}
	}
	ask("/agent/ports/{n}/states", "POST", port+"/states", `{"state":"loggedOut"}`)
	ask("/agent/ends", "POST", "/agent/ends", "")
	for _, o := range operations(b) {
		for _, role := range o.roles {
			if role == "agent" && !asked[o.String()] {
				t.Errorf("%s is for agents, and was not asked", o)
			}
		}
	}
	if res := b.do(root, "GET", "/jobs/"+mine+"/whatsapp/leads", "", 200); !strings.Contains(res.body, "foreign-sales") {
		t.Error("an administrator sees all:", res.body)
	}
}
