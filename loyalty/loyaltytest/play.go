package loyaltytest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/refund"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A world is where a scenario is played: the engines on a database of its own, and its clock.
type world struct {
	now      time.Time
	points   *loyalty.Engine
	rewards  *reward.Engine
	cards    *stamps.Engine
	desk     *redemption.Desk
	refunds  *refund.Desk
	program  *loyalty.Program // in force
	versions int              // of it
	catalogs []reward.CatalogID
	stamped  []stamps.ProgramID
	rules    map[string]bool // whether each was exercised, by "program/rule"
}

func begin(s Scenario, rules map[string]bool) (*world, error) {
	db, w := memory.New(), &world{rules: rules}
	if len(s.Steps) > 0 {
		w.now = s.Steps[0].At
	}
	clock := func() time.Time { return w.now }
	w.points = loyalty.New(db, &loyalty.Options{Now: clock})
	w.cards = stamps.New(db, &stamps.Options{Now: clock})
	var err error
	w.rewards, err = reward.New(db, []secret.Key{{ID: "1", Secret: bytes.Repeat([]byte{1}, 32)}}, &reward.Options{Now: clock})
	if err != nil {
		return nil, err
	}
	w.desk = redemption.New(db, w.points, w.rewards, nil)
	w.refunds = refund.New(db, w.points, w.rewards, w.cards, nil)
	if err := w.publish(s.Program); err != nil {
		return nil, err
	}
	for _, d := range s.Catalogs {
		if _, err := reward.Compile(d); err != nil {
			return nil, err
		}
		if d.Program != s.Program.ID {
			return nil, &errs.InputError{Field: "catalogs", Reason: fmt.Sprintf("%s is of another program than %s", d.ID, s.Program.ID)}
		}
		d.Version = 1
		if _, err := w.rewards.Publish(context.Background(), d); err != nil {
			return nil, err
		}
		w.catalogs = append(w.catalogs, d.ID)
	}
	for _, d := range s.Cards {
		if _, err := stamps.Compile(d); err != nil {
			return nil, err
		}
		d.Version = 1
		if _, err := w.cards.Publish(context.Background(), d); err != nil {
			return nil, err
		}
		w.stamped = append(w.stamped, d.ID)
	}
	return w, nil
}

// publish puts a version of the program in force. A scenario may begin with any, and so they are
// counted anew.
func (w *world) publish(d loyalty.Definition) error {
	if _, err := loyalty.Compile(d); err != nil {
		return err
	}
	d.Version = w.versions + 1
	p, err := w.points.Publish(context.Background(), d)
	if err != nil {
		return err
	}
	w.program, w.versions = p, d.Version
	for _, r := range d.Rules {
		if _, known := w.rules[w.name(r.ID)]; !known {
			w.rules[w.name(r.ID)] = false
		}
	}
	return nil
}

func (w *world) name(id loyalty.RuleID) string {
	return string(w.program.Definition().ID) + "/" + string(id)
}

// Play runs the scenario and returns what was not as wanted, in words. In rules it notes each rule
// of its programs, and whether it was exercised.
func (s Scenario) Play(rules map[string]bool) (failures []string) {
	w, err := begin(s, rules)
	if err != nil {
		return []string{err.Error()}
	}
	for i, step := range s.Steps {
		step.Member = cmp.Or(step.Member, "alice")
		step.Key = cmp.Or(step.Key, fmt.Sprintf("step-%d", i+1))
		for _, line := range w.play(s.Program.ID, step) {
			failures = append(failures, fmt.Sprintf("step %d: %s", i+1, line))
		}
	}
	return failures
}

// play does a step and returns what was not as wanted.
func (w *world) play(program ids.Program, s Step) []string {
	if err := valid.RequiredTime("at", s.At); err != nil {
		return []string{err.Error()}
	}
	w.now = s.At
	if s.Publish != nil {
		next := *s.Publish
		if next.ID != program {
			return []string{fmt.Sprintf("publishes %s, and the program of the scenario is %s", next.ID, program)}
		}
		if err := w.publish(next); err != nil {
			return []string{err.Error()}
		}
	}
	if len(w.catalogs) > 0 { // reservations that lapsed go back to the stock, as in a service
		if _, err := w.rewards.Sweep(context.Background(), 1000); err != nil {
			return []string{err.Error()}
		}
	}
	commands := append(s.commands(w, program), append(s.Reward.commands(w, s), s.Stamps.commands(w, s)...)...)
	if len(commands) > 1 {
		return []string{"has more than one command"}
	}
	var done done
	var err error
	for _, do := range commands {
		done, err = do(context.Background())
	}
	for _, e := range done.Steps {
		if e.Rule != "" && (e.Why == loyalty.Gave || e.Why == loyalty.Multiplied || e.Why == loyalty.Capped) {
			w.rules[w.name(e.Rule)] = true
		}
	}
	var failures []string
	switch {
	case err == nil && s.Want.Error != "":
		failures = append(failures, fmt.Sprintf("no error, want one that says %q", s.Want.Error))
	case err != nil && (s.Want.Error == "" || !strings.Contains(err.Error(), s.Want.Error)):
		failures = append(failures, fmt.Sprintf("error %q, want %q", err, s.Want.Error))
	}
	got, err := w.got(s, done)
	if err != nil {
		return append(failures, err.Error())
	}
	return append(failures, diff(s.Want, got)...)
}
