package reward

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Merge decides on both sides of a Merge; the decision has Seq 0 where it was made before. Errors:
// ErrMerged.
func (r Rules) Merge(from, to Holder, x Merge, now time.Time) (Decision, error) {
	switch {
	case from.Merged == x.To:
		return Decision{Outcome: Outcome{Holder: from.ID, At: now}, Next: from}, nil
	case from.Merged != "" || to.Merged != "":
		return Decision{}, ErrMerged
	}
	gone, err := r.begin(from, nil, now)
	if err != nil {
		return Decision{}, err
	}
	kept, err := r.begin(to, nil, now)
	if err != nil {
		return Decision{}, err
	}
	gone.Next.Merged, gone.Next.Absorbed = x.To, nil
	kept.Next.Absorbed = slices.Compact(slices.Sorted(slices.Values(slices.Concat(
		to.Absorbed, from.Absorbed, []ids.Member{from.ID.Member},
	))))
	gone.Peer, kept.Peer = &to.ID, &from.ID
	d, also := gone.end(x.Reason), kept.end(x.Reason)
	d.also = &also
	return d, nil
}

// join adds the other side of a merger to the change.
func (u *unit) join(d Decision, o op) {
	d.Next.Version++
	u.change.also = &d.Next
	u.change.entries = append(u.change.entries, journal.Entry{
		Subject: d.Holder.Subject(), Seq: d.Seq, Key: followedKey(u.holder.ID, o.needs.key), Kind: string(o.kind()), At: o.now, By: o.who(),
		Input: o.input, Result: journal.JSON(&d.Outcome),
	})
}

// followedKey names a command, which has the key under a holder, among those of the holder that
// goes on: the same key may be of another command there.
func followedKey(of HolderID, key string) string {
	return journal.DerivedKey("merged", of.Subject(), key)
}

// A follower is a command that another member takes over.
type follower interface {
	command
	by(m ids.Member, key string) follower
}

func (c Issue) by(m ids.Member, key string) follower {
	c.Of = cmp.Or(c.Of, c.Key)
	c.Holder.Member, c.Key = m, key
	return c
}

func (c Reserve) by(m ids.Member, key string) follower {
	c.Of = cmp.Or(c.Of, c.Key)
	c.Holder.Member, c.Key = m, key
	return c
}

func (c Import) by(m ids.Member, key string) follower {
	c.Vouchers = slices.Clone(c.Vouchers)
	for i := range c.Vouchers {
		c.Vouchers[i].Of = cmp.Or(c.Vouchers[i].Of, c.Key)
	}
	c.Holder.Member, c.Key = m, key
	return c
}

// followed runs a command, and again for the member whom its own turned out to be.
func (e *Engine) followed(ctx context.Context, o op, run func(op) (Outcome, error)) (Outcome, error) {
	given := o.needs
	for {
		out, err := run(o)
		c, ok := o.command.(follower)
		if !errors.Is(err, ErrMerged) || !ok {
			return out, err
		}
		h, err := e.holder(ctx, o.needs.holder)
		if err != nil {
			return Outcome{}, err
		}
		o.command = c.by(h.Merged, followedKey(given.holder, given.key))
		o.needs = e.needs(o.command)
	}
}

func (e *Engine) holder(ctx context.Context, id HolderID) (Holder, error) {
	found, err := load(ctx, e.frame.Store, []lookup{{holder: id}})
	if err != nil {
		return Holder{}, err
	}
	return found[0].holder, nil
}

// current returns who has the holder's vouchers now: itself, or who it was merged into.
func (e *Engine) current(ctx context.Context, id HolderID) (HolderID, error) {
	for {
		h, err := e.holder(ctx, id)
		if err != nil || h.Merged == "" {
			return id, err
		}
		id.Member = h.Merged
	}
}
