package lead_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var ctx = context.Background()

type clock struct{ at atomic.Int64 }

func (c *clock) set(t time.Time) { c.at.Store(t.UnixMicro()) }
func (c *clock) now() time.Time  { return time.UnixMicro(c.at.Load()) }

// open returns an engine and its clock, with a job of each code on WhatsApp.
func open(t testing.TB, db storage.DB, codes ...ids.Code) (*lead.Engine, *clock) {
	t.Helper()
	c := &clock{}
	c.set(noon)
	e := lead.New(db, &lead.Options{Now: c.now})
	for _, code := range codes {
		must[lead.Job](t)(e.Put(ctx, put(func(p *lead.Put) { p.Job.Code = code })))
	}
	return e, c
}

func must[V any](t testing.TB) func(v V, err error) V {
	return func(v V, err error) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func all[V any](t testing.TB, list iter.Seq2[V, error]) (found []V) {
	t.Helper()
	for v, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, v)
	}
	return found
}

func person(id string) []lead.Identity {
	return []lead.Identity{{Platform: "whatsapp", ID: id}}
}

func met(code ids.Code, contact []lead.Identity, e lead.Event) lead.Observe {
	return lead.Observe{Contact: contact, Job: lead.JobID{Code: code, Platform: "whatsapp"}, Event: e}
}

func total(t testing.TB, e *lead.Engine, code ids.Code) lead.Figures {
	t.Helper()
	return must[lead.Summary](t)(e.Summary(ctx, lead.JobID{Code: code, Platform: "whatsapp"})).Total
}

// A holding is a library whose import waits for something else.
type holding struct {
	storage.Tx
	before func()
}

func (h *holding) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	h.before()
	return h.Tx.Save(ctx, changes)
}

func TestEngine(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		run := func(name string, f func(t *testing.T, db storage.DB)) {
			t.Run(name, func(t *testing.T) { f(t, db.Tenant(name)) })
		}
		run("a late event takes the new from the one that came first", func(t *testing.T, db storage.DB) {
			e, c := open(t, db, "A")
			c.set(at(24 * 60))
			out := must[lead.Outcome](t)
			if o := out(e.Observe(ctx, met("A", person("alice"), inbound("2", "y", 23*60)))); o.Verdict != lead.NewLead {
				t.Fatal(o)
			}
			o := out(e.Observe(ctx, met("A", person("alice"), inbound("1", "x", 0))))
			if o.Verdict != lead.NewLead || len(o.Turned) != 1 || o.Turned[0].To != lead.Duplicate {
				t.Fatalf("%+v", o)
			}
			for range 2 {
				if o := out(e.Observe(ctx, met("A", person("alice"), inbound("2", "y", 23*60)))); o.Verdict != lead.Duplicate || o.Of.Event.Account != "x" {
					t.Fatalf("%+v", o)
				}
			}
			s := must[lead.Summary](t)(e.Summary(ctx, lead.JobID{Code: "A", Platform: "whatsapp"}))
			if want := (lead.Figures{New: 1, Duplicate: 1, Contacts: 1, Pairs: 2}); s.Total != want || s.Today != (lead.Figures{Duplicate: 1, Pairs: 1}) {
				t.Fatalf("%+v", s)
			}
			leads := all(t, e.Leads(ctx, lead.LeadQuery{Job: s.Job.ID}))
			if len(leads) != 2 || leads[0].Verdict != lead.NewLead || leads[1].Verdict != lead.Duplicate || leads[1].Contact.ID != "alice" {
				t.Fatalf("%+v", leads)
			}
			if dup := all(t, e.Leads(ctx, lead.LeadQuery{Job: s.Job.ID, Verdict: lead.Duplicate})); len(dup) != 1 {
				t.Fatal(dup)
			}
			days := all(t, e.Counts(ctx, lead.CountQuery{Job: s.Job.ID, From: noon.AddDate(0, 0, -2), To: noon.AddDate(0, 0, 2)}))
			if len(days) != 2 || days[0].Account != "x" || days[1].Duplicate != 1 {
				t.Fatalf("%+v", days)
			}
		})
		run("of 64 at once with one contact one is new", func(t *testing.T, db storage.DB) {
			e, c := open(t, db, "A", "B")
			c.set(at(100))
			var wg sync.WaitGroup
			for i := range 64 {
				wg.Go(func() {
					if _, err := e.Observe(ctx, met("A", person("alice"), inbound(lead.EventID(fmt.Sprint(i)), ids.Account(fmt.Sprint("x", i)), 63-i))); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got, want := total(t, e, "A"), (lead.Figures{New: 1, Duplicate: 63, Contacts: 1, Pairs: 64}); got != want {
				t.Fatalf("%+v", got)
			}
			if first := all(t, e.Leads(ctx, lead.LeadQuery{Job: lead.JobID{Code: "A", Platform: "whatsapp"}, Limit: 1})); first[0].Event.Account != "x63" || first[0].Verdict != lead.NewLead {
				t.Fatalf("%+v", first)
			}
		})
		run("an event that is another one under its id is refused", func(t *testing.T, db storage.DB) {
			e, c := open(t, db, "A")
			c.set(at(100))
			must[lead.Outcome](t)(e.Observe(ctx, met("A", person("alice"), inbound("1", "x", 1))))
			if _, err := e.Observe(ctx, met("A", person("alice"), inbound("1", "x", 2))); !errors.Is(err, journal.ErrKeyReused) {
				t.Fatal(err)
			}
			if _, err := e.Observe(ctx, met("none", person("alice"), inbound("1", "x", 2))); !errors.Is(err, lead.ErrUnknownJob) {
				t.Fatal(err)
			}
		})
		run("names of one contact are one contact, whenever that is found", func(t *testing.T, db storage.DB) {
			e, c := open(t, db, "A")
			c.set(at(100))
			out := must[lead.Outcome](t)
			number := lead.Identity{Platform: "whatsapp", Namespace: lead.WhatsApp, ID: "553188888888"}
			with9 := number
			with9.ID = "5531988888888"
			device := lead.Identity{Platform: "whatsapp", Namespace: "lid", ID: "12345"}
			portfolio := lead.Identity{Platform: "whatsapp", Namespace: "bsuid/1", ID: "BR.abc"}
			out(e.Observe(ctx, met("A", []lead.Identity{number}, inbound("1", "x", 1))))
			if o := out(e.Observe(ctx, met("A", []lead.Identity{with9}, inbound("2", "y", 2)))); o.Verdict != lead.Duplicate {
				t.Fatal("the ninth digit makes another contact")
			}
			out(e.Observe(ctx, met("A", []lead.Identity{device}, inbound("0", "z", 0))))
			if got := total(t, e, "A"); got.New != 2 {
				t.Fatalf("%+v", got)
			}
			o := out(e.Observe(ctx, met("A", []lead.Identity{portfolio, device, with9}, inbound("3", "y", 3))))
			if o.Verdict != lead.Excluded || !slices.Equal(o.Reasons, []lead.Reason{lead.NotFirst}) {
				t.Fatalf("%+v", o)
			}
			if got, want := total(t, e, "A"), (lead.Figures{New: 1, Duplicate: 2, Contacts: 1, Pairs: 3}); got != want {
				t.Fatalf("%+v", got)
			}
			for _, id := range []lead.Identity{number, device, portfolio} {
				if o := out(e.Preview().Observe(ctx, met("A", []lead.Identity{id}, inbound("9", "w", 9)))); o.Verdict != lead.Duplicate || o.Of.Event.Account != "z" {
					t.Fatalf("%+v: %+v", id, o)
				}
			}
			if leads := all(t, e.Leads(ctx, lead.LeadQuery{Job: lead.JobID{Code: "A", Platform: "whatsapp"}})); len(leads) != 3 || leads[0].Contact != leads[2].Contact {
				t.Fatalf("%+v", leads)
			}
		})
		run("the library is for what comes after", func(t *testing.T, db storage.DB) {
			e, c := open(t, db)
			must[lead.Job](t)(e.Put(ctx, put(func(p *lead.Put) { p.Terms.Scope.Library = true })))
			c.set(at(10))
			identities := []lead.Identity{person("alice")[0], person("bob")[0], person("alice")[0]}
			if had := must[[]bool](t)(e.Import(ctx, identities)); !slices.Equal(had, []bool{false, false, true}) {
				t.Fatal(had)
			}
			c.set(at(20))
			if had := must[[]bool](t)(e.Import(ctx, append(identities, person("carol")[0]))); !slices.Equal(had, []bool{true, true, true, false}) {
				t.Fatal(had)
			}
			for after, want := range map[time.Duration]lead.Verdict{lead.Notice - time.Second: lead.NewLead, lead.Notice: lead.Excluded} {
				event := inbound("1", "x", 10)
				event.At = event.At.Add(after)
				if o := must[lead.Outcome](t)(e.Preview().Observe(ctx, met("A", person("alice"), event))); o.Verdict != want {
					t.Errorf("%v after: %+v", after, o)
				}
			}
		})
		run("a lead that was told while the library took its contact stays new", func(t *testing.T, db storage.DB) {
			e, c := open(t, db)
			must[lead.Job](t)(e.Put(ctx, put(func(p *lead.Put) { p.Terms.Scope.Library = true })))
			c.set(at(10))
			ahead := inbound("1", "x", 10)
			ahead.At = ahead.At.Add(lead.Ahead)
			importing := &holding{db, func() {
				must[lead.Outcome](t)(e.Observe(ctx, met("A", person("alice"), ahead)))
			}}
			must[[]bool](t)(lead.New(importing, &lead.Options{Now: c.now}).Import(ctx, person("alice")))
			c.set(at(20))
			if o := must[lead.Outcome](t)(e.Observe(ctx, met("A", person("alice"), inbound("2", "y", 15)))); o.Verdict != lead.Excluded || len(o.Turned) != 0 {
				t.Errorf("%+v", o)
			}
			if f := total(t, e, "A"); f.New != 1 || f.Excluded != 1 {
				t.Errorf("%+v", f)
			}
		})
		run("owners are linked while both consent", func(t *testing.T, db storage.DB) {
			e, c := open(t, db)
			for code, owner := range map[ids.Code]lead.OwnerID{"A": "boss", "B": "partner"} {
				must[lead.Job](t)(e.Put(ctx, put(func(p *lead.Put) { p.Job.Code, p.Owner, p.Terms.Scope.Reach = code, owner, lead.ReachLinked })))
			}
			link := func(a, b lead.OwnerID, key string) {
				must[lead.Owner](t)(e.Link(ctx, lead.Link{Owner: a, With: b, Key: key}))
			}
			meets := func(minute int) lead.Verdict {
				return must[lead.Outcome](t)(e.Preview().Observe(ctx, met("B", person("alice"), inbound("p", "y", minute)))).Verdict
			}
			c.set(at(10))
			must[lead.Outcome](t)(e.Observe(ctx, met("A", person("alice"), inbound("1", "x", 0))))
			link("boss", "partner", "l")
			link("boss", "partner", "l")
			c.set(at(20))
			if v := meets(19); v != lead.NewLead {
				t.Fatal("one consent links:", v)
			}
			link("partner", "boss", "l")
			c.set(at(30))
			if v := meets(19); v != lead.NewLead {
				t.Fatal("a consent is for what was before:", v)
			}
			if v := meets(29); v != lead.Duplicate {
				t.Fatal(v)
			}
			must[lead.Owner](t)(e.Unlink(ctx, lead.Unlink{Owner: "boss", With: "partner", Key: "u"}))
			c.set(at(40))
			if a, b := meets(29), meets(39); a != lead.Duplicate || b != lead.NewLead {
				t.Fatal(a, b)
			}
		})
		run("two processes judge an event alike, whatever of its job one of them has read before", func(t *testing.T, db storage.DB) {
			e, c := open(t, db, "A", "B")
			other := lead.New(db, &lead.Options{Now: c.now})
			out := must[lead.Outcome](t)
			out(e.Observe(ctx, met("B", person("alice"), inbound("1", "x", 0))))
			out(other.Preview().Observe(ctx, met("A", person("alice"), inbound("2", "y", 0))))
			must[lead.Job](t)(e.Put(ctx, put(func(p *lead.Put) { p.Key, p.Terms.Scope.Reach = "wider", lead.ReachOwner })))
			must[time.Time](t)(e.Reset(ctx, lead.Reset{Job: lead.JobID{Code: "A", Platform: "whatsapp"}, Key: "r"}))
			verdicts := map[lead.Verdict]bool{}
			for after := time.Duration(0); after <= 2*lead.Notice; after += time.Second {
				c.set(noon.Add(after))
				m := met("A", person("alice"), inbound("2", "y", 0))
				m.Event.At = c.now().Add(lead.Ahead)
				told := []lead.Outcome{out(e.Preview().Observe(ctx, m)), out(other.Preview().Observe(ctx, m))}
				c.set(noon.Add(time.Hour))
				late := out(lead.New(db, &lead.Options{Now: c.now}).Preview().Observe(ctx, m))
				for _, o := range told {
					if o.Verdict != late.Verdict || !o.Lead.Day.Equal(late.Lead.Day) {
						t.Fatalf("%v after: %+v, and later %+v", after, o, late)
					}
				}
				verdicts[late.Verdict] = true
			}
			if len(verdicts) != 2 {
				t.Fatal(verdicts)
			}
		})
		run("a contact whom another process met, or has imported or merged, is judged by that", func(t *testing.T, db storage.DB) {
			e, c := open(t, db, "A")
			c.set(at(100))
			other := lead.New(db, &lead.Options{Now: c.now})
			must[lead.Job](t)(e.Put(ctx, put(func(p *lead.Put) { p.Job.Code, p.Terms.Scope.Library = "L", true })))
			out := must[lead.Outcome](t)
			for i := range 30 {
				id := fmt.Sprint("person-", i)
				switch i % 5 {
				case 0:
					out(other.Observe(ctx, met("A", person(id), inbound("1", "x", 0))))
				case 1:
					must[[]bool](t)(other.Import(ctx, person(id)))
				case 2:
					out(other.Observe(ctx, met("A", append(person("merged-"+id), person(id)...), inbound("1", "x", 0))))
				}
			}
			c.set(at(200))
			var wg sync.WaitGroup
			for i := range 30 {
				wg.Go(func() {
					person := person(fmt.Sprint("person-", i))
					want := []lead.Verdict{lead.Duplicate, lead.NewLead, lead.Duplicate, lead.NewLead, lead.NewLead}[i%5]
					if o, err := e.Observe(ctx, met("A", person, inbound("2", "y", 150))); err != nil || o.Verdict != want {
						t.Errorf("%d: %v, %v, want %v", i, o.Verdict, err, want)
					}
					if o, err := e.Observe(ctx, met("A", person, inbound("2", "y", 150))); err != nil || !o.Replayed {
						t.Errorf("%d: %+v, %v", i, o, err)
					}
				})
			}
			wg.Wait()
			for i := range 10 {
				must[[]bool](t)(other.Import(ctx, person(fmt.Sprint("unmet-", i))))
			}
			c.set(at(300))
			for i := range 20 {
				id, want := fmt.Sprint("unmet-", i), lead.Excluded
				if i >= 10 {
					want = lead.NewLead
				}
				if o := out(e.Observe(ctx, met("L", person(id), inbound("3", "z", 250)))); o.Verdict != want {
					t.Errorf("%s: %v, want %v", id, o.Verdict, want)
				}
			}
			reused := inbound("2", "y", 149)
			if _, err := lead.New(db, &lead.Options{Now: c.now}).Observe(ctx, met("A", person("person-3"), reused)); !errors.Is(err, journal.ErrKeyReused) {
				t.Error(err)
			}
			uncounted := reused
			uncounted.Kind = lead.Friend
			if o, err := lead.New(db, &lead.Options{Now: c.now}).Observe(ctx, met("A", person("person-3"), uncounted)); !errors.Is(err, journal.ErrKeyReused) {
				t.Errorf("%+v %v", o, err)
			}
		})
		run("jobs change once a key", func(t *testing.T, db storage.DB) {
			e, c := open(t, db, "A", "B")
			c.set(at(10))
			for range 2 {
				if day := must[time.Time](t)(e.Reset(ctx, lead.Reset{Job: lead.JobID{Code: "A", Platform: "whatsapp"}, Key: "r"})); !day.Equal(at(10).Add(lead.Notice)) {
					t.Fatal(day)
				}
				if j := must[lead.Job](t)(e.Job(ctx, lead.JobID{Code: "A", Platform: "whatsapp"})); len(j.Resets) != 1 || j.Version != 2 {
					t.Fatalf("%+v", j)
				}
				c.set(at(11))
			}
			if _, err := e.Put(ctx, put(func(p *lead.Put) { p.Name = "another" })); !errors.Is(err, journal.ErrKeyReused) {
				t.Fatal(err)
			}
			jobs := all(t, e.Jobs(ctx, lead.JobQuery{Platform: "whatsapp"}))
			if len(jobs) != 2 || jobs[0].ID.Code != "A" || jobs[1].ID.Code != "B" || len(all(t, e.Jobs(ctx, lead.JobQuery{Codes: []ids.Code{"B"}}))) != 1 {
				t.Fatalf("%+v", jobs)
			}
			if diff := gocmp.Diff(jobs[0], must[lead.Job](t)(e.Job(ctx, jobs[0].ID)), gocmp.Comparer(func(a, b lead.Terms) bool { return fmt.Sprint(a) == fmt.Sprint(b) })); diff != "" {
				t.Fatal(diff)
			}
		})
		run("the journal tells what happened and of no number", func(t *testing.T, db storage.DB) {
			e, c := open(t, db, "A")
			c.set(at(10))
			number := []lead.Identity{{Platform: "whatsapp", Namespace: lead.WhatsApp, ID: "8613800138000"}, {Platform: "whatsapp", Namespace: "lid", ID: "138001"}}
			must[lead.Outcome](t)(e.Observe(ctx, met("A", number, inbound("1", "x", 0))))
			must[lead.Outcome](t)(e.Observe(ctx, met("A", number, inbound("1", "x", 0))))
			var kinds []string
			for r, err := range db.Journal().After(ctx, "", 0) {
				if err != nil {
					t.Fatal(err)
				}
				kinds = append(kinds, r.Kind)
				if text := string(must[[]byte](t)(json.Marshal(r))); strings.Contains(text, "138001") {
					t.Error(text)
				}
			}
			if !slices.Equal(kinds, []string{"lead.put", "lead.unite", "lead.meet"}) {
				t.Fatal(kinds)
			}
		})
		run("in a transaction that is rolled back nothing happened", func(t *testing.T, db storage.DB) {
			e, c := open(t, db, "A")
			c.set(at(10))
			sentinel := errors.New("no")
			if err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				if o := must[lead.Outcome](t)(e.In(tx).Observe(ctx, met("A", append(person("alice"), person("ally")...), inbound("1", "x", 0)))); o.Verdict != lead.NewLead {
					t.Error(o)
				}
				return sentinel
			}); !errors.Is(err, sentinel) {
				t.Fatal(err)
			}
			if got := total(t, e, "A"); got != (lead.Figures{}) {
				t.Fatal(got)
			}
			must[lead.Outcome](t)(e.Observe(ctx, met("A", person("ally"), inbound("1", "x", 0))))
		})
	})
}
