package bunstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"iter"
	"math"
	"time"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type activationStore struct{ unit }

// Save implements [activation.Store].
func (s activationStore) Save(ctx context.Context, c activation.Change) error {
	one := change{entries: entryRows(c.Entries)}
	var err error
	state := func(v any) json.RawMessage {
		text, e := json.Marshal(v)
		err = errors.Join(err, e)
		return text
	}
	for _, k := range c.Codes {
		off := ""
		switch {
		case !k.Deleted.IsZero():
			off = string(activation.Deleted)
		case k.Disabled:
			off = string(activation.Disabled)
		}
		one.roots = append(one.roots, row{codeStateTable, []any{
			string(k.ID), k.Version, off, k.Created, k.Settings.Expires, k.Due(), k.Settings.Department, state(k),
		}})
	}
	for _, p := range c.Ports {
		one.children = append(one.children, row{portTable, []any{
			string(p.ID.Code), p.ID.N, string(p.Platform), string(p.Account), string(p.State), state(p),
		}})
	}
	for _, p := range c.Pools {
		one.roots = append(one.roots, row{poolTable, []any{string(p.ID), p.Version, state(p)}})
	}
	for _, d := range c.Devices {
		one.roots = append(one.roots, row{deviceTable, []any{string(d.ID), d.Version, d.Removed, state(d)}})
	}
	for _, i := range c.Invitations {
		one.roots = append(one.roots, row{deviceInvitationTable, []any{i.Hash, i.Version, state(i)}})
	}
	for _, d := range c.Draws {
		one.counts = append(one.counts, row{freeTable, []any{string(d.Pool), int64(-d.N), int64(math.MaxInt32)}})
	}
	if err != nil {
		return s.fail("save codes", err)
	}
	errs, err := s.save(ctx, "save codes", []change{one})
	if err != nil {
		return err
	}
	if errors.Is(errs[0], errBound) {
		return activation.ErrCapacity
	}
	return errs[0]
}

var (
	activationLookup = []column{
		{"code", text}, {"port", integer}, {"account", text}, {"pool", text}, {"device", text}, {"invitation", binary},
		{"entry", text}, {"key", text},
	}
	codeStateLookup = []column{{"code", text}}
)

// Load implements [activation.Store]. Codes are read before their ports, and a device before its codes: who changes what is read
// later changes the version of what was read first, so that a Save of what was read in between meets a conflict.
func (s activationStore) Load(ctx context.Context, l activation.Lookup) (f activation.Loaded, err error) {
	if err := s.check(ctx); err != nil {
		return f, err
	}
	if l.OfDevice {
		d, err := s.Load(ctx, activation.Lookup{Device: l.Device})
		if err != nil {
			return f, err
		}
		l.OfDevice, l.Codes = false, d.Device.Codes
		f, err = s.Load(ctx, l)
		f.Device = d.Device
		return f, err
	}
	if f.Codes, err = s.codes(ctx, l.Codes); err != nil {
		return f, s.fail("load codes", err)
	}
	args := []any{string(l.Port.Code), l.Port.N, string(l.Account), string(l.Pool), string(l.Device), l.Invitation, l.Subject, l.Key}
	err = s.look(ctx, "activation", activationLookup, [][]any{args}, func(l lookup) string {
		return "select p.state, a.state, b.version, b.state, n.n, d.version, d.state, i.version, i.state, " + entryColumns + " from " + l.source() +
			l.find("activation_port", "p", "p.code = l.code and p.n = l.port") +
			l.find("activation_port", "a", "a.code = p.code and a.platform = p.platform and a.account = l.account and a.account <> '' and a.at <> 'closed' and a.n <> p.n") +
			l.find("activation_pool", "b", "b.pool = l.pool") +
			l.find("activation_free", "n", "n.pool = l.pool") +
			l.find("activation_device", "d", "d.device = l.device") +
			l.find("activation_invitation", "i", "i.hash = l.invitation") +
			l.find("journal_entry", "j", "j.subject = l.entry and j.key = l.key")
	}, func(rows *sql.Rows, _ int) error {
		var pool, free, device, invitation int64
		var e journal.Entry
		fields := append([]any{jsonField(&f.Port), jsonField(&f.Account), intField(&pool), jsonField(&f.Pool), intField(&free),
			intField(&device), jsonField(&f.Device), intField(&invitation), jsonField(&f.Invitation)}, entryFields(&e)...)
		if err := rows.Scan(fields...); err != nil {
			return err
		}
		f.Pool.Version, f.Pool.Free, f.Device.Version, f.Invitation.Version = pool, int(free), device, invitation
		if l.Key != "" {
			f.Entry = found(e)
		}
		return nil
	})
	if err != nil {
		return activation.Loaded{}, s.fail("load codes", err)
	}
	f.Pool.ID, f.Device.ID, f.Invitation.Hash = l.Pool, l.Device, bytes.Clone(l.Invitation)
	return f, nil
}

func (s activationStore) codes(ctx context.Context, ids []activation.CodeID) ([]activation.Code, error) {
	codes := make([]activation.Code, len(ids))
	args := make([][]any, len(ids))
	for i, id := range ids {
		codes[i].ID, args[i] = id, []any{string(id)}
	}
	err := s.look(ctx, "activation codes", codeStateLookup, args, func(l lookup) string {
		return "select l.ord, c.version, c.state from " + l.source() + l.find("activation_code", "c", "c.code = l.code")
	}, func(rows *sql.Rows, first int) error {
		var ord int
		var version int64
		var c activation.Code
		if err := rows.Scan(&ord, intField(&version), jsonField(&c)); err != nil {
			return err
		}
		if version > 0 {
			codes[first+ord-1] = c
		}
		return nil
	})
	return codes, err
}

// Codes implements [activation.Store].
func (s activationStore) Codes(ctx context.Context, q activation.CodeQuery) iter.Seq2[activation.Code, error] {
	return paged(ctx, s.unit, "list codes", q.Limit, func(sel *bun.SelectQuery, last *activation.Code) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("activation_code")+" AS c").ColumnExpr("c.state").
			Where("(c.tenant || '') = ? AND c.off <> ?", s.tenant, string(activation.Deleted)).OrderExpr("c.created DESC, c.code DESC")
		if q.Department != "" {
			sel = sel.Where("c.department = ?", q.Department)
		}
		now := s.bind(q.Now)
		switch q.State {
		case activation.Enabled:
			sel = sel.Where("c.off = '' AND (c.expires IS NULL OR c.expires > ?)", now)
		case activation.Expired:
			sel = sel.Where("c.off = '' AND c.expires <= ?", now)
		case activation.Disabled:
			sel = sel.Where("c.off = ?", string(q.State))
		}
		if last != nil {
			sel = sel.Where("(c.created, c.code) < (?, ?)", s.bind(last.Created), string(last.ID))
		}
		return sel
	}, func(rows *sql.Rows) (c activation.Code, err error) {
		return c, rows.Scan(jsonField(&c))
	})
}

// Ports implements [activation.Store].
func (s activationStore) Ports(ctx context.Context, q activation.PortQuery) iter.Seq2[activation.Held, error] {
	return paged(ctx, s.unit, "list ports", q.Limit, func(sel *bun.SelectQuery, last *activation.Held) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("activation_port")+" AS p").ColumnExpr("p.state, c.state").
			Join("JOIN "+s.name("activation_code")+" AS c ON c.tenant = p.tenant AND c.code = p.code").
			Where("p.tenant = ? AND p.at <> ?", s.tenant, string(activation.Closed)).OrderExpr("p.code, p.n")
		if q.Code != "" {
			sel = sel.Where("p.code = ?", string(q.Code))
		}
		if q.Platform != "" {
			sel = sel.Where("p.platform = ?", string(q.Platform))
		}
		if q.Account != "" {
			sel = sel.Where("(p.tenant || '') = ? AND p.account = ?", s.tenant, string(q.Account))
		}
		if last != nil {
			sel = sel.Where("(p.code, p.n) > (?, ?)", string(last.Port.ID.Code), last.Port.ID.N)
		}
		return sel
	}, func(rows *sql.Rows) (h activation.Held, err error) {
		return h, rows.Scan(jsonField(&h.Port), jsonField(&h.Code))
	})
}

// Devices implements [activation.Store].
func (s activationStore) Devices(ctx context.Context) iter.Seq2[activation.Device, error] {
	return paged(ctx, s.unit, "list devices", 0, func(sel *bun.SelectQuery, last *activation.Device) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("activation_device")+" AS d").ColumnExpr("d.state").
			Where("d.tenant = ? AND d.removed IS NULL", s.tenant).OrderExpr("d.device")
		if last != nil {
			sel = sel.Where("d.device > ?", string(last.ID))
		}
		return sel
	}, func(rows *sql.Rows) (d activation.Device, err error) {
		return d, rows.Scan(jsonField(&d))
	})
}

// Due implements [activation.Store].
func (s activationStore) Due(ctx context.Context, now time.Time, limit int) ([]activation.CodeID, error) {
	due := paged(ctx, s.unit, "list codes that are due", limit, func(sel *bun.SelectQuery, last *activation.Code) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("activation_code")+" AS c").ColumnExpr("c.state").
			Where("(c.tenant || '') = ? AND c.due <= ?", s.tenant, s.bind(now)).OrderExpr("c.due, c.code")
		if last != nil {
			sel = sel.Where("(c.due, c.code) > (?, ?)", s.bind(last.Due()), string(last.ID))
		}
		return sel
	}, func(rows *sql.Rows) (c activation.Code, err error) {
		return c, rows.Scan(jsonField(&c))
	})
	var ids []activation.CodeID
	for c, err := range due {
		if err != nil {
			return nil, err
		}
		ids = append(ids, c.ID)
	}
	return ids, nil
}
