package sms

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func request(t testing.TB, method, address, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func at(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func authorized(t *testing.T, r *http.Request, want string) {
	t.Helper()
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The figures are those of the example of Aliyun's page "V3 request structure and signature".
func TestACS3(t *testing.T) {
	r := request(t, "POST", "https://ecs.cn-shanghai.aliyuncs.com/?RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "",
		"x-acs-action", "RunInstances", "x-acs-version", "2014-05-26")
	signACS3(r, nil, "YourAccessKeyId", "YourAccessKeySecret", at(t, "2023-10-26T10:22:32Z"), "3156853299f313e23d1673dc12e1703d")
	authorized(t, r, "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"+
		"SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"+
		"Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")
}

// The figures are those of three editions of Tencent Cloud's page "Signature v3", each with more
// stars in the place of the key, which are what it signs with.
func TestTC3(t *testing.T) {
	const body = `{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`
	stars := strings.Repeat("*", 32)
	for _, c := range []struct{ id, secret, headers, signature string }{
		{"AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******", "Gu5t9xGARNpq86cd98joQYCN3*******", "content-type;host",
			"2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c"},
		{"AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******", "Gu5t9xGARNpq86cd98joQYCN3*******", "content-type;host;x-tc-action",
			"be4f67d323c78ab9acb7395e43c0dbcf822a9cfac32fea2449a7bc7726b770a3"},
		{"AKID" + stars, stars, "content-type;host;x-tc-action", "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"},
	} {
		r := request(t, "POST", "https://cvm.tencentcloudapi.com", body,
			"Content-Type", "application/json; charset=utf-8", "X-TC-Action", "DescribeInstances", "X-TC-Version", "2017-03-12")
		signTC3(r, []byte(body), c.id, c.secret, "cvm", time.Unix(1551113065, 0).UTC(), strings.Split(c.headers, ";")...)
		authorized(t, r, "TC3-HMAC-SHA256 Credential="+c.id+"/2019-02-25/cvm/tc3_request, SignedHeaders="+c.headers+", Signature="+c.signature)
	}
}

// The figures are those of the examples of Volcengine's page 签名方法, document 6369/67269.
func TestVolcengineSignature(t *testing.T) {
	const id = "AKLTYWViMTVmZGYzM2E0NDI5Mzk2MDZjNjFmMjc2MjRjMzg"
	for _, c := range []struct{ method, query, body, signature string }{
		{"GET", "Action=QueryBalanceAcct&Version=2022-01-01", "", "1eda9e7e6b1728151a8e8791fdaf67cfbd28bd5c80d0fce2eb208746cf483105"},
		{"POST", "Action=ListBill&Version=2022-01-01", `{"Limit":10,"BillPeriod":"2023-08"}`, "5e8480ceea12d0000a23c054151c50dd02c1a7dec835004057d19f13d53a7658"},
	} {
		r := request(t, c.method, "https://billing.volcengineapi.com/?"+c.query, c.body)
		signVolcengine(r, []byte(c.body), id, "WkRZeE1EQmxPVGhsWWpWak5HVmtNbUUxTXpZeU9UVXlOMlE1TmpZeVlqTQ==", "cn-beijing", "billing",
			at(t, "2025-03-29T18:09:37Z"), "host", "x-date")
		authorized(t, r, "HMAC-SHA256 Credential="+id+"/20250329/cn-beijing/billing/request, SignedHeaders=host;x-date, Signature="+c.signature)
	}
}

// The figures are those of Twilio's own libraries' example of a validated request.
func TestTwilioSignature(t *testing.T) {
	form := url.Values{
		"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"}, "From": {"+14158675309"}, "To": {"+18005551212"},
	}
	got := base64.StdEncoding.EncodeToString(signTwilio("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form))
	if got != "RSOYDt4T1cUTdK1PDd93/VVr8B8=" {
		t.Error(got)
	}
}

func BenchmarkSign(b *testing.B) {
	r := request(b, "POST", "https://sms.tencentcloudapi.com/", "", "Content-Type", "application/json; charset=utf-8", "X-TC-Action", "SendSms")
	body := []byte(`{"PhoneNumberSet":["+8613800138000"]}`)
	now := at(b, "2026-11-28T10:00:00Z")
	for b.Loop() {
		signTC3(r, body, "id", "secret", "sms", now, "content-type", "host", "x-tc-action")
	}
}
