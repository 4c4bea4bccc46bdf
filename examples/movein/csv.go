package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
)

// A line is one of a CSV file, by the names of its columns. Where a value can't be read, err says so
// from then on.
type line struct {
	file    string
	n       int // from 1, the header's
	columns map[string]int
	values  []string
	err     error
}

// lines yields those of a file that has at least the columns.
func lines(file string, columns ...string) iter.Seq2[*line, error] {
	return func(yield func(*line, error) bool) {
		f, err := os.Open(file)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		r := csv.NewReader(f)
		header, err := r.Read()
		if err != nil {
			yield(nil, fmt.Errorf("%s: %w", file, err))
			return
		}
		named := map[string]int{}
		for i, name := range header {
			named[strings.TrimPrefix(strings.TrimSpace(name), "\ufeff")] = i
		}
		if i := slices.IndexFunc(columns, func(name string) bool { _, ok := named[name]; return !ok }); i >= 0 {
			yield(nil, fmt.Errorf("%s has no column %s", file, columns[i]))
			return
		}
		for {
			values, err := r.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("%s: %w", file, err))
				return
			}
			n, _ := r.FieldPos(0)
			if !yield(&line{file: file, n: n, columns: named, values: values}, nil) {
				return
			}
		}
	}
}

// text returns a value, or "" where the file has no such column.
func (l *line) text(column string) string {
	i, ok := l.columns[column]
	if !ok {
		return ""
	}
	return strings.TrimSpace(l.values[i])
}

func (l *line) mistake(column, reason string) {
	if l.err == nil {
		l.err = fmt.Errorf("%s, line %d: %s %s", l.file, l.n, column, reason)
	}
}

// points returns a number of points, which may have decimals that are zeros; 0 where there is none.
func (l *line) points(column string) int64 {
	text := l.text(column)
	if text == "" {
		return 0
	}
	whole, decimals, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 || n > loyalty.MaxPoints || strings.Trim(decimals, "0") != "" {
		l.mistake(column, "is no number of points")
		return 0
	}
	return n
}

// layouts are those of times. One without a zone is UTC.
var layouts = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05-0700", time.DateOnly}

// time returns a time; zero where there is none.
func (l *line) time(column string) time.Time {
	text := l.text(column)
	if text == "" {
		return time.Time{}
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	l.mistake(column, "is no time like 2026-03-01 12:00:00")
	return time.Time{}
}
