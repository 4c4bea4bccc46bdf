package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestAgents(t *testing.T) {
	b := start(t, Config{})
	made := b.do(root, "POST", "/codes", `{"n":2,"settings":{"platforms":["whatsapp"],"ports":2,"remark":"watch him","counting":{"owner":"boss","zone":"UTC"}}}`, 200)
	id, code := made.field("items.0.id").(string), made.field("items.0.code").(string)
	signIn := func(code, body string) string {
		b.Helper()
		return b.do("", "POST", "/agent/sessions", fmt.Sprintf(`{"code":%q,%s}`, code, body), 200).field("token").(string)
	}
	one, two := signIn(code, `"device":"desk-7","agent":"admin"`), signIn(code, `"device":"pc","agent":"kathy"`)
	open := func(token string) string {
		b.Helper()
		return fmt.Sprint("/agent/ports/", b.do(token, "POST", "/agent/ports", `{"platform":"whatsapp"}`, 200).field("id.n"))
	}
	port := open(one)
	b.do(one, "POST", port+"/links", `{"account":"sales-1"}`, 200)

	run := func(name string, f func()) {
		t.Helper()
		t.Run(name, func(sub *testing.T) {
			b.TB = sub
			defer func() { b.TB = t }()
			f()
		})
	}
	run("see their own session, and what their code may do", func() {
		for _, res := range []response{b.do(two, "GET", "/agent", "", 200), b.do(two, "POST", "/agent/beats", "", 200)} {
			if res.field("session.device") != "pc" || res.field("code.platforms.0") != "whatsapp" || res.field("code.ports") != 2.0 {
				b.Error(res.body)
			}
			for _, hidden := range []string{"desk-7", "watch him", "boss", "sessions"} {
				if strings.Contains(res.body, hidden) {
					b.Errorf("%s is shown: %s", hidden, res.body)
				}
			}
		}
	})
	run("stand in the journal as their session", func() {
		entries := b.do(root, "GET", "/journal/activation%2Fcode%2F"+id, "", 200)
		for i, kind := range []string{"activation.link", "activation.open"} {
			if got := entries.field(fmt.Sprintf("items.%d.kind", i)); got != kind {
				b.Fatal(got)
			}
			if got := entries.field(fmt.Sprintf("items.%d.by", i)); got != id+"/1" {
				b.Error(kind, "by", got)
			}
		}
	})
	run("can't take an account that another code has linked", func() {
		other := signIn(made.field("items.1.code").(string), `"device":"phone"`)
		b.do(other, "POST", open(other)+"/links", `{"account":"sales-1"}`, 409)
	})
	run("log out and close their own ports", func() {
		b.do(two, "POST", port+"/states", `{"state":"closed"}`, 409)
		b.do(one, "POST", port+"/states", `{"state":"banned"}`, 422)
		if got := b.do(one, "POST", port+"/states", `{"state":"loggedOut"}`, 200).field("state"); got != "loggedOut" {
			b.Error(got)
		}
		if got := b.do(one, "POST", port+"/states", `{"state":"closed"}`, 200).field("state"); got != "closed" {
			b.Error(got)
		}
	})
	run("sign in with a code for added devices by the device's token", func() {
		b.do(root, "PUT", "/codes/"+id, `{"platforms":["whatsapp"],"ports":2,"listed":true,"counting":{"zone":"UTC"}}`, 200)
		b.do(one, "GET", "/agent", "", 401)
		invitation := b.do(root, "POST", "/device-invitations", "", 200).field("token")
		token := b.do("", "POST", "/devices", fmt.Sprintf(`{"token":%q,"device":"pc"}`, invitation), 200).field("token")
		b.do("", "POST", "/agent/sessions", fmt.Sprintf(`{"code":%q,"device":"pc"}`, code), 403)
		signIn(code, fmt.Sprintf(`"device":"pc","deviceToken":%q`, token))
		if res := b.do(root, "GET", "/devices", "", 200); strings.Contains(res.body, "hash") || strings.Contains(res.body, token.(string)) {
			b.Error(res.body)
		}
	})
	run("keep the names of jobs when their code is edited", func() {
		b.do(root, "PUT", "/jobs/"+id+"/whatsapp", `{"owner":"boss","name":"Spring","targets":{"day":50},"terms":{"from":"2020-01-01T00:00:00Z","counts":"inbound","zone":"UTC"}}`, 200)
		b.do(root, "PUT", "/codes/"+id, `{"platforms":["whatsapp"],"ports":2,"remark":"x","counting":{"zone":"UTC"}}`, 200)
		if got := b.do(root, "GET", "/jobs/"+id+"/whatsapp", "", 200); !strings.Contains(got.body, `"name":"Spring"`) {
			b.Error(got.body)
		}
	})
	run("do not have their accounts given to visitors who come as tickets", func() {
		b.do(root, "PUT", "/lines/ads", `{"zone":"UTC","accounts":[{"id":"whatsapp/sales-1"}]}`, 200)
		b.do("", "POST", "/lines/ads/visits", `{"visitor":"ticket:shop/1"}`, 422)
	})
}
