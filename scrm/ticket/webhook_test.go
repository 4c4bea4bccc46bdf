package ticket

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
)

const specSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// specDelivery is the example of the documents of Standard Webhooks.
func specDelivery() (map[string]string, string) {
	return map[string]string{
		"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
		"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	}, `{"test": 2432232314}`
}

func delivery(header map[string]string, body string) Delivery {
	return Delivery{Header: func(name string) string { return header[name] }, Body: []byte(body)}
}

func TestStandardWebhooks(t *testing.T) {
	sent := time.Unix(1614265330, 0)
	other := "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	change := func(name, value string) func(map[string]string, *string) {
		return func(h map[string]string, _ *string) { h[name] = value }
	}
	signature := func(f func(s string) string) func(map[string]string, *string) {
		return func(h map[string]string, _ *string) { h["webhook-signature"] = f(h["webhook-signature"]) }
	}
	for _, tt := range []struct {
		name    string
		secrets []string
		late    time.Duration
		change  func(h map[string]string, body *string)
		want    error
	}{
		{name: "the example of the specification", secrets: []string{specSecret}},
		{name: "the second of two secrets", secrets: []string{other, specSecret}},
		{name: "the first of two secrets", secrets: []string{specSecret, other}},
		{name: "another secret", secrets: []string{other}, want: ErrSignature},
		{name: "no secret", want: ErrSignature},
		{name: "five minutes late", secrets: []string{specSecret}, late: Tolerance},
		{name: "later", secrets: []string{specSecret}, late: Tolerance + time.Second, want: ErrStale},
		{name: "five minutes ahead", secrets: []string{specSecret}, late: -Tolerance},
		{name: "further ahead", secrets: []string{specSecret}, late: -Tolerance - time.Second, want: ErrStale},
		{name: "forged and stale", secrets: []string{other}, late: time.Hour, want: ErrSignature},
		{name: "another id", secrets: []string{specSecret}, change: change("webhook-id", "msg_other"), want: ErrSignature},
		{name: "another time", secrets: []string{specSecret}, change: change("webhook-timestamp", "1614265331"), want: ErrSignature},
		{name: "no time", secrets: []string{specSecret}, change: change("webhook-timestamp", ""), want: ErrSignature},
		{name: "no signature", secrets: []string{specSecret}, change: change("webhook-signature", ""), want: ErrSignature},
		{name: "one of several signatures", secrets: []string{specSecret}, change: signature(func(s string) string { return "v1,AAAA v1a,BBBB " + s })},
		{name: "another version's signature", secrets: []string{specSecret}, change: signature(func(s string) string { return "v2" + s[2:] }), want: ErrSignature},
		{name: "a signature cut short", secrets: []string{specSecret}, change: signature(func(s string) string { return s[:len(s)-4] }), want: ErrSignature},
		{name: "an empty signature", secrets: []string{specSecret}, change: signature(func(string) string { return "v1," }), want: ErrSignature},
		{name: "too many signatures", secrets: []string{specSecret},
			change: signature(func(s string) string { return strings.Repeat("v1,AAAA ", 1000) + s }), want: ErrSignature},
		{name: "a body cut short", secrets: []string{specSecret}, change: func(_ map[string]string, b *string) { *b = (*b)[:len(*b)-1] }, want: ErrSignature},
		{name: "a body with a space more", secrets: []string{specSecret}, change: func(_ map[string]string, b *string) { *b += " " }, want: ErrSignature},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, body := specDelivery()
			if tt.change != nil {
				tt.change(h, &body)
			}
			push, err := StandardWebhooks.Verify(tt.secrets, delivery(h, body), sent.Add(tt.late))
			if !errors.Is(err, tt.want) || err == nil && push.Event != EventID(h["webhook-id"]) {
				t.Fatalf("%v %v, want %v", push, err, tt.want)
			}
		})
	}
	t.Run("an id that can't be that of a push is told to who has signed it", func(t *testing.T) {
		signing := signings[StandardWebhooks]
		key, err := signing.key(specSecret)
		if err != nil {
			t.Fatal(err)
		}
		for id, field := range map[string]string{
			"a.1": "webhook-id", "": "webhook-id", "a b": "webhook-id", "\x00": "webhook-id", strings.Repeat("x", 81): "webhook-id", strings.Repeat("x", 80): "",
		} {
			sum := signing.sign(key, EventID(id), "1614265330", []byte("{}"))
			d := delivery(map[string]string{
				"webhook-id": id, "webhook-timestamp": "1614265330", "webhook-signature": "v1," + base64.StdEncoding.EncodeToString(sum),
			}, "{}")
			_, err := StandardWebhooks.Verify([]string{specSecret}, d, sent)
			var bad *errs.InputError
			if errors.As(err, &bad) != (field != "") || bad != nil && bad.Field != field {
				t.Errorf("%q: %v", id, err)
			}
			if _, err := StandardWebhooks.Verify([]string{other}, d, sent); !errors.Is(err, ErrSignature) {
				t.Errorf("%q, forged: %v", id, err)
			}
		}
	})
	t.Run("nothing is signed by the secrets that make up the number", func(t *testing.T) {
		for _, scheme := range []Scheme{StandardWebhooks, Shopify, ""} {
			sum := base64.StdEncoding.EncodeToString(signings[scheme].sign(nil, "msg", "1614265330", []byte("{}")))
			h := map[string]string{
				"webhook-id": "msg", "webhook-timestamp": "1614265330", "webhook-signature": "v1," + sum, "X-Shopify-Hmac-SHA256": sum,
			}
			for _, secrets := range [][]string{nil, {"none"}, {specSecret}} {
				if _, err := scheme.Verify(secrets, delivery(h, "{}"), sent); !errors.Is(err, ErrSignature) {
					t.Errorf("%s, secrets %q: %v", scheme, secrets, err)
				}
			}
		}
	})
}

// The figure is HMAC-SHA256 of the body under the secret, by openssl dgst -sha256 -hmac.
func TestShopify(t *testing.T) {
	secret, body := "hush-hush-hush-hush", `{"id":820982911946154508}`
	h := map[string]string{"X-Shopify-Hmac-SHA256": "aDPQjbkrpNlMdy9Xpgse3eKgANQc2Yx/Najj029WpLU=", "X-Shopify-Event-Id": "1"}
	one, err := Shopify.Verify([]string{"another secret of 16", secret}, delivery(h, body), time.Time{})
	if err != nil || len(one.Event) != 64 {
		t.Fatal(one, err)
	}
	for name, d := range map[string]Delivery{
		"another body": delivery(h, body+" "), "no signature": delivery(nil, body),
		"hexadecimal":       delivery(map[string]string{"X-Shopify-Hmac-SHA256": "00"}, body),
		"in another header": delivery(map[string]string{"webhook-signature": "v1," + h["X-Shopify-Hmac-SHA256"]}, body),
	} {
		if _, err := Shopify.Verify([]string{secret}, d, time.Time{}); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h["X-Shopify-Event-Id"] = "2"
	if again, err := Shopify.Verify([]string{secret}, delivery(h, body), time.Time{}); err != nil || again.Event != one.Event {
		t.Errorf("%s and %s: %v", one.Event, again.Event, err)
	}
}

func FuzzVerify(f *testing.F) {
	h, body := specDelivery()
	f.Add(h["webhook-id"], h["webhook-timestamp"], h["webhook-signature"], []byte(body), false)
	f.Add("a.1", "2", "v1, v1,", []byte("{}"), true)
	f.Fuzz(func(t *testing.T, id, sent, signature string, raw []byte, shopify bool) {
		scheme, secret := StandardWebhooks, specSecret
		header := map[string]string{"webhook-id": id, "webhook-timestamp": sent, "webhook-signature": signature, "X-Shopify-Hmac-SHA256": signature}
		if shopify {
			scheme, secret = Shopify, "a secret of 16 or more"
		}
		d := delivery(header, string(raw))
		_, err := scheme.Verify([]string{secret}, d, time.Unix(1614265330, 0))
		known := id == h["webhook-id"] && string(raw) == body && sent == h["webhook-timestamp"]
		if err == nil && !known {
			t.Fatalf("a forgery: %q %q %q %q", id, sent, signature, raw)
		}
	})
}
