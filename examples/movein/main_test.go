package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
)

func movein(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	if status := run(context.Background(), append([]string{"-program", "testdata/program.json"}, args...), &out, &errs); status != want {
		t.Fatalf("status %d, want %d\n%s%s", status, want, &out, &errs)
	}
	return out.String(), errs.String()
}

var openLoyalty = []string{
	"-members", "testdata/members.csv", "-transfers", "testdata/transfers.csv", "-wallet", "default=points", "-wallet", "stars=stars",
	"-level", "b1=basic", "-level", "g9=gold",
}

func TestMoveIn(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  []string
		n     string
		books []string
		want  map[ids.Member]loyalty.Balance // of points
		level map[ids.Member]ids.Level
	}{
		{
			"a table", []string{"-table", "testdata/table.csv"}, "2 members",
			[]string{"points 1140 1140 910 910 30 200", "stars 5 5 0 0 0 5"},
			map[ids.Member]loyalty.Balance{"alice": {Available: 200}, "bob": {}},
			map[ids.Member]ids.Level{"alice": "gold", "bob": "basic"},
		},
		{
			"an export of Open Loyalty", openLoyalty, "3 members",
			[]string{"points 700 700 110 110 60 530", "stars 3 3 0 0 0 3"},
			map[ids.Member]loyalty.Balance{"5d0e": {Available: 430}, "77aa": {Available: 70, Pending: 30}, "9c9c": {}},
			map[ids.Member]ids.Level{"5d0e": "basic", "77aa": "gold", "9c9c": "basic"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := "sqlite:" + filepath.Join(t.TempDir(), "club.db")
			args := append([]string{"-db", file}, c.args...)
			for _, run := range []struct {
				also []string
				says string
			}{
				{[]string{"-dry"}, c.n + " opened, 0 there before, 0 refused"}, {nil, c.n + " opened, 0 there before, 0 refused"},
				{nil, "0 members opened, " + strings.Fields(c.n)[0] + " there before, 0 refused"},
			} {
				out, _ := movein(t, 0, append(args, run.also...)...)
				if !strings.Contains(out, run.says) {
					t.Errorf("it does not say %q:\n%s", run.says, out)
				}
				var lines []string
				for line := range strings.Lines(out) {
					lines = append(lines, strings.Join(strings.Fields(line), " "))
				}
				for _, books := range c.books {
					if !strings.Contains(strings.Join(lines, "\n"), books) {
						t.Errorf("it does not say %q:\n%s", books, out)
					}
				}
			}
			db, end, err := database.Open(t.Context(), file, loyalty.Tables)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = end() }()
			points := loyalty.New(db, nil)
			for id, want := range c.want {
				a, err := points.Account(t.Context(), loyalty.AccountID{Program: "club", Member: id})
				if err != nil {
					t.Fatal(err)
				}
				if got := a.Wallet("points").Balance(a.At); got != want || a.Status.Level != c.level[id] {
					t.Errorf("%s has %+v and is %s", id, got, a.Status.Level)
				}
			}
		})
	}
}

func TestMistakesAreTold(t *testing.T) {
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "mistaken.csv")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	transfers := func(lines string) []string {
		args := append([]string{}, openLoyalty...)
		args[3] = write("memberId,walletTypeCode,points,type,createdAt,expiredAt\n" + lines)
		return args
	}
	for _, c := range []struct {
		says string
		args []string
	}{
		{"has no column member", []string{"-table", write("id\n1\n")}},
		{"line 3: points is no number of points", []string{"-table", write("member,points\na,1\nb,1.5\n")}},
		{"line 2: expires is no time", []string{"-table", write("member,points,expires\na,1,tomorrow\n")}},
		{"1 members are refused", []string{"-table", write("member,points,level\na,1,basic\nb,1,platinum\n")}},
		{"the program has no such currency", []string{"-table", write("member,currency,points\na,miles,1\n")}},
		{`no -wallet says which currency "gems" is`, transfers("5d0e,gems,1,adding,2025-01-01 00:00:00,\n")},
		{`type "blocked" is none that is known`, transfers("5d0e,default,1,blocked,2025-01-01 00:00:00,\n")},
		{"line 2: loyalty: 5 points are needed and 0 are there", transfers("5d0e,default,5,spending,2025-01-01 00:00:00,\n")},
		{"has no member 1111, which has transfers", transfers("1111,default,5,adding,2025-01-01 00:00:00,\n")},
	} {
		out, errs := movein(t, 1, c.args...)
		if !strings.Contains(out+errs, c.says) {
			t.Errorf("it does not say %q:\n%s%s", c.says, out, errs)
		}
	}
	for _, args := range [][]string{{}, {"-table", "a", "-members", "b"}, {"-members", "a"}, {"-table", "a", "b"}, {"-table", "a", "-level", "b1"}, {"-table", "a", "-wallet", "=x", "-wallet", "y"}} {
		movein(t, 2, args...)
	}
}
