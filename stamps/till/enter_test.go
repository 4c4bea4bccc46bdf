package till_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/stamps/till"
)

// What tills enter at once is one transaction, in which each entry succeeds or fails by itself.
func TestTillsThatEnterAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		s := open(t, db)
		hand := s.publish(t, "hand", stamps.Earn{Per: stamps.PerHand})
		once := coffee()
		once.ID, once.Card.Limit.PerDay = "once", 1
		if _, err := s.cards.Publish(ctx, once); err != nil {
			t.Fatal(err)
		}
		if _, err := s.cards.Add(ctx, stamps.Add{Card: stamps.CardID{Program: "once", Member: "alice"}, Key: "first"}); err != nil {
			t.Fatal(err)
		}
		limited := till.Request{Purpose: stamps.PurposeStamp, Member: "alice", Program: "once"}
		of := func(member ids.Member, d till.Request) till.Request {
			d.Member = member
			return d
		}
		who := func(d till.Request, i int) ids.Member { return ids.Member(fmt.Sprint(d.Program, i)) }
		type want func(r till.Result, err error) bool
		done := func(r till.Result, err error) bool { return err == nil && !r.Replayed }
		fails := func(target error) want {
			return func(_ till.Result, err error) bool { return errors.Is(err, target) }
		}
		type try struct {
			name string
			x    till.Enter
			want want
		}
		var tries []try
		for round := range 6 {
			add := func(name string, x till.Enter, w want) {
				if x.Shop == "" {
					x.Shop, x.Manager = "wangjing", "kathy"
				}
				x.Key = fmt.Sprint(len(tries))
				tries = append(tries, try{name, x, w})
			}
			add("right", till.Enter{Code: s.ask(t, of(who(stampIt, round), stampIt), fmt.Sprint("coffee", round))}, done)
			add("by hand", till.Enter{Code: s.ask(t, of(who(hand, round), hand), fmt.Sprint("hand", round)), N: 3}, func(r till.Result, err error) bool {
				return done(r, err) && r.Outcome.Record.N == 3
			})
			if round == 0 {
				add("refused by its limit", till.Enter{Code: s.ask(t, limited, "limited")}, fails(stamps.ErrRefused))
				add("wrong", till.Enter{Code: "00000000"}, fails(otp.ErrInvalidCode))
			}
			add("of another shop's manager", till.Enter{Shop: "wangjing", Manager: "li", Code: "000000"}, fails(shop.ErrNotManager))
			add("of a stranger", till.Enter{Shop: "wangjing", Manager: "nobody", Code: "000000"}, fails(shop.ErrNotManager))
		}
		var wg sync.WaitGroup
		for _, c := range tries {
			wg.Go(func() {
				if r, err := s.till.Enter(ctx, c.x); !c.want(r, err) {
					t.Errorf("%s: %v, %v", c.name, r.Outcome.Record, err)
				}
			})
		}
		wg.Wait()
		for _, c := range tries { // and again they give their first answers
			r, err := s.till.Enter(ctx, c.x)
			if err == nil {
				r.Replayed = !r.Replayed
			}
			if !c.want(r, err) {
				t.Errorf("%s, again: %v, %v", c.name, r.Outcome.Record, err)
			}
		}
		for i := range 6 {
			for d, n := range map[till.Request]int64{stampIt: 1, hand: 3} {
				card, err := s.cards.Card(ctx, stamps.CardID{Program: d.Program, Member: who(d, i)})
				if err != nil || card.Total != n {
					t.Errorf("%s has %d stamps, want %d: %v", who(d, i), card.Total, n, err)
				}
			}
		}
	})
}

// A code that the rules refuse was checked, and committed as that: so guesses that are sent all at
// once, and whose request would be refused, get no further than one by one.
func TestGuessesWhoseRequestIsRefusedAreAttempts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		s := open(t, db)
		code := s.ask(t, stampIt, "a")
		var wg sync.WaitGroup
		var mu sync.Mutex
		read := 0
		for i := range 100 {
			wg.Go(func() {
				_, err := s.till.Enter(ctx, till.Enter{
					Shop: "wangjing", Manager: "kathy", Code: "0000" + fmt.Sprintf("%04d", i), N: 2, Key: fmt.Sprint("g", i),
				})
				if !errors.Is(err, otp.ErrInvalidCode) && !isThrottled(err) {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, otp.ErrInvalidCode) {
					read++
				}
			})
		}
		wg.Wait()
		if read != 4 {
			t.Errorf("%d guesses were read, want kathy's 4", read)
		}
		if _, err := s.enter(code, "right"); !isThrottled(err) {
			t.Error("a right code was read after them:", err)
		}
	})
}
