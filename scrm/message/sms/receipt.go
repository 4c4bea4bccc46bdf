package sms

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/texts"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// MaxReceipts is how many bytes a vendor may push at once.
const MaxReceipts = 1 << 20

// A ReceiptFunc is told the receipts of a push, some perhaps again after an error or a lost
// answer. A service believes of a receipt only that a message it knows was delivered or not.
type ReceiptFunc func(ctx context.Context, receipts []message.Receipt) error

// Errors of a push.
var (
	errReceipt   = errs.New(errs.Invalid, "sms: the receipts are not as documented")
	errSignature = errs.New(errs.Denied, "sms: invalid signature of receipts")
)

// AliyunReceipts returns a handler of what Aliyun pushes as SmsReport, by HTTP. It answers with
// status 200 once take has returned nil, with 400 or 413 where the push is not as documented, and
// else with 500, after which Aliyun pushes again. The push is not signed: mount the handler at a
// path that nobody can guess.
func AliyunReceipts(take ReceiptFunc) http.Handler {
	return receive(take, `{"code":0,"msg":"OK"}`, parseAliyun)
}

// TencentReceipts returns a handler of what Tencent Cloud pushes as the status of messages. Its
// receipts have the ID alone. Its answers are those of AliyunReceipts. The push is not signed:
// mount the handler at a path that nobody can guess.
func TencentReceipts(take ReceiptFunc) http.Handler {
	return receive(take, `{"result":0,"errmsg":"OK"}`, parseTencent)
}

// VolcengineReceipts returns a handler of what Volcengine pushes as the status of messages. Its
// answers are those of AliyunReceipts. The push is not signed: mount the handler at a path that
// nobody can guess.
func VolcengineReceipts(take ReceiptFunc) http.Handler {
	return receive(take, `{}`, parseVolcengine)
}

// TwilioReceipts returns a handler of what Twilio pushes to Twilio.StatusCallback, which callback
// is. Twilio signs it with the account's token. Its answers are those of AliyunReceipts, and 403
// where the signature is not valid. What is not final, such as "sent", is no receipt.
func TwilioReceipts(token, callback string, take ReceiptFunc) http.Handler {
	return receive(take, "", func(r *http.Request, body []byte) ([]message.Receipt, error) {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, errReceipt
		}
		address := callback
		if r.URL.RawQuery != "" {
			address += "?" + r.URL.RawQuery
		}
		got, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Twilio-Signature"))
		if err != nil || token == "" || !hmac.Equal(got, signTwilio(token, address, form)) {
			return nil, errSignature
		}
		return parseTwilio(r.URL.Query().Get(refParam), form)
	})
}

// receive returns a handler that hands receipts to take.
func receive(take ReceiptFunc, answer string, parse func(r *http.Request, body []byte) ([]message.Receipt, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "POST receipts here", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxReceipts))
		if err != nil {
			http.Error(w, "sms: the push is longer than 1 MiB or broke off", http.StatusRequestEntityTooLarge)
			return
		}
		receipts, err := parse(r, body)
		switch {
		case errors.Is(err, errSignature):
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if len(receipts) > 0 {
			if err := take(r.Context(), receipts); err != nil {
				http.Error(w, "sms: the receipts can't be taken now", http.StatusInternalServerError)
				return
			}
		}
		if answer != "" {
			w.Header().Set("Content-Type", "application/json")
		}
		_, _ = io.WriteString(w, answer)
	})
}

// china is the time zone of vendors that do not say which theirs is.
var china = time.FixedZone("UTC+8", 8*60*60)

// chinaTime reads a time as "2017-01-01 00:00:00"; zero: it is none.
func chinaTime(s string) time.Time {
	at, err := time.ParseInLocation(time.DateTime, s, china)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// receipts returns those of a list that say of which message they are, with what may be stored of
// them.
func receipts(all []message.Receipt) []message.Receipt {
	for i := range all {
		r := &all[i]
		if !texts.Ref(r.Ref) {
			r.Ref = ""
		}
		r.ID = storable(r.ID)
		if !codes.MatchString(r.Code) {
			r.Code = ""
		}
	}
	return slices.DeleteFunc(all, func(r message.Receipt) bool { return r.Ref == "" && r.ID == "" })
}

// parseAliyun reads what the page SmsReport, document 101867, has.
func parseAliyun(_ *http.Request, body []byte) ([]message.Receipt, error) {
	var said []struct {
		Success *bool  `json:"success"`
		Code    string `json:"err_code"`
		ID      string `json:"biz_id"`
		Ref     string `json:"out_id"`
		At      string `json:"report_time"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, errReceipt
	}
	all := make([]message.Receipt, len(said))
	for i, s := range said {
		if s.Success == nil {
			return nil, errReceipt
		}
		all[i] = message.Receipt{Ref: s.Ref, ID: s.ID, Delivered: *s.Success, Code: s.Code, At: chinaTime(s.At)}
	}
	return receipts(all), nil
}

// parseTencent reads what the page SMS Sending Status Notification, document 382/43547, has.
func parseTencent(_ *http.Request, body []byte) ([]message.Receipt, error) {
	var said []struct {
		Status string `json:"report_status"`
		Code   string `json:"errmsg"`
		ID     string `json:"sid"`
		At     string `json:"user_receive_time"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, errReceipt
	}
	all := make([]message.Receipt, len(said))
	for i, s := range said {
		if s.Status != "SUCCESS" && s.Status != "FAIL" {
			return nil, errReceipt
		}
		all[i] = message.Receipt{ID: s.ID, Delivered: s.Status == "SUCCESS", Code: s.Code, At: chinaTime(s.At)}
	}
	return receipts(all), nil
}

// parseVolcengine reads what the page 短信状态报告回调, document 6361/171584, has.
func parseVolcengine(_ *http.Request, body []byte) ([]message.Receipt, error) {
	var said []struct {
		Status string      `json:"status_code"`
		ID     string      `json:"message_id"`
		Ref    string      `json:"ext"`
		At     json.Number `json:"recv_time"` // milliseconds
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, errReceipt
	}
	all := make([]message.Receipt, len(said))
	for i, s := range said {
		if s.Status == "" {
			return nil, errReceipt
		}
		all[i] = message.Receipt{Ref: s.Ref, ID: s.ID, Delivered: s.Status == "0", Code: s.Status}
		if at, err := s.At.Int64(); err == nil && at > 0 {
			all[i].At = time.UnixMilli(at).UTC()
		}
	}
	return receipts(all), nil
}

// refParam is the parameter of Twilio.StatusCallback that has the message's reference.
const refParam = "ref"

// parseTwilio reads what the page "Track the Message Status of Outbound Messages" has.
func parseTwilio(ref string, form url.Values) ([]message.Receipt, error) {
	r := message.Receipt{Ref: ref, ID: form.Get("MessageSid"), Code: form.Get("ErrorCode")}
	switch form.Get("MessageStatus") {
	case "delivered", "read":
		r.Delivered = true
	case "undelivered", "failed", "canceled":
	case "":
		return nil, errReceipt
	default:
		return nil, nil
	}
	return receipts([]message.Receipt{r}), nil
}

// signTwilio returns the signature of a form that is posted to an address: HMAC-SHA-1 over the
// address and, in the order of their names, names and values, as Twilio's page Security has it.
func signTwilio(token, address string, form url.Values) []byte {
	var b strings.Builder
	b.WriteString(address)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			b.WriteString(name + value)
		}
	}
	h := hmac.New(sha1.New, []byte(token))
	h.Write([]byte(b.String()))
	return h.Sum(nil)
}
