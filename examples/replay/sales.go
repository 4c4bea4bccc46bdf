package main

import (
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	zone     = "Europe/Kyiv" // of the coffee machine's clock; the file names none, and its prices are in hryvnia
	currency = "UAH"
)

var header = []string{"date", "datetime", "cash_type", "card", "money", "coffee_name"}

// A sale is a line of the file.
type sale struct {
	line  int // of the file, from 1; the header is the first
	key   string
	at    time.Time
	card  string // "": paid in cash
	money int64  // in kopiyok
	drink string
}

// A lineError is a line that is no sale.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *lineError) Unwrap() error { return e.err }

// readSales reads a whole file, and returns its sales in the order of their times; those of one
// minute stay in the order of their lines. *lineError: a line is no sale, or the header is another.
// Any other error is the reader's.
func readSales(r io.Reader) ([]sale, error) {
	local, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	in := csv.NewReader(r)
	in.FieldsPerRecord = len(header)
	fields, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, &lineError{1, errors.New("the file is empty")}
	}
	if err == nil {
		fields[0] = strings.TrimPrefix(fields[0], "\ufeff")
		if !slices.Equal(fields, header) {
			err = &lineError{1, fmt.Errorf("the header is not %s", strings.Join(header, ","))}
		}
	}
	var sales []sale
	for err == nil {
		if fields, err = in.Read(); err != nil {
			break
		}
		line, _ := in.FieldPos(0)
		s, bad := readSale(line, fields, local)
		if bad != nil {
			return nil, &lineError{line, bad}
		}
		sales = append(sales, s)
	}
	if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
		return nil, &lineError{bad.Line, bad.Err}
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	slices.SortStableFunc(sales, func(a, b sale) int { return a.at.Compare(b.at) })
	return sales, nil
}

// readSale reads the fields of a line. The date stands in datetime too, and is left out.
func readSale(line int, fields []string, local *time.Location) (sale, error) {
	content := sha256.Sum256([]byte(strings.Join(fields, ",")))
	s := sale{line: line, key: fmt.Sprintf("line-%d-%x", line, content[:6]), card: fields[3], drink: fields[5]}
	var err error
	if s.at, err = time.ParseInLocation("2006/1/2 15:04", fields[1], local); err != nil {
		return sale{}, fmt.Errorf("datetime %q is not like 2024/3/1 9:05", fields[1])
	}
	if s.money, err = minor(fields[4]); err != nil {
		return sale{}, err
	}
	switch {
	case fields[2] != "card" && fields[2] != "cash":
		return sale{}, fmt.Errorf("cash_type %q is neither card nor cash", fields[2])
	case fields[2] == "card" && s.card == "":
		return sale{}, errors.New("the card is missing")
	case fields[2] == "cash" && s.card != "":
		return sale{}, errors.New("a cash sale has a card")
	}
	return s, nil
}

// minor reads an amount like 38.7 as minor units.
func minor(text string) (int64, error) {
	bad := fmt.Errorf("money %q is not like 38.70", text)
	whole, part, point := strings.Cut(text, ".")
	if whole == "" || len(whole) > 9 || len(part) > 2 || point && part == "" {
		return 0, bad
	}
	n, err := strconv.ParseUint(whole+(part + "00")[:2], 10, 63)
	if err != nil {
		return 0, bad
	}
	return int64(n), nil
}
