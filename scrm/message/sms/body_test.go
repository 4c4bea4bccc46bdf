package sms_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/message/sms"
)

// Whatever the value of a variable is, the vendor reads exactly it, and no more of anything else.
func FuzzTemplates(f *testing.F) {
	for _, s := range []string{"123456", `"`, `\`, `","TemplateId":"x`, "a&To=+1", "{{.To}}", "100%", "a b+c", "<&>\u2028", "王小明 😀", "\t\r\n", "", "%7B"} {
		f.Add(s)
	}
	var query, body string
	catch := transport(func(r *http.Request) (*http.Response, error) {
		all, err := io.ReadAll(r.Body)
		query, body = r.URL.RawQuery, string(all)
		return nil, err
	})
	send := map[string]*sms.Sender{}
	for _, v := range vendors(f) {
		s, err := v.new(&sms.Options{HTTP: catch})
		if err != nil {
			f.Fatal(err)
		}
		send[v.name] = s
	}
	f.Fuzz(func(t *testing.T, value string) {
		m := signin
		m.Vars = []message.Var{{Name: "code", Value: value}}
		named := func(text string) {
			t.Helper()
			var got map[string]string
			if err := json.Unmarshal([]byte(text), &got); err != nil || len(got) != 1 || got["code"] != value {
				t.Errorf("%q is read as %q: %v", value, text, err)
			}
		}
		for name, s := range send {
			query, body = "", ""
			_, err := s.Send(t.Context(), m)
			if query == "" && body == "" {
				control := func(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 }
				if utf8.ValidString(value) && !strings.ContainsFunc(value, control) && len(value) <= 16<<10 {
					t.Errorf("%s: %q is refused: %v", name, value, err)
				}
				continue
			}
			switch name {
			case "aliyun":
				q, err := url.ParseQuery(query)
				if err != nil || len(q) != 5 {
					t.Errorf("%q, %v", q, err)
				}
				named(q.Get("TemplateParam"))
			case "tencent":
				var got struct{ TemplateParamSet, PhoneNumberSet []string }
				err := json.Unmarshal([]byte(body), &got)
				if err != nil || !slices.Equal(got.TemplateParamSet, []string{value}) || len(got.PhoneNumberSet) != 1 {
					t.Errorf("%q is read as %q: %v", value, got, err)
				}
			case "volcengine":
				var got struct{ TemplateParam, PhoneNumbers string }
				if err := json.Unmarshal([]byte(body), &got); err != nil || got.PhoneNumbers != "13800138000" {
					t.Errorf("%q, %v", got, err)
				}
				named(got.TemplateParam)
			case "twilio":
				q, err := url.ParseQuery(body)
				if err != nil || len(q) != 4 || q.Get("Body") != "验证码 "+value || q.Get("To") != number {
					t.Errorf("%q is read as %q: %v", value, q, err)
				}
			}
		}
	})
}
