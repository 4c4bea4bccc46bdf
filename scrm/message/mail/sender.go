package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/internal/texts"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// A Security is how a connection is kept from others.
type Security int

const (
	TLS      Security = iota // TLS from the start, on port 465
	StartTLS                 // TLS after STARTTLS, on port 587; a server that does not offer it is refused
	Plain                    // no TLS, on port 25, to a server on this machine alone
)

// Settings are those of a mailbox that mail is sent from.
type Settings struct {
	Host     string // of the server: "smtp.exmail.qq.com"
	Port     int    // 0: that of Security
	Security Security
	Login    string // mostly the address of the mailbox; "": the server asks for none
	Password string // authorization code (授权码) or client password, and not that of the mailbox; "" without Login
	From     string // address that mail is from; "": Login
	Name     string // of the sender, beside the address; "": none
	Texts    []Text // at least one; the first of a template is for readers of any other language
}

// Timeout is how long a mail takes at most, from the name of the server to its last answer. Some
// servers do not answer a wrong password for a minute.
const Timeout = 30 * time.Second

// Options configures a Sender. Nil and zero fields mean the documented defaults.
type Options struct {
	Now func() time.Time // the clock of dates; nil: time.Now
	TLS *tls.Config      // of connections, with an authority of one's own for instance; nil: that of crypto/tls
}

// A Sender sends mail from one mailbox, each on a connection of its own.
type Sender struct {
	host     string
	address  string // with the port
	security Security
	tls      *tls.Config
	login    string
	password string
	from     mail.Address
	envelope string // address that the server gets as the sender's
	texts    *texts.Table[*text]
	now      func() time.Time
}

var _ message.Sender = (*Sender)(nil)

// vendor is the name in errors.
const vendor = "smtp"

// New returns a sender. It returns an *errs.DefinitionError if a setting is missing or malformed,
// or a template can't be read.
func New(s Settings, opts *Options) (*Sender, error) {
	o := cmp.Or(opts, &Options{})
	var c valid.Checker
	if s.Host == "" || strings.ContainsAny(s.Host, " \t\r\n:/@") && !loopback(s.Host) {
		c.Add("host", "is no name of a server")
	}
	ports := map[Security]int{TLS: 465, StartTLS: 587, Plain: 25}
	port, known := ports[s.Security]
	if !known {
		c.Add("security", "is none of TLS, StartTLS and Plain")
	}
	if s.Security == Plain && !loopback(s.Host) {
		c.Add("security", "is Plain to a host that is not this machine")
	}
	c.Between("port", int64(s.Port), 0, 65535)
	if (s.Login == "") != (s.Password == "") {
		c.Add("password", "is there without login, or missing")
	}
	c.Field(valid.Text("login", s.Login))
	c.Field(valid.Text("name", s.Name))
	from := cmp.Or(s.From, s.Login)
	if !isAddress(from) {
		c.Add("from", "is no address of a mailbox")
	}
	envelope := from
	if isAddress(s.Login) {
		envelope = s.Login
	}
	all := make([]*text, len(s.Texts))
	for i, t := range s.Texts {
		all[i] = newText(&c, fmt.Sprintf("texts[%d].", i), t)
	}
	sender := &Sender{
		host: s.Host, address: net.JoinHostPort(s.Host, strconv.Itoa(cmp.Or(s.Port, port))), security: s.Security, tls: &tls.Config{},
		login: s.Login, password: s.Password, from: mail.Address{Name: s.Name, Address: from}, envelope: envelope,
		texts: texts.New(&c, all, func(t *text) texts.Key { return texts.Key{Template: t.Template, Language: t.Language} }), now: o.Now,
	}
	if o.TLS != nil {
		sender.tls = o.TLS.Clone()
	}
	sender.tls.ServerName = cmp.Or(sender.tls.ServerName, s.Host)
	if sender.now == nil {
		sender.now = time.Now
	}
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return sender, nil
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// maxAddress is how many bytes an address has at most, by RFC 5321, 4.5.3.1.3.
const maxAddress = 254

// isAddress reports whether a text is one address in ASCII, without a name, a comment or quotes.
func isAddress(s string) bool {
	if len(s) > maxAddress || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s
}

// Send sends a mail to one address, as message.Sender says, and returns its Message-ID. The address
// is in ASCII: what stands before the @ as it is, and the name of the domain as DNS has it. Errors:
// *errs.InputError where the reference or a variable is missing or malformed; *message.Error.
func (s *Sender) Send(ctx context.Context, m message.Message) (id string, err error) {
	vars, err := texts.Vars(vendor, message.Mail, m)
	if err != nil {
		return "", err
	}
	if !isAddress(m.To) {
		return "", fail(message.ErrAddress, "it is not one address of a mailbox")
	}
	t, err := s.texts.Find(vendor, m)
	if err != nil {
		return "", err
	}
	content, err := t.fill(vars)
	if err != nil {
		return "", err
	}
	_, domain, _ := strings.Cut(s.from.Address, "@")
	id = m.Ref + "@" + domain
	raw, err := s.compose(id, m.To, content)
	if err != nil {
		return "", fail(message.ErrSettings, "the mail can't be written")
	}
	if err := s.deliver(ctx, domain, m.To, raw); err != nil {
		return "", err
	}
	return id, nil
}

// fail returns an error of that kind.
func fail(kind error, why string) error {
	return fmt.Errorf("%w: %s", &message.Error{Vendor: vendor, Kind: kind}, why)
}
