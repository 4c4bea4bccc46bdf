package stamps

import (
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
)

// Rules decide on one card. They are pure: a method takes a card and gives what it becomes, and
// touches nothing else.
type Rules struct {
	now      *Program
	versions []*Program
}

// NewRules returns the rules of a program whose version in force is now: the next round of a card
// begins with it. The others are the versions that the card's rounds, so far as they can be taken
// back, and the coupons in question began with.
func NewRules(now *Program, others ...*Program) Rules {
	return Rules{now: now, versions: append([]*Program{now}, others...)}
}

// A Decision is what a rule makes of a card.
type Decision struct {
	Outcome
	Records []Record // new or changed; the last one is Outcome.Record

	also *Decision // of Outcome.Peer
}

// version returns a version that the card was begun with.
func (r Rules) version(n int) (*Program, error) {
	for _, p := range r.versions {
		if p.def.Version == n {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%w: version %d", ErrUnknownProgram, n)
}

// a move is a card on its way from one state to another.
type move struct {
	rules   Rules
	played  *Program // the version that the round is played by
	card    Card
	at      time.Time
	shop    ids.Shop // where it is done
	records []Record
	coupons []Coupon
}

func (r Rules) begin(c Card, at time.Time, p Place) (*move, error) {
	c.State.Recent = slices.Clone(c.State.Recent)
	c.State.Done = slices.Clone(c.State.Done)
	c.State.Owed = slices.Clone(c.State.Owed)
	c.State.Paid = slices.Clone(c.State.Paid)
	if c.Version == 0 {
		c.Opened = at
	}
	if p.Nickname != "" {
		c.Nickname = p.Nickname
	}
	if c.Count == 0 {
		c.Began = r.now.def.Version
	}
	played, err := r.version(c.Began)
	return &move{rules: r, played: played, card: c, at: at, shop: p.Shop}, err
}

// record appends a record of the card, with the next number.
func (m *move) record(r Record, p Place) {
	m.card.State.Seq++
	r.Card, r.Seq, r.At = m.card.ID, m.card.State.Seq, m.at
	r.Shop, r.By, r.Via, r.Nickname = p.Shop, p.By, p.Via, m.card.Nickname
	m.records = append(m.records, r)
}

func (m *move) coupon(reward Reward, p *Program, pos int64) {
	m.card.State.Coupons++
	m.coupons = append(m.coupons, Coupon{
		ID: CouponID{m.card.ID, m.card.State.Coupons}, Reward: reward.ID, Name: reward.Name, Began: p.def.Version, Pos: pos,
		State: Issued, Issued: m.at, Expires: reward.Coupon.end(m.at.In(p.zone)),
		Issuer: m.shop, Nickname: m.card.Nickname,
	})
}

// lapse drops the stamps of a round that is past its end.
func (m *move) lapse() {
	c := &m.card
	if c.Count == 0 || c.Expires.IsZero() || m.at.Before(c.Expires) {
		return
	}
	m.record(Record{Purpose: PurposeExpire, N: -c.Count}, Place{})
	c.State.Floor, c.State.Stood = c.Total, c.State.Seq
	c.State.Done, c.State.Recent = nil, nil
	c.State.Bought, c.State.Paid = 0, nil
	c.State.First, c.State.Last = time.Time{}, time.Time{}
	c.Count, c.Expires = 0, time.Time{}
	m.open()
}

// open pins the version in force to a round that holds no stamp.
func (m *move) open() {
	m.played = m.rules.now
	m.card.Began = m.played.def.Version
	m.card.State.First = time.Time{}
}

// raise gives n stamps, with the coupons of the milestones on the way, and returns how many found
// no room.
func (m *move) raise(n int64) (dropped int64) {
	c := &m.card
	for n > 0 {
		d := m.played.def.Card
		if d == nil {
			return n
		}
		step := n
		if d.PastEnd != Count {
			step = min(n, d.Size-c.Count)
		}
		if step <= 0 {
			return n
		}
		if c.Count == 0 {
			c.State.First = m.at
		}
		start := c.Total - c.Count
		for _, r := range m.played.rewards {
			if c.Count < r.At && r.At <= c.Count+step && !m.settle(start+r.At) {
				m.coupon(r, m.played, start+r.At)
			}
		}
		before := c.Count
		c.Count += step
		c.Total += step
		n -= step
		if before < d.Size && c.Count >= d.Size {
			c.Round++
			if d.PastEnd == Carry {
				m.complete(d.Size)
			}
		}
	}
	return 0
}

// settle reports whether a used coupon stands for the milestone already, and forgets it.
func (m *move) settle(pos int64) bool {
	owed := m.card.State.Owed
	if len(owed) == 0 || owed[0] > pos {
		return false
	}
	m.card.State.Owed = owed[1:]
	return true
}

// complete begins the next round.
func (m *move) complete(size int64) {
	c := &m.card
	c.State.Done = push(c.State.Done, Run{Version: c.Began, Size: size, Rounds: 1, First: c.State.First})
	c.Count = 0
	m.open()
}

// runs is how many of a card's runs keep the time of their first stamp.
const runs = 8

// push adds a run, as one with the last where they are alike, and makes one of old ones that differ
// in time alone.
func push(done []Run, run Run) []Run {
	if last := len(done) - 1; last >= 0 && done[last].Version == run.Version && done[last].First.Equal(run.First) {
		done[last].Rounds += run.Rounds
		return done
	}
	done = append(done, run)
	for i := 1; i <= len(done)-runs; i++ {
		if done[i-1].Version == done[i].Version {
			done[i].Rounds += done[i-1].Rounds
			done = slices.Delete(done, i-1, i)
			i--
		}
	}
	return done
}

// lower takes n stamps, back into completed rounds where it must, and deals with the coupons above.
func (m *move) lower(n int64, above []Coupon) error {
	c := &m.card
	if c.Total-n < c.State.Floor {
		return ErrTooFew
	}
	for _, coupon := range above {
		if coupon.Pos <= c.Total-n || coupon.State == Voided {
			continue
		}
		if coupon.State != Redeemed {
			coupon.State, coupon.Ended = Voided, m.at
			m.coupons = append(m.coupons, coupon)
			continue
		}
		issuer, err := m.rules.version(coupon.Began)
		if err != nil {
			return err
		}
		if issuer.def.Card.UsedCoupon == Refuse {
			return &UsedError{coupon.ID}
		}
		if !slices.Contains(c.State.Owed, coupon.Pos) {
			c.State.Owed = append(c.State.Owed, coupon.Pos)
		}
	}
	slices.Sort(c.State.Owed)
	if d := m.played.def.Card; d.PastEnd != Carry && c.Count >= d.Size && c.Count-n < d.Size {
		c.Round--
	}
	c.Total -= n
	c.Count -= n
	for c.Count < 0 {
		last := &c.State.Done[len(c.State.Done)-1]
		played, err := m.rules.version(last.Version)
		if err != nil {
			return err
		}
		m.played, c.Began = played, last.Version
		c.Count += last.Size
		c.Round--
		c.State.First = last.First
		if last.Rounds--; last.Rounds == 0 {
			c.State.Done = c.State.Done[:len(c.State.Done)-1]
		}
	}
	if c.Count == 0 {
		c.State.First = time.Time{}
	}
	return nil
}

// forget takes stamps that were cancelled out of what limits on time count.
func (m *move) forget(seq, n int64) {
	s := &m.card.State
	i := slices.IndexFunc(s.Recent, func(t Tick) bool { return t.Seq == seq })
	if i < 0 {
		return
	}
	if s.Recent[i].N -= n; s.Recent[i].N > 0 {
		return
	}
	m.drop(i)
}

// drop takes a stamp out of what limits on time count.
func (m *move) drop(i int) {
	s := &m.card.State
	newest := i == len(s.Recent)-1
	s.Recent = slices.Delete(s.Recent, i, i+1)
	switch {
	case !newest:
	case len(s.Recent) > 0:
		s.Last = s.Recent[len(s.Recent)-1].At
	default:
		s.Last = time.Time{}
	}
}

// end returns the decision, with the card one version on.
func (m *move) end() Decision {
	c := &m.card
	c.Version++
	c.Expires = time.Time{}
	if c.Count > 0 {
		e := m.played.def.Card.Expiry
		c.Expires = e.end(c.State.First.In(m.played.zone), c.State.Last)
	}
	return Decision{
		Outcome: Outcome{Card: *c, Record: m.records[len(m.records)-1], Coupons: m.coupons},
		Records: m.records,
	}
}

// end returns when stamps lapse, in UTC; zero: never. Months run in the zone of first.
func (e Expiry) end(first, last time.Time) time.Time {
	end := Validity{Days: e.Days, Months: e.Months, Until: e.Date}.end(first)
	if e.Inactive > 0 {
		if last.Before(first) {
			last = first
		}
		end = earlier(end, last.Add(time.Duration(e.Inactive)*24*time.Hour))
	}
	return end.UTC()
}

// end returns when a coupon that was issued at from ends, in UTC; zero: never. Months run in the
// zone of from.
func (v Validity) end(from time.Time) time.Time {
	end := v.Until
	if v.Days > 0 {
		end = earlier(end, from.Add(time.Duration(v.Days)*24*time.Hour))
	}
	if v.Months > 0 {
		end = earlier(end, months(from, v.Months))
	}
	return end.UTC()
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// months adds calendar months, cut to the last day of the month that it comes to.
func months(t time.Time, n int) time.Time {
	last := time.Date(t.Year(), t.Month()+time.Month(n)+1, 0, 0, 0, 0, 0, t.Location())
	return time.Date(last.Year(), last.Month(), min(t.Day(), last.Day()),
		t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
}
