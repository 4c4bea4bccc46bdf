package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type otpStore struct{ unit }

// Load implements [otp.Store].
func (s otpStore) Load(ctx context.Context, lookups []otp.Lookup, now time.Time) ([]otp.State, error) {
	states := make([]otp.State, len(lookups))
	err := s.do(ctx, func(t *tables) error {
		for i, l := range lookups {
			states[i] = t.otpState(l, now)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return states, nil
}

func (t *tables) otpState(l otp.Lookup, now time.Time) otp.State {
	st := otp.State{Scope: t.scopes[l.Scope], Count: map[int]int64{}}
	st.Scope.Scope = l.Scope
	for _, p := range l.Parties {
		if m, ok := t.meters[meterKey{l.Scope, p}]; ok && !slices.Contains(st.Meters, m) {
			st.Meters = append(st.Meters, m)
		}
	}
	for _, c := range t.codes[l.Scope] {
		live := c.Ended == "" && now.Before(c.Expires)
		if live {
			st.Count[c.Digits]++
		}
		if live && l.Holder != "" && c.Holder == l.Holder && c.Purpose == l.Purpose {
			st.Live = append(st.Live, cloneCode(c))
		}
		if slices.ContainsFunc(l.MACs, func(mac []byte) bool { return bytes.Equal(mac, c.MAC) }) {
			st.Codes = append(st.Codes, cloneCode(c))
		}
	}
	slices.SortFunc(st.Meters, compareMeters)
	slices.SortFunc(st.Codes, compareCodes)
	slices.SortFunc(st.Live, compareCodes)
	if l.Key != "" {
		st.Record = t.entry(l.Entry, l.Key)
	}
	return st
}

func compareCodes(a, b otp.Code) int {
	return cmp.Or(cmp.Compare(a.Number, b.Number), bytes.Compare(a.MAC, b.MAC))
}

func compareMeters(a, b otp.Meter) int {
	return cmp.Or(cmp.Compare(a.Party.Kind, b.Party.Kind), cmp.Compare(a.Party.ID, b.Party.ID))
}

// Save implements [otp.Store].
func (s otpStore) Save(ctx context.Context, changes []otp.Change) ([]error, error) {
	return saveEach(ctx, s.unit, changes, func(t *tables, c otp.Change) error {
		switch {
		case t.used(c.Entries):
			return journal.ErrDuplicate
		case t.scopes[c.Scope.Scope].Version != c.Scope.Version:
			return journal.ErrConflict
		}
		row := c.Scope
		row.Version++
		row.Debt = journal.Instant(row.Debt)
		put(t, t.scopes, row.Scope, row)
		for _, m := range c.Meters {
			m.Debt = journal.Instant(m.Debt)
			put(t, t.meters, meterKey{m.Scope, m.Party}, m)
		}
		for _, code := range c.Codes {
			put(t, within(t.codes, code.Scope), string(code.MAC), cloneCode(code))
		}
		t.record(c.Entries)
		return nil
	})
}

// Spend implements [otp.Store].
func (s otpStore) Spend(ctx context.Context, changes []otp.Spent) ([]error, error) {
	return saveEach(ctx, s.unit, changes, func(t *tables, c otp.Spent) error {
		if t.used(c.Entries) {
			return journal.ErrDuplicate
		}
		stored, ok := t.codes[c.Code.Scope][string(c.Code.MAC)]
		if !ok || stored.Version != c.Code.Version || !bytes.Equal(stored.ID, c.Code.ID) {
			return journal.ErrConflict
		}
		code := cloneCode(c.Code)
		code.Version++
		put(t, t.codes[code.Scope], string(code.MAC), code)
		t.record(c.Entries)
		return nil
	})
}

// Prune implements [otp.Store].
func (s otpStore) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	before = journal.Instant(before)
	err = s.do(ctx, func(t *tables) error {
		for _, codes := range t.codes {
			for mac, c := range codes {
				if c.Reusable.Before(before) {
					drop(t, codes, mac)
					n++
				}
			}
		}
		for k, m := range t.meters {
			if m.Debt.Before(before) && m.Misses == 0 {
				drop(t, t.meters, k)
				n++
			}
		}
		return nil
	})
	return n, err
}

func cloneCode(c otp.Code) otp.Code {
	c.MAC, c.ID = bytes.Clone(c.MAC), bytes.Clone(c.ID)
	c.Sealed = bytes.Clone(c.Sealed)
	c.Payload = bytes.Clone(c.Payload)
	c.Issued = journal.Instant(c.Issued)
	c.Expires = journal.Instant(c.Expires)
	c.Reusable = journal.Instant(c.Reusable)
	c.EndedAt = journal.Instant(c.EndedAt)
	return c
}
