package activation_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestPolicy(t *testing.T) {
	under := func(p activation.Policy) (*activation.Engine, *clock, error) {
		c := &clock{}
		c.now.Store(time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC).UnixMicro())
		e, err := activation.New(memory.New(), keys, &activation.Options{Now: c.time, Policy: p})
		return e, c, err
	}
	for field, p := range map[string]activation.Policy{
		"policy.device.burst":    {Device: activation.Rate{Each: time.Minute}},
		"policy.device.each":     {Device: activation.Rate{Burst: 1}},
		"policy.strangers.burst": {Strangers: activation.Rate{Burst: 10_001, Each: time.Minute}},
		"policy.strangers.each":  {Strangers: activation.Rate{Burst: 1, Each: 25 * time.Hour}},
		"policy.sessions":        {Sessions: 1001},
		"policy.agentSessions":   {Sessions: 5, AgentSessions: 6},
	} {
		var input *errs.InputError
		if _, _, err := under(p); !errors.As(err, &input) || input.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, n := range []int{-1, 1 << 40} {
		if _, _, err := under(activation.Policy{Sessions: n}); !errors.Is(err, errs.Invalid) {
			t.Errorf("%d sessions: %v", n, err)
		}
	}

	t.Run("bounds the tries of a device", func(t *testing.T) {
		codes, now, err := under(activation.Policy{Device: activation.Rate{Burst: 2, Each: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		c := issue(codes, both, "k")
		signIn(codes, c, "pc")
		signIn(codes, c, "pc")
		_, err = tryIn(codes, c, "pc", "kathy")
		if wait := throttled(t, err); wait != time.Hour {
			t.Error("to wait for", wait)
		}
		now.pass(time.Hour)
		signIn(codes, c, "pc")
	})
	t.Run("bounds the tries of strangers", func(t *testing.T) {
		codes, _, err := under(activation.Policy{Strangers: activation.Rate{Burst: 3, Each: time.Minute}})
		if err != nil {
			t.Fatal(err)
		}
		c := issue(codes, both, "k")
		for i := range 3 {
			signIn(codes, c, fmt.Sprint("pc", i))
		}
		_, err = tryIn(codes, c, "pc3", "kathy")
		throttled(t, err)
		signIn(codes, c, "pc0")
	})
	t.Run("bounds the sessions of a code and of an agent", func(t *testing.T) {
		codes, _, err := under(activation.Policy{Sessions: 3, AgentSessions: 2})
		if err != nil {
			t.Fatal(err)
		}
		c := issue(codes, both, "k")
		signIn(codes, c, "pc0")
		signIn(codes, c, "pc1")
		_, err = tryIn(codes, c, "pc2", "kathy")
		isError(t, err, activation.ErrSessions)
		must(tryIn(codes, c, "pc3", "li"))
		_, err = tryIn(codes, c, "pc4", "wang")
		isError(t, err, activation.ErrSessions)
	})
}
