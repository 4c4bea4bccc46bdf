package memory

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type activationStore struct{ unit }

// Secret implements [activation.Store].
func (s activationStore) Secret(ctx context.Context, id activation.CodeID) (secret *activation.Secret, err error) {
	err = s.do(ctx, func(t *tables) error {
		secret = cloneSecret(t.activationCodes[id].Secret)
		return nil
	})
	return secret, err
}

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
		if l.Account != "" {
			platform := cmp.Or(l.Platform, f.Port.Platform)
			f.Claim = cloneClaim(t.claims[claimKey{platform, l.Account}])
			f.Claim.Platform, f.Claim.Account = platform, l.Account
			f.Claimed = activation.Held{Port: t.ports[f.Claim.Port], Code: cloneCodeState(t.activationCodes[f.Claim.Port.Code])}
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
			slices.ContainsFunc(c.Claims, func(k activation.Claim) bool {
				return t.claims[claimKey{k.Platform, k.Account}].Version != k.Version-1
			}) ||
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
			p.Until, p.Updated, p.Left = journal.Instant(p.Until), journal.Instant(p.Updated), journal.Instant(p.Left)
			put(t, t.ports, p.ID, p)
		}
		if len(c.Ended) > 0 {
			for id, p := range t.ports {
				if (p.State == activation.Unlinked || p.State == activation.Pending) && p.Account == "" &&
					slices.Contains(c.Ended, activation.SessionID{Code: id.Code, N: p.Session}) {
					p.State = activation.Closed
					put(t, t.ports, id, p)
				}
			}
		}
		for _, k := range c.Claims {
			put(t, t.claims, claimKey{k.Platform, k.Account}, cloneClaim(k))
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
		codes := map[activation.CodeID]activation.Code{}
		for id, p := range t.ports {
			if p.State != activation.Closed && (q.Code == "" || id.Code == q.Code) && (q.Platform == "" || p.Platform == q.Platform) &&
				(len(q.Accounts) == 0 || slices.Contains(q.Accounts, p.Account)) {
				if _, has := codes[id.Code]; !has {
					codes[id.Code] = cloneCodeState(t.activationCodes[id.Code])
				}
				found = append(found, activation.Held{Port: p, Code: codes[id.Code]})
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
func (s activationStore) Due(ctx context.Context, q activation.DueQuery) iter.Seq2[activation.Code, error] {
	now := journal.Instant(q.Now)
	return yieldAll(ctx, s.unit, func(t *tables) ([]activation.Code, error) {
		var found []activation.Code
		for _, c := range t.activationCodes {
			due := c.Due()
			if !due.IsZero() && !due.After(now) && (q.Pool == "" || c.Settings.Pool == q.Pool && c.Drawn > 0) {
				found = append(found, cloneCodeState(c))
			}
		}
		slices.SortFunc(found, func(a, b activation.Code) int { return cmp.Or(a.Due().Compare(b.Due()), cmp.Compare(a.ID, b.ID)) })
		return first(found, q.Limit), nil
	})
}

func cloneCodeState(c activation.Code) activation.Code {
	s := &c.Settings
	s.Platforms, s.Counting.Codes = slices.Clone(s.Platforms), slices.Clone(s.Counting.Codes)
	s.Expires, c.Created, c.Updated, c.Deleted = journal.Instant(s.Expires), journal.Instant(c.Created), journal.Instant(c.Updated), journal.Instant(c.Deleted)
	c.Sessions = slices.Clone(c.Sessions)
	for i := range c.Sessions {
		k := &c.Sessions[i]
		k.Began, k.Since, k.Here, k.Seen, k.Hash = journal.Instant(k.Began), journal.Instant(k.Since), journal.Instant(k.Here), journal.Instant(k.Seen), bytes.Clone(k.Hash)
	}
	c.Ends = slices.Clone(c.Ends)
	for i := range c.Ends {
		c.Ends[i].At = journal.Instant(c.Ends[i].At)
	}
	c.Tries, c.Strangers.Whole = slices.Clone(c.Tries), journal.Instant(c.Strangers.Whole)
	for i := range c.Tries {
		c.Tries[i].Budget.Whole = journal.Instant(c.Tries[i].Budget.Whole)
	}
	c.Secret = cloneSecret(c.Secret)
	return c
}

func cloneClaim(c activation.Claim) activation.Claim {
	c.Periods = slices.Clone(c.Periods)
	for i := range c.Periods {
		p := &c.Periods[i]
		p.From, p.To = journal.Instant(p.From), journal.Instant(p.To)
	}
	return c
}

func cloneSecret(s *activation.Secret) *activation.Secret {
	if s == nil {
		return nil
	}
	return &activation.Secret{KeyID: s.KeyID, MAC: bytes.Clone(s.MAC)}
}

func cloneDevice(d activation.Device) activation.Device {
	d.Added, d.Removed, d.First, d.Seen = journal.Instant(d.Added), journal.Instant(d.Removed), journal.Instant(d.First), journal.Instant(d.Seen)
	d.Codes, d.Hash = slices.Clone(d.Codes), bytes.Clone(d.Hash)
	return d
}

func cloneDeviceInvitation(i activation.Invitation) activation.Invitation {
	i.Expires, i.Used, i.Hash = journal.Instant(i.Expires), journal.Instant(i.Used), bytes.Clone(i.Hash)
	return i
}
