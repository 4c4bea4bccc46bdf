package reward

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A command is one of the structs that an Engine runs.
type command interface {
	check() error
	kind() journal.Kind[Outcome] // of the journal's entry
	who() string                 // did it
	lookup() lookup
	decide(u *unit, now time.Time) (Decision, error)
}

func (c Issue) kind() journal.Kind[Outcome]   { return KindIssue }
func (c Reserve) kind() journal.Kind[Outcome] { return KindReserve }
func (c Capture) kind() journal.Kind[Outcome] { return KindCapture }
func (c Cancel) kind() journal.Kind[Outcome]  { return KindCancel }
func (c Redeem) kind() journal.Kind[Outcome]  { return KindRedeem }
func (c Undo) kind() journal.Kind[Outcome]    { return KindUndo }
func (c Return) kind() journal.Kind[Outcome]  { return KindReturn }
func (c Void) kind() journal.Kind[Outcome]    { return KindVoid }
func (c Merge) kind() journal.Kind[Outcome]   { return KindMerge }
func (c Expire) kind() journal.Kind[Outcome]  { return KindExpire }
func (c Import) kind() journal.Kind[Outcome]  { return KindImport }

func (c Issue) who() string   { return c.By }
func (c Reserve) who() string { return c.By }
func (c Capture) who() string { return c.By }
func (c Cancel) who() string  { return c.By }
func (c Redeem) who() string  { return c.By }
func (c Undo) who() string    { return c.By }
func (c Return) who() string  { return c.By }
func (c Void) who() string    { return c.By }
func (c Merge) who() string   { return c.By }
func (c Expire) who() string  { return "" }
func (c Import) who() string  { return c.By }

func (c Issue) lookup() lookup   { return lookup{holder: c.Holder, reserved: true, key: c.Key} }
func (c Reserve) lookup() lookup { return lookup{holder: c.Holder, reserved: true, key: c.Key} }
func (c Capture) lookup() lookup { return lookup{holder: c.Holder, reserved: true, key: c.Key} }
func (c Cancel) lookup() lookup  { return lookup{holder: c.Holder, reserved: true, key: c.Key} }
func (c Redeem) lookup() lookup  { return of(c.Voucher, c.Key) }
func (c Undo) lookup() lookup    { return of(c.Voucher, c.Key) }
func (c Return) lookup() lookup  { return of(c.Voucher, c.Key) }
func (c Void) lookup() lookup    { return of(c.Voucher, c.Key) }
func (c Merge) lookup() lookup   { return lookup{holder: c.Holder, key: c.Key} }
func (c Import) lookup() lookup  { return lookup{holder: c.Holder, key: c.Key} }

func (c Expire) lookup() lookup {
	return lookup{holder: c.Voucher.Holder, voucher: c.Voucher.N, reserved: true, key: c.Key}
}

func of(id VoucherID, key string) lookup { return lookup{holder: id.Holder, voucher: id.N, key: key} }

func (c Issue) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Issue(u.holder, u.reserved(), c, now)
}

func (c Reserve) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Reserve(u.holder, u.reserved(), c, now)
}

func (c Capture) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Capture(u.holder, u.reserved(), c, now)
}

func (c Cancel) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Cancel(u.holder, u.reserved(), c, now)
}

func (c Redeem) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Redeem(u.holder, u.voucher(c.Voucher), c, now)
}

func (c Undo) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Undo(u.holder, u.voucher(c.Voucher), c, now)
}

func (c Return) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Return(u.holder, u.voucher(c.Voucher), c, now)
}

func (c Void) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Void(u.holder, u.voucher(c.Voucher), c, now)
}

func (c Merge) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Merge(u.holder, u.peers[c.To].holder, c, now)
}

func (c Expire) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Expire(u.holder, u.voucher(c.Voucher), u.reserved(), now)
}

func (c Import) decide(u *unit, now time.Time) (Decision, error) {
	return u.rules.Import(u.holder, c, now)
}

// reserved are the vouchers that are reserved.
func (u *unit) reserved() []Voucher {
	return slices.Collect(func(yield func(Voucher) bool) {
		for _, v := range u.vouchers {
			if v.State == Reserved && !yield(v) {
				return
			}
		}
	})
}

// voucher returns a voucher; nil: there is none.
func (u *unit) voucher(id VoucherID) *Voucher {
	i, ok := slices.BinarySearchFunc(u.vouchers, id.N, func(v Voucher, n int64) int { return cmp.Compare(v.ID.N, n) })
	if !ok {
		return nil
	}
	return &u.vouchers[i]
}

// An op is a command at its time.
type op struct {
	command
	needs lookup
	now   time.Time
	input []byte // the hash of the command, as it was given
}

// A unit is a holder with what the commands at hand need of it.
type unit struct {
	holder   Holder
	vouchers []Voucher            // in the order of their numbers; of the reserved ones all where a command asks for them
	codes    map[string]VoucherID // by their MACs: those of imports that are a voucher's
	entries  []journal.Entry
	peers    map[ids.Member]loaded // those whom the holder absorbed, and the other side of a merger
	rules    Rules
	change   change
}

// work is combine.Work for the commands of an engine.
type work struct{ *Engine }

func (work) Subject(o op) string { return o.needs.holder.Subject() }

func (e work) Load(ctx context.Context, groups [][]op, _ bool) ([]*unit, error) {
	units := make([]*unit, len(groups))
	var lookups []lookup
	var owner []*unit
	for g, group := range groups {
		units[g] = &unit{codes: map[string]VoucherID{}}
		for _, o := range group {
			lookups, owner = append(lookups, o.needs), append(owner, units[g])
		}
	}
	found, err := load(ctx, e.frame.Store, lookups)
	if err != nil {
		return nil, err
	}
	for i, f := range found {
		owner[i].add(f)
	}
	if err := e.loadPeers(ctx, units, groups); err != nil {
		return nil, err
	}
	for _, u := range units {
		if u.rules, err = e.rules(ctx, u); err != nil {
			return nil, err
		}
	}
	return units, nil
}

// loadPeers loads who else the commands are about: few members were merged.
func (e *Engine) loadPeers(ctx context.Context, units []*unit, groups [][]op) error {
	var lookups []lookup
	var owner []*unit
	for i, u := range units {
		peers := slices.Clone(u.holder.Absorbed)
		for _, o := range groups[i] {
			if m, ok := o.command.(Merge); ok {
				peers = append(peers, m.To)
			}
		}
		for _, m := range peers {
			lookups = append(lookups, lookup{holder: HolderID{u.holder.ID.Catalog, m}, reserved: true})
			owner = append(owner, u)
		}
	}
	if len(lookups) == 0 {
		return nil
	}
	found, err := load(ctx, e.frame.Store, lookups)
	if err != nil {
		return err
	}
	for i, f := range found {
		if owner[i].peers == nil {
			owner[i].peers = map[ids.Member]loaded{}
		}
		owner[i].peers[f.holder.ID.Member] = f
	}
	return nil
}

// others is what the members whom the holder absorbed have taken, less what they had reserved until
// an earlier time.
func (u *unit) others(now time.Time) ([]Count, error) {
	var all []Count
	for _, m := range u.holder.Absorbed {
		peer := u.peers[m]
		past, err := u.rules.begin(peer.holder, peer.vouchers, now)
		if err != nil {
			return nil, err
		}
		all = append(all, past.Next.Counts...)
	}
	return all, nil
}

func (u *unit) add(f loaded) {
	// Of several look-ups the oldest holder counts, so that what was read before another change
	// meets a conflict.
	if u.holder.ID == (HolderID{}) || f.holder.Version < u.holder.Version {
		u.holder = f.holder
	}
	for _, v := range f.vouchers {
		u.put(v)
	}
	for _, k := range f.codes {
		u.codes[string(k.MAC)] = k.Voucher
	}
	if f.entry != nil {
		u.entries = append(u.entries, *f.entry)
	}
}

// put adds a voucher, or replaces the one of its number.
func (u *unit) put(v Voucher) {
	i, ok := slices.BinarySearchFunc(u.vouchers, v.ID.N, func(v Voucher, n int64) int { return cmp.Compare(v.ID.N, n) })
	if ok {
		u.vouchers[i] = v
	} else {
		u.vouchers = slices.Insert(u.vouchers, i, v)
	}
}

// rules returns those of the catalog, with the versions that the vouchers were taken with.
func (e *Engine) rules(ctx context.Context, u *unit) (Rules, error) {
	id := u.holder.ID.Catalog
	now, err := e.Catalog(ctx, id, 0)
	if err != nil {
		return Rules{}, err
	}
	r := Rules{now: now}
	taken := slices.Clone(u.vouchers)
	for _, peer := range u.peers {
		taken = append(taken, peer.vouchers...)
	}
	for _, v := range taken {
		if v.Version == now.def.Version || slices.ContainsFunc(r.others, func(c *Catalog) bool { return c.def.Version == v.Version }) {
			continue
		}
		c, err := e.Catalog(ctx, id, v.Version)
		if err != nil {
			return Rules{}, err
		}
		r.others = append(r.others, c)
	}
	return r, nil
}

func (e work) Stale(u *unit) bool { return e.Dirty(u) }

func (e work) Dirty(u *unit) bool { return len(u.change.entries) > 0 && !e.frame.Dry }

func (e work) Decide(_ context.Context, u *unit, o op) (Outcome, error) {
	if entry := engine.Find(o.needs.key, u.entries); entry != nil {
		var out Outcome
		err := entry.Replay(o.input, &out)
		if c, ok := o.command.(Import); ok && err == nil && !u.has(e.codesOf(c, out.Vouchers)) {
			err = journal.ErrKeyReused
		}
		out.Replayed = true
		return e.shown(out), err
	}
	before := u.holder
	var err error
	if u.holder.Others, err = u.others(o.now); err != nil {
		return Outcome{}, err
	}
	d, err := o.decide(u, o.now)
	if err != nil || d.Seq == 0 {
		return d.Outcome, err
	}
	if c, ok := o.command.(Import); ok {
		if err := u.name(e.codesOf(c, d.Vouchers)); err != nil {
			return Outcome{}, err
		}
	}
	for i := range d.Vouchers {
		v := &d.Vouchers[i]
		if v.State == Issued && v.Salt == nil {
			v.Salt, v.KeyID, v.Prefix = make([]byte, saltSize), e.keys[0].ID, u.rules.now.def.Prefix
			rand.Read(v.Salt)
		}
	}
	entry := journal.Entry{
		Subject: d.Holder.Subject(), Seq: d.Seq, Key: o.needs.key, Kind: string(o.kind()), At: o.now, By: o.who(), Input: o.input,
		Result: journal.JSON(&d.Outcome),
	}
	if before.Version > 0 {
		entry.Before = u.before(before, d.Vouchers)
	}
	u.take(e.Engine, d, entry)
	if d.also != nil {
		u.join(*d.also, o)
	}
	return e.shown(d.Outcome), nil
}

// before is what the journal tells of a holder before a change, and of the vouchers that it
// changes.
func (u *unit) before(h Holder, changed []Voucher) json.RawMessage {
	b := struct {
		Last     int64           `json:"last"`
		Vouchers map[int64]State `json:"vouchers,omitempty"`
	}{h.Last, map[int64]State{}}
	for _, v := range changed {
		if was := u.voucher(v.ID); was != nil {
			b.Vouchers[v.ID.N] = was.State
		}
	}
	return journal.JSON(b)
}

// take adds a decision to the change.
func (u *unit) take(e *Engine, d Decision, entry journal.Entry) {
	ch := &u.change
	if len(ch.entries) == 0 {
		d.Next.Version++
	}
	u.holder, ch.holder = d.Next, d.Next
	for _, v := range slices.Concat(d.Lapsed, d.Vouchers) {
		u.put(v)
		ch.vouchers = append(ch.vouchers, e.stored(v))
	}
	for _, b := range d.Bounds {
		i := slices.IndexFunc(ch.bounds, func(o Bound) bool { return o.Reward == b.Reward && o.In == b.In })
		if i < 0 {
			ch.bounds = append(ch.bounds, b)
			continue
		}
		ch.bounds[i].N += b.N
		ch.bounds[i].Most = min(ch.bounds[i].Most, b.Most)
	}
	ch.entries, u.entries = append(ch.entries, entry), append(u.entries, entry)
}

func (e work) Save(ctx context.Context, units []*unit) ([]error, error) {
	changes := make([]storage.Change, len(units))
	for i, u := range units {
		changes[i] = u.change.stored()
	}
	errs, err := e.frame.Store.Save(ctx, changes)
	for i, err := range errs {
		if errors.Is(err, storage.ErrBound) {
			errs[i] = ErrSoldOut
		}
	}
	return errs, err
}
