package desk_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/ticket"
)

// shop has a website push to a code or to a pool.
func (s scene) shop(action ticket.Action) {
	must(s.Tickets.PutSite(ctx, ticket.PutSite{Site: "shop", Key: "put", Settings: ticket.Settings{Scheme: ticket.Shopify, Templates: "t"}}))
	must(s.Tickets.AddSecret(ctx, ticket.AddSecret{Site: "shop", Secret: "hush-hush-hush-hush", Key: "secret"}))
	must(s.Tickets.Publish(ctx, ticket.Templates{ID: "t", Version: 1, Rules: []ticket.Rule{{ID: "all", NoPhone: true, Action: action}}}))
}

func (s scene) handle() { must(s.Handle(ctx, ticket.Query{State: ticket.Received})) }

func (s scene) ticket(id ticket.ID) ticket.Ticket {
	k, _, err := s.Tickets.Ticket(ctx, id)
	if err != nil {
		panic(err)
	}
	return k
}

func repeat[T any](n int, of func(i int) T) (all []T) {
	for i := range n {
		all = append(all, of(i))
	}
	return all
}

// A way is how what a ticket is at goes.
type way struct {
	name string
	code ids.Code // that the template names; "": that of the account
	pool bool     // the template names a pool, whose line has the account
	end  func(s scene, c activation.Issued)
	want ticket.Reason
}

var ways = []way{
	{"the code is disabled", "", false, func(s scene, c activation.Issued) {
		must(s.Codes.Disable(ctx, activation.CodeBatch{Codes: []ids.Code{c.ID}, Key: "off"}))
	}, ticket.CodeDisabled},
	{"the code is deleted", "", false, func(s scene, c activation.Issued) {
		must(s.Codes.Delete(ctx, activation.CodeBatch{Codes: []ids.Code{c.ID}, Key: "gone"}))
	}, ticket.CodeDeleted},
	{"the code expires", "", false, func(s scene, c activation.Issued) {
		must(s.Codes.Expire(ctx, activation.CodeBatch{Codes: []ids.Code{c.ID}, Key: "end"}))
	}, ticket.CodeExpired},
	{"the code is unknown", "NOBODY22", false, func(scene, activation.Issued) {}, ticket.CodeUnknown},
	{"the code of the account is disabled", "", true, func(s scene, c activation.Issued) {
		must(s.Codes.Disable(ctx, activation.CodeBatch{Codes: []ids.Code{c.ID}, Key: "off"}))
	}, ticket.CodeDisabled},
	{"the account is closed", "", true, func(s scene, c activation.Issued) {
		must(s.Codes.Close(ctx, activation.Leave{Port: activation.PortID{Code: c.ID, N: 2}, Key: "close"}))
	}, ticket.AccountGone},
	{"the account is banned", "", true, func(s scene, c activation.Issued) {
		must(s.Codes.Ban(ctx, activation.Leave{Port: activation.PortID{Code: c.ID, N: 2}, Key: "ban"}))
	}, ticket.AccountGone},
}

// Whenever what a ticket is at goes, the ticket is Manual with the reason: at once where it goes
// before the ticket is handled, and after the next Recall where it goes later, taken or not.
// Nothing is left at a target that nobody can sign in to.
func TestTicketsOfTargetsThatGo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		for i, w := range ways {
			for k, when := range []string{"before it is handled", "between that and the take", "after the take", "after it was assigned by hand"} {
				if w.want == ticket.CodeUnknown && k > 0 {
					continue
				}
				t.Run(w.name+" "+when, func(t *testing.T) {
					s := open(db.Tenant(fmt.Sprint("gone", i, k)))
					c := s.make("a", "whatsapp")
					access := s.sign(c, "whatsapp", "x")
					s.line("p", routing.Settings{Accounts: of("x"), Offline: true})
					action := ticket.Action{Code: c.ID}
					switch {
					case w.code != "":
						action.Code = w.code
					case w.pool:
						action = ticket.Action{Pool: "asia"}
					}
					s.shop(action)
					id := s.push("shop", `{"id":1}`)
					target := ticket.Target{Code: c.ID}
					if w.pool {
						target.Account = "x"
					}
					want := w.want
					if k == 0 {
						w.end(s, c)
						if s.handle(); w.pool {
							want = ticket.NoCapacity
						}
						if k := s.ticket(id); k.State != ticket.Manual || k.Reason != want || k.Target != (ticket.Target{}) {
							t.Fatal(k)
						}
						before := s.ticket(id)
						must(s.Handle(ctx, ticket.Query{State: ticket.Manual}))
						if after := s.ticket(id); after.Version != before.Version {
							t.Fatal("handled again it is another one", after)
						}
						if w.code != "" {
							target = ticket.Target{Code: w.code}
						}
						_, err := s.Assign(ctx, ticket.Assign{Ticket: id, Target: target, Key: "assign"})
						var bad *desk.TargetError
						if !errors.As(err, &bad) || bad.Reason != w.want || bad.Target != target {
							t.Fatal(err)
						}
						if k := s.ticket(id); k.State != ticket.Manual || k.Version != before.Version {
							t.Fatal("the refusal stored something", k)
						}
						return
					}
					if s.handle(); s.ticket(id).State != ticket.Pending {
						t.Fatal(s.ticket(id))
					}
					switch k {
					case 2:
						must(s.Take(ctx, desk.Order{Token: access.Token, Ticket: id, Key: "take"}))
					case 3:
						must(s.Assign(ctx, ticket.Assign{Ticket: id, Target: target, Key: "assign"}))
					}
					if n := must(s.Recall(ctx)); n != 0 {
						t.Fatal("recalled from a code in use:", s.ticket(id))
					}
					w.end(s, c)
					if n := must(s.Recall(ctx)); n != 1 {
						t.Fatal(n, s.ticket(id))
					}
					if k := s.ticket(id); k.State != ticket.Manual || k.Reason != w.want || k.Target != (ticket.Target{}) || !k.Taken.IsZero() {
						t.Fatal(k)
					}
					if n := must(s.Recall(ctx)); n != 0 {
						t.Fatal("recalled twice")
					}
					for k, err := range s.Tickets.Tickets(ctx, ticket.Query{Code: c.ID}) {
						t.Fatal("still listed at the code:", k, err)
					}
				})
			}
		}
	})
}

func TestAgentsHandleTickets(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("list, take, hand back and finish those of their code, and no others", func(t *testing.T) {
			s := open(db.Tenant("mine"))
			c, other := s.make("a", "whatsapp"), s.make("b", "whatsapp")
			kathy, eve := s.sign(c, "whatsapp", "x"), s.sign(other, "whatsapp", "y")
			s.shop(ticket.Action{Code: c.ID})
			all := repeat(3, func(i int) ticket.ID { s.pass(time.Second); return s.push("shop", fmt.Sprintf(`{"id":%d}`, i)) })
			s.handle()
			mine := func(access activation.Access, state ticket.State) (n int) {
				for k, err := range s.Mine(ctx, access.Token, state, 0) {
					if err != nil || k.Target.Code != access.Code.ID {
						t.Fatal(k, err)
					}
					n++
				}
				return n
			}
			if mine(kathy, "") != 3 || mine(kathy, ticket.Pending) != 3 || mine(eve, "") != 0 {
				t.Fatal("lists")
			}
			_, err := s.Take(ctx, desk.Order{Token: eve.Token, Ticket: all[0], Key: "k"})
			isError(t, err, ticket.ErrNotYours)
			_, err = s.HandBack(ctx, desk.Order{Token: eve.Token, Ticket: all[0], Note: "no", Key: "k"})
			isError(t, err, ticket.ErrNotYours)
			_, err = s.Take(ctx, desk.Order{Token: "none", Ticket: all[0], Key: "k"})
			isError(t, err, activation.ErrSignedOut)
			take := desk.Order{Token: kathy.Token, Ticket: all[0], Key: "k"}
			for i := range 2 {
				out := must(s.Take(ctx, take))
				if out.State != ticket.Assigned || out.Replayed != (i == 1) {
					t.Fatal(out)
				}
			}
			take.Key = "k2"
			_, err = s.Take(ctx, take)
			isError(t, err, ticket.ErrTaken)
			_, err = s.Finish(ctx, desk.Order{Token: kathy.Token, Ticket: all[1], Key: "f"})
			isError(t, err, ticket.ErrState)
			if out := must(s.Finish(ctx, desk.Order{Token: kathy.Token, Ticket: all[0], Note: "sold", Key: "f"})); out.State != ticket.Done {
				t.Fatal(out)
			}
			var bad *errs.InputError
			if _, err := s.HandBack(ctx, desk.Order{Token: kathy.Token, Ticket: all[1], Key: "b"}); !errors.As(err, &bad) || bad.Field != "note" {
				t.Fatal(err)
			}
			back := desk.Order{Token: kathy.Token, Ticket: all[1], Note: "speaks Thai", Key: "b"}
			for i := range 2 {
				out := must(s.HandBack(ctx, back))
				if out.State != ticket.Manual || out.Reason != ticket.HandedBack || out.Replayed != (i == 1) {
					t.Fatal(out)
				}
			}
			must(s.Handle(ctx, ticket.Query{State: ticket.Manual}))
			if k := s.ticket(all[1]); k.State != ticket.Manual || k.Note != "speaks Thai" {
				t.Fatal("the templates that decided give it back:", k)
			}
			must(s.Tickets.Publish(ctx, ticket.Templates{ID: "t", Version: 2, Rules: []ticket.Rule{
				{ID: "all", NoPhone: true, Action: ticket.Action{Code: other.ID}},
			}}))
			must(s.Handle(ctx, ticket.Query{State: ticket.Manual}))
			if mine(eve, ticket.Pending) != 1 || mine(kathy, "") != 2 {
				t.Fatal("other templates decide again:", s.ticket(all[1]))
			}
			must(s.Codes.Disable(ctx, activation.CodeBatch{Codes: []ids.Code{c.ID}, Key: "off"}))
			_, err = s.Take(ctx, desk.Order{Token: kathy.Token, Ticket: all[2], Key: "late"})
			isError(t, err, activation.ErrSignedOut)
			must(s.Recall(ctx))
			if k := s.ticket(all[0]); k.State != ticket.Done {
				t.Fatal("what is done is recalled:", k)
			}
			if k := s.ticket(all[2]); k.Reason != ticket.CodeDisabled {
				t.Fatal(k)
			}
		})
		t.Run("one of many takes a ticket", func(t *testing.T) {
			s := open(db.Tenant("race"))
			c := s.make("a", "whatsapp")
			s.sign(c, "whatsapp", "x")
			s.shop(ticket.Action{Code: c.ID})
			id := s.push("shop", `{"id":1}`)
			s.handle()
			accesses := repeat(8, func(i int) activation.Access {
				return must(s.Codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: activation.DeviceID(fmt.Sprint("pc", i))}))
			})
			var won atomic.Int64
			var wg sync.WaitGroup
			for i, access := range accesses {
				wg.Go(func() {
					out, err := s.Take(ctx, desk.Order{Token: access.Token, Ticket: id, Key: fmt.Sprint("k", i)})
					switch {
					case err == nil && out.State == ticket.Assigned:
						won.Add(1)
					case !errors.Is(err, ticket.ErrTaken):
						t.Error(out, err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Fatal(won.Load(), "took it")
			}
		})
		t.Run("take, hand back and recall at once leave one state, with one owner", func(t *testing.T) {
			s := open(db.Tenant("mix"))
			c := s.make("a", "whatsapp")
			access := s.sign(c, "whatsapp", "x")
			s.shop(ticket.Action{Code: c.ID})
			all := repeat(6, func(i int) ticket.ID { return s.push("shop", fmt.Sprintf(`{"id":%d}`, i)) })
			s.handle()
			var wg sync.WaitGroup
			for i, id := range all {
				wg.Go(func() { _, _ = s.Take(ctx, desk.Order{Token: access.Token, Ticket: id, Key: fmt.Sprint("t", i)}) })
				wg.Go(func() {
					_, _ = s.HandBack(ctx, desk.Order{Token: access.Token, Ticket: id, Note: "no", Key: fmt.Sprint("b", i)})
				})
			}
			wg.Go(func() {
				_, _ = s.Codes.Disable(ctx, activation.CodeBatch{Codes: []ids.Code{c.ID}, Key: "off"})
			})
			wg.Go(func() { _, _ = s.Recall(ctx) })
			wg.Wait()
			must(s.Recall(ctx))
			for _, id := range all {
				if k := s.ticket(id); k.State != ticket.Manual || k.Target != (ticket.Target{}) || k.Reason != ticket.HandedBack && k.Reason != ticket.CodeDisabled {
					t.Error(k)
				}
			}
		})
	})
}

// A ticket that waits in a line for longer than orders may is Manual; a visitor who waits for too
// long uses nothing of the next day's cap.
func TestWaitingEnds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		s := open(db.Tenant("waits"))
		c := s.make("a", "whatsapp")
		s.line("p", routing.Settings{Queue: 9, Accounts: []routing.Account{{ID: desk.Account("whatsapp", "x"), Day: 2}}})
		s.shop(ticket.Action{Pool: "asia"})
		id := s.push("shop", `{"id":1}`)
		s.handle()
		for i := range 4 {
			if out := must(s.Visit(ctx, "asia", routing.VisitorID(fmt.Sprint("yesterday", i)))); !out.Waiting {
				t.Fatal(out)
			}
		}
		s.pass(24 * time.Hour)
		s.sign(c, "whatsapp", "x")
		if out := must(s.Drain(ctx, "asia")); len(out.Served) != 1 || len(out.Lapsed) != 4 {
			t.Fatal(out)
		}
		if got := s.state(id); got != "pending  x" {
			t.Fatal("the order waits for longer:", got)
		}
		if out := must(s.Visit(ctx, "asia", "today")); out.Account == "" {
			t.Fatal(out)
		}
		late := s.push("shop", `{"id":2}`)
		if s.handle(); s.state(late) != "pending  " {
			t.Fatal(s.state(late))
		}
		s.pass(routing.DefaultOrderWait * time.Minute)
		if out := must(s.Drain(ctx, "asia")); len(out.Lapsed) != 1 {
			t.Fatal(out)
		}
		if got := s.state(late); got != "manual noCapacity " {
			t.Fatal(got)
		}
	})
}
