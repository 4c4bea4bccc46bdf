package routing_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestTimesOfCommands(t *testing.T) {
	db := memory.New()
	lines := routing.New(db, nil)
	put(lines, "p", routing.Settings{Accounts: []routing.Account{{ID: "a"}}})
	told := []routing.Leads{{Account: "a", Day: time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)}}
	stored := timetest.Records(t, db.Journal())
	timetest.Refuses(t, routing.Route{Line: "ads", Visitor: "v", Online: []routing.AccountID{"a"}, Leads: told}, func(c routing.Route) error {
		_, err := lines.Route(ctx, c)
		return err
	}, stored)
	timetest.Refuses(t, routing.Drain{Line: "ads", Online: []routing.AccountID{"a"}, Leads: told}, func(c routing.Drain) error {
		_, err := lines.Drain(ctx, c)
		return err
	}, stored)
}

func FuzzSettings(f *testing.F) {
	for _, seed := range []string{
		`{"zone":"UTC","accounts":[{"id":"a","day":2}],"queue":3,"rate":{"n":1,"seconds":60,"burst":2},"hold":1}`, `{"zone":"UTC","reset":1439,"seed":18446744073709551615}`,
		`{"zone":"Local"}`, `{"zone":"UTC","accounts":[{"id":"a"},{"id":"a"}]}`, `{"zone":"UTC","hold":-1}`, `{"zone":"UTC","rate":{"n":1000000,"seconds":604800,"burst":1000000}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s routing.Settings
		if json.Unmarshal(text, &s) != nil {
			return
		}
		lines := routing.New(memory.New(), nil)
		_, err := lines.Put(ctx, routing.Put{Line: "ads", Settings: s, Key: "k"})
		var bad *errs.InputError
		if err != nil {
			if !errors.As(err, &bad) || bad.Field == "" {
				t.Fatal(err)
			}
			return
		}
		_, err = lines.Route(ctx, routing.Route{Line: "ads", Visitor: "v", Origin: "o", Online: []routing.AccountID{"a"}})
		var none *routing.NoCapacityError
		if err != nil && !errors.As(err, &none) && !errors.Is(err, routing.ErrToken) {
			t.Fatal(err)
		}
	})
}
