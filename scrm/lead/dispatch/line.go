package dispatch

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/calendar"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type (
	LineID    string // of a line
	AccountID string // of an account that takes visitors
	VisitorID string // of a visitor: a cookie, or a hash of an address
)

// An InputError is a command that can't be: its Field is missing or out of its bounds, as its Reason says.
type InputError = valid.Error

// ErrUnknownLine: there is no such line.
var ErrUnknownLine = errors.New("dispatch: there is no such line; put it first")

// A NoCapacityError: no account takes a visitor now, and no more may wait.
type NoCapacityError struct {
	Line LineID
	Why  Why
}

func (e *NoCapacityError) Error() string {
	return fmt.Sprintf("dispatch: line %s takes no visitor: %s", e.Line, map[Why]string{
		Closed: "no account is open; open one", Offline: "no open account is online; have one sign in",
		Full: "every account that is online has its cap; raise one", Behind: "others wait for an account, and no more may",
	}[e.Why])
}

// Why a line takes no visitor.
type Why string

// The reasons.
const (
	Closed  Why = "closed"  // no account is open
	Offline Why = "offline" // none that is open is online
	Full    Why = "full"    // all that are online have what they may
	Behind  Why = "behind"  // others wait, and they come first
)

const (
	maxAccounts = 1000
	maxTaken    = 5 * maxAccounts // that a line has or had
	maxQueue    = 100_000
	maxTarget   = 1_000_000_000
	drained     = 100 // how many of those who wait a command serves at most
)

// Settings are how a line works.
type Settings struct {
	Name     string    `json:"name,omitempty"`
	Zone     string    `json:"zone"`              // of the IANA database, where days begin
	Reset    int       `json:"reset,omitempty"`   // minutes after midnight when a day begins
	Accounts []Account `json:"accounts"`          // no two of one id
	Offline  bool      `json:"offline,omitempty"` // where no account that is online takes a visitor, one that is offline may
	Past     bool      `json:"past,omitempty"`    // targets are no caps: accounts that have reached theirs go on, after the others
	Queue    int       `json:"queue,omitempty"`   // how many visitors may wait
	Seed     uint64    `json:"seed,omitempty"`    // of chance
}

// An Account takes visitors of a line.
type Account struct {
	ID     AccountID `json:"id"`
	Closed bool      `json:"closed,omitempty"` // it takes none
	Day    int64     `json:"day,omitempty"`    // how many it is to take a day; 0: no number
	Total  int64     `json:"total,omitempty"`  // and altogether
}

// A Line (分流链接) sends visitors to accounts.
type Line struct {
	ID       LineID    `json:"id"`
	Version  int64     `json:"version"`
	Seq      int64     `json:"seq"` // entries of the journal
	Settings Settings  `json:"settings"`
	Taken    []Taken   `json:"taken,omitempty"` // of all accounts that ever took one, at most 5000, in the order of their ids
	Today    time.Time `json:"today,omitzero"`  // when the day began that Taken.Today is of
	Came     int64     `json:"came"`            // visitors so far
	Sent     int64     `json:"sent"`            // how often one was sent to an account
	Waiting  int64     `json:"waiting"`         // visitors who wait
}

// Taken is how many visitors were sent to an account.
type Taken struct {
	Account AccountID `json:"account"`
	Today   int64     `json:"today"`
	Total   int64     `json:"total"`
}

// A Visitor is one who came to a line.
type Visitor struct {
	ID      VisitorID `json:"id"`
	N       int64     `json:"n"`                 // in the order of coming
	Account AccountID `json:"account,omitempty"` // where the visitor was sent last
	Waiting bool      `json:"waiting,omitempty"`
	Came    time.Time `json:"came"` // or last began to wait
	Sent    time.Time `json:"sent,omitzero"`
}

func (s Settings) check() error {
	err := cmp.Or(valid.Text("settings.name", s.Name), valid.Between("settings.reset", int64(s.Reset), 0, 24*60-1),
		valid.Between("settings.accounts", int64(len(s.Accounts)), 0, maxAccounts), valid.Between("settings.queue", int64(s.Queue), 0, maxQueue))
	seen := map[AccountID]bool{}
	for _, a := range s.Accounts {
		err = cmp.Or(err, valid.ID("settings.accounts.id", a.ID), valid.Between("settings.accounts.day", a.Day, 0, maxTarget),
			valid.Between("settings.accounts.total", a.Total, 0, maxTarget))
		if err == nil && seen[a.ID] {
			err = &InputError{Field: "settings.accounts", Reason: "name one twice"}
		}
		seen[a.ID] = true
	}
	if _, zoneErr := time.LoadLocation(s.Zone); err == nil && (zoneErr != nil || s.Zone == "" || s.Zone == "Local") {
		err = &InputError{Field: "settings.zone", Reason: "is not in the database of time zones"}
	}
	return err
}

// At returns the line as it is at that time: on another day nothing was taken yet. *InputError: the zone is none.
func (l Line) At(now time.Time) (Line, error) {
	zone, err := time.LoadLocation(l.Settings.Zone)
	if err != nil {
		return l, &InputError{Field: "settings.zone", Reason: "is not in the database of time zones"}
	}
	day := calendar.Begins(now, l.Settings.Reset, zone).UTC()
	l.Taken = slices.Clone(l.Taken)
	if day.After(l.Today) {
		l.Today = day
		for i := range l.Taken {
			l.Taken[i].Today = 0
		}
	}
	return l, nil
}

// Put decides on other settings. *InputError: they can't be, or with them the line would have had too many accounts.
func (l Line) Put(s Settings, now time.Time) (Line, error) {
	if err := s.check(); err != nil {
		return l, err
	}
	had := len(l.Taken)
	for _, a := range s.Accounts {
		if _, known := l.find(a.ID); !known {
			had++
		}
	}
	if had > maxTaken {
		return l, &InputError{Field: "settings.accounts", Reason: fmt.Sprintf("are, with those that took visitors before, more than %d; put another line", maxTaken)}
	}
	l.Settings = s
	return l.At(now)
}

// find returns where in Taken the account is, or is to be.
func (l Line) find(id AccountID) (i int, known bool) {
	return slices.BinarySearchFunc(l.Taken, id, func(t Taken, id AccountID) int { return cmp.Compare(t.Account, id) })
}

// taken returns what the account has taken.
func (l Line) taken(id AccountID) Taken {
	if i, known := l.find(id); known {
		return l.Taken[i]
	}
	return Taken{Account: id}
}

// A set of accounts are those that are online.
type set map[AccountID]bool

func setOf(ids []AccountID) set {
	s := make(set, len(ids))
	for _, id := range ids {
		s[id] = true
	}
	return s
}

// Choose returns the account that the next visitor is sent to, of those that are open. Errors: *NoCapacityError.
func (l Line) Choose(online []AccountID) (AccountID, error) {
	return l.choose(setOf(online), l.Settings.Offline)
}

func (l Line) choose(online set, offline bool) (AccountID, error) {
	type standing struct {
		id            AccountID
		offline, past bool
		target        int64 // of today
		taken         Taken
	}
	var best []standing
	why := Closed
	most := l.most()
	compare := func(a, b standing) int {
		return cmp.Or(before(!a.offline, !b.offline), before(!a.past, !b.past),
			share(a.taken.Today, a.target, b.taken.Today, b.target), cmp.Compare(a.taken.Total, b.taken.Total))
	}
	for _, a := range l.Settings.Accounts {
		if a.Closed {
			continue
		}
		s := standing{id: a.ID, offline: !online[a.ID], target: cmp.Or(a.Day, most), taken: l.taken(a.ID)}
		s.past = a.Day > 0 && s.taken.Today >= a.Day || a.Total > 0 && s.taken.Total >= a.Total
		switch {
		case s.offline && !offline:
			if why == Closed {
				why = Offline
			}
			continue
		case s.past && !l.Settings.Past:
			why = Full
			continue
		}
		if len(best) > 0 {
			switch compare(s, best[0]) {
			case 1:
				continue
			case -1:
				best = best[:0]
			}
		}
		best = append(best, s)
	}
	if len(best) == 0 {
		return "", &NoCapacityError{l.ID, why}
	}
	chance := rand.New(rand.NewPCG(l.Settings.Seed, uint64(l.Sent)))
	return best[chance.IntN(len(best))].id, nil
}

// most returns the highest target of a day, which stands for that of an account without one.
func (l Line) most() int64 {
	most := int64(1)
	for _, a := range l.Settings.Accounts {
		most = max(most, a.Day)
	}
	return most
}

// before orders what is ahead of what is not.
func before(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// share compares a of m with b of n.
func share(a, m, b, n int64) int {
	h1, l1 := bits.Mul64(uint64(a), uint64(n))
	h2, l2 := bits.Mul64(uint64(b), uint64(m))
	return cmp.Or(cmp.Compare(h1, h2), cmp.Compare(l1, l2))
}

// keeps tells whether an account goes on to take a visitor whom it has: it is open, and online, or may be offline and nobody who is
// online has room.
func (l Line) keeps(id AccountID, online set) bool {
	takes := slices.ContainsFunc(l.Settings.Accounts, func(a Account) bool { return a.ID == id && !a.Closed })
	if !takes || online[id] || !l.Settings.Offline {
		return takes && online[id]
	}
	_, err := l.choose(online, false)
	return err != nil || l.Waiting > 0
}

// send sends a visitor to an account.
func (l *Line) send(v Visitor, to AccountID, now time.Time) Visitor {
	i, known := l.find(to)
	if !known {
		l.Taken = slices.Insert(l.Taken, i, Taken{Account: to})
	}
	t := &l.Taken[i]
	t.Today++
	t.Total++
	l.Sent++
	if v.Waiting {
		l.Waiting--
	}
	v.Account, v.Waiting, v.Sent = to, false, now
	return v
}

// Route decides on a visitor who comes, after those who wait have been served. One of before has a number. changed is false where
// nothing does. Errors: *NoCapacityError.
func (l Line) Route(v Visitor, online []AccountID, now time.Time) (next Line, sent Visitor, changed bool, err error) {
	there := setOf(online)
	if v.N > 0 && (v.Waiting || l.keeps(v.Account, there)) {
		return l, v, false, nil
	}
	next = l
	next.Taken = slices.Clone(l.Taken)
	var to AccountID
	if l.Waiting > 0 {
		err = &NoCapacityError{l.ID, Behind}
	} else {
		to, err = l.choose(there, l.Settings.Offline)
	}
	if err != nil && l.Waiting >= int64(l.Settings.Queue) {
		return l, v, false, err
	}
	next.Came++
	v.N, v.Came = next.Came, now
	if err != nil {
		v.Waiting, v.Account = true, ""
		next.Waiting++
		return next, v, true, nil
	}
	return next, next.send(v, to, now), true, nil
}

// Drain decides on those who wait, the oldest first, and returns those that were sent: to accounts that are online.
func (l Line) Drain(waiting []Visitor, online []AccountID, now time.Time) (next Line, sent []Visitor) {
	next = l
	next.Taken = slices.Clone(l.Taken)
	there := setOf(online)
	for _, v := range waiting {
		to, err := next.choose(there, false)
		if err != nil {
			break
		}
		sent = append(sent, next.send(v, to, now))
	}
	return next, sent
}

// Subject names the line in the journal.
func (id LineID) Subject() string { return journal.Subject("dispatch/line", string(id)) }
