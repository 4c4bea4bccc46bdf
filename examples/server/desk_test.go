package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/pgtest"
)

// A day of a sales office: a code, an agent, two contacts, a visitor, a pushed order.
func TestDesk(t *testing.T) {
	for name, cfg := range map[string]func(t *testing.T) Config{
		"sqlite":   func(*testing.T) Config { return Config{} },
		"postgres": func(t *testing.T) Config { return Config{Postgres: pgtest.DSN(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, cfg(t))
			made := b.do(root, "POST", "/codes", `{"n":2,"settings":{"platforms":["whatsapp"],"ports":1,"counting":{"owner":"boss","reach":"owner","zone":"Asia/Shanghai"}}}`, 200)
			id, code := made.field("items.0.id").(string), made.field("items.0.code").(string)
			b.do("", "POST", "/agent/sessions", `{"code":"`+id+`","device":"pc"}`, 404)
			token := b.do("", "POST", "/agent/sessions", fmt.Sprintf(`{"code":%q,"device":"pc","agent":"kathy"}`, code), 200).field("token").(string)
			port := b.do(token, "POST", "/agent/ports", `{"platform":"whatsapp"}`, 200).field("id.n").(float64)
			b.do(token, "POST", "/agent/ports", `{"platform":"whatsapp"}`, 409)
			b.do(token, "POST", fmt.Sprintf("/agent/ports/%g/links", port), `{"account":"sales-1"}`, 200)
			event := func(contact, id string) string {
				return fmt.Sprintf(`{"platform":"whatsapp","contact":[{"platform":"whatsapp","id":%q}],"event":{"id":%q,"account":"sales-1","at":%q,"kind":"inbound"}}`,
					contact, id, time.Now().Format(time.RFC3339))
			}
			for contact, verdict := range map[string]string{"ann": "new", "bob": "new"} {
				if got := b.do(token, "POST", "/agent/events", event(contact, contact), 200).field("verdict"); got != verdict {
					t.Error(contact, got)
				}
			}
			row := b.do(root, "GET", "/codes?limit=5", "", 200)
			for path, want := range map[string]any{"online": 1.0, "cells.0.total.new": 2.0, "cells.0.permitted": true, "cells.1.permitted": false} {
				got := row.field("items.0." + path)
				if row.field("items.0.code.id") != id {
					got = row.field("items.1." + path)
				}
				if got != want {
					t.Errorf("%s: %v, want %v", path, got, want)
				}
			}
			b.do(root, "GET", "/jobs/"+id+"/whatsapp/leads", "", 200)
			if list := b.do(root, "GET", "/jobs?platform=whatsapp&code="+id, "", 200); list.field("items.0.id.code") != id {
				t.Fatal(list.body)
			}
			b.do(root, "PUT", "/lines/ads", `{"zone":"UTC","accounts":[{"id":"whatsapp/sales-1","day":5}]}`, 200)
			if got := b.do("", "POST", "/lines/ads/visits", `{"visitor":"v1"}`, 200).field("account"); got != "whatsapp/sales-1" {
				t.Error(got)
			}

			b.do(root, "PUT", "/sites/shop1", `{"scheme":"shopify","templates":"orders"}`, 200)
			b.do(root, "POST", "/sites/shop1/secrets", `{"secret":"`+hookSecret+`"}`, 200)
			b.do(root, "PUT", "/templates/orders/versions/1", `{"id":"orders","version":1,"rules":[{"id":"all","map":{"phone":"phone"},"defaults":{"country":"CN"},"action":{"pool":"ads"}}]}`, 200)
			order := `{"id":1,"phone":"138 0013 8000"}`
			for secret, want := range map[string]int{hookSecret: 202, "another secret of 16": 401} {
				for range 2 {
					if res := b.push("shop1", secret, order); res.status != want {
						t.Fatal(res.status, res.body)
					}
				}
			}
			if n := b.do(root, "POST", "/tickets", `{"state":"received"}`, 200).field("n"); n != 1.0 {
				t.Fatal(n)
			}
			list := b.do(root, "GET", "/tickets?state=pending&country=CN", "", 200)
			if list.field("items.0.target.account") != "sales-1" || list.field("items.0.phone") != "+8613800138000" {
				t.Fatal(list.body)
			}
			path := "/tickets/shop1/" + list.field("items.0.id.event").(string)
			b.do(root, "POST", path+"/assignments", fmt.Sprintf(`{"target":{"code":%q}}`, id), 200)
			b.do(root, "POST", path+"/assignments", `{"target":{"code":"NOBODY22"}}`, 409)
			if got := b.do(root, "GET", path, "", 200); got.field("state") != "assigned" || got.field("body") != order {
				t.Fatal(got.body)
			}
			if mine := b.do(token, "GET", "/agent/tickets?state=assigned", "", 200); mine.field("items.0.fields.phone") != "+8613800138000" {
				t.Fatal(mine.body)
			}
			b.do(token, "POST", "/agent"+path+"/takes", `{}`, 200)
			b.do(token, "POST", "/agent"+path+"/takes", `{}`, 409)
			b.do(token, "POST", "/agent"+path+"/returns", `{}`, 422)
			b.do(token, "POST", "/agent"+path+"/returns", `{"note":"speaks Thai"}`, 200)
			b.do(token, "POST", "/agent"+path+"/ends", `{}`, 403)
			if back := b.do(root, "GET", "/tickets?state=manual", "", 200); back.field("items.0.reason") != "handedBack" {
				t.Fatal(back.body)
			}
			b.do(root, "PUT", "/lines/closed", `{"zone":"UTC","signed":true,"accounts":[{"id":"whatsapp/sales-1"}]}`, 200)
			b.do("", "POST", "/lines/closed/visits", `{"visitor":"v1"}`, 401)
			signed := b.do(root, "POST", "/lines/closed/tokens", `{"visitor":"v1"}`, 200).field("token").(string)
			b.do("", "POST", "/lines/closed/visits", fmt.Sprintf(`{"token":%q}`, signed), 200)

			file := b.send(root, "POST", "/library/files?platform=whatsapp", "file-1", strings.NewReader("eve\nann\neve\n"))
			if file.status != 200 || file.field("added") != 1.0 || file.field("others.0.mark") != "addedLead" || file.field("others.1.mark") != "inFile" {
				t.Fatal(file.status, file.body)
			}
			for _, token := range []string{"", token} {
				if res := b.send(token, "POST", "/library/files?platform=whatsapp", "file-2", strings.NewReader("x\n")); res.status != 401 && res.status != 403 {
					t.Error(res.status)
				}
			}
			b.do(root, "POST", "/code-states", fmt.Sprintf(`{"codes":[%q],"state":"disabled"}`, id), 200)
			b.do(token, "GET", "/agent", "", 401)
			b.do("", "POST", "/agent/sessions", fmt.Sprintf(`{"code":%q,"device":"pc"}`, code), 403)
		})
	}
}

// Each way to give several values gives all of them.
func TestListsInAddresses(t *testing.T) {
	b := start(t, Config{})
	b.do(root, "POST", "/codes", `{"n":1,"settings":{"platforms":["zalo","line"],"ports":1,"counting":{"owner":"boss","zone":"UTC"}}}`, 200)
	for _, query := range []string{"platform=zalo&platform=line", "platform=zalo,line", "platform=zalo%2Cline"} {
		res := b.do(root, "GET", "/codes?"+query, "", 200)
		for i, want := range []string{"zalo", "line"} {
			if got := res.field(fmt.Sprintf("items.0.cells.%d.platform", i)); got != want {
				t.Errorf("%s: cell %d is of %v, want %s", query, i, got, want)
			}
		}
	}
	for query, want := range map[string]int{"purpose=stamp&purpose=undo": 200, "purpose=stamp,undo": 200, "purpose=stamp&purpose=nope": 422} {
		b.do(kathy, "GET", "/shops/wangjing/records?"+query, "", want)
	}
}
