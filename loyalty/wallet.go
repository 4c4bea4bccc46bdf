package loyalty

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

const (
	// MaxPoints is the most that a wallet holds, and the most that it owes.
	MaxPoints = 1_000_000_000_000_000
	// MaxHolds is how many holds a wallet has at once.
	MaxHolds = 64

	remembered = 100 * 24 * time.Hour // what lapsed, by its end
)

// A Lot is a number of points that may be spent in [From, To).
type Lot struct {
	From time.Time `json:"from,omitzero"` // zero: since ever; in a wallet also of a lot that has begun
	To   time.Time `json:"to,omitzero"`   // zero: without end
	N    int64     `json:"n"`             // units

	// Since is what the end counts from where it follows the member (Currency.Inactive and
	// ByLevel), if that is later than the last activity: then a lot that is given back has the end
	// that the rule gives it by now. Zero: the last activity, or an end of its own.
	Since time.Time `json:"since,omitzero"`
}

// A Hold is points that were set aside under a name, until they are captured or released, or Until
// comes: then it is released by itself. Points that are held don't lapse; they do as they are
// released, where their lots have ended.
type Hold struct {
	Name  string    `json:"name"`  // key of the Reserve
	Until time.Time `json:"until"` // when it is released by itself
	Lots  []Lot     `json:"lots"`  // points that are held

	// Member and As are who reserved it, and under which name, where that one was merged into the
	// member of the wallet.
	Member ids.Member `json:"member,omitempty"`
	As     string     `json:"as,omitempty"`
}

// A Wallet is a member's points of one currency. The zero Wallet is empty. Its times are UTC, in
// microseconds.
type Wallet struct {
	At    time.Time `json:"at,omitzero"`     // of the last movement: an earlier time counts as this one
	Lots  []Lot     `json:"lots,omitempty"`  // in the order in which they end, those without an end last
	Holds []Hold    `json:"holds,omitempty"` // points that are set aside
	Debt  int64     `json:"debt,omitempty"`  // what points that come in, or begin, repay first

	// What lapsed unspent, by its end: a Revoke does not take it again, and makes no debt of it. A
	// lot with From is all that ended after it and up to To: what a downgrade took, and, after 100
	// days, what lapsed in a year.
	Ended []Lot `json:"ended,omitempty"`
}

// A Balance is what a wallet holds at an instant.
type Balance struct {
	Available int64 `json:"available"` // may be spent; 0 where Debt is not
	Pending   int64 `json:"pending"`   // has not begun
	Held      int64 `json:"held"`      // set aside by holds
	Debt      int64 `json:"debt"`      // owed, which points that come in repay
	Lapsed    int64 `json:"lapsed"`    // has ended since the last movement
}

// A Movement is what one call did to a wallet, for the books. Its lots are as they were in the
// wallet, or came to it.
type Movement struct {
	At       time.Time `json:"at"`                 // when it took effect
	Credited []Lot     `json:"credited,omitempty"` // came in
	Taken    []Lot     `json:"taken,omitempty"`    // went out: Return gives them back
	Held     []Lot     `json:"held,omitempty"`     // were set aside; in the wallet as before
	Lapsed   []Lot     `json:"lapsed,omitempty"`   // had ended by At, and left the wallet
	Begun    []Lot     `json:"begun,omitempty"`    // were pending, and may be spent before their time
	Repaid   int64     `json:"repaid,omitempty"`   // of the debt, out of the wallet's own lots
	Owed     int64     `json:"owed,omitempty"`     // was added to the debt
	Forgone  int64     `json:"forgone,omitempty"`  // of a Revoke: was not there, and is not owed
}

// Sum returns the points of the lots.
func Sum(lots []Lot) (n int64) {
	for _, l := range lots {
		n += l.N
	}
	return n
}

// Total returns all points of the wallet as it is stored, begun or not, held or not, less what it
// owes.
func (w Wallet) Total() int64 {
	n := Sum(w.Lots) - w.Debt
	for _, h := range w.Holds {
		n += Sum(h.Lots)
	}
	return n
}

// Balance returns what the wallet holds at that time.
func (w Wallet) Balance(now time.Time) Balance {
	m := begin(w, now)
	b := Balance{Debt: m.w.Debt, Lapsed: Sum(m.Lapsed)}
	for _, l := range m.w.Lots {
		if l.begun(m.At) {
			b.Available += l.N
		} else {
			b.Pending += l.N
		}
	}
	for _, h := range m.w.Holds {
		b.Held += Sum(h.Lots)
	}
	return b
}

// Credit adds a lot. It repays the debt first, as it begins. A lot that has ended lapses at once.
// Errors: *errs.InputError, ErrOverflow.
func (w Wallet) Credit(lot Lot, now time.Time) (Wallet, Movement, error) {
	return w.Return([]Lot{lot}, now)
}

// Return gives lots back that a movement took. It repays the debt first. Lots that have ended lapse
// at once. Errors: *errs.InputError, ErrOverflow.
func (w Wallet) Return(lots []Lot, now time.Time) (Wallet, Movement, error) {
	lots = slices.Clone(lots)
	for i := range lots {
		if err := lots[i].check(); err != nil {
			return w, Movement{}, err
		}
	}
	m := begin(w, now)
	if !m.room(lots) {
		return w, Movement{}, ErrOverflow
	}
	m.Credited, m.w.Lots = lots, append(m.w.Lots, lots...)
	m.step(m.At)
	return m.end()
}

// Spend takes points, those that end first, then the oldest. Errors: *errs.InputError,
// *InsufficientError.
func (w Wallet) Spend(n int64, now time.Time) (Wallet, Movement, error) {
	m := begin(w, now)
	taken, err := m.spend(n)
	if err != nil {
		return w, Movement{}, err
	}
	m.Taken = taken
	return m.end()
}

// Reserve sets points aside under a name until a later time, to be captured or released. Errors:
// *errs.InputError, ErrHeld, ErrHolds, *InsufficientError.
func (w Wallet) Reserve(name string, n int64, until, now time.Time) (Wallet, Movement, error) {
	if err := cmp.Or(valid.ID("name", name), valid.Time("until", until)); err != nil {
		return w, Movement{}, err
	}
	m := begin(w, now)
	until = journal.Instant(until)
	switch {
	case !until.After(m.At):
		return w, Movement{}, &errs.InputError{Field: "until", Reason: "is not in the future"}
	case m.hold(name) >= 0:
		return w, Movement{}, ErrHeld
	case len(m.w.Holds) == MaxHolds:
		return w, Movement{}, ErrHolds
	}
	held, err := m.spend(n)
	if err != nil {
		return w, Movement{}, err
	}
	m.Held = held
	m.w.Holds = append(m.w.Holds, Hold{Name: name, Until: until, Lots: slices.Clone(held)})
	return m.end()
}

// Capture takes n points of a hold and releases the rest. Errors: *errs.InputError, ErrUnknownHold,
// *InsufficientError.
func (w Wallet) Capture(name string, n int64, now time.Time) (Wallet, Movement, error) {
	if err := valid.Between("n", n, 0, MaxPoints); err != nil {
		return w, Movement{}, err
	}
	m := begin(w, now)
	i := m.hold(name)
	if i < 0 {
		return w, Movement{}, ErrUnknownHold
	}
	held := m.w.Holds[i].Lots
	if have := Sum(held); have < n {
		return w, Movement{}, &InsufficientError{Have: have, Need: n}
	}
	m.w.Holds = slices.Delete(m.w.Holds, i, i+1)
	m.Taken, held = take(held, n, func(Lot) bool { return true })
	m.w.Lots = append(m.w.Lots, held...)
	m.step(m.At)
	return m.end()
}

// Release gives the points of a hold back to their lots. Errors: ErrUnknownHold.
func (w Wallet) Release(name string, now time.Time) (Wallet, Movement, error) {
	return w.Capture(name, 0, now)
}

// An Overdraft is what a Revoke does about points that are spent.
type Overdraft string

const (
	// PendingOnly takes points that have not begun, and no others.
	PendingOnly Overdraft = "pendingOnly"
	// WithinBalance takes what can be spent as well.
	WithinBalance Overdraft = "withinBalance"
	// BelowZero makes a debt of the rest.
	BelowZero Overdraft = "belowZero"
)

// Revoke takes back n points that were credited as those lots: from them as far as they are there,
// then, as the policy says, in the order of spending, then as a debt. What is left is Forgone, and
// so is what lapsed of the lots, unspent: more than 100 days later as far as anything lapsed in the
// year of their end. Errors: *errs.InputError, ErrOverflow.
func (w Wallet) Revoke(credited []Lot, n int64, policy Overdraft, now time.Time) (Wallet, Movement, error) {
	if err := valid.Between("n", n, 1, MaxPoints); err != nil {
		return w, Movement{}, err
	}
	if policy != PendingOnly && policy != WithinBalance && policy != BelowZero {
		return w, Movement{}, &errs.InputError{Field: "policy", Reason: "is none of pendingOnly, withinBalance and belowZero"}
	}
	m := begin(w, now)
	from := func(most int64, may func(Lot) bool) {
		var taken []Lot
		taken, m.w.Lots = take(m.w.Lots, min(n, most), may)
		n -= Sum(taken)
		m.Taken = append(m.Taken, taken...)
	}
	for _, c := range credited {
		c.From, c.To, c.Since = journal.Instant(c.From), journal.Instant(c.To), journal.Instant(c.Since)
		lapsed := m.forget(c, min(n, c.N))
		m.Forgone += lapsed
		n -= lapsed
		from(c.N-lapsed, func(l Lot) bool {
			if c.begun(m.At) {
				return policy != PendingOnly && l.begun(m.At) && c.like(l)
			}
			return l.From.Equal(c.From) && c.like(l)
		})
	}
	if policy != PendingOnly {
		from(n, func(l Lot) bool { return l.begun(m.At) })
	}
	if policy == BelowZero {
		if m.w.Debt > MaxPoints-n {
			return w, Movement{}, ErrOverflow
		}
		m.Owed, n = n, 0
		m.w.Debt += m.Owed
	}
	m.Forgone += n
	return m.end()
}

// Expire posts what time has done: it takes out lots that have ended, releases holds and repays the
// debt. It need not run for any other answer to be right.
func (w Wallet) Expire(now time.Time) (Wallet, Movement) {
	started := begin(w, now)
	after, m, _ := started.end()
	return after, m
}

// redate gives the lots that have not ended, and those that are held, what the function makes of
// them: another To and Since.
func (w Wallet) redate(now time.Time, as func(Lot) Lot) (Wallet, Movement, bool) {
	changes := func(l Lot) bool { return as(l) != l }
	at := latest(journal.Instant(now), w.At)
	if !slices.ContainsFunc(w.Lots, func(l Lot) bool { return !l.ended(at) && changes(l) }) &&
		!slices.ContainsFunc(w.Holds, func(h Hold) bool { return slices.ContainsFunc(h.Lots, changes) }) {
		return w, Movement{}, false
	}
	m := begin(w, now)
	for i, l := range m.w.Lots {
		m.w.Lots[i] = as(l)
	}
	for i, h := range m.w.Holds {
		m.w.Holds[i].Lots = slices.Clone(h.Lots)
		for j, l := range h.Lots {
			m.w.Holds[i].Lots[j] = as(l)
		}
	}
	m.step(m.At)
	after, moved, _ := m.end()
	return after, moved, true
}

// lapse ends all lots now; those that are held lapse as they are released.
func (w Wallet) lapse(now time.Time) (Wallet, Movement) {
	m := begin(w, now)
	m.Lapsed = append(m.Lapsed, m.w.Lots...)
	for _, l := range m.w.Lots {
		m.remember(Lot{From: m.At, To: l.To, N: l.N})
	}
	m.w.Lots = nil
	for i, h := range m.w.Holds {
		m.w.Holds[i].Lots = slices.Clone(h.Lots)
		for j := range h.Lots {
			m.w.Holds[i].Lots[j].To, m.w.Holds[i].Lots[j].Since = m.At, time.Time{}
		}
	}
	after, moved, _ := m.end()
	return after, moved
}

// revive gives back what lapsed and, as the function says, would not have; as another lot.
func (w Wallet) revive(now time.Time, as func(Lot) (Lot, bool)) (Wallet, Movement) {
	m := begin(w, now)
	m.w.Ended = slices.DeleteFunc(m.w.Ended, func(e Lot) bool {
		l, ok := as(e)
		if ok = ok && e.From.IsZero(); ok {
			m.Credited, m.w.Lots = append(m.Credited, l), append(m.w.Lots, l)
		}
		return ok
	})
	m.step(m.At)
	after, moved, _ := m.end()
	return after, moved
}

// Merge returns the wallet of a member who turned out to be two, w and other, which counts as empty
// from then on. Of two holds of one name the other's gets a number after it. Errors: ErrOverflow,
// ErrHolds.
func (w Wallet) Merge(other Wallet, now time.Time) (Wallet, Movement, error) {
	now = latest(now, latest(w.At, other.At))
	m, o := begin(w, now), begin(other, now)
	if len(m.w.Holds)+len(o.w.Holds) > MaxHolds {
		return w, Movement{}, ErrHolds
	}
	came := slices.Clone(other.Lots)
	for _, h := range other.Holds {
		came = append(came, h.Lots...)
	}
	if !m.room(came) || m.w.Debt+other.Debt > MaxPoints {
		return w, Movement{}, ErrOverflow
	}
	m.Credited, m.Owed = came, other.Debt
	m.Lapsed, m.Repaid = append(m.Lapsed, o.Lapsed...), m.Repaid+o.Repaid
	for _, l := range o.w.Ended {
		m.remember(l)
	}
	for _, h := range o.w.Holds {
		name := h.Name
		for i := 2; m.hold(h.Name) >= 0; i++ {
			h.Name = fmt.Sprintf("%s~%d", name, i)
		}
		m.w.Holds = append(m.w.Holds, h)
	}
	m.w.Lots = append(m.w.Lots, o.w.Lots...)
	m.w.Debt += o.w.Debt
	m.step(m.At)
	return m.end()
}

func (l Lot) begun(at time.Time) bool { return !l.From.After(at) }

// like reports whether a lot of the wallet may be points that were credited as l: by the end, or,
// where that follows the member, by what it counts from.
func (l Lot) like(o Lot) bool {
	if l.Since.IsZero() {
		return o.To.Equal(l.To)
	}
	return o.Since.IsZero() || o.Since.Equal(l.Since) || o.Since.Equal(l.From)
}

func (l Lot) ended(at time.Time) bool { return !l.To.IsZero() && !l.To.After(at) }

func (l *Lot) check() error {
	err := cmp.Or(valid.Between("n", l.N, 1, MaxPoints), valid.Time("from", l.From), valid.Time("to", l.To))
	l.From, l.To, l.Since = journal.Instant(l.From), journal.Instant(l.To), journal.Instant(l.Since)
	if err == nil && !l.To.IsZero() && !l.From.Before(l.To) {
		err = &errs.InputError{Field: "to", Reason: "is not after from"}
	}
	return err
}

// spending orders lots as they are spent: what ends first, then the oldest.
func spending(a, b Lot) int {
	if c := a.To.Compare(b.To); c != 0 {
		switch {
		case a.To.IsZero():
			return 1
		case b.To.IsZero():
			return -1
		}
		return c
	}
	return cmp.Or(a.From.Compare(b.From), a.Since.Compare(b.Since))
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
