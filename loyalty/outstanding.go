package loyalty

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Value is what points are worth in the books of whoever gives them: Amount for each Points
// units.
type Value struct {
	Money  string `json:"money"`  // ISO 4217
	Amount int64  `json:"amount"` // minor units
	Points int64  `json:"points"` // units
}

func (v *Value) check() error {
	if v == nil {
		return nil
	}
	return cmp.Or(valid.Currency("money", v.Money), valid.Between("amount", v.Amount, 1, MaxAmount), valid.Between("points", v.Points, 1, MaxPoints))
}

// Of returns what a number of units is worth, in minor units, rounded towards zero; below zero of
// units that are owed. The value is one that Compile accepts. ErrOverflow: it is more than an int64
// holds.
func (v Value) Of(units int64) (int64, error) {
	size := uint64(units)
	if units < 0 {
		size = -size
	}
	of := multiplied(size, uint64(v.Amount))
	amount, ok := rounding(of.high, of.low, uint64(v.Points), Down)
	switch {
	case !ok || int64(amount) < 0:
		return 0, ErrOverflow
	case units < 0:
		return -int64(amount), nil
	}
	return int64(amount), nil
}

// A Position is what members hold of a currency at an instant. Its Totals count as expired what has
// ended by then, whether it was posted or not. Their Outstanding is Endless and all of Ends, less
// Debt.
type Position struct {
	Totals
	Money   string   `json:"money,omitempty"`   // ISO 4217, of Value; "": the definition gives the currency no value
	Value   int64    `json:"value,omitempty"`   // of Outstanding: minor units, rounded towards zero
	Debt    int64    `json:"debt,omitempty"`    // what members owe, which the points that come in repay
	Endless int64    `json:"endless,omitempty"` // what has no end
	Ends    []Ending `json:"ends,omitempty"`    // the rest, by the month in which it ends; the next one first
}

// An Ending is the points whose last day is in a month.
type Ending struct {
	Month string `json:"month"` // "2026-12", in the zone of the program
	N     int64  `json:"n"`     // units that end in the month
}

// A stock is a Position on its way.
type stock struct {
	totals        Totals
	debt, endless int64
	ends          map[int]int64 // by months since the year 0
}

// add adds one of an account as time has left it. It reports false where a sum is more than an
// int64 holds.
func (s *stock) add(h Holding, zone *time.Location) bool {
	var err error
	s.totals, err = s.totals.Plus(h.Totals)
	fits := err == nil
	lots := func(lots []Lot, until time.Time) {
		for _, l := range lots {
			if l.To.IsZero() {
				fits = plus(&s.endless, l.N) && fits
				continue
			}
			year, month, _ := latest(l.To, until).Add(-time.Microsecond).In(zone).Date()
			n := s.ends[year*12+int(month)-1]
			fits = plus(&n, l.N) && fits
			s.ends[year*12+int(month)-1] = n
		}
	}
	lots(h.Wallet.Lots, time.Time{})
	for _, o := range h.Wallet.Holds {
		lots(o.Lots, o.Until)
	}
	return plus(&s.debt, h.Wallet.Debt) && fits
}

func (s *stock) position(v *Value) (Position, error) {
	q := Position{Totals: s.totals, Debt: s.debt, Endless: s.endless}
	for _, month := range slices.Sorted(maps.Keys(s.ends)) {
		q.Ends = append(q.Ends, Ending{fmt.Sprintf("%04d-%02d", month/12, month%12+1), s.ends[month]})
	}
	if v == nil {
		return q, nil
	}
	var err error
	q.Money = v.Money
	q.Value, err = v.Of(q.Outstanding())
	return q, err
}

// TotalsAt returns what the accounts, as they are stored, hold together at an instant, by currency:
// as if Expire had been run on each of them then. An instant before the last change of an account
// counts as that, for the past is not worked out again.
//
// Points that are set aside end with their hold where that is later. Ends are as they are at the
// instant: what an activity or a level after it makes of them is not foreseen. Errors: those of the
// accounts, and ErrOverflow.
func (p *Program) TotalsAt(accounts iter.Seq2[Account, error], at time.Time) (map[ids.Currency]Position, error) {
	stocks := map[ids.Currency]*stock{}
	for a, err := range accounts {
		if err != nil {
			return nil, err
		}
		for _, h := range p.At(a, at).Holdings {
			s := stocks[h.Currency]
			if s == nil {
				s = &stock{ends: map[int]int64{}}
				stocks[h.Currency] = s
			}
			if !s.add(h, p.zone) {
				return nil, ErrOverflow
			}
		}
	}
	found := make(map[ids.Currency]Position, len(stocks))
	for id, s := range stocks {
		var v *Value
		if i := slices.IndexFunc(p.def.Currencies, func(u Currency) bool { return u.ID == id }); i >= 0 {
			v = p.def.Currencies[i].Value
		}
		q, err := s.position(v)
		if err != nil {
			return nil, err
		}
		found[id] = q
	}
	return found, nil
}

// TotalsAt returns the books of a program at an instant, by currency, with the value and the ends
// of what is outstanding, as the version in force has it: what Totals returns after a Sweep at that
// instant. Errors: those of Program.TotalsAt.
//
// It reads all accounts of the program one after the other, and keeps in memory a sum for each
// month in which points end. What is done meanwhile may be in it or not, a transfer on one side
// alone; in a transaction that reads one snapshot it is not.
func (e *Engine) TotalsAt(ctx context.Context, id ids.Program, at time.Time) (map[ids.Currency]Position, error) {
	err := cmp.Or(valid.ID("program", id), valid.Time("at", at))
	if err == nil && at.IsZero() {
		err = &errs.InputError{Field: "at", Reason: "is missing"}
	}
	if err != nil {
		return nil, fmt.Errorf("loyalty: totals: %w", err)
	}
	p, err := e.Program(ctx, id, 0)
	if err != nil {
		return nil, err
	}
	found, err := p.TotalsAt(AccountQuery{Program: id}.list(ctx, e.frame.Store), journal.Instant(at))
	if err != nil {
		return nil, fmt.Errorf("loyalty: totals of %s: %w", id, err)
	}
	return found, nil
}
