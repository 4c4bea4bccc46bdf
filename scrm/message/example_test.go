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

// Whoever hands messages over asks for the kind of an error: it says whether to try again.
func ExampleKindOf() {
	refused := fmt.Errorf("to Alice: %w", &message.Error{Vendor: "aliyun", Code: "isv.BUSINESS_LIMIT_CONTROL", Kind: message.ErrThrottled})
	for _, err := range []error{nil, refused, context.DeadlineExceeded} {
		switch message.KindOf(err) {
		case nil:
			fmt.Println("sent")
		case message.ErrThrottled, message.ErrUnavailable:
			fmt.Println("later")
		case message.ErrUnknown:
			fmt.Println("never again: it may be sent")
		}
	}
	// Output:
	// sent
	// later
	// never again: it may be sent
}
