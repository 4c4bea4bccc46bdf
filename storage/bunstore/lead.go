package bunstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"iter"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type leadStore struct{ unit }

// days are stored as microseconds since 1970, and the total as a day that never comes.
const total = -1

func dayNumber(t time.Time) int64 {
	if t.IsZero() {
		return total
	}
	return t.UnixMicro()
}

// Save implements [lead.Store].
func (s leadStore) Save(ctx context.Context, changes []lead.Change) ([]error, error) {
	all := make([]change, len(changes))
	for i, c := range changes {
		for _, k := range c.Contacts {
			merged, err := optional(k.MergedTo)
			if err != nil {
				return nil, s.fail("save leads", err)
			}
			names := ""
			if len(k.Names) > 0 {
				names = string(journal.JSON(k.Names))
			}
			all[i].roots = append(all[i].roots, row{contactTable, []any{
				k.ID.ID, string(k.ID.Platform), k.ID.Namespace, k.Version, k.Name, k.Seq, merged, names, k.Library,
			}})
		}
		table := leadTable
		if len(c.Contacts) == 1 && c.Contacts[0].Version == 1 {
			table = newLeadTable
		}
		for _, l := range c.Leads {
			all[i].children = append(all[i].children, row{table, []any{
				l.Contact.ID, string(l.Contact.Platform), l.Contact.Namespace, l.N, string(l.Job.Code), l.Event.At, string(l.Verdict),
				json.RawMessage(l.AppendJSON(make([]byte, 0, 512))),
			}})
		}
		for _, n := range c.Counts {
			all[i].sums = append(all[i].sums, row{leadCountTable, []any{
				string(n.Job.Code), string(n.Job.Platform), dayNumber(n.Day), string(n.Account),
				n.New, n.Duplicate, n.Uncertain, n.Excluded, n.Contacts, n.Pairs,
			}})
		}
		all[i].entries = entryRows(c.Entries)
	}
	return s.save(ctx, "save leads", all)
}

// optional returns the JSON of what v points to; "": it points to nothing.
func optional[V any](v *V) (string, error) {
	if v == nil {
		return "", nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

var identityLookup = []column{{"id", text}, {"platform", text}, {"namespace", text}}

func identityArgs(id lead.Identity) []any {
	return []any{id.ID, string(id.Platform), id.Namespace}
}

// Load implements [lead.Store]. Contacts are read before their leads: who changes a lead changes
// the version of its contact, so that a Save of what was read in between meets a conflict.
func (s leadStore) Load(ctx context.Context, ids []lead.Identity) ([]lead.Contact, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	contacts := make([]lead.Contact, len(ids))
	args := make([][]any, len(ids))
	for i, id := range ids {
		contacts[i].ID, args[i] = id, identityArgs(id)
	}
	var there, named [][]any
	var of, namedOf []int
	err := s.look(ctx, "contacts", identityLookup, args, func(l lookup) string {
		return "select l.ord, c.version, c.name, c.seq, c.merged, c.names, micros(b.since) from " + l.source() +
			l.find("lead_contact", "c", sameIdentity("c")) + l.find("lead_library", "b", sameIdentity("b")) +
			" where c.version is not null or b.since is not null"
	}, func(rows *sql.Rows, first int) error {
		var ord int
		var merged, names string
		var c lead.Contact
		err := rows.Scan(&ord, intField(&c.Version), textField(&c.Name), intField(&c.Seq), textField(&merged), textField(&names), timeField(&c.Library))
		if err == nil && merged != "" {
			err = json.Unmarshal([]byte(merged), &c.MergedTo)
		}
		if err == nil && names != "" {
			err = json.Unmarshal([]byte(names), &c.Names)
		}
		i := first + ord - 1
		c.ID = ids[i]
		contacts[i] = c
		if c.Version > 0 {
			there, of = append(there, args[i]), append(of, i)
		}
		for _, id := range c.Names {
			named, namedOf = append(named, identityArgs(id)), append(namedOf, i)
		}
		return err
	})
	if err == nil && len(there) > 0 {
		err = s.look(ctx, "leads", identityLookup, there, func(l lookup) string {
			return "select l.ord, k.state from " + l.source() + l.all("lead_lead", "k", sameIdentity("k")) + " order by l.ord, k.n"
		}, func(rows *sql.Rows, first int) error {
			var ord int
			var k lead.Lead
			err := rows.Scan(&ord, jsonField(&k))
			c := &contacts[of[first+ord-1]]
			c.Leads = append(c.Leads, k)
			return err
		})
	}
	if err == nil && len(named) > 0 {
		err = s.look(ctx, "library", identityLookup, named, func(l lookup) string {
			return "select l.ord, micros(b.since) from " + l.source() + l.all("lead_library", "b", sameIdentity("b"))
		}, func(rows *sql.Rows, first int) error {
			var ord int
			var since time.Time
			err := rows.Scan(&ord, timeField(&since))
			if c := &contacts[namedOf[first+ord-1]]; c.Library.IsZero() || since.Before(c.Library) {
				c.Library = since
			}
			return err
		})
	}
	if err != nil {
		return nil, s.fail("load leads", err)
	}
	return contacts, nil
}

// sameIdentity is the condition that a row of the alias is of the identity of l.
func sameIdentity(alias string) string {
	return alias + ".platform = l.platform and " + alias + ".namespace = l.namespace and " + alias + ".id = l.id"
}

// Counts implements [lead.Store].
func (s leadStore) Counts(ctx context.Context, q lead.CountQuery) iter.Seq2[lead.Count, error] {
	return paged(ctx, s.unit, "list counts", 0, func(sel *bun.SelectQuery, last *lead.Count) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("lead_count")+" AS n").
			ColumnExpr("n.account, n.day, n.new, n.duplicate, n.uncertain, n.excluded, n.contacts, n.pairs").
			Where("n.tenant = ? AND n.code = ? AND n.platform = ?", s.tenant, string(q.Job.Code), string(q.Job.Platform)).
			Where("n.new <> 0 OR n.duplicate <> 0 OR n.uncertain <> 0 OR n.excluded <> 0").OrderExpr("n.day, n.account")
		if q.Account != "" {
			sel = sel.Where("n.account = ?", string(q.Account))
		}
		if q.From.IsZero() && q.To.IsZero() {
			sel = sel.Where("n.day = ?", total)
		} else {
			sel = sel.Where("n.day >= ? AND n.day < ?", max(0, q.From.UnixMicro()), q.To.UnixMicro())
		}
		if last != nil {
			sel = sel.Where("(n.day, n.account) > (?, ?)", dayNumber(last.Day), string(last.Account))
		}
		return sel
	}, func(rows *sql.Rows) (n lead.Count, err error) {
		var day int64
		n.Job = q.Job
		err = rows.Scan(textField(&n.Account), &day, &n.New, &n.Duplicate, &n.Uncertain, &n.Excluded, &n.Contacts, &n.Pairs)
		if day != total {
			n.Day = time.UnixMicro(day).UTC()
		}
		return n, err
	})
}

var spanLookup = []column{{"code", text}, {"platform", text}, {"first", integer}, {"last", integer}, {"account", text}}

// Sums implements [lead.Store].
func (s leadStore) Sums(ctx context.Context, spans []lead.Span) ([]lead.Figures, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	sums := make([]lead.Figures, len(spans))
	args := make([][]any, len(spans))
	for i, p := range spans {
		first, last := int64(total), int64(total)
		if !p.From.IsZero() || !p.To.IsZero() {
			first, last = max(0, p.From.UnixMicro()), p.To.UnixMicro()-1
		}
		args[i] = []any{string(p.Job.Code), string(p.Job.Platform), first, last, string(p.Account)}
	}
	err := s.look(ctx, "sums", spanLookup, args, func(l lookup) string {
		return "select l.ord, n.new, n.duplicate, n.uncertain, n.excluded, n.contacts, n.pairs from " + l.source() +
			l.all("lead_count", "n", "n.code = l.code and n.platform = l.platform and n.day between l.first and l.last"+
				" and (l.account = '' or n.account = l.account)")
	}, func(rows *sql.Rows, first int) error {
		var ord int
		var f lead.Figures
		err := rows.Scan(&ord, &f.New, &f.Duplicate, &f.Uncertain, &f.Excluded, &f.Contacts, &f.Pairs)
		sums[first+ord-1] = sums[first+ord-1].Plus(f)
		return err
	})
	if err != nil {
		return nil, s.fail("sum counts", err)
	}
	return sums, nil
}

// Leads implements [lead.Store].
func (s leadStore) Leads(ctx context.Context, q lead.LeadQuery) iter.Seq2[lead.Stored, error] {
	return paged(ctx, s.unit, "list leads", q.Limit, func(sel *bun.SelectQuery, last *lead.Stored) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("lead_lead")+" AS k").ColumnExpr("k.platform, k.namespace, k.id, k.state").
			Where("(k.tenant || '') = ? AND k.code = ? AND k.platform = ?", s.tenant, string(q.Job.Code), string(q.Job.Platform)).
			Where("k.verdict <> ?", string(lead.Moved)).OrderExpr("k.at, k.namespace, k.id, k.n")
		if q.Verdict != "" {
			sel = sel.Where("k.verdict = ?", string(q.Verdict))
		}
		if !q.From.IsZero() {
			sel = sel.Where("k.at >= ?", s.bind(q.From))
		}
		if !q.To.IsZero() {
			sel = sel.Where("k.at < ?", s.bind(q.To))
		}
		if last != nil {
			sel = sel.Where("(k.at, k.namespace, k.id, k.n) > (?, ?, ?, ?)", s.bind(last.Event.At), last.Contact.Namespace, last.Contact.ID, last.N)
		}
		return sel
	}, func(rows *sql.Rows) (k lead.Stored, err error) {
		err = rows.Scan(textField(&k.Contact.Platform), textField(&k.Contact.Namespace), textField(&k.Contact.ID), jsonField(&k.Lead))
		return k, err
	})
}

// Import implements [lead.Store].
func (s leadStore) Import(ctx context.Context, rows []lead.Imported) ([]lead.ImportFound, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	found := make([]lead.ImportFound, len(rows))
	places := make(map[lead.Identity]int, len(rows)) // of what is looked up, the first row of a contact
	var args [][]any
	for _, r := range rows {
		if _, again := places[r.Identity]; !again {
			places[r.Identity] = len(args)
			args = append(args, []any{r.Identity.ID, string(r.Identity.Platform), r.Identity.Namespace, r.Since, r.Source, r.Row})
		}
	}
	stored := make([]lead.ImportFound, len(args))
	err := s.write(ctx, func(u unit) error {
		if err := u.look(ctx, "import", libraryTable.columns, args, importText, nothing); err != nil {
			return err
		}
		return u.look(ctx, "imported", libraryTable.columns, args, func(l lookup) string {
			return "select l.ord, micros(b.since), b.source, b.row, b.met from " + l.source() + l.find("lead_library", "b", sameIdentity("b"))
		}, func(rows *sql.Rows, first int) error {
			var ord int
			var met int64
			var f lead.ImportFound
			err := rows.Scan(&ord, timeField(&f.Since), textField(&f.Source), intField(&f.Row), intField(&met))
			f.Met = met > 0
			stored[first+ord-1] = f
			return err
		})
	})
	if err != nil {
		return nil, s.fail("import into the library", err)
	}
	for i, r := range rows {
		found[i] = stored[places[r.Identity]]
		found[i].Identity = r.Identity
	}
	return found, nil
}

// nothing is for statements without rows.
func nothing(*sql.Rows, int) error { return nil }

// importText returns a statement that inserts what is not there.
func importText(l lookup) string {
	return "insert into " + l.name("lead_library") + " (tenant, " + names(libraryTable.columns) + ", met) select " + l.tenant() + ", " +
		columnsOf("l", libraryTable.columns) + ", case when c.version is null then 0 else 1 end from " + l.source() +
		l.find("lead_contact", "c", sameIdentity("c")) + " where true order by " + columnsOf("l", libraryTable.key) +
		" on conflict do nothing"
}

// LoadJob implements [lead.Store].
func (s leadStore) LoadJob(ctx context.Context, l lead.JobLookup) (f lead.LoadedJob, err error) {
	if err := s.check(ctx); err != nil {
		return f, err
	}
	columns := []column{{"code", text}, {"platform", text}, {"owner", text}, {"entry", text}, {"key", text}}
	args := []any{string(l.Job.Code), string(l.Job.Platform), string(l.Owner), l.Subject, l.Key}
	err = s.look(ctx, "jobs", columns, [][]any{args}, func(l lookup) string {
		return "select b.version, b.state, o.version, o.state, " + entryColumns + " from " + l.source() +
			l.find("lead_job", "b", "b.code = l.code and b.platform = l.platform") +
			l.find("lead_owner", "o", "o.owner = l.owner") +
			l.entry()
	}, func(rows *sql.Rows, _ int) error {
		var job, owner int64
		var e journal.Entry
		fields := append([]any{intField(&job), jsonField(&f.Job), intField(&owner), jsonField(&f.Owner)}, entryFields(&e)...)
		if err := rows.Scan(fields...); err != nil {
			return err
		}
		f.Job.Version, f.Owner.Version = job, owner
		if l.Key != "" {
			f.Entry = found(e)
		}
		return nil
	})
	if err != nil {
		return f, s.fail("load a job", err)
	}
	f.Job.ID, f.Owner.ID = l.Job, l.Owner
	return f, nil
}

// SaveJob implements [lead.Store].
func (s leadStore) SaveJob(ctx context.Context, c lead.JobChange) error {
	ch := change{entries: entryRows(c.Entries)}
	if c.Job != nil {
		state, err := json.Marshal(c.Job)
		if err != nil {
			return s.fail("save a job", err)
		}
		ch.roots = append(ch.roots, row{jobTable, []any{string(c.Job.ID.Code), string(c.Job.ID.Platform), c.Job.Version, json.RawMessage(state)}})
	}
	if c.Owner != nil {
		state, err := json.Marshal(c.Owner)
		if err != nil {
			return s.fail("save an owner", err)
		}
		ch.roots = append(ch.roots, row{ownerTable, []any{string(c.Owner.ID), c.Owner.Version, json.RawMessage(state)}})
	}
	errs, err := s.save(ctx, "save a job", []change{ch})
	if err != nil {
		return err
	}
	return errs[0]
}

// Jobs implements [lead.Store].
func (s leadStore) Jobs(ctx context.Context, q lead.JobQuery) iter.Seq2[lead.Job, error] {
	if len(q.Codes) > 0 {
		return s.jobsOf(ctx, q)
	}
	return paged(ctx, s.unit, "list jobs", q.Limit, func(sel *bun.SelectQuery, last *lead.Job) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("lead_job")+" AS j").ColumnExpr("j.version, j.state").
			Where("j.tenant = ?", s.tenant).OrderExpr("j.code, j.platform")
		if q.Platform != "" {
			sel = sel.Where("j.platform = ?", string(q.Platform))
		}
		if last != nil {
			sel = sel.Where("(j.code, j.platform) > (?, ?)", string(last.ID.Code), string(last.ID.Platform))
		}
		return sel
	}, func(rows *sql.Rows) (j lead.Job, err error) {
		var version int64
		err = rows.Scan(&version, jsonField(&j))
		j.Version = version
		return j, err
	})
}

// jobsOf yields the jobs of the codes that the query names: a lookup, which events wait for.
func (s leadStore) jobsOf(ctx context.Context, q lead.JobQuery) iter.Seq2[lead.Job, error] {
	return func(yield func(lead.Job, error) bool) {
		var args [][]any
		for _, code := range slices.Compact(slices.Sorted(slices.Values(q.Codes))) {
			args = append(args, []any{string(code)})
		}
		var found []lead.Job
		err := s.check(ctx)
		if err == nil {
			err = s.look(ctx, "jobs of codes", []column{{"code", text}}, args, func(l lookup) string {
				return "select j.version, j.state from " + l.source() + l.all("lead_job", "j", "j.code = l.code") + " order by l.ord, j.platform"
			}, func(rows *sql.Rows, _ int) error {
				var version int64
				var j lead.Job
				err := rows.Scan(&version, jsonField(&j))
				if j.Version = version; q.Platform == "" || j.ID.Platform == q.Platform {
					found = append(found, j)
				}
				return err
			})
		}
		if err != nil {
			yield(lead.Job{}, s.fail("list jobs", err))
			return
		}
		for i, j := range found {
			if q.Limit > 0 && i == q.Limit || !yield(j, nil) {
				return
			}
		}
	}
}
