package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/secret"
)

func TestMoveVouchersIn(t *testing.T) {
	key := bytes.Repeat([]byte("k"), 32)
	t.Setenv("SCRMKIT_VOUCHER_KEY", "2026:"+base64.StdEncoding.EncodeToString(key))
	name := "sqlite:" + filepath.Join(t.TempDir(), "club.db")
	move := func(want int, vouchers string, also ...string) string {
		t.Helper()
		var out strings.Builder
		args := append([]string{"-db", name, "-catalog", "testdata/catalog.json", "-vouchers", vouchers}, also...)
		if status := run(context.Background(), args, &out, &out); status != want {
			t.Fatalf("status %d, want %d\n%s", status, want, &out)
		}
		return strings.Join(strings.Fields(out.String()), " ")
	}
	const books = "cup 2 2 6000 6000 cash 1 1 500 500"
	for _, c := range []struct {
		also []string
		says string
	}{{[]string{"-dry"}, "2 imports done, 0 done before"}, {nil, "2 imports done, 0 done before"}, {nil, "0 imports done, 2 done before"}} {
		if out := move(0, "testdata/vouchers.csv", c.also...); !strings.Contains(out, c.says) || !strings.Contains(out, books) {
			t.Errorf("it does not say %q and %q: %s", c.says, books, out)
		}
	}
	db, end, err := database.Open(t.Context(), name, reward.Tables)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = end() }()
	rewards, err := reward.New(db, []secret.Key{{ID: "2026", Secret: key}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := rewards.Find(t.Context(), "k7 4412")
	if err != nil || v.ID.Holder.Member != "alice" || v.Value != 500 || v.Code == "" {
		t.Fatal(v, err)
	}

	file := filepath.Join(t.TempDir(), "more.csv")
	lines := "member,reward,code,value\n" + strings.Repeat("carol,cup,,\n", reward.MaxPieces+1) + "dave,cup,K7-4411,\nerin,cash,,\n"
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	out := move(1, file)
	for _, says := range []string{"vouchers of dave are refused: reward.import for dave: reward: another voucher came with the same code", "vouchers of erin are refused", "2 imports done, 0 done before, 2 refused", "cup 102 101 "} {
		if !strings.Contains(out, says) {
			t.Errorf("it does not say %q: %s", says, out)
		}
	}
	for _, args := range [][]string{{"-catalog", "a"}, {"-vouchers", "a"}, {"-catalog", "a", "-vouchers", "b", "-program", "c"}, {"-program", "c", "-table", "d", "-catalog", "a"}} {
		var out strings.Builder
		if status := run(context.Background(), args, &out, &out); status != 2 {
			t.Errorf("%v: status %d", args, status)
		}
	}
}
