package sms

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// Volcengine is a group of messages (消息组) of Volcengine's SMS (火山引擎短信服务).
type Volcengine struct {
	KeyID     string // Access Key ID
	KeySecret string // Secret Access Key
	Region    string // "": "cn-north-1"
	Account   string // SmsAccount, the id of the group
	Signature string // name of the approved signature (签名)
	Texts     []Text // with IDs, as "ST_6f8c1234"
}

// volcengineRefusals are from Volcengine's page 发送接口错误码, document 6361/173288.
var volcengineRefusals = map[string]error{
	"RE:0006": message.ErrAddress,
	"RE:0011": message.ErrAddress, // a region that the account does not serve
	"RE:0013": message.ErrThrottled,
	"RE:0010": message.ErrBalance,
	"RE:0500": message.ErrUnavailable,
}

// NewVolcengine returns a sender by Volcengine's SendSms of 2020-01-01. The message's reference is
// its Tag. Volcengine takes a request for 15 minutes of its time. NewVolcengine returns an
// *errs.DefinitionError if a setting is missing.
func NewVolcengine(v Volcengine, opts *Options) (*Sender, error) {
	var c valid.Checker
	required(&c, "key_id", v.KeyID, "key_secret", v.KeySecret, "account", v.Account, "signature", v.Signature)
	requireIDs(&c, v.Texts)
	now, region := opts.clock(), cmp.Or(v.Region, "cn-north-1")
	return build(&c, Settings{
		Vendor: "volcengine", URL: "https://sms.volcengineapi.com/", Query: "Action=SendSms&Version=2020-01-01",
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		Body: `{"SmsAccount":{{json .Values.Account}},"Sign":{{json .Values.Signature}},"TemplateID":{{json .ID}},` +
			`"TemplateParam":{{json (json .Named)}},"PhoneNumbers":{{json .To}},"Tag":{{json .Ref}}}`,
		Number: Domestic, Values: map[string]string{"Account": v.Account, "Signature": v.Signature}, Texts: v.Texts,
		Sign: func(r *http.Request, body []byte) error {
			signVolcengine(r, body, v.KeyID, v.KeySecret, region, "volcSMS", now(), "host", "x-content-sha256", "x-date")
			return nil
		},
		Read: readVolcengine, Refusals: volcengineRefusals,
	}, opts)
}

// signVolcengine signs a request by HMAC-SHA256, as Volcengine's page 签名方法, document
// 6369/67269, has it.
func signVolcengine(r *http.Request, body []byte, id, secret, region, service string, now time.Time, headers ...string) {
	when, hash := now.Format("20060102T150405Z"), digest(body)
	r.Header.Set("X-Date", when)
	r.Header.Set("X-Content-Sha256", hash)
	scope{"HMAC-SHA256", []string{now.Format("20060102"), region, service, "request"}}.
		authorize(r, id, secret, when, fields(r, headers...), hash)
}

func readVolcengine(body []byte) (Answer, error) {
	var said struct {
		ResponseMetadata struct{ Error *struct{ Code string } }
		Result           struct{ MessageID []string }
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return Answer{}, errAnswer
	}
	switch refused := said.ResponseMetadata.Error; {
	case refused != nil && refused.Code != "":
		return Answer{Code: refused.Code}, nil
	case len(said.Result.MessageID) != 1 || said.Result.MessageID[0] == "":
		return Answer{}, errAnswer
	}
	return Answer{ID: said.Result.MessageID[0]}, nil
}
