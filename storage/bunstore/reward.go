package bunstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"iter"
	"slices"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/seam"
)

type rewardStore struct{ unit }

// Save implements [reward.Store].
func (s rewardStore) Save(ctx context.Context, changes []reward.Change) ([]error, error) {
	all := make([]change, len(changes))
	for i, c := range changes {
		holders := []reward.Holder{c.Holder}
		if c.Also != nil {
			holders = append(holders, *c.Also)
		}
		for _, h := range holders {
			state, err := json.Marshal(h)
			if err != nil {
				return nil, s.fail("save vouchers", err)
			}
			all[i].roots = append(all[i].roots, row{holderTable, []any{
				string(h.ID.Member), string(h.ID.Catalog), h.Version, h.Seq, h.Last, json.RawMessage(state),
			}})
		}
		member, catalog := string(c.Holder.ID.Member), string(c.Holder.ID.Catalog)
		for _, v := range c.Vouchers {
			n := v.ID.N
			v.ID = reward.VoucherID{}
			state, err := json.Marshal(v.Voucher)
			if err != nil {
				return nil, s.fail("save vouchers", err)
			}
			all[i].children = append(all[i].children, row{voucherTable, []any{
				member, catalog, n, string(v.Reward), string(v.State), v.To, v.MAC, json.RawMessage(state),
			}})
		}
		for _, b := range c.Bounds {
			all[i].counts = append(all[i].counts, row{countTable, []any{catalog, string(b.Reward), b.In, b.N, b.Most}})
		}
		all[i].entries = entryRows(c.Entries)
	}
	errs, err := s.save(ctx, "save vouchers", all)
	for i, err := range errs {
		if errors.Is(err, seam.ErrBound) {
			errs[i] = reward.ErrSoldOut
		}
	}
	return errs, err
}

const voucherColumns = "v.catalog, v.member, v.n, v.state"

func voucherFields(v *reward.Voucher, id *reward.VoucherID) []any {
	return []any{textField(&id.Holder.Catalog), textField(&id.Holder.Member), intField(&id.N), jsonField(v)}
}

var (
	holderLookup = []column{
		{"catalog", text}, {"member", text}, {"voucher", integer}, {"entry", text}, {"key", text},
	}
	reservedLookup = []column{{"catalog", text}, {"member", text}}
)

// Load implements [reward.Store]. Holders are read before what they have reserved: who changes a
// voucher changes the version of its holder, so that a Save of what was read in between meets a
// conflict.
func (s rewardStore) Load(ctx context.Context, lookups []reward.Lookup) ([]reward.Loaded, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	loaded := make([]reward.Loaded, len(lookups))
	args := make([][]any, len(lookups))
	var reserved [][]any
	var of []int
	for i, l := range lookups {
		loaded[i].Holder.ID = l.Holder
		catalog, member := string(l.Holder.Catalog), string(l.Holder.Member)
		args[i] = []any{catalog, member, l.Voucher, l.Holder.Subject(), l.Key}
		if l.Reserved {
			reserved, of = append(reserved, []any{catalog, member}), append(of, i)
		}
	}
	err := s.look(ctx, "holders", holderLookup, args, func(l lookup) string {
		return "select l.ord, h.version, h.seq, h.last, h.state, " + voucherColumns + ", " + entryColumns + " from " + l.source() +
			l.find("reward_holder", "h", "h.member = l.member and h.catalog = l.catalog") +
			l.find("reward_voucher", "v", "v.member = l.member and v.catalog = l.catalog and v.n = l.voucher") +
			l.entry()
	}, func(rows *sql.Rows, first int) error {
		var ord int
		var h reward.Holder
		var v reward.Voucher
		var id reward.VoucherID
		var e journal.Entry
		fields := []any{&ord, intField(&h.Version), intField(&h.Seq), intField(&h.Last), jsonField(&h)}
		fields = append(fields, voucherFields(&v, &id)...)
		if err := rows.Scan(append(fields, entryFields(&e)...)...); err != nil {
			return err
		}
		to, l := &loaded[first+ord-1], lookups[first+ord-1]
		if h.Version != 0 {
			h.ID = l.Holder
			to.Holder = h
		}
		if id.N != 0 && !(l.Reserved && v.State == reward.Reserved) {
			v.ID = id
			to.Vouchers = []reward.Voucher{v}
		}
		if l.Key != "" {
			to.Entry = found(e)
		}
		return nil
	})
	if err == nil && len(reserved) > 0 {
		err = s.look(ctx, "reserved", reservedLookup, reserved, func(l lookup) string {
			return "select l.ord, " + voucherColumns + " from " + l.source() +
				l.all("reward_voucher", "v", "v.member = l.member and v.catalog = l.catalog and v.status = 'reserved'") +
				" order by l.ord, v.n"
		}, func(rows *sql.Rows, first int) error {
			var ord int
			var v reward.Voucher
			var id reward.VoucherID
			if err := rows.Scan(append([]any{&ord}, voucherFields(&v, &id)...)...); err != nil {
				return err
			}
			v.ID = id
			to := &loaded[of[first+ord-1]]
			to.Vouchers = append(to.Vouchers, v)
			return nil
		})
	}
	if err != nil {
		return nil, s.fail("load vouchers", err)
	}
	for i := range loaded {
		slices.SortFunc(loaded[i].Vouchers, func(a, b reward.Voucher) int { return cmp.Compare(a.ID.N, b.ID.N) })
	}
	return loaded, nil
}

// Holders implements [reward.Store].
func (s rewardStore) Holders(ctx context.Context, member reward.MemberID) ([]reward.Holder, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	var found []reward.Holder
	rows, err := s.bun.NewSelect().Conn(s.conn()).TableExpr(s.name("reward_holder")+" AS h").
		ColumnExpr("h.catalog, h.version, h.seq, h.last, h.state").
		Where("h.tenant = ? AND h.member = ?", s.tenant, string(member)).OrderExpr("h.catalog").Rows(ctx)
	if err == nil {
		err = each(rows, func(rows *sql.Rows) error {
			var h reward.Holder
			id := reward.HolderID{Member: member}
			err := rows.Scan(textField(&id.Catalog), intField(&h.Version), intField(&h.Seq), intField(&h.Last), jsonField(&h))
			h.ID = id
			found = append(found, h)
			return err
		})
	}
	if err != nil {
		return nil, s.fail("list holders", err)
	}
	return found, nil
}

// Find implements [reward.Store].
func (s rewardStore) Find(ctx context.Context, macs [][]byte) (*reward.Voucher, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	var found *reward.Voucher
	for _, mac := range macs {
		rows, err := s.bun.NewSelect().Conn(s.conn()).TableExpr(s.name("reward_voucher")+" AS v").ColumnExpr(voucherColumns).
			Where("v.tenant = ? AND v.mac = ? AND length(v.mac) > 0", s.tenant, mac).Limit(1).Rows(ctx)
		if err == nil {
			err = each(rows, func(rows *sql.Rows) error {
				v, err := scanVoucher(rows)
				found = &v
				return err
			})
		}
		if err != nil {
			return nil, s.fail("find a voucher", err)
		}
		if found != nil {
			break
		}
	}
	return found, nil
}

func scanVoucher(rows *sql.Rows) (v reward.Voucher, err error) {
	var id reward.VoucherID
	err = rows.Scan(voucherFields(&v, &id)...)
	v.ID = id
	return v, err
}

// Counts implements [reward.Store].
func (s rewardStore) Counts(ctx context.Context, id reward.CatalogID, periods []string) ([]reward.Count, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	var counts []reward.Count
	if len(periods) == 0 {
		return nil, nil
	}
	rows, err := s.bun.NewSelect().Conn(s.conn()).TableExpr(s.name("reward_count")+" AS c").ColumnExpr("c.reward, c.period, c.n").
		Where("c.tenant = ? AND c.catalog = ? AND c.period IN (?) AND c.n <> 0", s.tenant, string(id), bun.List(periods)).
		OrderExpr("c.reward, c.period").Rows(ctx)
	if err == nil {
		err = each(rows, func(rows *sql.Rows) error {
			var c reward.Count
			err := rows.Scan(textField(&c.Reward), textField(&c.In), intField(&c.N))
			counts = append(counts, c)
			return err
		})
	}
	if err != nil {
		return nil, s.fail("read counts", err)
	}
	return counts, nil
}

// Catalog implements [reward.Store].
func (s rewardStore) Catalog(ctx context.Context, id reward.CatalogID, version int) (d reward.Definition, err error) {
	return d, s.program(ctx, "reward_catalog", string(id), version, &d, reward.ErrUnknownCatalog)
}

// Publish implements [reward.Store].
func (s rewardStore) Publish(ctx context.Context, d reward.Definition) error {
	return s.publish(ctx, "reward_catalog", string(d.ID), d.Version, d, reward.ErrPublished)
}

// Vouchers implements [reward.Store].
func (s rewardStore) Vouchers(ctx context.Context, q reward.VoucherQuery) iter.Seq2[reward.Voucher, error] {
	return paged(ctx, s.unit, "list vouchers", q.Limit, func(sel *bun.SelectQuery, last *reward.Voucher) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("reward_voucher") + " AS v").ColumnExpr(voucherColumns).OrderExpr("v.catalog, v.member, v.n")
		if q.Member == "" && q.EndedBefore.IsZero() {
			sel = sel.Where("(v.tenant || '') = ?", s.tenant)
		} else {
			sel = sel.Where("v.tenant = ?", s.tenant)
		}
		if q.Catalog != "" {
			sel = sel.Where("v.catalog = ?", string(q.Catalog))
		}
		if q.Member != "" {
			sel = sel.Where("v.member = ?", string(q.Member))
		}
		if q.Reward != "" {
			sel = sel.Where("v.reward = ?", string(q.Reward))
		}
		if q.State != "" {
			sel = sel.Where("v.status = ?", string(q.State))
		}
		if !q.EndedBefore.IsZero() {
			sel = sel.Where("v.status IN ('reserved', 'issued') AND v.ends IS NOT NULL AND v.ends < ?", s.bind(q.EndedBefore))
		}
		if last != nil {
			sel = sel.Where("(v.catalog, v.member, v.n) > (?, ?, ?)", string(last.ID.Holder.Catalog), string(last.ID.Holder.Member), last.ID.N)
		}
		return sel
	}, scanVoucher)
}
