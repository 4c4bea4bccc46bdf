package loyalty_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/loyalty"
)

// day is the n-th day of 2026, from 1.
func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

// lot has n points in [from, to), as days of 2026; 0 is no bound.
func lot(from, to int, n int64) loyalty.Lot {
	l := loyalty.Lot{N: n}
	if from != 0 {
		l.From = day(from)
	}
	if to != 0 {
		l.To = day(to)
	}
	return l
}

func wallet(t *testing.T, now time.Time, lots ...loyalty.Lot) loyalty.Wallet {
	t.Helper()
	w, _, err := loyalty.Wallet{}.Return(lots, now)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: -want +got\n%s", what, d)
	}
}

func TestBalance(t *testing.T) {
	w := wallet(t, day(1), lot(0, 10, 5), lot(5, 20, 7), lot(0, 0, 11))
	for _, c := range []struct {
		at   int
		want loyalty.Balance
	}{
		{1, loyalty.Balance{Available: 16, Pending: 7}},
		{5, loyalty.Balance{Available: 23}},
		{10, loyalty.Balance{Available: 18, Lapsed: 5}},
		{20, loyalty.Balance{Available: 11, Lapsed: 12}},
	} {
		equal(t, fmt.Sprint("day ", c.at), w.Balance(day(c.at)), c.want)
	}
}

func TestSpend(t *testing.T) {
	t.Run("what ends first is spent first, then what has no end", func(t *testing.T) {
		w := wallet(t, day(1), lot(0, 0, 10), lot(0, 20, 10), lot(0, 10, 10))
		w, m, err := w.Spend(25, day(2))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "taken", m.Taken, []loyalty.Lot{lot(0, 10, 10), lot(0, 20, 10), lot(0, 0, 5)})
		equal(t, "left", w.Lots, []loyalty.Lot{lot(0, 0, 5)})
	})
	t.Run("what has not begun, has ended or is held can't be spent", func(t *testing.T) {
		w := wallet(t, day(1), lot(5, 0, 10), lot(0, 3, 10), lot(0, 0, 10))
		w, _, err := w.Reserve("order", 4, day(9), day(3))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = w.Spend(7, day(4))
		var short *loyalty.InsufficientError
		if !errors.As(err, &short) || short.Have != 6 || short.Need != 7 || !errors.Is(err, loyalty.ErrRefused) {
			t.Error(err)
		}
	})
	t.Run("a purse of 20 and 200 gives 20 and 80, and the receiver's lots keep their ends", func(t *testing.T) { // OL23
		giver := wallet(t, day(1), lot(0, 20, 200), lot(0, 10, 20))
		giver, m, err := giver.Spend(100, day(2))
		if err != nil {
			t.Fatal(err)
		}
		taker, _, err := loyalty.Wallet{}.Return(m.Taken, day(2))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "taker", taker.Lots, []loyalty.Lot{lot(0, 10, 20), lot(0, 20, 80)})
		equal(t, "giver", giver.Lots, []loyalty.Lot{lot(0, 20, 120)})
	})
}

func TestReturn(t *testing.T) {
	t.Run("points go back to the lots that they came from, and lapse where those have ended", func(t *testing.T) {
		w := wallet(t, day(1), lot(0, 10, 5), lot(0, 20, 5))
		w, m, err := w.Spend(8, day(2))
		if err != nil {
			t.Fatal(err)
		}
		back, again, err := w.Return(m.Taken, day(12))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "lots", back.Lots, []loyalty.Lot{lot(0, 20, 5)})
		equal(t, "lapsed", again.Lapsed, []loyalty.Lot{lot(0, 10, 5)})
	})
	t.Run("lots of one end are one", func(t *testing.T) {
		w := wallet(t, day(1), lot(0, 10, 1), lot(0, 10, 2), lot(3, 10, 3), lot(4, 10, 4))
		equal(t, "lots", w.Lots, []loyalty.Lot{lot(0, 10, 3), lot(3, 10, 3), lot(4, 10, 4)})
		w, _ = w.Expire(day(5))
		equal(t, "lots that have begun", w.Lots, []loyalty.Lot{lot(0, 10, 10)})
	})
}

func TestHolds(t *testing.T) {
	held := wallet(t, day(1), lot(0, 10, 5), lot(0, 20, 5))
	held, _, err := held.Reserve("order", 7, day(15), day(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("what is captured is taken, and the rest is released", func(t *testing.T) {
		w, m, err := held.Capture("order", 6, day(3))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "taken", m.Taken, []loyalty.Lot{lot(0, 10, 5), lot(0, 20, 1)})
		equal(t, "balance", w.Balance(day(3)), loyalty.Balance{Available: 4})
	})
	t.Run("points that are held are spent after their end", func(t *testing.T) {
		w, m, err := held.Capture("order", 7, day(12))
		if err != nil || loyalty.Sum(m.Taken) != 7 || w.Total() != 3 {
			t.Error(w, m, err)
		}
	})
	t.Run("points that are released after their end lapse", func(t *testing.T) {
		w, m, err := held.Release("order", day(12))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "lapsed", m.Lapsed, []loyalty.Lot{lot(0, 10, 5)})
		equal(t, "balance", w.Balance(day(12)), loyalty.Balance{Available: 5})
	})
	t.Run("a hold ends by itself", func(t *testing.T) {
		equal(t, "balance", held.Balance(day(15)), loyalty.Balance{Available: 5, Lapsed: 5})
		if _, _, err := held.Capture("order", 1, day(15)); !errors.Is(err, loyalty.ErrUnknownHold) {
			t.Error(err)
		}
	})
	t.Run("a name is held once", func(t *testing.T) {
		if _, _, err := held.Reserve("order", 1, day(15), day(3)); !errors.Is(err, loyalty.ErrHeld) {
			t.Error(err)
		}
	})
	t.Run("there are so many holds and no more", func(t *testing.T) {
		w := wallet(t, day(1), lot(0, 0, 1000))
		var err error
		for i := range loyalty.MaxHolds {
			if w, _, err = w.Reserve(fmt.Sprint(i), 1, day(9), day(1)); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err = w.Reserve("more", 1, day(9), day(1)); !errors.Is(err, loyalty.ErrHolds) {
			t.Error(err)
		}
	})
	t.Run("more than is held can't be captured", func(t *testing.T) {
		var short *loyalty.InsufficientError
		if _, _, err := held.Capture("order", 8, day(3)); !errors.As(err, &short) || short.Have != 7 {
			t.Error(err)
		}
	})
}

func TestRevoke(t *testing.T) {
	pending, begun := lot(14, 40, 100), lot(0, 50, 100)
	w := wallet(t, day(1), pending, begun, lot(0, 30, 20))
	for _, c := range []struct {
		name     string
		credited []loyalty.Lot
		n        int64
		policy   loyalty.Overdraft
		at       int
		taken    []loyalty.Lot
		owed     int64
		forgone  int64
	}{
		{"points that have not begun", []loyalty.Lot{pending}, 60, loyalty.PendingOnly, 2, []loyalty.Lot{lot(14, 40, 60)}, 0, 0},
		{"points that have begun stay, pending only", []loyalty.Lot{begun}, 60, loyalty.PendingOnly, 2, nil, 0, 60},
		{"those that were pending have begun by now", []loyalty.Lot{pending}, 60, loyalty.PendingOnly, 14, nil, 0, 60},
		{"the lot that they were credited as goes first", []loyalty.Lot{begun}, 60, loyalty.WithinBalance, 2, []loyalty.Lot{lot(0, 50, 60)}, 0, 0},
		{"then what is spent first", []loyalty.Lot{begun}, 110, loyalty.WithinBalance, 2, []loyalty.Lot{lot(0, 50, 100), lot(0, 30, 10)}, 0, 0},
		{"what is not there is forgone", []loyalty.Lot{begun}, 130, loyalty.WithinBalance, 2, []loyalty.Lot{lot(0, 50, 100), lot(0, 30, 20)}, 0, 10},
		{"or owed", []loyalty.Lot{begun}, 130, loyalty.BelowZero, 2, []loyalty.Lot{lot(0, 50, 100), lot(0, 30, 20)}, 10, 0},
		{"of each lot no more than was credited", []loyalty.Lot{lot(0, 50, 30), lot(0, 30, 10)}, 40, loyalty.WithinBalance, 2,
			[]loyalty.Lot{lot(0, 50, 30), lot(0, 30, 10)}, 0, 0},
		{"what lapsed is not taken again", []loyalty.Lot{lot(0, 30, 20)}, 20, loyalty.BelowZero, 31, nil, 0, 20},
		{"nor from other lots", []loyalty.Lot{lot(0, 30, 20), lot(0, 50, 40)}, 60, loyalty.WithinBalance, 31, []loyalty.Lot{lot(0, 50, 40)}, 0, 20},
		{"what was spent of a lot that ended is taken", []loyalty.Lot{lot(0, 30, 50)}, 50, loyalty.WithinBalance, 31, []loyalty.Lot{lot(0, 40, 30)}, 0, 20},
		{"100 days later it is still known", []loyalty.Lot{lot(0, 30, 20)}, 20, loyalty.BelowZero, 130, nil, 0, 20},
		{"years later it is still known", []loyalty.Lot{lot(0, 30, 20)}, 20, loyalty.BelowZero, 1300, nil, 0, 20},
		{"though not of another year", []loyalty.Lot{lot(0, 400, 20)}, 20, loyalty.BelowZero, 1300, nil, 20, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, m, err := w.Revoke(c.credited, c.n, c.policy, day(c.at))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "taken", m.Taken, c.taken)
			if m.Owed != c.owed || m.Forgone != c.forgone {
				t.Errorf("owed %d, forgone %d; want %d, %d", m.Owed, m.Forgone, c.owed, c.forgone)
			}
		})
	}
}

func TestWhatLapsedIsForgivenOnce(t *testing.T) {
	w := wallet(t, day(1), lot(0, 30, 100))
	w, _, err := w.Spend(60, day(2))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ owed, forgone int64 }{{0, 30}, {20, 10}, {30, 0}} {
		var m loyalty.Movement
		if w, m, err = w.Revoke([]loyalty.Lot{lot(0, 30, 50)}, 30, loyalty.BelowZero, day(40)); err != nil {
			t.Fatal(err)
		}
		if m.Owed != want.owed || m.Forgone != want.forgone {
			t.Errorf("%d: %+v", i, m)
		}
	}
}

func TestDebt(t *testing.T) {
	owing, _, err := loyalty.Wallet{}.Revoke(nil, 50, loyalty.BelowZero, day(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("nothing can be spent meanwhile", func(t *testing.T) {
		var short *loyalty.InsufficientError
		if _, _, err := owing.Spend(1, day(2)); !errors.As(err, &short) || short.Have != -50 {
			t.Error(err)
		}
	})
	t.Run("what comes in repays it first", func(t *testing.T) {
		w, m, err := owing.Credit(lot(0, 10, 80), day(2))
		if err != nil || m.Repaid != 50 {
			t.Fatal(m, err)
		}
		equal(t, "balance", w.Balance(day(2)), loyalty.Balance{Available: 30})
	})
	t.Run("points repay it as they begin, though they have ended when somebody looks", func(t *testing.T) {
		w, m, err := owing.Credit(lot(5, 10, 80), day(2))
		if err != nil || m.Repaid != 0 {
			t.Fatal(m, err)
		}
		equal(t, "before", w.Balance(day(4)), loyalty.Balance{Pending: 80, Debt: 50})
		equal(t, "after", w.Balance(day(12)), loyalty.Balance{Lapsed: 30})
	})
}

func TestMerge(t *testing.T) {
	a := wallet(t, day(1), lot(0, 10, 5), lot(0, 20, 5))
	b := wallet(t, day(1), lot(0, 5, 1), lot(0, 20, 7))
	var err error
	if a, _, err = a.Reserve("order", 2, day(9), day(2)); err != nil {
		t.Fatal(err)
	}
	if b, _, err = b.Reserve("order", 3, day(9), day(2)); err != nil {
		t.Fatal(err)
	}
	w, m, err := a.Merge(b, day(6))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "balance", w.Balance(day(6)), loyalty.Balance{Available: 13, Held: 5})
	equal(t, "lapsed", m.Lapsed, []loyalty.Lot(nil))
	if _, m, err = w.Capture("order~2", 3, day(6)); err != nil {
		t.Fatal(err)
	}
	equal(t, "the other's hold", m.Taken, []loyalty.Lot{lot(0, 5, 1), lot(0, 20, 2)})
}

func TestBadInput(t *testing.T) {
	w := wallet(t, day(1), lot(0, 0, loyalty.MaxPoints-1))
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	call := func(_ loyalty.Wallet, _ loyalty.Movement, err error) error { return err }
	for name, err := range map[string]error{
		"a lot of nothing":         call(w.Credit(lot(0, 0, 0), day(2))),
		"a lot below zero":         call(w.Credit(lot(0, 0, -1), day(2))),
		"a lot that ends first":    call(w.Credit(lot(9, 8, 1), day(2))),
		"a lot in the year 10000":  call(w.Credit(loyalty.Lot{To: year(10000), N: 1}, day(2))),
		"spending nothing":         call(w.Spend(0, day(2))),
		"spending below zero":      call(w.Spend(-5, day(2))),
		"holding below zero":       call(w.Reserve("a", -5, day(9), day(2))),
		"a hold without a name":    call(w.Reserve("", 5, day(9), day(2))),
		"a hold that ended":        call(w.Reserve("a", 5, day(2), day(2))),
		"revoking nothing":         call(w.Revoke(nil, 0, loyalty.BelowZero, day(2))),
		"revoking by no policy":    call(w.Revoke(nil, 1, "", day(2))),
		"capturing less than zero": call(w.Capture("a", -1, day(2))),
	} {
		var input *errs.InputError
		if !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := call(w.Return([]loyalty.Lot{lot(0, 0, 1), lot(0, 9, 1)}, day(2))); !errors.Is(err, loyalty.ErrOverflow) {
		t.Error("more than a wallet holds:", err)
	}
	if err := call(w.Merge(w, day(2))); !errors.Is(err, loyalty.ErrOverflow) {
		t.Error("two full wallets:", err)
	}
	owing, _, err := loyalty.Wallet{}.Revoke(nil, loyalty.MaxPoints, loyalty.BelowZero, day(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := call(owing.Revoke(nil, 1, loyalty.BelowZero, day(1))); !errors.Is(err, loyalty.ErrOverflow) {
		t.Error("more than a wallet owes:", err)
	}
}

func TestAClockThatGoesBackStandsStill(t *testing.T) {
	w := wallet(t, day(10), lot(12, 0, 5), lot(0, 11, 3))
	w, m, err := w.Spend(3, day(2))
	if err != nil || !m.At.Equal(day(10)) || !w.At.Equal(day(10)) {
		t.Error(w, m, err)
	}
}

func TestJSON(t *testing.T) {
	w := wallet(t, day(1), lot(0, 10, 5), lot(5, 0, 7))
	w, _, err := w.Reserve("order", 2, day(9), day(2))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	var back loyalty.Wallet
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	equal(t, "wallet", back, w)
}
