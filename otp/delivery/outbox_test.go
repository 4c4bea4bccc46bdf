package delivery

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
		err    error
		state  State
		wait   time.Duration
		fault  error
		reason string
	}{
		{nil, StateSent, 0, nil, ""},
		{told(message.ErrThrottled, time.Minute), StatePending, time.Minute, nil, "message: too many messages (aliyun: isv.X)"},
		{message.ErrThrottled, StatePending, 0, nil, "message: too many messages"},
		{told(message.ErrAddress, 0), StateRejected, 0, nil, "message: invalid address (aliyun: isv.X)"},
		{told(message.ErrRefused, 0), StateRejected, 0, nil, "message: the recipient refuses messages (aliyun: isv.X)"},
		{&errs.InputError{Field: "vars", Reason: "123456 is too long"}, StateRejected, 0, nil, "the sender refuses the message as invalid"},
		{told(message.ErrSettings, 0), StatePending, 0, message.ErrSettings, "message: the sender's settings are refused (aliyun: isv.X)"},
		{told(message.ErrBalance, 0), StatePending, 0, message.ErrBalance, "message: nothing is left on the vendor's account (aliyun: isv.X)"},
		{told(message.ErrUnavailable, 0), StatePending, 0, message.ErrUnavailable, "message: vendor is unavailable (aliyun: isv.X)"},
		{told(message.ErrUnknown, 0), StateUnknown, 0, nil, "message: whether it was sent is unknown (aliyun: isv.X)"},
		{errors.Join(&errs.InputError{}, message.ErrUnavailable), StateUnknown, 0, nil, "message: whether it was sent is unknown"},
		{context.DeadlineExceeded, StateUnknown, 0, nil, "message: whether it was sent is unknown"},
		{errors.New("to +8613800138000: broken pipe"), StateUnknown, 0, nil, "message: whether it was sent is unknown"},
		{errors.Join(told(message.ErrUnavailable, 0), message.ErrUnknown), StateUnknown, 0, nil, "message: whether it was sent is unknown (aliyun: isv.X)"},
		{errors.Join(message.ErrThrottled, message.ErrAddress), StateUnknown, 0, nil, "message: whether it was sent is unknown"},
	} {
		o := outcomeOf("vendor-1", c.err, "123456", "0138000")
		if o.state != c.state || o.wait != c.wait || o.reason != c.reason || (o.fault == nil) != (c.fault == nil) || c.fault != nil && !errors.Is(o.fault, c.fault) {
			t.Errorf("%v: %+v", c.err, o)
		}
		if (o.id != "") != (c.err == nil) {
			t.Errorf("%v: id %q", c.err, o.id)
		}
	}
}

// What a sender writes of the address or the code is not kept.
func TestOutcomesHoldNoSecret(t *testing.T) {
	for _, text := range []string{"13800138000", "+8613800138000", "x-0138000-y", "123456", "no 123456", "two words", "new\nline", strings.Repeat("x", 200)} {
		for _, err := range []error{nil, &message.Error{Vendor: text, Code: text, Kind: message.ErrUnavailable}} {
			o := outcomeOf(text, err, "123456", Address("+8613800138000").telltale())
			if o.id != "" || strings.Contains(o.reason, text) || o.fault != nil && strings.Contains(o.fault.Error(), text) {
				t.Errorf("%q: %+v", text, o)
			}
		}
	}
	if o := outcomeOf("for-Alice-7", nil, "123456", Address("alice@example.com").telltale()); o.id != "" {
		t.Error(o)
	}
}

func TestSettle(t *testing.T) {
	sending := note{State: StateSending, Tries: 2, Expires: noon.Add(10 * time.Minute), Sealed: []byte("sealed")}
	of := func(s State) note {
		n := sending
		n.State = s
		return n
	}
	for _, c := range []struct {
		name    string
		note    note
		try     int
		outcome outcome
		want    State
		changed bool
		due     time.Duration
	}{
		{"sent", sending, 2, outcome{state: StateSent}, StateSent, true, 0},
		{"rejected", sending, 2, outcome{state: StateRejected}, StateRejected, true, 0},
		{"unknown", sending, 2, outcome{state: StateUnknown}, StateUnknown, true, 0},
		{"again", sending, 2, outcome{state: StatePending}, StatePending, true, 4 * time.Second},
		{"again, later", sending, 2, outcome{state: StatePending, wait: time.Minute}, StatePending, true, time.Minute},
		{"again, too late", sending, 2, outcome{state: StatePending, wait: 10 * time.Minute}, StateDropped, true, 0},
		{"of another try", sending, 1, outcome{state: StateSent}, StateSending, false, 0},
		{"sent, after the lease", of(StateUnknown), 2, outcome{state: StateSent}, StateSent, true, 0},
		{"rejected, after the lease", of(StateUnknown), 2, outcome{state: StateRejected}, StateRejected, true, 0},
		{"again, after the lease", of(StateUnknown), 2, outcome{state: StatePending}, StateUnknown, false, 0},
		{"sent, after the receipt", of(StateDelivered), 2, outcome{state: StateSent}, StateDelivered, false, 0},
		{"again, after the receipt", of(StateUndelivered), 2, outcome{state: StatePending}, StateUndelivered, false, 0},
	} {
		got, changed := c.note.settle(c.try, c.outcome, noon)
		if got.State != c.want || changed != c.changed || c.due > 0 && !got.Due.Equal(noon.Add(c.due)) || changed && c.due == 0 && !got.Due.IsZero() {
			t.Errorf("%s: %+v, %v", c.name, got, changed)
		}
		if kept := got.State == StatePending || !changed; kept != (len(got.Sealed) > 0) {
			t.Errorf("%s: the contents are %q", c.name, got.Sealed)
		}
	}
}

func TestBackoff(t *testing.T) {
	for tries, want := range map[int]time.Duration{1: 2 * time.Second, 2: 4 * time.Second, 5: 32 * time.Second, 6: time.Minute, 1000: time.Minute} {
		if got := backoff(tries); got != want {
			t.Errorf("after %d tries: %s, want %s", tries, got, want)
		}
	}
}

func TestReceipts(t *testing.T) {
	for _, c := range []struct {
		from      State
		delivered bool
		want      State
	}{
		{StateSent, true, StateDelivered}, {StateSent, false, StateUndelivered},
		{StateSending, true, StateDelivered}, {StateSending, false, StateUndelivered},
		{StateUnknown, true, StateDelivered}, {StateUnknown, false, StateUndelivered},
		{StatePending, true, StateDelivered}, {StatePending, false, StatePending},
		{StateRejected, true, StateDelivered}, {StateRejected, false, StateRejected},
		{StateDelivered, false, StateDelivered}, {StateDelivered, true, StateDelivered},
		{StateUndelivered, true, StateDelivered}, {StateUndelivered, false, StateUndelivered},
		{StateSilent, true, StateSilent}, {StateSilent, false, StateSilent},
	} {
		got, changed := note{State: c.from, Sealed: []byte("sealed")}.receive(c.delivered, noon)
		if got.State != c.want || changed != (c.from != c.want) || changed && got.Sealed != nil {
			t.Errorf("%s, %v: %+v, %v", c.from, c.delivered, got, changed)
		}
	}
}
