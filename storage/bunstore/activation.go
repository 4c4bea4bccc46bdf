package bunstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"iter"
	"math"
	"slices"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/seam"
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
		var pool activation.PoolID
		if k.Drawn > 0 {
			pool = k.Settings.Pool
		}
		var secret json.RawMessage
		if k.Secret != nil {
			secret, k.Secret = state(k.Secret), nil
		}
		one.roots = append(one.roots, row{codeStateTable, []any{
			string(k.ID), k.Version, off, k.Created, k.Settings.Expires, k.Due(), string(pool), k.Settings.Department, secret, state(k),
		}})
	}
	for _, p := range c.Ports {
		one.children = append(one.children, row{portTable, []any{
			string(p.ID.Code), p.ID.N, string(p.Platform), string(p.Account), p.Session, string(p.State), state(p),
		}})
	}
	for _, id := range c.Ended {
		one.ended = append(one.ended, row{endedTable, []any{string(id.Code), id.N}})
	}
	for _, k := range c.Claims {
		periods := json.RawMessage{}
		if len(k.Periods) > 0 {
			periods = state(k.Periods)
		}
		one.roots = append(one.roots, row{claimTable, []any{string(k.Account), string(k.Platform), k.Version, string(k.Port.Code), k.Port.N, periods}})
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
	if errors.Is(errs[0], seam.ErrBound) {
		return activation.ErrCapacity
	}
	return errs[0]
}

var (
	activationLookup = []column{
		{"code", text}, {"port", integer}, {"claimed", text}, {"place", integer}, {"pool", text}, {"device", text}, {"invitation", binary},
		{"entry", text}, {"key", text},
	}
	claimLookup     = []column{{"code", text}, {"port", integer}, {"platform", text}, {"account", text}}
	codeStateLookup = []column{{"code", text}}
)

// Secret implements [activation.Store].
func (s activationStore) Secret(ctx context.Context, id activation.CodeID) (secret *activation.Secret, err error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	err = s.look(ctx, "activation secret", codeStateLookup, [][]any{{string(id)}}, func(l lookup) string {
		return "select c.secret from " + l.source() + l.find("activation_code", "c", "c.code = l.code")
	}, func(rows *sql.Rows, _ int) error { return rows.Scan(jsonField(&secret)) })
	if err != nil {
		return nil, s.fail("load a secret", err)
	}
	return secret, nil
}

// Load implements [activation.Store]. Codes are read before their ports, and a device before its
// codes: who changes what is read later changes the version of what was read first, so that a Save
// of what was read in between meets a conflict.
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
	ids := l.Codes
	if l.Account != "" {
		if f.Claim, err = s.claim(ctx, l.Port, l.Platform, l.Account); err != nil {
			return f, s.fail("load codes", err)
		}
		ids = append(slices.Clone(ids), f.Claim.Port.Code)
	}
	if f.Codes, err = s.codes(ctx, ids); err != nil {
		return f, s.fail("load codes", err)
	}
	if l.Account != "" {
		n := len(l.Codes)
		f.Codes, f.Claimed.Code = f.Codes[:n:n], f.Codes[n]
	}
	args := []any{string(l.Port.Code), l.Port.N, string(f.Claim.Port.Code), f.Claim.Port.N, string(l.Pool), string(l.Device), l.Invitation, l.Subject, l.Key}
	err = s.look(ctx, "activation", activationLookup, [][]any{args}, func(l lookup) string {
		return "select p.state, p.at, a.state, a.at, b.version, b.state, n.n, d.version, d.state, i.version, i.state, " + entryColumns + " from " + l.source() +
			l.find("activation_port", "p", "p.code = l.code and p.n = l.port") +
			l.find("activation_port", "a", "a.code = l.claimed and a.n = l.place") +
			l.find("activation_pool", "b", "b.pool = l.pool") +
			l.find("activation_free", "n", "n.pool = l.pool") +
			l.find("activation_device", "d", "d.device = l.device") +
			l.find("activation_invitation", "i", "i.hash = l.invitation") +
			l.entry()
	}, func(rows *sql.Rows, _ int) error {
		var pool, free, device, invitation int64
		var e journal.Entry
		fields := append([]any{
			jsonField(&f.Port), textField(&f.Port.State), jsonField(&f.Claimed.Port), textField(&f.Claimed.Port.State), intField(&pool),
			jsonField(&f.Pool), intField(&free), intField(&device), jsonField(&f.Device), intField(&invitation), jsonField(&f.Invitation),
		}, entryFields(&e)...)
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

// claim returns the claim to an account on a platform, or on that of a port.
func (s activationStore) claim(
	ctx context.Context, id activation.PortID, platform activation.PlatformID, account activation.AccountID,
) (c activation.Claim, err error) {
	c.Platform, c.Account = platform, account
	args := []any{string(id.Code), id.N, string(platform), string(account)}
	err = s.look(ctx, "activation claim", claimLookup, [][]any{args}, func(l lookup) string {
		const on = "case when l.platform = '' then p.platform else l.platform end"
		return "select " + on + ", k.version, k.code, k.n, k.periods from " + l.source() +
			l.find("activation_port", "p", "p.code = l.code and p.n = l.port") +
			l.find("activation_claim", "k", "k.account = l.account and k.platform = "+on)
	}, func(rows *sql.Rows, _ int) error {
		return rows.Scan(textField(&c.Platform), intField(&c.Version), textField(&c.Port.Code), intField(&c.Port.N), jsonField(&c.Periods))
	})
	return c, err
}

func (s activationStore) codes(ctx context.Context, ids []activation.CodeID) ([]activation.Code, error) {
	codes := make([]activation.Code, len(ids))
	args := make([][]any, len(ids))
	for i, id := range ids {
		codes[i].ID, args[i] = id, []any{string(id)}
	}
	err := s.look(ctx, "activation codes", codeStateLookup, args, func(l lookup) string {
		return "select l.ord, c.version, c.secret, c.state from " + l.source() + l.find("activation_code", "c", "c.code = l.code")
	}, func(rows *sql.Rows, first int) error {
		var ord int
		var version int64
		var c activation.Code
		if err := rows.Scan(&ord, intField(&version), jsonField(&c.Secret), jsonField(&c)); err != nil {
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
		sel = sel.TableExpr(s.name("activation_code")+" AS c").ColumnExpr("c.secret, c.state").
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
	}, scanCode)
}

func scanCode(rows *sql.Rows) (c activation.Code, err error) {
	return c, rows.Scan(jsonField(&c.Secret), jsonField(&c))
}

// Ports implements [activation.Store]. The codes of a page are read after its ports, each once.
func (s activationStore) Ports(ctx context.Context, q activation.PortQuery) iter.Seq2[activation.Held, error] {
	ports := paged(ctx, s.unit, "list ports", q.Limit, func(sel *bun.SelectQuery, last *activation.Port) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("activation_port")+" AS p").ColumnExpr("p.state, p.at").
			Where("(p.tenant || '') = ? AND p.at <> 'closed'", s.tenant).OrderExpr("p.code, p.n")
		if q.Code != "" {
			sel = sel.Where("p.code = ?", string(q.Code))
		}
		if q.Platform != "" {
			sel = sel.Where("p.platform = ?", string(q.Platform))
		}
		if len(q.Accounts) > 0 {
			sel = sel.Where("p.account IN (?)", bun.List(q.Accounts))
		}
		if last != nil {
			sel = sel.Where("(p.code, p.n) > (?, ?)", string(last.ID.Code), last.ID.N)
		}
		return sel
	}, func(rows *sql.Rows) (p activation.Port, err error) {
		return p, rows.Scan(jsonField(&p), textField(&p.State))
	})
	return func(yield func(activation.Held, error) bool) {
		var page []activation.Port
		flush := func() bool {
			var ids []activation.CodeID
			for _, p := range page {
				if n := len(ids); n == 0 || ids[n-1] != p.ID.Code {
					ids = append(ids, p.ID.Code)
				}
			}
			codes, err := s.codes(ctx, ids)
			if err != nil {
				yield(activation.Held{}, s.fail("list ports", err))
				return false
			}
			at := 0
			for _, p := range page {
				if codes[at].ID != p.ID.Code {
					at++
				}
				if !yield(activation.Held{Port: p, Code: codes[at]}, nil) {
					return false
				}
			}
			page = page[:0]
			return true
		}
		for p, err := range ports {
			if err != nil {
				yield(activation.Held{}, err)
				return
			}
			if page = append(page, p); len(page) == pageSize && !flush() {
				return
			}
		}
		flush()
	}
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
func (s activationStore) Due(ctx context.Context, q activation.DueQuery) iter.Seq2[activation.Code, error] {
	return paged(ctx, s.unit, "list codes that are due", q.Limit, func(sel *bun.SelectQuery, last *activation.Code) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("activation_code")+" AS c").ColumnExpr("c.secret, c.state").
			Where("(c.tenant || '') = ? AND c.due <= ?", s.tenant, s.bind(q.Now)).OrderExpr("c.due, c.code")
		if q.Pool != "" {
			sel = sel.Where("c.pool = ? AND c.pool <> ''", string(q.Pool))
		}
		if last != nil {
			sel = sel.Where("(c.due, c.code) > (?, ?)", s.bind(last.Due()), string(last.ID))
		}
		return sel
	}, scanCode)
}
