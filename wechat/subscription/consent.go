package subscription

import (
	"slices"
	"time"
)

const (
	// Window is how far a report of the front end and an event may be apart and still be of one
	// accept, and so may two reports. The front end reports as soon as it has the user's answer.
	Window = 5 * time.Minute
	// Late is how late an event may come and be put in its place among those before and after it.
	// WeChat pushes within a minute; the rest is for queues of the service's own. What comes later
	// counts as if it had happened before all the others.
	Late = time.Hour
)

// A factKind is what a fact says.
type factKind string

const (
	accepted factKind = "accept" // by an event: one more message may be sent
	reported factKind = "report" // by the front end: the same, unless an event says it
	spent    factKind = "spend"  // by a message
	ended    factKind = "end"    // no message may be sent
)

// order is that of facts of one time.
var order = []factKind{accepted, reported, spent, ended}

// A fact changes how many messages may be sent.
type fact struct {
	Kind factKind  `json:"kind"`
	At   time.Time `json:"at"`
	Key  string    `json:"key,omitempty"` // of a spend: the message
}

func compare(a, b fact) int {
	if c := a.At.Compare(b.At); c != 0 {
		return c
	}
	return slices.Index(order, a.Kind) - slices.Index(order, b.Kind)
}

// A sum is what facts come to.
type sum struct {
	Left     int64     `json:"left,omitempty"`    // messages that may be sent; below zero: some that were sent are of accepts yet to be known
	Accepted time.Time `json:"accepted,omitzero"` // when the last event was
	Reported time.Time `json:"reported,omitzero"` // when the last report was
	Ended    time.Time `json:"ended,omitzero"`    // accepts up to then count no more
}

// A balance is the sum of facts: of those that are too old to be told apart, and of the others. It
// depends on the facts alone, and not on the order in which they were added, where reports are
// added in the order of their times and no other is older than Late.
type balance struct {
	Old   sum    `json:"old,omitzero"`
	Facts []fact `json:"facts,omitempty"` // in the order of their times
}

// add adds a fact.
func (b *balance) add(f fact) {
	if f.Kind == reported {
		last := b.Old.Reported
		for _, g := range b.Facts {
			if g.Kind == reported {
				last = g.At
			}
		}
		if near(f.At, last) {
			return
		}
	}
	i, _ := slices.BinarySearchFunc(b.Facts, f, compare)
	b.Facts = slices.Insert(slices.Clone(b.Facts), i, f) // the slice may be shared with what it was before
}

// takeBack removes what a message spent.
func (b *balance) takeBack(key string, at time.Time) {
	i := slices.IndexFunc(b.Facts, func(f fact) bool { return f.Kind == spent && f.Key == key })
	switch {
	case i >= 0:
		b.Facts = slices.Delete(slices.Clone(b.Facts), i, i+1)
	case at.After(b.Old.Ended):
		b.Old.Left++
	}
}

// compact puts what nothing can come before any more into the sum.
func (b *balance) compact(now time.Time) {
	last := now.Add(-Late - Window)
	if n := slices.IndexFunc(b.Facts, func(f fact) bool { return !f.At.Before(last) }); n < 0 {
		b.Old, b.Facts = b.sum(len(b.Facts)), nil
	} else if n > 0 {
		b.Old, b.Facts = b.sum(n), slices.Clone(b.Facts[n:])
	}
}

// left returns how many messages may be sent.
func (b balance) left() int64 { return max(0, b.sum(len(b.Facts)).Left) }

// sum returns the sum with the first n facts.
func (b balance) sum(n int) sum {
	s := b.Old
	for i, f := range b.Facts[:n] {
		switch f.Kind {
		case accepted:
			s.Accepted = later(s.Accepted, f.At)
			if f.At.After(s.Ended) {
				s.Left++
			}
		case reported:
			s.Reported = f.At
			if f.At.After(s.Ended) && !near(f.At, s.Accepted) && !b.acceptedNear(f.At, i) {
				s.Left++
			}
		case spent:
			s.Left--
		case ended:
			if f.At.After(s.Ended) {
				s.Ended, s.Left = f.At, 0
			}
		}
	}
	return s
}

// acceptedNear reports whether an event after the fact i is near a time.
func (b balance) acceptedNear(at time.Time, i int) bool {
	return slices.ContainsFunc(b.Facts[i:], func(f fact) bool { return f.Kind == accepted && near(f.At, at) })
}

// near reports whether two times are within Window.
func near(a, b time.Time) bool { return a.Sub(b).Abs() <= Window }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
