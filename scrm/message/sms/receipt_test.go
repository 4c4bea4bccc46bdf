package sms_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/message/sms"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// push hands a body to a handler of receipts, and returns what it answers.
func push(h http.Handler, address, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The bodies are those of the vendors' pages, with a failure beside.
func TestReceipts(t *testing.T) {
	for _, c := range []struct {
		name, body, answer string
		handler            func(sms.ReceiptFunc) http.Handler
		want               []message.Receipt
	}{
		{
			name: "aliyun", handler: sms.AliyunReceipts, answer: `{"code":0,"msg":"OK"}`,
			body: `[{"phone_number":"13811110000","send_time":"2017-01-01 00:00:00","report_time":"2017-01-01 08:00:00","success":true,"err_code":"DELIVERED",
				"err_msg":"用户接收成功","sms_size":"1","biz_id":"12345^0","out_id":"67890"},
				{"phone_number":"13811110000","report_time":"soon","success":false,"err_code":"MBBLACK","biz_id":"2","out_id":"no reference"},
				{"success":true,"out_id":"a b"}]`,
			want: []message.Receipt{
				{Ref: "67890", ID: "12345^0", Delivered: true, Code: "DELIVERED", At: time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)}, {ID: "2", Code: "MBBLACK"},
			},
		},
		{
			name: "tencent", handler: sms.TencentReceipts, answer: `{"result":0,"errmsg":"OK"}`,
			body: `[{"user_receive_time":"2015-10-17 08:03:04","nationcode":"86","mobile":"13xxxxxxxxx","report_status":"SUCCESS","errmsg":"DELIVRD",
				"description":"用户短信送达成功","sid":"xxxxxxx"},{"report_status":"FAIL","errmsg":"a text","sid":"2"}]`,
			want: []message.Receipt{{ID: "xxxxxxx", Delivered: true, Code: "DELIVRD", At: time.Date(2015, 10, 17, 0, 3, 4, 0, time.UTC)}, {ID: "2"}},
		},
		{
			name: "volcengine", handler: sms.VolcengineReceipts, answer: `{}`,
			body: `[{"account":"200","sub_account":"1504","signature":"短信服务","mobile":"18800000000","channel_type":"CN_OTP",
				"service_id":"106966940","send_time":1669171012444,"recv_time":1669171013000,"template_id":"SPT_0fa7","ext":"123456",
				"message_id":"bde1b10d","status_code":"0","description":"DELIVRD","msg_count":1},
				{"ext":"7","message_id":"2","status_code":"CR:0201"}]`,
			want: []message.Receipt{
				{Ref: "123456", ID: "bde1b10d", Delivered: true, Code: "0", At: time.UnixMilli(1669171013000).UTC()}, {Ref: "7", ID: "2", Code: "CR:0201"},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []message.Receipt
			var fails error
			h := c.handler(func(_ context.Context, r []message.Receipt) error {
				got = r
				return fails
			})
			if w := push(h, "/", c.body); w.Code != 200 || w.Body.String() != c.answer {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			fails = errors.New("database is gone at 10.0.0.1")
			if w := push(h, "/", c.body); w.Code != 500 || strings.Contains(w.Body.String(), "10.0.0.1") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			fails = nil
			for body, status := range map[string]int{
				"[]": 200, "": 400, "{}": 400, "[{}]": 400, `[{"report_status":"MAYBE"}]`: 400, "[" + strings.Repeat(" ", sms.MaxReceipts) + "]": 413,
			} {
				got = nil
				if w := push(h, "/", body); w.Code != status || got != nil {
					t.Errorf("%.20s: %d, %v", body, w.Code, got)
				}
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			if w.Code != 405 {
				t.Errorf("a GET: %d", w.Code)
			}
		})
	}
}

func TestTwilioReceipts(t *testing.T) {
	const token, callback = "token", "https://shop.example.com/sms"
	signBy := func(token, text string) string {
		h := hmac.New(sha1.New, []byte(token))
		h.Write([]byte(text))
		return base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	sign := func(text string) string { return signBy(token, text) }
	var got []message.Receipt
	h := sms.TwilioReceipts(token, callback, func(_ context.Context, r []message.Receipt) error {
		got = r
		return nil
	})
	for _, c := range []struct {
		status, code string
		want         []message.Receipt
	}{
		{"delivered", "", []message.Receipt{{Ref: "ref-1", ID: "SM1", Delivered: true}}},
		{"undelivered", "30005", []message.Receipt{{Ref: "ref-1", ID: "SM1", Code: "30005"}}},
		{"sent", "", nil},
	} {
		got = nil
		body := "MessageStatus=" + c.status + "&MessageSid=SM1&ErrorCode=" + c.code + "&To=%2B14155550100"
		w := push(h, "/behind/a/proxy?ref=ref-1", body,
			"X-Twilio-Signature", sign(callback+"?ref=ref-1ErrorCode"+c.code+"MessageSidSM1MessageStatus"+c.status+"To+14155550100"))
		if w.Code != 200 || w.Body.Len() > 0 {
			t.Errorf("%s: %d %s", c.status, w.Code, w.Body)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Error(diff)
		}
	}

	got = nil
	const body, text = "MessageSid=SM1&MessageStatus=delivered", "MessageSidSM1MessageStatusdelivered"
	for name, c := range map[string]struct{ query, body, signature string }{
		"none":            {"?ref=1", body, ""},
		"no base64":       {"?ref=1", body, "?"},
		"another query":   {"?ref=2", body, sign(callback + "?ref=1" + text)},
		"another form":    {"?ref=1", body + "&To=1", sign(callback + "?ref=1" + text)},
		"another address": {"?ref=1", body, sign("https://other.example.com/sms?ref=1" + text)},
	} {
		if w := push(h, "/sms"+c.query, c.body, "X-Twilio-Signature", c.signature); w.Code != 403 || got != nil {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if w := push(sms.TwilioReceipts("", callback, nil), "/sms", body, "X-Twilio-Signature", signBy("", callback+text)); w.Code != 403 {
		t.Errorf("without a token: %d", w.Code)
	}
	if w := push(h, "/sms", "MessageSid=SM1", "X-Twilio-Signature", sign(callback+"MessageSidSM1")); w.Code != 400 {
		t.Errorf("without a status: %d", w.Code)
	}
}

// Whatever is pushed, what is handed on can be stored, and says of which message it is.
func FuzzReceipts(f *testing.F) {
	f.Add([]byte(`[{"success":true,"err_code":"DELIVERED","biz_id":"1","out_id":"2","report_time":"2017-01-01 00:00:00"}]`))
	f.Add([]byte(`[{"report_status":"FAIL","errmsg":"X","sid":"1","user_receive_time":"x"}]`))
	f.Add([]byte(`[{"status_code":"0","message_id":"1","ext":"2","recv_time":-1}]`))
	f.Add([]byte("[{\"success\":true,\"out_id\":\"\\u0000\",\"biz_id\":\"\\ud800\"}]"))
	f.Fuzz(func(t *testing.T, body []byte) {
		take := func(_ context.Context, all []message.Receipt) error {
			for _, r := range all {
				if r.Ref == "" && r.ID == "" || strings.ContainsAny(r.Ref+r.ID+r.Code, "\r\n\x00 ") || len(r.Ref) > 64 || len(r.ID) > 128 || len(r.Code) > 100 {
					t.Errorf("%+v", r)
				}
			}
			return nil
		}
		for _, h := range []http.Handler{sms.AliyunReceipts(take), sms.TencentReceipts(take), sms.VolcengineReceipts(take)} {
			if w := push(h, "/", string(body)); w.Code != 200 && w.Code != 400 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
	})
}
