package message_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/scrmkit/scrmkit/scrm/message"
)

// A printer is a sender for a laptop.
type printer struct{}

func (printer) Send(_ context.Context, m message.Message) (string, error) {
	if m.To == "" {
		return "", &message.Error{Vendor: "printer", Kind: message.ErrAddress}
	}
	fmt.Println(m.Template, m.Vars)
	return "", nil
}

func ExampleSender() {
	var s message.Sender = printer{}
	_, err := s.Send(context.Background(), message.Message{
		Ref: "1", Channel: message.SMS, To: "+8613800138000", Template: "signin", Vars: []message.Var{{Name: "code", Value: "123456"}},
	})
	fmt.Println(err)
	_, err = s.Send(context.Background(), message.Message{Ref: "2"})
	fmt.Println(errors.Is(err, message.ErrAddress), err)
	// Output:
	// signin [{code 123456}]
	// <nil>
	// true message: invalid address (printer)
}
