package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// An operation as the OpenAPI document has it, with an example of its path.
type operation struct {
	method, route string
	path          string
	roles         []string
	caller        string // its token, of a caller who may
	keyed, bodied bool
}

func (o operation) String() string { return o.method + " " + o.route }

var examples = strings.NewReplacer("{program}", "coffee", "{catalog}", "gifts", "{n}", "99", "{version}", "1", "{shop}", "wangjing", "{identity}", "wx-kathy",
	"{serial}", "A1659391", "{member}", "alice", "{coupon}", "coffee%2Falice:1", "{subject}", "stamps%2Fcoffee%2Falice",
	"{code}", "NOSUCHID", "{platform}", "whatsapp", "{pool}", "plan", "{device}", "phone", "{owner}", "boss", "{with}", "partner", "{line}", "ads",
	"{visitor}", "ann", "{site}", "shop", "{secret}", "none", "{templates}", "orders", "{event}", "msg_1",
	"{session}", "99", "{template}", "card-full")

// operations returns what the document of the demo lists, with callers who may.
func operations(b *bench) []operation {
	b.Helper()
	callers := map[string]string{"customer": alice, "staff": kathy, "admin": root, "agent": b.signIn()}
	all := documented(b)
	for i, o := range all {
		if len(o.roles) > 0 {
			all[i].caller = callers[o.roles[0]]
		}
	}
	return all
}

// documented returns what the document lists.
func documented(b *bench) []operation {
	b.Helper()
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name     string
				Required bool
			}
			RequestBody *struct{ Content map[string]struct{} }
			Security    []map[string][]string
		}
	}
	if err := json.Unmarshal([]byte(b.send("", "GET", "/openapi.json", "", nil).body), &document); err != nil {
		b.Fatal(err)
	}
	var all []operation
	for _, route := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(document.Paths[route])) {
			found := document.Paths[route][method]
			o := operation{method: strings.ToUpper(method), route: route, path: examples.Replace(route)}
			if found.RequestBody != nil {
				_, o.bodied = found.RequestBody.Content["application/json"]
			}
			if len(found.Security) != 1 && !public[o.String()] {
				b.Fatalf("%s has no security", o)
			}
			if len(found.Security) == 1 {
				o.roles = found.Security[0]["bearer"]
			}
			for _, p := range found.Parameters {
				o.keyed = o.keyed || p.Name == "Idempotency-Key" && p.Required
			}
			all = append(all, o)
		}
	}
	return all
}

// token returns one that the operation takes.
func (o operation) token() string { return o.caller }

// public are the operations that need no token.
var public = map[string]bool{"POST /agent/sessions": true, "POST /devices": true, "POST /lines/{line}/visits": true,
	"POST /hooks/{site}": true, "POST /sessions": true, "POST /sessions/codes": true, "POST /sessions/wechat": true,
	"POST /demo/logins": true, "POST /demo/presses": true, "POST /demo/scans": true, "POST /demo/accepts": true,
	"GET /demo/messages": true}

// signIn returns the token of an agent's session.
func (b *bench) signIn() string {
	b.Helper()
	made := b.do(root, "POST", "/codes", `{"n":1,"settings":{"platforms":["whatsapp"],"ports":3,"counting":{"owner":"boss","zone":"UTC"}}}`, 200)
	code, _ := made.field("items.0.code").(string)
	token, _ := b.do("", "POST", "/agent/sessions", fmt.Sprintf(`{"code":%q,"device":"pc"}`, code), 200).field("token").(string)
	return token
}

func TestWhoMay(t *testing.T) {
	b := start(t, Config{})
	all := operations(b)
	if len(all) < 154 {
		t.Errorf("the document lists %d operations", len(all))
	}
	someone, eve := b.signIn(), b.token("eve")
	before := b.entries()
	for _, o := range all {
		if public[o.String()] {
			continue
		}
		for _, token := range []string{"", "nonsense", "demo-admin ", "NOSUCHID.1.AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
			res := b.send(token, o.method, o.path, "k", strings.NewReader("{}"))
			if res.status != 401 || res.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with the token %q: %d, want 401", o, token, res.status)
			}
		}
		for role, token := range map[string]string{"customer": bob, "staff": kathy, "admin": root, "agent": someone} {
			if slices.Contains(o.roles, role) {
				continue
			}
			if res := b.send(token, o.method, o.path, "k", strings.NewReader("{}")); res.status != 403 {
				t.Errorf("%s as %s: %d, want 403", o, role, res.status)
			}
		}
		if slices.Contains(o.roles, "admin") || slices.Contains(o.roles, "agent") {
			if res := b.send(eve, o.method, o.path, "k", strings.NewReader("{}")); res.status != 403 {
				t.Errorf("%s by a customer's session: %d, want 403", o, res.status)
			}
		}
		if !slices.Contains(o.roles, "staff") || !strings.Contains(o.route, "{shop}") {
			continue
		}
		for _, token := range []string{li, wang, eve} {
			if res := b.send(token, o.method, o.path, "k", strings.NewReader("{}")); res.status != 403 {
				t.Errorf("%s as %s: %d, want 403", o, token, res.status)
			}
		}
	}
	if after := b.entries(); !slices.Equal(before, after) {
		t.Error("what nobody may do was stored")
	}
}

func TestKeyIsNeeded(t *testing.T) {
	b := start(t, Config{})
	unkeyed := map[string]bool{
		"PUT /programs/{program}/versions/{version}": true, "POST /shops/{shop}/codes/confirm": true, "POST /sweeps": true, "POST /prunes": true,
		"PUT /points/{program}/versions/{version}": true, "POST /points/{program}/members/{member}/previews": true,
		"PUT /rewards/{catalog}/versions/{version}": true, "POST /shops/{shop}/vouchers/preview": true,
		"PUT /templates/{templates}/versions/{version}": true, "POST /agent/sessions": true, "POST /agent/beats": true, "POST /agent/events": true,
		"POST /jobs/{code}/{platform}/previews": true, "POST /jobs/{code}/{platform}/events": true, "POST /lines/{line}/drains": true, "POST /lines/{line}/visits": true,
		"POST /lines/{line}/tokens": true, "POST /hooks/{site}": true, "DELETE /lines/{line}/waiting/{visitor}": true, "POST /tickets": true,
		"POST /tickets/{site}/{event}/decisions": true, "POST /library": true, "POST /stamps/{serial}/presses": true,
		"POST /shops/{shop}/vouchers/codes/confirm": true, "POST /points/{program}/verifications": true,
		"POST /sessions/wechat": true, "POST /demo/logins": true, "POST /demo/presses": true, "POST /demo/scans": true, "POST /demo/accepts": true,
	}
	for _, o := range operations(b) {
		if want := o.method != "GET" && !unkeyed[o.String()]; o.keyed != want {
			t.Errorf("%s: needs a key: %v, want %v", o, o.keyed, want)
		}
		if !o.keyed {
			continue
		}
		if res := b.send(o.token(), o.method, o.path, "", strings.NewReader(samples[o.String()])); res.status != 422 {
			t.Errorf("%s without a key: %d %s", o, res.status, res.body)
		}
		for _, key := range []string{strings.Repeat("k", 129), "with space", "\xff"} {
			res := b.send(o.token(), o.method, o.path, key, strings.NewReader(samples[o.String()]))
			if res.status != 422 && res.status != 400 && res.status != 404 && res.status != 409 {
				t.Errorf("%s with the key %q: %d %s", o, key, res.status, res.body)
			}
		}
	}
}
