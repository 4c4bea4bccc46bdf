package lead_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/lead"
)

var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC) // 12:00 in Shanghai

func at(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }

// job is one of a code on WhatsApp, of the owner boss.
func job(code ids.Code, scope lead.Scope) *lead.Job {
	return &lead.Job{
		ID: lead.JobID{Code: code, Platform: "whatsapp"}, Owner: "boss", Name: "WhatsApp",
		Terms: []lead.Terms{{Scope: scope, Counts: lead.CountInbound, Zone: "Asia/Shanghai"}},
	}
}

func inbound(id lead.EventID, account ids.Account, minute int) lead.Event {
	return lead.Event{ID: id, Account: account, At: at(minute), Kind: lead.Inbound}
}

// A step is an event in a job, of a contact that the library has or has not.
type step struct {
	lead.Event
	lead.Facts
	library bool
}

func in(j *lead.Job, e lead.Event) step { return step{Event: e, Facts: lead.Facts{Job: j}} }

func known(j *lead.Job, e lead.Event) step { return step{e, lead.Facts{Job: j}, true} }

// observe plays events of one contact and returns the verdicts of the leads, by job and account,
// and all counts.
func observe(t require, steps ...step) (map[string]lead.Verdict, map[string]lead.Figures, lead.Decision) {
	var c lead.Contact
	var d lead.Decision
	counts := map[string]lead.Figures{}
	for _, s := range steps {
		var err error
		if s.library {
			c.Library = at(-10_000)
		}
		if d, err = s.Observe(c, s.Event, at(10_000)); err != nil {
			t.Fatal(err)
		}
		c = d.Next
		for _, n := range d.Counts {
			key := fmt.Sprint(n.Job.Code, " ", n.Account, " ", n.Day.Format(time.RFC3339))
			counts[key] = counts[key].Plus(n.Figures)
		}
	}
	verdicts := map[string]lead.Verdict{}
	for _, l := range c.Leads {
		verdicts[fmt.Sprint(l.Job.Code, " ", l.Event.Account)] = l.Verdict
	}
	maps.DeleteFunc(counts, func(_ string, f lead.Figures) bool { return f == lead.Figures{} })
	return verdicts, counts, d
}

type require interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func TestVerdicts(t *testing.T) {
	a, b := job("A", lead.Scope{}), job("B", lead.Scope{})
	with := func(s lead.Scope) *lead.Job { return job("B", s) }
	group := func(code ids.Code, reach lead.Reach, g lead.GroupID) *lead.Job {
		j := job(code, lead.Scope{Reach: reach})
		j.Terms[0].Group = g
		return j
	}
	other := job("B", lead.Scope{Reach: lead.ReachLinked})
	other.Owner = "partner"
	listing, grouped := job("B", lead.Scope{Reach: lead.ReachCodes, Codes: []ids.Code{"A"}}), group("B", lead.ReachGroup, "g")
	listing.Owner, grouped.Owner = "stranger", "stranger"
	window := job("A", lead.Scope{})
	window.Terms[0].Begins, window.Terms[0].Ends = at(10), at(20)
	library := lead.Scope{Library: true}
	for _, c := range []struct {
		name    string
		steps   []step
		want    lead.Verdict // of the last step
		reasons []lead.Reason
		of      ids.Account
	}{
		{"the first is new", []step{in(a, inbound("1", "x", 0))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"the same contact adds another account of the job", []step{in(a, inbound("1", "x", 0)), in(a, inbound("2", "y", 1))}, lead.Duplicate, []lead.Reason{lead.InJob}, "x"},
		{"the same account hears again", []step{in(a, inbound("1", "x", 0)), in(a, inbound("2", "x", 1))}, lead.Excluded, []lead.Reason{lead.NotFirst}, ""},
		{"an event that is repeated", []step{in(a, inbound("1", "x", 0)), in(a, inbound("1", "x", 0))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"another job of the owner is not in the scope of the current job", []step{in(a, inbound("1", "x", 0)), in(b, inbound("2", "y", 1))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"all jobs of the owner", []step{in(a, inbound("1", "x", 0)), in(with(lead.Scope{Reach: lead.ReachOwner}), inbound("2", "y", 1))}, lead.Duplicate, []lead.Reason{lead.InOwner}, "x"},
		{"listed codes", []step{in(a, inbound("1", "x", 0)), in(with(lead.Scope{Reach: lead.ReachCodes, Codes: []ids.Code{"A"}}), inbound("2", "y", 1))}, lead.Duplicate, []lead.Reason{lead.InCodes}, "x"},
		{"codes that are not listed", []step{in(a, inbound("1", "x", 0)), in(with(lead.Scope{Reach: lead.ReachCodes, Codes: []ids.Code{"C"}}), inbound("2", "y", 1))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"the group", []step{in(group("A", "", "g"), inbound("1", "x", 0)), in(group("B", lead.ReachGroup, "g"), inbound("2", "y", 1))}, lead.Duplicate, []lead.Reason{lead.InGroup}, "x"},
		{"another group", []step{in(group("A", "", "h"), inbound("1", "x", 0)), in(group("B", lead.ReachGroup, "g"), inbound("2", "y", 1))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"codes of no group are none", []step{in(group("A", "", ""), inbound("1", "x", 0)), in(group("B", lead.ReachGroup, ""), inbound("2", "y", 1))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"listed codes of another owner", []step{in(a, inbound("1", "x", 0)), in(listing, inbound("2", "y", 1))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"a group of the same name, of another owner", []step{in(group("A", "", "g"), inbound("1", "x", 0)), in(grouped, inbound("2", "y", 1))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"a linked owner", []step{in(a, inbound("1", "x", 0)), {Event: inbound("2", "y", 1), Facts: lead.Facts{Job: other, Linked: []lead.OwnerID{"boss"}}}}, lead.Duplicate, []lead.Reason{lead.InLinked}, "x"},
		{"an owner without consent", []step{in(a, inbound("1", "x", 0)), in(other, inbound("2", "y", 1))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"the library", []step{known(job("A", library), inbound("1", "x", 0))}, lead.Excluded, []lead.Reason{lead.InLibrary}, ""},
		{"the library, for a scope without it", []step{known(a, inbound("1", "x", 0))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"what the library had is there for another", []step{known(job("A", library), inbound("1", "x", 0)), in(with(lead.Scope{Reach: lead.ReachOwner}), inbound("2", "y", 1))}, lead.Duplicate, []lead.Reason{lead.InOwner}, "x"},
		{"longer ago than the scope looks back", []step{in(a, inbound("1", "x", 0)), in(with(lead.Scope{Reach: lead.ReachOwner, Days: 1}), inbound("2", "y", 24*60+1))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"as long ago as the scope looks back", []step{in(a, inbound("1", "x", 0)), in(with(lead.Scope{Reach: lead.ReachOwner, Days: 1}), inbound("2", "y", 24*60))}, lead.Duplicate, []lead.Reason{lead.InOwner}, "x"},
		{"the operator began", []step{in(a, lead.Event{ID: "1", Account: "x", At: at(0), Kind: lead.Outbound})}, lead.Excluded, []lead.Reason{lead.Began}, ""},
		{"an answer to the operator", []step{in(a, lead.Event{ID: "1", Account: "x", At: at(0), Kind: lead.Outbound}), in(a, inbound("2", "x", 1))}, lead.Excluded, []lead.Reason{lead.NotFirst}, ""},
		{"who was written to writes to another account", []step{in(a, lead.Event{ID: "1", Account: "x", At: at(0), Kind: lead.Outbound}), in(a, inbound("2", "y", 1))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"a kind that does not count", []step{in(a, lead.Event{ID: "1", Account: "x", At: at(0), Kind: lead.Friend})}, lead.Excluded, []lead.Reason{lead.NotCounted}, ""},
		{"a kind that does not count is no first", []step{in(a, lead.Event{ID: "1", Account: "x", At: at(0), Kind: lead.Friend}), in(a, inbound("2", "x", 1))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"an age that is not known", []step{in(a, lead.Event{ID: "1", Account: "x", At: at(0), Kind: lead.Inbound, Unknown: true})}, lead.Uncertain, []lead.Reason{lead.AgeUnknown}, ""},
		{"an age that is not known, after another", []step{in(a, inbound("0", "y", -1)), in(a, lead.Event{ID: "1", Account: "x", At: at(0), Kind: lead.Inbound, Unknown: true})}, lead.Duplicate, []lead.Reason{lead.InJob}, "y"},
		{"before the job began", []step{in(window, inbound("1", "x", 9))}, lead.Excluded, []lead.Reason{lead.TooEarly}, ""},
		{"as the job began", []step{in(window, inbound("1", "x", 10))}, lead.NewLead, []lead.Reason{lead.First}, ""},
		{"as the job ended", []step{in(window, inbound("1", "x", 20))}, lead.Excluded, []lead.Reason{lead.TooLate}, ""},
		{"after one from before the job began", []step{in(window, inbound("1", "x", 9)), in(window, inbound("2", "y", 11))}, lead.Duplicate, []lead.Reason{lead.InJob}, "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, d := observe(t, c.steps...)
			var of ids.Account
			if d.Of != nil {
				of = d.Of.Event.Account
			}
			if d.Verdict != c.want || !slices.Equal(d.Reasons, c.reasons) || of != c.of {
				t.Errorf("%s %v of %q", d.Verdict, d.Reasons, of)
			}
		})
	}
}

func TestALateEventTakesTheNewFromTheOneThatCameFirst(t *testing.T) {
	a := job("A", lead.Scope{})
	verdicts, counts, d := observe(t, in(a, inbound("2", "y", 24*60)), in(a, inbound("1", "x", 0)))
	if want := []lead.VerdictChange{{N: 1, Job: a.ID, From: lead.NewLead, To: lead.Duplicate}}; !slices.Equal(d.Turned, want) {
		t.Error(d.Turned)
	}
	if verdicts["A x"] != lead.NewLead || verdicts["A y"] != lead.Duplicate {
		t.Error(verdicts)
	}
	want := map[string]lead.Figures{
		"A x 2026-03-01T16:00:00Z": {New: 1, Contacts: 1, Pairs: 1},
		"A y 2026-03-02T16:00:00Z": {Duplicate: 1, Pairs: 1},
	}
	if diff := gocmp.Diff(want, counts); diff != "" {
		t.Error(diff)
	}
}

func TestAMergerMakesOneContact(t *testing.T) {
	a := job("A", lead.Scope{})
	_, _, one := observe(t, in(a, inbound("2", "y", 5)), in(a, inbound("4", "z", 7)))
	_, _, two := observe(t, in(a, inbound("1", "x", 0)), in(a, inbound("3", "z", 6)))
	d := lead.Merge(one.Next, two.Next)
	if want := []lead.VerdictChange{{N: 1, Job: a.ID, From: lead.NewLead, To: lead.Duplicate}, {N: 2, Job: a.ID, From: lead.Duplicate, To: lead.Moved}}; !slices.Equal(d.Turned, want) {
		t.Error(d.Turned)
	}
	var got []string
	for _, l := range d.Next.Leads {
		got = append(got, fmt.Sprint(l.N, l.Event.Account, l.Event.ID, l.Verdict))
	}
	if want := []string{"1y2duplicate", "2z3duplicate", "3x1new"}; !slices.Equal(got, want) {
		t.Error(got)
	}
	want := []lead.Count{
		{Job: a.ID, Account: "y", Day: one.Lead.Day, Figures: lead.Figures{New: -1, Duplicate: 1, Contacts: -1}},
		{Job: a.ID, Account: "z", Day: one.Lead.Day, Figures: lead.Figures{Duplicate: -1, Pairs: -1}},
	}
	if diff := gocmp.Diff(want, d.Counts); diff != "" {
		t.Error(diff)
	}
}

func TestContactsAreCountedByWhatCounts(t *testing.T) {
	window := job("A", lead.Scope{})
	window.Terms[0].Begins = at(10)
	_, counts, _ := observe(t, in(window, inbound("1", "x", 9)), in(window, inbound("2", "y", 11)), in(window, inbound("3", "z", 12)))
	var sum lead.Figures
	for _, f := range counts {
		sum = sum.Plus(f)
	}
	if want := (lead.Figures{Duplicate: 2, Excluded: 1, Contacts: 1, Pairs: 2}); sum != want {
		t.Errorf("%+v", sum)
	}
}

func TestDays(t *testing.T) {
	j := job("A", lead.Scope{})
	j.Terms = []lead.Terms{
		{Zone: "Asia/Shanghai", Reset: 8 * 60, Counts: lead.CountInbound},
		{From: time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), Zone: "America/New_York", Reset: 2*60 + 30, Counts: lead.CountInbound},
	}
	j.Resets = []time.Time{time.Date(2026, 3, 3, 4, 0, 0, 0, time.UTC), time.Date(2026, 3, 3, 5, 0, 0, 0, time.UTC)}
	for at, want := range map[string]string{
		"2026-03-02T00:00:00Z":        "2026-03-02T00:00:00Z", // 8:00 in Shanghai
		"2026-03-01T23:59:59.999999Z": "2026-03-01T00:00:00Z",
		"2026-03-03T03:59:59Z":        "2026-03-03T00:00:00Z",
		"2026-03-03T04:00:00Z":        "2026-03-03T04:00:00Z", // begun by hand
		"2026-03-03T23:00:00Z":        "2026-03-03T05:00:00Z",
		"2026-03-04T00:00:00Z":        "2026-03-04T00:00:00Z",
		"2026-03-05T12:00:00Z":        "2026-03-05T07:30:00Z",
		"2026-03-08T06:59:00Z":        "2026-03-07T07:30:00Z",
		"2026-03-08T07:30:00Z":        "2026-03-08T07:00:00Z", // 2:30 is skipped on that day: 3:00
		"2026-03-09T06:29:00Z":        "2026-03-08T07:00:00Z",
		"2026-03-09T06:30:00Z":        "2026-03-09T06:30:00Z",
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := j.Day(when); err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s is on the day from %v, want %s, %v", at, got, want, err)
		}
	}
}

// anySteps draws events of one contact in several jobs.
func anySteps(t *rapid.T) []step {
	jobs := make([]*lead.Job, 4)
	for i := range jobs {
		j := job(ids.Code(fmt.Sprint("job", i)), lead.Scope{
			Reach: rapid.SampledFrom([]lead.Reach{"", lead.ReachCodes, lead.ReachGroup, lead.ReachOwner, lead.ReachLinked}).Draw(t, "reach"),
			Codes: []ids.Code{"job0", "job1"}, Library: rapid.Bool().Draw(t, "library"), Days: rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "days"),
		})
		j.Owner = rapid.SampledFrom([]lead.OwnerID{"boss", "partner"}).Draw(t, "owner")
		j.Terms[0].Group = rapid.SampledFrom([]lead.GroupID{"", "g"}).Draw(t, "group")
		j.Terms[0].Counts = rapid.SampledFrom([]lead.Rule{lead.CountInbound, lead.CountFriends, lead.CountConversation}).Draw(t, "rule")
		if rapid.Bool().Draw(t, "window") {
			j.Terms[0].Begins, j.Terms[0].Ends = at(500), at(3_000)
		}
		if rapid.Bool().Draw(t, "changed") {
			later := j.Terms[0]
			later.From, later.Scope.Reach, later.Reset = at(1_000), lead.ReachOwner, 600
			j.Terms = append(j.Terms, later)
		}
		jobs[i] = j
	}
	known := rapid.Bool().Draw(t, "in library")
	var steps []step
	for i := range rapid.IntRange(1, 12).Draw(t, "events") {
		e := lead.Event{
			ID: lead.EventID(fmt.Sprint("e", i)), Account: ids.Account(fmt.Sprint("a", rapid.IntRange(0, 2).Draw(t, "account"))),
			At:      at(rapid.SampledFrom([]int{0, 1, 499, 500, 999, 1_000, 1_500, 2_999, 3_000, 4_000}).Draw(t, "at")),
			Kind:    rapid.SampledFrom([]lead.Kind{lead.Inbound, lead.Inbound, lead.Outbound, lead.Friend, lead.Conversation}).Draw(t, "kind"),
			Unknown: rapid.IntRange(0, 4).Draw(t, "unknown") == 0,
		}
		steps = append(steps, step{e, lead.Facts{Job: rapid.SampledFrom(jobs).Draw(t, "job"), Linked: []lead.OwnerID{"boss", "partner"}}, known})
	}
	return steps
}

func TestOrderAndRepetitionChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := anySteps(t)
		verdicts, counts, _ := observe(t, steps...)
		shuffled := append(slices.Clone(steps), steps[:len(steps)/2]...)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		again, counted, _ := observe(t, shuffled...)
		if diff := gocmp.Diff(verdicts, again); diff != "" {
			t.Fatal(diff)
		}
		if diff := gocmp.Diff(counts, counted); diff != "" {
			t.Fatal(diff)
		}
		var sum, want lead.Figures
		for _, f := range counts {
			sum = sum.Plus(f)
		}
		for _, v := range verdicts {
			switch v {
			case lead.NewLead:
				want.New++
			case lead.Duplicate:
				want.Duplicate++
			case lead.Uncertain:
				want.Uncertain++
			case lead.Excluded:
				want.Excluded++
			}
		}
		if want.Contacts, want.Pairs = sum.Contacts, sum.Pairs; sum != want || sum.Contacts > sum.Pairs {
			t.Fatalf("%+v are counted of %+v", sum, verdicts)
		}
	})
}

// news returns how many leads are new where all jobs have that scope.
func news(t *rapid.T, steps []step, scope lead.Scope, library bool) (n int) {
	jobs := map[*lead.Job]*lead.Job{}
	var all []step
	for _, s := range steps {
		j, ok := jobs[s.Job]
		if !ok {
			c := *s.Job
			c.Terms = slices.Clone(c.Terms)
			for i := range c.Terms {
				c.Terms[i].Scope = scope
			}
			j = &c
			jobs[s.Job] = j
		}
		s.Job, s.library = j, library
		all = append(all, s)
	}
	verdicts, _, _ := observe(t, all...)
	for _, v := range verdicts {
		if v == lead.NewLead {
			n++
		}
	}
	return n
}

func TestAWiderScopeNeverAddsANewLead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := anySteps(t)
		codes := []ids.Code{"job0"}
		last := 1 << 30
		for _, scope := range []lead.Scope{
			{Reach: lead.ReachCodes, Codes: codes, Days: 1}, {Reach: lead.ReachCodes, Codes: codes, Days: 2}, {Reach: lead.ReachCodes, Codes: codes},
			{Reach: lead.ReachCodes, Codes: []ids.Code{"job0", "job1", "job2"}}, {Reach: lead.ReachCodes, Codes: []ids.Code{"job0", "job1", "job2", "job3"}},
		} {
			n := news(t, steps, scope, false)
			if n > last {
				t.Fatalf("%+v has %d, the narrower one %d", scope, n, last)
			}
			last = n
			scope.Library = true
			if with := news(t, steps, scope, true); with > n {
				t.Fatalf("%+v has %d with the library, and %d without", scope, with, n)
			}
		}
		owners := map[lead.OwnerID]bool{}
		for _, s := range steps {
			owners[s.Job.Owner] = true
		}
		if last > len(owners) {
			t.Fatalf("%d are new in one scope of each of %d owners", last, len(owners))
		}
		if job, owner, linked := news(t, steps, lead.Scope{}, false), news(t, steps, lead.Scope{Reach: lead.ReachOwner}, false),
			news(t, steps, lead.Scope{Reach: lead.ReachLinked}, false); owner > job || linked > owner || linked > 1 || owner > 2 {
			t.Fatal(job, owner, linked)
		}
	})
}
