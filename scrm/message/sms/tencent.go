package sms

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// Tencent is an application of Tencent Cloud's SMS (腾讯云短信).
type Tencent struct {
	KeyID     string // SecretId
	KeySecret string // SecretKey
	Region    string // as "ap-guangzhou"
	App       string // SdkAppId, as "1400006666"
	Signature string // name of the approved signature (签名); numbers outside of mainland China may have none
	Texts     []Text // with IDs; a template for codes takes one to six digits
}

// tencentRefusals are from Tencent Cloud's page of SMS error codes, document 382/59177, and that of
// common ones, 382/38780.
var tencentRefusals = map[string]error{
	"InvalidParameterValue.IncorrectPhoneNumber":       message.ErrAddress,
	"FailedOperation.PhoneNumberInBlacklist":           message.ErrRefused,
	"LimitExceeded":                                    message.ErrThrottled,
	"RequestLimitExceeded":                             message.ErrThrottled,
	"FailedOperation.MarketingSendTimeConstraint":      message.ErrThrottled, // from 22 to 8 o'clock
	"FailedOperation.InsufficientBalanceInSmsPackage":  message.ErrBalance,
	"UnauthorizedOperation.ServiceSuspendDueToArrears": message.ErrBalance,
	"InternalError":                                    message.ErrUnknown,
	"InternalError.RequestTimeException":               message.ErrSettings, // the clock is off
}

// NewTencent returns a sender by Tencent Cloud's SendSms of 2021-01-11. The message's reference is
// its SessionContext. Tencent Cloud refuses requests where the clock is off by more than 5 minutes.
// NewTencent returns an *errs.DefinitionError if a setting is missing.
func NewTencent(t Tencent, opts *Options) (*Sender, error) {
	var c valid.Checker
	required(&c, "key_id", t.KeyID, "key_secret", t.KeySecret, "region", t.Region, "app", t.App)
	requireIDs(&c, t.Texts)
	now := opts.clock()
	return build(&c, Settings{
		Vendor: "tencent", URL: "https://sms.tencentcloudapi.com/",
		Header: http.Header{
			"Content-Type": {"application/json; charset=utf-8"},
			"X-Tc-Action":  {"SendSms"}, "X-Tc-Version": {"2021-01-11"}, "X-Tc-Region": {t.Region},
		},
		Body: `{"PhoneNumberSet":[{{json .To}}],"SmsSdkAppId":{{json .Values.App}},"SignName":{{json .Values.Signature}},` +
			`"TemplateId":{{json .ID}},"TemplateParamSet":{{json .Ordered}},"SessionContext":{{json .Ref}}}`,
		Number: E164, Values: map[string]string{"App": t.App, "Signature": t.Signature}, Texts: t.Texts,
		Sign: func(r *http.Request, body []byte) error {
			signTC3(r, body, t.KeyID, t.KeySecret, "sms", now(), "content-type", "host", "x-tc-action")
			return nil
		},
		Read: readTencent, Refusals: tencentRefusals,
	}, opts)
}

// signTC3 signs a request by TC3-HMAC-SHA256, as Tencent Cloud's page "Signature v3" has it.
func signTC3(r *http.Request, body []byte, id, secret, service string, now time.Time, headers ...string) {
	when := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("X-Tc-Timestamp", when)
	signed := fields(r, headers...)
	for i := range signed {
		signed[i].value = strings.ToLower(signed[i].value)
	}
	scope{"TC3-HMAC-SHA256", []string{now.Format(time.DateOnly), service, "tc3_request"}}.
		authorize(r, id, "TC3"+secret, when, signed, digest(body))
}

func readTencent(body []byte) (Answer, error) {
	var said struct {
		Response struct {
			Error         *struct{ Code string }
			SendStatusSet []struct{ Code, SerialNo string }
		}
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return Answer{}, errAnswer
	}
	r := said.Response
	switch {
	case r.Error != nil && r.Error.Code != "":
		return Answer{Code: r.Error.Code}, nil
	case len(r.SendStatusSet) != 1 || r.SendStatusSet[0].Code == "":
		return Answer{}, errAnswer
	case r.SendStatusSet[0].Code == "Ok":
		return Answer{ID: r.SendStatusSet[0].SerialNo}, nil
	}
	return Answer{Code: r.SendStatusSet[0].Code}, nil
}
