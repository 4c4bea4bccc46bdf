package lead_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestTimesThatNoCommandMayHave(t *testing.T) {
	db := memory.New()
	e, c := open(t, db, "A")
	c.set(at(100))
	n := 0
	key := func() string { n++; return fmt.Sprint("times-", n) }
	stored := timetest.Records(t, db.Journal())
	m := met("A", person("a"), inbound("1", "x", 1))
	m.Bound = &lead.Bound{Periods: []lead.Period{{From: at(0), To: at(50)}}}
	timetest.Refuses(t, m, func(m lead.Observe) error { _, err := e.Observe(ctx, m); return err }, stored, "From", "To")
	timetest.Refuses(t, m, func(m lead.Observe) error { _, err := e.Preview().Observe(ctx, m); return err }, stored, "From", "To")
	p := put(func(p *lead.Put) { p.Terms.From, p.Terms.Begins, p.Terms.Ends = at(200), at(0), at(1000) })
	timetest.Refuses(t, p, func(p lead.Put) error {
		p.Key = key()
		_, err := e.Put(ctx, p)
		return err
	}, stored, "From", "Begins", "Ends")
	job := lead.JobID{Code: "A", Platform: "whatsapp"}
	timetest.Refuses(t, lead.LeadQuery{Job: job, From: at(0), To: at(1)}, func(q lead.LeadQuery) error {
		for _, err := range e.Leads(ctx, q) {
			return err
		}
		return nil
	}, stored, "From", "To")
	timetest.Refuses(t, lead.CountQuery{Job: job, From: at(0), To: at(1)}, func(q lead.CountQuery) error {
		for _, err := range e.Counts(ctx, q) {
			return err
		}
		return nil
	}, stored, "From", "To")
}

// Whatever terms are published, they are refused by a typed error or have days.
func FuzzTerms(f *testing.F) {
	f.Add(`{"counts":"inbound","zone":"Asia/Shanghai","reset":480,"scope":{"reach":"owner","days":30}}`)
	f.Add(`{"from":"9999-12-31T23:00:00-12:00","counts":"conversation","zone":"Local","begins":"0001-01-01T00:00:00Z"}`)
	f.Fuzz(func(t *testing.T, text string) {
		p := put(nil)
		if json.Unmarshal([]byte(text), &p.Terms) != nil {
			return
		}
		e := lead.New(memory.New(), &lead.Options{Now: func() time.Time { return noon }})
		j, err := e.Put(ctx, p)
		var bad *errs.InputError
		if err != nil {
			if !errors.As(err, &bad) {
				t.Fatal(err)
			}
			return
		}
		if day, err := j.Day(noon); err != nil || day.After(noon) || noon.Sub(day) > 50*time.Hour {
			t.Fatal(day, err)
		}
	})
}
