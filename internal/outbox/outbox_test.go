package outbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/scrm/message"
)

func TestOutcomes(t *testing.T) {
	told := func(kind error, after time.Duration) error {
		return fmt.Errorf("send: %w", &message.Error{Vendor: "aliyun", Code: "isv.X", RetryAfter: after, Kind: kind})
	}
	for _, c := range []struct {
		err     error
		verdict Verdict
		wait    time.Duration
		fault   error
		reason  string
	}{
		{nil, Sent, 0, nil, ""},
		{told(message.ErrThrottled, time.Minute), Again, time.Minute, nil, "message: too many messages (aliyun: isv.X)"},
		{message.ErrThrottled, Again, 0, nil, "message: too many messages"},
		{told(message.ErrAddress, 0), Rejected, 0, nil, "message: invalid address (aliyun: isv.X)"},
		{told(message.ErrRefused, 0), Rejected, 0, nil, "message: the recipient refuses messages (aliyun: isv.X)"},
		{&errs.InputError{Field: "vars", Reason: "123456 is too long"}, Rejected, 0, nil, "message: the sender refuses the message as invalid"},
		{told(message.ErrSettings, 0), Again, 0, message.ErrSettings, "message: the sender's settings are refused (aliyun: isv.X)"},
		{told(message.ErrBalance, 0), Again, 0, message.ErrBalance, "message: nothing is left on the vendor's account (aliyun: isv.X)"},
		{told(message.ErrUnavailable, 0), Again, 0, message.ErrUnavailable, "message: vendor is unavailable (aliyun: isv.X)"},
		{told(message.ErrUnknown, 0), Unknown, 0, nil, "message: whether it was sent is unknown (aliyun: isv.X)"},
		{errors.Join(&errs.InputError{}, message.ErrUnavailable), Unknown, 0, nil, "message: whether it was sent is unknown"},
		{told(message.ErrLater, time.Hour), Again, time.Hour, nil, "message: not now (aliyun: isv.X)"},
		{context.DeadlineExceeded, Unknown, 0, nil, "message: whether it was sent is unknown"},
		{errors.New("to +8613800138000: broken pipe"), Unknown, 0, nil, "message: whether it was sent is unknown"},
		{errors.Join(told(message.ErrUnavailable, 0), message.ErrUnknown), Unknown, 0, nil, "message: whether it was sent is unknown (aliyun: isv.X)"},
		{errors.Join(message.ErrThrottled, message.ErrAddress), Unknown, 0, nil, "message: whether it was sent is unknown"},
	} {
		o := OutcomeOf("vendor-1", c.err, "123456", "0138000")
		if o.Verdict != c.verdict || o.Wait != c.wait || o.Reason != c.reason || (o.Fault == nil) != (c.fault == nil) || c.fault != nil && !errors.Is(o.Fault, c.fault) {
			t.Errorf("%v: %+v", c.err, o)
		}
		if (o.ID != "") != (c.err == nil) {
			t.Errorf("%v: id %q", c.err, o.ID)
		}
	}
}

// What a sender writes of the address or the code is not kept.
func TestOutcomesHoldNoSecret(t *testing.T) {
	for _, text := range []string{"13800138000", "+8613800138000", "x-0138000-y", "123456", "no 123456", "two words", "new\nline", strings.Repeat("x", 200)} {
		for _, err := range []error{nil, &message.Error{Vendor: text, Code: text, Kind: message.ErrUnavailable}} {
			o := OutcomeOf(text, err, "123456", "0138000")
			if o.ID != "" || strings.Contains(o.Reason, text) || o.Fault != nil && strings.Contains(o.Fault.Error(), text) {
				t.Errorf("%q: %+v", text, o)
			}
		}
	}
	if o := OutcomeOf("for-Alice-7", nil, "123456", "alice"); o.ID != "" {
		t.Error(o)
	}
}
