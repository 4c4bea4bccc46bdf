package authenticator_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/otp/authenticator"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// Whatever happens, and whatever the clock does: no code is accepted twice, the steps of an
// authenticator grow, a recovery code is accepted once, and a right code that is new is refused
// unread or not at all.
func TestNoCodeIsAcceptedTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := openWith(t, memory.New(), authenticator.Policy{Ahead: rapid.Bool().Draw(rt, "ahead")})
		const alice = authenticator.Subject("alice")
		apps := map[int64]authenticator.Enrollment{} // by number
		steps := map[int64]int64{}                   // of the code that each accepted last
		recovered := map[string]bool{}
		var codes []string
		// accept notes what was accepted.
		accept := func(out authenticator.Outcome) {
			a := out.Status.Active
			if last, ok := steps[a.Number]; ok && a.Step <= last {
				rt.Fatalf("authenticator %d accepts step %d after %d", a.Number, a.Step, last)
			}
			now := b.now.Unix() / 30
			if a.Step < now-1 || a.Step > now+1 {
				rt.Fatalf("step %d is accepted at %d", a.Step, now)
			}
			steps[a.Number] = a.Step
		}
		refused := func(err error) {
			if !errs.Refused(err) {
				rt.Fatal(err)
			}
		}
		shown := func(app int64) string {
			code, err := apps[app].TOTP.Code(b.now.Add(time.Duration(rapid.IntRange(-3, 3).Draw(rt, "drift")) * 30 * time.Second))
			if err != nil {
				rt.Fatal(err)
			}
			return code
		}
		rt.Repeat(map[string]func(*rapid.T){
			"wait": func(rt *rapid.T) {
				b.wait(time.Duration(rapid.SampledFrom([]int64{1, 15, 30, 60, 3600, -1, -30, -3600}).Draw(rt, "seconds")) * time.Second)
			},
			"enroll": func(*rapid.T) {
				e := b.enroll(alice)
				apps[e.Status.Pending.Number] = e
			},
			"confirm": func(*rapid.T) {
				if len(apps) == 0 {
					return
				}
				out, err := b.confirm(alice, shown(int64(len(apps))))
				if err != nil {
					refused(err)
					return
				}
				accept(out)
			},
			"verify": func(rt *rapid.T) {
				before := b.status(alice)
				if !before.Enrolled() {
					return
				}
				code := shown(before.Active.Number)
				step, right := apps[before.Active.Number].TOTP.Verify(code, b.now, before.Active.Step, false)
				v := authenticator.Verify{Subject: alice, Code: code, Key: b.fresh()}
				out, err := b.Verify(ctx, v)
				if err != nil {
					refused(err)
					if right && errors.Is(err, authenticator.ErrInvalidCode) {
						rt.Fatalf("the code of step %d is refused after %d: %v", step, before.Active.Step, err)
					}
					return
				}
				accept(out)
				if again, err := b.Verify(ctx, v); err != nil || !again.Replayed || again.Status != out.Status {
					rt.Fatalf("again: %+v, %v", again, err)
				}
				v.Key = b.fresh()
				_, err = b.Verify(ctx, v)
				if !errors.Is(err, authenticator.ErrInvalidCode) {
					rt.Fatalf("with another key: %v", err)
				}
			},
			"guess": func(*rapid.T) {
				before := b.status(alice)
				if !before.Enrolled() {
					return
				}
				_, err := b.verify(alice, b.wrong(apps[before.Active.Number]))
				refused(err)
				counted := b.status(alice).Active.Failures - before.Active.Failures
				if errors.Is(err, authenticator.ErrInvalidCode) != (counted == 1) {
					rt.Fatalf("%v is counted as %d", err, counted)
				}
			},
			"renew": func(*rapid.T) {
				if b.status(alice).Enrolled() {
					codes = b.renew(alice)
				}
			},
			"recover": func(rt *rapid.T) {
				if len(codes) == 0 {
					return
				}
				code := rapid.SampledFrom(codes).Draw(rt, "code")
				out, err := b.recover(alice, code)
				if (err == nil) == recovered[code] {
					rt.Fatalf("%s, which was used: %t: %v", code, recovered[code], err)
				}
				if err == nil {
					recovered[code] = true
				}
				if left := out.Status.Recovery.Left; err == nil && left != b.status(alice).Recovery.Left {
					rt.Fatal(fmt.Sprint("left: ", left))
				}
			},
		})
	})
}
