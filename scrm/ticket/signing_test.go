package ticket

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
)

const slackBody = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar" +
	"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2F" +
	"T1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"

// A vector is a delivery as a site signs it. Those of GitHub and Slack are in their documents; the
// others are HMACs by Python's hmac.
type vector struct {
	name   string
	s      Settings
	secret string
	header map[string]string
	query  string
	body   string
	at     int64
	event  string // "": a hash of the body
}

var (
	slack = Settings{Scheme: Custom, Signing: &Signing{
		Header: "X-Slack-Signature", Prefix: "v0=", Content: "v0:{timestamp}:{body}", Timestamp: "X-Slack-Request-Timestamp",
	}}
	stripe = Settings{Scheme: Custom, Signing: &Signing{
		Header: "Stripe-Signature", Separator: ",", Prefix: "v1=", Content: "{timestamp}.{body}", Timestamp: "Stripe-Signature", TimestampPrefix: "t=", Event: "id",
	}}
	bearer = Settings{Scheme: Custom, Signing: &Signing{Header: "Authorization", Token: true, Prefix: "Bearer ", ID: "X-Event"}}

	vectors = []vector{
		{"GitHub, as its documents have it", Settings{Scheme: GitHub}, "It's a Secret to Everybody",
			map[string]string{"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}, "", "Hello, World!", 0, ""},
		{"Slack, as its documents have it", slack, "8f742231b10e8888abcd99yyyzzz85a5", map[string]string{
			"X-Slack-Request-Timestamp": "1531420618", "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
		}, "", slackBody, 1531420618, ""},
		{"WooCommerce", Settings{Scheme: WooCommerce}, "woo secret of the shop",
			map[string]string{"X-WC-Webhook-Signature": "MJbaLoqFLOSvkrbyb9o61h9A57iZJg9QwspmC+7GGu0="}, "",
			`{"id":727,"status":"processing","date_modified_gmt":"2017-03-22T19:28:08","billing":{"first_name":"John","last_name":"Doe","country":"US","phone":"(555) 555-5555"}}`, 0, ""},
		{"Typeform", Settings{Scheme: Typeform}, "typeform secret 1234",
			map[string]string{"Typeform-Signature": "sha256=JPQbWTHkJLTr4Y5ihI3SI1rTZZvqmsRecZ/moFqLEf8="}, "", `{"event_id":"LtWXD3crgy","event_type":"form_response"}`, 0, "LtWXD3crgy"},
		{"LINE", Settings{Scheme: LINE}, "8c570fa6dd201bb328f1c1eac23a96d8",
			map[string]string{"x-line-signature": "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="}, "", `{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}`, 0, ""},
		{"JotForm, by a token in the address", Settings{Scheme: JotForm}, "a token of 16 or more", nil, "a token of 16 or more", "formID=1&rawRequest=%7B%7D", 0, ""},
		{"a token in a header", bearer, "a token of 16 or more", map[string]string{"Authorization": "Bearer a token of 16 or more", "X-Event": "e1"}, "", "{}", 0, "e1"},
		{"several parts of one header, with a time", stripe, "whsec_test_secret",
			map[string]string{"Stripe-Signature": "t=1492774577,v1=799c4ba7bb339f3c8601adfd112f0e477c930a268be1243d341abb8286501c2f,v0=00"}, "", `{"id":"evt_1"}`, 1492774577, "evt_1"},
		{"SHA-512 in base64 of URLs, without padding", Settings{Scheme: Custom, Signing: &Signing{Header: "X-Sum", Hash: "sha512", Encoding: Base64URL}}, "a secret for base64url",
			map[string]string{"X-Sum": "ysOKFKOYE8AhSTHVC6tpWEeQIUALWlvZ9gwx6EDcp__E6OykDMfAfXajOBS9dLLkjMmUbGGp9elK1gsdEiA8lA"}, "", `{"a":7}`, 0, ""},
		{"SHA-1 in hexadecimal", Settings{Scheme: Custom, Signing: &Signing{Header: "X-Hub-Signature", Prefix: "sha1=", Hash: "sha1"}}, "a secret for sha-1 sites",
			map[string]string{"X-Hub-Signature": "sha1=d041489930d68681d9bfd7e0f58433059ccff662"}, "", `{"a":1}`, 0, ""},
	}
)

func (v vector) delivery() Delivery {
	return Delivery{Header: func(name string) string { return v.header[name] }, Query: func(string) string { return v.query }, Body: []byte(v.body)}
}

// What a site signs is known, by either of two secrets; whatever is changed of what is signed, of
// the signature or of the secret is forged.
func TestSigningsOfSites(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			if err := v.s.checkScheme(); err != nil {
				t.Fatal(err)
			}
			now := time.Unix(v.at, 0)
			verify := func(v vector, secrets ...string) (Push, error) {
				return v.s.signing().Verify(secrets, v.delivery(), now)
			}
			for _, secrets := range [][]string{{v.secret}, {"another secret of 16", v.secret}, {v.secret, "another secret of 16"}} {
				push, err := verify(v, secrets...)
				if err != nil || v.event != "" && push.Event != EventID(v.event) || v.event == "" && len(push.Event) != 64 {
					t.Fatal(push, err)
				}
			}
			if _, err := verify(v, "another secret of 16"); !errors.Is(err, ErrSignature) {
				t.Fatal(err)
			}
			rapid.Check(t, func(t *rapid.T) {
				forged := v
				flip := func(text string) string {
					b := []byte(text)
					i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
					b[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
					return string(b)
				}
				switch {
				case rapid.Bool().Draw(t, "secret"):
					forged.secret = flip(v.secret)
				case v.query != "":
					forged.query = flip(v.query)
				case rapid.Bool().Draw(t, "body") && !v.s.signing().Token:
					forged.body = flip(v.body)
				default:
					name := v.s.signing().Header
					forged.header = map[string]string{}
					for k, text := range v.header {
						forged.header[k] = text
					}
					forged.header[name] = flip(v.header[name])
					if same(v.s.signing(), v.header[name], forged.header[name]) {
						return // another way to write it, or a part that nothing is read of
					}
				}
				if push, err := verify(forged, forged.secret); !errors.Is(err, ErrSignature) && !errors.Is(err, ErrStale) {
					t.Fatalf("%+v is taken for %v: %v", forged, push, err)
				}
			})
		})
	}
}

// same reports whether two headers have one meaning: the bits of the last character of base64, the
// case of hexadecimal, parts after the first.
func same(s Signing, a, b string) bool {
	read := func(text string) string {
		d := Delivery{Header: func(string) string { return text }}
		sent := ""
		if s.TimestampPrefix != "" { // the time is in the same header
			sent, _ = s.sent(d, time.Time{})
		}
		return fmt.Sprint(s.given(d)[:min(1, len(s.given(d)))], sent)
	}
	return read(a) == read(b)
}

func TestTimesOfPushes(t *testing.T) {
	for _, v := range vectors {
		if v.at == 0 {
			continue
		}
		for _, tt := range []struct {
			after time.Duration
			want  error
		}{{Tolerance, nil}, {Tolerance + time.Second, ErrStale}, {-Tolerance, nil}, {-Tolerance - time.Second, ErrStale}} {
			if _, err := v.s.signing().Verify([]string{v.secret}, v.delivery(), time.Unix(v.at, 0).Add(tt.after)); !errors.Is(err, tt.want) {
				t.Errorf("%s, %s later: %v", v.name, tt.after, err)
			}
		}
	}
}

// A site whose replays could not be told, or whose parts could be cut elsewhere, can't be put.
func TestSettingsOfSignings(t *testing.T) {
	for _, tt := range []struct {
		field string
		s     Signing
	}{
		{"", Signing{Header: "X-A"}}, {"", Signing{Header: "X-A", Content: "https://shop.example/hook{body}"}},
		{"", Signing{Header: "X-A", Content: "{id}.{timestamp}.{body}", ID: "X-B", Timestamp: "X-C"}},
		{"header", Signing{}}, {"header", Signing{Header: "X-A", Query: "a"}}, {"header", Signing{Header: "X A"}}, {"query", Signing{Query: "token"}},
		{"token", Signing{Header: "X-A", Token: true, Content: "{body}"}}, {"token", Signing{Header: "X-A", Token: true, Encoding: Hex}},
		{"hash", Signing{Header: "X-A", Hash: "md5"}}, {"encoding", Signing{Header: "X-A", Encoding: "base32"}}, {"unit", Signing{Header: "X-A", Unit: "h"}},
		{"secret", Signing{Header: "X-A", Secret: "plain"}}, {"event", Signing{Header: "X-A", Event: "a..b"}},
		{"content", Signing{Header: "X-A", Content: "{id}", ID: "X-B"}}, {"content", Signing{Header: "X-A", Content: "{body}{body}"}},
		{"content", Signing{Header: "X-A", Content: "{timestamp}{body}", Timestamp: "X-C"}},
		{"content", Signing{Header: "X-A", Content: "{timestamp}0{body}", Timestamp: "X-C"}},
		{"id", Signing{Header: "X-A", ID: "X-B"}}, {"id", Signing{Header: "X-A", Content: "{id}.{body}"}},
		{"id", Signing{Header: "X-A", Content: "{id}.{body}", ID: "X-B", Event: "id"}},
		{"timestamp", Signing{Header: "X-A", Timestamp: "X-C"}}, {"timestamp", Signing{Header: "X-A", Content: "{timestamp}.{body}"}},
	} {
		err := Settings{Scheme: Custom, Signing: &tt.s}.checkScheme()
		var bad *errs.InputError
		if errors.As(err, &bad) != (tt.field != "") || bad != nil && bad.Field != "settings.signing."+tt.field {
			t.Errorf("%+v: %v, want %q", tt.s, err, tt.field)
		}
	}
	for _, s := range []Settings{{}, {Scheme: "woo"}, {Scheme: Custom}, {Scheme: Shopify, Signing: &Signing{Header: "X-A"}}} {
		if err := s.checkScheme(); err == nil {
			t.Errorf("%+v", s)
		}
	}
}

// What is signed is one text for one id, time and body: two of them that sign alike are alike.
func TestSignedPartsAreNotCutElsewhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Signing{
			Header: "X-A", ID: "X-B", Timestamp: "X-C",
			Content: rapid.SampledFrom([]string{"{id}.{timestamp}.{body}", "{timestamp}:{id}--{body}", "{body}.{timestamp}.{id}", "x{id}ab{body}-{timestamp}"}).Draw(t, "content"),
		}
		if err := s.check(); err != nil {
			t.Fatal(err)
		}
		type part struct{ id, sent, body string }
		draw := func() (p part) {
			p.id = rapid.StringMatching(`[ab.:0-9-]{1,4}`).Draw(t, "id")
			p.sent = rapid.StringMatching(`[0-9]{1,3}`).Draw(t, "time")
			p.body = rapid.StringMatching(`[ab.:0-9-]{0,6}`).Draw(t, "body")
			return p
		}
		a, b := draw(), draw()
		if s.checkID(EventID(a.id)) != nil || s.checkID(EventID(b.id)) != nil || a == b {
			return
		}
		key := []byte("a key")
		if string(s.sign(key, EventID(a.id), a.sent, []byte(a.body))) == string(s.sign(key, EventID(b.id), b.sent, []byte(b.body))) {
			t.Fatalf("%+v and %+v are signed alike by %s", a, b, s.Content)
		}
	})
}

func FuzzSigning(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.s.signing().Content, v.s.signing().Prefix, v.s.signing().Separator, v.header[v.s.signing().Header], []byte(v.body))
	}
	f.Fuzz(func(t *testing.T, content, prefix, separator, header string, body []byte) {
		s := Signing{Header: "X-A", Content: content, Prefix: prefix, Separator: separator, ID: "X-B", Timestamp: "X-C"}
		if err := s.check(); err != nil {
			var bad *errs.InputError
			if !errors.As(err, &bad) || !strings.HasPrefix(bad.Field, "settings.signing.") {
				t.Fatal(err)
			}
		}
		d := Delivery{Header: func(string) string { return header }, Query: url.Values{}.Get, Body: body}
		if push, err := s.Verify([]string{"a secret of 16 or more"}, d, time.Unix(0, 0)); err == nil {
			t.Fatalf("a forgery: %v", push)
		}
	})
}
