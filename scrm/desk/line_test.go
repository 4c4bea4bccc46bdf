package desk_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
)

// visits has n visitors come, and returns how many were sent somewhere.
func (s scene) visits(name string, n int) (sent int) {
	for i := range n {
		out, err := s.Visit(ctx, "asia", routing.VisitorID(fmt.Sprint(strings.ReplaceAll(name, " ", "-"), i)))
		var none *routing.NoCapacityError
		if err != nil && !errors.As(err, &none) {
			panic(err)
		}
		if out.Account != "" {
			sent++
		}
	}
	return sent
}

// write has contacts write to the account x, now.
func (s scene) write(t *testing.T, access activation.Access, from, to int, want lead.Verdict) {
	t.Helper()
	for i := from; i < to; i++ {
		r := report(access, fmt.Sprint("m", i), "x", fmt.Sprint("contact", i))
		r.Event.At = s.clock()
		for range 2 {
			if out := must(s.Report(ctx, r)); out.Verdict != want {
				t.Fatal(i, out)
			}
		}
	}
}

func (s scene) clock() time.Time { return time.UnixMicro(s.now.Load()).UTC() }

func TestLinesCountLeads(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("ten visitors and four leads leave six of a day's ten", func(t *testing.T) {
			s := open(db.Tenant("leads"))
			c, other := s.make("a", "whatsapp"), s.make("b", "whatsapp")
			access, early := s.sign(c, "whatsapp", "x"), s.sign(other, "whatsapp", "y")
			alive := func(d time.Duration) {
				s.pass(d)
				must(s.Codes.Beat(ctx, access.Token))
				must(s.Codes.Beat(ctx, early.Token))
			}
			s.line("p", routing.Settings{Accounts: []routing.Account{{ID: desk.Account("whatsapp", "x"), Day: 10}}})
			for _, step := range []struct {
				name     string
				do       func()
				come, to int // visitors, and how many of them are sent
			}{
				{"all have places", func() {}, 12, 10},
				{"four write", func() { alive(time.Minute); s.write(t, access, 0, 4, lead.NewLead) }, 3, 0},
				{"six have not written", func() { alive(routing.DefaultHold * time.Minute) }, 9, 6},
				{"three of those do", func() { alive(time.Minute); s.write(t, access, 4, 7, lead.NewLead) }, 2, 0},
				{"three have not", func() { alive(routing.DefaultHold * time.Minute) }, 9, 3},
				{"they do", func() { s.write(t, access, 7, 10, lead.NewLead) }, 2, 0},
				{"duplicates count for nothing", func() {
					must(s.Report(ctx, desk.Report{
						Token: early.Token, Platform: "whatsapp", Contact: []lead.Identity{{Platform: "whatsapp", ID: "dup"}},
						Event: lead.Event{ID: "d", Account: "y", At: s.clock(), Kind: lead.Inbound},
					}))
					r := report(access, "d", "x", "dup")
					r.Event.At = s.clock().Add(time.Second)
					must(s.Report(ctx, r))
				}, 2, 0},
				{"a verdict turns, by an event that was told late", func() {
					must(s.Report(ctx, desk.Report{
						Token: early.Token, Platform: "whatsapp", Contact: []lead.Identity{{Platform: "whatsapp", ID: "contact0"}},
						Event: lead.Event{ID: "late", Account: "y", At: noon.Add(time.Second), Kind: lead.Inbound},
					}))
				}, 3, 1},
				{"another day", func() { alive(20 * time.Hour) }, 20, 10},
			} {
				step.do()
				if got := s.visits(step.name, step.come); got != step.to {
					t.Fatalf("%s: %d were sent, want %d", step.name, got, step.to)
				}
			}
		})
		t.Run("under a race of visitors who all write, no account has more leads than its target", func(t *testing.T) {
			s := open(db.Tenant("race"))
			access := s.sign(s.make("a", "whatsapp"), "whatsapp", "x")
			s.line("p", routing.Settings{Accounts: []routing.Account{{ID: desk.Account("whatsapp", "x"), Day: 5}}})
			var sent atomic.Int64
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					_, err := s.Visit(ctx, "asia", routing.VisitorID(fmt.Sprint("v", i)))
					var none *routing.NoCapacityError
					if errors.As(err, &none) {
						return
					}
					if err == nil {
						sent.Add(1)
						_, err = s.Report(ctx, report(access, fmt.Sprint("e", i), "x", fmt.Sprint("c", i)))
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if sent.Load() != 5 || s.visits("more", 3) != 0 {
				t.Fatal(sent.Load(), "were sent")
			}
		})
		t.Run("a line that asks for tokens takes no visitor without one", func(t *testing.T) {
			s := open(db.Tenant("tokens"))
			s.sign(s.make("a", "whatsapp"), "whatsapp", "x")
			s.line("p", routing.Settings{Signed: true, Accounts: of("x"), OriginRate: routing.Limit{N: 1, Seconds: 60}})
			_, err := s.Visit(ctx, "asia", "ann")
			isError(t, err, routing.ErrToken)
			for i, want := range []string{"", "limit", "ticket"} {
				v := routing.VisitorID([]string{"ann", "bob", "ticket:shop/1"}[i])
				_, err := s.Arrive(ctx, desk.Arrival{Line: "asia", Token: must(s.Lines.Sign("asia", v)), Origin: "one"})
				var limit *routing.LimitError
				var bad *errs.InputError
				if errors.As(err, &limit) != (want == "limit") || errors.As(err, &bad) != (want == "ticket") || want == "" && err != nil {
					t.Error(v, err)
				}
			}
		})
	})
}
