package sms_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
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

func ExampleNewTencent() {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(r.Header.Get("X-TC-Action"), string(body))
		_, _ = io.WriteString(w, `{"Response":{"SendStatusSet":[{"SerialNo":"5000:1045","Code":"Ok"}]}}`)
	}))
	defer vendor.Close()

	s, err := sms.NewTencent(sms.Tencent{
		KeyID: "AKID…", KeySecret: "…", Region: "ap-guangzhou", App: "1400006666", Signature: "望京咖啡",
		Texts: []sms.Text{{Template: "signin", ID: "1110", Vars: []string{"code", "minutes"}}},
	}, &sms.Options{Base: vendor.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := s.Send(context.Background(), message.Message{
		Ref: "42", Channel: message.SMS, To: "+8613800138000", Template: "signin",
		Vars: []message.Var{{Name: "code", Value: "123456"}, {Name: "minutes", Value: "10"}},
	})
	fmt.Println(id, err)
	// Output:
	// SendSms {"PhoneNumberSet":["+8613800138000"],"SmsSdkAppId":"1400006666","SignName":"望京咖啡","TemplateId":"1110","TemplateParamSet":["123456","10"],"SessionContext":"42"}
	// 5000:1045 <nil>
}

func ExampleNewVolcengine() {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(string(body))
		_, _ = io.WriteString(w, `{"ResponseMetadata":{"RequestId":"R"},"Result":{"MessageID":["77c8"]}}`)
	}))
	defer vendor.Close()

	s, err := sms.NewVolcengine(sms.Volcengine{
		KeyID: "AKLT…", KeySecret: "…", Account: "7a8b", Signature: "望京咖啡",
		Texts: []sms.Text{{Template: "signin", ID: "ST_6f8c1234", Vars: []string{"code"}}},
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
	// {"SmsAccount":"7a8b","Sign":"望京咖啡","TemplateID":"ST_6f8c1234","TemplateParam":"{\"code\":\"123456\"}","PhoneNumbers":"13800138000","Tag":"42"}
	// 77c8 <nil>
}

// Customers abroad are sent texts that need no approval. Twilio tells what became of them.
func ExampleNewTwilio() {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.FormValue("To"), r.FormValue("Body"))
		fmt.Println(r.FormValue("StatusCallback"))
		_, _ = io.WriteString(w, `{"sid":"SM1","status":"queued"}`)
	}))
	defer vendor.Close()

	s, err := sms.NewTwilio(sms.Twilio{
		AccountSID: "AC…", Secret: "…", From: "+14155550199", StatusCallback: "https://shop.example.com/sms",
		Texts: []sms.Text{{Template: "signin", Language: "en", Words: "{{.code}} is your code."}},
	}, &sms.Options{Base: vendor.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := s.Send(context.Background(), message.Message{
		Ref: "42", Channel: message.SMS, To: "+14155550100", Template: "signin", Language: "en", Vars: []message.Var{{Name: "code", Value: "123456"}},
	})
	fmt.Println(id, err)
	// Output:
	// +14155550100 123456 is your code.
	// https://shop.example.com/sms?ref=42
	// SM1 <nil>
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

// Both vendors hand the message's reference back, with which otp/delivery finds it. Their pushes are
// not signed, so nobody may guess the paths.
func ExampleAliyunReceipts() {
	take := func(_ context.Context, receipts []message.Receipt) error {
		for _, r := range receipts {
			fmt.Println(r.Ref, r.Delivered, r.Code)
		}
		return nil // or an error, and the vendor pushes again
	}
	mux := http.NewServeMux()
	mux.Handle("POST /aliyun/kX3vN0fZpQ7tLr9w", sms.AliyunReceipts(take))
	mux.Handle("POST /volcengine/Zp0Qf7tLkX3vNr9w", sms.VolcengineReceipts(take))
	push(mux, "/aliyun/kX3vN0fZpQ7tLr9w", `[{"success":true,"err_code":"DELIVERED","biz_id":"12345^0","out_id":"42"}]`)
	push(mux, "/volcengine/Zp0Qf7tLkX3vNr9w", `[{"status_code":"CR:0201","message_id":"2","ext":"43"}]`)
	// Output:
	// 42 true DELIVERED
	// 43 false CR:0201
}

// Twilio signs what it pushes with the account's token, of the address as Twilio has it.
func ExampleTwilioReceipts() {
	const token, callback = "the account's token", "https://shop.example.com/sms"
	receipts := sms.TwilioReceipts(token, callback, func(_ context.Context, receipts []message.Receipt) error {
		fmt.Println(receipts[0].Ref, receipts[0].Delivered)
		return nil
	})
	h := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(h, callback+"?ref=42"+"MessageSidSM1"+"MessageStatusdelivered")
	signature := base64.StdEncoding.EncodeToString(h.Sum(nil))

	body := "MessageSid=SM1&MessageStatus=delivered"
	fmt.Println(push(receipts, "/sms?ref=42", body, "Content-Type", "application/x-www-form-urlencoded", "X-Twilio-Signature", signature).Code)
	fmt.Println(push(receipts, "/sms?ref=43", body, "Content-Type", "application/x-www-form-urlencoded", "X-Twilio-Signature", signature).Code)
	// Output:
	// 42 true
	// 200
	// 403
}
