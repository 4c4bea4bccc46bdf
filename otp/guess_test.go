package otp_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// guess types a code and returns the error: nil, ErrInvalidCode or *ThrottledError.
func (b *bench) guess(typist otp.TypistID, code string) error {
	b.t.Helper()
	_, err := b.codes.Check(ctx, otp.Check{Scope: "s", Typist: typist, Code: code, Key: b.fresh()})
	var throttled *otp.ThrottledError
	if err != nil && !errors.Is(err, otp.ErrInvalidCode) && !errors.As(err, &throttled) {
		b.t.Fatal(err)
	}
	return err
}

// crowd issues that many codes to as many holders.
func (b *bench) crowd(n int) (all []otp.Issued) {
	b.t.Helper()
	for i := range n {
		all = append(all, b.issue("s", otp.HolderID(fmt.Sprint("m", i)), "stamp"))
	}
	return all
}

func TestGuessesAtAnyNumberOfLiveCodes(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	for _, p := range []otp.Policy{{}, {MaxDigits: 6}} {
		for _, live := range []int{1, 2, 10, 11, 13, 16, 19, 20, 21, 25, 26, 30, 40, 41, 100, 219, 220, 250} {
			if p.MaxDigits == 6 && live > 40 {
				continue
			}
			t.Run(fmt.Sprintf("%d live codes, policy %d", live, p.MaxDigits), func(t *testing.T) {
				t.Run("one typist leaves room for another's two guesses", func(t *testing.T) {
					if p.MaxDigits == 6 && live > 20 {
						t.Skip("the policy gives them up")
					}
					b := openWith(t, memory.New(), p)
					codes := b.crowd(live)
					for i := 0; ; i++ {
						if err := b.guess("crooked", wrong(codes...)); !errors.Is(err, otp.ErrInvalidCode) {
							break
						}
						if i > 10 {
							t.Fatal("no end of guesses")
						}
					}
					if err := b.guess("kathy", wrong(codes...)); !errors.Is(err, otp.ErrInvalidCode) {
						t.Error("the first, wrong:", err)
					}
					if err := b.guess("kathy", codes[live/2].Code); err != nil {
						t.Error("the second, right:", err)
					}
				})
				t.Run("one wrong guess leaves room for a right one", func(t *testing.T) {
					for _, typist := range []otp.TypistID{"kathy", "li"} {
						b := openWith(t, memory.New(), p)
						codes := b.crowd(live)
						if err := b.guess("kathy", wrong(codes...)); !errors.Is(err, otp.ErrInvalidCode) {
							t.Fatal(err)
						}
						if err := b.guess(typist, codes[0].Code); err != nil {
							t.Errorf("%s: %v", typist, err)
						}
					}
				})
			})
		}
	}
}

// A right code that a colleague has just spent is the same answer as a wrong one, and charged
// nothing; any other that is not live is charged.
func TestAJustSpentCodeIsChargedNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db.Tenant("spent"))
		codes := b.crowd(1)
		claim, err := b.check("s", codes[0].Code, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.spend(claim); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			if err := b.guess("li", codes[0].Code); !errors.Is(err, otp.ErrInvalidCode) {
				t.Fatal(err)
			}
		}
		charged := func(name string, check otp.Check) {
			t.Helper()
			n := 0
			for check.Typist = otp.TypistID(name); ; n++ {
				check.Scope, check.Key = "s", b.fresh()
				if _, err := b.codes.Check(ctx, check); !errors.Is(err, otp.ErrInvalidCode) {
					break
				}
				if n > 20 {
					t.Fatalf("%s: no end of guesses", name)
				}
			}
			b.wait(2 * time.Hour)
		}
		charged("spent-for-another-purpose", otp.Check{Code: codes[0].Code, Purpose: "redeem"})
		charged("spent-and-past-its-end", otp.Check{Code: codes[0].Code})
		old := b.issue("s", "bob", "stamp")
		b.issue("s", "bob", "stamp")
		charged("replaced", otp.Check{Code: old.Code})
	})
}

// A guess by a clock that is ahead closes nothing for longer than the right clocks say.
func TestAGuessByAWrongClock(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, 24 * time.Hour, 365 * 24 * time.Hour} {
		b := open(t, memory.New())
		b.wait(ahead)
		if err := b.guess("kathy", "123456"); !errors.Is(err, otp.ErrInvalidCode) {
			t.Fatal(err)
		}
		if _, err := b.codes.Issue(ctx, otp.Issue{Scope: "s", Holder: "alice", Purpose: "redeem", Key: "ahead"}); err != nil {
			t.Fatal(err)
		}
		b.wait(-ahead)
		waited := time.Duration(0)
		for {
			issued, err := b.codes.Issue(ctx, otp.Issue{Scope: "s", Holder: "alice", Purpose: "stamp", Key: b.fresh()})
			if err == nil {
				err = b.guess("kathy", issued.Code)
			}
			var throttled *otp.ThrottledError
			if !errors.As(err, &throttled) {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			b.wait(throttled.RetryAfter)
			if waited += throttled.RetryAfter; waited > 12*time.Minute {
				t.Fatalf("by a clock %s ahead the scope is closed for %s", ahead, waited)
			}
		}
	}
}

// What one clock made another takes, as long as they are MaxSkew apart or less.
func TestClocksApart(t *testing.T) {
	for _, c := range []struct {
		skew time.Duration // of the checker
		good bool
	}{
		{-otp.MaxSkew - time.Microsecond, false}, {-otp.MaxSkew, true}, {-time.Second, true}, {time.Second, true}, {otp.MaxSkew, true},
	} {
		b := open(t, memory.New())
		issued := b.issue("s", "alice", "stamp")
		b.wait(c.skew)
		claim, err := b.check("s", issued.Code, "")
		if (err == nil) != c.good {
			t.Errorf("a checker %s ahead: %v", c.skew, err)
		}
		for _, spender := range []time.Duration{-otp.MaxSkew, 0, otp.MaxSkew} {
			if !c.good {
				continue
			}
			b.wait(spender)
			err := b.spend(claim)
			b.wait(-spender)
			if (err == nil) != (spender == -otp.MaxSkew) { // the first of them spends it
				t.Errorf("a spender %s ahead of the checker: %v", spender, err)
			}
		}
	}
	b := open(t, memory.New())
	b.wait(24 * time.Hour)
	claim, err := b.check("s", b.issue("s", "alice", "stamp").Code, "")
	if err != nil {
		t.Fatal(err)
	}
	b.wait(-24 * time.Hour)
	if err := b.spend(claim); !errors.Is(err, otp.ErrInvalidCode) {
		t.Error("a claim of tomorrow was spent:", err)
	}
}

// Numbers count the codes of a scope, and nothing else.
func TestNumbersCountCodes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db.Tenant("numbers"))
		for n := range int64(4) {
			issued := b.issue("s", "alice", "stamp")
			if issued.Number != n+1 {
				t.Fatalf("code %d has the number %d", n+1, issued.Number)
			}
			_ = b.guess("kathy", issued.Code)
			_ = b.guess("li", wrong(issued))
		}
		for _, subject := range []string{journal.Subject("otp-typist", "s", "kathy"), journal.Subject("otp-typist", "s", "li")} {
			last := int64(1 << 60)
			for r, err := range b.db.Journal().Of(ctx, subject) {
				if err != nil || r.Seq >= last {
					t.Fatalf("entry %d of %s comes after %d: %v", r.Seq, subject, last, err)
				}
				last = r.Seq
			}
		}
	})
}

// Nothing but a Check with digits, a key and ids that can be is charged.
func TestBadInputCostsNoGuess(t *testing.T) {
	b := open(t, memory.New())
	good := otp.Check{Scope: "s", Typist: "kathy", Code: "123456", Key: "k"}
	for name, change := range map[string]func(*otp.Check){
		"no scope":      func(c *otp.Check) { c.Scope = "" },
		"no typist":     func(c *otp.Check) { c.Typist = "" },
		"no key":        func(c *otp.Check) { c.Key = "" },
		"a bad purpose": func(c *otp.Check) { c.Purpose = "a\x00" },
		"no digits":     func(c *otp.Check) { c.Code = "12345a" },
		"too few":       func(c *otp.Check) { c.Code = "12345" },
	} {
		c := good
		change(&c)
		var input *errs.InputError
		if err := c.Validate(); !errors.As(err, &input) {
			t.Errorf("%s is valid: %v", name, err)
		}
		if _, err := b.codes.Check(ctx, c); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for r := range b.db.Journal().After(ctx, "", 0) {
		t.Fatal("something was stored:", r)
	}
}

// 100 wrong codes in a row stop a typist, however long they took, until somebody lets the typist
// in.
func TestAHundredWrongCodesInARowStopATypist(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db.Tenant("stopped"))
		miss := func(n int) {
			t.Helper()
			for i := 0; i < n; {
				err := b.guess("kathy", "123456")
				var throttled *otp.ThrottledError
				if errors.As(err, &throttled) {
					b.wait(throttled.RetryAfter)
					continue
				}
				if !errors.Is(err, otp.ErrInvalidCode) {
					t.Fatal(i, err)
				}
				i++
			}
		}
		miss(otp.MaxMisses - 1)
		b.wait(time.Hour)
		if n, err := b.codes.Prune(ctx, b.now); err != nil {
			t.Fatal(n, err)
		}
		if err := b.guess("kathy", b.issue("s", "alice", "stamp").Code); err != nil {
			t.Fatal("after 99:", err)
		}
		miss(otp.MaxMisses) // a right code begins the count anew
		b.wait(24 * time.Hour)
		code := b.issue("s", "alice", "stamp").Code
		check := otp.Check{Scope: "s", Typist: "kathy", Code: code, Key: "right"}
		_, err := b.codes.Check(ctx, check)
		var stopped *otp.StoppedError
		if !errors.As(err, &stopped) || stopped.Typist != "kathy" || stopped.Scope != "s" {
			t.Fatal("after 100:", err)
		}
		if err := b.guess("li", code); err != nil {
			t.Error("a colleague is stopped too:", err)
		}
		admit := otp.Admit{Scope: "s", Typist: "kathy", By: "head-office", Key: "admit"}
		for _, typist := range []otp.TypistID{"li", "nobody"} {
			if _, err := b.codes.Admit(ctx, otp.Admit{Scope: "s", Typist: typist, Key: "admit"}); !errors.Is(err, otp.ErrNotStopped) {
				t.Errorf("%s was let in: %v", typist, err)
			}
		}
		for replayed := range 2 {
			a, err := b.codes.Admit(ctx, admit)
			if err != nil || a.Misses != otp.MaxMisses || a.Replayed != (replayed == 1) {
				t.Fatal(a, err)
			}
		}
		admit.Typist = "kathy\x00"
		var input *errs.InputError
		if _, err := b.codes.Admit(ctx, admit); !errors.As(err, &input) {
			t.Error(err)
		}
		if _, err := b.codes.Check(ctx, check); err != nil {
			t.Error("she was let in:", err)
		}
	})
}

// A shop is told how long its codes are and will be, and a policy keeps them at six digits.
func TestAShopIsToldOfLongerCodes(t *testing.T) {
	b := open(t, memory.New())
	for i, issued := range b.crowd(21) {
		digits, next := 6, 6
		if i >= 19 {
			next = 7
		}
		if i >= 20 {
			digits = 7
		}
		if issued.Digits != digits || len(issued.Code) != digits || issued.Next != next {
			t.Errorf("code %d has %d digits, told as %d, and the next %d", i+1, len(issued.Code), issued.Digits, issued.Next)
		}
	}
	b = openWith(t, memory.New(), otp.Policy{MaxDigits: 6})
	for i, issued := range b.crowd(40) {
		next := 6
		if i == 39 {
			next = 0
		}
		if issued.Digits != 6 || len(issued.Code) != 6 || issued.Next != next {
			t.Errorf("code %d has %d digits, told as %d, and the next %d", i+1, len(issued.Code), issued.Digits, issued.Next)
		}
	}
	if _, err := b.codes.Issue(ctx, otp.Issue{Scope: "s", Holder: "one-more", Purpose: "stamp", Key: "k"}); !errors.Is(err, otp.ErrCrowded) {
		t.Error(err)
	}
	b.wait(otp.DefaultTTL)
	b.issue("s", "one-more", "stamp")
}
