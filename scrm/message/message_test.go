package message_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// Whoever wraps an Error, its kind, its class and its data are found.
func TestErrors(t *testing.T) {
	for kind, class := range map[error]errs.Class{
		message.ErrUnknown: errs.Internal, message.ErrThrottled: errs.Exhausted, message.ErrRefused: errs.Denied, message.ErrAddress: errs.Invalid,
		message.ErrSettings: errs.Internal, message.ErrBalance: errs.Internal, message.ErrUnavailable: errs.Internal,
	} {
		err := fmt.Errorf("outbox: %w", &message.Error{Vendor: "aliyun", Code: "isv.X", Kind: kind})
		var e *message.Error
		if !errors.Is(err, kind) || errs.ClassOf(err) != class || !errors.As(err, &e) || e.Code != "isv.X" {
			t.Errorf("%v: class %q", err, errs.ClassOf(err))
		}
	}
}

// An Error that says nothing leaves it open whether the message is sent.
func TestErrorWithoutKind(t *testing.T) {
	if err := error(&message.Error{Vendor: "x"}); !errors.Is(err, message.ErrUnknown) || err.Error() != "message: whether it was sent is unknown (x)" {
		t.Error(err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestPrintReportsItsWriter(t *testing.T) {
	if _, err := message.Print(broken{}).Send(t.Context(), message.Message{}); err == nil {
		t.Error("there is no error")
	}
}
