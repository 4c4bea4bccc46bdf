package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/scrmkit/scrmkit/scrm/message"
)

// A step is how far a mail has come.
type step int

const (
	before    step = iota // the server has not been asked about the recipient
	recipient             // it is asked
	after                 // the mail itself goes out, so that it may be sent without an answer
)

// deliver hands a mail over to the server, which is told domain as the name of this side. Errors:
// *message.Error.
func (s *Sender) deliver(ctx context.Context, domain, to string, raw []byte) error {
	// One time is for all steps, so that no server makes it longer by answering each just in time.
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return outcome(ctx, before, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	c, err := s.open(conn, domain)
	if err != nil {
		return outcome(ctx, before, err)
	}
	if err := c.Mail("<" + s.envelope + ">"); err != nil {
		return outcome(ctx, before, err)
	}
	if err := c.Rcpt("<" + to + ">"); err != nil {
		return outcome(ctx, recipient, err)
	}
	w, err := c.Data()
	if err != nil {
		return outcome(ctx, before, err)
	}
	_, err = w.Write(raw)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return outcome(ctx, after, err)
	}
	// The mail is sent, so that the answer to this does not matter.
	_, _ = c.Text.Cmd("QUIT")
	return nil
}

// dial returns a connection, which has TLS where it begins at once.
func (s *Sender) dial(ctx context.Context) (net.Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	conn := &bounded{raw, maxRead}
	if s.security != TLS {
		return conn, nil
	}
	secure := tls.Client(conn, s.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return secure, nil
}

// maxRead is how many bytes a server may say on a connection, TLS and all: those of one mail have
// less than 10 KB.
const maxRead = 1 << 20

// A bounded is a connection that so many bytes can still be read from.
type bounded struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errors.New("the server says too much")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// What a server lacks.
var (
	errNoTLS  = errors.New("the server does not offer STARTTLS")
	errNoAuth = errors.New("the server offers neither AUTH PLAIN nor AUTH LOGIN")
)

// open greets the server, and signs in where there is a login.
func (s *Sender) open(conn net.Conn, domain string) (*smtp.Client, error) {
	c, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return nil, err
	}
	c.SkipSMTPUTF8(true) // addresses are in ASCII
	if err := c.Hello(domain); err != nil {
		return nil, err
	}
	if s.security == StartTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return nil, errNoTLS
		}
		if err := c.StartTLS(s.tls); err != nil {
			return nil, err
		}
	}
	if s.login != "" {
		return c, c.Auth(&auth{host: s.host, login: s.login, password: s.password, plain: s.security == Plain})
	}
	return c, nil
}

// An auth signs in by PLAIN or, where the server does not offer that, by LOGIN.
type auth struct {
	smtp.Auth
	host, login, password string
	plain                 bool // there is no TLS
}

// Start implements smtp.Auth.
func (a *auth) Start(server *smtp.ServerInfo) (mechanism string, first []byte, err error) {
	switch {
	case slices.Contains(server.Auth, "PLAIN"):
		a.Auth = smtp.PlainAuth("", a.login, a.password, a.host, a.plain)
	case slices.Contains(server.Auth, "LOGIN"):
		a.Auth = smtp.LoginAuth(a.login, a.password, a.host, a.plain)
	default:
		return "", nil, errNoAuth
	}
	return a.Auth.Start(server)
}

// kinds are those of replies, by enhanced status codes (RFC 3463) and by reply codes (RFC 5321).
var kinds = map[string]error{
	"5.1.1":  message.ErrAddress,   // no such mailbox
	"5.1.2":  message.ErrAddress,   // no such domain
	"5.1.3":  message.ErrAddress,   // malformed
	"5.1.6":  message.ErrAddress,   // mailbox has moved
	"5.1.10": message.ErrAddress,   // domain takes no mail (RFC 7505)
	"5.2.1":  message.ErrAddress,   // mailbox is disabled
	"5.2.2":  message.ErrThrottled, // mailbox is full
	"5.2.3":  message.ErrSettings,  // mail is too long
	"5.3.4":  message.ErrSettings,  // mail is too long
	"5.4.5":  message.ErrThrottled, // too much mail
	"450":    message.ErrThrottled, // mailbox is busy, or mail comes too fast
	"452":    message.ErrThrottled, // no storage, or too much mail
	"552":    message.ErrThrottled, // mailbox is full
}

// unknownUser are the replies to a recipient that there is no mailbox, where no enhanced status
// code says what else there is.
var unknownUser = []int{550, 551, 553}

// kind returns the kind of a reply at a step.
func kind(at step, code int, enhanced string) error {
	for _, c := range []string{enhanced, strconv.Itoa(code)} {
		if k := kinds[c]; k != nil {
			return k
		}
	}
	switch {
	case code < 500:
		return message.ErrUnavailable
	case at == recipient && enhanced == "" && slices.Contains(unknownUser, code):
		return message.ErrAddress
	}
	return message.ErrSettings
}

var enhanced = regexp.MustCompile(`^[45]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// outcome returns the error of a step that failed.
func outcome(ctx context.Context, at step, err error) error {
	var reply *textproto.Error
	switch {
	case errors.As(err, &reply) && 400 <= reply.Code && reply.Code <= 599:
		e := &message.Error{Vendor: vendor, Code: strconv.Itoa(reply.Code)}
		detail := enhanced.FindString(reply.Msg)
		if detail != "" {
			e.Code += " " + detail
		}
		e.Kind = kind(at, reply.Code, detail)
		return e
	case errors.Is(err, errNoTLS) || errors.Is(err, errNoAuth):
		return fail(message.ErrSettings, err.Error())
	}
	of := message.ErrUnavailable
	if at == after {
		of = message.ErrUnknown
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", &message.Error{Vendor: vendor, Kind: of}, err)
	}
	return fail(of, "the connection failed")
}
