package ticket

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/condition"
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
	}{
		{"the first rule that is met counts", order("CN", "138 0013 8000", "12345", ""), "pending  vip VIPVIPVI whatsapp +8613800138000"},
		{"a number is compared as it is written", order("CN", "138 0013 8000", "999", ""), "pending  asia asia line +8613800138000"},
		{"a default of the rule comes before the site's", order("JP", "090-1234-5678", "1", ""), "pending  asia asia line +819012345678"},
		{"a number that can't be read is for somebody to look at", order("JP", "0619392120615", "1", ""), "manual badPhone asia  line "},
		{"no number is none that can be read", order("JP", "", "1", ""), "manual badPhone asia  line "},
		{"a ticket that needs no number has none", order("US", "", "1", "Mail me"), "pending  mail  whatsapp "},
		{"no rule is met", order("US", "138", "1", "test"), "manual noTemplate   whatsapp "},
		{"no JSON", `{"id":`, "manual unreadable   whatsapp "},
		{"not an object", `1`, "manual unreadable   whatsapp "},
		{"null", `null`, "manual unreadable   whatsapp "},
		{"two objects", `{} {}`, "manual unreadable   whatsapp "},
		{"nothing", ``, "manual unreadable   whatsapp "},
		{"an object and a brace", `{"id":1}}`, "manual unreadable   whatsapp "},
		{"an object and a bracket", `{"id":1}]`, "manual unreadable   whatsapp "},
		{"an object and text", `{"id":1} <html>`, "manual unreadable   whatsapp "},
		{"other bytes than UTF-8", "{\"name\":\"\xb9\xf9\"}", "manual unreadable   whatsapp "},
		{"countries and platforms are compared in one case", order("cn", "138 0013 8000", "1", ""), "pending  asia asia line +8613800138000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := p.Decide(testSite, Ticket{ID: ID{"test1", "e"}, State: Received}, []byte(tt.body), now)
			target := string(got.Target.Code) + string(got.Target.Pool)
			if s := fmt.Sprintf("%s %s %s %s %s %s", got.State, got.Reason, got.Rule, target, got.Fields.Platform, got.Fields.Phone); s != tt.want {
				t.Fatalf("%s\nwant %s", s, tt.want)
			}
			again := p.Decide(testSite, got, []byte(tt.body), now)
			if a, b := mustJSON(got), mustJSON(again); a != b {
				t.Fatalf("asked again: %s, not %s", b, a)
			}
		})
	}
}

func TestWhatIsReadOfTicketsWithoutARule(t *testing.T) {
	site := Site{ID: "test1", Settings: Settings{
		Map: map[string]string{"name": "name", "phone": "tel", "country": "cc"}, Defaults: Fields{Country: "us", Platform: "Line", Phone: "none"},
	}}
	none := Rule{ID: "none", If: "false"}
	for _, tt := range []struct {
		name, body string
		rule       Rule
		want       string // reason, name, country, platform, phone, typed
	}{
		{"a number that can be read", `{"name":"郭恩晴","tel":"138 0013 8000","cc":"cn"}`, none, "noTemplate 郭恩晴 CN line +8613800138000 138 0013 8000"},
		{"one that can't be", `{"name":"郭恩晴","tel":"0619392120615","cc":"in"}`, none, "noTemplate 郭恩晴 IN line  0619392120615"},
		{"no number", `{"name":"郭恩晴"}`, none, "noTemplate 郭恩晴 US line  none"},
		{"a body that can't be read", `{`, none, "unreadable  US line  "},
		{"a rule that reads some of it elsewhere", `{"name":"郭恩晴","tel":"1","mobile":"+86 138 0013 8000"}`,
			Rule{ID: "all", Map: map[string]string{"phone": "mobile"}}, " 郭恩晴 US line +8613800138000 +86 138 0013 8000"},
		{"a rule that reads what is not there", `{"name":"郭恩晴","tel":"+86 138 0013 8000"}`,
			Rule{ID: "all", Map: map[string]string{"phone": "mobile"}}, "badPhone 郭恩晴 US line  none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Compile(Templates{ID: "shop", Version: 1, Rules: []Rule{tt.rule}})
			if err != nil {
				t.Fatal(err)
			}
			k := p.Decide(site, Ticket{}, []byte(tt.body), time.Time{})
			f := k.Fields
			if got := fmt.Sprintf("%s %s %s %s %s %s", k.Reason, f.Name, f.Country, f.Platform, f.Phone, f.Typed); got != tt.want {
				t.Fatalf("%s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestUndecidedRulesAreTold(t *testing.T) {
	d := Templates{ID: "shop", Version: 1}
	for i := range 2 * maxUndecided {
		d.Rules = append(d.Rules,
			Rule{ID: RuleID(fmt.Sprint("length-", i)), If: `1 % (len(site) - 5) > 0`}, Rule{ID: RuleID(fmt.Sprint("no-", i)), If: "false"})
	}
	d.Rules = append(d.Rules, Rule{ID: "all", NoPhone: true})
	p, err := Compile(d)
	if err != nil {
		t.Fatal(err)
	}
	k := p.Decide(testSite, Ticket{}, []byte("{}"), time.Time{})
	if k.Rule != "all" || len(k.Undecided) != maxUndecided || k.Undecided[1] != "length-1" {
		t.Fatal(k.Rule, k.Undecided)
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
		`{"a": 1} == {"a": 1}`, `name in $env`, `sum([1]) == 1`, `name[0] == "a"`, `1.5 > 1`, strings.Repeat("(", 5000), strings.Repeat("not ", 300) + "true",
	} {
		d := shopTemplates()
		d.Rules[1].If = source
		_, err := Compile(d)
		var bad *errs.DefinitionError
		if !errors.As(err, &bad) || len(bad.Mistakes) != 1 || bad.Mistakes[0].Path != "rules[1].if" {
			t.Errorf("%.60s: %v", source, err)
		}
	}
	pattern := func(n int) string { return fmt.Sprintf(`name matches "a{%d}"`, n) }
	for path, change := range map[string]func(d *Templates){
		"rules": func(d *Templates) {
			d.Rules = nil
			for i := range 21 {
				d.Rules = append(d.Rules, Rule{ID: RuleID(fmt.Sprint("r", i)), If: pattern(960)})
			}
		},
		"rules[0].if": func(d *Templates) { d.Rules[0].If = pattern(600) + " or " + pattern(600) },
		"rules[1].if": func(d *Templates) {
			d.Rules[0].If, d.Rules[1].If = pattern(990), `remark matches "`+strings.Repeat("(?:.?){1000}", 335)+`$x"`
		},
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
		var bad *errs.DefinitionError
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

// FuzzCondition holds that what compiles has bounded patterns, ends, and decides.
func FuzzCondition(f *testing.F) {
	f.Add(`country in ["CN", "JP"] and not (remark contains "test")`)
	f.Add(`body("a.b") matches "(a+)+$" ? len(name) > 3 : lower(name) == "x"`)
	f.Add(`name matches "(?i:(a|bc?|[d-f]*){3,}){0,9}|x{0}y{2}" or name not matches "^(|a)(?:b??){40}$"`)
	f.Fuzz(func(t *testing.T, source string) {
		d := Templates{ID: "x", Version: 1, Rules: []Rule{{ID: "r", If: source, NoPhone: true}}}
		p, err := Compile(d)
		if err != nil {
			return
		}
		if n := p.rules[0].condition.Patterns; n > condition.MaxPattern {
			t.Fatalf("patterns of %d instructions", n)
		}
		p.Decide(testSite, Ticket{}, []byte(`{"a":{"b":"`+strings.Repeat("a", 2000)+`"}}`), time.Unix(0, 0))
	})
}

// FuzzTemplates holds that templates which compile stay the same as JSON, and decide.
func FuzzTemplates(f *testing.F) {
	f.Add([]byte(mustJSON(shopTemplates())))
	f.Add([]byte(`{"id":"x","version":1,"rules":[{"id":"r","map":{"phone":"a..0"},"defaults":{"country":"ŉ"},"action":{"pool":"p","tags":["t"]}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var d Templates
		if json.Unmarshal(text, &d) != nil {
			return
		}
		p, err := Compile(d)
		if err != nil {
			return
		}
		var again Templates
		if err := json.Unmarshal([]byte(mustJSON(p.Templates())), &again); err != nil || mustJSON(again) != mustJSON(d) {
			t.Fatalf("%s, not %s: %v", mustJSON(again), mustJSON(d), err)
		}
		got := p.Decide(testSite, Ticket{}, []byte(`{"a":["1",{"0":"+8613800138000"}]}`), time.Unix(0, 0))
		if err := got.Fields.check(""); err != nil || got.State != Pending && got.State != Manual {
			t.Fatal(got, err)
		}
	})
}

// FuzzParse holds that a ticket's name is read as what was written, and nothing else is one.
func FuzzParse(f *testing.F) {
	f.Add("shop1/msg_1")
	f.Add("a/b/c")
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := Parse(text); err == nil && id.String() != text {
			t.Fatalf("%q is read as %q", text, id)
		}
	})
}
