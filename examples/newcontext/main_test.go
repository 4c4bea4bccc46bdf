package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/pgtest"
)

func Example() {
	if err := play(context.Background(), "memory", os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// issue G1                 +10000, balance 10000, replayed: false
	// issue G2                  +2000, balance  2000, replayed: false
	// lunch                     -1800, balance  8200, replayed: false
	// lunch, sent again         -1800, balance  8200, replayed: true
	// dinner, too dear         giftcard.charge: the amount of 9900 exceeds the 8200 that remain
	// top up                    +5000, balance 13200, replayed: false
	// a dish sent back           +800, balance 14000, replayed: false
	// lunch sent back          giftcard.refund: the amount of 1800 exceeds the 1000 that remain
	// bill on G1 and G2        giftcard.charge: the amount of 9000 exceeds the 2000 that remain
	// G1 has 14000 until 2027-03-01
	// G2 has 2000 until 2027-03-01
	// void G2                   -2000, balance     0, replayed: false
	// a year later             giftcard.charge: the card has expired
}

// TestPlay holds that the second play on a database changes nothing.
func TestPlay(t *testing.T) {
	var want strings.Builder
	if err := play(t.Context(), "memory", &want); err != nil {
		t.Fatal(err)
	}
	for name, dsn := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "cards.db") },
		"postgres": func(t *testing.T) string { return pgtest.DSN(t) },
	} {
		t.Run(name, func(t *testing.T) {
			db := dsn(t)
			var first, second strings.Builder
			for _, w := range []io.Writer{&first, &second} {
				if err := play(t.Context(), db, w); err != nil {
					t.Fatal(err)
				}
			}
			if first.String() != want.String() {
				t.Errorf("got\n%swant\n%s", &first, &want)
			}
			if n := strings.Count(second.String(), "replayed: true"); n != 7 {
				t.Errorf("%d replays of 7 in\n%s", n, &second)
			}
		})
	}
}
