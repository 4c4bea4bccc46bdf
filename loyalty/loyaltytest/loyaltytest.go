// Package loyaltytest runs scenarios of a programme: files that a team keeps beside its definition and runs in its own CI.
//
//	func TestProgram(t *testing.T) { loyaltytest.Run(t, os.DirFS("testdata"), "*.json", club.Definition()) }
//
// The scenarios run on the definition that the code publishes, or on one that stands in the file.
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

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/loyalty"
)

// A Scenario is a program and what is done under it. The program is the one in Program, or else the one of those given to Run
// that Of names; it may be left out where that is the only one.
type Scenario struct {
	Name    string             `json:"name"`
	Program loyalty.Definition `json:"program,omitzero"`
	Of      loyalty.ProgramID  `json:"of,omitempty"`
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
	Held     map[loyalty.CurrencyID]int64           `json:"held,omitempty"`     // set aside by reservations
	Expiring map[loyalty.CurrencyID][]loyalty.Lot   `json:"expiring,omitempty"` // what ends when
	Totals   map[loyalty.CurrencyID]*loyalty.Totals `json:"totals,omitempty"`   // of all members
	Level    *loyalty.LevelID                       `json:"level,omitempty"`
	Until    *time.Time                             `json:"until,omitempty"`  // of the level; "0001-01-01T00:00:00Z": without end
	Next     *loyalty.LevelID                       `json:"next,omitempty"`   // the next level that can be earned
	Ways     []loyalty.Way                          `json:"ways,omitempty"`   // to it
	Steps    []loyalty.Step                         `json:"steps,omitempty"`  // of the explanation
	Others   map[loyalty.MemberID]Other             `json:"others,omitempty"` // how other members stand after it
	Entries  *int64                                 `json:"entries,omitempty"`
	Replayed *bool                                  `json:"replayed,omitempty"`
}

// An Other is what is compared of another member than the one of the step. What it does not name is not compared.
type Other struct {
	Balance map[loyalty.CurrencyID]int64 `json:"balance,omitempty"` // what may be spent, less what is owed
	Pending map[loyalty.CurrencyID]int64 `json:"pending,omitempty"`
	Held    map[loyalty.CurrencyID]int64 `json:"held,omitempty"`
	Level   *loyalty.LevelID             `json:"level,omitempty"`
	Merged  *loyalty.MemberID            `json:"merged,omitempty"` // who the member turned out to be; "": is none other
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

// Run runs the scenarios of all files that match the pattern, each as a test of its own, and logs the coverage. Programs are
// those that the code publishes, for scenarios that have none of their own. It fails where no file matches.
func Run(t *testing.T, files fs.FS, pattern string, programs ...loyalty.Definition) Coverage {
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
				s, err := s.on(programs)
				if err != nil {
					t.Fatal(err)
				}
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

// on returns the scenario with its program.
func (s Scenario) on(programs []loyalty.Definition) (Scenario, error) {
	fail := func(field, reason string) (Scenario, error) {
		return s, &loyalty.InputError{Field: field, Reason: reason}
	}
	switch own := s.Program.ID != ""; {
	case own && s.Of != "":
		return fail("of", "is there, and the scenario has a program of its own")
	case own:
		return s, nil
	case s.Of == "" && len(programs) == 1:
		s.Program = programs[0]
		return s, nil
	}
	i := slices.IndexFunc(programs, func(d loyalty.Definition) bool { return d.ID == s.Of })
	if i < 0 {
		return fail("of", "names none of the programs that were given to Run")
	}
	s.Program = programs[i]
	return s, nil
}

// Parse reads a file of scenarios. *loyalty.InputError: it is none, has a field that a scenario does not know, or a step has no
// time or one that no command may have.
func Parse(text []byte) ([]Scenario, error) {
	all, err := valid.Parse[[]Scenario]("scenarios", text)
	for i, s := range all {
		for j, step := range s.Steps {
			if err == nil {
				err = valid.RequiredTime(fmt.Sprintf("scenarios[%d].steps[%d].at", i, j), step.At)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

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
		if err := valid.RequiredTime("at", step.At); err != nil {
			fail("%v", err)
			continue
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
		for _, line := range diff(step.Want, step.got(p, sim, id, out)) {
			fail("%s", line)
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

// balances returns what an account has of the currencies that are wanted.
func balances(
	a loyalty.Account, now time.Time, wanted map[loyalty.CurrencyID]int64, of func(loyalty.Balance) int64,
) map[loyalty.CurrencyID]int64 {
	if wanted == nil {
		return nil
	}
	got := map[loyalty.CurrencyID]int64{}
	for u := range wanted {
		got[u] = of(a.Wallet(u).Balance(now))
	}
	return got
}

func spendable(b loyalty.Balance) int64 { return b.Available - b.Debt }

// others returns how the other members stand, as far as the step wants to know.
func (s Step) others(sim *loyalty.Simulation, program loyalty.ProgramID) map[loyalty.MemberID]Other {
	if s.Want.Others == nil {
		return nil
	}
	got := map[loyalty.MemberID]Other{}
	for member, o := range s.Want.Others {
		a, _ := sim.Account(loyalty.AccountID{Program: program, Member: member}, s.At)
		each := func(wanted map[loyalty.CurrencyID]int64, of func(loyalty.Balance) int64) map[loyalty.CurrencyID]int64 {
			return balances(a, s.At, wanted, of)
		}
		o.Balance = each(o.Balance, spendable)
		o.Pending = each(o.Pending, func(b loyalty.Balance) int64 { return b.Pending })
		o.Held = each(o.Held, func(b loyalty.Balance) int64 { return b.Held })
		if o.Level != nil {
			o.Level = &a.Status.Level
		}
		if o.Merged != nil {
			o.Merged = &a.Merged
		}
		got[member] = o
	}
	return got
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
		return balances(a, now, wanted, of)
	}
	w.Balance = each(w.Balance, spendable)
	w.Pending = each(w.Pending, func(b loyalty.Balance) int64 { return b.Pending })
	w.Held = each(w.Held, func(b loyalty.Balance) int64 { return b.Held })
	w.Others = s.others(sim, id.Program)
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
