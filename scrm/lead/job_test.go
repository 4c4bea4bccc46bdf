package lead_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/lead"
)

func put(change func(*lead.Put)) lead.Put {
	c := lead.Put{
		Job: lead.JobID{Code: "A", Platform: "whatsapp"}, Owner: "boss", Name: "WhatsApp", Key: "k",
		Terms: lead.Terms{Counts: lead.CountInbound, Zone: "Asia/Shanghai"},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func TestTermsChangeForWhatComes(t *testing.T) {
	var j lead.Job
	do := func(c lead.Put, at time.Time) {
		t.Helper()
		next, err := j.Put(c, at)
		if err != nil {
			t.Fatal(err)
		}
		j = next
	}
	do(put(nil), noon)
	do(put(func(c *lead.Put) { c.Name = "another" }), at(1))
	if len(j.Terms) != 1 || j.Name != "another" || j.Version != 2 {
		t.Fatalf("%+v", j)
	}
	wider := func(c *lead.Put) { c.Terms.Scope.Reach = lead.ReachOwner }
	do(put(wider), at(2))
	if len(j.Terms) != 2 || !j.Terms[1].From.Equal(at(2).Add(lead.Notice)) {
		t.Fatalf("%+v", j)
	}
	do(put(func(c *lead.Put) { c.Terms.Reset, c.Terms.From = 480, at(100) }), at(3))
	do(put(func(c *lead.Put) { c.Terms.Reset, c.Terms.From = 540, at(200) }), at(4))
	if len(j.Terms) != 3 || j.Terms[2].Reset != 540 {
		t.Fatalf("terms that were to come stay: %+v", j)
	}
	for when, want := range map[int]lead.Reach{0: lead.ReachJob, -100: lead.ReachJob, 2: lead.ReachJob, 3: lead.ReachOwner, 199: lead.ReachOwner, 200: lead.ReachJob} {
		d, err := lead.Facts{Job: &j}.Observe(lead.Contact{}, inbound("1", "x", when), at(300))
		if err != nil || d.Lead.Basis.Scope.Reach != want {
			t.Errorf("at %d: %q, %v", when, d.Lead.Basis.Scope.Reach, err)
		}
	}
	many := j
	for i := range 250 {
		next, err := many.Put(put(func(c *lead.Put) { c.Terms.Reset = i }), at(1000+i))
		if err != nil {
			t.Fatal(err)
		}
		many = next
	}
	if last := len(many.Terms) - 1; last != 199 || many.Terms[last].Reset != 249 || many.Terms[0].Reset != 50 {
		t.Errorf("%d terms, from %d on", len(many.Terms), many.Terms[0].Reset)
	}
	if _, err := j.Put(put(func(c *lead.Put) { c.Owner = "other" }), at(5)); err == nil {
		t.Error("a job has another owner")
	}
}

func TestTermsThatWereTakenByAnotherProcessStay(t *testing.T) {
	j, err := lead.Job{}.Put(put(nil), noon)
	for i, reach := range []lead.Reach{lead.ReachOwner, lead.ReachLinked} {
		if err == nil {
			j, err = j.Put(put(func(c *lead.Put) { c.Terms.Scope.Reach = reach }), noon.Add(time.Duration(i)*lead.Notice/2))
		}
	}
	if err != nil || len(j.Terms) != 3 || j.Terms[1].Scope.Reach != lead.ReachOwner {
		t.Fatalf("%+v %v", j.Terms, err)
	}
}

func TestTermsAreStoredAsTheyAreJudgedBy(t *testing.T) {
	odd := at(10).Add(1500 * time.Nanosecond)
	j, err := lead.Job{}.Put(put(func(c *lead.Put) { c.Terms.Begins, c.Terms.Ends = odd, odd.Add(time.Hour) }), noon)
	if err != nil || j.Terms[0].Begins != odd.Truncate(time.Microsecond) {
		t.Fatal(j.Terms, err)
	}
	_, err = (lead.Facts{Job: &lead.Job{}}).Observe(lead.Contact{}, inbound("1", "x", 0), noon)
	var bad *errs.InputError
	if !errors.As(err, &bad) {
		t.Error("a job without terms judges:", err)
	}
}

func TestResetsBeginDaysAndChangeNoTotal(t *testing.T) {
	j, err := lead.Job{}.Put(put(nil), noon)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if j, err = j.Reset(lead.Reset{Job: j.ID, Key: "r"}, at(10)); err != nil {
			t.Fatal(err)
		}
	}
	if first := at(10).Add(lead.Notice); !slices.Equal(j.Resets, []time.Time{first, first.Add(time.Microsecond)}) {
		t.Error("two at once are two, each in time for everybody:", j.Resets)
	}
	_, counts, _ := observe(t, in(&j, inbound("1", "x", 10)), in(&j, inbound("2", "y", 11)))
	if len(counts) != 2 || counts["A x 2026-03-01T16:00:00Z"].New != 1 || counts["A y "+at(10).Add(lead.Notice).Format(time.RFC3339)].Duplicate != 1 {
		t.Error(counts)
	}
	for i := range 1200 {
		if j, err = j.Reset(lead.Reset{Job: j.ID, Key: "r"}, at(20+i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(j.Resets) != 1000 || !j.Resets[999].Equal(at(1219).Add(lead.Notice)) {
		t.Error(len(j.Resets))
	}
	if _, err := (lead.Job{}).Reset(lead.Reset{Job: j.ID, Key: "r"}, noon); !errors.Is(err, lead.ErrUnknownJob) {
		t.Error(err)
	}
}

func TestBackfillCountsOnItsDayOrToday(t *testing.T) {
	for _, today := range []bool{false, true} {
		j, err := lead.Job{}.Put(put(func(c *lead.Put) { c.Terms.Today = today }), noon)
		if err != nil {
			t.Fatal(err)
		}
		e := inbound("1", "x", 0)
		e.Backfill = true
		d, err := lead.Facts{Job: &j}.Observe(lead.Contact{}, e, at(2*24*60))
		want := "2026-03-01T16:00:00Z"
		if today {
			want = "2026-03-03T16:00:00Z"
		}
		if err != nil || d.Lead.Day.Format(time.RFC3339) != want {
			t.Errorf("%v: %v, %v", today, d.Lead.Day, err)
		}
	}
}

func TestPutRefuses(t *testing.T) {
	for field, change := range map[string]func(*lead.Put){
		"job.code":          func(c *lead.Put) { c.Job.Code = "" },
		"job.platform":      func(c *lead.Put) { c.Job.Platform = "a b" },
		"owner":             func(c *lead.Put) { c.Owner = "" },
		"name":              func(c *lead.Put) { c.Name = "\x00" },
		"key":               func(c *lead.Put) { c.Key = "" },
		"targets.day":       func(c *lead.Put) { c.Targets.Day = -1 },
		"targets.total":     func(c *lead.Put) { c.Targets.Total = -1 },
		"terms.from":        func(c *lead.Put) { c.Terms.From = time.Unix(-1, 0) },
		"terms.group":       func(c *lead.Put) { c.Terms.Scope.Reach = lead.ReachGroup },
		"terms.reset":       func(c *lead.Put) { c.Terms.Reset = 1440 },
		"terms.ends":        func(c *lead.Put) { c.Terms.Begins, c.Terms.Ends = at(1), at(1) },
		"terms.counts":      func(c *lead.Put) { c.Terms.Counts = "" },
		"terms.scope.reach": func(c *lead.Put) { c.Terms.Scope.Reach = "all" },
		"terms.scope.codes": func(c *lead.Put) { c.Terms.Scope.Reach = lead.ReachCodes },
		"terms.scope.days":  func(c *lead.Put) { c.Terms.Scope.Days = -1 },
		"terms.zone":        func(c *lead.Put) { c.Terms.Zone = "Nowhere" },
	} {
		_, err := lead.Job{}.Put(put(change), noon)
		var bad *errs.InputError
		if !errors.As(err, &bad) || bad.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, zone := range []string{"", "Local"} {
		if _, err := (lead.Job{}).Put(put(func(c *lead.Put) { c.Terms.Zone = zone }), noon); err == nil {
			t.Errorf("the zone %q is taken", zone)
		}
	}
	codes := slices.Repeat([]ids.Code{"A"}, 201)
	if _, err := (lead.Job{}).Put(put(func(c *lead.Put) { c.Terms.Scope.Reach, c.Terms.Scope.Codes = lead.ReachCodes, codes }), noon); err == nil {
		t.Error("any number of codes is taken")
	}
}

func TestObserveRefuses(t *testing.T) {
	j := job("A", lead.Scope{})
	for field, change := range map[string]func(*lead.Event){
		"event.id":      func(e *lead.Event) { e.ID = "" },
		"event.account": func(e *lead.Event) { e.Account = "" },
		"event.at":      func(e *lead.Event) { e.At = at(6) },
		"event.kind":    func(e *lead.Event) { e.Kind = "" },
	} {
		e := inbound("1", "x", 0)
		change(&e)
		_, err := lead.Facts{Job: j}.Observe(lead.Contact{}, e, noon)
		var bad *errs.InputError
		if !errors.As(err, &bad) || bad.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	e := inbound("1", "x", 0)
	e.At = time.Time{}
	if _, err := (lead.Facts{Job: j}).Observe(lead.Contact{}, e, noon); err == nil {
		t.Error("an event at no time is taken")
	}
}
