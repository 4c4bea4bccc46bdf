package pgtest

import (
	"net"
	"sync"
	"testing"
)

// A Proxy hands connections on to one of its targets, as what stands before servers does. Its
// methods may be called at once.
type Proxy struct {
	listener net.Listener
	mu       sync.Mutex
	targets  []string
	open     map[*link]bool
}

// A link is a connection that is handed on.
type link struct {
	client, server net.Conn
	mute           bool // guarded by the proxy
}

// NewProxy returns a proxy on an address of its own, which ends with the test.
func NewProxy(t testing.TB, targets ...string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	p := &Proxy{listener: l, targets: targets, open: map[*link]bool{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.To()
		p.Cut()
		all.Wait()
	})
	return p
}

// Addr returns the address of the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// To sets the targets of the connections to come: each goes to one after the other, or to the first
// that takes it.
func (p *Proxy) To(targets ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = targets
}

// Mute has no answer arrive on the connections that are open.
func (p *Proxy) Mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.open {
		l.mute = true
	}
}

// Cut ends the connections that are open.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.open {
		_, _ = l.client.Close(), l.server.Close()
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	l := p.link(client)
	if l == nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.copy(l, l.server, l.client) })
	both.Go(func() { p.copy(l, l.client, l.server) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, l)
}

// link connects to a target; nil: none takes the connection.
func (p *Proxy) link(client net.Conn) *link {
	p.mu.Lock()
	targets := p.targets
	if len(targets) > 1 {
		p.targets = append(targets[1:len(targets):len(targets)], targets[0])
	}
	p.mu.Unlock()
	for _, target := range targets {
		server, err := net.Dial("tcp", target)
		if err != nil {
			continue
		}
		l := &link{client: client, server: server}
		p.mu.Lock()
		p.open[l] = true
		p.mu.Unlock()
		return l
	}
	return nil
}

// copy hands on what comes from one side of a link, and ends both with it.
func (p *Proxy) copy(l *link, to, from net.Conn) {
	defer func() { _, _ = l.client.Close(), l.server.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		mute := l.mute && from == l.server
		p.mu.Unlock()
		if mute {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
