package dispatch_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/scrm/lead/dispatch"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestTimesOfCommands(t *testing.T) {
	db := memory.New()
	lines := dispatch.New(db, nil)
	put(lines, "p", dispatch.Settings{Accounts: []dispatch.Account{{ID: "a"}}})
	told := []dispatch.Leads{{Account: "a", Day: time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)}}
	stored := timetest.Records(t, db.Journal())
	timetest.Refuses(t, dispatch.Route{Line: "ads", Visitor: "v", Online: []dispatch.AccountID{"a"}, Leads: told}, func(c dispatch.Route) error {
		_, err := lines.Route(ctx, c)
		return err
	}, stored)
	timetest.Refuses(t, dispatch.Drain{Line: "ads", Online: []dispatch.AccountID{"a"}, Leads: told}, func(c dispatch.Drain) error {
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
		var s dispatch.Settings
		if json.Unmarshal(text, &s) != nil {
			return
		}
		lines := dispatch.New(memory.New(), nil)
		_, err := lines.Put(ctx, dispatch.Put{Line: "ads", Settings: s, Key: "k"})
		var bad *dispatch.InputError
		if err != nil {
			if !errors.As(err, &bad) || bad.Field == "" {
				t.Fatal(err)
			}
			return
		}
		_, err = lines.Route(ctx, dispatch.Route{Line: "ads", Visitor: "v", Origin: "o", Online: []dispatch.AccountID{"a"}})
		var none *dispatch.NoCapacityError
		if err != nil && !errors.As(err, &none) && !errors.Is(err, dispatch.ErrToken) {
			t.Fatal(err)
		}
	})
}
