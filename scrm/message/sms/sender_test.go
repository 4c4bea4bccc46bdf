package sms_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/message/sms"
)

func TestSend(t *testing.T) {
	want := map[string]struct {
		id     string
		zh, en map[string]string
	}{
		"aliyun": {
			"900619746936498440^0",
			map[string]string{"PhoneNumbers": "13800138000", "SignName": "阿里 云+", "TemplateCode": "T1", "TemplateParam": `{"code":"918273"}`, "OutId": "ref-1"},
			map[string]string{"PhoneNumbers": "85261234567", "TemplateCode": "T2", "TemplateParam": `{"code":"918273","minutes":"5"}`},
		},
		"tencent": {
			"5000:1045710669157053657849499619",
			map[string]string{
				"PhoneNumberSet": "[+8613800138000]", "SmsSdkAppId": "1400006666", "SignName": "腾讯云", "TemplateId": "T1",
				"TemplateParamSet": "[918273]", "SessionContext": "ref-1",
			},
			map[string]string{"PhoneNumberSet": "[+85261234567]", "TemplateId": "T2", "TemplateParamSet": "[5 918273]"},
		},
		"volcengine": {
			"bde1b10d-19cf-460f-abcd-26231a82",
			map[string]string{
				"SmsAccount": "A1234", "Sign": "火山", "TemplateID": "T1", "TemplateParam": `{"code":"918273"}`, "PhoneNumbers": "13800138000", "Tag": "ref-1",
			},
			map[string]string{"PhoneNumbers": "85261234567", "TemplateID": "T2", "TemplateParam": `{"code":"918273","minutes":"5"}`},
		},
		"twilio": {
			"SM1",
			map[string]string{"To": number, "From": "+15005550006", "Body": "验证码 918273", "StatusCallback": "https://shop.example.com/sms?ref=ref-1"},
			map[string]string{"To": "+85261234567", "Body": "918273 is your code & it is good for 5 minutes."},
		},
	}
	for _, v := range vendors(t) {
		t.Run(v.name, func(t *testing.T) {
			s, want := v.sender(t), want[v.name]
			id, err := s.Send(t.Context(), signin)
			if id != want.id || err != nil {
				t.Errorf("%q, %v", id, err)
			}
			holds(t, v.fake.last, want.zh)
			m := signin
			m.To, m.Language = "+85261234567", "en-GB"
			if _, err := s.Send(t.Context(), m); err != nil {
				t.Error(err)
			}
			holds(t, v.fake.last, want.en)
		})
	}
}

func holds(t *testing.T, got, want map[string]string) {
	t.Helper()
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %q, and not %q", k, got[k], v)
		}
	}
}

// clean fails where an error has what it must not have.
func clean(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{keySecret, code, strings.TrimPrefix(number, "+86")} {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%v", err)
		}
	}
}

func TestRefusals(t *testing.T) {
	type kinds map[string]error
	for _, v := range vendors(t) {
		for code, kind := range map[string]kinds{
			"aliyun": {
				"isv.MOBILE_NUMBER_ILLEGAL": message.ErrAddress, "isv.BUSINESS_LIMIT_CONTROL": message.ErrThrottled, "Throttling.User": message.ErrThrottled,
				"isv.OUT_OF_SERVICE": message.ErrBalance, "isv.SMS_SIGNATURE_ILLEGAL": message.ErrSettings, "isp.SYSTEM_ERROR": message.ErrUnavailable,
				"isv.CUSTOMER_REFUSED": message.ErrRefused, "isv.OF_NEXT_YEAR": message.ErrSettings,
			},
			"tencent": {
				"InvalidParameterValue.IncorrectPhoneNumber": message.ErrAddress, "LimitExceeded.PhoneNumberDailyLimit": message.ErrThrottled,
				"FailedOperation.PhoneNumberInBlacklist": message.ErrRefused, "FailedOperation.InsufficientBalanceInSmsPackage": message.ErrBalance,
				"FailedOperation.SignatureIncorrectOrUnapproved": message.ErrSettings, "InternalError.Timeout": message.ErrUnknown,
				"InternalError.RequestTimeException": message.ErrSettings, "RequestLimitExceeded": message.ErrThrottled,
			},
			"volcengine": {
				"RE:0006": message.ErrAddress, "RE:0013": message.ErrThrottled, "RE:0010": message.ErrBalance, "RE:0004": message.ErrSettings,
				"RE:0500": message.ErrUnavailable, "A.B.C": message.ErrSettings, ".": message.ErrSettings,
			},
			"twilio": {
				"21211": message.ErrAddress, "21610": message.ErrRefused, "20429": message.ErrThrottled, "20003": message.ErrSettings, "99999": message.ErrSettings,
			},
		}[v.name] {
			v.fake.fail(says(400, v.refuse(code)))
			id, err := v.sender(t).Send(t.Context(), signin)
			var e *message.Error
			if id != "" || !errors.Is(err, kind) || !errors.As(err, &e) || e.Vendor != v.name || e.Code != code {
				t.Errorf("%s: %s: %q, %v", v.name, code, id, err)
			}
			clean(t, err)
		}
	}
}

// Tencent Cloud refuses whole requests by another part of the answer, with status 200.
func TestTencentRefusesRequests(t *testing.T) {
	v := vendors(t)[1]
	v.fake.fail(says(200, `{"Response":{"Error":{"Code":"AuthFailure.SignatureExpire","Message":"x"},"RequestId":"R"}}`))
	if _, err := v.sender(t).Send(t.Context(), signin); !errors.Is(err, message.ErrSettings) {
		t.Error(err)
	}
}

func TestThrottledTellsHowLong(t *testing.T) {
	v := vendors(t)[3]
	for _, c := range []struct {
		after string
		want  time.Duration
	}{{"7", 7 * time.Second}, {"Sat, 28 Nov 2026 10:01:00 GMT", time.Minute}, {"-1", 0}, {"999999999", 24 * time.Hour}, {"", 0}} {
		for _, body := range []string{v.refuse("20429"), v.refuse("7"), "<html>slow down"} {
			v.fake.fail(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", "Sat, 28 Nov 2026 10:00:00 GMT")
				w.Header().Set("Retry-After", c.after)
				says(429, body)(w, r)
			})
			_, err := v.sender(t).Send(t.Context(), signin)
			var e *message.Error
			if !errors.Is(err, message.ErrThrottled) || !errors.As(err, &e) || e.RetryAfter != c.want {
				t.Errorf("%q: %v, %+v", c.after, err, e)
			}
		}
	}
}

// Where the vendor got the message and did not answer as documented, nobody knows what came of it,
// and it is not sent again.
func TestUnknown(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	for _, v := range vendors(t) {
		refused := v.refuse("99")
		for name, fault := range map[string]http.HandlerFunc{
			"cut": cut, "hang": nil, "a page": says(200, "<html>OK</html>"), "a gateway": says(502, "<html>bad gateway</html>"), "nothing": says(200, ""),
			"null": says(200, "null"), "an object": says(200, "{}"), "a list": says(200, "[]"), "a fault": says(500, refused),
			"too much": says(200, strings.Repeat(" ", 64<<10)+"{}"), "a text as code": says(200, v.refuse("7 7")),
			"half": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "1000")
				says(200, v.fake.taken(v.fake)[:9])(w, r)
			},
			"a redirect": func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
			},
		} {
			t.Run(v.name+"/"+name, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if name == "hang" {
					// The caller's time ends while the vendor has the message and says nothing.
					fault = func(_ http.ResponseWriter, r *http.Request) {
						cancel()
						<-r.Context().Done()
					}
				}
				v.fake.fail(fault)
				before := v.fake.count()
				id, err := v.sender(t).Send(ctx, signin)
				if id != "" || !errors.Is(err, message.ErrUnknown) || errs.ClassOf(err) != errs.Internal {
					t.Errorf("%q, %v", id, err)
				}
				if name == "hang" && !errors.Is(err, context.Canceled) {
					t.Errorf("the context is not told: %v", err)
				}
				if n := v.fake.count() - before; n != 1 {
					t.Errorf("there are %d requests", n)
				}
				clean(t, err)
			})
		}
	}
	if elsewhere > 0 {
		t.Error("a redirect is followed")
	}
}

// A connection that was kept and is closed as the next message goes out does not have it sent twice.
func TestKeptConnection(t *testing.T) {
	for _, v := range vendors(t) {
		kept := &http.Transport{}
		s, err := v.new(&sms.Options{Base: v.fake.URL, HTTP: kept, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Send(t.Context(), signin); err != nil {
			t.Error(err)
		}
		v.fake.fail(cut)
		if _, err := s.Send(t.Context(), signin); !errors.Is(err, message.ErrUnknown) {
			t.Errorf("%s: %v", v.name, err)
		}
		if n := v.fake.count(); n != 2 {
			t.Errorf("%s: there are %d requests of 2 messages", v.name, n)
		}
		kept.CloseIdleConnections()
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Where there never was a connection, the message is not sent.
func TestUnavailable(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	untrusted := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("there is a request") }))
	untrusted.Config.ErrorLog = quiet()
	defer untrusted.Close()
	dial := func(err error) http.RoundTripper {
		return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}
	}
	for name, opts := range map[string]*sms.Options{
		"refused": {Base: "http://" + closed.Addr().String()}, "no name": {HTTP: dial(&net.DNSError{IsNotFound: true, Name: code})},
		"unreachable": {HTTP: dial(errors.New(number))}, "a certificate of nobody": {Base: untrusted.URL},
	} {
		for _, v := range vendors(t) {
			s, err := v.new(opts)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Send(t.Context(), signin)
			if !errors.Is(err, message.ErrUnavailable) || errors.Is(err, message.ErrUnknown) {
				t.Errorf("%s: %s: %v", v.name, name, err)
			}
			clean(t, err)
		}
	}

	v := vendors(t)[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.sender(t).Send(ctx, signin); !errors.Is(err, message.ErrUnavailable) || !errors.Is(err, context.Canceled) || v.fake.count() > 0 {
		t.Errorf("a context that has ended: %v", err)
	}
	// A RoundTripper that says nothing of connections may have sent it.
	s, err := v.new(&sms.Options{HTTP: transport(func(*http.Request) (*http.Response, error) { return nil, errors.New(keySecret) })})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Send(t.Context(), signin)
	if !errors.Is(err, message.ErrUnknown) {
		t.Error(err)
	}
	clean(t, err)
}

func TestInvalidMessages(t *testing.T) {
	for _, v := range vendors(t) {
		s := v.sender(t)
		for name, c := range map[string]struct {
			change func(m *message.Message)
			want   error
		}{
			"mail":            {func(m *message.Message) { m.Channel = message.Mail }, message.ErrSettings},
			"no reference":    {func(m *message.Message) { m.Ref = "" }, errs.Invalid},
			"no number":       {func(m *message.Message) { m.To = "" }, message.ErrAddress},
			"two numbers":     {func(m *message.Message) { m.To = number + "," + number }, message.ErrAddress},
			"no country":      {func(m *message.Message) { m.To = "13800138000" }, message.ErrAddress},
			"no text":         {func(m *message.Message) { m.Template = "birthday" }, message.ErrSettings},
			"no variable":     {func(m *message.Message) { m.Vars = nil }, errs.Invalid},
			"not UTF-8":       {func(m *message.Message) { m.Vars = []message.Var{{Name: "code", Value: "\xff"}} }, errs.Invalid},
			"another's names": {func(m *message.Message) { m.Vars = []message.Var{{Name: "Code", Value: code}} }, errs.Invalid},
		} {
			m := signin
			c.change(&m)
			if _, err := s.Send(t.Context(), m); !errors.Is(err, c.want) {
				t.Errorf("%s: %s: %v", v.name, name, err)
			}
		}
		if n := v.fake.count(); n > 0 {
			t.Errorf("%s: %d are sent", v.name, n)
		}
	}
}

func TestConcurrentSends(t *testing.T) {
	for _, v := range vendors(t) {
		s := v.sender(t)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				m := signin
				m.Ref = fmt.Sprint(i)
				if _, err := s.Send(t.Context(), m); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := v.fake.count(); n != 8 {
			t.Errorf("%s: %d requests", v.name, n)
		}
	}
}

func TestNewListsMistakes(t *testing.T) {
	text := []sms.Text{{Template: "a", ID: "1"}}
	of := func(_ *sms.Sender, err error) error { return err }
	for want, err := range map[string]error{
		"key_id is missing; key_secret is missing; signature is missing; texts are missing": of(sms.NewAliyun(sms.Aliyun{}, nil)),
		"region is missing; app is missing; texts[0].id is missing": of(sms.NewTencent(sms.Tencent{
			KeyID: "a", KeySecret: "b", Texts: []sms.Text{{Template: "a"}},
		}, nil)),
		"account is missing; texts[0].vars[1] is empty or there twice": of(sms.NewVolcengine(sms.Volcengine{
			KeyID: "a", KeySecret: "b", Signature: "c", Texts: []sms.Text{{Template: "a", ID: "1", Vars: []string{"x", "x"}}},
		}, nil)),
		"from is there together with service, or neither is; texts[0].words is missing; status_callback is no address without a query": of(
			sms.NewTwilio(sms.Twilio{AccountSID: "a", Secret: "b", StatusCallback: "/sms", Texts: text}, nil)),
		"vendor is not 1 to 32 of a-z, 0-9, '-' and '_'; read is missing; url is no address without a query": of(sms.New(sms.Settings{Texts: text}, nil)),
		"url is not https": of(sms.NewAliyun(sms.Aliyun{KeyID: "a", KeySecret: "b", Signature: "c", Texts: text}, &sms.Options{Base: "http://sms.example.com"})),
		"base is no address of a host alone, as https://sms.example.com": of(
			sms.NewAliyun(sms.Aliyun{KeyID: "a", KeySecret: "b", Signature: "c", Texts: text}, &sms.Options{Base: "https://sms.example.com/v2"})),
	} {
		var e *errs.DefinitionError
		if !errors.As(err, &e) || err.Error() != "sms: the definition has mistakes: "+want {
			t.Errorf("%v", err)
		}
	}
	read := func([]byte) (sms.Answer, error) { return sms.Answer{}, nil }
	_, err := sms.New(sms.Settings{Vendor: "v", URL: "https://example.com", Body: "{{.To", Texts: text, Read: read}, nil)
	if err == nil || !strings.Contains(err.Error(), "body can't be read") {
		t.Error(err)
	}
}
