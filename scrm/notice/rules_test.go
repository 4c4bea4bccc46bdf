package notice

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/outbox"
)

var noon = time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)

func TestNotices(t *testing.T) {
	good := Notice{Member: "alice", Key: "1", Kind: "points", Content: json.RawMessage(`{"n":1}`), Until: noon}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for field, change := range map[string]func(*Notice){
		"member":  func(n *Notice) { n.Member = "" },
		"key":     func(n *Notice) { n.Key = "two words" },
		"kind":    func(n *Notice) { n.Kind = "" },
		"content": func(n *Notice) { n.Content = nil },
		"from":    func(n *Notice) { n.From = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"until":   func(n *Notice) { n.Until = time.Time{} },
	} {
		n := good
		change(&n)
		var wrong *errs.InputError
		if err := n.check(); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("without a valid %s: %v", field, err)
		}
	}
	for name, change := range map[string]func(*Notice){
		"an end that is no later than the begin": func(n *Notice) { n.From = n.Until },
		"content that is no JSON":                func(n *Notice) { n.Content = json.RawMessage(`{`) },
		"content that is too long":               func(n *Notice) { n.Content = json.RawMessage(`"` + strings.Repeat("x", MaxContent) + `"`) },
	} {
		n := good
		change(&n)
		if err := n.check(); !errors.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSettle(t *testing.T) {
	taken := posted(Notice{Member: "alice", Key: "1", Until: noon.Add(time.Hour)}, noon).lease(noon)
	if taken.Tries != 1 || !taken.Due.Equal(noon.Add(Lease)) {
		t.Fatalf("%+v", taken)
	}
	for _, c := range []struct {
		name    string
		try     int
		outcome outbox.Outcome
		want    State
		changed bool
		due     time.Duration
	}{
		{"sent", 1, outbox.Outcome{Verdict: outbox.Sent, ID: "17"}, Sent, true, 0},
		{"rejected", 1, outbox.Outcome{Verdict: outbox.Rejected}, Rejected, true, 0},
		{"unknown", 1, outbox.Outcome{Verdict: outbox.Unknown}, Unknown, true, 0},
		{"again", 1, outbox.Outcome{}, Pending, true, 30 * time.Second},
		{"again, later", 1, outbox.Outcome{Wait: 40 * time.Minute}, Pending, true, 40 * time.Minute},
		{"again, too late", 1, outbox.Outcome{Wait: time.Hour}, Expired, true, 0},
		{"of a try before", 0, outbox.Outcome{Verdict: outbox.Rejected}, Pending, false, Lease},
	} {
		got, changed := taken.settle(c.try, c.outcome, noon)
		want := time.Time{}
		if c.due > 0 {
			want = noon.Add(c.due)
		}
		if got.State != c.want || changed != c.changed || !got.Due.Equal(want) || got.ID != c.outcome.ID {
			t.Errorf("%s: %+v, %t", c.name, got, changed)
		}
		if got.State == Pending {
			continue
		}
		for _, o := range []outbox.Outcome{{}, {Verdict: outbox.Sent}, {Verdict: outbox.Rejected}} {
			if again, changed := got.settle(1, o, noon); changed || again.State != got.State {
				t.Errorf("%s, and then %+v: %+v", c.name, o, again)
			}
		}
	}
	if late := taken.lease(noon.Add(time.Hour)); late.State != Expired || !late.Due.IsZero() {
		t.Errorf("at its end: %+v", late)
	}
}

func TestBackoff(t *testing.T) {
	for tries, want := range map[int]time.Duration{1: 30 * time.Second, 2: time.Minute, 7: 32 * time.Minute, 8: time.Hour, 1000: time.Hour} {
		if got := backoff(tries); got != want {
			t.Errorf("after %d tries: %s, want %s", tries, got, want)
		}
	}
}
