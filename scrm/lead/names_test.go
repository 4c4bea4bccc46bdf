package lead_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// name is one of a contact's on WhatsApp.
func name(namespace, id string) lead.Identity {
	return lead.Identity{Platform: "whatsapp", Namespace: namespace, ID: id}
}

// counted tells all that jobs have counted, which must be the same from their totals, their days
// and their leads.
func counted(t require, e *lead.Engine, codes ...ids.Code) string {
	t.Helper()
	var b strings.Builder
	for _, code := range codes {
		job := lead.JobID{Code: code, Platform: "whatsapp"}
		s, err := e.Summary(ctx, job)
		if err != nil {
			t.Fatal(err)
		}
		var days, sum lead.Figures
		for n, err := range e.Counts(ctx, lead.CountQuery{Job: job, From: at(-1e6), To: at(1e6)}) {
			if err != nil {
				t.Fatal(err)
			}
			days = days.Plus(n.Figures)
			fmt.Fprintf(&b, "%s %s %s %+v\n", code, n.Account, n.Day.Format(time.DateTime), n.Figures)
		}
		var lines []string
		for l, err := range e.Leads(ctx, lead.LeadQuery{Job: job}) {
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprintf("%s %s %s %s %v %s\n", code, l.Event.ID, l.Event.Account, l.Verdict, l.Reasons, l.Within))
			switch l.Verdict {
			case lead.NewLead:
				sum.New++
			case lead.Duplicate:
				sum.Duplicate++
			case lead.Uncertain:
				sum.Uncertain++
			case lead.Excluded:
				sum.Excluded++
			}
		}
		slices.Sort(lines)
		b.WriteString(strings.Join(lines, ""))
		if sum.Contacts, sum.Pairs = s.Total.Contacts, s.Total.Pairs; sum != s.Total || days != s.Total {
			t.Fatalf("the leads of %s are %+v, its days %+v, its total %+v", code, sum, days, s.Total)
		}
	}
	return b.String()
}

// anyJobs draws how to open three jobs on a database that has what is drawn of the library, at
// minute 10,000.
func anyJobs(t *rapid.T, names []lead.Identity) (codes []ids.Code, open func() *lead.Engine) {
	codes = []ids.Code{"A", "B", "C"}
	var puts []lead.Put
	for _, code := range codes {
		owner := rapid.SampledFrom([]lead.OwnerID{"boss", "partner"}).Draw(t, "owner")
		for i := range rapid.IntRange(1, 2).Draw(t, "terms") {
			p := put(func(p *lead.Put) {
				p.Job.Code, p.Owner, p.Key = code, owner, fmt.Sprint(i)
				p.Terms.Scope.Reach = rapid.SampledFrom([]lead.Reach{"", lead.ReachCodes, lead.ReachGroup, lead.ReachOwner, lead.ReachLinked}).Draw(t, "reach")
				p.Terms.Scope.Days = rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "days")
				p.Terms.Scope.Library = rapid.Bool().Draw(t, "library")
				p.Terms.Counts = rapid.SampledFrom([]lead.Rule{lead.CountInbound, lead.CountFriends, lead.CountConversation}).Draw(t, "rule")
				p.Terms.Zone = rapid.SampledFrom([]string{"Asia/Shanghai", "America/New_York"}).Draw(t, "zone")
				p.Terms.Group = "g"
				if p.Terms.Scope.Reach == lead.ReachCodes {
					p.Terms.Scope.Codes = codes[:2]
				}
				if i > 0 {
					p.Terms.From = at(1000)
				}
				if rapid.IntRange(0, 3).Draw(t, "window") == 0 {
					p.Terms.Begins, p.Terms.Ends = at(500), at(3000)
				}
			})
			puts = append(puts, p)
		}
	}
	reset, link := rapid.Bool().Draw(t, "reset"), rapid.Bool().Draw(t, "link")
	known, since := rapid.SampledFrom(names).Draw(t, "in the library"), rapid.SampledFrom([]int{-50, 600, 20_000}).Draw(t, "since")
	open = func() *lead.Engine {
		c := &clock{}
		e := lead.New(memory.New(), &lead.Options{Now: c.now})
		try := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		steps := map[int]func(){
			-100: func() {
				for _, p := range puts {
					_, err := e.Put(ctx, p)
					try(err)
				}
				if link {
					for _, l := range []lead.Link{{Owner: "boss", With: "partner", Key: "1"}, {Owner: "partner", With: "boss", Key: "1"}} {
						_, err := e.Link(ctx, l)
						try(err)
					}
				}
			},
			700: func() {
				if reset {
					_, err := e.Reset(ctx, lead.Reset{Job: lead.JobID{Code: "A", Platform: "whatsapp"}, Key: "r"})
					try(err)
				}
			},
			since: func() {
				_, err := e.Import(ctx, []lead.Identity{known})
				try(err)
			},
		}
		for _, minute := range slices.Sorted(maps.Keys(steps)) {
			if minute < 10_000 {
				c.set(at(minute))
				steps[minute]()
			}
		}
		c.set(at(10_000))
		return e
	}
	return codes, open
}

// Whatever names an event has of its contact, and whenever it is found that they are one's.
func TestOrderAndRepetitionChangeNothingUnderManyNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []lead.Identity{name("lid", "1"), name("bsuid", "2"), name(lead.WhatsApp, "8613800138000"), name("", "n")}
		codes, open := anyJobs(t, names)
		var events []lead.Observe
		for i := range rapid.IntRange(1, 10).Draw(t, "events") {
			events = append(events, met(rapid.SampledFrom(codes).Draw(t, "code"), rapid.SliceOfN(rapid.SampledFrom(names), 1, 3).Draw(t, "names"), lead.Event{
				ID: lead.EventID(fmt.Sprint("e", i)), Account: ids.Account(fmt.Sprint("x", rapid.IntRange(0, 2).Draw(t, "account"))),
				At:      at(rapid.SampledFrom([]int{0, 1, 499, 500, 701, 999, 1000, 1500, 2999, 3000, 4000}).Draw(t, "at")),
				Kind:    rapid.SampledFrom([]lead.Kind{lead.Inbound, lead.Inbound, lead.Outbound, lead.Friend, lead.Conversation}).Draw(t, "kind"),
				Unknown: rapid.IntRange(0, 4).Draw(t, "unknown") == 0,
			}))
		}
		events = append(events, met("A", names, inbound("all", "x0", rapid.SampledFrom([]int{0, 800, 5000}).Draw(t, "all at"))))
		play := func(events []lead.Observe) string {
			e := open()
			for _, m := range events {
				if _, err := e.Observe(ctx, m); err != nil {
					t.Fatal(err)
				}
			}
			return counted(t, e, codes...)
		}
		want := play(events)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		again := slices.Clone(events)
		for _, m := range events[:len(events)/2] {
			m.Contact = names[r.IntN(4):][:1]
			again = append(again, m)
		}
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if diff := gocmp.Diff(want, play(again)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestNames(t *testing.T) {
	out := must[lead.Outcome](t)
	phone, device := name(lead.WhatsApp, "8613800138000"), name("lid", "77")
	withLibrary := func(p *lead.Put) { p.Terms.Scope.Library = true }
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		run := func(name string, f func(t *testing.T, db dbtest.DB)) {
			t.Run(name, func(t *testing.T) { f(t, db.Tenant(name)) })
		}
		run("an event that can't be leaves contacts as they are", func(t *testing.T, db dbtest.DB) {
			e, c := open(t, db, "A")
			c.set(at(100))
			out(e.Observe(ctx, met("A", person("a"), inbound("1", "x", 1))))
			out(e.Observe(ctx, met("A", person("b"), inbound("2", "y", 2))))
			before := counted(t, e, "A")
			both := append(person("a"), person("b")...)
			var bad *errs.InputError
			if _, err := e.Observe(ctx, met("A", both, inbound("3", "z", 50_000))); !errors.As(err, &bad) {
				t.Fatal(err)
			}
			if _, err := e.Observe(ctx, met("A", both, inbound("2", "y", 3))); !errors.Is(err, journal.ErrKeyReused) {
				t.Fatal(err)
			}
			if after := counted(t, e, "A"); after != before {
				t.Fatal(after)
			}
		})
		run("what is found to be one contact's turns verdicts, which the event and the journal tell", func(t *testing.T, db dbtest.DB) {
			e, c := open(t, db, "A")
			c.set(at(100))
			out(e.Observe(ctx, met("A", person("a"), inbound("1", "x", 1))))
			out(e.Observe(ctx, met("A", person("b"), inbound("2", "y", 2))))
			m := met("A", append(person("a"), person("b")...), inbound("3", "z", 3))
			want := []lead.VerdictChange{{N: 2, Job: m.Job, From: lead.NewLead, To: lead.Duplicate}}
			for _, e := range []*lead.Engine{e.Preview(), e} {
				if o := out(e.Observe(ctx, m)); o.Verdict != lead.Duplicate || !slices.Equal(o.Turned, want) {
					t.Errorf("%+v", o)
				}
			}
			if o := out(e.Observe(ctx, m)); !o.Replayed || o.Turned != nil {
				t.Errorf("%+v", o)
			}
			told := map[string]string{}
			for r, err := range db.Journal().After(ctx, "", 0) {
				if err != nil {
					t.Fatal(err)
				}
				told[r.Kind] = string(r.Result)
			}
			if !strings.Contains(told["lead.unite"], `"to":"duplicate"`) || told["lead.united"] == "" {
				t.Error(told)
			}
		})
		run("the library has a contact who has one of its names there", func(t *testing.T, db dbtest.DB) {
			for i, steps := range [][]func(e *lead.Engine, c *clock){
				{func(e *lead.Engine, _ *clock) { must[[]bool](t)(e.Import(ctx, []lead.Identity{phone})) }, func(_ *lead.Engine, c *clock) { c.set(at(20)) }},
				{nil, func(e *lead.Engine, c *clock) {
					must[[]bool](t)(e.Import(ctx, []lead.Identity{phone}))
					c.set(at(20))
				}},
			} {
				e, c := open(t, db.Tenant(fmt.Sprint(i)))
				must[lead.Job](t)(e.Put(ctx, put(withLibrary)))
				if steps[0] != nil {
					steps[0](e, c)
				}
				c.set(at(10))
				first := out(e.Observe(ctx, met("A", []lead.Identity{phone, device}, inbound("1", "x", 5))))
				if steps[1] != nil {
					steps[1](e, c)
				}
				o := out(e.Observe(ctx, met("A", []lead.Identity{device}, inbound("2", "y", 15))))
				if want := []lead.Verdict{lead.Excluded, lead.NewLead}[i]; first.Verdict != want || o.Verdict != lead.Excluded {
					t.Errorf("%+v %+v", first, o)
				}
			}
		})
		run("an id of an event is its account's", func(t *testing.T, db dbtest.DB) {
			e, c := open(t, db, "A", "A/b")
			c.set(at(100))
			out(e.Observe(ctx, met("A", person("a"), inbound("b/c", "x", 5))))
			out(e.Observe(ctx, met("A/b", person("a"), inbound("c", "y", 6))))
			out(e.Observe(ctx, met("A", person("a"), inbound("b/d", "x", 1))))
			if o := out(e.Observe(ctx, met("A", person("a"), inbound("b/c", "z", 7)))); o.Verdict != lead.Duplicate {
				t.Error(o)
			}
			if o := out(e.Observe(ctx, met("A", person("a"), inbound("b/c", "x", 0)))); o.Verdict != lead.NewLead {
				t.Error(o)
			}
		})
		run("contacts are merged one into another in one transaction, or none is", func(t *testing.T, db dbtest.DB) {
			e, c := open(t, db, "A")
			c.set(at(1000))
			names := []string{"d", "c", "b", "a"}
			for i, id := range names {
				out(e.Observe(ctx, met("A", person(id), inbound(lead.EventID(id), ids.Account(id), 10+i))))
			}
			no := errors.New("no")
			for _, end := range []error{no, nil} {
				err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
					for i := range 3 {
						if _, err := e.In(tx).Observe(ctx, met("A", append(person(names[i]), person(names[i+1])...), inbound(lead.EventID("m"+names[i]), "m", 50+i))); err != nil {
							return err
						}
					}
					for _, id := range names {
						if o, err := e.In(tx).Preview().Observe(ctx, met("A", person(id), inbound("p", "p", 1))); err != nil || o.Verdict != lead.NewLead {
							t.Error(o, err)
						}
					}
					return end
				})
				want := lead.Figures{New: 1, Duplicate: 4, Contacts: 1, Pairs: 5}
				if end != nil {
					want = lead.Figures{New: 4, Contacts: 4, Pairs: 4}
				}
				if got := total(t, e, "A"); !errors.Is(err, end) || got != want {
					t.Errorf("%v %+v", err, got)
				}
			}
		})
		run("of many at once, contacts come to what they are one after the other", func(t *testing.T, db dbtest.DB) {
			e, c := open(t, db, "A", "B")
			engines := []*lead.Engine{e, lead.New(db, &lead.Options{Now: c.now})}
			c.set(at(1000))
			var events []lead.Observe
			for i := range 64 {
				names := []lead.Identity{name("n", fmt.Sprint(i%8))}
				if i >= 8 && i < 16 {
					names = append(names, name("n", fmt.Sprint((i+1)%8)))
				}
				if i%5 == 0 {
					names = append(names, name("m", fmt.Sprint(i%3)))
				}
				events = append(events, met([]ids.Code{"A", "B"}[i%2], names, inbound(lead.EventID(fmt.Sprint("e", i)), ids.Account(fmt.Sprint("x", i%20)), 900-i*7%64)))
			}
			events = append(events, met("A", []lead.Identity{name("m", "0"), name("m", "1"), name("m", "2"), name("n", "0")}, inbound("last", "x", 950)))
			var wg sync.WaitGroup
			for i, m := range events {
				for k, e := range engines {
					wg.Go(func() {
						do := func(ctx context.Context, e *lead.Engine) error {
							_, err := e.Observe(ctx, m)
							return err
						}
						err := do(ctx, e)
						if (i+k)%4 == 0 {
							err = db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error { return do(ctx, e.In(tx)) })
						}
						if err != nil {
							t.Error(i, err)
						}
					})
				}
			}
			wg.Wait()
			model, clock := open(t, memory.New(), "A", "B")
			clock.set(at(1000))
			for _, m := range events {
				out(model.Observe(ctx, m))
			}
			if diff := gocmp.Diff(counted(t, model, "A", "B"), counted(t, e, "A", "B")); diff != "" {
				t.Error(diff)
			}
		})
	})
}

// A gate has the first Save wait until it is opened.
type gate struct {
	storage.Tx
	first        sync.Once
	waits, opens chan struct{}
}

func (g *gate) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	g.first.Do(func() {
		close(g.waits)
		<-g.opens
	})
	return g.Tx.Save(ctx, changes)
}

func TestContactsThatShareABatchStayApart(t *testing.T) {
	for _, names := range [][2]lead.Identity{{name("p", "q/r"), name("p/q", "r")}, {name("", "a/b"), name("a", "b")}} {
		db := memory.New()
		open(t, db, "A")
		g := &gate{Tx: db, waits: make(chan struct{}), opens: make(chan struct{})}
		e := lead.New(g, &lead.Options{Now: func() time.Time { return at(100) }})
		var wg sync.WaitGroup
		observe := func(id lead.Identity, event lead.EventID, account ids.Account) {
			wg.Go(func() {
				if _, err := e.Observe(ctx, met("A", []lead.Identity{id}, inbound(event, account, 1))); err != nil {
					t.Error(err)
				}
			})
		}
		observe(names[0], "0", "w")
		<-g.waits
		for i := range 20 {
			observe(names[i%2], lead.EventID(fmt.Sprint("e", i)), ids.Account(fmt.Sprint("x", i)))
		}
		close(g.opens)
		wg.Wait()
		found, err := lead.Load(ctx, db, names[:])
		if err != nil || len(found[0].Leads) != 11 || len(found[1].Leads) != 10 || !slices.ContainsFunc(found[1].Leads, func(l lead.Lead) bool { return l.Verdict == lead.NewLead }) {
			t.Fatalf("%+v %v", found, err)
		}
	}
}
