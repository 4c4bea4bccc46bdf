package loyalty_test

import (
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
)

// Points that are earned in December end six months after the month, and what ends first is spent
// first.
func ExampleWallet() {
	sixMonths := loyalty.Expiry{Months: 6, RoundUp: loyalty.Month}
	var w loyalty.Wallet
	for _, earned := range []time.Time{
		time.Date(2020, 12, 15, 10, 30, 0, 0, time.UTC), time.Date(2021, 1, 20, 18, 0, 0, 0, time.UTC),
	} {
		var err error
		w, _, err = w.Credit(loyalty.Lot{To: sixMonths.End(earned, time.UTC), N: 100}, earned)
		if err != nil {
			log.Fatal(err)
		}
	}
	w, spent, err := w.Spend(130, time.Date(2021, 3, 1, 12, 0, 0, 0, time.UTC))
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range spent.Taken {
		fmt.Println(l.N, "that would have ended", l.To.Format(time.DateOnly))
	}
	fmt.Println("in July there are", w.Balance(time.Date(2021, 7, 1, 0, 0, 0, 0, time.UTC)).Available)

	w, _, err = w.Return(spent.Taken, time.Date(2021, 7, 2, 9, 0, 0, 0, time.UTC))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("and where the order is sent back,", w.Balance(time.Date(2021, 7, 2, 9, 0, 0, 0, time.UTC)).Available)
	// Output:
	// 100 that would have ended 2021-07-01
	// 30 that would have ended 2021-08-01
	// in July there are 70
	// and where the order is sent back, 100
}

// A refund takes points back that are spent already: the next ones repay them.
func ExampleWallet_Revoke() {
	monday := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	earned := []loyalty.Lot{{N: 50}}
	var w loyalty.Wallet
	var m loyalty.Movement
	var err error
	for _, step := range []func() error{
		func() error { w, _, err = w.Return(earned, monday); return err },
		func() error { w, _, err = w.Spend(40, monday); return err },
		func() error { w, m, err = w.Revoke(earned, 50, loyalty.BelowZero, monday); return err },
	} {
		if err := step(); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("taken", loyalty.Sum(m.Taken), "owed", m.Owed)
	w, m, err = w.Credit(loyalty.Lot{N: 100}, monday.AddDate(0, 0, 1))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("repaid", m.Repaid, "left", w.Balance(m.At).Available)
	// Output:
	// taken 10 owed 40
	// repaid 40 left 60
}
