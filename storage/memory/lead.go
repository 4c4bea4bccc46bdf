package memory

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type leadStore struct{ unit }

// Load implements [lead.Store].
func (s leadStore) Load(ctx context.Context, ids []lead.Identity) ([]lead.Contact, error) {
	found := make([]lead.Contact, len(ids))
	err := s.do(ctx, func(t *tables) error {
		for i, id := range ids {
			c := t.contacts[id]
			c.ID, c.Library, c.Names = id, time.Time{}, slices.Clone(c.Names)
			for _, name := range append(c.Names[:len(c.Names):len(c.Names)], id) {
				if r, had := t.library[name]; had && (c.Library.IsZero() || r.Since.Before(c.Library)) {
					c.Library = r.Since
				}
			}
			for _, l := range t.leads[id] {
				c.Leads = append(c.Leads, cloneLead(l))
			}
			slices.SortFunc(c.Leads, func(a, b lead.Lead) int { return cmp.Compare(a.N, b.N) })
			found[i] = c
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Save implements [lead.Store].
func (s leadStore) Save(ctx context.Context, changes []lead.Change) ([]error, error) {
	return saveEach(ctx, s.unit, changes, func(t *tables, c lead.Change) error {
		if t.used(c.Entries) {
			return journal.ErrDuplicate
		}
		for _, k := range c.Contacts {
			_, had := t.library[k.ID]
			if t.contacts[k.ID].Version != k.Version-1 || k.Version == 1 && k.Library.IsZero() && had {
				return journal.ErrConflict
			}
		}
		for _, k := range c.Contacts {
			k.Leads, k.Names = nil, slices.Clone(k.Names)
			if k.MergedTo != nil {
				to := *k.MergedTo
				k.MergedTo = &to
			}
			put(t, t.contacts, k.ID, k)
		}
		for _, l := range c.Leads {
			put(t, within(t.leads, l.Contact), l.N, cloneLead(l.Lead))
		}
		for _, n := range c.Counts {
			k := leadCountKey{n.Job, n.Account, journal.Instant(n.Day)}
			put(t, t.leadCounts, k, t.leadCounts[k].Plus(n.Figures))
		}
		t.record(c.Entries)
		return nil
	})
}

// Counts implements [lead.Store].
func (s leadStore) Counts(ctx context.Context, q lead.CountQuery) iter.Seq2[lead.Count, error] {
	from, to := journal.Instant(q.From), journal.Instant(q.To)
	return yieldAll(ctx, s.unit, func(t *tables) ([]lead.Count, error) {
		var found []lead.Count
		for k, f := range t.leadCounts {
			asked := k.day.IsZero()
			if !from.IsZero() || !to.IsZero() {
				asked = !asked && !k.day.Before(from) && k.day.Before(to)
			}
			if asked && k.job == q.Job && (q.Account == "" || k.account == q.Account) && f != (lead.Figures{}) {
				found = append(found, lead.Count{Job: k.job, Account: k.account, Day: k.day, Figures: f})
			}
		}
		slices.SortFunc(found, func(a, b lead.Count) int {
			return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.Account, b.Account))
		})
		return found, nil
	})
}

// Sums implements [lead.Store].
func (s leadStore) Sums(ctx context.Context, spans []lead.Span) ([]lead.Figures, error) {
	sums := make([]lead.Figures, len(spans))
	err := s.do(ctx, func(t *tables) error {
		for i, p := range spans {
			from, to := journal.Instant(p.From), journal.Instant(p.To)
			total := p.From.IsZero() && p.To.IsZero()
			for k, f := range t.leadCounts {
				if k.job == p.Job && (p.Account == "" || k.account == p.Account) && (total && k.day.IsZero() || !total && !k.day.IsZero() && !k.day.Before(from) && k.day.Before(to)) {
					sums[i] = sums[i].Plus(f)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sums, nil
}

// Leads implements [lead.Store].
func (s leadStore) Leads(ctx context.Context, q lead.LeadQuery) iter.Seq2[lead.Stored, error] {
	from, to := journal.Instant(q.From), journal.Instant(q.To)
	return yieldAll(ctx, s.unit, func(t *tables) ([]lead.Stored, error) {
		var found []lead.Stored
		for id, leads := range t.leads {
			for _, l := range leads {
				at := journal.Instant(l.Event.At)
				if l.Job == q.Job && l.Verdict != lead.Moved && (q.Verdict == "" || l.Verdict == q.Verdict) &&
					!at.Before(from) && (to.IsZero() || at.Before(to)) {
					found = append(found, lead.Stored{Contact: id, Lead: cloneLead(l)})
				}
			}
		}
		slices.SortFunc(found, func(a, b lead.Stored) int {
			return cmp.Or(a.Event.At.Compare(b.Event.At), cmp.Compare(a.Contact.Namespace, b.Contact.Namespace),
				cmp.Compare(a.Contact.ID, b.Contact.ID), cmp.Compare(a.N, b.N))
		})
		return first(found, q.Limit), nil
	})
}

// Import implements [lead.Store].
func (s leadStore) Import(ctx context.Context, rows []lead.Imported) (found []lead.ImportFound, err error) {
	err = s.do(ctx, func(t *tables) error {
		for _, r := range rows {
			if _, had := t.library[r.Identity]; !had {
				r.Since = journal.Instant(r.Since)
				put(t, t.library, r.Identity, lead.ImportFound{Imported: r, Met: t.contacts[r.Identity].Version > 0})
			}
			found = append(found, t.library[r.Identity])
		}
		return nil
	})
	return found, err
}

// LoadJob implements [lead.Store].
func (s leadStore) LoadJob(ctx context.Context, l lead.JobLookup) (f lead.LoadedJob, err error) {
	err = s.do(ctx, func(t *tables) error {
		f.Job, f.Owner = cloneJob(t.jobs[l.Job]), cloneOwner(t.owners[l.Owner])
		f.Job.ID, f.Owner.ID = l.Job, l.Owner
		if l.Key != "" {
			f.Entry = t.entry(l.Subject, l.Key)
		}
		return nil
	})
	return f, err
}

// SaveJob implements [lead.Store].
func (s leadStore) SaveJob(ctx context.Context, c lead.JobChange) error {
	errs, err := saveEach(ctx, s.unit, []lead.JobChange{c}, func(t *tables, c lead.JobChange) error {
		switch {
		case t.used(c.Entries):
			return journal.ErrDuplicate
		case c.Job != nil && t.jobs[c.Job.ID].Version != c.Job.Version-1, c.Owner != nil && t.owners[c.Owner.ID].Version != c.Owner.Version-1:
			return journal.ErrConflict
		}
		if c.Job != nil {
			put(t, t.jobs, c.Job.ID, cloneJob(*c.Job))
		}
		if c.Owner != nil {
			put(t, t.owners, c.Owner.ID, cloneOwner(*c.Owner))
		}
		t.record(c.Entries)
		return nil
	})
	if err != nil {
		return err
	}
	return errs[0]
}

// Jobs implements [lead.Store].
func (s leadStore) Jobs(ctx context.Context, q lead.JobQuery) iter.Seq2[lead.Job, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]lead.Job, error) {
		codes := make(map[lead.CodeID]bool, len(q.Codes))
		for _, c := range q.Codes {
			codes[c] = true
		}
		var found []lead.Job
		for id, j := range t.jobs {
			if (q.Platform == "" || id.Platform == q.Platform) && (len(codes) == 0 || codes[id.Code]) {
				found = append(found, cloneJob(j))
			}
		}
		slices.SortFunc(found, func(a, b lead.Job) int {
			return cmp.Or(cmp.Compare(a.ID.Code, b.ID.Code), cmp.Compare(a.ID.Platform, b.ID.Platform))
		})
		return first(found, q.Limit), nil
	})
}

func cloneLead(l lead.Lead) lead.Lead {
	l.Event.At, l.Day = journal.Instant(l.Event.At), journal.Instant(l.Day)
	l.Reasons = slices.Clone(l.Reasons)
	l.Basis.Scope.Codes, l.Basis.Linked = slices.Clone(l.Basis.Scope.Codes), slices.Clone(l.Basis.Linked)
	l.Basis.Reasons = slices.Clone(l.Basis.Reasons)
	return l
}

func cloneJob(j lead.Job) lead.Job {
	j.Terms, j.Resets = slices.Clone(j.Terms), slices.Clone(j.Resets)
	for i := range j.Terms {
		t := &j.Terms[i]
		t.From, t.Begins, t.Ends = journal.Instant(t.From), journal.Instant(t.Begins), journal.Instant(t.Ends)
		t.Scope.Codes = slices.Clone(t.Scope.Codes)
	}
	for i, r := range j.Resets {
		j.Resets[i] = journal.Instant(r)
	}
	return j
}

func cloneOwner(o lead.Owner) lead.Owner {
	o.Consents = slices.Clone(o.Consents)
	for i := range o.Consents {
		c := &o.Consents[i]
		c.From, c.To = journal.Instant(c.From), journal.Instant(c.To)
	}
	return o
}
