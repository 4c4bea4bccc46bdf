package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
)

func TestADayInAnyOrder(t *testing.T) {
	events := "2000"
	if race.Enabled {
		events = "300"
	}
	for name, db := range map[string]func(t *testing.T) string{
		"memory":   func(*testing.T) string { return "memory" },
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "leads.db") },
		"postgres": func(t *testing.T) string { return pgtest.DSN(t) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, seed := range []string{"1", "2"} {
				var out, errs strings.Builder
				if status := run(t.Context(), []string{"-db", db(t), "-events", events, "-codes", "12", "-seed", seed}, &out, &errs); status != 0 {
					t.Fatalf("%d: %s%s", status, out.String(), errs.String())
				}
				if !strings.Contains(out.String(), "the same counts") || !strings.Contains(out.String(), "no permission") {
					t.Error(out.String())
				}
			}
		})
	}
}

func TestCommandLines(t *testing.T) {
	for _, args := range [][]string{{"-events", "0"}, {"-callers", "x"}, {"path"}} {
		var out, errs strings.Builder
		if status := run(t.Context(), args, &out, &errs); status != 2 || errs.String() == "" {
			t.Errorf("%v: %d, %s", args, status, errs.String())
		}
	}
}
