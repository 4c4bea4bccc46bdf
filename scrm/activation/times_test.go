package activation_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestTimesThatNoCommandMayHave(t *testing.T) {
	db := memory.New()
	codes, now := open(t, db)
	c := issue(codes, both, "k")
	access := signIn(codes, c, "pc")
	p := must(codes.Open(ctx, activation.Open{Session: access.ID(), Platform: "line", Key: "o"}))
	n := 0
	key := func() string { n++; return fmt.Sprint("times-", n) }
	stored := timetest.Records(t, db.Journal())
	later := both
	later.Expires = now.time().Add(time.Hour)
	timetest.Refuses(t, activation.Create{N: 1, Settings: later, Key: "new"}, func(c activation.Create) error {
		c.Key = key()
		_, err := codes.Create(ctx, c)
		return err
	}, stored, "Expires")
	timetest.Refuses(t, activation.Pair{Session: access.ID(), Port: p.ID.N, Until: later.Expires, Key: "pair"}, func(c activation.Pair) error {
		c.Key = key()
		_, err := codes.Pair(ctx, c)
		return err
	}, stored)
	timetest.Refuses(t, activation.Edit{Code: c.ID, Settings: later, Key: "edit"}, func(c activation.Edit) error {
		c.Key = key()
		_, err := codes.Edit(ctx, c)
		return err
	}, stored, "Expires")
}

// Whatever settings a code is to have, they are refused by a typed error, or the code has them.
func FuzzSettings(f *testing.F) {
	f.Add(`{"platforms":["whatsapp"],"ports":3,"expires":"2027-01-01T00:00:00+08:00","counting":{"reach":"codes","codes":["x"],"zone":"Asia/Shanghai","reset":480}}`)
	f.Add(`{"expires":"9999-12-31T23:00:00-12:00","pool":"p","department":"\u0000","counting":{"zone":"Local","days":-1}}`)
	f.Add(`{"platforms":["a","a"],"ports":-1}`)
	f.Fuzz(func(t *testing.T, text string) {
		var s activation.Settings
		if json.Unmarshal([]byte(text), &s) != nil {
			return
		}
		codes := must(activation.New(memory.New(), keys, nil))
		made, err := codes.Create(ctx, activation.Create{N: 1, Settings: s, Key: "k"})
		var bad *errs.InputError
		if err != nil {
			if !errors.As(err, &bad) && !errors.Is(err, activation.ErrUnknownPool) {
				t.Fatal(err)
			}
			return
		}
		codes = must(activation.New(memory.New(), keys, nil))
		if _, err := codes.Create(ctx, activation.Create{N: 1, Settings: s, Key: "k"}); err != nil || len(made) != 1 {
			t.Fatal(fmt.Sprint(made), err)
		}
	})
}
