package mail_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// A server is an SMTP server that takes one mail at a time, and plays faults.
type server struct {
	implicit bool              // TLS from the start
	startTLS bool              // STARTTLS is offered
	auth     string            // mechanisms that are offered
	replies  map[string]string // in the place of the one to a command; "connect", "content" and "." are commands too
	hang     string            // command that is not answered
	cut      string            // command that the connection ends after

	port int
	tls  *tls.Config
	hung chan struct{} // closed when the server begins to hang

	mu       sync.Mutex
	mails    []delivered
	commands []string
}

// A delivered is what a server got.
type delivered struct {
	from, to, login, password, data string
	tls                             bool
}

const (
	login    = "noreply@shop.example.com"
	password = "TOPSECRET0123456789"
)

// certificate returns one of 127.0.0.1, and those who trust it.
var certificate = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		panic(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
})

// start has a server listen until the test ends.
func start(t testing.TB, s *server) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own, _ := certificate()
	s.port, s.tls, s.hung = l.Addr().(*net.TCPAddr).Port, &tls.Config{Certificates: []tls.Certificate{own}}, make(chan struct{})
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				gone := make(chan struct{})
				wg.Go(func() {
					select {
					case <-done:
					case <-gone:
					}
					_ = c.Close()
				})
				s.serve(c, done)
				close(gone)
			})
		}
	})
	t.Cleanup(func() {
		close(done)
		_ = l.Close()
		wg.Wait()
	})
	return s
}

// serve speaks with one client.
func (s *server) serve(c net.Conn, done <-chan struct{}) {
	var d delivered
	var in *bufio.Reader
	use := func(conn net.Conn) { c, in = conn, bufio.NewReader(conn) }
	use(c)
	line := func() (string, bool) {
		text, err := in.ReadString('\n')
		return strings.TrimRight(text, "\r\n"), err == nil
	}
	hang := func() {
		close(s.hung)
		<-done
	}
	// answer answers a command, and reports whether it did so as a server that is well.
	answer := func(command, reply string) bool {
		s.mu.Lock()
		s.commands = append(s.commands, command)
		s.mu.Unlock()
		if s.hang == command {
			hang()
			return false
		}
		if s.cut == command {
			_ = c.Close()
			return false
		}
		other := s.replies[command]
		if other != "" {
			reply = other
		}
		_, err := io.WriteString(c, reply+"\r\n")
		return err == nil && other == ""
	}
	if s.hang == "handshake" {
		hang()
		return
	}
	if s.implicit {
		d.tls = true
		use(tls.Server(c, s.tls))
	}
	if !answer("connect", "220 fake ESMTP") {
		return
	}
	for {
		text, ok := line()
		if !ok {
			return
		}
		verb, rest, _ := strings.Cut(text, " ")
		switch verb {
		case "EHLO":
			reply := "250-fake\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES"
			if s.startTLS && !d.tls {
				reply += "\r\n250-STARTTLS"
			} else if s.auth != "" {
				reply += "\r\n250-AUTH " + s.auth
			}
			answer(verb, reply+"\r\n250 SIZE 1000000")
		case "STARTTLS":
			if answer(verb, "220 go on") {
				d.tls = true
				use(tls.Server(c, s.tls))
			}
		case "AUTH":
			mechanism, first, _ := strings.Cut(rest, " ")
			if mechanism == "LOGIN" {
				for _, to := range []*string{&d.login, &d.password} {
					_, _ = fmt.Fprintf(c, "334 VXNlcm5hbWU6\r\n")
					text, _ := line()
					raw, _ := base64.StdEncoding.DecodeString(text)
					*to = string(raw)
				}
			} else {
				raw, _ := base64.StdEncoding.DecodeString(first)
				if parts := strings.Split(string(raw), "\x00"); len(parts) == 3 {
					d.login, d.password = parts[1], parts[2]
				}
			}
			answer(verb, "235 2.7.0 welcome")
		case "MAIL":
			d.from = rest
			answer(verb, "250 2.1.0 ok")
		case "RCPT":
			d.to = rest
			answer(verb, "250 2.1.5 ok")
		case "DATA":
			if !answer(verb, "354 go on") {
				continue
			}
			if s.hang == "content" {
				_, _ = in.ReadByte()
				hang()
				return
			}
			var data strings.Builder
			for {
				text, ok := line()
				if !ok {
					return
				}
				if text == "." {
					break
				}
				data.WriteString(strings.TrimPrefix(text, ".") + "\r\n")
			}
			d.data = data.String()
			s.mu.Lock()
			s.mails = append(s.mails, d)
			s.mu.Unlock()
			answer(".", "250 2.0.0 queued")
		case "QUIT":
			answer(verb, "221 bye")
			return
		default:
			answer(verb, "502 what?")
		}
	}
}

// got returns the mails and the commands so far.
func (s *server) got() ([]delivered, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mails, s.commands
}
