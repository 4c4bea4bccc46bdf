package delivery_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// In any history of codes that are asked for, typed, checked, spent and repeated, by processes
// whose clocks are MaxSkew apart: no verification ends twice and no message is sent twice; what was
// replaced is never right; between two codes five wrong ones count, in a verification ten, and no
// more than five codes are sent; and what comes again with its key has its first answer.
func TestLaws(t *testing.T) {
	db := dbtest.Of(memoryDB())
	history := 0
	rapid.Check(t, func(rt *rapid.T) {
		history++
		lawful(rt, t, db.Tenant(fmt.Sprint("law ", history)), rapid.IntRange(5, 80).Draw(rt, "steps"))
	})
}

// The same on databases, in shorter histories.
func TestLawsOfDatabases(t *testing.T) {
	race.Skip(t, "one goroutine does it all")
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		history := 0
		rapid.Check(t, func(rt *rapid.T) {
			history++
			lawful(rt, t, db.Tenant(fmt.Sprint("law ", history)), 15)
		})
	})
}

// An issue is a code as the model has it.
type issue struct {
	code     string
	expires  time.Time
	tries    int
	replaced bool
	run      *run
}

// dead reports whether no attempt at the code counts, where so many counted since it was made or
// another one was.
func (i *issue) dead(now time.Time, since int) bool {
	return i.replaced || i.run.ended || !now.Before(i.expires) || max(i.tries, since) >= delivery.MaxTries || i.run.wrong >= delivery.MaxWrong
}

// A run is a verification as the model has it.
type run struct {
	begun        time.Time
	sends, wrong int
	ended        bool
}

func lawful(rt *rapid.T, t *testing.T, db dbtest.DB, steps int) {
	skew := time.Duration(rapid.Int64Range(0, int64(delivery.MaxSkew)).Draw(rt, "skew"))
	var processes []*bench
	for i := range 2 {
		b := open(t, db)
		b.wait(time.Duration(i) * skew)
		b.n.Store(int64(i) * 1_000_000)
		processes = append(processes, b)
	}
	shared := processes[0].post
	processes[1].post = shared
	purposes := []delivery.Purpose{"a", "b"}
	issues, runs := map[delivery.Purpose][]*issue{}, map[delivery.Purpose]*run{}
	type claim struct {
		delivery.Claim
		run *run
		p   delivery.Purpose
	}
	var claims []claim
	type attempted struct {
		delivery.Attempt
		err error
		at  time.Time
	}
	var done []attempted // what counted: the rest leaves no answer
	since := 0
	for range steps {
		b := processes[rapid.IntRange(0, 1).Draw(rt, "process")]
		p := rapid.SampledFrom(purposes).Draw(rt, "purpose")
		switch rapid.SampledFrom([]string{"send", "send", "right", "wrong", "wrong", "old", "check", "spend", "again", "wait"}).Draw(rt, "step") {
		case "send":
			code, sent, err := b.tryCode(p)
			var throttled *delivery.ThrottledError
			if errors.As(err, &throttled) {
				if rapid.Bool().Draw(rt, "patient") {
					for _, b := range processes {
						b.wait(throttled.RetryAfter)
					}
				}
				continue
			}
			if err != nil {
				rt.Fatal(err)
			}
			r := runs[p]
			if r == nil || r.ended || sent.Left == delivery.MaxSends-1 {
				if r != nil && !r.ended && b.clock().Sub(r.begun) < delivery.Lapse-delivery.MaxSkew {
					rt.Fatalf("another verification begins %s after one that has not ended", b.clock().Sub(r.begun))
				}
				r = &run{begun: b.clock()}
				runs[p] = r
			}
			if r.sends++; r.sends > delivery.MaxSends {
				rt.Fatalf("%d codes of a verification", r.sends)
			}
			for _, i := range issues[p] {
				i.replaced = true
			}
			issues[p] = append(issues[p], &issue{code: code, expires: sent.Expires, run: r})
			since = 0
		case "right", "wrong", "old":
			if len(issues[p]) == 0 {
				continue
			}
			last := issues[p][len(issues[p])-1]
			i := issues[p][rapid.IntRange(0, len(issues[p])-1).Draw(rt, "issue")]
			typed := i.code
			if rapid.Bool().Draw(rt, "miss") {
				typed = wrong(last.code)
			}
			a := b.attempt(alice, p, typed)
			_, err := b.engine.Verify(ctx, a)
			if !last.dead(b.clock(), since) {
				done = append(done, attempted{a, err, b.clock()})
			}
			switch {
			case err == nil:
				if typed != last.code || last.dead(b.clock(), since) {
					rt.Fatalf("%q is right at %s after %d, and the code is %+v of %+v", typed, b.clock(), since, last, last.run)
				}
				last.run.ended = true
			case !errors.Is(err, delivery.ErrInvalidCode):
				rt.Fatal(err)
			case last.dead(b.clock(), since):
			case typed == last.code:
				rt.Fatalf("%q is wrong at %s after %d, and the code is %+v of %+v", typed, b.clock(), since, last, last.run)
			default:
				since, last.tries, last.run.wrong = since+1, last.tries+1, last.run.wrong+1
			}
		case "check":
			if len(issues[p]) == 0 {
				continue
			}
			last := issues[p][len(issues[p])-1]
			checked, err := b.engine.Check(ctx, b.attempt(alice, p, last.code))
			if err == nil {
				if last.dead(b.clock(), since) {
					rt.Fatalf("%+v of %+v is right", last, last.run)
				}
				claims = append(claims, claim{checked.Claim, last.run, p})
			} else if !errors.Is(err, delivery.ErrInvalidCode) {
				rt.Fatal(err)
			}
		case "spend":
			if len(claims) == 0 {
				continue
			}
			c := claims[rapid.IntRange(0, len(claims)-1).Draw(rt, "claim")]
			_, err := b.spend(c.p, c.Claim)
			if err == nil {
				if c.run.ended {
					rt.Fatal("a verification ended twice")
				}
				c.run.ended = true
			} else if !errors.Is(err, delivery.ErrInvalidCode) {
				rt.Fatal(err)
			}
		case "again":
			if len(done) == 0 {
				continue
			}
			d := done[rapid.IntRange(0, len(done)-1).Draw(rt, "attempt")]
			v, err := b.engine.Verify(ctx, d.Attempt)
			old := b.clock().Sub(d.at) >= delivery.ClaimTTL
			if d.err == nil && !old && (err != nil || !v.Replayed) || d.err == nil && old && !errors.Is(err, delivery.ErrInvalidCode) {
				rt.Fatalf("a right code has another answer when it comes again: %+v, %v", v, err)
			}
		case "wait":
			d := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 11 * time.Minute, 71 * time.Minute}).Draw(rt, "time")
			for _, b := range processes {
				b.wait(d)
			}
		}
	}
	for ref, messages := range shared.got {
		if len(messages) != 1 {
			rt.Fatalf("%s was sent %d times", ref, len(messages))
		}
	}
}

// tryCode asks for a code and returns it as it arrived.
func (b *bench) tryCode(p delivery.Purpose) (string, delivery.Sent, error) {
	sent, err := b.ask(alice, p)
	if err != nil {
		return "", sent, err
	}
	if _, err := b.engine.Deliver(ctx, b.post); err != nil {
		return "", sent, err
	}
	return b.post.code(sent.Ref), sent, nil
}

var _ message.Sender = (*post)(nil)
