package sms

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// Aliyun is an account with Aliyun's Short Message Service (阿里云短信服务).
type Aliyun struct {
	KeyID     string // AccessKey ID of a RAM user who may call dysms:SendSms
	KeySecret string // AccessKey secret
	Signature string // name of the approved signature (签名), without its brackets
	Texts     []Text // with IDs, as "SMS_154950909"; templates for codes have exactly one variable
}

// aliyunRefusals are from Aliyun's page of API error codes, document 101346.
var aliyunRefusals = map[string]error{
	"isv.MOBILE_NUMBER_ILLEGAL":  message.ErrAddress,
	"isv.CUSTOMER_REFUSED":       message.ErrRefused,
	"isv.BUSINESS_LIMIT_CONTROL": message.ErrThrottled,
	"isv.DAY_LIMIT_CONTROL":      message.ErrThrottled,
	"isv.MONTH_LIMIT_CONTROL":    message.ErrThrottled,
	"Throttling":                 message.ErrThrottled,
	"isv.OUT_OF_SERVICE":         message.ErrBalance,
	"isv.AMOUNT_NOT_ENOUGH":      message.ErrBalance,
	"isp.SYSTEM_ERROR":           message.ErrUnavailable,
	"ServiceUnavailable":         message.ErrUnavailable,
}

// NewAliyun returns a sender by Aliyun's SendSms of 2017-05-25, in mainland China. Numbers of
// elsewhere need templates for elsewhere, and servers elsewhere need Options.Base. The message's
// reference is its OutId. Aliyun takes a request for 15 minutes of its time. The number and the
// variables are in the query of the address, as Aliyun has it: have nothing log it on the way.
// NewAliyun returns an *errs.DefinitionError if a setting is missing.
func NewAliyun(a Aliyun, opts *Options) (*Sender, error) {
	var c valid.Checker
	required(&c, "key_id", a.KeyID, "key_secret", a.KeySecret, "signature", a.Signature)
	requireIDs(&c, a.Texts)
	now := opts.clock()
	return build(&c, Settings{
		Vendor: "aliyun", URL: "https://dysmsapi.aliyuncs.com/",
		Header: http.Header{"X-Acs-Action": {"SendSms"}, "X-Acs-Version": {"2017-05-25"}},
		Query: "PhoneNumbers={{escape .To}}&SignName={{escape .Values.Signature}}&TemplateCode={{escape .ID}}" +
			"&TemplateParam={{escape (json .Named)}}&OutId={{escape .Ref}}",
		Number: Domestic, Values: map[string]string{"Signature": a.Signature}, Texts: a.Texts,
		Sign: func(r *http.Request, body []byte) error {
			signACS3(r, body, a.KeyID, a.KeySecret, now(), rand.Text())
			return nil
		},
		Read: readAliyun, Refusals: aliyunRefusals,
	}, opts)
}

// signACS3 signs a request by ACS3-HMAC-SHA256, as Aliyun's page "V3 request structure and
// signature" has it.
func signACS3(r *http.Request, body []byte, id, secret string, now time.Time, nonce string) {
	hash := digest(body)
	r.Header.Set("X-Acs-Date", now.Format("2006-01-02T15:04:05Z"))
	r.Header.Set("X-Acs-Signature-Nonce", nonce)
	r.Header.Set("X-Acs-Content-Sha256", hash)
	signed := fields(r, "host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version")
	const algorithm = "ACS3-HMAC-SHA256"
	signature := mac([]byte(secret), algorithm+"\n"+canonical(r, signed, hash))
	r.Header.Set("Authorization", algorithm+" Credential="+id+",SignedHeaders="+names(signed)+",Signature="+hex.EncodeToString(signature))
}

func readAliyun(body []byte) (Answer, error) {
	var said struct {
		Code string
		ID   string `json:"BizId"`
	}
	if err := json.Unmarshal(body, &said); err != nil || said.Code == "" {
		return Answer{}, errAnswer
	}
	if said.Code == "OK" {
		return Answer{ID: said.ID}, nil
	}
	return Answer{Code: said.Code}, nil
}
