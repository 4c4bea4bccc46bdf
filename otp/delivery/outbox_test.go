package delivery

import (
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/outbox"
)

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
		outcome outbox.Outcome
		want    State
		changed bool
		due     time.Duration
	}{
		{"sent", sending, 2, outbox.Outcome{Verdict: outbox.Sent}, StateSent, true, 0},
		{"rejected", sending, 2, outbox.Outcome{Verdict: outbox.Rejected}, StateRejected, true, 0},
		{"unknown", sending, 2, outbox.Outcome{Verdict: outbox.Unknown}, StateUnknown, true, 0},
		{"again", sending, 2, outbox.Outcome{Verdict: outbox.Again}, StatePending, true, 4 * time.Second},
		{"again, later", sending, 2, outbox.Outcome{Verdict: outbox.Again, Wait: time.Minute}, StatePending, true, time.Minute},
		{"again, too late", sending, 2, outbox.Outcome{Verdict: outbox.Again, Wait: 10 * time.Minute}, StateDropped, true, 0},
		{"of another try", sending, 1, outbox.Outcome{Verdict: outbox.Sent}, StateSending, false, 0},
		{"sent, after the lease", of(StateUnknown), 2, outbox.Outcome{Verdict: outbox.Sent}, StateSent, true, 0},
		{"rejected, after the lease", of(StateUnknown), 2, outbox.Outcome{Verdict: outbox.Rejected}, StateRejected, true, 0},
		{"again, after the lease", of(StateUnknown), 2, outbox.Outcome{Verdict: outbox.Again}, StateUnknown, false, 0},
		{"sent, after the receipt", of(StateDelivered), 2, outbox.Outcome{Verdict: outbox.Sent}, StateDelivered, false, 0},
		{"again, after the receipt", of(StateUndelivered), 2, outbox.Outcome{Verdict: outbox.Again}, StateUndelivered, false, 0},
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
