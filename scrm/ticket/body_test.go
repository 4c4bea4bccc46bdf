package ticket

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// wooOrder is the order of the documents of WooCommerce's REST API, abridged.
const wooOrder = `{"id":727,"parent_id":0,"number":"727","order_key":"wc_order_58d2d042d1d","status":"processing","currency":"USD",
"date_created_gmt":"2017-03-22T19:28:02","date_modified_gmt":"2017-03-22T19:28:08","total":"29.35",
"billing":{"first_name":"John","last_name":"Doe","company":"","address_1":"969 Market","city":"San Francisco","state":"CA","postcode":"94103","country":"US","email":"john.doe@example.com","phone":"(650) 253-0000"},
"shipping":{"first_name":"","last_name":"","country":"US"},
"meta_data":[{"id":13106,"key":"_download_permissions_granted","value":"yes"},{"id":13109,"key":"_line_id","value":"john.line"}],
"line_items":[{"id":315,"name":"Woo Single #1","product_id":93,"quantity":2,"sku":"WOO-1"}]}`

// typeformAnswers is a response in the form of Typeform's documents, abridged.
const typeformAnswers = `{"event_id":"LtWXD3crgy","event_type":"form_response","form_response":{"form_id":"lT4Z3j","token":"a3a12ec67a1365927098a606107fac15",
"submitted_at":"2018-01-18T18:17:02Z","answers":[
{"type":"text","text":"Laura","field":{"id":"JwWggjAKtOkA","type":"short_text","ref":"first"}},
{"type":"phone_number","phone_number":"+8613800138000","field":{"id":"SMEUb7VJz92Q","type":"phone_number","ref":"mobile"}},
{"type":"choice","choice":{"label":"London"},"field":{"id":"k6TP9oLGgHjl","type":"multiple_choice","ref":"city"}},
{"type":"boolean","boolean":true,"field":{"id":"gFFf3xAkJKsr","type":"legal","ref":"terms"}}]}}`

// jotformForm is a submission as JotForm posts it: all answers are JSON in rawRequest.
var jotformForm = url.Values{
	"formID": {"200123456789012"}, "submissionID": {"4567890123456789012"}, "formTitle": {"Order"}, "pretty": {"Full Name:Ann Lee, Phone:(138) 0013-8000"},
	"rawRequest": {`{"slug":"submit/200123456789012/","q3_fullName":{"first":"Ann","last":"Lee"},"q4_phoneNumber":{"area":"138","phone":"0013-8000"},"q5_products":["Tea","Cup"]}`},
}.Encode()

func parts(fields ...[2]string) string {
	var b strings.Builder
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		_ = w.WriteField(f[0], f[1])
	}
	_ = w.Close()
	return b.String()
}

func utf16Of(text string, order binary.ByteOrder) string {
	b := make([]byte, 0, 2+2*len(text))
	for _, u := range append([]uint16{0xfeff}, utf16.Encode([]rune(text))...) {
		b = order.(binary.AppendByteOrder).AppendUint16(b, u)
	}
	return string(b)
}

func TestWhatSourcesRead(t *testing.T) {
	for _, tt := range []struct{ body, source, want string }{
		{wooOrder, "billing.first_name + billing.last_name", "John Doe"},
		{wooOrder, "shipping.first_name + shipping.last_name | billing.first_name + billing.last_name", "John Doe"},
		{wooOrder, "shipping.phone|billing.phone", "(650) 253-0000"},
		{wooOrder, "meta_data[key=_line_id].value", "john.line"},
		{wooOrder, `meta_data[ key = "_line_id" ].value`, "john.line"},
		{wooOrder, "meta_data[key=none].value", ""},
		{wooOrder, "meta_data[id=13109].key", "_line_id"},
		{`[{"name":"city","value":"Shanghai"},{"name":"phone","value":"138"}]`, "[name=phone].value", "138"},
		{`[{"name":"city","value":"Shanghai"},{"name":"phone","value":"138"}]`, "[name=tel].value | [ name = \"phone\" ].value", "138"},
		{`[{"name":"phone","value":"138"}]`, "[0].value", "138"},
		{`[[{"k":"a","v":"1"},{"k":"b","v":"2"}]]`, "[0][k=b].v", "2"},
		{`{"name":"phone","value":"138"}`, "[name=phone].value", ""},
		{wooOrder, "line_items.0.sku", "WOO-1"},
		{wooOrder, "line_items[0].sku", "WOO-1"},
		{wooOrder, "line_items.1.sku", ""},
		{wooOrder, "line_items.-1.sku", ""},
		{wooOrder, "line_items", ""},
		{wooOrder, "'#' + number + '/' + line_items.0.quantity", "#727/2"},
		{wooOrder, "'#' + none", ""},
		{typeformAnswers, "form_response.answers[field.ref=mobile].phone_number", "+8613800138000"},
		{typeformAnswers, "form_response.answers[type=choice].choice.label", "London"},
		{typeformAnswers, "form_response.answers[field.ref=terms].boolean", "true"},
		{jotformForm, "rawRequest.q3_fullName.first + rawRequest.q3_fullName.last", "Ann Lee"},
		{jotformForm, "'+86' + rawRequest.q4_phoneNumber.area + rawRequest.q4_phoneNumber.phone", "+861380013-8000"},
		{jotformForm, "rawRequest.q5_products.1", "Cup"},
		{jotformForm, "submissionID", "4567890123456789012"},
		{parts([2]string{"rawRequest", `{"q1":"郭恩晴"}`}, [2]string{"formID", "7"}), "rawRequest.q1 + formID", "郭恩晴 7"},
		{slackBody, "user_name + command", "roadrunner /webhook-collect"},
		{"billing[first_name]=Ann&billing[last_name]=Lee&items[0][sku]=a&items[1][sku]=b&items[1][n]=2", "billing.first_name + billing.last_name", "Ann Lee"},
		{"items[0][sku]=a&items[1][sku]=b&items[1][n]=2", "items[sku=b].n", "2"},
		{"tag[]=a&tag[]=b&x=1&x=2", "tag.1 + x.0", "b 1"},
		{"a=1&a[b]=2", `a + "a[b]"`, "1 2"},
		{"name=%E9%83%AD+%E6%81%A9", "name", "郭 恩"},
		{`[{"phone":"1"},{"phone":"2","kind":"mobile"}]`, "1.phone", "2"},
		{`{"a.b":{"c|d":"x"},"Your phone":"y"}`, `"a.b"."c|d"`, "x"},
		{`{"Your phone":"y"}`, "Your phone", "y"},
		{"\ufeff" + `{"a":"b"}`, "a", "b"},
		{utf16Of(`{"a":"郭"}`, binary.LittleEndian), "a", "郭"},
		{utf16Of(`{"a":"郭"}`, binary.BigEndian), "a", "郭"},
		{"\ufeffa=b", "a", "b"},
		{"\r\n {\"a\":12345678901234567890.10}\n", "a", "12345678901234567890.10"},
	} {
		s, err := compileSource(tt.source)
		if err != nil {
			t.Errorf("%s: %v", tt.source, err)
			continue
		}
		doc, err := parse([]byte(tt.body))
		if got := s.read(doc); err != nil || got != tt.want {
			t.Errorf("%s of %.40q: %q %v, want %q", tt.source, tt.body, got, err, tt.want)
		}
	}
}

func TestBodiesThatCannotBeRead(t *testing.T) {
	for _, body := range []string{
		"", " ", "hello", "1", `"a=b"`, "null", "{", "[1", `{"a":1} x`, "a=%zz", "a=\xff", "a=%ff", "<a href=b>", "a b=c", "--", "--x\r\n", "--x\r\n\r\n--x--",
		"\xff\xfe{", "\xff\xfe", "{\"a\":\"\xb9\"}", strings.Repeat("a=1&", maxFormFields+1),
	} {
		if doc, err := parse([]byte(body)); err == nil {
			t.Errorf("%.40q: %v", body, doc)
		}
	}
}

func TestSourcesThatCannotBe(t *testing.T) {
	for _, source := range []string{
		"", "a.", ".a", "a..b", "a +", "+ a", "a | ", "| a", "a[b", "a[b]", "a[=c]", "a[b=c", "[b]", "[=c]", "a.[b=c]", `"a`, "'a", `a"b"`, "a]b[", "a[b=c]d",
		strings.Repeat("a.", maxPath) + "a", strings.Repeat("a+", maxTerms) + "a", "a\xff", strings.Repeat("a", 1025),
	} {
		if s, err := compileSource(source); err == nil {
			t.Errorf("%.40q: %+v", source, s)
		}
	}
}

func TestValuesOfFields(t *testing.T) {
	site := Site{ID: "shop", Settings: Settings{
		Map: map[string]string{"status": "status", "language": "lang"}, Values: Values{"status": {"processing": "paid", "*": "other"}}, Defaults: Fields{Status: "none"},
	}}
	p, err := Compile(Templates{ID: "t", Version: 1, Rules: []Rule{
		{ID: "paid", If: `status == "paid"`, NoPhone: true, Values: Values{"status": {"processing": "paid"}, "language": {"zh-CN": "zh"}}, Action: Action{Code: "CODE2222"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		`{"status":"processing","lang":"zh-CN"}`: "pending paid zh", `{"status":"on-hold","lang":"en"}`: "manual other en", `{"lang":"th"}`: "manual none th",
		`{"status":"paid"}`: "pending paid ",
	} {
		k := p.Decide(site, Ticket{}, []byte(body), time.Time{})
		if got := fmt.Sprintf("%s %s %s", k.State, k.Fields.Status, k.Fields.Language); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	for name, v := range map[string]Values{"no field": {"price": {"a": "b"}}, "empty": {"status": {}}, "a control character": {"status": {"a": "\x00"}}} {
		if _, err := Compile(Templates{ID: "t", Version: 1, Rules: []Rule{{ID: "r", Values: v}}}); err == nil {
			t.Error(name)
		}
	}
}

// A form says what the same names and texts in JSON say.
func TestFormsAreReadLikeJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zA-Z0-9 郭%&=+@.-]{1,12}`)
		name := rapid.StringMatching(`[a-z]{1,3}`)
		flat := rapid.MapOfN(name, text, 1, 5).Draw(t, "fields")
		nested := rapid.MapOfN(name, text, 1, 3).Draw(t, "nested")
		form, doc := url.Values{}, map[string]any{}
		for k, v := range flat {
			form.Set(k, v)
			doc[k] = v
		}
		inner := map[string]any{}
		for k, v := range nested {
			form.Set("deep["+k+"]", v)
			inner[k] = v
		}
		doc["deep"] = inner
		raw, _ := json.Marshal(doc)
		fromForm, err1 := parse([]byte(form.Encode()))
		fromJSON, err2 := parse(raw)
		if err1 != nil || err2 != nil || fmt.Sprint(fromForm) != fmt.Sprint(fromJSON) {
			t.Fatalf("%v %v, %v %v", fromForm, err1, fromJSON, err2)
		}
	})
}

func FuzzBody(f *testing.F) {
	for _, body := range []string{wooOrder, typeformAnswers, jotformForm, slackBody, "\ufeff{}", utf16Of("{}", binary.BigEndian), parts([2]string{"a", "b"}), "a[b][]=c", "[]=1", "a[]=1&a[b]=2&a=3"} {
		for _, source := range []string{"a.b + c", "answers[field.ref=x].text | rawRequest.q.0", `"a" + 'b'`} {
			f.Add([]byte(body), source)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, source string) {
		s, err := compileSource(source)
		doc, _ := parse(body)
		if err != nil {
			return
		}
		if text := s.read(doc); clean(text) != text {
			t.Fatalf("%q of %q has %q", source, body, text)
		}
	})
}
