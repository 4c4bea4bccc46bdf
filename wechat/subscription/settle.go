package subscription

import (
	"errors"
	"maps"
	"slices"
	"time"
)

// Lease is how long the process that asks WeChat for a message may take. After that the message is
// as one of which WeChat said nothing.
const Lease = time.Minute

// A send is a message of which an event may tell something.
type send struct {
	Key    string    `json:"key"`
	Try    string    `json:"try"`            // which of those with the key: the others came to nothing
	At     time.Time `json:"at"`             // when it took its accept
	Asking time.Time `json:"asking"`         // until then a process asks WeChat
	Sent   bool      `json:"sent,omitempty"` // WeChat took it
	ID     string    `json:"id,omitempty"`   // msgid of WeChat
}

// A told is what an event told of a message.
type told struct {
	ID   string    `json:"id"`   // msgid
	Code string    `json:"code"` // ErrorCode
	At   time.Time `json:"at"`
}

const (
	arrived = "0"     // code of a message that arrived
	refused = "43101" // and of one that the user does not want
)

// own has c share nothing that changes with the consent that it is a copy of.
func (c *consent) own() {
	c.messages, c.changed = maps.Clone(c.messages), maps.Clone(c.changed)
	c.Sends, c.Told = slices.Clone(c.Sends), slices.Clone(c.Told)
}

// put changes a message. Without a status it is forgotten.
func (c *consent) put(r Receipt) {
	r.OpenID, r.Template = c.OpenID, c.Template
	c.messages[r.Key], c.changed[r.Key] = &message{c.App, r}, true
}

// errKnown is told of a message that took an accept before.
var errKnown = errors.New("the message is known")

// take takes an accept for a message. Errors: ErrNoConsent; *HeldError; errKnown.
func (c *consent) take(key, try string, now time.Time) error {
	switch r := c.messages[key].Receipt; {
	case r.Status == Held:
		return &HeldError{Message: r}
	case r.Status != "":
		return errKnown
	case c.Balance.left() == 0:
		return ErrNoConsent
	}
	c.Balance.add(fact{spent, now, key})
	c.Sends = append(c.Sends, send{Key: key, Try: try, At: now, Asking: now.Add(Lease)})
	c.put(Receipt{Key: key, At: now, Status: Held})
	return nil
}

// An answer is what WeChat said when it was asked for a message.
type answer struct {
	Try string  `json:"try"`          // the send
	ID  string  `json:"id,omitempty"` // msgid of a message that WeChat took
	Is  outcome `json:"is"`
}

// An outcome is what came of asking WeChat.
type outcome string

const (
	taken    outcome = "taken"    // WeChat took the message
	returned outcome = "returned" // WeChat did nothing
	declined outcome = "declined" // the user does not want it, or has accepted none
	silent   outcome = "silent"   // WeChat's answer is unknown
)

// answer notes an answer. It is nothing where an event has told what became of the message.
func (c *consent) answer(a answer, now time.Time) {
	i := slices.IndexFunc(c.Sends, func(s send) bool { return s.Try == a.Try && !s.Sent })
	if i < 0 {
		return
	}
	s := &c.Sends[i]
	s.Asking = now
	switch a.Is {
	case taken:
		s.Sent, s.ID = true, a.ID
		c.put(Receipt{Key: s.Key, At: s.At, ID: s.ID, Status: Sent})
	case returned, declined:
		c.giveBack(*s, a.Is == declined)
		c.put(Receipt{Key: s.Key})
		c.Sends = slices.Delete(c.Sends, i, i+1)
	}
}

// giveBack gives back the accept of a message or, where the user does not want messages, ends all
// accepts that it could have been of.
func (c *consent) giveBack(s send, declined bool) {
	c.Balance.takeBack(s.Key, s.At)
	if declined {
		c.Balance.add(fact{Kind: ended, At: s.At})
	}
}

// settle notes what an event told of the message i.
func (c *consent) settle(i int, t told) {
	s := c.Sends[i]
	r := Receipt{Key: s.Key, At: s.At, ID: t.ID, Status: Arrived}
	if t.Code != arrived {
		r.Status, r.Code = Failed, t.Code
		c.giveBack(s, t.Code == refused)
	}
	c.put(r)
	c.Sends = slices.Delete(c.Sends, i, i+1)
}

// abandon leaves a message at being unknown. It reports whether it was held until then.
func (c *consent) abandon(key string, at time.Time) bool {
	i := slices.IndexFunc(c.Sends, func(s send) bool { return s.Key == key && s.At.Equal(at) && !s.Sent })
	if i < 0 {
		return false
	}
	c.put(Receipt{Key: key, At: at, Status: Unknown})
	c.Sends = slices.Delete(c.Sends, i, i+1)
	return true
}

// match settles messages by what events told: those that WeChat took by their msgid, and those
// whose answers are unknown in the order in which they were asked for, as soon as no answer is to
// come that has a msgid.
func (c *consent) match(now time.Time) {
	c.tell(func(s send, t told) bool { return s.Sent && s.ID == t.ID })
	if slices.ContainsFunc(c.Sends, func(s send) bool { return !s.Sent && now.Before(s.Asking) }) {
		return
	}
	c.tell(func(s send, t told) bool { return !s.Sent && !t.At.Before(s.At.Add(-Window)) })
}

// tell settles the first message that each event could be of.
func (c *consent) tell(of func(s send, t told) bool) {
	c.Told = slices.DeleteFunc(c.Told, func(t told) bool {
		i := slices.IndexFunc(c.Sends, func(s send) bool { return of(s, t) })
		if i >= 0 {
			c.settle(i, t)
		}
		return i >= 0
	})
}

// pass does what time does: it ends the wait for answers, and forgets what is no longer needed.
func (c *consent) pass(now time.Time) {
	c.match(now)
	c.Balance.compact(now)
	last := now.Add(-Late)
	c.Sends = slices.DeleteFunc(c.Sends, func(s send) bool { return s.Sent && s.At.Before(last) })
	c.Told = slices.DeleteFunc(c.Told, func(t told) bool { return t.At.Before(last) })
}
