package memory

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type activationStore struct{ unit }

// Load implements [activation.Store].
func (s activationStore) Load(ctx context.Context, l activation.Lookup) (f activation.Loaded, err error) {
	err = s.do(ctx, func(t *tables) error {
		f.Port, f.Pool, f.Device = t.ports[l.Port], t.pools[l.Pool], cloneDevice(t.devices[l.Device])
		f.Invitation = cloneDeviceInvitation(t.deviceInvitations[string(l.Invitation)])
		f.Pool.ID, f.Pool.Free, f.Device.ID, f.Invitation.Hash = l.Pool, t.free[l.Pool], l.Device, bytes.Clone(l.Invitation)
		if l.OfDevice {
			l.Codes = f.Device.Codes
		}
		for _, id := range l.Codes {
			c := cloneCodeState(t.activationCodes[id])
			c.ID = id
			f.Codes = append(f.Codes, c)
		}
		for id, p := range t.ports {
			if l.Account != "" && id.Code == l.Port.Code && id != l.Port && p.Platform == f.Port.Platform && p.Account == l.Account && p.State != activation.Closed {
				f.Account = p
			}
		}
		if l.Key != "" {
			f.Entry = t.entry(l.Subject, l.Key)
		}
		return nil
	})
	return f, err
}

// Save implements [activation.Store].
func (s activationStore) Save(ctx context.Context, c activation.Change) error {
	errs, err := saveEach(ctx, s.unit, []activation.Change{c}, func(t *tables, c activation.Change) error {
		if t.used(c.Entries) {
			return journal.ErrDuplicate
		}
		if slices.ContainsFunc(c.Codes, func(k activation.Code) bool { return t.activationCodes[k.ID].Version != k.Version-1 }) ||
			slices.ContainsFunc(c.Pools, func(p activation.Pool) bool { return t.pools[p.ID].Version != p.Version-1 }) ||
			slices.ContainsFunc(c.Devices, func(d activation.Device) bool { return t.devices[d.ID].Version != d.Version-1 }) ||
			slices.ContainsFunc(c.Invitations, func(i activation.Invitation) bool {
				return t.deviceInvitations[string(i.Hash)].Version != i.Version-1
			}) {
			return journal.ErrConflict
		}
		for _, d := range c.Draws {
			if t.free[d.Pool]-d.N < 0 {
				return activation.ErrCapacity
			}
		}
		for _, k := range c.Codes {
			put(t, t.activationCodes, k.ID, cloneCodeState(k))
		}
		for _, p := range c.Ports {
			p.Until, p.Updated = journal.Instant(p.Until), journal.Instant(p.Updated)
			put(t, t.ports, p.ID, p)
		}
		for _, p := range c.Pools {
			put(t, t.pools, p.ID, p)
		}
		for _, d := range c.Devices {
			put(t, t.devices, d.ID, cloneDevice(d))
		}
		for _, i := range c.Invitations {
			put(t, t.deviceInvitations, string(i.Hash), cloneDeviceInvitation(i))
		}
		for _, d := range c.Draws {
			put(t, t.free, d.Pool, t.free[d.Pool]-d.N)
		}
		t.record(c.Entries)
		return nil
	})
	if err != nil {
		return err
	}
	return errs[0]
}

// Codes implements [activation.Store].
func (s activationStore) Codes(ctx context.Context, q activation.CodeQuery) iter.Seq2[activation.Code, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]activation.Code, error) {
		var found []activation.Code
		for _, c := range t.activationCodes {
			if c.Deleted.IsZero() && (q.Department == "" || c.Settings.Department == q.Department) &&
				(q.State == "" || c.State(q.Now) == q.State) {
				found = append(found, cloneCodeState(c))
			}
		}
		slices.SortFunc(found, func(a, b activation.Code) int {
			return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
		})
		return first(found, q.Limit), nil
	})
}

// Ports implements [activation.Store].
func (s activationStore) Ports(ctx context.Context, q activation.PortQuery) iter.Seq2[activation.Held, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]activation.Held, error) {
		var found []activation.Held
		for id, p := range t.ports {
			if p.State != activation.Closed && (q.Code == "" || id.Code == q.Code) && (q.Platform == "" || p.Platform == q.Platform) &&
				(q.Account == "" || p.Account == q.Account) {
				found = append(found, activation.Held{Port: p, Code: cloneCodeState(t.activationCodes[id.Code])})
			}
		}
		slices.SortFunc(found, func(a, b activation.Held) int {
			return cmp.Or(cmp.Compare(a.Port.ID.Code, b.Port.ID.Code), cmp.Compare(a.Port.ID.N, b.Port.ID.N))
		})
		return first(found, q.Limit), nil
	})
}

// Devices implements [activation.Store].
func (s activationStore) Devices(ctx context.Context) iter.Seq2[activation.Device, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]activation.Device, error) {
		var found []activation.Device
		for _, d := range t.devices {
			if d.Removed.IsZero() {
				found = append(found, cloneDevice(d))
			}
		}
		slices.SortFunc(found, func(a, b activation.Device) int { return cmp.Compare(a.ID, b.ID) })
		return found, nil
	})
}

// Due implements [activation.Store].
func (s activationStore) Due(ctx context.Context, now time.Time, limit int) (ids []activation.CodeID, err error) {
	now = journal.Instant(now)
	err = s.do(ctx, func(t *tables) error {
		for id, c := range t.activationCodes {
			if due := c.Due(); !due.IsZero() && !due.After(now) {
				ids = append(ids, id)
			}
		}
		slices.SortFunc(ids, func(a, b activation.CodeID) int {
			return cmp.Or(t.activationCodes[a].Due().Compare(t.activationCodes[b].Due()), cmp.Compare(a, b))
		})
		ids = first(ids, limit)
		return nil
	})
	return ids, err
}

func cloneCodeState(c activation.Code) activation.Code {
	s := &c.Settings
	s.Platforms, s.Counting.Codes = slices.Clone(s.Platforms), slices.Clone(s.Counting.Codes)
	s.Expires, c.Created, c.Updated, c.Deleted = journal.Instant(s.Expires), journal.Instant(c.Created), journal.Instant(c.Updated), journal.Instant(c.Deleted)
	c.Sessions = slices.Clone(c.Sessions)
	for i := range c.Sessions {
		k := &c.Sessions[i]
		k.Began, k.Seen, k.Hash = journal.Instant(k.Began), journal.Instant(k.Seen), bytes.Clone(k.Hash)
	}
	if c.Secret != nil {
		c.Secret = &activation.Secret{KeyID: c.Secret.KeyID, MAC: bytes.Clone(c.Secret.MAC)}
	}
	return c
}

func cloneDevice(d activation.Device) activation.Device {
	d.Added, d.Removed, d.Seen = journal.Instant(d.Added), journal.Instant(d.Removed), journal.Instant(d.Seen)
	d.Codes = slices.Clone(d.Codes)
	return d
}

func cloneDeviceInvitation(i activation.Invitation) activation.Invitation {
	i.Expires, i.Used, i.Hash = journal.Instant(i.Expires), journal.Instant(i.Used), bytes.Clone(i.Hash)
	return i
}
