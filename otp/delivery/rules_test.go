package delivery

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func TestPause(t *testing.T) {
	for _, c := range []struct {
		misses int64
		want   time.Duration
	}{
		{0, time.Minute}, {4, time.Minute}, {5, 2 * time.Minute}, {9, 2 * time.Minute}, {10, 4 * time.Minute}, {45, 512 * time.Minute},
		{50, 1024 * time.Minute}, {54, 1024 * time.Minute}, {55, 24 * time.Hour}, {99, 24 * time.Hour}, {1 << 40, 24 * time.Hour},
	} {
		if got := Pause(c.misses); got != c.want {
			t.Errorf("after %d misses: %s, want %s", c.misses, got, c.want)
		}
	}
}

// typed is a match of a code that is right, or not.
func typed(is bool) func(verification) bool { return func(verification) bool { return is } }

// sent returns the history after a code for a purpose.
func (h history) sent(t testing.TB, p Purpose, now time.Time) history {
	t.Helper()
	v, err := h.next(p, now)
	if err != nil {
		t.Fatal(err)
	}
	h, _ = h.send(v, code{ref: fmt.Sprint(p, now), expires: now.Add(10 * time.Minute)}, now)
	return h
}

// guessed returns the history after wrong codes, and how many of them were counted.
func (h history) guessed(t testing.TB, p Purpose, n int, now time.Time) (history, int) {
	t.Helper()
	counted := 0
	for range n {
		next, _, v, err := h.try(p, now, typed(false))
		if err != nil && !errors.Is(err, ErrStopped) {
			t.Fatal(err)
		}
		if v == wrong {
			counted++
		}
		h = next
	}
	return h, counted
}

func throttled(err error) (Budget, time.Duration) {
	if e, ok := errors.AsType[*ThrottledError](err); ok {
		return e.Budget, e.RetryAfter
	}
	return "", 0
}

func TestWhenACodeMayBeSent(t *testing.T) {
	h := history{}.sent(t, "signin", noon)
	for _, c := range []struct {
		name    string
		history history
		after   time.Duration
		budget  Budget
		wait    time.Duration
	}{
		{"at once", h, 0, BudgetPause, time.Minute},
		{"a microsecond early", h, time.Minute - time.Microsecond, BudgetPause, time.Microsecond},
		{"after a minute", h, time.Minute, "", 0},
		{"by a clock that is behind", h, -MaxSkew, BudgetPause, time.Minute + MaxSkew},
		{"by one that is far behind", h, -time.Hour, "", 0},
		{"after five wrong ones", history{Sent: noon, Misses: 5}, time.Minute, BudgetPause, time.Minute},
		{"of five", history{Sent: noon, Open: []verification{{Purpose: "signin", Sends: 5, Lapses: noon.Add(Lapse)}}}, 10 * time.Minute, BudgetSends, 50 * time.Minute},
		{"of five, for another purpose", history{Sent: noon, Open: []verification{{Purpose: "reset", Sends: 5, Lapses: noon.Add(Lapse)}}}, 10 * time.Minute, "", 0},
		{"after ten wrong ones", history{Sent: noon, Open: []verification{{Purpose: "signin", Wrong: 10, Lapses: noon.Add(Lapse)}}}, 10 * time.Minute, BudgetSends, 50 * time.Minute},
		{"once it has lapsed", history{Sent: noon, Open: []verification{{Purpose: "signin", Sends: 5, Lapses: noon.Add(Lapse)}}}, Lapse, "", 0},
	} {
		_, err := c.history.next("signin", noon.Add(c.after))
		if budget, wait := throttled(err); budget != c.budget || wait != c.wait || (err == nil) != (budget == "") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := (history{Misses: MaxMisses}).next("signin", noon); !errors.Is(err, ErrStopped) {
		t.Error(err)
	}
}

func TestAVerification(t *testing.T) {
	h := history{}
	for i := range MaxSends {
		now := noon.Add(time.Duration(i) * time.Minute)
		v, err := h.next("signin", now)
		if err != nil {
			t.Fatal(err)
		}
		var sent Sent
		h, sent = h.send(v, code{ref: fmt.Sprint(i), expires: now.Add(10 * time.Minute)}, now)
		next := now.Add(time.Minute)
		if i == MaxSends-1 {
			next = noon.Add(Lapse)
		}
		if sent.Left != MaxSends-1-i || !sent.Next.Equal(next) || len(h.Open) != 1 {
			t.Errorf("code %d: %+v, %+v", i, sent, h)
		}
	}
	t.Run("lasts as long as its last code", func(t *testing.T) {
		h := history{}.sent(t, "signin", noon).sent(t, "signin", noon.Add(59*time.Minute))
		if lapses := h.Open[0].Lapses; !lapses.Equal(noon.Add(69 * time.Minute)) {
			t.Error(lapses)
		}
	})
	t.Run("lasts as long as its claims", func(t *testing.T) {
		h, v, verdict, err := history{}.sent(t, "signin", noon).sent(t, "signin", noon.Add(59*time.Minute)).try("signin", noon.Add(68*time.Minute), typed(true))
		if err != nil || verdict != right || !v.Lapses.Equal(noon.Add(78*time.Minute)) || !h.Open[0].Lapses.Equal(v.Lapses) {
			t.Error(v, verdict, err)
		}
	})
	t.Run("is spent once", func(t *testing.T) {
		h := history{}.sent(t, "signin", noon)
		h.Open[0].ID = []byte("id")
		if _, ok := h.spend("signin", []byte("other"), noon); ok {
			t.Error("another one's claim")
		}
		if _, ok := h.spend("reset", []byte("id"), noon); ok {
			t.Error("for another purpose")
		}
		h, ok := h.spend("signin", []byte("id"), noon)
		if !ok || len(h.Open) != 0 {
			t.Error(h, ok)
		}
	})
}

func TestAttempts(t *testing.T) {
	h := history{}.sent(t, "signin", noon)
	for _, c := range []struct {
		name    string
		purpose Purpose
		after   time.Duration
		right   bool
		want    verdict
	}{
		{"right", "signin", 0, true, right},
		{"right, at the last moment", "signin", 10*time.Minute - time.Microsecond, true, right},
		{"right, and expired", "signin", 10 * time.Minute, true, nothing},
		{"right, by a clock that is behind", "signin", -MaxSkew, true, right},
		{"right, by one that is far behind", "signin", -MaxSkew - time.Microsecond, true, nothing},
		{"right, for another purpose", "reset", 0, true, nothing},
		{"wrong", "signin", 0, false, wrong},
		{"wrong, and expired", "signin", 10 * time.Minute, false, nothing},
	} {
		next, _, got, err := h.try(c.purpose, noon.Add(c.after), typed(c.right))
		if err != nil || got != c.want || (next.Misses == 1) != (c.want == wrong) {
			t.Errorf("%s: %q, %v, %+v", c.name, got, err, next)
		}
	}
	silent := history{}.sent(t, "signin", noon)
	silent.Open[0].Silent = true
	if next, _, got, err := silent.try("signin", noon, typed(true)); got != wrong || err != nil || next.Misses != 1 {
		t.Error("a silent code was right:", got, err)
	}
	if _, _, _, err := (history{Misses: MaxMisses}).try("signin", noon, typed(true)); !errors.Is(err, ErrStopped) {
		t.Error(err)
	}
	h.Misses = 7
	if next, _, _, _ := h.try("signin", noon, typed(true)); next.Misses != 0 {
		t.Error("a right code leaves misses:", next.Misses)
	}
}

// A code dies with 5 wrong ones, and the others of its address with it until the next is sent; a
// new code gives 5 more, and a verification takes 10.
func TestWrongCodes(t *testing.T) {
	now := noon
	h := history{}.sent(t, "signin", now)
	now = now.Add(time.Minute)
	h = h.sent(t, "reset", now)
	h, n := h.guessed(t, "signin", 9, now)
	if _, _, other, _ := h.try("reset", now, typed(true)); n != 5 || other != nothing {
		t.Fatal("of 9:", n, other)
	}
	h, n = h.sent(t, "signin", now.Add(2*time.Minute)).guessed(t, "reset", 3, now.Add(2*time.Minute))
	if n != 3 {
		t.Fatal("of 3 for the other purpose:", n)
	}
	now = now.Add(6 * time.Minute)
	h, n = h.sent(t, "signin", now).guessed(t, "signin", 9, now)
	if n != 5 {
		t.Fatal("of 9:", n)
	}
	if budget, _ := throttled(func() error { _, err := h.next("signin", now.Add(30*time.Minute)); return err }()); budget != BudgetSends {
		t.Error("an eleventh wrong code of the verification has room:", budget)
	}
	if _, n = h.guessed(t, "signin", 1, now); n != 0 {
		t.Error("an eleventh wrong code was counted")
	}
}

// However somebody without the code goes about it, with any purposes, pauses and clocks: at most 54
// wrong codes are taken in the first 24 hours, at most that in any other, 100 until somebody proves
// the address, 10 in a verification and 5 between two codes.
func TestGuessesAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, now := history{}, noon
		var at []time.Time
		since := 0
		life := rapid.SampledFrom([]time.Duration{time.Minute, 10 * time.Minute, day}).Draw(t, "life")
		patient := rapid.Bool().Draw(t, "patient")
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			p := rapid.SampledFrom([]Purpose{"a", "b", "c"}).Draw(t, "purpose")
			clock := now.Add(time.Duration(rapid.Int64Range(-int64(MaxSkew)/2, int64(MaxSkew)/2).Draw(t, "skew")))
			if v, err := h.next(p, clock); err == nil {
				h, _ = h.send(v, code{expires: clock.Add(life)}, clock)
				since = 0
			} else if _, wait := throttled(err); patient {
				now = now.Add(wait)
			} else {
				now = now.Add(min(wait, time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "wait"))))
			}
			for range rapid.IntRange(3, 6).Draw(t, "guesses") {
				next, _, verdict, err := h.try(p, clock, typed(false))
				if err != nil && !errors.Is(err, ErrStopped) {
					t.Fatal(err)
				}
				if h = next; verdict == wrong {
					at, since = append(at, now), since+1
				}
			}
			if since > MaxTries {
				t.Fatalf("%d wrong codes after one that was sent", since)
			}
			for _, v := range h.Open {
				if v.Wrong > MaxWrong || v.Tries > MaxTries || v.Sends > MaxSends {
					t.Fatalf("%+v", v)
				}
			}
			i := 0
			for k := range at {
				for at[k].Sub(at[i]) >= day {
					i++
				}
				if k-i+1 > 54 {
					t.Fatalf("%d wrong codes in 24 hours", k-i+1)
				}
			}
			if len(at) > MaxMisses {
				t.Fatalf("%d wrong codes", len(at))
			}
		}
	})
}

// Whoever waits no longer than needed, and types as many wrong codes each time as make it the most,
// is stopped after 54 on the first day, and after 100 in all on the twelfth.
func TestThePatientAttacker(t *testing.T) {
	for per := 1; per <= MaxTries; per++ {
		h, now, first, total := history{}, noon, 0, 0
		for total < MaxMisses {
			p := Purpose(fmt.Sprint("p", total)) // another purpose each time, so that no verification is in the way
			h = h.sent(t, p, now)
			n := per
			if h.Misses%MaxTries+int64(per) >= MaxTries {
				n = MaxTries // it makes the next pause longer whether or not it is used up
			}
			h, n = h.guessed(t, p, n, now)
			if total += n; now.Sub(noon) < day {
				first = total
			}
			now = now.Add(max(h.pause(now), 0))
		}
		t.Logf("%d at a time: %d on the first day, all on day %d", per, first, int(now.Sub(noon)/day)+1)
		if first > 54 || total > MaxMisses || now.Sub(noon) < 10*day {
			t.Errorf("%d at a time: %d on the first day, %d in %s", per, first, total, now.Sub(noon))
		}
		if _, err := h.next("signin", now); !errors.Is(err, ErrStopped) {
			t.Error(err)
		}
	}
}

func TestPolicy(t *testing.T) {
	p, err := Policy{}.complete()
	if err != nil || p.SMSLife != 10*time.Minute || p.MailLife != 10*time.Minute || p.Address != (Quota{20, day}) || p.Prefixes["+86"] != p.SMS || len(p.Prefixes) != 1 {
		t.Fatal(p, err)
	}
	for field, p := range map[string]Policy{
		"policy.smsLife":          {SMSLife: 11 * time.Minute},
		"policy.mailLife":         {MailLife: 25 * time.Hour},
		"policy.address.n":        {Address: Quota{0, day}},
		"policy.from.window":      {From: Quota{1, 7 * time.Hour}},
		"policy.wrong.window":     {Wrong: Quota{1, time.Second}},
		"policy.sms.n":            {SMS: Quota{maxQuota + 1, day}},
		"policy.mail.window":      {Mail: Quota{1, 48 * time.Hour}},
		`policy.prefixes["86"]`:   {Prefixes: map[string]Quota{"86": {1, day}}},
		`policy.prefixes["+"]`:    {Prefixes: map[string]Quota{"+": {1, day}}},
		`policy.prefixes["+8x"]`:  {Prefixes: map[string]Quota{"+8x": {1, day}}},
		`policy.prefixes["+1"].n`: {Prefixes: map[string]Quota{"+1": {-1, day}}},
	} {
		_, err := p.complete()
		if e, ok := errors.AsType[*errs.InputError](err); !ok || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	p, err = Policy{Prefixes: map[string]Quota{"+86": {5, day}, "+1": {3, day}, "+1242": {}, "+1242300": {1, day}}}.complete()
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[Address]string{
		"+8613800138000": "+86", "+12025550123": "+1", "+12423220000": "", "+12423000000": "+1242300", "+447700900123": "", "+85298765432": "",
	} {
		if got, _, err := p.prefix(number); got != want || (err == nil) == (want == "") {
			t.Errorf("%s: %q, %v", number, got, err)
		}
	}
}

func TestQuotaWindows(t *testing.T) {
	for _, c := range []struct {
		q    Quota
		now  time.Time
		want time.Time
	}{
		{Quota{1, day}, noon, noon.Add(12 * time.Hour)},
		{Quota{1, day}, noon.Add(12*time.Hour - 1), noon.Add(12 * time.Hour)},
		{Quota{1, day}, noon.Add(12 * time.Hour), noon.Add(36 * time.Hour)},
		{Quota{1, time.Hour}, noon, noon.Add(time.Hour)},
	} {
		if got := c.q.until(c.now); !got.Equal(c.want) {
			t.Errorf("%v at %s: %s, want %s", c.q, c.now, got, c.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[Address]string{
		"+8613800138000": "sms", "+12025550123": "sms", "alice@example.com": "mail", "Alice+tag@Mail.Example.COM": "mail", "a.b-c_d@x-1.cn": "mail",
		"": "", "+": "", "+86": "", "13800138000": "", "+86 138 0013 8000": "", "+86138001380００": "", "+5215512345678": "", "008613800138000": "",
		"alice": "", "@example.com": "", "alice@": "", "alice@localhost": "", "a@b@example.com": "", "alice@example..com": "", ".alice@example.com": "",
		"alice.@example.com": "", "al ice@example.com": "", "alice@example.com\r\nBcc: x@y.z": "", "alice@-example.com": "", "alice＠example.com": "",
		"<alice@example.com>": "", "alice@[192.0.2.1]": "", "\"a\"@example.com": "", "ålice@example.com": "", "a,b@example.com": "",
	} {
		err := address.check()
		if (err == nil) != (want != "") || err == nil && string(address.Channel()) != want {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"+8613800138000", "alice@example.com", "a@b.c\r\n", "+1 202 555 0123", "a@b.c,d@e.f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a := Address(s)
		if err := a.check(); err != nil {
			return
		}
		for _, r := range s {
			if r <= ' ' || r > '~' || r == ',' || r == ';' || r == '<' || r == '"' {
				t.Fatalf("%q is accepted", s)
			}
		}
		if err := Address(a.folded()).check(); err != nil {
			t.Fatalf("%q is accepted and %q is not: %v", s, a.folded(), err)
		}
	})
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"123456", "１２３ ４５６", "12-34-56", "1234567", "٣٤٥٦٧٨", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Normalize(s)
		if err != nil {
			return
		}
		if again, err := Normalize(got); len(got) != codeLen || !of(got, numbers) || again != got || err != nil {
			t.Fatalf("%q is read as %q, and that as %q: %v", s, got, again, err)
		}
	})
}
