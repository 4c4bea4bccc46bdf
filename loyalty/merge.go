package loyalty

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
)

// Merge decides on both accounts of a Merge; the second decision is of the one that goes on, which
// may be new. What both counted is added. Errors: ErrUnknownAccount, ErrMerged, ErrOverflow,
// ErrHolds.
func (p *Program) Merge(from, to Account, c Merge, now time.Time) (Decision, Decision, error) {
	fail := func(err error) (Decision, Decision, error) { return Decision{}, Decision{}, err }
	gone, _, err := p.change(from, "", now)
	if err != nil {
		return fail(err)
	}
	if to.Merged != "" {
		return fail(ErrMerged)
	}
	kept := p.begin(to, latest(now, gone.now))
	for i := range gone.Next.Holdings {
		w := &gone.Next.Holdings[i].Wallet
		w.Holds = slices.Clone(w.Holds)
		for j := range w.Holds {
			if h := &w.Holds[j]; h.Member == "" {
				h.Member, h.As = from.ID.Member, h.Name
			}
		}
	}
	gone.rebase()
	kept.rebase()
	for i := range gone.Next.Holdings {
		h := &gone.Next.Holdings[i]
		w, m, err := kept.holding(h.Currency).Wallet.Merge(h.Wallet, kept.now)
		if err != nil {
			return fail(err)
		}
		total := h.Wallet.Total()
		kept.post(h.Currency, w, m, func(Movement) Totals { return Totals{Received: total} })
		gone.post(h.Currency, Wallet{At: gone.now}, Movement{At: gone.now}, func(Movement) Totals { return Totals{Sent: total} })
	}
	was := kept.Next.Active
	if err := kept.join(gone.Next); err != nil {
		return fail(err)
	}
	kept.revive(gone.Next.Active, was)
	kept.revive(was, gone.Next.Active)
	kept.redate(kept.now)
	kept.rise(kept.now)
	gone.Next = Account{
		ID: from.ID, Version: from.Version, Seq: from.Seq, Hash: from.Hash, Joined: from.Joined, At: gone.Next.At,
		Holdings: gone.Next.Holdings, Status: Status{}, Merged: to.ID.Member,
	}
	gone.Peer, kept.Peer = &to.ID, &from.ID
	gone.Reason, kept.Reason = c.Reason, c.Reason
	first, err := gone.end(from)
	if err != nil {
		return fail(err)
	}
	second, err := kept.end(to)
	return first, second, err
}

// holdOf returns the name by which an account has the hold that a member reserved, who may have
// been merged into it.
func (d *deed) holdOf(id ids.Currency, member ids.Member, name string) string {
	if member == d.Account.Member {
		return name
	}
	for _, h := range d.holding(id).Wallet.Holds {
		if h.Member == member && h.As == name {
			return h.Name
		}
	}
	return "" // none has that
}

// join adds what another account counted.
func (d *deed) join(o Account) error {
	a := &d.Next
	if o.Joined.Before(a.Joined) {
		a.Joined = o.Joined
	}
	a.Active = latest(a.Active, o.Active)
	for _, t := range o.Tallies {
		i, ok := slices.BinarySearchFunc(a.Tallies, t.Name, func(t NamedTally, name string) int { return cmp.Compare(t.Name, name) })
		if !ok {
			a.Tallies = slices.Insert(a.Tallies, i, t)
			continue
		}
		sum, err := a.Tallies[i].Tally.plus(t.Tally)
		if err != nil {
			return err
		}
		a.Tallies[i].Tally = sum
	}
	for _, c := range o.Carried {
		if i := slices.IndexFunc(a.Carried, func(m Carried) bool { return m.Rule == c.Rule }); i >= 0 {
			a.Carried[i].N += c.N
		} else {
			a.Carried = append(a.Carried, c)
		}
	}
	slices.SortFunc(a.Carried, func(a, b Carried) int { return cmp.Compare(a.Rule, b.Rule) })
	for _, r := range o.Reached {
		i, ok := slices.BinarySearchFunc(a.Reached, r, compareReached)
		if !ok {
			a.Reached = slices.Insert(a.Reached, i, r)
			continue
		}
		a.Reached[i].N += r.N
		a.Reached[i].Raised = slices.Concat(a.Reached[i].Raised, r.Raised)
	}
	d.joinGifts(o.Gifts)
	mine, theirs := d.p.level(a.Status.Level), d.p.level(o.Status.Level)
	if theirs > mine || theirs == mine && laterEnd(o.Status.Until, a.Status.Until) {
		a.Status, a.Past = o.Status, o.Past
	}
	return nil
}

func laterEnd(a, b time.Time) bool { return !b.IsZero() && (a.IsZero() || a.After(b)) }

// plus adds two tallies.
func (t Tally) plus(o Tally) (Tally, error) {
	sum := Tally{Total: t.Total + o.Total, Days: slices.Clone(t.Days)}
	if sum.Total > MaxTally || sum.Total < -MaxTally {
		return t, ErrOverflow
	}
	for _, day := range o.Days {
		i, known := slices.BinarySearchFunc(sum.Days, day.Day, func(d DayTotal, day int64) int { return int(d.Day - day) })
		if known {
			sum.Days[i].N += day.N
		} else {
			sum.Days = slices.Insert(sum.Days, i, day)
		}
	}
	return sum, nil
}
