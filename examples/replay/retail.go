package main

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An order is a purchase, or what came back of some.
type order struct {
	key    string
	member string
	at     time.Time
	lines  []orderLine // of a purchase
	back   []giveBack  // of a cancellation
}

type orderLine struct {
	id    string
	item  string
	n     int64
	money int64 // minor units, of all n
}

// A giveBack is items of a line of an earlier order.
type giveBack struct {
	key, of, line string
	n             int64
}

// A shopData is what a file of purchases holds.
type shopData struct {
	zone, currency string
	orders         []order // in the order of their times
	unmatched      int64   // items that came back and were never bought
}

// readRetail reads online_retail.csv: rows of invoices, of which those that begin with C are
// cancellations. They don't name the invoice that they cancel, so each is matched to the customer's
// newest earlier purchases of the item that are left. Rows without a customer, write-offs and
// adjustments are left out.
func readRetail(r io.Reader) (shopData, error) {
	d := shopData{zone: "Europe/London", currency: "GBP"}
	local, err := time.LoadLocation(d.zone)
	if err != nil {
		return d, err
	}
	in := csv.NewReader(r)
	in.FieldsPerRecord = 8
	in.ReuseRecord = true
	if _, err := in.Read(); err != nil {
		return d, err
	}
	orders := map[string]*order{}
	for row := 2; ; row++ {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return d, err
		}
		invoice, member := fields[0], strings.TrimSuffix(fields[6], ".0")
		n, err1 := strconv.ParseInt(fields[3], 10, 64)
		at, err2 := time.ParseInLocation(time.DateTime, fields[4], local)
		money, err3 := pence(fields[5], n)
		if err := errors.Join(err1, err2, err3); err != nil {
			return d, fmt.Errorf("line %d: %w", row, err)
		}
		cancelled := strings.HasPrefix(invoice, "C")
		if member == "" || strings.HasPrefix(invoice, "A") || cancelled != (n < 0) || n == 0 {
			continue
		}
		o := orders[invoice]
		if o == nil {
			o = &order{key: strings.Clone(invoice), member: strings.Clone(member), at: at}
			orders[o.key] = o
		}
		if at.Before(o.at) {
			o.at = at
		}
		o.lines = append(o.lines, orderLine{strconv.Itoa(row), strings.Clone(fields[1]), max(n, -n), money})
	}
	for _, o := range orders {
		d.orders = append(d.orders, *o)
	}
	d.match()
	return d, nil
}

// pence returns what n items cost, half a penny rounded up.
func pence(price string, n int64) (int64, error) {
	p, ok := new(big.Rat).SetString(price)
	if !ok {
		return 0, fmt.Errorf("price %q is no number", price)
	}
	p.Mul(p, big.NewRat(200*max(n, -n), 1)).Add(p, big.NewRat(1, 1)).Quo(p, big.NewRat(2, 1))
	return new(big.Int).Div(p.Num(), p.Denom()).Int64(), nil
}

// match brings the orders into their order, and finds what the cancellations give back.
func (d *shopData) match() {
	slices.SortFunc(d.orders, func(a, b order) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.key, b.key)) })
	type bought struct{ of, line string }
	type of struct{ member, item string }
	left := map[bought]int64{}
	newest := map[of][]bought{}
	for i := range d.orders {
		o := &d.orders[i]
		if !strings.HasPrefix(o.key, "C") {
			for _, l := range o.lines {
				b := bought{o.key, l.id}
				left[b] = l.n
				newest[of{o.member, l.item}] = append(newest[of{o.member, l.item}], b)
			}
			continue
		}
		for _, l := range o.lines {
			n := l.n
			for _, b := range slices.Backward(newest[of{o.member, l.item}]) {
				if some := min(n, left[b]); some > 0 {
					left[b], n = left[b]-some, n-some
					o.back = append(o.back, giveBack{fmt.Sprintf("%s-%s-%s", o.key, l.id, b.line), b.of, b.line, some})
				}
			}
			d.unmatched += n
		}
		o.lines = nil
	}
}

// readCDs reads CDNOW_master.txt: a customer, a day, a number of CDs and an amount a line. A key
// has the number of the line, for some are there twice.
func readCDs(r io.Reader) (shopData, error) {
	d := shopData{zone: "America/New_York", currency: "USD"}
	local, err := time.LoadLocation(d.zone)
	if err != nil {
		return d, err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return d, err
	}
	row := 0
	for line := range strings.Lines(string(text)) {
		row++
		fields := strings.Fields(line)
		if row == 1 || len(fields) == 0 {
			continue
		}
		if len(fields) != 4 {
			return d, fmt.Errorf("line %d has %d fields", row, len(fields))
		}
		at, err1 := time.ParseInLocation("20060102", fields[1], local)
		n, err2 := strconv.ParseInt(fields[2], 10, 64)
		money, err3 := pence(fields[3], 1)
		if err := errors.Join(err1, err2, err3); err != nil {
			return d, fmt.Errorf("line %d: %w", row, err)
		}
		d.orders = append(d.orders, order{
			key: fmt.Sprintf("row-%06d", row), member: strings.Clone(fields[0]), at: at,
			lines: []orderLine{{"1", "cd", max(1, n), money}},
		})
	}
	d.match()
	return d, nil
}
