package reward

import (
	"cmp"
	"context"
	"embed"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package.
var Tables = storage.Schema{Name: "reward", Tables: []storage.Declared{catalogs, holders, vouchers, counts, codes}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A voucherRow is a voucher with what its code is found by.
type voucherRow struct {
	Voucher
	MAC []byte // nil: it has no code
}

// A codeRow is a code of another system, and the voucher that came with it.
type codeRow struct {
	MAC     []byte
	Voucher VoucherID
	Proof   []byte // of that the code is the voucher's
}

// A countRow is how many pieces all members together have taken.
type countRow struct {
	Catalog CatalogID
	Count
}

var (
	catalogs = published.NewVersions[CatalogID, Definition]("reward_catalog")
	holders  = storage.NewTable("reward_holder", func(c *storage.Columns, h *Holder) {
		storage.Text(c, "member", &h.ID.Member)
		storage.Text(c, "catalog", &h.ID.Catalog)
		c.Key()
		c.Version(&h.Version)
		storage.Int(c, "seq", &h.Seq)
		storage.Int(c, "last", &h.Last)
		c.State("state", 1, h)
	}).Fill(80)
	vouchers = storage.NewTable("reward_voucher", func(c *storage.Columns, v *voucherRow) {
		storage.Text(c, "member", &v.ID.Holder.Member)
		storage.Text(c, "catalog", &v.ID.Holder.Catalog)
		storage.Int(c, "n", &v.ID.N)
		c.Key()
		storage.Derived(c, "reward", func() RewardID { return v.Reward })
		storage.Derived(c, "status", func() State { return v.State })
		storage.Derived(c, "due", v.due)
		storage.Bytes(c, "mac", &v.MAC)
		c.State("state", 1, &struct {
			*Voucher
			ID *VoucherID `json:"id,omitempty"` // the key has it
		}{Voucher: &v.Voucher})
	}).Of(holders)
	counts = storage.NewTable("reward_count", func(c *storage.Columns, n *countRow) {
		storage.Text(c, "catalog", &n.Catalog)
		storage.Text(c, "reward", &n.Reward)
		storage.Text(c, "period", &n.In)
		c.Key()
		storage.Int(c, "n", &n.N)
	}).Fill(50)
	codes = storage.NewTable("reward_code", func(c *storage.Columns, k *codeRow) {
		storage.Bytes(c, "mac", &k.MAC)
		c.Key()
		storage.Text(c, "member", &k.Voucher.Holder.Member)
		storage.Text(c, "catalog", &k.Voucher.Holder.Catalog)
		storage.Int(c, "n", &k.Voucher.N)
		storage.Bytes(c, "proof", &k.Proof)
	})

	holdersByID = holders.Primary()
	byMember    = vouchers.Primary().Filter("reward", "status")
	byCatalog   = vouchers.Index("catalog", "catalog", "member", "n").Filter("reward", "status")
	byMAC       = vouchers.Unique("mac", "mac").Only("mac")
	reserved    = vouchers.Index("reserved", "member", "catalog").Only("status", Reserved)
	byDue       = vouchers.Index("due", "due").Only("due").Filter("member", "catalog", "reward", "status")
)

// due is when time ends the voucher; the zero time: it does not.
func (v Voucher) due() time.Time {
	if v.State == Reserved || v.State == Issued {
		return v.To
	}
	return time.Time{}
}

// mostReserved is more than a holder may have reserved.
const mostReserved = math.MaxInt32

// A lookup names what a command needs of a holder. Fields but holder may be empty, and nothing is
// loaded for them then.
type lookup struct {
	holder   HolderID
	voucher  int64    // the voucher of that number
	reserved bool     // the vouchers that are stored as reserved
	macs     [][]byte // of codes of another system
	key      string
}

// A loaded is what a lookup found. A holder that does not exist has version 0.
type loaded struct {
	holder   Holder
	vouchers []Voucher // in the order of their numbers
	codes    []codeRow // of vouchers that are there
	entry    *journal.Entry
}

func load(ctx context.Context, s storage.Store, lookups []lookup) ([]loaded, error) {
	looks, found := make([]storage.Look, len(lookups)), make([]loaded, len(lookups))
	one, all := make([]voucherRow, len(lookups)), make([][]voucherRow, len(lookups))
	named := make([][]codeRow, len(lookups))
	for i, l := range lookups {
		found[i].holder.ID, one[i].ID = l.holder, VoucherID{l.holder, l.voucher}
		looks[i] = storage.Look{Reads: []storage.Read{holders.Get(&found[i].holder)}, Subject: l.holder.Subject(), Key: l.key}
		if l.voucher != 0 {
			looks[i].Reads = append(looks[i].Reads, vouchers.Get(&one[i]))
		}
		if l.reserved {
			of := storage.Range{Prefix: []any{l.holder.Member, l.holder.Catalog}, Limit: mostReserved}
			looks[i].Reads = append(looks[i].Reads, reserved.All(&all[i], of))
		}
		named[i] = make([]codeRow, len(l.macs))
		for k, mac := range l.macs {
			named[i][k].MAC = mac
			looks[i].Reads = append(looks[i].Reads, codes.Get(&named[i][k]))
		}
	}
	if err := s.Load(ctx, looks); err != nil {
		return nil, err
	}
	for i := range found {
		f := &found[i]
		f.entry = looks[i].Entry
		f.codes = slices.DeleteFunc(named[i], func(k codeRow) bool { return k.Voucher.N == 0 })
		for _, v := range append(all[i], one[i]) {
			if v.State != "" && !slices.ContainsFunc(f.vouchers, func(o Voucher) bool { return o.ID == v.ID }) {
				f.vouchers = append(f.vouchers, v.Voucher)
			}
		}
		slices.SortFunc(f.vouchers, func(a, b Voucher) int { return cmp.Compare(a.ID.N, b.ID.N) })
	}
	return found, nil
}

// holdersOf returns the holders of a member, in the order of their catalogs.
func holdersOf(ctx context.Context, s storage.Store, m ids.Member) ([]Holder, error) {
	return storage.Collect(storage.List(ctx, s, holdersByID, storage.Range{Prefix: []any{m}}))
}

// withMAC returns the voucher whose code has one of the MACs; nil: there is none.
func withMAC(ctx context.Context, s storage.Store, macs [][]byte) (*Voucher, error) {
	rows := make([]voucherRow, len(macs))
	var look storage.Look
	for i, mac := range macs {
		look.Reads = append(look.Reads, byMAC.First(&rows[i], storage.Range{Prefix: []any{mac}}))
	}
	if err := s.Load(ctx, []storage.Look{look}); err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.State != "" {
			return &r.Voucher, nil
		}
	}
	return nil, nil
}

// taken returns the counts of all members together in the periods of that time.
func taken(ctx context.Context, s storage.Store, c *Catalog, now time.Time) ([]Count, error) {
	var rows []countRow
	for i := range c.def.Rewards {
		for _, b := range c.bounds(&c.def.Rewards[i], now) {
			rows = append(rows, countRow{c.def.ID, Count{Reward: b.Reward, In: b.In}})
		}
	}
	var look storage.Look
	for i := range rows {
		look.Reads = append(look.Reads, counts.Get(&rows[i]))
	}
	if err := s.Load(ctx, []storage.Look{look}); err != nil {
		return nil, err
	}
	var all []Count
	for _, r := range rows {
		all = append(all, r.Count)
	}
	return all, nil
}

// A change is a holder, or both of a merger, as it is to be stored, with Version one more than the
// one that was loaded. A voucher is new or replaces the one with its number.
type change struct {
	holder   Holder
	also     *Holder // the other side of a merger; nil: none
	vouchers []voucherRow
	bounds   []Bound       // no two of one count
	codes    []storage.Row // those that come with vouchers
	entries  []journal.Entry
}

func (c *change) stored() storage.Change {
	rows := []storage.Row{holders.Save(&c.holder)}
	if c.also != nil {
		rows = append(rows, holders.Save(c.also))
	}
	for i := range c.vouchers {
		rows = append(rows, vouchers.Put(&c.vouchers[i]))
	}
	for _, b := range c.bounds {
		rows = append(rows, counts.AddWithin(&countRow{c.holder.ID.Catalog, b.Count}, b.Most))
	}
	return storage.Change{Rows: append(rows, c.codes...), Entries: c.entries}
}

// A VoucherQuery asks for the vouchers of a member, of a catalog or of both, of any reward where
// Reward is "" and any state where State is "" (as it is stored), and, where EndedBefore is not
// zero, for those of them alone that are stored as reserved or issued though they ended before that
// time, the first to end first.
type VoucherQuery struct {
	Catalog     CatalogID  // "": all
	Member      ids.Member // "": all
	Reward      RewardID   // "": all
	State       State      // as it is stored; "": all
	EndedBefore time.Time  // zero: all
	Limit       int        // 0: all
}

func (q VoucherQuery) list(ctx context.Context, s storage.Store) iter.Seq2[voucherRow, error] {
	r := storage.Range{Limit: q.Limit}
	if q.Reward != "" {
		r.Where = append(r.Where, storage.Where("reward", q.Reward))
	}
	if q.State != "" {
		r.Where = append(r.Where, storage.Where("status", q.State))
	}
	switch {
	case !q.EndedBefore.IsZero():
		r.To = journal.Instant(q.EndedBefore)
		if q.Catalog != "" {
			r.Where = append(r.Where, storage.Where("catalog", q.Catalog))
		}
		if q.Member != "" {
			r.Where = append(r.Where, storage.Where("member", q.Member))
		}
		return storage.List(ctx, s, byDue, r)
	case q.Member != "":
		r.Prefix = []any{q.Member}
		if q.Catalog != "" {
			r.Prefix = append(r.Prefix, q.Catalog)
		}
		return storage.List(ctx, s, byMember, r)
	case q.Catalog != "":
		r.Prefix = []any{q.Catalog}
	}
	return storage.List(ctx, s, byCatalog, r)
}
