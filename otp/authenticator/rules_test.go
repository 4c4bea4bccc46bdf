package authenticator

import (
	"errors"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
)

func TestWait(t *testing.T) {
	for failures, want := range map[int64]time.Duration{
		-1: 0, 0: 0, 1: 0, 4: 0, 5: 30 * time.Second, 6: time.Minute, 7: 2 * time.Minute, 8: 4 * time.Minute, 9: 8 * time.Minute,
		10: 16 * time.Minute, 11: 32 * time.Minute, 12: time.Hour, 13: time.Hour, 99: time.Hour, 1 << 62: time.Hour,
	} {
		if got := Wait(failures); got != want {
			t.Errorf("after %d failures: %v, want %v", failures, got, want)
		}
	}
}

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func TestTry(t *testing.T) {
	totp := standard()
	step := totp.step(noon)
	right := totp.code(step)
	failed := func(n int64, at time.Time) Authenticator { return Authenticator{Number: 1, Failures: n, LastWrong: at} }
	for _, c := range []struct {
		name    string
		before  Authenticator
		code    string
		after   Authenticator
		refused string
		err     error
	}{
		{"right", Authenticator{Number: 1}, right, Authenticator{Number: 1, Step: step, LastUsed: noon}, "", nil},
		{"right, after failures", failed(4, noon), right, Authenticator{Number: 1, Step: step, LastUsed: noon}, "", nil},
		{"used", Authenticator{Step: step, Failures: 3}, right, Authenticator{Step: step, Failures: 3}, Used, nil},
		{"wrong", Authenticator{Number: 1}, "000000", failed(1, noon), Wrong, nil},
		{"wrong, for the fifth time", failed(4, noon), "000000", failed(5, noon), Wrong, nil},
		{"right, too early", failed(5, noon), right, failed(5, noon), "", &ThrottledError{30 * time.Second}},
		{"right, hardly too early", failed(5, noon.Add(1-30*time.Second)), right, failed(5, noon.Add(1-30*time.Second)), "", &ThrottledError{1}},
		{"right, in time", failed(5, noon.Add(-30*time.Second)), right, Authenticator{Number: 1, Step: step, LastUsed: noon}, "", nil},
		{
			"right, counted by a clock that is ahead", failed(5, noon.Add(MaxSkew)), right, failed(5, noon.Add(MaxSkew)), "", &ThrottledError{30 * time.Second},
		},
		{
			"right, after one that a clock counted that is ahead", failed(1, noon.Add(1)), right, Authenticator{Number: 1, Step: step, LastUsed: noon}, "", nil,
		},
		{"wrong, counted by a clock that was wrong", failed(50, noon.Add(MaxSkew+1)), "000000", failed(51, noon), Wrong, nil},
		{
			"wrong, for the hundredth time", failed(99, noon.Add(-time.Hour)), "000000",
			Authenticator{Number: 1, Failures: 100, LastWrong: noon, Disabled: noon}, Wrong, nil,
		},
		{"right, disabled", Authenticator{Disabled: noon}, right, Authenticator{Disabled: noon}, "", ErrDisabled},
	} {
		after, refused, err := c.before.try(totp, c.code, noon, false)
		var got, want *ThrottledError
		same := errors.Is(err, c.err)
		if errors.As(c.err, &want) {
			same = errors.As(err, &got) && *got == *want && errors.Is(err, errs.Exhausted)
		}
		if after != c.after || refused != c.refused || !same {
			t.Errorf("%s: %+v, %q, %v", c.name, after, refused, err)
		}
	}
}

func TestStatus(t *testing.T) {
	var s Status
	for _, fail := range []func() (Status, error){
		func() (Status, error) { return s.renew(noon) }, func() (Status, error) { return s.disable(noon) }, s.remove,
	} {
		if after, err := fail(); after != s || !errors.Is(err, ErrNotEnrolled) {
			t.Errorf("before any enrollment: %+v, %v", after, err)
		}
	}
	s = s.enroll(noon)
	if s.Enrolled() || !s.waits(noon.Add(ConfirmWithin-1)) || s.waits(noon.Add(ConfirmWithin)) || s.Pending.Number != 1 {
		t.Errorf("enrolled: %+v", s)
	}
	s = s.confirm(noon)
	if !s.Enrolled() || s.waits(noon) || s.Active != (Authenticator{Number: 1, Enrolled: noon, Confirmed: noon}) {
		t.Errorf("confirmed: %+v", s)
	}
	s, err := s.disable(noon)
	if again, failed := s.disable(noon.Add(1)); err != nil || failed != nil || !s.Active.Disabled.Equal(noon) || again != s || !s.Enrolled() {
		t.Errorf("disabled: %+v, %v, %v", again, err, failed)
	}
	s, err = s.renew(noon)
	if err != nil || s.Recovery != (Recovery{Number: 1, Made: noon, Left: RecoveryCodes}) {
		t.Errorf("renewed: %+v, %v", s, err)
	}
	s = s.enroll(noon)
	if !s.Enrolled() || s.Active.Number != 1 || s.Pending.Number != 2 {
		t.Errorf("enrolled anew: %+v", s)
	}
	s = s.confirm(noon)
	if s.Active.Number != 2 || !s.Active.Disabled.IsZero() || s.Recovery.Left != RecoveryCodes {
		t.Errorf("confirmed anew: %+v", s)
	}
	s, err = s.remove()
	if s != (Status{Enrollments: 2, Sets: 1}) || err != nil {
		t.Errorf("removed: %+v, %v", s, err)
	}
}
