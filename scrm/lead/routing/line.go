package routing

import (
	"cmp"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/calendar"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type (
	AccountID string // of an account that takes visitors
	VisitorID string // of a visitor: a cookie, or a hash of an address
)

// ErrUnknownLine: there is no such line.
var ErrUnknownLine = errs.New(errs.NotFound, "routing: there is no such line; put it first")

// ErrMoved: the line has changed since the leads of a command were read. Read them again, after the
// line.
var ErrMoved = errs.New(errs.TryAgain, "routing: the line has changed since its leads were read; read them again")

// A NoCapacityError reports that no account takes a visitor now, and no more may wait.
type NoCapacityError struct {
	Line ids.Line // line that has no room
	Why  Why      // what keeps its accounts from taking a visitor
}

// Error implements error.
func (e *NoCapacityError) Error() string {
	return fmt.Sprintf("routing: line %s takes no visitor: %s", e.Line, map[Why]string{
		Closed: "no account is open; open one", Offline: "no open account is online; have one sign in",
		Full: "every account that is online has its cap; raise one", Behind: "others wait for an account, and no more may",
	}[e.Why])
}

// Is reports whether target is errs.Exhausted.
func (e *NoCapacityError) Is(target error) bool { return target == errs.Exhausted }

// A Why is why a line takes no visitor.
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
	Name     string    `json:"name,omitempty"`    // shown to people
	Zone     string    `json:"zone"`              // of the IANA database, where days begin
	Reset    int       `json:"reset,omitempty"`   // minutes after midnight when a day begins
	Accounts []Account `json:"accounts"`          // no two of one id
	Offline  bool      `json:"offline,omitempty"` // where no account that is online takes a visitor, one that is offline may
	Past     bool      `json:"past,omitempty"`    // targets are no caps: accounts that have reached theirs go on, after the others
	Queue    int       `json:"queue,omitempty"`   // how many visitors may wait
	Seed     uint64    `json:"seed,omitempty"`    // of chance

	// Targets count leads and, until they are leads, the places of visitors who were sent: see
	// Leads.
	Visitors  bool `json:"visitors,omitempty"`  // targets count every visitor who was sent instead, also those who never write
	Hold      int  `json:"hold,omitempty"`      // minutes that a visitor who was sent has a place without a lead; 0: 30
	Wait      int  `json:"wait,omitempty"`      // minutes after which a visitor who waits has gone; 0: 30
	OrderWait int  `json:"orderWait,omitempty"` // minutes after which an order waits no more; 0: 7 days

	// What keeps strangers from filling the line with visitors they made up.
	Signed     bool  `json:"signed,omitempty"`    // visitors come with a token of Engine.Sign alone
	TokenAge   int   `json:"tokenAge,omitempty"`  // minutes that a token is good for; 0: a day
	Rate       Limit `json:"rate,omitzero"`       // of visitors who come for the first time
	OriginRate Limit `json:"originRate,omitzero"` // of those among them of one origin, where Route.Origin is given
}

// Defaults of Settings, in minutes.
const (
	DefaultHold      = 30          // Settings.Hold
	DefaultWait      = 30          // Settings.Wait
	DefaultOrderWait = 7 * 24 * 60 // Settings.OrderWait: 7 days
	DefaultTokenAge  = 24 * 60     // Settings.TokenAge: a day
)

const maxMinutes = 366 * 24 * 60

// An Account takes visitors of a line.
type Account struct {
	ID     AccountID `json:"id"`               // unique in the line
	Closed bool      `json:"closed,omitempty"` // it takes none
	Day    int64     `json:"day,omitempty"`    // how many leads it is to have a day; 0: no number
	Total  int64     `json:"total,omitempty"`  // how many leads it is to have altogether; 0: no number
}

// A Line (分流链接) sends visitors to accounts.
type Line struct {
	ID       ids.Line  `json:"id"`              // unique in the tenant
	Version  int64     `json:"version"`         // number of the change that made it so
	Seq      int64     `json:"seq"`             // entries of the journal
	Settings Settings  `json:"settings"`        // how the line works
	Taken    []Taken   `json:"taken,omitempty"` // of all accounts that ever took one, at most 5000, in the order of their ids
	Today    time.Time `json:"today,omitzero"`  // when the day began that Taken.Today is of
	Came     int64     `json:"came"`            // visitors so far
	Sent     int64     `json:"sent"`            // how often one was sent to an account
	Waiting  int64     `json:"waiting"`         // visitors who wait
	Debt     time.Time `json:"debt,omitzero"`   // until when Settings.Rate is used up, but for its burst
}

// Taken is what an account has taken.
type Taken struct {
	Account     AccountID `json:"account"`               // account of the line
	Today       int64     `json:"today"`                 // visitors who were sent there, orders too
	Total       int64     `json:"total"`                 // the same, altogether
	OrdersToday int64     `json:"ordersToday,omitempty"` // orders among them
	Orders      int64     `json:"orders,omitempty"`      // the same, altogether
	Leads       *Leads    `json:"leads,omitempty"`       // as last reported; nil: nobody counts the leads of the account
	Places      []Place   `json:"places,omitempty"`      // of visitors who were sent and are no leads yet, the oldest first
}

// A Visitor is one who came to a line.
type Visitor struct {
	ID      VisitorID `json:"id"`                // as the embedder names the visitor
	N       int64     `json:"n"`                 // in the order of coming
	Account AccountID `json:"account,omitempty"` // where the visitor was sent last
	Waiting bool      `json:"waiting,omitempty"` // the visitor waits for an account
	Order   bool      `json:"order,omitempty"`   // an order that was pushed: it counts for targets at once
	Came    time.Time `json:"came"`              // or last began to wait
	Sent    time.Time `json:"sent,omitzero"`     // when the visitor was last sent to an account; zero: never
	Debt    time.Time `json:"debt,omitzero"`     // of an origin, which is no visitor: as Line.Debt
}

func (s Settings) check() error {
	err := cmp.Or(valid.Text("settings.name", s.Name), valid.Between("settings.reset", int64(s.Reset), 0, 24*60-1),
		valid.Between("settings.accounts", int64(len(s.Accounts)), 0, maxAccounts), valid.Between("settings.queue", int64(s.Queue), 0, maxQueue),
		valid.Between("settings.hold", int64(s.Hold), 0, maxMinutes), valid.Between("settings.wait", int64(s.Wait), 0, maxMinutes),
		valid.Between("settings.orderWait", int64(s.OrderWait), 0, maxMinutes), valid.Between("settings.tokenAge", int64(s.TokenAge), 0, maxMinutes),
		s.Rate.check("settings.rate"), s.OriginRate.check("settings.originRate"))
	seen := map[AccountID]bool{}
	for _, a := range s.Accounts {
		err = cmp.Or(err, valid.ID("settings.accounts.id", a.ID), valid.Between("settings.accounts.day", a.Day, 0, maxTarget),
			valid.Between("settings.accounts.total", a.Total, 0, maxTarget))
		if err == nil && seen[a.ID] {
			err = &errs.InputError{Field: "settings.accounts", Reason: "name one twice"}
		}
		seen[a.ID] = true
	}
	if _, zoneErr := time.LoadLocation(s.Zone); err == nil && (zoneErr != nil || s.Zone == "" || s.Zone == "Local") {
		err = &errs.InputError{Field: "settings.zone", Reason: "is not in the database of time zones"}
	}
	return err
}

// At returns the line as it is at that time: on another day nothing was taken yet, and places are
// no longer held than Settings.Hold. *errs.InputError: the zone is unknown.
func (l Line) At(now time.Time) (Line, error) {
	zone, err := time.LoadLocation(l.Settings.Zone)
	if err != nil {
		return l, &errs.InputError{Field: "settings.zone", Reason: "is not in the database of time zones"}
	}
	day := calendar.Begins(now, l.Settings.Reset, zone).UTC()
	l.Taken = slices.Clone(l.Taken)
	if day.After(l.Today) {
		l.Today = day
		for i := range l.Taken {
			l.Taken[i].Today, l.Taken[i].OrdersToday = 0, 0
		}
	}
	for i := range l.Taken {
		l.Taken[i].Places = l.Settings.held(l.Taken[i].Places, now)
	}
	return l, nil
}

// Put decides on other settings. *errs.InputError: they are invalid, or with them the line would
// have had too many accounts.
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
		return l, &errs.InputError{Field: "settings.accounts", Reason: fmt.Sprintf("are, with those that took visitors before, more than %d; put another line", maxTaken)}
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

// A Roster is what is known of the accounts of a line at a time.
type Roster struct {
	Online []AccountID // that are online
	Gone   []AccountID // that take nobody, whatever the settings say: nobody would see who comes
}

// A set of accounts.
type set map[AccountID]bool

func setOf(accounts []AccountID) set {
	s := make(set, len(accounts))
	for _, id := range accounts {
		s[id] = true
	}
	return s
}

// field is a Roster, ready to be asked.
type field struct{ online, gone set }

func (r Roster) field() field { return field{setOf(r.Online), setOf(r.Gone)} }

// Choose returns the account that the next visitor is sent to, of those that are open and not gone.
// Errors: *NoCapacityError.
func (l Line) Choose(r Roster) (AccountID, error) {
	return l.choose(r.field(), l.Settings.Offline)
}

func (l Line) choose(f field, offline bool) (AccountID, error) {
	type standing struct {
		id            AccountID
		offline, past bool
		target        int64 // of today
		today, total  int64 // that count for targets
		sent          int64 // visitors altogether
	}
	var best []standing
	why := Closed
	most := l.most()
	compare := func(a, b standing) int {
		return cmp.Or(before(!a.offline, !b.offline), before(!a.past, !b.past),
			share(a.today, a.target, b.today, b.target), cmp.Compare(a.total, b.total), cmp.Compare(a.sent, b.sent))
	}
	for _, a := range l.Settings.Accounts {
		if a.Closed {
			continue
		}
		if f.gone[a.ID] {
			if why == Closed {
				why = Offline
			}
			continue
		}
		taken := l.taken(a.ID)
		s := standing{id: a.ID, offline: !f.online[a.ID], target: cmp.Or(a.Day, most), sent: taken.Total}
		s.today, s.total = l.Settings.done(taken)
		s.past = a.Day > 0 && s.today >= a.Day || a.Total > 0 && s.total >= a.Total
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

// keeps reports whether an account goes on to take a visitor whom it has: it is open, not gone, and
// online, or may be offline and nobody who is online has room.
func (l Line) keeps(id AccountID, f field) bool {
	takes := !f.gone[id] && slices.ContainsFunc(l.Settings.Accounts, func(a Account) bool { return a.ID == id && !a.Closed })
	if !takes || f.online[id] || !l.Settings.Offline {
		return takes && f.online[id]
	}
	_, err := l.choose(f, false)
	return err != nil || l.Waiting > 0
}

// send sends a visitor to an account.
func (l *Line) send(v Visitor, to AccountID, now time.Time) Visitor {
	l.free(v)
	i, known := l.find(to)
	if !known {
		l.Taken = slices.Insert(l.Taken, i, Taken{Account: to})
	}
	t := &l.Taken[i]
	t.Today++
	t.Total++
	if v.Order {
		t.OrdersToday++
		t.Orders++
	} else {
		t.Places = l.Settings.hold(t.Places, now)
	}
	l.Sent++
	if v.Waiting {
		l.Waiting--
	}
	v.Account, v.Waiting, v.Sent = to, false, now
	return v
}

// lapsed reports whether a visitor has waited for as long as they may.
func (s Settings) lapsed(v Visitor, now time.Time) bool {
	wait := cmp.Or(s.Wait, DefaultWait)
	if v.Order {
		wait = cmp.Or(s.OrderWait, DefaultOrderWait)
	}
	return v.Waiting && !now.Before(v.Came.Add(time.Duration(wait)*time.Minute))
}

// Route decides on a visitor who comes, after those who wait have been served. A visitor with a
// number came before. changed is false where nothing is to be stored. Errors: *NoCapacityError.
func (l Line) Route(v Visitor, r Roster, now time.Time) (next Line, sent Visitor, changed bool, err error) {
	f, next := r.field(), l
	if l.Settings.lapsed(v, now) {
		v.Waiting, changed = false, true
		next.Waiting--
	}
	if v.N > 0 && (v.Waiting || next.keeps(v.Account, f)) {
		return next, v, changed, nil
	}
	next.Taken = slices.Clone(l.Taken)
	var to AccountID
	if next.Waiting > 0 {
		err = &NoCapacityError{l.ID, Behind}
	} else {
		to, err = next.choose(f, l.Settings.Offline)
	}
	if err != nil && next.Waiting >= int64(l.Settings.Queue) {
		return next, v, changed, err
	}
	next.Came++
	v.N, v.Came = next.Came, now
	if err != nil {
		next.free(v)
		v.Waiting, v.Account = true, ""
		next.Waiting++
		return next, v, true, nil
	}
	return next, next.send(v, to, now), true, nil
}

// Drain decides on those who wait, the oldest first. It returns those that were sent, to accounts
// that are online, and those who have waited for too long: they wait no more, and none of them was
// sent.
func (l Line) Drain(waiting []Visitor, r Roster, now time.Time) (next Line, sent, lapsed []Visitor) {
	next = l
	next.Taken = slices.Clone(l.Taken)
	f, room := r.field(), true
	for _, v := range waiting {
		if next.Settings.lapsed(v, now) {
			next.Waiting--
			v.Waiting = false
			lapsed = append(lapsed, v)
			continue
		}
		if !room {
			continue
		}
		to, err := next.choose(f, false)
		if room = err == nil; room {
			sent = append(sent, next.send(v, to, now))
		}
	}
	return next, sent, lapsed
}

// LineSubject is the subject of the line's entries in the journal.
func LineSubject(id ids.Line) string { return journal.Subject("dispatch/line", string(id)) }
