package sms

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"text/template"
	"time"

	"github.com/scrmkit/scrmkit/internal/texts"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// A Text is what a message of the service's is with the vendor, in a language. It has an ID where
// the vendor keeps the words, and Words where it takes any.
type Text struct {
	Template string   // message.Message.Template
	Language string   // BCP 47; may be "" where the template has no other text
	ID       string   // of the template that the vendor has approved
	Words    string   // as text/template, with the message's variables by name: "{{.code}} is your code."
	Vars     []string // names of the variables that the template of that ID has, in its order
}

// Settings describes the API of a vendor. A request is a POST.
//
// Query and Body are in the language of text/template. They have
//
//	.To       the number, in the form of Number
//	.Ref      message.Message.Ref
//	.ID       Text.ID
//	.Words    Text.Words, filled in
//	.Named    the variables of Text.Vars, by name
//	.Ordered  their values, in the order of Text.Vars
//	.Values   Settings.Values
//
// and two functions beside those of text/template: json returns any of it as JSON, so that
// {{json (json .Named)}} is an object within a string, and escape returns a text as queries and
// forms have it.
type Settings struct {
	Vendor   string                                   // its name in errors: "aliyun"
	URL      string                                   // address of the API, without a query
	Query    string                                   // of the address; "": none
	Header   http.Header                              // of each request, beside what Sign adds
	Body     string                                   // "": none
	Number   Number                                   // form of numbers
	Values   map[string]string                        // what stays the same for all messages, as the name of a signature
	Texts    []Text                                   // at least one; the first of a template is for readers of any other language
	Sign     func(r *http.Request, body []byte) error // nil: requests are not signed
	Read     func(body []byte) (Answer, error)        // an error: it is no answer of the API
	Refusals map[string]error                         // kinds of message errors by code; see Answer
}

// An Answer is what a vendor says of a message.
type Answer struct {
	ID string // that the message has with the vendor, which took it
	// Code is the vendor's code of a refusal; "": it took the message. Its kind is that in Refusals
	// of the code or else of what it begins with before a dot, so that "LimitExceeded" is for
	// "LimitExceeded.DailyLimit" as well. A code that is not there is of kind message.ErrThrottled
	// where the status of HTTP is 429, message.ErrUnknown where it is 500 or above, and else
	// message.ErrSettings.
	Code string
}

// A Number is a form of telephone numbers.
type Number int

const (
	E164     Number = iota // +8613800138000, +85261234567
	Plain                  // 8613800138000, 85261234567
	Domestic               // 13800138000 for mainland China, 85261234567 for elsewhere
)

// Timeout is how long a message waits for the vendor at most.
const Timeout = 10 * time.Second

// Options configures a Sender. Nil and zero fields mean the documented defaults.
type Options struct {
	Now  func() time.Time  // the clock, which signatures need right within minutes; nil: time.Now
	Base string            // scheme and host in the place of the vendor's, of another region or a test; "": the vendor's
	HTTP http.RoundTripper // nil: one like http.DefaultTransport that keeps no connection
}

// clock returns the clock of the options in UTC.
func (o *Options) clock() func() time.Time {
	if o == nil || o.Now == nil {
		return func() time.Time { return time.Now().UTC() }
	}
	return func() time.Time { return o.Now().UTC() }
}

// A Sender sends text messages by one account with a vendor.
type Sender struct {
	vendor   string
	address  url.URL
	header   http.Header
	query    *template.Template
	body     *template.Template
	number   Number
	values   map[string]string
	texts    *texts.Table[*text]
	sign     func(r *http.Request, body []byte) error
	read     func(body []byte) (Answer, error)
	refusals map[string]error
	http     *http.Client
}

var _ message.Sender = (*Sender)(nil)

var vendor = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

// New returns a sender by any vendor's API. It returns an *errs.DefinitionError if the settings are
// incomplete, or a template of theirs can't be read.
func New(s Settings, opts *Options) (*Sender, error) { return build(new(valid.Checker), s, opts) }

// build returns a sender, unless there are mistakes in its settings or were before.
func build(c *valid.Checker, s Settings, opts *Options) (*Sender, error) {
	o := cmp.Or(opts, &Options{})
	if !vendor.MatchString(s.Vendor) {
		c.Add("vendor", "is not 1 to 32 of a-z, 0-9, '-' and '_'")
	}
	if s.Read == nil {
		c.Add("read", "is missing")
	}
	if s.Number < E164 || s.Number > Domestic {
		c.Add("number", "is none of the forms")
	}
	all := make([]*text, len(s.Texts))
	for i, t := range s.Texts {
		all[i] = newText(c, fmt.Sprintf("texts[%d].", i), t)
	}
	sender := &Sender{
		vendor: s.Vendor, address: address(c, s.URL, o.Base), header: s.Header.Clone(), query: parse(c, "query", s.Query),
		body: parse(c, "body", s.Body), number: s.Number, values: maps.Clone(s.Values),
		texts: texts.New(c, all, func(t *text) texts.Key { return texts.Key{Template: t.Template, Language: t.Language} }),
		sign:  s.Sign, read: s.Read, refusals: maps.Clone(s.Refusals), http: client(o.HTTP),
	}
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("sms: %w", err)
	}
	return sender, nil
}

// address returns the address of the API, with the scheme and host of base. It notes what is not
// HTTPS, but to this machine.
func address(c *valid.Checker, raw, base string) url.URL {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.User != nil {
		c.Add("url", "is no address without a query")
		return url.URL{}
	}
	if base != "" {
		b, err := url.Parse(base)
		if err != nil || b.Host == "" || b.Path != "" || b.RawQuery != "" || b.User != nil {
			c.Add("base", "is no address of a host alone, as https://sms.example.com")
			return url.URL{}
		}
		u.Scheme, u.Host = b.Scheme, b.Host
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		c.Add("url", "is not https")
	}
	return *u
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// Send sends a text message to a number in E.164, as message.Sender says, and returns the vendor's
// id of it. Errors: *errs.InputError where the reference or a variable is missing or malformed;
// *message.Error.
func (s *Sender) Send(ctx context.Context, m message.Message) (id string, err error) {
	vars, err := texts.Vars(s.vendor, message.SMS, m)
	if err != nil {
		return "", err
	}
	if !e164.MatchString(m.To) {
		return "", s.fail(message.ErrAddress, "the number is not in E.164")
	}
	t, err := s.texts.Find(s.vendor, m)
	if err != nil {
		return "", err
	}
	d, err := t.fill(vars)
	if err != nil {
		return "", err
	}
	d.To, d.Ref, d.Values = s.number.form(m.To), m.Ref, s.values
	u := s.address
	query, err := execute(s.query, d)
	if err != nil {
		return "", s.fail(message.ErrSettings, "the query can't be filled in")
	}
	u.RawQuery = string(query)
	body, err := execute(s.body, d)
	if err != nil {
		return "", s.fail(message.ErrSettings, "the body can't be filled in")
	}
	return s.post(ctx, u.String(), body)
}

// fail returns an error of that kind.
func (s *Sender) fail(kind error, why string) error {
	return fmt.Errorf("%w: %s", &message.Error{Vendor: s.vendor, Kind: kind}, why)
}

// required notes what is empty, of paths and values in turn.
func required(c *valid.Checker, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			c.Add(pairs[i], "is missing")
		}
	}
}

// requireIDs notes texts that have no template with the vendor.
func requireIDs(c *valid.Checker, all []Text) {
	for i, t := range all {
		required(c, fmt.Sprintf("texts[%d].id", i), t.ID)
	}
}
