package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// samples are bodies that are right in form, of every operation that has one.
var samples = map[string]string{
	"POST /sessions/wechat":                                  `{"code":"none","device":"none"}`,
	"POST /sessions/codes":                                   `{"address":"none","language":"zh"}`,
	"POST /sessions":                                         `{"address":"none","code":"12","device":"none"}`,
	"PUT /me/profile":                                        `{"given":"none","birthday":"--05-01","custom":{"none":"none"},"version":99}`,
	"PUT /me/preferences":                                    `{"language":"no ne","quiet":{"from":0,"to":480,"zone":"none"}}`,
	"POST /me/phone-presses":                                 `{"code":"none","way":"quick"}`,
	"POST /me/addresses/codes":                               `{"address":"none","language":"zh"}`,
	"POST /me/addresses":                                     `{"address":"none","code":"12","replace":true}`,
	"POST /addresses/admissions":                             `{"address":"none"}`,
	"POST /me/consents":                                      `{"purpose":"none","channel":"a","kind":"plain","given":true,"version":"1","hash":"none","way":"none","time":"2026-01-01T00:00:00Z"}`,
	"POST /me/erasures":                                      `{"due":"2020-01-01T00:00:00Z"}`,
	"POST /invitations/scans":                                `{"scene":"none","name":"none"}`,
	"POST /demo/logins":                                      `{"user":"No One"}`,
	"POST /demo/presses":                                     `{"user":"No One","phone":"none"}`,
	"POST /demo/scans":                                       `{"picture":"bm9uZQ=="}`,
	"POST /demo/accepts":                                     `{"user":"No One","template":"none"}`,
	"POST /me/codes":                                         `{"shop":"wangjing","purpose":"cancel","program":"coffee","record":1}`,
	"POST /me/presses":                                       `{"serial":"A1659391","purpose":"cancel","program":"coffee","record":99}`,
	"POST /me/claims":                                        `{"program":"none"}`,
	"POST /shops/{shop}/codes/preview":                       `{"code":"12","purpose":"stamp","n":1,"purchase":{"amount":1,"currency":"CNY","items":1}}`,
	"POST /shops/{shop}/codes/confirm":                       `{"claim":"none"}`,
	"POST /shops/{shop}/codes":                               `{"code":"12","purpose":"stamp","n":1,"purchase":{"amount":1,"currency":"CNY","items":1}}`,
	"POST /shops/{shop}/coupons/{coupon}/undos":              `{"reason":"none"}`,
	"POST /shops/{shop}/coupons/{coupon}/voids":              `{"reason":"none"}`,
	"POST /invitations/accept":                               `{"token":"none","name":"none"}`,
	"PUT /programs/{program}/versions/{version}":             ``, // set by init
	"POST /codes":                                            `{"n":1,"settings":{"platforms":["line"],"ports":3,"listed":true,"expires":"2027-01-01T00:00:00Z","counting":{"owner":"boss","group":"g","reach":"codes","codes":["x"],"library":true,"days":3,"zone":"none","reset":480,"today":true},"department":"d","remark":"r"},"targets":{"day":1,"total":2}}`,
	"PUT /codes/{code}":                                      `{"platforms":["line"],"ports":3,"counting":{"zone":"UTC"}}`,
	"POST /code-states":                                      `{"codes":["none"],"state":"disabled"}`,
	"POST /codes/{code}/ports/{n}/states":                    `{"state":"banned","reason":"none"}`,
	"PUT /pools/{pool}":                                      `{"ports":-1}`,
	"POST /devices":                                          `{"token":"none","device":"pc","name":"none"}`,
	"POST /agent/sessions":                                   `{"code":"none","device":"pc","deviceToken":"none","agent":"none"}`,
	"POST /agent/ports":                                      `{"platform":"none"}`,
	"POST /agent/ports/{n}/pairings":                         `{"until":"2020-01-01T00:00:00Z"}`,
	"POST /agent/ports/{n}/links":                            `{"account":"none","name":"none"}`,
	"POST /agent/ports/{n}/states":                           `{"state":"closed","reason":"none"}`,
	"POST /agent/events":                                     `{"platform":"none","contact":[{"platform":"none","namespace":"n","id":"none"}],"event":{"id":"e","account":"a","at":"2026-01-01T00:00:00Z","kind":"inbound","unknown":true,"backfill":true}}`,
	"PUT /jobs/{code}/{platform}":                            `{"owner":"boss","name":"n","targets":{"day":1},"terms":{"from":"2026-01-01T00:00:00Z","group":"g","scope":{"reach":"group","library":true,"days":3},"counts":"inbound","begins":"2026-01-01T00:00:00Z","ends":"2027-01-01T00:00:00Z","zone":"none","reset":480,"today":true}}`,
	"POST /jobs/{code}/{platform}/previews":                  `{"contact":[{"platform":"whatsapp","id":"none"}],"event":{"id":"e","account":"a","at":"2026-01-01T00:00:00Z","kind":"inbound"}}`,
	"POST /library/files":                                    "ann\n",
	"POST /jobs/{code}/{platform}/events":                    `{"contact":[{"platform":"whatsapp","id":"none"}],"event":{"id":"e","account":"a","at":"2026-01-01T00:00:00Z","kind":"inbound"}}`,
	"POST /library":                                          `{"contacts":[{"platform":"whatsapp","namespace":"wa_id","id":"none"}]}`,
	"PUT /lines/{line}":                                      `{"name":"n","zone":"none","reset":480,"accounts":[{"id":"a","closed":true,"day":1,"total":2}],"offline":true,"past":true,"queue":5,"seed":7}`,
	"POST /lines/{line}/visits":                              `{"visitor":"none"}`,
	"PUT /sites/{site}":                                      `{"name":"n","scheme":"none","templates":"t","map":{"phone":"a.b"},"defaults":{"country":"CN"},"closed":true}`,
	"POST /sites/{site}/secrets":                             `{"secret":"none"}`,
	"PUT /templates/{templates}/versions/{version}":          `{"id":"none","version":1,"rules":[{"id":"r","if":"true","map":{"phone":"a.b"},"defaults":{"country":"CN"},"noPhone":true,"action":{"code":"c","tags":["t"]}}]}`,
	"POST /tickets":                                          `{"state":"manual","site":"a/b","from":"2026-01-01T00:00:00Z","to":"2027-01-01T00:00:00Z"}`,
	"POST /tickets/{site}/{event}/assignments":               `{"target":{"code":"c","pool":"p","account":"a"},"note":"n"}`,
	"POST /tickets/{site}/{event}/rejections":                `{"note":"none"}`,
	"POST /agent/tickets/{site}/{event}/takes":               `{}`,
	"POST /agent/tickets/{site}/{event}/returns":             `{"note":"none"}`,
	"POST /agent/tickets/{site}/{event}/ends":                `{}`,
	"POST /lines/{line}/tokens":                              `{"visitor":"none"}`,
	"PUT /shops/{shop}":                                      `{"name":"none","address":"none","zone":"Asia/Shanghai","from":"2026-01-01T00:00:00Z","to":"2027-01-01T00:00:00Z","slots":101}`,
	"POST /members/{member}/claims":                          `{"shop":"none","nickname":"none","program":"none"}`,
	"POST /cards/{program}/{member}/stamps":                  `{"shop":"none","nickname":"none","n":1,"purchase":{"amount":1,"currency":"CNY","items":1},"at":"2026-01-01T00:00:00Z"}`,
	"POST /cards/{program}/{member}/cancellations":           `{"shop":"none","nickname":"none","record":1,"n":1,"reason":"none"}`,
	"POST /cards/{program}/{member}/adjustments":             `{"shop":"none","nickname":"none","n":1,"reason":"none"}`,
	"POST /transfers":                                        `{"shop":"none","nickname":"none","from":"coffee/alice","to":"coffee/bob","n":1,"reason":"none"}`,
	"POST /coupons/{coupon}/redemptions":                     `{"shop":"none","nickname":"none"}`,
	"POST /coupons/{coupon}/undos":                           `{"shop":"none","nickname":"none","reason":"none"}`,
	"POST /coupons/{coupon}/voids":                           `{"shop":"none","nickname":"none","reason":"none"}`,
	"PUT /points/{program}/versions/{version}":               ``, // set by init
	"POST /points/{program}/members/{member}/previews":       `{"kind":"purchase","at":"2026-01-01T00:00:00Z","purchase":{"currency":"CNY","lines":[{"id":"1","kind":"shipping","sku":"a","category":"b","labels":["c"],"quantity":1,"gross":5,"discount":1,"tax":1,"covered":1}],"labels":["d"]},"labels":["e"],"channel":"app","shop":"north"}`,
	"POST /points/{program}/members/{member}/events":         `{"kind":"purchase","at":"2026-01-01T00:00:00Z","purchase":{"currency":"CNY","lines":[{"id":"1","kind":"shipping","sku":"a","category":"b","labels":["c"],"quantity":1,"gross":5,"discount":1,"tax":1,"covered":1}],"labels":["d"]},"labels":["e"],"channel":"app","shop":"north"}`,
	"POST /points/{program}/members/{member}/redemptions":    `{"currency":"points","n":1,"reason":"none"}`,
	"POST /points/{program}/members/{member}/holds":          `{"currency":"points","n":1,"until":"2036-01-01T00:00:00Z"}`,
	"POST /points/{program}/members/{member}/captures":       `{"currency":"points","n":1,"reason":"none","hold":"none"}`,
	"POST /points/{program}/members/{member}/releases":       `{"currency":"points","hold":"none"}`,
	"POST /points/{program}/members/{member}/adjustments":    `{"currency":"points","n":1,"to":"2036-01-01T00:00:00Z","reason":"none"}`,
	"POST /points/{program}/members/{member}/refunds":        `{"of":"none","under":"bob","lines":[{"id":"1","amount":1}],"reason":"none"}`,
	"POST /points/{program}/members/{member}/orders/refunds": `{"order":"none","lines":[{"id":"1","amount":1}],"stamps":[{"program":"coffee","n":1}],"reason":"none"}`,
	"POST /points/{program}/members/{member}/returns":        `{"of":"none","under":"bob","n":1,"reason":"none"}`,
	"POST /points/{program}/verifications":                   `{"kept":{"program":"club","version":1,"terms":"AAAA","members":[{"member":"alice","seq":1,"hash":"AAAA"}]}}`,
	"POST /points/{program}/members/{member}/activations":    `{"of":"none","currency":"points","n":1,"reason":"none"}`,
	"POST /points/{program}/members/{member}/levels":         `{"level":"gold","until":"2036-01-01T00:00:00Z","reason":"none"}`,
	"POST /points/{program}/members/{member}/gifts":          `{"currency":"points","n":1,"reason":"none","to":"bob"}`,
	"POST /points/{program}/members/{member}/mergers":        `{"to":"bob","reason":"none"}`,

	"POST /me/rewards/{catalog}/redemptions":                        `{"reward":"cup","n":1,"price":{"currency":"points","points":1,"money":1}}`,
	"POST /me/rewards/{catalog}/reservations":                       `{"reward":"cup","n":1,"price":{"currency":"points","points":1,"money":1}}`,
	"POST /me/rewards/{catalog}/cancellations":                      `{"order":1}`,
	"POST /shops/{shop}/vouchers/preview":                           `{"code":"CVP-0000-0000-0000-0000"}`,
	"POST /me/vouchers/codes":                                       `{"shop":"wangjing","voucher":{"holder":{"catalog":"gifts","member":"alice"},"n":99}}`,
	"POST /shops/{shop}/vouchers/codes/preview":                     `{"code":"12","cart":{"currency":"CNY","lines":[{"id":"1","sku":"a","categories":["b"],"quantity":1,"price":5,"reduced":1}]}}`,
	"POST /shops/{shop}/vouchers/codes/confirm":                     `{"claim":"none"}`,
	"POST /shops/{shop}/vouchers/codes":                             `{"code":"12","cart":{"currency":"CNY","lines":[{"id":"1","price":5}]}}`,
	"POST /shops/{shop}/vouchers":                                   `{"code":"CVP-0000-0000-0000-0000"}`,
	"PUT /rewards/{catalog}/versions/{version}":                     ``, // set by init
	"POST /rewards/{catalog}/members/{member}/gifts":                `{"reward":"none","n":1,"reason":"none"}`,
	"POST /rewards/{catalog}/members/{member}/captures":             `{"order":1}`,
	"POST /rewards/{catalog}/members/{member}/cancellations":        `{"order":1}`,
	"POST /rewards/{catalog}/members/{member}/vouchers/{n}/returns": `{"reason":"none"}`,
	"POST /rewards/{catalog}/members/{member}/vouchers/{n}/voids":   `{"reason":"none"}`,
	"POST /rewards/{catalog}/members/{member}/vouchers/{n}/undos":   `{"reason":"none"}`,
}

func init() {
	text, err := json.Marshal(demoPrograms[0])
	if err != nil {
		panic(err)
	}
	samples["PUT /programs/{program}/versions/{version}"] = strings.Replace(string(text), `"usedCoupon":"owe"`, `"usedCoupon":"none"`, 1)
	if text, err = json.Marshal(demoPoints); err != nil {
		panic(err)
	}
	gifts, err := json.Marshal(demoGifts)
	if err != nil {
		panic(err)
	}
	samples["PUT /rewards/{catalog}/versions/{version}"] = strings.Replace(string(gifts), `"CVP"`, `"none"`, 1)
	samples["PUT /points/{program}/versions/{version}"] = strings.Replace(string(text), `"onRefund"`, `"none"`, 1)
}

// refused wants a problem with a status of the caller's.
func (b *bench) refused(o operation, what string, body io.Reader) {
	b.Helper()
	res := b.send(o.token(), o.method, o.path, "bad", body)
	if res.status < 400 || res.status >= 500 {
		b.Errorf("%s with %s: %d %s", o, what, res.status, res.body)
	}
}

func TestBadBodies(t *testing.T) {
	b := start(t, Config{})
	all := operations(b)
	before := b.entries()
	big := `{"nope":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, o := range all {
		for _, body := range []io.Reader{strings.NewReader(big), struct{ io.Reader }{strings.NewReader(big)}} { // the second of unknown length
			if res := b.send(o.token(), o.method, o.path, "bad", body); res.status != 413 {
				t.Errorf("%s with 1 MiB: %d, want 413", o, res.status)
			}
		}
		if !o.bodied {
			continue
		}
		sample := samples[o.String()]
		if sample == "" {
			t.Errorf("%s has no sample", o)
		}
		b.refused(o, "its sample", strings.NewReader(sample))
		for _, body := range []string{
			"", "null", "[]", `"x"`, "1", "true", "NaN", `{"n":NaN}`, "{", sample + "x", sample + sample, `{"nope":1}`, "\xff", `{"` + "\xff" + `":1}`,
			"\x00", strings.Repeat("[", 10_000), strings.Repeat(`{"a":`, 10_000),
			strings.TrimSuffix(sample, "}") + `,"nope":1}`,
		} {
			b.refused(o, fmt.Sprintf("the body %.40q", body), strings.NewReader(body))
		}
		for what, body := range mutations(t, sample) {
			b.refused(o, what, strings.NewReader(body))
		}
	}
	if after := b.entries(); !slices.Equal(before, after) {
		t.Error("something of a bad request was stored")
	}
}

// mutations yields a body with one of its leaves made wrong at a time.
func mutations(t *testing.T, body string) map[string]string {
	t.Helper()
	wrong := []any{
		"a\x00b", "a\u202eb\n", strings.Repeat("長", 10_000), map[string]any{}, []any{}, true, json.Number("1.5"), json.Number("1e30"),
		json.Number("9223372036854775808"), json.Number("-1000000000000000000"), json.Number("1e400"), json.Number("-0.0000001"),
	}
	all := map[string]string{}
	var root any
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&root); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, v any, set func(any))
	walk = func(path string, v any, set func(any)) {
		switch at := v.(type) {
		case map[string]any:
			for name, child := range at {
				walk(path+"."+name, child, func(v any) { at[name] = v })
			}
		case []any:
			for i, child := range at {
				walk(fmt.Sprintf("%s.%d", path, i), child, func(v any) { at[i] = v })
			}
		default:
			for _, w := range wrong {
				set(w)
				text, err := json.Marshal(root)
				if err != nil {
					t.Fatal(err)
				}
				all[fmt.Sprintf("%s = %.20q", path, fmt.Sprint(w))] = string(text)
			}
			set(v)
		}
	}
	walk("", root, nil)
	return all
}

func TestBadAddresses(t *testing.T) {
	b := start(t, Config{})
	all := operations(b)
	before := b.entries()
	for _, id := range []string{"%00", "%FF", "a%0Ab", strings.Repeat("x", 200), "%E2%80%AE", "no+one", "%20", "none"} {
		for _, o := range all {
			if !strings.Contains(o.route, "{") {
				continue
			}
			path := o.route
			for strings.Contains(path, "{") {
				from, to := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
				path = path[:from] + id + path[to+1:]
			}
			res := b.send(o.token(), o.method, path, "bad", strings.NewReader(samples[o.String()]))
			empty := strings.HasSuffix(o.route, "/history") || strings.HasPrefix(o.route, "/members") || strings.HasPrefix(o.route, "/journal")
			if res.status >= 500 || res.status < 300 && !empty {
				t.Errorf("%s at %s: %d %s", o, path, res.status, res.body)
			}
		}
	}
	for _, path := range []string{
		"/shops/wangjing/records?from=nonsense", "/shops/wangjing/records?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z",
		"/shops/wangjing/records?limit=0", "/shops/wangjing/records?limit=99999999999999999999", "/shops/wangjing/records?limit=-1",
		"/shops/wangjing/records?purpose=none", "/shops/wangjing/records?nope=1", "/shops/wangjing/records?nickname=%00",
		"/shops/wangjing/records?nickname=%FF", "/shops/wangjing/records?nickname=%zz",
		"/shops/wangjing/totals?from=0001-01-01T00:00:00Z&to=1969-01-01T00:00:00Z", "/shops/wangjing/totals?limit=1",
	} {
		if res := b.send(kathy, "GET", path, "", nil); res.status != 422 && res.status != 400 {
			t.Errorf("%s: %d %s", path, res.status, res.body)
		}
	}
	if after := b.entries(); !slices.Equal(before, after) {
		t.Error("something of a bad request was stored")
	}
}

func TestMediaTypes(t *testing.T) {
	b := start(t, Config{})
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "nonsense", ";+"} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", "/me/presses", strings.NewReader(press))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Authorization": {"Bearer " + alice}, "Idempotency-Key": {"k"}, "Content-Type": {kind}}
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		if w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("a body of %q: %d, want 415", kind, w.Code)
		}
	}
}

// No body, whatever it is, is the server's fault.
func FuzzRequest(f *testing.F) {
	b := start(f, Config{})
	var posts []operation
	for _, o := range operations(b) {
		if o.bodied {
			posts = append(posts, o)
		}
	}
	for i, o := range posts {
		f.Add(i, []byte(samples[o.String()]))
	}
	b.do(root, "PUT", "/sites/shop", `{"scheme":"shopify","templates":"orders","map":{"name":"name","phone":"phone"}}`, 200)
	b.do(root, "POST", "/sites/shop/secrets", `{"secret":"`+hookSecret+`"}`, 200)
	b.do(root, "PUT", "/templates/orders/versions/1", `{"id":"orders","version":1,"rules":[{"id":"cn","if":"body(\"a.0\") matches \"^1\"","action":{"code":"c"}}]}`, 200)
	hook := len(posts) // the pushes of a website are in no document
	f.Add(hook, []byte(`{"name":"\ud800","phone":"138","a":[1]}`))
	f.Add(hook, []byte("\xb9\xf9"))
	f.Add(0, []byte(`{"shop":"\ud800","purpose":"stamp","program":"\u0000"}`))
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		b := &bench{TB: t, Server: b.Server}
		n := int(uint(i) % uint(hook+1))
		if n == hook {
			if res := b.push("shop", hookSecret, string(body)); res.status != 202 {
				t.Errorf("a push: %d %s", res.status, res.body)
			}
			b.do(root, "POST", "/tickets", `{"state":"received"}`, 200)
			return
		}
		o := posts[n]
		if res := b.send(o.token(), o.method, o.path, "fuzz", bytes.NewReader(body)); res.status >= 500 {
			t.Errorf("%s: %d %s", o, res.status, res.body)
		}
	})
}

// No address, whatever it is, is the server's fault.
func FuzzAddress(f *testing.F) {
	b := start(f, Config{})
	for _, o := range operations(b) {
		f.Add(o.method, o.path, "k")
	}
	f.Add("GET", "/journal?cursor=W10&limit=1", "\xff")
	f.Fuzz(func(t *testing.T, method, path, key string) {
		b := &bench{TB: t, Server: b.Server}
		r, err := http.NewRequestWithContext(t.Context(), method, path, nil)
		if err != nil {
			t.Skip("it is no address")
		}
		r.Body = http.NoBody
		r.Header = http.Header{"Authorization": {"Bearer " + root}, "Idempotency-Key": {key}}
		w := httptest.NewRecorder()
		if b.ServeHTTP(w, r); w.Code >= 500 {
			t.Errorf("%s %q: %d %s", method, path, w.Code, w.Body)
		}
	})
}
