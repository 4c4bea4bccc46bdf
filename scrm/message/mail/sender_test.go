package mail_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/message/mail"
)

const (
	to   = "alice@example.net"
	code = "918273"
)

var now = time.Date(2026, 11, 28, 18, 0, 0, 0, time.FixedZone("", 8*60*60))

var signin = message.Message{
	Ref: "ref-1", Channel: message.Mail, To: to, Template: "signin", Vars: []message.Var{{Name: "code", Value: code}, {Name: "shop", Value: "望京店 <b>&"}},
}

func settings(s *server, security mail.Security) mail.Settings {
	return mail.Settings{
		Host: "127.0.0.1", Port: s.port, Security: security, Login: login, Password: password, Name: "望京咖啡",
		Texts: []mail.Text{
			{
				Template: "signin", Language: "zh", Subject: "验证码 {{.code}}", Body: "{{.code}} 是您在{{.shop}}的验证码。\n.\n",
				HTML: "<p>{{.code}} 是您在{{.shop}}的验证码。</p>",
			},
			{Template: "signin", Language: "en", Subject: "Your code", Body: "{{.code}} is your code."},
		},
	}
}

func sender(t testing.TB, s *server, security mail.Security) *mail.Sender {
	t.Helper()
	_, pool := certificate()
	sender, err := mail.New(settings(s, security), &mail.Options{Now: func() time.Time { return now }, TLS: &tls.Config{RootCAs: pool}})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// part returns a body that is in base64.
func part(t testing.TB, header func(string) string, r io.Reader) string {
	t.Helper()
	if header("Content-Transfer-Encoding") != "base64" {
		t.Errorf("encoding %q", header("Content-Transfer-Encoding"))
	}
	text, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, r))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func TestSend(t *testing.T) {
	for _, c := range []struct {
		name     string
		server   *server
		security mail.Security
	}{
		{"TLS", &server{implicit: true, auth: "LOGIN PLAIN"}, mail.TLS},
		{"TLS with LOGIN alone", &server{implicit: true, auth: "LOGIN"}, mail.TLS},
		{"STARTTLS", &server{startTLS: true, auth: "PLAIN"}, mail.StartTLS},
		{"plain", &server{auth: "PLAIN"}, mail.Plain},
		{"plain with LOGIN alone", &server{auth: "LOGIN"}, mail.Plain},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.server)
			id, err := sender(t, s, c.security).Send(t.Context(), signin)
			if id != "ref-1@shop.example.com" || err != nil {
				t.Fatalf("%q, %v", id, err)
			}
			mails, _ := s.got()
			d := mails[0]
			if d.from != "FROM:<"+login+"> BODY=8BITMIME" || d.to != "TO:<"+to+">" || d.login != login || d.password != password || d.tls != (c.security != mail.Plain) {
				t.Errorf("%+v", d)
			}
			m, err := netmail.ReadMessage(strings.NewReader(d.data))
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{
				"Message-Id": "<ref-1@shop.example.com>", "Date": "Sat, 28 Nov 2026 18:00:00 +0800", "Auto-Submitted": "auto-generated", "To": "<" + to + ">",
				"Mime-Version": "1.0", "User-Agent": "", "X-Mailer": "",
			} {
				if got := m.Header.Get(name); got != want {
					t.Errorf("%s: %q", name, got)
				}
			}
			from, err := m.Header.AddressList("From")
			if err != nil || len(from) != 1 || from[0].Name != "望京咖啡" || from[0].Address != login {
				t.Errorf("%v, %v", from, err)
			}
			if subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); subject != "验证码 918273" || err != nil {
				t.Errorf("%q, %v", subject, err)
			}
			media, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
			if media != "multipart/alternative" || err != nil {
				t.Fatalf("%s, %v", media, err)
			}
			parts := multipart.NewReader(m.Body, params["boundary"])
			for _, want := range []string{"918273 是您在望京店 <b>&的验证码。\n.\n", "<p>918273 是您在望京店 &lt;b&gt;&amp;的验证码。</p>"} {
				p, err := parts.NextPart()
				if err != nil {
					t.Fatal(err)
				}
				if got := part(t, p.Header.Get, p); got != want {
					t.Errorf("%q", got)
				}
			}
		})
	}
}

func TestLanguageAndNoLogin(t *testing.T) {
	s := start(t, &server{})
	with := settings(s, mail.Plain)
	with.Login, with.Password, with.From = "", "", "shop@example.com"
	sender, err := mail.New(with, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := signin
	m.Language = "en-GB"
	if _, err := sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	mails, commands := s.got()
	if slices.Contains(commands, "AUTH") || !strings.HasPrefix(mails[0].from, "FROM:<shop@example.com>") {
		t.Errorf("%v, %+v", commands, mails)
	}
	got, err := netmail.ReadMessage(strings.NewReader(mails[0].data))
	if err != nil || got.Header.Get("Content-Type") != "text/plain; charset=UTF-8" || got.Header.Get("Subject") != "Your code" {
		t.Errorf("%v, %v", got, err)
	}
}

// clean fails where an error has what it must not have.
func clean(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{to, password, code, "alice"} {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%v", err)
		}
	}
}

func TestReplies(t *testing.T) {
	for _, c := range []struct {
		command, reply string
		kind           error
		code           string
	}{
		{"connect", "554 5.7.1 alice@example.net is blocked", message.ErrSettings, "554 5.7.1"},
		{"connect", "421 4.3.2 too busy", message.ErrUnavailable, "421 4.3.2"},
		{"connect", "hello", message.ErrUnavailable, ""},
		{"AUTH", "535 Error: authentication failed, " + password, message.ErrSettings, "535"},
		{"AUTH", "534 5.7.9 a password of the application", message.ErrSettings, "534 5.7.9"},
		{"AUTH", "454 4.7.0 try later", message.ErrUnavailable, "454 4.7.0"},
		{"MAIL", "553 Mail from must equal authorized user", message.ErrSettings, "553"},
		{"MAIL", "452 4.3.1 no storage", message.ErrThrottled, "452 4.3.1"},
		{"RCPT", "550 5.1.1 <alice@example.net> unknown", message.ErrAddress, "550 5.1.1"},
		{"RCPT", "550 Mailbox not found", message.ErrAddress, "550"},
		{"RCPT", "550 5.7.1 relay is denied", message.ErrSettings, "550 5.7.1"},
		{"RCPT", "554 relay is denied", message.ErrSettings, "554"},
		{"RCPT", "552 5.2.2 mailbox is full", message.ErrThrottled, "552 5.2.2"},
		{"RCPT", "450 4.2.0 greylisted", message.ErrThrottled, "450 4.2.0"},
		{"RCPT", "451 4.3.0 later", message.ErrUnavailable, "451 4.3.0"},
		{"RCPT", "550-first\r\n550 5.1.1 second", message.ErrAddress, "550"},
		{"DATA", "421 4.7.0 bye", message.ErrUnavailable, "421 4.7.0"},
		{"DATA", "550 5.4.5 too much for today", message.ErrThrottled, "550 5.4.5"},
		{".", "552 5.3.4 too long", message.ErrSettings, "552 5.3.4"},
		{".", "554 DT:SPM", message.ErrSettings, "554"},
		{".", "451 4.7.1 later", message.ErrUnavailable, "451 4.7.1"},
		{".", "354 more", message.ErrUnknown, ""},
		{".", "what", message.ErrUnknown, ""},
	} {
		s := start(t, &server{implicit: true, auth: "PLAIN", replies: map[string]string{c.command: c.reply}})
		_, err := sender(t, s, mail.TLS).Send(t.Context(), signin)
		var e *message.Error
		if !errors.Is(err, c.kind) || c.kind != nil && (!errors.As(err, &e) || e.Code != c.code || e.Vendor != "smtp") {
			t.Errorf("%s: %s: %v", c.command, c.reply, err)
		}
		clean(t, err)
	}
}

// A server that does not go on does not hold a mail longer than its time; and where it may have
// taken the mail, nobody knows.
func TestHangAndCut(t *testing.T) {
	steps := []struct {
		command string
		want    error
	}{
		{"handshake", message.ErrUnavailable}, {"connect", message.ErrUnavailable}, {"EHLO", message.ErrUnavailable}, {"STARTTLS", message.ErrUnavailable},
		{"AUTH", message.ErrUnavailable}, {"MAIL", message.ErrUnavailable}, {"RCPT", message.ErrUnavailable}, {"DATA", message.ErrUnavailable},
		{"content", message.ErrUnknown}, {".", message.ErrUnknown}, {"QUIT", nil},
	}
	for _, security := range []mail.Security{mail.TLS, mail.StartTLS} {
		for _, c := range steps {
			if c.command == "STARTTLS" && security == mail.TLS {
				continue
			}
			t.Run(c.command, func(t *testing.T) {
				t.Parallel()
				s := start(t, &server{implicit: security == mail.TLS, startTLS: security == mail.StartTLS, auth: "PLAIN", hang: c.command})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func(hung <-chan struct{}) {
					<-hung
					cancel()
				}(s.hung)
				_, err := sender(t, s, security).Send(ctx, signin)
				if !errors.Is(err, c.want) || c.want != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("hang: %v", err)
				}
				clean(t, err)

				s = start(t, &server{implicit: security == mail.TLS, startTLS: security == mail.StartTLS, auth: "PLAIN", cut: c.command})
				if c.command == "handshake" || c.command == "content" {
					return
				}
				_, err = sender(t, s, security).Send(t.Context(), signin)
				if !errors.Is(err, c.want) {
					t.Errorf("cut: %v", err)
				}
				if mails, _ := s.got(); len(mails) > 1 {
					t.Errorf("there are %d mails", len(mails))
				}
				clean(t, err)
			})
		}
	}
}

func TestDeadline(t *testing.T) {
	s := start(t, &server{implicit: true, hang: "connect"})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := sender(t, s, mail.TLS).Send(ctx, signin); !errors.Is(err, message.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A server that talks without an end is not listened to.
func TestEndlessReplies(t *testing.T) {
	s := start(t, &server{implicit: true, auth: "PLAIN", replies: map[string]string{"MAIL": "250 " + strings.Repeat("a", 2<<20)}})
	if _, err := sender(t, s, mail.TLS).Send(t.Context(), signin); !errors.Is(err, message.ErrUnavailable) {
		t.Error(err)
	}
}

// Nothing is said to a server that the connection is not kept from others to.
func TestInsecureServers(t *testing.T) {
	_, pool := certificate()
	trusting := &tls.Config{RootCAs: pool}
	for name, c := range map[string]struct {
		server   *server
		security mail.Security
		trusts   *tls.Config
		want     error
	}{
		"no STARTTLS":               {&server{auth: "PLAIN"}, mail.StartTLS, trusting, message.ErrSettings},
		"STARTTLS refused":          {&server{startTLS: true, auth: "PLAIN", replies: map[string]string{"STARTTLS": "454 not now"}}, mail.StartTLS, trusting, message.ErrUnavailable},
		"a certificate of nobody":   {&server{implicit: true, auth: "PLAIN"}, mail.TLS, nil, message.ErrUnavailable},
		"the same after STARTTLS":   {&server{startTLS: true, auth: "PLAIN"}, mail.StartTLS, nil, message.ErrUnavailable},
		"a certificate of another":  {&server{implicit: true, auth: "PLAIN"}, mail.TLS, &tls.Config{RootCAs: pool, ServerName: "smtp.example.com"}, message.ErrUnavailable},
		"no TLS where there should": {&server{auth: "PLAIN"}, mail.TLS, trusting, message.ErrUnavailable},
		"another way to sign in":    {&server{implicit: true, auth: "CRAM-MD5"}, mail.TLS, trusting, message.ErrSettings},
		"no way to sign in":         {&server{implicit: true}, mail.TLS, trusting, message.ErrSettings},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, c.server)
			sender, err := mail.New(settings(s, c.security), &mail.Options{TLS: c.trusts})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if _, err := sender.Send(ctx, signin); !errors.Is(err, c.want) {
				t.Errorf("%v", err)
			}
			if _, commands := s.got(); slices.Contains(commands, "AUTH") || slices.Contains(commands, "MAIL") {
				t.Errorf("the server was told %v", commands)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	s := start(t, &server{})
	closed := &server{port: 1} // tcpmux, which nothing here listens on
	_, err := sender(t, closed, mail.TLS).Send(t.Context(), signin)
	if !errors.Is(err, message.ErrUnavailable) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sender(t, s, mail.Plain).Send(ctx, signin); !errors.Is(err, message.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, commands := s.got(); len(commands) > 1 {
		t.Errorf("the server was told %v", commands)
	}
}

func TestInvalidMessages(t *testing.T) {
	s := start(t, &server{})
	sender := sender(t, s, mail.Plain)
	addresses := []string{
		"", "alice", "alice@", "@example.net", "Alice <alice@example.net>", "<alice@example.net>", "alice@example.net, bob@example.net",
		"alice@example.net\r\nBcc: bob@example.net",
		"alice@example.net\n", "alice@example.net>\r\nRCPT TO:<bob@example.net", "alice(comment)@example.net", `"al ice"@example.net`,
		"爱丽丝@example.net", "alice@例子.cn",
		"alice@example.net;bob@example.net", "alice @example.net", "alice@example.net\x00", strings.Repeat("a", 250) + "@example.net",
	}
	for _, to := range addresses {
		m := signin
		m.To = to
		if _, err := sender.Send(t.Context(), m); !errors.Is(err, message.ErrAddress) {
			t.Errorf("%q: %v", to, err)
		}
	}
	for name, c := range map[string]struct {
		change func(m *message.Message)
		want   error
	}{
		"a text message":              {func(m *message.Message) { m.Channel = message.SMS }, message.ErrSettings},
		"no text":                     {func(m *message.Message) { m.Template = "birthday" }, message.ErrSettings},
		"a header in the reference":   {func(m *message.Message) { m.Ref = "1>\r\nBcc: b@example.net\r\nX: <" }, errs.Invalid},
		"a header in the subject":     {func(m *message.Message) { m.Vars[0].Value = "1\r\nBcc: bob@example.net" }, errs.Invalid},
		"a tab in the subject":        {func(m *message.Message) { m.Vars[0].Value = "1\t2" }, errs.Invalid},
		"a long subject":              {func(m *message.Message) { m.Vars[0].Value = strings.Repeat("1", 501) }, errs.Invalid},
		"a control character":         {func(m *message.Message) { m.Vars[1].Value = "\x1b[2J" }, errs.Invalid},
		"no variable for the subject": {func(m *message.Message) { m.Vars = m.Vars[1:] }, errs.Invalid},
		"no variable for the text":    {func(m *message.Message) { m.Vars = m.Vars[:1] }, errs.Invalid},
	} {
		m := signin
		m.Vars = slices.Clone(m.Vars)
		c.change(&m)
		if _, err := sender.Send(t.Context(), m); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, commands := s.got(); len(commands) > 0 {
		t.Errorf("the server was told %v", commands)
	}
}

func TestConcurrentSends(t *testing.T) {
	s := start(t, &server{startTLS: true, auth: "LOGIN"})
	sender := sender(t, s, mail.StartTLS)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := sender.Send(t.Context(), signin); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if mails, _ := s.got(); len(mails) != 8 {
		t.Errorf("%d mails", len(mails))
	}
}

func TestNewListsMistakes(t *testing.T) {
	good := settings(&server{port: 1}, mail.TLS)
	for want, change := range map[string]func(s *mail.Settings){
		"host is no name of a server":                           func(s *mail.Settings) { s.Host = "smtp.example.com:465" },
		"security is none of TLS, StartTLS and Plain":           func(s *mail.Settings) { s.Security = 9 },
		"security is Plain to a host that is not this machine":  func(s *mail.Settings) { s.Security, s.Host = mail.Plain, "smtp.example.com" },
		"port is not between 0 and 65535":                       func(s *mail.Settings) { s.Port = 1 << 16 },
		"password is there without login, or missing":           func(s *mail.Settings) { s.Password = "" },
		"name has a control character":                          func(s *mail.Settings) { s.Name = "a\r\nBcc: b@example.net" },
		"from is no address of a mailbox":                       func(s *mail.Settings) { s.From = "Shop <shop@example.com>" },
		"texts are missing":                                     func(s *mail.Settings) { s.Texts = nil },
		"texts[0].subject is missing; texts[0].body is missing": func(s *mail.Settings) { s.Texts = []mail.Text{{Template: "a"}} },
		"texts[0].html can't be read: template: html:1: unclosed action": func(s *mail.Settings) {
			s.Texts = []mail.Text{{Template: "a", Subject: "a", Body: "a", HTML: "{{.a"}}
		},
		"texts[1].language is missing in one of the texts of the template": func(s *mail.Settings) {
			s.Texts = []mail.Text{{Template: "a", Language: "en", Subject: "a", Body: "a"}, {Template: "a", Subject: "a", Body: "a"}}
		},
	} {
		s := good
		change(&s)
		_, err := mail.New(s, nil)
		var e *errs.DefinitionError
		if !errors.As(err, &e) || err.Error() != "mail: the definition has mistakes: "+want {
			t.Errorf("%v", err)
		}
	}
}

// Whatever a variable has, the mail has the headers that it should and the text with it.
func FuzzMail(f *testing.F) {
	for _, s := range []string{code, "\r\n.\r\nMAIL FROM:<x>", "a\r\nBcc: b", "=?utf-8?q?x?=", "<script>", "王小明 😀", "", "\u2028"} {
		f.Add(s)
	}
	s := start(f, &server{})
	with := settings(s, mail.Plain)
	with.Login, with.Password, with.From = "", "", login
	with.Texts = []mail.Text{{Template: "signin", Subject: "Code {{.code}}", Body: "{{.code}}|{{.shop}}"}}
	sender, err := mail.New(with, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for i, subject := range []string{code, value} {
			m := signin
			m.Vars = []message.Var{{Name: "code", Value: subject}, {Name: "shop", Value: value}}
			before, _ := s.got()
			_, err := sender.Send(t.Context(), m)
			after, _ := s.got()
			if err != nil {
				if len(after) != len(before) || !errors.Is(err, errs.Invalid) {
					t.Errorf("%q: %v", value, err)
				}
				continue
			}
			got, err := netmail.ReadMessage(strings.NewReader(after[len(after)-1].data))
			if err != nil || len(got.Header) != 9 {
				t.Fatalf("%d: %q: %v: %v", i, value, got.Header, err)
			}
			if text, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject")); i == 0 && (text != "Code "+code || err != nil) {
				t.Errorf("subject %q, %v", text, err)
			}
			if text := part(t, got.Header.Get, got.Body); text != subject+"|"+value {
				t.Errorf("%q is read as %q", value, text)
			}
		}
	})
}
