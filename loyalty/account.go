package loyalty

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An AccountID names a member in a program.
type AccountID struct {
	Program ids.Program `json:"program"` // program that the points are of
	Member  ids.Member  `json:"member"`  // customer, in the embedder's words
}

// Subject is the subject of the account's entries in the journal.
func (id AccountID) Subject() string {
	return journal.Subject("loyalty", string(id.Program), string(id.Member))
}

func (id AccountID) check() error {
	return cmp.Or(valid.ID("account.program", id.Program), valid.ID("account.member", id.Member))
}

// An Account is all that decisions need of a member. It stays small however long its history is:
// its tallies have at most one number a day for as long as the program looks back. Its times, and
// those of a Booking, are UTC in microseconds.
type Account struct {
	ID       AccountID    `json:"-"`                  // member and program
	Version  int64        `json:"-"`                  // 0: there is none yet
	Seq      int64        `json:"-"`                  // entries of its ledger
	Hash     []byte       `json:"-"`                  // of the last of them
	Joined   time.Time    `json:"joined"`             // time of its first event or command
	Active   time.Time    `json:"active,omitzero"`    // last earned or spent
	At       time.Time    `json:"at"`                 // of the last change: an earlier time counts as this one
	Holdings []Holding    `json:"holdings,omitempty"` // points, by currency
	Tallies  []NamedTally `json:"tallies,omitempty"`  // what metrics and caps have counted
	Carried  []Carried    `json:"carried,omitempty"`  // remainders of rules with Part Carry
	Reached  []Reached    `json:"reached,omitempty"`  // milestones, by rule and window
	Gifts    []Gifted     `json:"gifts,omitempty"`    // gifts of levels
	Status   Status       `json:"status,omitzero"`    // its level
	Past     []Past       `json:"past,omitempty"`     // earlier levels that late events and refunds may still change; the oldest first
	Turns    time.Time    `json:"turns,omitzero"`     // when time next changes the level, or what is counted for it; zero: never
	Merged   ids.Member   `json:"merged,omitempty"`   // who the member turned out to be: the account takes no more commands
}

// A Holding is the points of one currency, and what became of all that ever came in.
type Holding struct {
	Currency ids.Currency `json:"currency"`        // currency of the program
	Wallet   Wallet       `json:"wallet,omitzero"` // points that are there now
	Totals   Totals       `json:"totals,omitzero"` // sums over the life of the account
}

// Totals are the books of a currency: of one account, or of all of a program. Outstanding is what
// is left, less what members owe, and always the sum of Wallet.Total.
type Totals struct {
	Issued   int64 `json:"issued,omitempty"`   // earned, or given by hand
	Redeemed int64 `json:"redeemed,omitempty"` // less what was given back
	Expired  int64 `json:"expired,omitempty"`  // as far as it was posted
	Revoked  int64 `json:"revoked,omitempty"`  // by refunds and by hand, with what members owe for it
	Received int64 `json:"received,omitempty"` // from other members
	Sent     int64 `json:"sent,omitempty"`     // to other members
}

// Outstanding is what members hold, less what they owe.
func (t Totals) Outstanding() int64 {
	return t.Issued + t.Received - t.Sent - t.Redeemed - t.Expired - t.Revoked
}

// Plus adds two books. ErrOverflow: a sum is more than an int64 holds.
func (t Totals) Plus(o Totals) (Totals, error) {
	fits := true
	for _, sum := range []struct {
		to *int64
		n  int64
	}{
		{&t.Issued, o.Issued}, {&t.Redeemed, o.Redeemed}, {&t.Expired, o.Expired}, {&t.Revoked, o.Revoked},
		{&t.Received, o.Received}, {&t.Sent, o.Sent},
	} {
		fits = plus(sum.to, sum.n) && fits
	}
	if !fits {
		return Totals{}, ErrOverflow
	}
	return t, nil
}

// plus adds n to a sum, and reports whether an int64 holds that.
func plus(sum *int64, n int64) bool {
	before := *sum
	*sum += n
	return (n < 0) == (*sum < before)
}

// addTo adds books to those of their currency. ErrOverflow: a sum is more than an int64 holds.
func (t Totals) addTo(books map[ids.Currency]Totals, id ids.Currency) error {
	sum, err := books[id].Plus(t)
	books[id] = sum
	return err
}

// A NamedTally counts what a metric or a cap looks back to.
type NamedTally struct {
	Name  string `json:"name"`  // metric or cap that it belongs to
	Tally Tally  `json:"tally"` // counts by day
}

// Carried is what a rule with Part Carry counts with the next event.
type Carried struct {
	Rule RuleID `json:"rule"` // rule with Part Carry
	N    int64  `json:"n"`    // minor units or items; below zero: what a refund took of a block that was given
}

// Reached is how many milestones of a rule the member got in the window that began on a day.
type Reached struct {
	Rule   RuleID  `json:"rule"`             // rule that gives for milestones
	From   int64   `json:"from"`             // days since 1 January 1970; 0: the window rolls, or is all time
	N      int64   `json:"n"`                // how many
	Raised []Raise `json:"raised,omitempty"` // how N came about, the last 16 times
}

// A Status is the level of a member.
type Status struct {
	Level ids.Level `json:"level,omitempty"` // level in force; "": the program has no levels
	Since time.Time `json:"since,omitzero"`  // when it was reached
	Until time.Time `json:"until,omitzero"`  // zero: as long as it is earned, or for ever; of an Outcome: Program.Until
	Hand  ids.Level `json:"hand,omitempty"`  // the level that was given by hand: the member does not fall below it until then
}

// Wallet returns the points of a currency.
func (a Account) Wallet(id ids.Currency) Wallet {
	for _, h := range a.Holdings {
		if h.Currency == id {
			return h.Wallet
		}
	}
	return Wallet{}
}

// Tally returns what is counted under a name.
func (a Account) tally(name string) Tally {
	for _, t := range a.Tallies {
		if t.Name == name {
			return t.Tally
		}
	}
	return Tally{}
}

// Due returns when time next does something to the account that Expire posts; zero: never.
func (a Account) Due() (due time.Time) {
	earliest := func(t time.Time) {
		if !t.IsZero() && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	earliest(a.Turns)
	for _, h := range a.Holdings {
		for _, l := range h.Wallet.Lots {
			earliest(l.To)
			if h.Wallet.Debt > 0 {
				earliest(l.From)
			}
		}
		for _, o := range h.Wallet.Holds {
			earliest(o.Until)
		}
	}
	return due
}

// A Booking is what was given or spent under the key of one command, as far as its refunds need it.
type Booking struct {
	Account AccountID    `json:"-"`                // account that the command was of
	Key     string       `json:"-"`                // key of the command
	Changes int64        `json:"-"`                // 0: it is new
	At      time.Time    `json:"at"`               // when the event happened or the points were spent
	Spent   bool         `json:"spent,omitempty"`  // else earned
	Lines   []BookedLine `json:"lines,omitempty"`  // lines of the purchase
	Parts   []Portion    `json:"parts,omitempty"`  // points that it gave or took
	Counts  []Count      `json:"counts,omitempty"` // what it counted for metrics
	Uses    []Use        `json:"uses,omitempty"`   // what it used up of caps and blocks
}

// A BookedLine is a line of the purchase.
type BookedLine struct {
	ID    string `json:"id"`             // Line.ID
	Item  bool   `json:"item,omitempty"` // of a kind that earns
	Paid  int64  `json:"paid"`           // minor units
	Items int64  `json:"items"`          // its quantity
	Back  int64  `json:"back,omitempty"` // minor units that came back
	Gone  int64  `json:"gone,omitempty"` // items that came back
}

// A Portion is points of one currency that came in, or went out, together.
type Portion struct {
	Currency  ids.Currency `json:"currency"`            // currency of the points
	N         int64        `json:"n"`                   // units that came in or went out
	Back      int64        `json:"back,omitempty"`      // revoked, or given back, so far
	Lots      []Lot        `json:"lots"`                // lots that came in, or that were spent
	Overdraft Overdraft    `json:"overdraft,omitempty"` // what a refund does about points that are spent
	Shares    []int64      `json:"shares,omitempty"`    // of the lines, in their order: weights
	Whole     int64        `json:"whole,omitempty"`     // the weight of what was given for no line
	More      int64        `json:"more,omitempty"`      // what refunds revoke beyond N, as others were given points thanks to it; below zero: less, as others go without
	Rule      RuleID       `json:"rule,omitempty"`      // that gave it for milestones, which go back with their metric; once the rule is gone, with all of the purchase
}

// A Count is what the tally of a metric went up by.
type Count struct {
	Tally  string  `json:"tally"`            // name of the tally
	N      int64   `json:"n"`                // what was counted
	Back   int64   `json:"back,omitempty"`   // how much of N refunds took back
	Part   int     `json:"part"`             // the portion that it goes back with; -1: it goes back with its lines
	Shares []int64 `json:"shares,omitempty"` // of the lines, in their order: what was counted of each
	Items  bool    `json:"items,omitempty"`  // it counts items, and not money
}

// An Outcome is what a command did.
type Outcome struct {
	Account  AccountID       `json:"account"`           // account that the command was of
	Command  json.RawMessage `json:"command,omitempty"` // as it was given; Recorded reads it
	Seq      int64           `json:"seq"`               // of its entry in the ledger of the account; 0: it left none
	At       time.Time       `json:"at"`                // when it took effect
	Moves    []Move          `json:"moves,omitempty"`   // what it did to points, by currency
	Steps    []Step          `json:"steps,omitempty"`   // how the points came about
	Tier     *TierChange     `json:"tier,omitempty"`    // nil: the member's level is the same
	Status   Status          `json:"status,omitzero"`   // after it
	Reason   string          `json:"reason,omitempty"`  // as it was given
	Of       string          `json:"of,omitempty"`      // the key of the command that was refunded or given back
	Peer     *AccountID      `json:"peer,omitempty"`    // the other account of a transfer or a merger
	Replayed bool            `json:"-"`                 // the key was used before, and this is the first result
}

// A Move is what a command did to the points of one currency.
type Move struct {
	Currency ids.Currency `json:"currency"` // currency of the points
	Movement
	Balance Balance `json:"balance"` // after it
	Totals  Totals  `json:"totals"`  // what it added to the books
}

// A TierChange is a level that was reached or lost.
type TierChange struct {
	From ids.Level `json:"from"` // level before
	To   ids.Level `json:"to"`   // level after
}

// Earned returns the points that came in, of a currency.
func (o Outcome) Earned(id ids.Currency) (n int64) {
	for _, m := range o.Moves {
		if m.Currency == id {
			n += Sum(m.Credited)
		}
	}
	return n
}

// Spent returns the points that a Redeem or a Capture spent, of a currency.
func (o Outcome) Spent(id ids.Currency) (n int64) {
	for _, m := range o.Moves {
		if m.Currency == id {
			n += m.Totals.Redeemed
		}
	}
	return n
}

// A Decision is an account as it is after a command, and what else is to be stored with it.
type Decision struct {
	Outcome
	Next    Account  // account after the command
	Booking *Booking // nil: none is new or changed
	also    *Decision
}

// A deed is an account on its way from one state to another.
type deed struct {
	p      *Program
	now    time.Time
	rolled bool  // what was counted rolled over
	taken  bool  // a metric has less than before
	over   error // what was posted is more than the books hold

	probe   bool     // it is a question: it gives no gifts
	heights []height // of a probe: the levels that it reached, in their order
	keeps   bool     // a fall takes no points: only a purchase that came back had given the level
	Decision
}

// begin lets time do to a copy of the account what it has done by now.
func (p *Program) begin(a Account, now time.Time) *deed {
	d := &deed{}
	d.begin(p, a, now)
	return d
}

func (d *deed) begin(p *Program, a Account, now time.Time) {
	now = latest(journal.Instant(now), a.At)
	d.p, d.now, d.Next = p, now, a
	d.Next.Holdings = slices.Clone(a.Holdings)
	d.Next.Tallies = slices.Clone(a.Tallies)
	d.Next.Carried = slices.Clone(a.Carried)
	d.Next.Reached = slices.Clone(a.Reached)
	if a.Version == 0 {
		d.Next.Joined, d.Next.At = now, now
	}
	d.Account, d.At = a.ID, now
	d.pass(now)
	d.redate(now)
}

// end numbers what was done. ErrOverflow: it is more than the books hold.
func (d *deed) end(from Account) (Decision, error) {
	if d.over != nil {
		return Decision{}, d.over
	}
	d.Next.Version++
	d.Next.Seq++
	d.Next.At = d.now
	d.Next.Turns = d.turns()
	d.Seq = d.Next.Seq
	d.Status = d.Next.Status
	d.Status.Until = d.until()
	if was := d.p.level(from.Status.Level); was != d.p.level(d.Status.Level) && d.p.def.Tiers != nil {
		d.Tier = &TierChange{d.p.def.Tiers.Levels[was].ID, d.Status.Level}
	}
	return d.Decision, nil
}

// holding returns the points of a currency, for change.
func (d *deed) holding(id ids.Currency) *Holding {
	i, ok := slices.BinarySearchFunc(d.Next.Holdings, id, func(h Holding, id ids.Currency) int { return cmp.Compare(h.Currency, id) })
	if !ok {
		d.Next.Holdings = slices.Insert(d.Next.Holdings, i, Holding{Currency: id})
	}
	return &d.Next.Holdings[i]
}

// post keeps a wallet as a movement left it. books says where what came and went belongs.
func (d *deed) post(id ids.Currency, w Wallet, m Movement, books func(m Movement) Totals) {
	t := books(m)
	t.Expired += Sum(m.Lapsed)
	h := d.holding(id)
	h.Wallet = w
	if sum, err := h.Totals.Plus(t); err != nil {
		d.over = err
	} else {
		h.Totals = sum
	}
	d.Moves = append(d.Moves, Move{id, m, w.Balance(d.now), t})
}

func issued(m Movement) Totals   { return Totals{Issued: Sum(m.Credited)} }
func redeemed(m Movement) Totals { return Totals{Redeemed: Sum(m.Taken)} }
func returned(m Movement) Totals { return Totals{Redeemed: -Sum(m.Credited)} }
func revoked(m Movement) Totals  { return Totals{Revoked: Sum(m.Taken) + m.Owed} }
func sent(m Movement) Totals     { return Totals{Sent: Sum(m.Taken)} }
func revived(m Movement) Totals  { return Totals{Expired: -Sum(m.Credited)} }
func received(m Movement) Totals { return Totals{Received: Sum(m.Credited)} }
func nothing(Movement) Totals    { return Totals{} }

// tallyOf returns a tally for change; nil: there is none.
func (d *deed) tallyOf(name string) *NamedTally {
	i, ok := slices.BinarySearchFunc(d.Next.Tallies, name, func(t NamedTally, name string) int { return cmp.Compare(t.Name, name) })
	if !ok {
		return nil
	}
	return &d.Next.Tallies[i]
}

// setTally puts a tally in the place of the one of that name.
func (d *deed) setTally(name string, t Tally) {
	i, ok := slices.BinarySearchFunc(d.Next.Tallies, name, func(t NamedTally, name string) int { return cmp.Compare(t.Name, name) })
	switch {
	case ok:
		d.Next.Tallies[i].Tally = t
	case t.Total != 0 || t.Days != nil:
		d.Next.Tallies = slices.Insert(d.Next.Tallies, i, NamedTally{name, t})
	}
}

// count adds to a tally. One that the program does not know any more keeps all of its days.
func (d *deed) count(name string, n int64, at time.Time, keep int) error {
	i, ok := slices.BinarySearchFunc(d.Next.Tallies, name, func(t NamedTally, name string) int { return cmp.Compare(t.Name, name) })
	if !ok {
		d.Next.Tallies = slices.Insert(d.Next.Tallies, i, NamedTally{Name: name})
	}
	if _, known := d.p.keep[name]; !known {
		keep = maxDays
	}
	t, err := d.Next.Tallies[i].Tally.Add(n, at, d.p.zone, keep)
	d.Next.Tallies[i].Tally = t
	return err
}

// forgotten is for how many days after it counted something a tally is kept that the program does
// not know any more, for a version that takes the last one back.
const forgotten = 366

// forget drops the tallies that the program does not know any more.
func (d *deed) forget() {
	today := dayOf(d.now.In(d.p.zone).Date())
	d.Next.Tallies = slices.DeleteFunc(d.Next.Tallies, func(t NamedTally) bool {
		_, known := d.p.keep[t.Name]
		n := len(t.Tally.Days)
		return !known && (n == 0 || t.Tally.Days[n-1].Day < today-forgotten)
	})
}
