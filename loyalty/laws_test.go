package loyalty_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/loyalty"
)

// A history is what a test draws: calls on one wallet, with time going on.
type history struct {
	*rapid.T
	w     loyalty.Wallet
	now   time.Time
	taken [][]loyalty.Lot // by spending, not returned yet
}

func (h *history) upTo(n int64, label string) int64 { return rapid.Int64Range(0, n).Draw(h.T, label) }

func (h *history) lot() loyalty.Lot {
	l := loyalty.Lot{N: 1 + h.upTo(50, "points")}
	if h.upTo(2, "pending") == 0 {
		l.From = h.now.AddDate(0, 0, int(h.upTo(5, "begins")))
	}
	if h.upTo(3, "without end") > 0 {
		l.To = latest(h.now, l.From).AddDate(0, 0, 1+int(h.upTo(10, "ends")))
	}
	return l
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// call draws a call and runs it.
func (h *history) call() (loyalty.Wallet, loyalty.Movement, error) {
	h.now = h.now.Add(time.Duration(h.upTo(72, "hours")) * time.Hour)
	n := 1 + h.upTo(60, "n")
	name := fmt.Sprint("hold", h.upTo(2, "hold"))
	switch h.upTo(8, "call") {
	case 0, 1, 2:
		return h.w.Credit(h.lot(), h.now)
	case 3:
		w, m, err := h.w.Spend(n, h.now)
		if err == nil {
			h.taken = append(h.taken, m.Taken)
		}
		return w, m, err
	case 4:
		if len(h.taken) == 0 {
			return h.w.Credit(h.lot(), h.now)
		}
		back := h.taken[0]
		h.taken = h.taken[1:]
		return h.w.Return(back, h.now)
	case 5:
		return h.w.Reserve(name, n, h.now.AddDate(0, 0, 1+int(h.upTo(6, "until"))), h.now)
	case 6:
		return h.w.Capture(name, h.upTo(20, "captured"), h.now)
	case 7:
		var other loyalty.Wallet
		other, _, _ = other.Credit(h.lot(), h.now)
		return h.w.Merge(other, h.now)
	}
	policy := rapid.SampledFrom([]loyalty.Overdraft{loyalty.PendingOnly, loyalty.WithinBalance, loyalty.BelowZero}).Draw(h.T, "policy")
	return h.w.Revoke([]loyalty.Lot{h.lot()}, n, policy, h.now)
}

func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &history{T: t, now: day(1)}
		for range rapid.IntRange(1, 40).Draw(t, "calls") {
			before := h.w
			after, m, err := h.call()
			if err != nil {
				if !errors.Is(err, loyalty.ErrRefused) || cmp.Diff(before, after) != "" {
					t.Fatal(err, before, after)
				}
				continue
			}
			h.w = after
			change := loyalty.Sum(m.Credited) - loyalty.Sum(m.Taken) - loyalty.Sum(m.Lapsed) - m.Owed
			if got := after.Total() - before.Total(); got != change {
				t.Fatalf("the total changed by %d, and the movement says %d: %+v", got, change, m)
			}
			check(t, after)
			inBetween(t, before, h.now)
		}
	})
}

func check(t *rapid.T, w loyalty.Wallet) {
	ends := map[time.Time]int{}
	for _, l := range w.Lots {
		if l.N <= 0 || !l.To.IsZero() && !l.To.After(w.At) {
			t.Fatalf("lot %+v at %s", l, w.At)
		}
		if l.From.IsZero() {
			ends[l.To]++
		} else if !l.From.After(w.At) {
			t.Fatalf("lot %+v has begun at %s", l, w.At)
		}
	}
	for end, n := range ends {
		if n > 1 {
			t.Fatalf("%d lots end at %s", n, end)
		}
	}
	for _, hold := range w.Holds {
		if loyalty.Sum(hold.Lots) <= 0 || !hold.Until.After(w.At) {
			t.Fatalf("hold %+v at %s", hold, w.At)
		}
	}
	b := w.Balance(w.At)
	if b.Available+b.Pending+b.Held-b.Debt != w.Total() || b.Debt < 0 || b.Debt > 0 && b.Available > 0 || b.Lapsed != 0 {
		t.Fatalf("balance %+v of %+v", b, w)
	}
}

// inBetween posts what time has done at some time before now, which must change nothing at now.
func inBetween(t *rapid.T, w loyalty.Wallet, now time.Time) {
	between := w.At.Add(time.Duration(rapid.Int64Range(0, 1000).Draw(t, "in between")) * now.Sub(w.At) / 1000)
	once, all := w.Expire(now)
	half, first := w.Expire(between)
	twice, second := half.Expire(now)
	if d := cmp.Diff(once, twice); d != "" && now.After(w.At) {
		t.Fatalf("once - and twice +\n%s", d)
	}
	if loyalty.Sum(all.Lapsed) != loyalty.Sum(first.Lapsed)+loyalty.Sum(second.Lapsed) || all.Repaid != first.Repaid+second.Repaid {
		t.Fatalf("at once %+v, in two %+v and %+v", all, first, second)
	}
}
