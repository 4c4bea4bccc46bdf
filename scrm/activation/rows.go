package activation

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package. Each row but a port has a version of its own; a port changes
// under that of its code.
var Tables = storage.Schema{Name: "activation", Tables: []storage.Declared{codes, secrets, ports, claims, pools, free, devices, invitations}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A secretRow is how the rest of a code is stored.
type secretRow struct {
	code ids.Code
	Secret
}

// A freeRow is how many ports of a pool are free.
type freeRow struct {
	pool PoolID
	n    int
}

var (
	codes = storage.NewTable("activation_code", func(c *storage.Columns, k *Code) {
		storage.Text(c, "code", &k.ID)
		c.Key()
		c.Version(&k.Version)
		storage.Derived(c, "off", k.off)
		storage.Derived(c, "created", func() time.Time { return k.Created })
		storage.Derived(c, "due", k.Due)
		storage.Derived(c, "pool", k.pool)
		storage.Derived(c, "department", func() string { return k.Settings.Department })
		c.State("state", 1, k)
	}).Fill(70)
	secrets = storage.NewTable("activation_secret", func(c *storage.Columns, s *secretRow) {
		storage.Text(c, "code", &s.code)
		c.Key()
		c.State("state", 1, &s.Secret)
	}).Of(codes)
	ports = storage.NewTable("activation_port", func(c *storage.Columns, p *Port) {
		storage.Text(c, "code", &p.ID.Code)
		storage.Int(c, "n", &p.ID.N)
		c.Key()
		storage.Derived(c, "platform", func() ids.Platform { return p.Platform })
		storage.Derived(c, "account", func() ids.Account { return p.Account })
		storage.Derived(c, "at", func() PortState { return p.State })
		storage.Derived(c, "bare", p.bare)
		c.State("state", 1, p)
	}).Of(codes)
	claims = storage.NewTable("activation_claim", func(c *storage.Columns, k *Claim) {
		storage.Text(c, "account", &k.Account)
		storage.Text(c, "platform", &k.Platform)
		c.Key()
		c.Version(&k.Version)
		storage.Text(c, "code", &k.Port.Code)
		storage.Int(c, "n", &k.Port.N)
		c.State("periods", 1, &k.Periods)
	})
	pools = storage.NewTable("activation_pool", func(c *storage.Columns, p *Pool) {
		storage.Text(c, "pool", &p.ID)
		c.Key()
		c.Version(&p.Version)
		c.State("state", 1, p)
	})
	free = storage.NewTable("activation_free", func(c *storage.Columns, f *freeRow) {
		storage.Text(c, "pool", &f.pool)
		c.Key()
		storage.Int(c, "n", &f.n)
	}).Fill(50)
	devices = storage.NewTable("activation_device", func(c *storage.Columns, d *Device) {
		storage.Text(c, "device", &d.ID)
		c.Key()
		c.Version(&d.Version)
		storage.Derived(c, "removed", func() time.Time { return d.Removed })
		c.State("state", 1, d)
	})
	invitations = storage.NewTable("activation_invitation", func(c *storage.Columns, i *Invitation) {
		storage.Bytes(c, "hash", &i.Hash)
		c.Key()
		c.Version(&i.Version)
		c.State("state", 1, i)
	})

	byCreated  = codes.Index("created", "created").Filter("off", "department")
	byDue      = codes.Index("due", "due").Only("due")
	dueOfPool  = codes.Index("pool", "pool", "due").Only("pool")
	portsByID  = ports.Index("listed", "code", "n").Only("at", open...).Filter("platform", "account")
	byAccount  = ports.Index("account", "account").Only("at", open...).Filter("platform", "code")
	barePorts  = ports.Index("bare", "code", "bare").Only("bare")
	devicesNow = devices.Index("present").Only("removed", time.Time{})
)

// open are the states of the ports that are listed.
var open = []any{Unlinked, Pending, Linked, LoggedOut, Banned}

// off is why a code does not work, whatever the time is.
func (c *Code) off() State {
	switch {
	case !c.Deleted.IsZero():
		return Deleted
	case c.Disabled:
		return Disabled
	}
	return ""
}

// pool is the one that the code has ports of.
func (c *Code) pool() PoolID {
	if c.Drawn == 0 || c.Due().IsZero() {
		return ""
	}
	return c.Settings.Pool
}

// bare is the session of a port that is closed when that ends; 0: it is not.
func (p *Port) bare() int64 {
	if p.Account == "" && (p.State == Unlinked || p.State == Pending) {
		return p.Session
	}
	return 0
}

// A lookup names rows. Fields may be empty, and nothing is loaded for them then.
type lookup struct {
	codes      []ids.Code  // no two the same
	secret     bool        // of the codes
	port       PortID      // of a code
	account    ids.Account // with port or platform: an account on its platform, of which there may be a claim
	platform   ids.Platform
	pool       PoolID
	device     DeviceID
	ofDevice   bool   // with device: its codes instead of those of codes
	invitation []byte // by its hash
	subject    string // with key: of the journal's entry
	key        string
}

// A loaded is what a lookup found. What does not exist has version 0 (a port: number 0) and the id
// that was asked for.
type loaded struct {
	codes      []Code // in their order
	port       Port
	claim      Claim // of the account
	claimed    Held  // the port that it is for, with its code
	pool       Pool
	device     Device
	invitation Invitation
	entry      *journal.Entry // nil: the key is new
}

// load reads codes before their ports, and a device before its codes: who changes what is read
// later changes the version of what was read first.
func load(ctx context.Context, s storage.Store, l lookup) (f loaded, err error) {
	if l.ofDevice {
		f.device.ID = l.device
		if err := s.Load(ctx, []storage.Look{{Reads: []storage.Read{devices.Get(&f.device)}}}); err != nil {
			return loaded{}, err
		}
		device := f.device
		l.ofDevice, l.device, l.codes = false, "", device.Codes
		f, err = load(ctx, s, l)
		f.device = device
		return f, err
	}
	look := storage.Look{Subject: l.subject, Key: l.key}
	f.codes = make([]Code, len(l.codes))
	opened := make([]secretRow, len(l.codes))
	for i, id := range l.codes {
		f.codes[i].ID, opened[i].code = id, id
		look.Reads = append(look.Reads, codes.Get(&f.codes[i]))
		if l.secret {
			look.Reads = append(look.Reads, secrets.Get(&opened[i]))
		}
	}
	if f.port.ID = l.port; l.port != (PortID{}) {
		look.Reads = append(look.Reads, ports.Get(&f.port))
	}
	left := freeRow{pool: l.pool}
	if f.pool.ID = l.pool; l.pool != "" {
		look.Reads = append(look.Reads, pools.Get(&f.pool), free.Get(&left))
	}
	if f.device.ID = l.device; l.device != "" {
		look.Reads = append(look.Reads, devices.Get(&f.device))
	}
	if f.invitation.Hash = bytes.Clone(l.invitation); l.invitation != nil {
		look.Reads = append(look.Reads, invitations.Get(&f.invitation))
	}
	f.claim.Platform, f.claim.Account = l.platform, l.account
	if l.account != "" && l.platform != "" {
		look.Reads = append(look.Reads, claims.Get(&f.claim))
	}
	looks := []storage.Look{look}
	if err := s.Load(ctx, looks); err != nil {
		return loaded{}, err
	}
	f.entry, f.pool.Free = looks[0].Entry, left.n
	for i, o := range opened {
		if o.KeyID != "" {
			f.codes[i].Secret = &o.Secret
		}
	}
	if f.port.State == "" {
		f.port = Port{}
	}
	return f, f.loadClaim(ctx, s, l)
}

// loadClaim loads the claim to the account, if the port had to tell its platform, and what it is
// for.
func (f *loaded) loadClaim(ctx context.Context, s storage.Store, l lookup) error {
	if l.account != "" && l.platform == "" {
		if f.claim.Platform = f.port.Platform; f.claim.Platform == "" {
			return nil
		}
		if err := s.Load(ctx, []storage.Look{{Reads: []storage.Read{claims.Get(&f.claim)}}}); err != nil {
			return err
		}
	}
	if f.claim.Port == (PortID{}) {
		return nil
	}
	f.claimed.Code.ID, f.claimed.Port.ID = f.claim.Port.Code, f.claim.Port
	err := s.Load(ctx, []storage.Look{{Reads: []storage.Read{codes.Get(&f.claimed.Code), ports.Get(&f.claimed.Port)}}})
	if f.claimed.Port.State == "" {
		f.claimed.Port = Port{}
	}
	return err
}

// secretOf returns how the rest of a code is stored, whatever else there is of the code unread; nil:
// there is no such code.
func secretOf(ctx context.Context, s storage.Store, id ids.Code) (*Secret, error) {
	row := secretRow{code: id}
	if err := s.Load(ctx, []storage.Look{{Reads: []storage.Read{secrets.Get(&row)}}}); err != nil || row.KeyID == "" {
		return nil, err
	}
	return &row.Secret, nil
}

// A change has rows as they are to be stored, with Version one more than the one that was loaded. A
// port is new or replaces the one with its id. The secret of a code is stored where there is one.
type change struct {
	codes       []Code
	ports       []Port
	ended       []SessionID // of codes: their ports that are bare become Closed
	claims      []Claim
	pools       []Pool
	devices     []Device
	invitations []Invitation
	draws       []draw // no two of one pool
	entries     []journal.Entry
}

// A draw takes n ports from those that are free of a pool, or gives back as many where n is
// negative.
type draw struct {
	pool PoolID
	n    int
}

// save stores the change. ErrCapacity: a pool would have fewer than no ports left.
func (c *change) save(ctx context.Context, s storage.Store) error {
	if err := c.closePorts(ctx, s); err != nil {
		return err
	}
	stored := storage.Change{Entries: c.entries}
	for i := range c.codes {
		k := &c.codes[i]
		stored.Rows = append(stored.Rows, codes.Save(k))
		if k.Secret != nil {
			stored.Rows = append(stored.Rows, secrets.Put(&secretRow{k.ID, *k.Secret}))
		}
	}
	for i := range c.ports {
		stored.Rows = append(stored.Rows, ports.Put(&c.ports[i]))
	}
	for i := range c.claims {
		stored.Rows = append(stored.Rows, claims.Save(&c.claims[i]))
	}
	for i := range c.pools {
		stored.Rows = append(stored.Rows, pools.Save(&c.pools[i]))
	}
	for i := range c.devices {
		stored.Rows = append(stored.Rows, devices.Save(&c.devices[i]))
	}
	for i := range c.invitations {
		stored.Rows = append(stored.Rows, invitations.Save(&c.invitations[i]))
	}
	for _, d := range c.draws {
		stored.Rows = append(stored.Rows, free.AddWithin(&freeRow{d.pool, -d.n}, math.MaxInt32))
	}
	errs, err := s.Save(ctx, []storage.Change{stored})
	if err == nil {
		err = errs[0]
	}
	if errors.Is(err, storage.ErrBound) {
		err = ErrCapacity
	}
	return err
}

// closePorts adds the ports that end with their sessions, as they are when the codes were loaded:
// who has changed one since has changed the version of its code.
func (c *change) closePorts(ctx context.Context, s storage.Store) error {
	if len(c.ended) == 0 {
		return nil
	}
	found := make([][]Port, len(c.ended))
	var look storage.Look
	for i, id := range c.ended {
		look.Reads = append(look.Reads, barePorts.All(&found[i], storage.Range{Prefix: []any{id.Code, id.N}, Limit: math.MaxInt32}))
	}
	if err := s.Load(ctx, []storage.Look{look}); err != nil {
		return err
	}
	for _, p := range slices.Concat(found...) {
		if !slices.ContainsFunc(c.ports, func(o Port) bool { return o.ID == p.ID }) {
			p.State = Closed
			c.ports = append(c.ports, p)
		}
	}
	return nil
}

// Held is a port with its code.
type Held struct {
	Port Port // as it is stored
	Code Code // code that it is of
}

// A CodeQuery asks for the codes of a department, or of all, that are in a state at that time, or
// in any.
type CodeQuery struct {
	Department string    // "": all
	State      State     // "": any
	Now        time.Time // with State
	Limit      int       // 0: all
}

// list yields the codes that the query asks for and that are not deleted, the newest first.
func (q CodeQuery) list(ctx context.Context, s storage.Store) iter.Seq2[Code, error] {
	r := storage.Range{Down: true}
	if q.Department != "" {
		r.Where = append(r.Where, storage.Where("department", q.Department))
	}
	switch q.State {
	case "":
		r.Where = append(r.Where, storage.Match{Column: "off", In: []any{"", Disabled}})
	case Disabled:
		r.Where = append(r.Where, storage.Where("off", Disabled))
	default:
		r.Where = append(r.Where, storage.Where("off", ""))
	}
	return func(yield func(Code, error) bool) {
		left := q.Limit
		for c, err := range storage.List(ctx, s, byCreated, r) {
			if err == nil && q.State != "" && c.State(q.Now) != q.State {
				continue
			}
			if left--; !yield(c, err) || left == 0 {
				return
			}
		}
	}
}

// A PortQuery asks for ports of a code, of a platform, with one of some accounts, or of whichever
// of the three are given.
type PortQuery struct {
	Code     ids.Code      // "": all
	Platform ids.Platform  // "": all
	Accounts []ids.Account // none: all
	Limit    int           // 0: all
}

// list yields the ports that the query asks for and that are not stored as closed, in the order of
// their ids.
func (q PortQuery) list(ctx context.Context, s storage.Store) iter.Seq2[Port, error] {
	r := storage.Range{Limit: q.Limit}
	if q.Platform != "" {
		r.Where = append(r.Where, storage.Where("platform", q.Platform))
	}
	if len(q.Accounts) > 0 && q.Code == "" {
		return q.ofAccounts(ctx, s, r)
	}
	if len(q.Accounts) > 0 {
		m := storage.Match{Column: "account"}
		for _, a := range q.Accounts {
			m.In = append(m.In, a)
		}
		r.Where = append(r.Where, m)
	}
	if q.Code != "" {
		r.Prefix = []any{q.Code}
	}
	return storage.List(ctx, s, portsByID, r)
}

// ofAccounts yields the ports of the accounts along an index of those.
func (q PortQuery) ofAccounts(ctx context.Context, s storage.Store, r storage.Range) iter.Seq2[Port, error] {
	return func(yield func(Port, error) bool) {
		accounts := slices.Compact(slices.Sorted(slices.Values(q.Accounts)))
		found := make([][]Port, len(accounts))
		var look storage.Look
		for i, a := range accounts {
			r.Prefix, r.Limit = []any{a}, math.MaxInt32
			look.Reads = append(look.Reads, byAccount.All(&found[i], r))
		}
		if err := s.Load(ctx, []storage.Look{look}); err != nil {
			yield(Port{}, err)
			return
		}
		all := slices.Concat(found...)
		slices.SortFunc(all, func(a, b Port) int { return a.ID.compare(b.ID) })
		for i, p := range all {
			if q.Limit > 0 && i == q.Limit || !yield(p, nil) {
				return
			}
		}
	}
}

// portPage is how many ports share a reading of their codes.
const portPage = 500

// held yields the ports of a query with their codes, which are read after them, each once a page.
func (q PortQuery) held(ctx context.Context, s storage.Store) iter.Seq2[Held, error] {
	return func(yield func(Held, error) bool) {
		var page []Port
		flush := func() bool {
			of := make([]Code, 0, len(page))
			var look storage.Look
			for _, p := range page {
				if n := len(of); n == 0 || of[n-1].ID != p.ID.Code {
					of = append(of, Code{ID: p.ID.Code})
					look.Reads = append(look.Reads, codes.Get(&of[n]))
				}
			}
			if err := s.Load(ctx, []storage.Look{look}); err != nil {
				yield(Held{}, err)
				return false
			}
			at := 0
			for _, p := range page {
				if of[at].ID != p.ID.Code {
					at++
				}
				if !yield(Held{p, of[at]}, nil) {
					return false
				}
			}
			page = page[:0]
			return true
		}
		for p, err := range q.list(ctx, s) {
			if err != nil {
				yield(Held{}, err)
				return
			}
			if page = append(page, p); len(page) == portPage && !flush() {
				return
			}
		}
		flush()
	}
}

// A dueQuery asks for the codes whose Due is not after now: of all, or of those that have ports of
// a pool.
type dueQuery struct {
	pool  PoolID
	now   time.Time
	limit int // 0: all
}

// list yields the codes that the query asks for, the first ones first.
func (q dueQuery) list(ctx context.Context, s storage.Store) iter.Seq2[Code, error] {
	r := storage.Range{To: q.now.Add(time.Microsecond), Limit: q.limit}
	if q.pool == "" {
		return storage.List(ctx, s, byDue, r)
	}
	r.Prefix = []any{q.pool}
	return storage.List(ctx, s, dueOfPool, r)
}
