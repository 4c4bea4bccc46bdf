package ticket

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
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
			if err := StandardWebhooks.Verify(tt.secrets, delivery(h, body), sent.Add(tt.late)); !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
		})
	}
	t.Run("an id with a full stop could be cut elsewhere", func(t *testing.T) {
		for _, id := range []string{"a.1", "", "a b", "\x00", strings.Repeat("x", 129)} {
			if _, err := StandardWebhooks.Event(delivery(map[string]string{"webhook-id": id}, "")); !errors.Is(err, ErrSignature) {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}

// The figure is HMAC-SHA256 of the body under the secret, by openssl dgst -sha256 -hmac.
func TestShopify(t *testing.T) {
	secret, body := "hush-hush-hush-hush", `{"id":820982911946154508}`
	h := map[string]string{"X-Shopify-Hmac-SHA256": "aDPQjbkrpNlMdy9Xpgse3eKgANQc2Yx/Najj029WpLU=", "X-Shopify-Event-Id": "1"}
	if err := Shopify.Verify([]string{"another secret of 16", secret}, delivery(h, body), time.Time{}); err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]Delivery{
		"another body": delivery(h, body+" "), "no signature": delivery(nil, body),
		"hexadecimal": delivery(map[string]string{"X-Shopify-Hmac-SHA256": "00"}, body),
	} {
		if err := Shopify.Verify([]string{secret}, d, time.Time{}); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	one, _ := Shopify.Event(delivery(h, body))
	h["X-Shopify-Event-Id"] = "2"
	if again, _ := Shopify.Event(delivery(h, body)); again != one || len(one) != 64 {
		t.Errorf("%s and %s", one, again)
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
		_, err1 := scheme.Event(d)
		err2 := scheme.Verify([]string{secret}, d, time.Unix(1614265330, 0))
		known := id == h["webhook-id"] && string(raw) == body && sent == h["webhook-timestamp"]
		if err1 == nil && err2 == nil && !known {
			t.Fatalf("a forgery: %q %q %q %q", id, sent, signature, raw)
		}
	})
}
