package message

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// ByChannel is a Sender that sends each message by the Sender of its channel, so that one outbox
// serves all of them.
type ByChannel map[Channel]Sender

// Send sends by the Sender of m.Channel. Errors: ErrSettings where there is none; its own.
func (b ByChannel) Send(ctx context.Context, m Message) (id string, err error) {
	s := b[m.Channel]
	if s == nil {
		return "", fmt.Errorf("%w: there is no sender for channel %q", &Error{Vendor: "channel", Kind: ErrSettings}, m.Channel)
	}
	return s.Send(ctx, m)
}

// Print returns a Sender that prints messages on w, and sends none. It is for development alone:
// addresses and codes are printed as they are.
func Print(w io.Writer) Sender { return &printer{w: w} }

type printer struct {
	mu sync.Mutex
	w  io.Writer
}

// Send prints a message on one line.
func (p *printer) Send(_ context.Context, m Message) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := fmt.Sprintf("%s to %s: %s", m.Channel, m.To, m.Template)
	for _, v := range m.Vars {
		line += fmt.Sprintf(" %s=%q", v.Name, v.Value)
	}
	if _, err := fmt.Fprintln(p.w, line); err != nil {
		return "", fmt.Errorf("message: print: %w", err)
	}
	return "", nil
}
