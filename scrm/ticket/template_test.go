package ticket

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// shop is templates for the website of a shop.
func shopTemplates() Templates {
	read := map[string]string{
		"name": "customer.name", "phone": "customer.phones.0", "country": "shipping.country", "order": "id", "remark": "note",
	}
	return Templates{ID: "shop", Version: 1, Rules: []Rule{
		{ID: "vip", If: `country == "CN" and body("total") matches "^[0-9]{4,}$"`, Map: read, Action: Action{Code: "VIPVIPVI", Tags: []string{"vip"}}},
		{ID: "asia", If: `country in ["CN", "JP"] and not (remark contains "test")`, Map: read, Defaults: Fields{Platform: "line"}, Action: Action{Pool: "asia"}},
		{ID: "mail", If: `lower(remark) startsWith "mail" and len(name) > 0`, Map: read, NoPhone: true, Action: Action{Tags: []string{"mail"}}},
	}}
}

var testSite = Site{ID: "test1", Settings: Settings{Templates: "shop", Defaults: Fields{Platform: "whatsapp", Country: "US"}}}

func TestDecide(t *testing.T) {
	p, err := Compile(shopTemplates())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	order := func(country, phone, total, note string) string {
		return fmt.Sprintf(`{"id":12,"total":%s,"note":%q,"customer":{"name":"郭恩晴","phones":[%q]},"shipping":{"country":%q}}`, total, note, phone, country)
	}
	for _, tt := range []struct {
		name, body string
		want       string // state, reason, rule, target, platform, phone
		tried      int
	}{
		{"the first rule that is met counts", order("CN", "138 0013 8000", "12345", ""), "pending  vip VIPVIPVI whatsapp +8613800138000", 0},
		{"a number is compared as it is written", order("CN", "138 0013 8000", "999", ""), "pending  asia asia line +8613800138000", 1},
		{"a default of the rule comes before the site's", order("JP", "090-1234-5678", "1", ""), "pending  asia asia line +819012345678", 1},
		{"a number that can't be read is for somebody to look at", order("JP", "0619392120615", "1", ""), "manual badPhone asia  line ", 1},
		{"no number is none that can be read", order("JP", "", "1", ""), "manual badPhone asia  line ", 1},
		{"a ticket that needs no number has none", order("US", "", "1", "Mail me"), "pending  mail  whatsapp ", 2},
		{"no rule is met", order("US", "138", "1", "test"), "manual noTemplate   whatsapp ", 3},
		{"no JSON", `{"id":`, "manual unreadable   whatsapp ", 0},
		{"not an object", `[1]`, "manual unreadable   whatsapp ", 0},
		{"null", `null`, "manual unreadable   whatsapp ", 0},
		{"two objects", `{} {}`, "manual unreadable   whatsapp ", 0},
		{"nothing", ``, "manual unreadable   whatsapp ", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := p.Decide(testSite, Ticket{ID: ID{"test1", "e"}, State: Received}, []byte(tt.body), now)
			target := string(got.Target.Code) + string(got.Target.Pool)
			if s := fmt.Sprintf("%s %s %s %s %s %s", got.State, got.Reason, got.Rule, target, got.Fields.Platform, got.Fields.Phone); s != tt.want || len(got.Tried) != tt.tried {
				t.Fatalf("%s, tried %v\nwant %s", s, got.Tried, tt.want)
			}
			again := p.Decide(testSite, got, []byte(tt.body), now)
			if a, b := mustJSON(got), mustJSON(again); a != b {
				t.Fatalf("asked again: %s, not %s", b, a)
			}
		})
	}
}

func mustJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestMistakes(t *testing.T) {
	for _, source := range []string{
		"1..1000000000 == []", "any([1], true)", `repeat("a", 1000000)`, `"a" + "b" == "ab"`, "2 ** 1000 > 1", `len(map(1..10, #)) > 1`, `name`, `name ==`,
		`now() > now()`, `body(`, `body == nil`, `site.x == ""`, `other == ""`, `name matches body("x")`, `name matches "("`, "let x = 1; x == 1",
		`{"a": 1} == {"a": 1}`, `sum([1]) == 1`, `name[0] == "a"`, `1.5 > 1`, strings.Repeat("(", 5000), strings.Repeat("not ", 300) + "true",
	} {
		d := shopTemplates()
		d.Rules[1].If = source
		_, err := Compile(d)
		var bad *DefinitionError
		if !errors.As(err, &bad) || len(bad.Mistakes) != 1 || bad.Mistakes[0].Path != "rules[1].if" {
			t.Errorf("%.60s: %v", source, err)
		}
	}
	for path, change := range map[string]func(d *Templates){
		"id":                 func(d *Templates) { d.ID = "" },
		"version":            func(d *Templates) { d.Version = 0 },
		"rules[1].id":        func(d *Templates) { d.Rules[1].ID = "vip" },
		"rules[0].map":       func(d *Templates) { d.Rules[0].Map = map[string]string{"tel": "x"} },
		"rules[0].map.phone": func(d *Templates) { d.Rules[0].Map = map[string]string{"phone": strings.Repeat("a.", 50)} },
		"rules[0].action":    func(d *Templates) { d.Rules[0].Action.Pool = "x" },
	} {
		d := shopTemplates()
		change(&d)
		_, err := Compile(d)
		var bad *DefinitionError
		if !errors.As(err, &bad) || bad.Mistakes[0].Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// FuzzDecide holds that whatever a site pushes comes to a ticket that can be stored.
func FuzzDecide(f *testing.F) {
	p, err := Compile(shopTemplates())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"id":1e400,"customer":{"name":"\u0000\ud800","phones":["+86 138 0013 8000"]},"shipping":{"country":"CN"}}`))
	f.Add([]byte(`{"customer":[[[["x"]]]],"shipping":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := p.Decide(testSite, Ticket{ID: ID{"test1", "e"}, State: Received}, body, time.Unix(0, 0))
		if err := got.Fields.check(""); err != nil {
			t.Fatal(err)
		}
		if got.State != Pending && got.State != Manual || (got.State == Manual) != (got.Reason != "") || !utf8.ValidString(mustJSON(got)) {
			t.Fatalf("%+v", got)
		}
	})
}

// FuzzCondition holds that what compiles ends, and decides.
func FuzzCondition(f *testing.F) {
	f.Add(`country in ["CN", "JP"] and not (remark contains "test")`)
	f.Add(`body("a.b") matches "(a+)+$" ? len(name) > 3 : lower(name) == "x"`)
	f.Fuzz(func(t *testing.T, source string) {
		d := Templates{ID: "x", Version: 1, Rules: []Rule{{ID: "r", If: source, NoPhone: true}}}
		p, err := Compile(d)
		if err != nil {
			return
		}
		p.Decide(testSite, Ticket{}, []byte(`{"a":{"b":"`+strings.Repeat("a", 2000)+`"}}`), time.Unix(0, 0))
	})
}
