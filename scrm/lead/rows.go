package lead

import (
	"cmp"
	"context"
	"embed"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package. Everything of a contact changes under its version; counts are
// shared, and added to.
var Tables = storage.Schema{Name: "lead", Tables: []storage.Declared{jobs, owners, contacts, leads, counts, library}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

// Stored is a lead with its contact.
type Stored struct {
	Contact Identity `json:"contact"` // whose lead it is
	Lead
}

// A countRow is a Count as it is stored: its Day in microseconds since 1970, and the total as a day
// that never comes.
type countRow struct {
	Job     JobID
	Day     int64
	Account ids.Account
	Figures
}

const total = -1

func dayNumber(t time.Time) int64 {
	if t.IsZero() {
		return total
	}
	return t.UnixMicro()
}

// Imported is an entry of the library.
type Imported struct {
	Identity Identity  // contact of the library
	Since    time.Time // for the events from then on: Notice after the import
	Source   string    // the import that it came with
	Row      int64     // of it
	Met      bool      // the contact was there when it was added
}

var (
	jobs = storage.NewTable("lead_job", func(c *storage.Columns, j *Job) {
		storage.Text(c, "code", &j.ID.Code)
		storage.Text(c, "platform", &j.ID.Platform)
		c.Key()
		c.Version(&j.Version)
		c.State("state", 1, j)
	})
	owners = storage.NewTable("lead_owner", func(c *storage.Columns, o *Owner) {
		storage.Text(c, "owner", &o.ID)
		c.Key()
		c.Version(&o.Version)
		c.State("state", 1, o)
	})
	contacts = storage.NewTable("lead_contact", func(c *storage.Columns, k *Contact) {
		identityKey(c, &k.ID)
		c.Key()
		c.Version(&k.Version)
		storage.Text(c, "name", &k.Name)
		storage.Int(c, "seq", &k.Seq)
		c.State("merged", 1, &k.MergedTo)
		c.State("names", 1, &k.Names)
	}).Fill(90)
	leads = storage.NewTable("lead_lead", func(c *storage.Columns, l *Stored) {
		identityKey(c, &l.Contact)
		storage.Int(c, "n", &l.N)
		c.Key()
		storage.Derived(c, "code", func() ids.Code { return l.Job.Code })
		storage.Derived(c, "at", func() time.Time { return l.Event.At })
		storage.Derived(c, "verdict", func() Verdict { return l.Verdict })
		c.State("state", 1, &l.Lead)
	}).Fill(90).Of(contacts)
	counts = storage.NewTable("lead_count", func(c *storage.Columns, n *countRow) {
		storage.Text(c, "code", &n.Job.Code)
		storage.Text(c, "platform", &n.Job.Platform)
		storage.Int(c, "day", &n.Day)
		storage.Text(c, "account", &n.Account)
		c.Key()
		storage.Int(c, "new", &n.New)
		storage.Int(c, "duplicate", &n.Duplicate)
		storage.Int(c, "uncertain", &n.Uncertain)
		storage.Int(c, "excluded", &n.Excluded)
		storage.Int(c, "contacts", &n.Contacts)
		storage.Int(c, "pairs", &n.Pairs)
	}).Fill(50)
	library = storage.NewTable("lead_library", func(c *storage.Columns, i *Imported) {
		identityKey(c, &i.Identity)
		c.Key()
		storage.Time(c, "since", &i.Since)
		storage.Text(c, "source", &i.Source)
		storage.Int(c, "row", &i.Row)
		storage.Bool(c, "met", &i.Met)
	})

	jobsByID   = jobs.Primary().Filter("platform")
	leadsOf    = leads.Primary()
	leadsByJob = leads.Index("at", "code", "platform", "at").Filter("verdict")
	countsOf   = counts.Primary().Filter("account")
)

func identityKey(c *storage.Columns, id *Identity) {
	storage.Text(c, "id", &id.ID)
	storage.Text(c, "platform", &id.Platform)
	storage.Text(c, "namespace", &id.Namespace)
}

// every is a limit that no range reaches.
const every = math.MaxInt32

// load returns the contact of each identity, in their order, with the earliest time since when the
// library has the identity or one of the contact's names. A contact that does not exist has version
// 0, and may be in the library.
func load(ctx context.Context, s storage.Store, identities []Identity) ([]Contact, error) {
	found, stored, had := make([]Contact, len(identities)), make([][]Stored, len(identities)), make([]Imported, len(identities))
	looks := make([]storage.Look, len(identities))
	for i, id := range identities {
		found[i].ID, had[i].Identity = id, id
		of := storage.Range{Prefix: []any{id.ID, id.Platform, id.Namespace}, Limit: every}
		looks[i].Reads = []storage.Read{contacts.Get(&found[i]), leadsOf.All(&stored[i], of), library.Get(&had[i])}
	}
	if err := s.Load(ctx, looks); err != nil {
		return nil, err
	}
	var named []Imported
	var of []*Contact
	for i := range found {
		k := &found[i]
		k.Library = had[i].Since
		for _, l := range stored[i] {
			k.Leads = append(k.Leads, l.Lead)
		}
		for _, id := range k.Names {
			named, of = append(named, Imported{Identity: id}), append(of, k)
		}
	}
	if len(named) == 0 {
		return found, nil
	}
	looks = make([]storage.Look, len(named))
	for i := range named {
		looks[i].Reads = []storage.Read{library.Get(&named[i])}
	}
	if err := s.Load(ctx, looks); err != nil {
		return nil, err
	}
	for i, n := range named {
		if k := of[i]; !n.Since.IsZero() && (k.Library.IsZero() || n.Since.Before(k.Library)) {
			k.Library = n.Since
		}
	}
	return found, nil
}

// A change is one contact, or those that were found to be one, as they are to be stored, with
// Version one more than the one that was loaded. A lead is new or replaces the one with its number;
// its job is on the platform of its contact. Contact.Leads is not looked at. A contact that is new
// and has no Library must not be in the library.
type leadChange struct {
	contacts []Contact
	leads    []Stored
	counts   []Count // to be added to those that are there
	entries  []journal.Entry
}

func (c *leadChange) stored() storage.Change {
	rows := make([]storage.Row, 0, 2*len(c.contacts)+len(c.leads)+len(c.counts))
	for i := range c.contacts {
		k := &c.contacts[i]
		rows = append(rows, contacts.Save(k))
		if k.Version == 1 && k.Library.IsZero() {
			rows = append(rows, library.Absent(&Imported{Identity: k.ID}))
		}
	}
	fresh := len(c.contacts) == 1 && c.contacts[0].Version == 1
	for i := range c.leads {
		if fresh {
			rows = append(rows, leads.Insert(&c.leads[i]))
		} else {
			rows = append(rows, leads.Put(&c.leads[i]))
		}
	}
	for _, n := range c.counts {
		rows = append(rows, counts.Add(&countRow{n.Job, dayNumber(n.Day), n.Account, n.Figures}))
	}
	return storage.Change{Rows: rows, Entries: c.entries}
}

// addToLibrary adds to the library the contacts that it has not, and returns what it then has of
// each, in their order. Of two of one contact the first is added. It may run twice.
func addToLibrary(ctx context.Context, s storage.Store, rows []Imported) ([]Imported, error) {
	places := make(map[Identity]int, len(rows))
	var stored []Imported
	var met []Contact
	for _, r := range rows {
		if _, again := places[r.Identity]; !again {
			places[r.Identity] = len(stored)
			stored, met = append(stored, Imported{Identity: r.Identity}), append(met, Contact{ID: r.Identity})
		}
	}
	looks := make([]storage.Look, len(stored))
	for i := range stored {
		looks[i].Reads = []storage.Read{library.Get(&stored[i]), contacts.Get(&met[i])}
	}
	if err := s.Load(ctx, looks); err != nil {
		return nil, err
	}
	var added storage.Change
	looks = nil
	for _, r := range rows {
		i := places[r.Identity]
		if k := &stored[i]; k.Since.IsZero() {
			*k = r
			k.Met = met[i].Version > 0
			added.Rows = append(added.Rows, library.Keep(k))
			looks = append(looks, storage.Look{Reads: []storage.Read{library.Get(k)}})
		}
	}
	if len(looks) > 0 {
		errs, err := s.Save(ctx, []storage.Change{added})
		if err = cmp.Or(err, firstOf(errs)); err != nil {
			return nil, err
		}
		if err := s.Load(ctx, looks); err != nil {
			return nil, err
		}
	}
	found := make([]Imported, len(rows))
	for i, r := range rows {
		found[i] = stored[places[r.Identity]]
	}
	return found, nil
}

func firstOf(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}

// A jobLookup names a job or an owner. Fields may be empty.
type jobLookup struct {
	job     JobID
	owner   OwnerID
	subject string // with key: of the journal's entry
	key     string
}

// A loadedJob is what a jobLookup found. What does not exist has version 0.
type loadedJob struct {
	job   Job
	owner Owner
	entry *journal.Entry // nil: the key is new
}

func loadJob(ctx context.Context, s storage.Store, l jobLookup) (f loadedJob, err error) {
	looks := []storage.Look{{Subject: l.subject, Key: l.key}}
	if f.job.ID = l.job; l.job != (JobID{}) {
		looks[0].Reads = append(looks[0].Reads, jobs.Get(&f.job))
	}
	if f.owner.ID = l.owner; l.owner != "" {
		looks[0].Reads = append(looks[0].Reads, owners.Get(&f.owner))
	}
	if err := s.Load(ctx, looks); err != nil {
		return loadedJob{}, err
	}
	f.entry = looks[0].Entry
	return f, nil
}

// A jobChange is a job, an owner or neither of them as it is to be stored, with Version one more
// than the one that was loaded.
type jobChange struct {
	job     *Job
	owner   *Owner
	entries []journal.Entry
}

func (c jobChange) save(ctx context.Context, s storage.Store) error {
	stored := storage.Change{Entries: c.entries}
	if c.job != nil {
		stored.Rows = append(stored.Rows, jobs.Save(c.job))
	}
	if c.owner != nil {
		stored.Rows = append(stored.Rows, owners.Save(c.owner))
	}
	errs, err := s.Save(ctx, []storage.Change{stored})
	return cmp.Or(err, firstOf(errs))
}

// A JobQuery asks for the jobs of a platform, of codes or of both.
type JobQuery struct {
	Platform ids.Platform // "": all
	Codes    []ids.Code   // none: of all
	Limit    int          // 0: all
}

// list yields the jobs that the query asks for, in the order of their ids. Those of codes are read
// at once, for events wait for them.
func (q JobQuery) list(ctx context.Context, s storage.Store) iter.Seq2[Job, error] {
	r := storage.Range{Limit: q.Limit}
	if q.Platform != "" {
		r.Where = []storage.Match{storage.Where("platform", q.Platform)}
	}
	if len(q.Codes) == 0 {
		return storage.List(ctx, s, jobsByID, r)
	}
	return func(yield func(Job, error) bool) {
		codes := slices.Compact(slices.Sorted(slices.Values(q.Codes)))
		found, looks := make([][]Job, len(codes)), make([]storage.Look, len(codes))
		for i, c := range codes {
			r.Prefix, r.Limit = []any{c}, every
			looks[i].Reads = []storage.Read{jobsByID.All(&found[i], r)}
		}
		if err := s.Load(ctx, looks); err != nil {
			yield(Job{}, err)
			return
		}
		for i, j := range slices.Concat(found...) {
			if q.Limit > 0 && i == q.Limit || !yield(j, nil) {
				return
			}
		}
	}
}

// A span is the days of a job that begin in [from, to), or its total where both are zero: of an
// account, or of all together.
type span struct {
	job      JobID
	account  ids.Account // "": all
	from, to time.Time
}

func (p span) counts() storage.Range {
	r := storage.Range{Prefix: []any{p.job.Code, p.job.Platform}, From: int64(total), To: int64(total + 1)}
	if !p.from.IsZero() || !p.to.IsZero() {
		r.From, r.To = max(0, p.from.UnixMicro()), p.to.UnixMicro()
	}
	if p.account != "" {
		r.Where = []storage.Match{storage.Where("account", p.account)}
	}
	return r
}

// sums returns what each span counted, in their order.
func sums(ctx context.Context, s storage.Store, spans []span) ([]Figures, error) {
	found, looks, sums := make([][]countRow, len(spans)), make([]storage.Look, len(spans)), make([]Figures, len(spans))
	for i, p := range spans {
		r := p.counts()
		r.Limit = every
		looks[i].Reads = []storage.Read{countsOf.All(&found[i], r)}
	}
	if err := s.Load(ctx, looks); err != nil {
		return nil, err
	}
	for i := range spans {
		for _, n := range found[i] {
			sums[i] = sums[i].Plus(n.Figures)
		}
	}
	return sums, nil
}

// A CountQuery asks for what a job counted: of an account, or of all; on the days that begin in
// [From, To), or in total where both are zero.
type CountQuery struct {
	Job      JobID       // job that counts
	Account  ids.Account // "": all
	From, To time.Time   // days; both zero: the total
}

// list yields the counts that the query asks for, in the order of days and accounts; none that are
// 0.
func (q CountQuery) list(ctx context.Context, s storage.Store) iter.Seq2[Count, error] {
	return func(yield func(Count, error) bool) {
		for n, err := range storage.List(ctx, s, countsOf, span{q.Job, q.Account, q.From, q.To}.counts()) {
			c := Count{Job: q.Job, Account: n.Account, Figures: n.Figures}
			if f := n.Figures; err == nil && f.New == 0 && f.Duplicate == 0 && f.Uncertain == 0 && f.Excluded == 0 {
				continue
			}
			if n.Day != total {
				c.Day = time.UnixMicro(n.Day).UTC()
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// A LeadQuery asks for the leads of a job, with one verdict or all, whose events are in [From, To).
type LeadQuery struct {
	Job      JobID     // job that counts
	Verdict  Verdict   // "": all
	From, To time.Time // zero: open
	Limit    int       // 0: all
}

// list yields the leads that the query asks for, in the order of their times and contacts.
func (q LeadQuery) list(ctx context.Context, s storage.Store) iter.Seq2[Stored, error] {
	verdict := storage.Match{Column: "verdict", In: []any{NewLead, Duplicate, Uncertain, Excluded}}
	if q.Verdict != "" {
		verdict.In = []any{q.Verdict}
	}
	r := storage.Range{Prefix: []any{q.Job.Code, q.Job.Platform}, Where: []storage.Match{verdict}, Limit: q.Limit}
	if !q.From.IsZero() {
		r.From = journal.Instant(q.From)
	}
	if !q.To.IsZero() {
		r.To = journal.Instant(q.To)
	}
	return storage.List(ctx, s, leadsByJob, r)
}
