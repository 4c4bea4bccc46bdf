package sms

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// Twilio is an account with Twilio, which is outside of mainland China.
type Twilio struct {
	AccountSID string // AC…
	KeySID     string // SK…, of an API key; "": the account's own token is the secret
	Secret     string // of the API key, or the account's token
	From       string // number or name that messages are from; "": Service chooses
	Service    string // MG…, a messaging service; "": none
	// StatusCallback is the address of TwilioReceipts, as Twilio reaches it; "": no receipts. It
	// gets the message's reference as its query.
	StatusCallback string
	Texts          []Text // with Words
}

// twilioRefusals are from Twilio's error and warning dictionary.
var twilioRefusals = map[string]error{
	"21211": message.ErrAddress, // invalid number
	"21265": message.ErrAddress, // a short code
	"21408": message.ErrAddress, // a region that the account does not serve
	"21614": message.ErrAddress, // no mobile number
	"21610": message.ErrRefused, // the recipient replied STOP
	"20429": message.ErrThrottled,
	"21611": message.ErrThrottled, // the queue of From is full
	"30001": message.ErrThrottled, // the queue is full
	"20005": message.ErrBalance,   // the account is not active
}

// NewTwilio returns a sender by Twilio's Messages resource of 2010-04-01. Twilio takes no
// reference; it comes back by StatusCallback. NewTwilio returns an *errs.DefinitionError if a
// setting is missing.
func NewTwilio(t Twilio, opts *Options) (*Sender, error) {
	var c valid.Checker
	required(&c, "account_sid", t.AccountSID, "secret", t.Secret)
	if (t.From == "") == (t.Service == "") {
		c.Add("from", "is there together with service, or neither is")
	}
	for i, text := range t.Texts {
		required(&c, fmt.Sprintf("texts[%d].words", i), text.Words)
	}
	callback := ""
	if t.StatusCallback != "" {
		if u, err := url.Parse(t.StatusCallback); err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			c.Add("status_callback", "is no address without a query")
		}
		callback = t.StatusCallback + "?" + refParam + "="
	}
	return build(&c, Settings{
		Vendor: "twilio", URL: "https://api.twilio.com/2010-04-01/Accounts/" + url.PathEscape(t.AccountSID) + "/Messages.json",
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		Body: "To={{escape .To}}&Body={{escape .Words}}" +
			"{{with .Values.From}}&From={{escape .}}{{end}}{{with .Values.Service}}&MessagingServiceSid={{escape .}}{{end}}" +
			"{{with .Values.Callback}}&StatusCallback={{escape .}}{{escape $.Ref}}{{end}}",
		Number: E164, Values: map[string]string{"From": t.From, "Service": t.Service, "Callback": callback}, Texts: t.Texts,
		Sign: func(r *http.Request, _ []byte) error {
			r.SetBasicAuth(cmp.Or(t.KeySID, t.AccountSID), t.Secret)
			return nil
		},
		Read: readTwilio, Refusals: twilioRefusals,
	}, opts)
}

func readTwilio(body []byte) (Answer, error) {
	var said struct {
		SID  string `json:"sid"`
		Code int    `json:"code"`
	}
	if err := json.Unmarshal(body, &said); err != nil || said.SID == "" && said.Code == 0 {
		return Answer{}, errAnswer
	}
	if said.Code != 0 {
		return Answer{Code: strconv.Itoa(said.Code)}, nil
	}
	return Answer{ID: said.SID}, nil
}
