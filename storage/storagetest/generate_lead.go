package storagetest

import (
	"context"

	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage"
)

var (
	someCodes    = []lead.CodeID{"north", "店"}
	someVerdicts = []lead.Verdict{lead.NewLead, lead.Duplicate, lead.Moved}
)

// identities draws different ones.
func (h *history) identities(least, n int) []lead.Identity {
	var all []lead.Identity
	for _, m := range someMembers {
		all = append(all, identity(string(m)), lead.Identity{Platform: "line", ID: string(m)})
	}
	return some(h, all, least, n, "identities")
}

func (h *history) someJob() lead.JobID {
	return lead.JobID{Code: pick(h, someCodes, "code"), Platform: pick(h, []lead.PlatformID{"whatsapp", "line"}, "platform")}
}

func (h *history) saveLeads(ctx context.Context, model storage.Tx) step {
	var changes []lead.Change
	ids := h.identities(1, 4)
	for len(ids) > 0 {
		n := min(1+h.upTo(3, "two contacts")/3, len(ids)) // mostly one
		var c lead.Change
		for _, id := range ids[:n] {
			loaded, err := model.Leads().Load(ctx, []lead.Identity{id})
			if err != nil {
				h.t.Fatal(err)
			}
			k := contact(id.ID, h.version(loaded[0].Version)+1)
			k.ID = id
			if h.often("not merged") {
				k.MergedTo = nil
			}
			k.Names = h.identities(0, 2)
			c.Contacts = append(c.Contacts, k)
			for _, n := range some(h, []int64{1, 2, 3}, 0, 3, "leads") {
				l := lead.Stored{Contact: id, Lead: oneLead(n)}
				l.Job = lead.JobID{Code: pick(h, someCodes, "code"), Platform: id.Platform}
				l.Verdict, l.Event.At = pick(h, someVerdicts, "verdict"), h.time(false, "at")
				c.Leads = append(c.Leads, l)
			}
		}
		for _, account := range some(h, []string{"x", "y"}, 0, 2, "counted") {
			n := leadCount(account, int64(h.upTo(3, "day")), int64(h.upTo(4, "added"))-2)
			n.Job = h.someJob()
			c.Counts = append(c.Counts, n)
		}
		c.Entries = h.entries("lead/" + ids[0].ID)
		changes, ids = append(changes, c), ids[n:]
	}
	return try(ctx, model, "Leads.Save", changes, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kinds(tx.Leads().Save(ctx, changes))
	})
}

func (h *history) loadLeads(ctx context.Context, model storage.Tx) step {
	ids := h.identities(1, 4)
	return try(ctx, model, "Leads.Load", ids, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Leads().Load(ctx, ids)
	})
}

func (h *history) importLeads(ctx context.Context, model storage.Tx) step {
	var rows []lead.Imported
	for i, id := range h.identities(1, 4) {
		rows = append(rows, lead.Imported{Identity: id, Since: h.time(false, "since"), Source: pick(h, someTexts, "source"), Row: int64(i)})
	}
	return try(ctx, model, "Leads.Import", rows, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Leads().Import(ctx, rows)
	})
}

func (h *history) queryLeads(ctx context.Context, model storage.Tx) step {
	q := lead.LeadQuery{Job: h.someJob(), Limit: h.upTo(3, "limit"), From: h.time(true, "from"), To: h.time(true, "to")}
	if h.upTo(1, "of a verdict") == 1 {
		q.Verdict = pick(h, someVerdicts, "verdict")
	}
	return try(ctx, model, "Leads.Leads", q, func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Leads().Leads(ctx, q))
	})
}

func (h *history) queryCounts(ctx context.Context, model storage.Tx) step {
	q := lead.CountQuery{Job: h.someJob()}
	if h.upTo(1, "of an account") == 1 {
		q.Account = "x"
	}
	if h.upTo(1, "of days") == 1 {
		q.From, q.To = at(0), h.time(false, "to")
	}
	spans := []lead.Span{{Job: q.Job, From: q.From, To: q.To}, {Job: h.someJob()}, {Job: q.Job, To: h.time(false, "to")}}
	return try(ctx, model, "Leads.Counts", q, func(ctx context.Context, tx storage.Tx) (any, error) {
		counts, err := collect(tx.Leads().Counts(ctx, q))
		if err != nil {
			return nil, err
		}
		sums, err := tx.Leads().Sums(ctx, spans)
		return []any{counts, sums}, err
	})
}

func (h *history) saveJob(ctx context.Context, model storage.Tx) step {
	id := h.someJob()
	found, err := model.Leads().LoadJob(ctx, lead.JobLookup{Job: id, Owner: "boss"})
	if err != nil {
		h.t.Fatal(err)
	}
	var c lead.JobChange
	if h.often("a job") {
		j := oneJob("x", h.version(found.Job.Version)+1)
		j.ID = id
		c.Job, c.Entries = &j, h.entries(id.Subject())
	} else {
		o := oneOwner("boss", h.version(found.Owner.Version)+1)
		c.Owner, c.Entries = &o, h.entries(o.ID.Subject())
	}
	return try(ctx, model, "Leads.SaveJob", c, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kind(tx.Leads().SaveJob(ctx, c)), nil
	})
}

func (h *history) loadJob(ctx context.Context, model storage.Tx) step {
	l := lead.JobLookup{Owner: "boss", Subject: lead.OwnerID("boss").Subject(), Key: pick(h, someKeys, "key")}
	if h.often("a job") {
		l.Job, l.Owner = h.someJob(), ""
		l.Subject = l.Job.Subject()
	}
	return try(ctx, model, "Leads.LoadJob", l, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Leads().LoadJob(ctx, l)
	})
}

func (h *history) queryJobs(ctx context.Context, model storage.Tx) step {
	q := lead.JobQuery{Limit: h.upTo(2, "limit")}
	if h.upTo(1, "of a code") == 1 {
		q.Codes = some(h, someCodes, 1, 2, "codes")
	}
	return try(ctx, model, "Leads.Jobs", q, func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Leads().Jobs(ctx, q))
	})
}
