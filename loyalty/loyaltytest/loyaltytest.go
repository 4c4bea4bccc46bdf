// Package loyaltytest runs scenarios of a programme: files that a team keeps beside its definition and runs in its own CI.
//
//	func TestProgramme(t *testing.T) { loyaltytest.Run(t, os.DirFS("testdata"), "*.json") }
//
// A file is a JSON array of scenarios. Each begins with a programme and no members, and does one thing after another,
// in memory, as an engine would.
package loyaltytest

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/loyalty"
)

// A Scenario is a programme and what is done under it.
type Scenario struct {
	Name    string             `json:"name"`
	Program loyalty.Definition `json:"program"`
	Steps   []Step             `json:"steps"`
}

// A Step is one command of a member at a time, or none where it only looks; and what is wanted of it.
type Step struct {
	At     time.Time        `json:"at"`
	Member loyalty.MemberID `json:"member,omitempty"` // "": "alice"
	Key    string           `json:"key,omitempty"`    // "": "step-1" for the first, and so on

	Publish  *loyalty.Definition `json:"publish,omitempty"` // goes on with another version of the programme
	Earn     *loyalty.Earn       `json:"earn,omitempty"`
	Redeem   *loyalty.Redeem     `json:"redeem,omitempty"`
	Reserve  *loyalty.Reserve    `json:"reserve,omitempty"`
	Capture  *loyalty.Capture    `json:"capture,omitempty"`
	Release  *loyalty.Release    `json:"release,omitempty"`
	Adjust   *loyalty.Adjust     `json:"adjust,omitempty"`
	Transfer *loyalty.Transfer   `json:"transfer,omitempty"`
	Refund   *loyalty.Refund     `json:"refund,omitempty"`
	Return   *loyalty.Return     `json:"return,omitempty"`
	Expire   *loyalty.Expire     `json:"expire,omitempty"`
	SetTier  *loyalty.SetTier    `json:"setTier,omitempty"`
	Merge    *loyalty.Merge      `json:"merge,omitempty"`

	Want Want `json:"want"`
}

// A Want is what is compared after a step. What it does not name is not compared.
type Want struct {
	Error    string                                 `json:"error,omitempty"` // part of its text; "": there is none
	Earned   map[loyalty.CurrencyID]int64           `json:"earned,omitempty"`
	Owed     map[loyalty.CurrencyID]int64           `json:"owed,omitempty"`     // what the command made the member owe
	Forgone  map[loyalty.CurrencyID]int64           `json:"forgone,omitempty"`  // what a refund did not get
	Balance  map[loyalty.CurrencyID]int64           `json:"balance,omitempty"`  // what may be spent, less what is owed
	Pending  map[loyalty.CurrencyID]int64           `json:"pending,omitempty"`  //
	Expiring map[loyalty.CurrencyID][]loyalty.Lot   `json:"expiring,omitempty"` // what ends when
	Totals   map[loyalty.CurrencyID]*loyalty.Totals `json:"totals,omitempty"`   // of all members
	Level    *loyalty.LevelID                       `json:"level,omitempty"`
	Until    *time.Time                             `json:"until,omitempty"` // of the level; "0001-01-01T00:00:00Z": without end
	Next     *loyalty.LevelID                       `json:"next,omitempty"`  // the next level that can be earned
	Ways     []loyalty.Way                          `json:"ways,omitempty"`  // to it
	Steps    []loyalty.Step                         `json:"steps,omitempty"` // of the explanation
	Entries  *int64                                 `json:"entries,omitempty"`
	Replayed *bool                                  `json:"replayed,omitempty"`
}

// Coverage tells which rules of the programmes any scenario exercised: those that gave, multiplied, or were capped.
type Coverage struct {
	Exercised []string // "programme/rule", in their order
	Never     []string
}

func (c Coverage) String() string {
	s := fmt.Sprintf("%d of %d rules exercised", len(c.Exercised), len(c.Exercised)+len(c.Never))
	if len(c.Never) > 0 {
		s += "; never: " + strings.Join(c.Never, ", ")
	}
	return s
}

// Run runs the scenarios of all files that match the pattern, each as a test of its own, and logs the coverage. It fails
// where no file matches.
func Run(t *testing.T, files fs.FS, pattern string) Coverage {
	t.Helper()
	names, err := fs.Glob(files, pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no scenario matches %s: %v", pattern, err)
	}
	rules := map[string]bool{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		scenarios, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, s := range scenarios {
			t.Run(s.Name, func(t *testing.T) {
				for _, failure := range s.Play(rules) {
					t.Error(failure)
				}
			})
		}
	}
	var c Coverage
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		if rules[rule] {
			c.Exercised = append(c.Exercised, rule)
		} else {
			c.Never = append(c.Never, rule)
		}
	}
	t.Log(c)
	return c
}

// Parse reads a file of scenarios. *loyalty.InputError: it is none, or has a field that a scenario does not know.
func Parse(text []byte) ([]Scenario, error) { return valid.Parse[[]Scenario]("scenarios", text) }

// Play runs the scenario and returns what was not as wanted, in words. In rules it notes each rule of its programmes, and
// whether it was exercised.
func (s Scenario) Play(rules map[string]bool) (failures []string) {
	p, err := loyalty.Compile(s.Program)
	if err != nil {
		return []string{err.Error()}
	}
	note(rules, p)
	sim := loyalty.Simulate(p)
	for i, step := range s.Steps {
		fail := func(format string, args ...any) {
			failures = append(failures, fmt.Sprintf("step %d: ", i+1)+fmt.Sprintf(format, args...))
		}
		if step.Publish != nil {
			next, err := loyalty.Compile(*step.Publish)
			if err != nil {
				fail("%v", err)
				continue
			}
			p = next
			note(rules, p)
			sim.Switch(p)
		}
		if step.Member == "" {
			step.Member = "alice"
		}
		if step.Key == "" {
			step.Key = fmt.Sprintf("step-%d", i+1)
		}
		id := loyalty.AccountID{Program: s.Program.ID, Member: step.Member}
		var out loyalty.Outcome
		commands := step.commands(id)
		if len(commands) > 1 {
			fail("has more than one command")
			continue
		}
		err = nil
		for _, c := range commands {
			out, err = sim.Do(c, step.At)
		}
		for _, e := range out.Steps {
			if e.Rule != "" && (e.Why == loyalty.Gave || e.Why == loyalty.Multiplied || e.Why == loyalty.Capped) {
				rules[name(p, e.Rule)] = true
			}
		}
		switch {
		case err == nil && step.Want.Error != "":
			fail("no error, want one that says %q", step.Want.Error)
		case err != nil && (step.Want.Error == "" || !strings.Contains(err.Error(), step.Want.Error)):
			fail("error %q, want %q", err, step.Want.Error)
		}
		if diff := cmp.Diff(step.Want, step.got(p, sim, id, out), cmpopts.EquateEmpty()); diff != "" {
			fail("(-want +got)\n%s", diff)
		}
	}
	return failures
}

func note(rules map[string]bool, p *loyalty.Program) {
	for _, r := range p.Definition().Rules {
		if _, known := rules[name(p, r.ID)]; !known {
			rules[name(p, r.ID)] = false
		}
	}
}

func name(p *loyalty.Program, id loyalty.RuleID) string {
	return string(p.Definition().ID) + "/" + string(id)
}

func (s Step) commands(id loyalty.AccountID) (commands []loyalty.Command) {
	add := func(c loyalty.Command) { commands = append(commands, c) }
	if c := s.Earn; c != nil {
		c.Account, c.Key = id, s.Key
		add(*c)
	}
	if c := s.Redeem; c != nil {
		c.Account, c.Key = id, s.Key
		add(*c)
	}
	if c := s.Reserve; c != nil {
		c.Account, c.Key = id, s.Key
		add(*c)
	}
	if c := s.Capture; c != nil {
		c.Account, c.Key = id, s.Key
		add(*c)
	}
	if c := s.Release; c != nil {
		c.Account, c.Key = id, s.Key
		add(*c)
	}
	if c := s.Adjust; c != nil {
		c.Account, c.Key = id, s.Key
		add(*c)
	}
	if c := s.Transfer; c != nil {
		c.Account, c.Key = id, s.Key
		add(*c)
	}
	if c := s.Refund; c != nil {
		c.Account, c.Key = id, s.Key
		add(*c)
	}
	if c := s.Return; c != nil {
		c.Account, c.Key = id, s.Key
		add(*c)
	}
	if c := s.Expire; c != nil {
		c.Account, c.Key = id, s.Key
		add(*c)
	}
	if c := s.SetTier; c != nil {
		c.Account, c.Key = id, s.Key
		add(*c)
	}
	if c := s.Merge; c != nil {
		c.Account, c.Key = id, s.Key
		add(*c)
	}
	return commands
}

// got returns what the step came to, as far as it wants to know.
func (s Step) got(p *loyalty.Program, sim *loyalty.Simulation, id loyalty.AccountID, out loyalty.Outcome) Want {
	w := s.Want
	a, _ := sim.Account(id, s.At)
	now := s.At
	moves := func(wanted map[loyalty.CurrencyID]int64, of func(loyalty.Move) int64) map[loyalty.CurrencyID]int64 {
		got := map[loyalty.CurrencyID]int64{}
		for u := range wanted {
			got[u] = 0
		}
		for _, m := range out.Moves {
			if _, ok := got[m.Currency]; ok || of(m) != 0 {
				got[m.Currency] += of(m)
			}
		}
		return got
	}
	if w.Earned != nil {
		w.Earned = moves(w.Earned, func(m loyalty.Move) int64 { return loyalty.Sum(m.Credited) })
	}
	if w.Owed != nil {
		w.Owed = moves(w.Owed, func(m loyalty.Move) int64 { return m.Owed })
	}
	if w.Forgone != nil {
		w.Forgone = moves(w.Forgone, func(m loyalty.Move) int64 { return m.Forgone })
	}
	each := func(wanted map[loyalty.CurrencyID]int64, of func(loyalty.Balance) int64) map[loyalty.CurrencyID]int64 {
		if wanted == nil {
			return nil
		}
		got := map[loyalty.CurrencyID]int64{}
		for u := range wanted {
			got[u] = of(a.Wallet(u).Balance(now))
		}
		return got
	}
	w.Balance = each(w.Balance, func(b loyalty.Balance) int64 { return b.Available - b.Debt })
	w.Pending = each(w.Pending, func(b loyalty.Balance) int64 { return b.Pending })
	if w.Expiring != nil {
		got := map[loyalty.CurrencyID][]loyalty.Lot{}
		for u := range w.Expiring {
			got[u] = a.Wallet(u).Expiring(now)
		}
		w.Expiring = got
	}
	if w.Totals != nil {
		got := map[loyalty.CurrencyID]*loyalty.Totals{}
		for u, t := range sim.Totals() {
			got[u] = &t
		}
		w.Totals = got
	}
	if w.Level != nil {
		w.Level = &a.Status.Level
	}
	if w.Until != nil {
		w.Until = &a.Status.Until
	}
	next, ways := p.Progress(a, now)
	if w.Next != nil {
		w.Next = &next
	}
	if w.Ways != nil {
		w.Ways = ways
	}
	if w.Steps != nil {
		w.Steps = out.Steps
	}
	if w.Entries != nil {
		n := int64(len(sim.Ledger(id)))
		w.Entries = &n
	}
	if w.Replayed != nil {
		w.Replayed = &out.Replayed
	}
	return w
}
