package storagetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func identity(id string) lead.Identity {
	return lead.Identity{Platform: "whatsapp", Namespace: "lid", ID: id}
}

// contact has something in every field, but for the leads.
func contact(id string, version int64) lead.Contact {
	to := identity("another")
	return lead.Contact{
		ID: identity(id), Version: version, Name: "name of " + id, Seq: version, MergedTo: &to,
		Names: []lead.Identity{identity(id + "'s other name"), {Platform: "whatsapp", ID: `"x" \`}},
	}
}

// oneLead has something in every field.
func oneLead(n int64) lead.Lead {
	return lead.Lead{
		N: n, Job: lead.JobID{Code: "north", Platform: "whatsapp"},
		Event: lead.Event{ID: lead.EventID(fmt.Sprint("e", n)), Account: "x", At: at(n), Kind: lead.Inbound, Unknown: true, Backfill: true},
		Basis: lead.Basis{
			Owner: "boss", Group: "g", Scope: lead.Scope{Reach: lead.ReachCodes, Codes: []lead.CodeID{"a", `"b"`}, Library: true, Days: 3},
			Linked: []lead.OwnerID{"partner"}, Library: true, Reasons: []lead.Reason{lead.TooEarly},
		},
		Day: at(0), Verdict: lead.Duplicate, Reasons: []lead.Reason{lead.InJob, lead.InOwner}, Of: 1, Within: lead.Uncertain,
	}
}

// imported is an entry of the library, from a file.
func imported(id string, since int64) lead.Imported {
	return lead.Imported{Identity: identity(id), Since: at(since), Source: "file 7", Row: since}
}

func stored(id string, n int64) lead.Stored {
	return lead.Stored{Contact: identity(id), Lead: oneLead(n)}
}

// leadCount is of a day, or the total on day 0.
func leadCount(account string, day, n int64) lead.Count {
	c := lead.Count{
		Job: oneLead(1).Job, Account: lead.AccountID(account),
		Figures: lead.Figures{New: n, Duplicate: 2 * n, Uncertain: 3 * n, Excluded: 4 * n, Contacts: 5 * n, Pairs: 6 * n},
	}
	if day > 0 {
		c.Day = at(day)
	}
	return c
}

func oneJob(code string, version int64) lead.Job {
	return lead.Job{
		ID: lead.JobID{Code: lead.CodeID(code), Platform: "whatsapp"}, Version: version, Seq: version, Owner: "boss", Name: `工单 "x" \`,
		Targets: lead.Targets{Day: 5, Total: 9}, Resets: []time.Time{at(5)},
		Terms: []lead.Terms{{
			From: at(1), Group: "g", Scope: oneLead(1).Basis.Scope, Counts: lead.CountInbound, Begins: at(2), Ends: at(1e6), Zone: "Asia/Shanghai",
			Reset: 480, Today: true,
		}},
	}
}

func oneOwner(id string, version int64) lead.Owner {
	return lead.Owner{ID: lead.OwnerID(id), Version: version, Seq: version, Consents: []lead.Consent{{With: "partner", From: at(1), To: at(9)}}}
}

var contactWriter = writer{
	name: "contact",
	save: func(ctx context.Context, tx storage.Tx, id string, loaded int64, key string) error {
		return one(tx.Leads().Save(ctx, []lead.Change{{
			Contacts: []lead.Contact{contact(id, loaded+1)}, Leads: []lead.Stored{stored(id, loaded+1)}, Counts: []lead.Count{leadCount(id, 0, 1)},
			Entries: writer{name: "contact"}.entries(id, loaded, key),
		}}))
	},
	version: func(ctx context.Context, tx storage.Tx, id string) (int64, error) {
		loaded, err := tx.Leads().Load(ctx, []lead.Identity{identity(id)})
		if err != nil {
			return 0, err
		}
		return loaded[0].Version, nil
	},
}

var jobWriter = writer{
	name: "job",
	save: func(ctx context.Context, tx storage.Tx, id string, loaded int64, key string) error {
		j := oneJob(id, loaded+1)
		return tx.Leads().SaveJob(ctx, lead.JobChange{Job: &j, Entries: writer{name: "job"}.entries(id, loaded, key)})
	},
	version: func(ctx context.Context, tx storage.Tx, id string) (int64, error) {
		l, err := tx.Leads().LoadJob(ctx, lead.JobLookup{Job: oneJob(id, 1).ID})
		return l.Job.Version, err
	},
}

func leads(s suite) {
	s.each("are stored whole, with their contacts", leadsWhole)
	s.each("are counted, by adding", leadsCounted)
	s.each("are listed by their query, in the order of their times", leadsListed)
	s.each("have jobs and owners", jobsWhole)
	s.each("are compared with a library, whose entries stay what they were first", libraryKept)
	s.once("are counted by 32 at once without a loss", leadsAtOnce)
}

func leadsWhole(s *scene) {
	a, b := contact("alice", 1), contact("bob", 1)
	b.MergedTo = nil
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, allOf(tx.Leads().Save(ctx, []lead.Change{
			{Contacts: []lead.Contact{a}, Leads: []lead.Stored{stored("alice", 2), stored("alice", 1), stored("alice", 10)}}, {Contacts: []lead.Contact{b}},
		})))
		_, err := tx.Leads().Import(ctx, []lead.Imported{imported("bob", 7)})
		must(s.t, err)
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		got, err := tx.Leads().Load(ctx, []lead.Identity{identity("bob"), identity("nobody"), identity("alice")})
		must(s.t, err)
		a.Leads = []lead.Lead{oneLead(1), oneLead(2), oneLead(10)}
		b.Library = at(7)
		equal(s.t, "loaded", got, []lead.Contact{b, {ID: identity("nobody")}, a})
		two, moved := []lead.Contact{contact("alice", 2), contact("bob", 2)}, stored("alice", 2)
		moved.Verdict = lead.Moved
		must(s.t, one(tx.Leads().Save(ctx, []lead.Change{{Contacts: two, Leads: []lead.Stored{moved, stored("bob", 1)}}})))
		isError(s.t, "one of two is old", one(tx.Leads().Save(ctx, []lead.Change{{Contacts: []lead.Contact{contact("alice", 3), contact("bob", 2)}}})), journal.ErrConflict)
		got, err = tx.Leads().Load(ctx, []lead.Identity{identity("alice"), identity("bob")})
		must(s.t, err)
		equal(s.t, "versions", fmt.Sprint(got[0].Version, got[1].Version, got[0].Leads[1].Verdict, len(got[1].Leads)), "2 2moved1")
	})
}

func leadsCounted(s *scene) {
	save := func(ctx context.Context, tx storage.Tx, changes ...lead.Change) {
		must(s.t, allOf(tx.Leads().Save(ctx, changes)))
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		save(ctx, tx, lead.Change{Contacts: []lead.Contact{contact("a", 1)}, Counts: []lead.Count{leadCount("x", 0, 1), leadCount("x", 5, 1)}})
		save(ctx, tx, lead.Change{Contacts: []lead.Contact{contact("b", 1)}, Counts: []lead.Count{leadCount("y", 6, 2), leadCount("x", 5, 1), leadCount("z", 6, 1)}},
			lead.Change{Contacts: []lead.Contact{contact("c", 1)}, Counts: []lead.Count{leadCount("x", 5, 3), leadCount("z", 6, -1), leadCount("x", 0, -3)}})
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		job := oneLead(1).Job
		for name, c := range map[string]struct {
			q    lead.CountQuery
			want []lead.Count
		}{
			"in total":        {lead.CountQuery{Job: job}, []lead.Count{leadCount("x", 0, -2)}},
			"all days":        {lead.CountQuery{Job: job, From: at(-9), To: at(9)}, []lead.Count{leadCount("x", 5, 5), leadCount("y", 6, 2)}},
			"from a day on":   {lead.CountQuery{Job: job, From: at(6), To: at(9)}, []lead.Count{leadCount("y", 6, 2)}},
			"up to a day":     {lead.CountQuery{Job: job, To: at(6)}, []lead.Count{leadCount("x", 5, 5)}},
			"of an account":   {lead.CountQuery{Job: job, Account: "y", From: at(-9), To: at(9)}, []lead.Count{leadCount("y", 6, 2)}},
			"of another job":  {lead.CountQuery{Job: lead.JobID{Code: "north", Platform: "line"}, To: at(9)}, nil},
			"of another code": {lead.CountQuery{Job: lead.JobID{Code: "North", Platform: "whatsapp"}}, nil},
		} {
			equal(s.t, name, list(s.t, tx.Leads().Counts(ctx, c.q)), c.want)
			sums, err := tx.Leads().Sums(ctx, []lead.Span{{Job: c.q.Job, From: c.q.From, To: c.q.To}})
			must(s.t, err)
			var want lead.Figures
			for _, n := range c.want {
				want = want.Plus(n.Figures)
			}
			if c.q.Account == "" {
				equal(s.t, "sum "+name, sums[0], want)
			}
		}
	})
}

func leadsListed(s *scene) {
	var changes []lead.Change
	for i, id := range []string{"b", "B", "小明", "a"} {
		c := lead.Change{Contacts: []lead.Contact{contact(id, 1)}}
		for n := range int64(3) {
			l := stored(id, n+1)
			l.Event.At = at(3 - n)
			switch {
			case n == 1:
				l.Verdict = lead.NewLead
			case i == 3:
				l.Verdict = lead.Moved
			}
			c.Leads = append(c.Leads, l)
		}
		changes = append(changes, c)
	}
	changes[2].Leads[0].Job.Code = "south"
	s.do(func(ctx context.Context, tx storage.Tx) { must(s.t, allOf(tx.Leads().Save(ctx, changes))) })
	s.do(func(ctx context.Context, tx storage.Tx) {
		north := oneLead(1).Job
		for name, c := range map[string]struct {
			q    lead.LeadQuery
			want []string
		}{
			"a job":         {lead.LeadQuery{Job: north}, []string{"B3", "b3", "小明3", "B2", "a2", "b2", "小明2", "B1", "b1"}},
			"another job":   {lead.LeadQuery{Job: lead.JobID{Code: "south", Platform: "whatsapp"}}, []string{"小明1"}},
			"a verdict":     {lead.LeadQuery{Job: north, Verdict: lead.NewLead}, []string{"B2", "a2", "b2", "小明2"}},
			"a time":        {lead.LeadQuery{Job: north, From: at(2), To: at(3)}, []string{"B2", "a2", "b2", "小明2"}},
			"a limit":       {lead.LeadQuery{Job: north, Limit: 2}, []string{"B3", "b3"}},
			"no such job":   {lead.LeadQuery{Job: lead.JobID{Code: "north", Platform: "line"}}, nil},
			"what is moved": {lead.LeadQuery{Job: north, Verdict: lead.Moved}, nil},
		} {
			var got []string
			for _, l := range list(s.t, tx.Leads().Leads(ctx, c.q)) {
				got = append(got, fmt.Sprint(l.Contact.ID, l.N))
			}
			equal(s.t, name, got, c.want)
		}
	})
}

func jobsWhole(s *scene) {
	j, o := oneJob("north", 1), oneOwner("boss", 1)
	key, other := entry(j.ID.Subject(), "key", 1), entry(o.ID.Subject(), "key", 1)
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, tx.Leads().SaveJob(ctx, lead.JobChange{Job: &j, Entries: []journal.Entry{key}}))
		must(s.t, tx.Leads().SaveJob(ctx, lead.JobChange{Owner: &o, Entries: []journal.Entry{other}}))
		isError(s.t, "an old owner", tx.Leads().SaveJob(ctx, lead.JobChange{Owner: &o}), journal.ErrConflict)
		for _, id := range []lead.JobID{{Code: "a", Platform: "line"}, {Code: "North", Platform: "whatsapp"}, {Code: "north", Platform: "line"}} {
			k := oneJob("a", 1)
			k.ID = id
			must(s.t, tx.Leads().SaveJob(ctx, lead.JobChange{Job: &k}))
		}
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		load := func(l lead.JobLookup) lead.LoadedJob {
			f, err := tx.Leads().LoadJob(ctx, l)
			must(s.t, err)
			return f
		}
		equal(s.t, "job", load(lead.JobLookup{Job: j.ID, Subject: j.ID.Subject(), Key: "key"}), lead.LoadedJob{Job: j, Entry: &key})
		equal(s.t, "owner", load(lead.JobLookup{Owner: o.ID, Subject: o.ID.Subject(), Key: "key"}), lead.LoadedJob{Owner: o, Entry: &other})
		equal(s.t, "nobody", load(lead.JobLookup{Owner: "nobody", Key: "key"}), lead.LoadedJob{Owner: lead.Owner{ID: "nobody"}})
		for name, c := range map[string]struct {
			q    lead.JobQuery
			want []string
		}{
			"all":        {lead.JobQuery{}, []string{"North/whatsapp", "a/line", "north/line", "north/whatsapp"}},
			"a platform": {lead.JobQuery{Platform: "line"}, []string{"a/line", "north/line"}},
			"a code":     {lead.JobQuery{Codes: []lead.CodeID{"north", "none"}}, []string{"north/line", "north/whatsapp"}},
			"a limit":    {lead.JobQuery{Limit: 1}, []string{"North/whatsapp"}},
		} {
			var got []string
			for _, j := range list(s.t, tx.Leads().Jobs(ctx, c.q)) {
				got = append(got, string(j.ID.Code)+"/"+string(j.ID.Platform))
			}
			equal(s.t, name, got, c.want)
		}
	})
}

func libraryKept(s *scene) {
	save := func(ctx context.Context, tx storage.Tx, c lead.Contact) {
		must(s.t, one(tx.Leads().Save(ctx, []lead.Change{{Contacts: []lead.Contact{c}}})))
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		save(ctx, tx, contact("a", 1))
		a, b, c := imported("a", 1), imported("b", 2), imported("c", 3)
		again, later := imported("b", 9), imported("a", 8)
		for _, tt := range []struct {
			rows []lead.Imported
			want []lead.ImportFound
		}{
			{[]lead.Imported{b, a, again}, []lead.ImportFound{{Imported: b}, {Imported: a, Met: true}, {Imported: b}}},
			{[]lead.Imported{again, c, later}, []lead.ImportFound{{Imported: b}, {Imported: c}, {Imported: a, Met: true}}},
		} {
			got, err := tx.Leads().Import(ctx, tt.rows)
			must(s.t, err)
			equal(s.t, "imported", got, tt.want)
			if tt.rows[0] == b { // which was imported before it was met
				met := contact("b", 1)
				other := lead.Change{Contacts: []lead.Contact{contact("e", 1)}, Entries: []journal.Entry{entry("e", "key", 1)}}
				unaware := lead.Change{Contacts: []lead.Contact{met}, Entries: []journal.Entry{entry("b", "key", 1)}}
				isError(s.t, "unaware of the library", one(tx.Leads().Save(ctx, []lead.Change{unaware})), journal.ErrConflict)
				errs, err := tx.Leads().Save(ctx, []lead.Change{other, unaware})
				must(s.t, err)
				must(s.t, errs[0])
				isError(s.t, "unaware of the library", errs[1], journal.ErrConflict)
				equal(s.t, "entries of what was not stored", len(list(s.t, tx.Journal().Of(ctx, "b"))), 0)
				met.Library = at(2)
				save(ctx, tx, met)
				met.Version, met.Library = 2, time.Time{}
				save(ctx, tx, met)
			}
		}
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		d := contact("d", 1)
		d.Names = []lead.Identity{identity("c"), identity("b"), identity("nobody")}
		save(ctx, tx, d)
		loaded, err := tx.Leads().Load(ctx, []lead.Identity{identity("a"), identity("B"), identity("d"), identity("c")})
		must(s.t, err)
		var since []time.Time
		for _, c := range loaded {
			since = append(since, c.Library)
		}
		equal(s.t, "since", since, []time.Time{at(1), {}, at(2), at(3)})
	})
}

func leadsAtOnce(t *testing.T, d Database) {
	var wg sync.WaitGroup
	save := func(i int) {
		var changes []lead.Change
		for k := range 4 {
			id := fmt.Sprint("c", i, "-", k)
			changes = append(changes, lead.Change{Contacts: []lead.Contact{contact(id, 1)}, Leads: []lead.Stored{stored(id, 1)}, Counts: []lead.Count{
				leadCount("x", 0, 1), leadCount(fmt.Sprint("a", (i+k)%3), 5, 1), leadCount("x", 5, 1),
			}})
		}
		if i%2 == 1 {
			slices.Reverse(changes)
		}
		if err := allOf(d.DB.Leads().Save(t.Context(), changes)); err != nil {
			t.Error(err)
		}
	}
	for i := range 32 {
		wg.Go(func() { save(i) })
	}
	wg.Wait()
	got := list(t, d.DB.Leads().Counts(t.Context(), lead.CountQuery{Job: oneLead(1).Job}))
	equal(t, "in total", got, []lead.Count{leadCount("x", 0, 128)})
}
