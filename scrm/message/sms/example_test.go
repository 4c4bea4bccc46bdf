package sms_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/message/sms"
)

func ExampleNewAliyun() {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		fmt.Println(q.Get("PhoneNumbers"), q.Get("TemplateCode"), q.Get("TemplateParam"))
		_, _ = io.WriteString(w, `{"Code":"OK","BizId":"900619746936498440^0"}`)
	}))
	defer vendor.Close()

	s, err := sms.NewAliyun(sms.Aliyun{
		KeyID: "LTAI…", KeySecret: "…", Signature: "望京咖啡",
		Texts: []sms.Text{{Template: "signin", ID: "SMS_154950909", Vars: []string{"code"}}},
	}, &sms.Options{Base: vendor.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := s.Send(context.Background(), message.Message{
		Ref: "42", Channel: message.SMS, To: "+8613800138000", Template: "signin", Vars: []message.Var{{Name: "code", Value: "123456"}},
	})
	fmt.Println(id, err)
	// Output:
	// 13800138000 SMS_154950909 {"code":"123456"}
	// 900619746936498440^0 <nil>
}

// A vendor that has no function of its own: its address, the body of a request, and how its answers
// are read.
func ExampleNew() {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Println(r.URL.Path, r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, `{"result":"22","detail":"too many to this number"}`)
	}))
	defer vendor.Close()

	s, err := sms.New(sms.Settings{
		Vendor: "example", URL: "https://sms.example.com/v2/send", Header: http.Header{"Content-Type": {"application/json"}},
		Body:   `{"mobile":{{json .To}},"tpl":{{json .ID}},"args":{{json .Ordered}},"uid":{{json .Ref}}}`,
		Number: sms.Domestic,
		Texts:  []sms.Text{{Template: "signin", ID: "7", Vars: []string{"code"}}},
		Sign: func(r *http.Request, body []byte) error {
			r.Header.Set("Authorization", "Bearer key")
			return nil
		},
		Read: func(body []byte) (sms.Answer, error) {
			var said struct{ Result, ID string }
			if err := json.Unmarshal(body, &said); err != nil || said.Result == "" {
				return sms.Answer{}, fmt.Errorf("no result: %w", err)
			}
			if said.Result == "0" {
				return sms.Answer{ID: said.ID}, nil
			}
			return sms.Answer{Code: said.Result}, nil
		},
		Refusals: map[string]error{"22": message.ErrThrottled, "8": message.ErrBalance},
	}, &sms.Options{Base: vendor.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = s.Send(context.Background(), message.Message{
		Ref: "42", Channel: message.SMS, To: "+8613800138000", Template: "signin", Vars: []message.Var{{Name: "code", Value: "123456"}},
	})
	fmt.Println(err)
	// Output:
	// /v2/send Bearer key
	// message: too many messages (example: 22)
}

// What vendors push is handed to the service, which answers them by returning.
func ExampleTencentReceipts() {
	mux := http.NewServeMux()
	mux.Handle("POST /receipts/kX3vN0fZpQ7tLr9w", sms.TencentReceipts(func(_ context.Context, receipts []message.Receipt) error {
		for _, r := range receipts {
			fmt.Println(r.ID, r.Delivered, r.Code)
		}
		return nil
	}))
	w := push(mux, "/receipts/kX3vN0fZpQ7tLr9w", `[{"sid":"5000:1045","mobile":"13800138000","report_status":"FAIL","errmsg":"MK:0001"}]`)
	fmt.Println(w.Body)
	// Output:
	// 5000:1045 false MK:0001
	// {"result":0,"errmsg":"OK"}
}
