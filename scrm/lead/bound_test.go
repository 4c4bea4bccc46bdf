package lead_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// What agents tell of times when their account was not bound is as if it had not been told, under
// whatever names and in whatever order; and the laws hold for the rest.
func TestUnboundEventsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []lead.Identity{name("lid", "1"), name("bsuid", "2"), name(lead.WhatsApp, "8613800138000"), name("", "n")}
		codes, openJobs := anyJobs(t, names)
		bounds := map[ids.Account]*lead.Bound{
			"x0": {Periods: []lead.Period{{From: at(499), To: at(1000)}, {From: at(2999)}}},
			"x1": {Periods: []lead.Period{{From: at(0), To: at(701)}}},
			"x2": {},
		}
		var all, bound []lead.Observe
		for i := range rapid.IntRange(1, 12).Draw(t, "events") {
			m := met(rapid.SampledFrom(codes).Draw(t, "code"), rapid.SliceOfN(rapid.SampledFrom(names), 1, 3).Draw(t, "names"), lead.Event{
				ID: lead.EventID(fmt.Sprint("e", i)), Account: ids.Account(fmt.Sprint("x", rapid.IntRange(0, 3).Draw(t, "account"))),
				At:   at(rapid.SampledFrom([]int{0, 1, 499, 500, 701, 999, 1000, 1500, 2999, 3000, 4000}).Draw(t, "at")),
				Kind: rapid.SampledFrom([]lead.Kind{lead.Inbound, lead.Inbound, lead.Outbound, lead.Conversation}).Draw(t, "kind"),
			})
			m.Bound = bounds[m.Event.Account] // of x3 an administrator tells
			all = append(all, m)
			if m.Bound.Counts(m.Event.At) {
				bound = append(bound, m)
			}
		}
		play := func(events []lead.Observe) string {
			e := openJobs()
			for _, m := range events {
				out, err := e.Observe(ctx, m)
				if err != nil {
					t.Fatal(err)
				}
				if unbound := slices.Contains(out.Reasons, lead.Unbound); unbound == m.Bound.Counts(m.Event.At) || unbound && out.Verdict != lead.Excluded {
					t.Fatalf("%+v of %+v", out, m)
				}
			}
			return counted(t, e, codes...)
		}
		want := play(bound)
		if diff := gocmp.Diff(want, play(all)); diff != "" {
			t.Fatal(diff)
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		again := append(slices.Clone(all), all[:len(all)/2]...)
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if diff := gocmp.Diff(want, play(again)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAnEventThatIsUnboundIsOfAJobAllTheSame(t *testing.T) {
	db := memory.New()
	e, c := open(t, db, "A")
	c.set(at(100))
	m := met("B", person("a"), inbound("1", "x", 1))
	m.Bound = &lead.Bound{}
	if _, err := e.Observe(ctx, m); err == nil {
		t.Fatal("there is no such job")
	}
	m.Job.Code, m.Event.Kind = "A", "none"
	if _, err := e.Observe(ctx, m); err == nil {
		t.Fatal("there is no such kind")
	}
}
