package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/stamps"
)

// madeUp returns a file of sales to four cards and for cash, across the end of summer time.
func madeUp() string {
	var b strings.Builder
	b.WriteString(head)
	at := time.Date(2024, 10, 26, 20, 0, 0, 0, time.UTC)
	for i := range 60 {
		if i%7 != 0 { // else in the same minute
			at = at.Add(23 * time.Minute)
		}
		kind, card := "card", ""
		switch {
		case i%20 == 19:
			kind = "cash"
		case i < 30:
			card = "TEST-1"
		case i%2 == 0:
			card = "TEST-2"
		case i == 31:
			card = "TEST-3"
		default:
			card = "TEST/4"
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s,%d.5,Latte\r\n", at.Format("2006/1/2"), at.Format("2006/1/2 15:04"), kind, card, 20+i%3)
	}
	return b.String()
}

func madeUpFile(t *testing.T) string {
	t.Helper()
	return write(t, madeUp())
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sales.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// expect counts the cups of each card, and what follows from them, without the code under test.
func expect(t *testing.T, path string) (cups map[string]int64, cash int, want totals) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cups = map[string]int64{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\r\n")[1:] {
		if card := strings.Split(line, ",")[3]; card != "" {
			cups[card]++
		} else {
			cash++
		}
	}
	for _, n := range cups {
		want.cards++
		want.stamps += n
		want.completed += n / 10
		want.coupons += n / 10
	}
	return cups, cash, want
}

// databases name a fresh database each.
var databases = map[string]func(t *testing.T) string{
	"memory":   func(*testing.T) string { return "memory" },
	"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "a b%20?#.db") },
	"postgres": func(t *testing.T) string { return pgtest.DSN(t) },
}

func TestReplay(t *testing.T) {
	for name, file := range map[string]func(*testing.T) string{"made-up": madeUpFile, "real": func(t *testing.T) string { return realFile(t, "coffee_vending", "index_1.csv") }} {
		t.Run(name, func(t *testing.T) {
			for name, fresh := range databases {
				t.Run(name, func(t *testing.T) { testReplay(t, file(t), fresh(t)) })
			}
		})
	}
}

func testReplay(t *testing.T, path, name string) {
	sales := read(t, path)
	db, end, err := database.Open(t.Context(), name, stamps.Tables)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	}()
	cups, cash, want := expect(t, path)
	b := newEngineBook(db)
	results, err := runs(t.Context(), b, sales, config{callers: 32, twice: true})
	if err != nil {
		t.Fatal(err)
	}
	first, second := results[0], results[1]
	if first.lines != len(sales) || first.cash != cash || first.stamped != int(want.stamps) || first.replayed != 0 ||
		first.refused != 0 || first.totals != want {
		t.Errorf("the first run: %+v; want %d lines, %d for cash, and %+v", first, len(sales), cash, want)
	}
	if second.stamped != 0 || second.replayed != int(want.stamps) || second.refused != 0 || second.totals != want {
		t.Errorf("the second run: %+v; want a replay", second)
	}
	if !first.replays(second) {
		t.Error("the second run is no replay of the first")
	}

	times := map[string][]time.Time{}
	for _, s := range sales {
		times[s.card] = append(times[s.card], s.at)
	}
	for card := range cups {
		c, err := b.cards.Card(t.Context(), stamps.CardID{Program: program.ID, Member: ids.Member(card)})
		if err != nil {
			t.Fatal(err)
		}
		if n := cups[card]; c.Total != n || c.Round != n/10 || c.Count != n%10 {
			t.Errorf("%s is %+v; want %d stamps", card, c, n)
		}
		for i := range c.Round {
			coupon, err := b.cards.Coupon(t.Context(), stamps.CouponID{Card: c.ID, N: i + 1})
			if full := times[card][10*i+9]; err != nil || !coupon.Issued.Equal(full) {
				t.Errorf("coupon %d of %s was issued at %s, %v; want %s", i+1, card, coupon.Issued, err, full)
			}
		}
	}
}

func read(t *testing.T, path string) []sale {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sales, err := readSales(file)
	if err != nil {
		t.Fatal(err)
	}
	return sales
}

func TestRun(t *testing.T) {
	var stdout, stderr bytes.Buffer
	file := madeUpFile(t)
	if status := run(t.Context(), []string{"-callers", "3", file}, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	want := `the run                first      second
lines                     60          60
cash                       3           3
stamped                   57           0
replayed                   0          57
refused                    0           0
seconds
lines/s

the database after it
cards                      4           4
stamps                    57          57
completed cards            4           4
coupons issued             4           4
`
	timed := regexp.MustCompile(`(?m)^(seconds|lines/s) .*$`)
	if got := timed.ReplaceAllString(stdout.String(), "$1"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestRunErrors(t *testing.T) {
	file := madeUpFile(t)
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		stderr string
	}{
		{"help", []string{"-h"}, 0, "usage: replay [flags] PATH"},
		{"no path", nil, 2, "replay: the path of the sales is missing"},
		{"two paths", []string{file, file}, 2, "replay: there is more than one path"},
		{"no callers", []string{"-callers", "0", file}, 2, "replay: -callers is not between 1 and 1024"},
		{"no such flag", []string{"-no", file}, 2, "flag provided but not defined: -no"},
		{"server without a token", []string{"-server", "http://localhost", file}, 2, "replay: -server needs a -token"},
		{"two books", []string{"-db", "memory", "-server", "http://localhost", "-token", "t", file}, 2,
			"replay: -db and -server are both given"},
		{"no such file", []string{filepath.Join(t.TempDir(), "none.csv")}, 1, "none.csv"},
		{"bad file", []string{write(t, head+"2024/3/1,2024/3/1 10:15,card,,1,Latte\n")}, 1, "line 2: the card is missing"},
		{"no such database", []string{"-db", "sqlite:", file}, 1, "replay: -db is neither memory nor sqlite:PATH nor postgres://"},
		{"database that can't be made", []string{"-db", "sqlite:" + filepath.Join(t.TempDir(), "none", "a.db"), file}, 1, "unable to open"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), tt.args, &stdout, &stderr)
			if status != tt.status || !strings.Contains(stderr.String(), tt.stderr) || stdout.Len() > 0 {
				t.Errorf("status %d, stdout %q, stderr %q; want %d and %q", status, &stdout, &stderr, tt.status, tt.stderr)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if status := run(ctx, []string{file}, &stdout, &stderr); status != 1 {
		t.Errorf("status %d of a run that was given up", status)
	}
}

// A sale before one that is on the card already is refused, and refused again.
func TestRefused(t *testing.T) {
	for name, fresh := range databases {
		t.Run(name, func(t *testing.T) {
			db, end, err := database.Open(t.Context(), fresh(t), stamps.Tables)
			if err != nil {
				t.Fatal(err)
			}
			defer end()
			b := newEngineBook(db)
			twice := config{callers: 2, twice: true}
			later := read(t, write(t, head+"2024/3/2,2024/3/2 10:15,card,A,1,Latte\r\n"))
			if _, err := runs(t.Context(), b, later, twice); err != nil {
				t.Fatal(err)
			}
			earlier := read(t, write(t, head+"2024/3/1,2024/3/1 10:15,card,A,1,Latte\r\n2024/3/3,2024/3/3 9:00,card,A,1,Latte\r\n"))
			results, err := runs(t.Context(), b, earlier, twice)
			if err != nil {
				t.Fatal(err)
			}
			first := results[0]
			if first.stamped != 1 || first.refused != 1 || first.totals != (totals{cards: 1, stamps: 2}) || !first.replays(results[1]) {
				t.Errorf("got %+v", results)
			}
			if want := "line 2: stamps.add coffee-replay/A: " + stamps.ErrOrder.Error(); fmt.Sprint(first.refusal) != want {
				t.Errorf("refused with %q, want %q", first.refusal, want)
			}
		})
	}
}

func TestReplays(t *testing.T) {
	first := result{tally{stamped: 5, replayed: 1, refused: 2}, totals{1, 6, 0, 0}}
	for _, tt := range []struct {
		name string
		next result
		want bool
	}{
		{"replay", result{tally{replayed: 6, refused: 2}, first.totals}, true},
		{"a new stamp", result{tally{stamped: 1, replayed: 5, refused: 2}, first.totals}, false},
		{"another refusal", result{tally{replayed: 5, refused: 3}, first.totals}, false},
		{"another card", result{tally{replayed: 6, refused: 2}, totals{2, 6, 0, 0}}, false},
	} {
		if got := first.replays(tt.next); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
