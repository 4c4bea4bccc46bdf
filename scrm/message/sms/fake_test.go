package sms_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/message/sms"
)

const (
	keyID     = "AKIDkeykey"
	keySecret = "TOPSECRET0123456789"
	number    = "+8613800138000"
	code      = "918273"
)

var now = time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)

// A fake is a vendor that takes a message where its request is signed.
type fake struct {
	*httptest.Server
	verify func(r *http.Request, body string) error // its signature
	read   func(r *http.Request, body string) (map[string]string, error)
	taken  func(f *fake) string // the answer where it takes a message

	mu     sync.Mutex
	fault  http.HandlerFunc // in the place of an answer
	counts int              // requests that were read whole
	last   map[string]string
}

func start(t testing.TB, f *fake) *fake {
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		fields, err := f.read(r, string(body))
		if err == nil {
			err = f.verify(r, string(body))
		}
		if err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		f.mu.Lock()
		f.counts++
		f.last = fields
		fault := f.fault
		f.mu.Unlock()
		if fault != nil {
			fault(w, r)
			return
		}
		_, _ = io.WriteString(w, f.taken(f))
	}))
	t.Cleanup(f.Close)
	return f
}

// fail has the requests from now on meet a fault.
func (f *fake) fail(fault http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// count returns how many requests were read.
func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}

// says answers with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// cut ends the connection without an answer.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// A vendor is a sender and the fake of its vendor.
type vendor struct {
	name string
	fake *fake
	new  func(opts *sms.Options) (*sms.Sender, error)
	// refuse is the answer of a refusal.
	refuse func(code string) string
}

func (v vendor) sender(t testing.TB) *sms.Sender {
	t.Helper()
	s, err := v.new(&sms.Options{Base: v.fake.URL, Now: func() time.Time { return now.In(time.FixedZone("", 8*60*60)) }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var signin = message.Message{
	Ref: "ref-1", Channel: message.SMS, To: number, Template: "signin", Vars: []message.Var{{Name: "code", Value: code}, {Name: "minutes", Value: "5"}},
}

func ids() []sms.Text {
	return []sms.Text{
		{Template: "signin", Language: "zh", ID: "T1", Vars: []string{"code"}},
		{Template: "signin", Language: "en", ID: "T2", Vars: []string{"minutes", "code"}},
	}
}

// vendors returns the four, each with a fake of its own.
func vendors(t testing.TB) []vendor {
	object := func(r *http.Request, body string) (map[string]string, error) {
		var v map[string]any
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			return nil, err
		}
		flat := map[string]string{}
		for k, v := range v {
			flat[k] = fmt.Sprint(v)
		}
		return flat, nil
	}
	form := func(body string) (map[string]string, error) {
		q, err := url.ParseQuery(body)
		flat := map[string]string{}
		for k := range q {
			flat[k] = q.Get(k)
		}
		return flat, err
	}
	return []vendor{
		{
			name: "aliyun",
			fake: start(t, &fake{
				verify: verifyACS3, taken: func(*fake) string {
					return `{"Message":"OK","RequestId":"R","Code":"OK","BizId":"900619746936498440^0"}`
				},
				read: func(r *http.Request, body string) (map[string]string, error) {
					if body != "" {
						return nil, fmt.Errorf("there is a body: %s", body)
					}
					return form(r.URL.RawQuery)
				},
			}),
			new: func(opts *sms.Options) (*sms.Sender, error) {
				return sms.NewAliyun(sms.Aliyun{KeyID: keyID, KeySecret: keySecret, Signature: "阿里 云+", Texts: ids()}, opts)
			},
			refuse: func(code string) string {
				return fmt.Sprintf(`{"Message":"%s","RequestId":"R","Code":%q}`, number, code)
			},
		},
		{
			name: "tencent",
			fake: start(t, &fake{
				verify: verifyTC3, read: object,
				taken: func(*fake) string {
					return `{"Response":{"SendStatusSet":[{"SerialNo":"5000:1045710669157053657849499619","PhoneNumber":"+8613800138000","Fee":1,` +
						`"SessionContext":"ref-1","Code":"Ok","Message":"send success","IsoCode":"CN"}],"RequestId":"R"}}`
				},
			}),
			new: func(opts *sms.Options) (*sms.Sender, error) {
				return sms.NewTencent(sms.Tencent{KeyID: keyID, KeySecret: keySecret, Region: "ap-guangzhou", App: "1400006666", Signature: "腾讯云", Texts: ids()}, opts)
			},
			refuse: func(code string) string {
				return fmt.Sprintf(`{"Response":{"SendStatusSet":[{"SerialNo":"","PhoneNumber":%q,"Code":%q,"Message":"no"}],"RequestId":"R"}}`, number, code)
			},
		},
		{
			name: "volcengine",
			fake: start(t, &fake{
				verify: verifyVolcengine, read: object,
				taken: func(*fake) string {
					return `{"ResponseMetadata":{"RequestId":"R","Action":"SendSms","Version":"2020-01-01","Service":"volcSMS","Region":"cn-north-1"},` +
						`"Result":{"MessageID":["bde1b10d-19cf-460f-abcd-26231a82"]}}`
				},
			}),
			new: func(opts *sms.Options) (*sms.Sender, error) {
				return sms.NewVolcengine(sms.Volcengine{KeyID: keyID, KeySecret: keySecret, Account: "A1234", Signature: "火山", Texts: ids()}, opts)
			},
			refuse: func(code string) string {
				return fmt.Sprintf(`{"ResponseMetadata":{"RequestId":"R","Error":{"CodeN":0,"Code":%q,"Message":%q}},"Result":{"MessageID":["x"]}}`, code, number)
			},
		},
		{
			name: "twilio",
			fake: start(t, &fake{
				verify: verifyBasic, taken: func(*fake) string { return `{"sid":"SM1","status":"queued","error_code":null,"error_message":null}` },
				read: func(_ *http.Request, body string) (map[string]string, error) { return form(body) },
			}),
			new: func(opts *sms.Options) (*sms.Sender, error) {
				return sms.NewTwilio(sms.Twilio{
					AccountSID: "AC1", KeySID: keyID, Secret: keySecret, From: "+15005550006", StatusCallback: "https://shop.example.com/sms",
					Texts: []sms.Text{
						{Template: "signin", Language: "zh", Words: "验证码 {{.code}}"},
						{Template: "signin", Language: "en", Words: "{{.code}} is your code & it is good for {{.minutes}} minutes."},
					},
				}, opts)
			},
			refuse: func(code string) string {
				return fmt.Sprintf(`{"code":%s,"message":"%s","more_info":"https://x","status":400}`, code, number)
			},
		},
	}
}

func sum(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

func hm(key, s string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(s))
	return string(h.Sum(nil))
}

var authorization = regexp.MustCompile(`^(\S+) Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$`)

// signature returns what Authorization has, and the request in its canonical form.
func signature(r *http.Request, body string, value func(name, v string) string) (algorithm, credential, sent, canonical string, err error) {
	m := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return "", "", "", "", fmt.Errorf("authorization %q", r.Header.Get("Authorization"))
	}
	pairs := strings.Split(r.URL.RawQuery, "&")
	slices.Sort(pairs)
	lines := []string{r.Method, r.URL.Path, strings.Join(pairs, "&")}
	for name := range strings.SplitSeq(m[3], ";") {
		v := r.Header.Get(name)
		if name == "host" {
			v = r.Host
		}
		if v == "" {
			return "", "", "", "", fmt.Errorf("header %s is signed and is not there", name)
		}
		lines = append(lines, name+":"+value(name, v))
	}
	return m[1], m[2], m[4], strings.Join(append(lines, "", m[3], sum(body)), "\n"), nil
}

func same(_, v string) string { return v }

func verifyACS3(r *http.Request, body string) error {
	algorithm, credential, sent, canonical, err := signature(r, body, same)
	if err != nil {
		return err
	}
	want := hex.EncodeToString([]byte(hm(keySecret, "ACS3-HMAC-SHA256\n"+sum(canonical))))
	switch h := r.Header; {
	case algorithm != "ACS3-HMAC-SHA256" || credential != keyID || sent != want:
		return fmt.Errorf("signature %s of %q", sent, canonical)
	case h.Get("x-acs-date") != "2026-11-28T10:00:00Z" || h.Get("x-acs-action") != "SendSms" || h.Get("x-acs-version") != "2017-05-25":
		return fmt.Errorf("headers %v", h)
	case len(h.Get("x-acs-signature-nonce")) < 16 || !strings.Contains(canonical, "\nx-acs-signature-nonce:"):
		return fmt.Errorf("nonce %q", h.Get("x-acs-signature-nonce"))
	}
	return nil
}

func verifyTC3(r *http.Request, body string) error {
	algorithm, credential, sent, canonical, err := signature(r, body, func(_, v string) string { return strings.ToLower(v) })
	if err != nil {
		return err
	}
	key := hm(hm(hm("TC3"+keySecret, "2026-11-28"), "sms"), "tc3_request")
	want := hex.EncodeToString([]byte(hm(key, "TC3-HMAC-SHA256\n1795860000\n2026-11-28/sms/tc3_request\n"+sum(canonical))))
	switch h := r.Header; {
	case algorithm != "TC3-HMAC-SHA256" || credential != keyID+"/2026-11-28/sms/tc3_request" || sent != want:
		return fmt.Errorf("signature %s of %q", sent, canonical)
	case h.Get("x-tc-timestamp") != "1795860000" || h.Get("x-tc-version") != "2021-01-11" || h.Get("x-tc-region") != "ap-guangzhou":
		return fmt.Errorf("headers %v", h)
	}
	return nil
}

func verifyVolcengine(r *http.Request, body string) error {
	algorithm, credential, sent, canonical, err := signature(r, body, same)
	if err != nil {
		return err
	}
	key := hm(hm(hm(hm(keySecret, "20261128"), "cn-north-1"), "volcSMS"), "request")
	want := hex.EncodeToString([]byte(hm(key, "HMAC-SHA256\n20261128T100000Z\n20261128/cn-north-1/volcSMS/request\n"+sum(canonical))))
	switch h := r.Header; {
	case algorithm != "HMAC-SHA256" || credential != keyID+"/20261128/cn-north-1/volcSMS/request" || sent != want:
		return fmt.Errorf("signature %s of %q", sent, canonical)
	case h.Get("x-date") != "20261128T100000Z" || h.Get("x-content-sha256") != sum(body) || r.URL.RawQuery != "Action=SendSms&Version=2020-01-01":
		return fmt.Errorf("headers %v", h)
	}
	return nil
}

func verifyBasic(r *http.Request, _ string) error {
	user, password, ok := r.BasicAuth()
	if !ok || user != keyID || password != keySecret || r.URL.Path != "/2010-04-01/Accounts/AC1/Messages.json" {
		return fmt.Errorf("basic authentication %q at %s", user, r.URL.Path)
	}
	return nil
}
