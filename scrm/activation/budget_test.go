package activation_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/scrm/activation"
)

func tryIn(codes *activation.Engine, c activation.Issued, device, agent string) (activation.Access, error) {
	return codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: activation.DeviceID(device), Agent: activation.AgentID(agent)})
}

func throttled(t *testing.T, err error) time.Duration {
	t.Helper()
	var e *activation.ThrottledError
	if !errors.As(err, &e) || e.RetryAfter <= 0 {
		t.Fatalf("error is %v, want a *ThrottledError", err)
	}
	return e.RetryAfter
}

func TestLeakedCodes(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("at one device keep no other out", func(t *testing.T) {
			codes, now := open(t, db.Tenant("device"))
			c := issue(codes, both, "k")
			var wait time.Duration
			for range 30 {
				if _, err := tryIn(codes, c, "thief", "t"); err != nil {
					wait = throttled(t, err)
				}
			}
			if wait == 0 {
				t.Fatal("30 sign-ins at a device in no time")
			}
			signIn(codes, c, "honest")
			now.pass(wait)
			signIn(codes, c, "thief")
			_, err := tryIn(codes, c, "thief", "t")
			throttled(t, err)
			if n := len(must(codes.Code(ctx, c.ID)).Sessions); n != 2 {
				t.Fatal(n)
			}
		})
		t.Run("as one agent at made-up devices leave room for others", func(t *testing.T) {
			codes, _ := open(t, db.Tenant("agent"))
			c := issue(codes, both, "k")
			signIn(codes, c, "senior")
			refused := 0
			for i := range 60 {
				if _, err := tryIn(codes, c, fmt.Sprint("bot", i), ""); err != nil {
					isError(t, err, activation.ErrSessions)
					refused++
				}
			}
			if refused != 10 {
				t.Fatal(refused, "of 60 were refused")
			}
			must(tryIn(codes, c, "new", "li"))
			signIn(codes, c, "senior")
		})
		t.Run("at a hundred made-up devices keep known devices out for no time, and new ones until theirs are idle", func(t *testing.T) {
			codes, now := open(t, db.Tenant("many"))
			c := issue(codes, both, "k")
			senior := signIn(codes, c, "senior")
			must(codes.SignOut(ctx, activation.SignOut{Session: senior.ID(), Key: "out"}))
			now.pass(time.Hour)
			var bots []activation.Access
			for i := range 100 {
				bots = append(bots, must(tryIn(codes, c, fmt.Sprint("bot", i), fmt.Sprint("bot", i%10))))
			}
			for i := range 20 {
				_, err := tryIn(codes, c, fmt.Sprint("more", i), "more")
				throttled(t, err)
			}
			must(tryIn(codes, c, "senior", "kathy"))
			if n := len(must(codes.Code(ctx, c.ID)).Sessions); n != 100 {
				t.Fatal(n)
			}
			now.pass(time.Minute)
			_, err := tryIn(codes, c, "new", "li")
			var full *activation.SessionsError
			if !errors.As(err, &full) || full.Sessions != 100 || full.RetryAfter != activation.Away-time.Minute {
				t.Fatal(err)
			}
			for waited := time.Minute; ; waited += time.Minute {
				for _, b := range bots {
					_, _ = codes.Beat(ctx, b.Token)
				}
				now.pass(time.Minute)
				if _, err := tryIn(codes, c, "new", "li"); err == nil {
					break
				}
				if waited >= activation.Settling {
					t.Fatal("kept out for", waited, err)
				}
			}
			must(codes.Renew(ctx, activation.Renew{Code: c.ID, Key: "r"}))
		})
		t.Run("charge what is refused, and what was refused stays charged", func(t *testing.T) {
			codes, _ := open(t, db.Tenant("refused"))
			listed := both
			listed.Listed = true
			c, off := issue(codes, listed, "k"), issue(codes, both, "o")
			must(codes.Disable(ctx, one(off.ID, "off")))
			for _, k := range []struct {
				issued activation.Issued
				want   error
			}{{c, activation.ErrDevice}, {off, activation.ErrDisabled}} {
				other, _ := open(t, db.Tenant("refused"))
				for i := range 20 {
					_, err := tryIn([]*activation.Engine{codes, other}[i%2], k.issued, "thief", "t")
					isError(t, err, k.want)
				}
				_, err := tryIn(codes, k.issued, "thief", "t")
				throttled(t, err)
				_, err = tryIn(codes, k.issued, "another", "t")
				isError(t, err, k.want)
			}
			if n := count(codes.Devices(ctx)); n != 0 {
				t.Fatal("a device that was refused is stored:", n)
			}
		})
	})
}

// Whatever somebody does with the code at one device, and whoever he says he is, another device
// signs in at once.
func TestOneDeviceKeepsNoOtherOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, now := open2(t)
		c := issue(codes, activation.Settings{Platforms: both.Platforms, Ports: 200}, "k")
		var access activation.Access
		for step := range rapid.IntRange(1, 150).Draw(t, "steps") {
			key := fmt.Sprint("s", step)
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0, 1, 2, 3, 4:
				if s, err := tryIn(codes, c, "thief", rapid.SampledFrom([]string{"", "kathy", "li"}).Draw(t, "agent")); err == nil {
					access = s
				}
			case 5:
				_, _ = link(codes, access, key, key)
			case 6:
				_, _ = codes.Beat(ctx, access.Token)
			case 7:
				_, _ = codes.SignOut(ctx, activation.SignOut{Session: access.ID(), Key: key})
			case 8:
				now.pass(time.Duration(rapid.IntRange(0, 300).Draw(t, "seconds")) * time.Second)
			case 9:
				device := fmt.Sprint("honest", rapid.IntRange(0, 3).Draw(t, "device"))
				if _, err := tryIn(codes, c, device, "kathy"); err != nil {
					var full *activation.ThrottledError
					if !errors.As(err, &full) {
						t.Fatal(err)
					}
				}
			}
		}
		for i := range 20 {
			if _, err := tryIn(codes, c, fmt.Sprint("other", i), "kathy"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// However many devices somebody makes up, one that was there before them signs in at once, and a
// new one within Settling of the last that could still be new.
func TestMadeUpDevicesKeepNoKnownOneOut(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	rapid.Check(t, func(t *rapid.T) {
		codes, now := open2(t)
		c := issue(codes, activation.Settings{Platforms: both.Platforms, Ports: 200}, "k")
		for i := range 3 {
			must(tryIn(codes, c, fmt.Sprint("desk", i), "kathy"))
		}
		now.pass(time.Minute)
		var accesses []activation.Access
		for step := range rapid.IntRange(1, 15).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0, 1:
				for i := range rapid.IntRange(1, 120).Draw(t, "bots") {
					s, err := tryIn(codes, c, fmt.Sprint("bot", step, "-", i), fmt.Sprint(i%3))
					if err != nil {
						break
					}
					if accesses = append(accesses, s); rapid.IntRange(0, 30).Draw(t, "links") == 0 {
						_, _ = link(codes, s, fmt.Sprint(step, i), fmt.Sprint(step, "-", i))
					}
				}
			case 2:
				for _, s := range accesses[max(0, len(accesses)-100):] { // as many as have sessions at most
					_, _ = codes.Beat(ctx, s.Token)
				}
			case 3:
				now.pass(time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds")) * time.Second)
			}
			code := must(codes.Code(ctx, c.ID))
			of := map[activation.AgentID]int{}
			for _, s := range code.Sessions {
				of[s.Agent]++
			}
			if len(code.Sessions) > 100 || slices.ContainsFunc(slices.Collect(func(yield func(int) bool) {
				for _, n := range of {
					if !yield(n) {
						return
					}
				}
			}), func(n int) bool { return n > 50 }) {
				t.Fatal(len(code.Sessions), of)
			}
		}
		for i := range 3 {
			if _, err := tryIn(codes, c, fmt.Sprint("desk", i), "kathy"); err != nil {
				t.Fatal(err)
			}
		}
	})
}
