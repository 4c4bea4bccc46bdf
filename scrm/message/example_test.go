package message_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/scrmkit/scrmkit/scrm/message"
)

// On a laptop, one sender prints what others would send.
func ExampleByChannel() {
	s := message.ByChannel{message.SMS: message.Print(os.Stdout)}
	_, err := s.Send(context.Background(), message.Message{
		Ref: "1", Channel: message.SMS, To: "+8613800138000", Template: "signin", Vars: []message.Var{{Name: "code", Value: "123456"}},
	})
	fmt.Println(err)
	_, err = s.Send(context.Background(), message.Message{Ref: "2", Channel: message.Mail, To: "a@example.com", Template: "signin"})
	fmt.Println(errors.Is(err, message.ErrSettings), err)
	// Output:
	// sms to +8613800138000: signin code="123456"
	// <nil>
	// true message: the sender's settings are refused (channel): there is no sender for channel "mail"
}
