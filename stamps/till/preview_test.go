package till_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/till"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// publish puts a program in force that gives stamps so.
func (s setting) publish(t testing.TB, id stamps.ProgramID, earn stamps.Earn) till.Request {
	t.Helper()
	d := coffee()
	d.ID, d.Card.Earn = id, earn
	if _, err := s.cards.Publish(ctx, d); err != nil {
		t.Fatal(err)
	}
	return till.Request{Purpose: stamps.PurposeStamp, Member: "alice", Program: id}
}

func (s setting) count(t testing.TB, id stamps.ProgramID) int64 {
	t.Helper()
	c, err := s.cards.Card(ctx, stamps.CardID{Program: id, Member: "alice"})
	if err != nil && !errors.Is(err, stamps.ErrUnknownCard) {
		t.Fatal(err)
	}
	return c.Total
}

// The number and the purchase of the preview are those of the confirmation, which has none of its
// own.
func TestWhatWasPreviewedIsConfirmed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		s := open(t, db)
		hand := s.publish(t, "hand", stamps.Earn{Per: stamps.PerHand})
		spent := s.publish(t, "spent", stamps.Earn{Per: stamps.PerAmount, Amount: 1000, Currency: "CNY"})
		for i, c := range []struct {
			request  till.Request
			n        int64
			purchase *stamps.Purchase
			want     int64
		}{
			{hand, 1, nil, 1},
			{hand, 7, nil, 7},
			{spent, 0, &stamps.Purchase{Amount: 3500, Currency: "CNY"}, 3},
			{stampIt, 0, nil, 1},
		} {
			code, before := s.ask(t, c.request, fmt.Sprint("ask", i)), s.count(t, c.request.Program)
			x := till.Enter{Shop: "wangjing", Manager: "kathy", Code: code, N: c.n, Purchase: c.purchase, Key: fmt.Sprint("see", i)}
			p, err := s.till.Preview(ctx, x)
			if err != nil || p.Effect == nil || p.Effect.Record.N != c.want {
				t.Fatalf("%s: %v, %v", c.request.Program, p, err)
			}
			r, err := s.till.Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: p.Claim})
			if err != nil || r.Outcome.Record.N != c.want || s.count(t, c.request.Program) != before+c.want {
				t.Fatalf("%s: confirmed %v, %v", c.request.Program, r, err)
			}
		}
		// Of two previews of a code each is confirmed as it was shown, and one of them.
		code := s.ask(t, hand, "two")
		var claims []string
		for i, n := range []int64{2, 500} {
			p, err := s.till.Preview(ctx, till.Enter{Shop: "wangjing", Manager: "kathy", Code: code, N: n, Key: fmt.Sprint("two", i)})
			if err != nil || p.Effect.Record.N != n {
				t.Fatal(p, err)
			}
			claims = append(claims, p.Claim)
		}
		before := s.count(t, "hand")
		r, err := s.till.Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: claims[0]})
		if err != nil || r.Outcome.Record.N != 2 {
			t.Fatal(r, err)
		}
		if _, err := s.till.Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: claims[1]}); err == nil {
			t.Error("the code was confirmed twice")
		}
		if n := s.count(t, "hand"); n != before+2 {
			t.Errorf("%d stamps more, want 2", n-before)
		}
	})
}

// N is for programs that give stamps by hand, and a sale for stamps: elsewhere they are refused,
// with the code unspent.
func TestNIsForStampsByHand(t *testing.T) {
	s := open(t, dbtest.Of(memory.New()))
	visit := s.publish(t, "visit", stamps.Earn{Per: stamps.PerVisit})
	amount := s.publish(t, "amount", stamps.Earn{Per: stamps.PerAmount, Amount: 100, Currency: "CNY"})
	item := s.publish(t, "item", stamps.Earn{Per: stamps.PerItem})
	if _, err := s.enter(s.ask(t, visit, "first"), "first"); err != nil {
		t.Fatal(err)
	}
	cancel := visit
	cancel.Purpose = stamps.PurposeCancel
	sale := &stamps.Purchase{Amount: 1000, Currency: "CNY", Items: 3}
	for i, c := range []struct {
		name     string
		request  till.Request
		n        int64
		purchase *stamps.Purchase
		field    string
	}{
		{"visits", visit, 500, nil, "n"},
		{"two visits", visit, 2, nil, "n"},
		{"money", amount, 2, sale, "n"},
		{"items", item, 2, sale, "n"},
		{"a cancellation", cancel, 1, nil, "n"},
		{"a cancellation with a purchase", cancel, 0, sale, "purchase"},
	} {
		before := s.count(t, c.request.Program)
		x := till.Enter{
			Shop: "wangjing", Manager: "kathy", Code: s.ask(t, c.request, fmt.Sprint("ask", i)), N: c.n, Purchase: c.purchase, Key: fmt.Sprint("key", i),
		}
		refused := func(what string, err error) {
			t.Helper()
			var input *errs.InputError
			if !errors.As(err, &input) || input.Field != c.field {
				t.Errorf("%s, %s: %v", c.name, what, err)
			}
		}
		_, err := s.till.Preview(ctx, x)
		refused("preview", err)
		_, err = s.till.Enter(ctx, x)
		refused("enter", err)
		_, err = s.till.Press(ctx, till.Press{Serial: "A1", Request: c.request, N: c.n, Purchase: c.purchase, Key: fmt.Sprint("press", i)})
		refused("press", err)
		if n := s.count(t, c.request.Program); n != before {
			t.Errorf("%s: %d stamps were given", c.name, n-before)
		}
	}
}

// What can't be is refused before the code is looked at, and costs no guess: not a bad number,
// purchase, key, purpose or id.
func TestBadInputIsRefusedBeforeTheCode(t *testing.T) {
	s := open(t, dbtest.Of(memory.New()))
	s.ask(t, stampIt, "a")
	good := till.Enter{Shop: "wangjing", Manager: "kathy", Code: "000000", Key: "k"}
	for name, change := range map[string]func(*till.Enter){
		"a negative n":             func(x *till.Enter) { x.N = -1 },
		"a large n":                func(x *till.Enter) { x.N = 1001 },
		"a negative amount":        func(x *till.Enter) { x.Purchase = &stamps.Purchase{Amount: -1} },
		"no currency":              func(x *till.Enter) { x.Purchase = &stamps.Purchase{Amount: 1} },
		"an unknown purpose":       func(x *till.Enter) { x.Purpose = "adjust" },
		"n of a redemption":        func(x *till.Enter) { x.Purpose, x.N = stamps.PurposeRedeem, 1 },
		"a purchase of a refund":   func(x *till.Enter) { x.Purpose, x.Purchase = stamps.PurposeCancel, &stamps.Purchase{} },
		"no key":                   func(x *till.Enter) { x.Key = "" },
		"a long key":               func(x *till.Enter) { x.Key = strings.Repeat("k", 1000) },
		"no shop":                  func(x *till.Enter) { x.Shop = "" },
		"no manager":               func(x *till.Enter) { x.Manager = "" },
		"a manager with a space":   func(x *till.Enter) { x.Manager = "ka thy" },
		"a code that is no number": func(x *till.Enter) { x.Code = "12345a" },
	} {
		for what, do := range map[string]func(till.Enter) error{
			"preview": func(x till.Enter) error { _, err := s.till.Preview(ctx, x); return err },
			"enter":   func(x till.Enter) error { _, err := s.till.Enter(ctx, x); return err },
		} {
			x := good
			change(&x)
			for range 20 {
				var input *errs.InputError
				if err := do(x); !errors.As(err, &input) {
					t.Fatalf("%s, %s: %v", what, name, err)
				}
			}
		}
	}
	// All four guesses of kathy are left.
	for i := range 4 {
		if _, err := s.enter("000000", fmt.Sprint("g", i)); !errors.Is(err, otp.ErrInvalidCode) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
}

// A claim of one tenant's till is worth nothing at another's, whose shop, manager and customer have
// the same names.
func TestAClaimIsOfOneTenantsTill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		crooked, victim := open(t, db), open(t, db)
		p, err := crooked.till.Preview(ctx, till.Enter{
			Shop: "wangjing", Manager: "kathy", Code: crooked.ask(t, stampIt, "a"), Key: "p",
		})
		if err != nil {
			t.Fatal(err)
		}
		code := victim.ask(t, stampIt, "a")
		if _, err := victim.till.Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: p.Claim}); !errors.Is(err, otp.ErrInvalidCode) {
			t.Error(err)
		}
		if n := victim.total(t); n != 0 {
			t.Errorf("%d stamps were given", n)
		}
		if _, err := victim.enter(code, "e"); err != nil {
			t.Error("the victim's code is burnt:", err)
		}
	})
}

// A customer who asks without end is told to wait, at each shop.
func TestAskingAtTheTillIsBounded(t *testing.T) {
	s := open(t, dbtest.Of(memory.New()))
	ask := func(at ids.Shop, i int, device otp.DeviceID, member ids.Member) error {
		d := stampIt
		d.Member = member
		_, err := s.till.Ask(ctx, till.Ask{Shop: at, Request: d, Device: device, Key: fmt.Sprint("k", i)})
		return err
	}
	for name, member := range map[string]func(i int) ids.Member{
		"one customer": func(int) ids.Member { return "alice" },
		"one device":   func(i int) ids.Member { return ids.Member(fmt.Sprint("m", i)) },
	} {
		n := 0
		for i := range 200 {
			err := ask("wangjing", i, "phone", member(i))
			var throttled *otp.ThrottledError
			if err != nil && !errors.As(err, &throttled) {
				t.Fatal(err)
			}
			if err == nil {
				n++
			}
		}
		if n > 60 {
			t.Errorf("%s got %d of 200 codes", name, n)
		}
	}
}
