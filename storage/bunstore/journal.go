package bunstore

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type journalStore struct{ unit }

// A place is where a record stands in the feed of a tenant: by the transaction that wrote it, and
// within it in a total order that keeps that of the numbers of a subject.
type place struct {
	Tenant  string
	Pos     int64
	Subject string
	Seq     int64
	Key     string
}

func (p place) cursor() journal.Cursor {
	text := append(make([]byte, 0, 128), '[')
	text = strconv.AppendInt(append(appendText(text, p.Tenant), ','), p.Pos, 10)
	text = strconv.AppendInt(append(appendText(append(text, ','), p.Subject), ','), p.Seq, 10)
	text = append(appendText(append(text, ','), p.Key), ']')
	return journal.Cursor(base64.RawURLEncoding.EncodeToString(text))
}

// appendText appends s as json.Marshal gives it.
func appendText(text []byte, s string) []byte {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\<>&`, r) }) >= 0 {
		quoted, _ := json.Marshal(s)
		return append(text, quoted...)
	}
	return append(append(append(text, '"'), s...), '"')
}

// parseCursor accepts what cursor gives for the tenant, and nothing else.
func parseCursor(c journal.Cursor, tenant string) (p place, err error) {
	if c == "" {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(string(c))
	if err == nil {
		err = json.Unmarshal(text, &[]any{&p.Tenant, &p.Pos, &p.Subject, &p.Seq, &p.Key})
	}
	if err != nil || p.Tenant != tenant || p.cursor() != c || strings.Contains(p.Subject+p.Key, "\x00") {
		return p, fmt.Errorf("bunstore: %w", journal.ErrCursor)
	}
	return p, nil
}

// After implements [journal.Store]. It yields nothing of the transaction that it is read in.
func (s journalStore) After(ctx context.Context, cursor journal.Cursor, limit int) iter.Seq2[journal.Record, error] {
	start, err := parseCursor(cursor, s.tenant)
	if err == nil {
		err = s.learn(ctx)
	}
	return paged(ctx, s.unit, "read the journal", limit, func(q *bun.SelectQuery, last *journal.Record) *bun.SelectQuery {
		at := start
		if last != nil {
			at, _ = parseCursor(last.Cursor, s.tenant)
		}
		q = s.entries(q).Err(err).Where(s.feed("j", "?0"), s.tenant).
			Where("(j.pos, j.subject, j.seq, j.key) > (?, ?, ?, ?)", at.Pos, at.Subject, at.Seq, at.Key).
			OrderExpr("j.pos, j.subject, j.seq, j.key")
		switch own, known := s.own().first(s.tenant); {
		case known:
			q = q.Where("j.pos < ?", own)
		case s.distributed():
			q = q.Where("j.pos < "+tenantHorizon("?"), s.tenant)
		case s.grammar == postgres:
			q = q.Where("j.pos < " + horizon)
		}
		return q
	}, s.scanRecord)
}

// ownEntries has where those of a transaction begin in the feed of SQLite, by tenant.
type ownEntries struct {
	mu  sync.Mutex
	pos map[string]int64
}

// own are the entries of the transaction of the caller's that the unit runs in, nil where it runs in
// none.
func (u unit) own() *ownEntries {
	if u.tx == nil {
		return nil
	}
	return u.tx.own
}

func (o *ownEntries) first(tenant string) (pos int64, known bool) {
	if o == nil {
		return 0, false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	pos, known = o.pos[tenant]
	return pos, known
}

// begin is called before an entry is written.
func (o *ownEntries) begin(ctx context.Context, u unit) error {
	if o == nil || u.grammar != sqlite {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.pos[u.tenant]; known {
		return nil
	}
	var pos int64
	rows, err := u.tx.Query(ctx, "select "+nextPos, []any{u.tenant})
	if err == nil {
		err = each(rows, func(rows Rows) error { return rows.Scan(&pos) })
	}
	if err != nil {
		return err
	}
	o.pos[u.tenant] = pos
	return nil
}

// following is the place in the feed of Postgres of an entry that is written in a transaction which
// may have begun before another one that wrote the entry before: the later of the transaction's own
// and that entry's. Readers are behind both until the transaction has ended. Where a Save is a
// transaction by itself, what it was decided on was there before it began.
func following(tenant, subject string) string {
	return "greatest(" + ownPos + ", (select x.pos from " + postgres.name("journal_entry") + " as x where " +
		postgres.listed("x", tenant) + " and (x.subject || '') = " + subject + " order by x.seq desc limit 1))"
}

// nextPos is the place of the next entry in the feed of SQLite, where one transaction after the
// other writes.
const nextPos = "(select coalesce(max(pos), 0) + 1 from journal_entry where ('' || tenant) = ?1)"

// Tenants yields the tenants whose journals have entries, in the order of their ids: for relays and
// other work that each of them has. It asks the database once a tenant.
func (d *DB) Tenants(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		compare, last := ">=", ""
		for {
			var next []string
			query := "select ('' || tenant) from " + d.name(entryTable.name) + " where ('' || tenant) " + compare + " " + d.param(1, text) +
				" order by ('' || tenant) limit 1"
			err := d.check(ctx)
			if err == nil {
				err = d.once(ctx, func() error {
					next = nil
					return d.query(ctx, d.statement(query, func() string { return query }), 1, []any{last}, func(rows Rows) error {
						next = append(next, "")
						return rows.Scan(textField(&next[0]))
					})
				})
			}
			if err != nil {
				yield("", d.fail(ctx, "list tenants", err))
				return
			}
			if len(next) == 0 || !yield(next[0], nil) {
				return
			}
			compare, last = ">", next[0]
		}
	}
}

// fed is the condition that an entry of the alias is the tenant's, for the index by their places.
func (g grammar) fed(alias, tenant string) string {
	return g.plainly(alias, tenant) + g.byPlace(alias, tenant)
}

func (g grammar) byPlace(alias, tenant string) string {
	return "('' || " + alias + ".tenant) = " + tenant
}

// feed is fed, without the plain condition where the database is not distributed: to a planner who
// knows nothing of the table each of two conditions leaves one row of two hundred.
func (u unit) feed(alias, tenant string) string {
	if u.distributed() {
		return u.fed(alias, tenant)
	}
	return u.byPlace(alias, tenant)
}

// Of implements [journal.Store].
func (s journalStore) Of(ctx context.Context, subjects ...string) iter.Seq2[journal.Record, error] {
	if len(subjects) == 1 {
		return s.older(ctx, subjects[0], nil)
	}
	return func(yield func(journal.Record, error) bool) {
		for some := range slices.Chunk(subjects, newestOf) {
			found, err := s.newest(ctx, some)
			if err != nil {
				yield(journal.Record{}, s.fail(ctx, "read the journal", err))
				return
			}
			n := 0 // records of a subject so far
			for i, r := range found {
				if n++; !yield(r.Record, nil) {
					return
				}
				if i+1 < len(found) && found[i+1].of == r.of {
					continue
				}
				if n == newestPage {
					for r, err := range s.older(ctx, r.Subject, &r.Record) {
						if !yield(r, err) || err != nil {
							return
						}
					}
				}
				n = 0
			}
		}
	}
}

// older yields the records of a subject that are before one, all where it is nil.
func (s journalStore) older(ctx context.Context, subject string, than *journal.Record) iter.Seq2[journal.Record, error] {
	return paged(ctx, s.unit, "read the journal", 0, func(q *bun.SelectQuery, last *journal.Record) *bun.SelectQuery {
		q = s.entries(q).Where(s.listed("j", "?0")+" AND (j.subject || '') = ?1", s.tenant, subject).OrderExpr("j.seq DESC, j.key DESC")
		if last = cmp.Or(last, than); last != nil {
			q = q.Where("(j.seq, j.key) < (?, ?)", last.Seq, last.Key)
		}
		return q
	}, s.scanRecord)
}

const (
	newestOf   = 64  // subjects whose newest records are read together
	newestPage = 128 // records of each that are read then
)

// A subjectRecord is a record of one of some subjects.
type subjectRecord struct {
	of int // the number of the subject, from 1 on
	journal.Record
}

// newest returns the newest records of each of some subjects, at most newestPage, in the order of
// journal.Store.Of.
func (s journalStore) newest(ctx context.Context, subjects []string) (found []*subjectRecord, err error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	lookups := make([][]storage.Value, len(subjects))
	for i, subject := range subjects {
		lookups[i] = []storage.Value{{Kind: storage.KindText, Text: subject}}
	}
	type key struct{}
	err = s.once(ctx, func() error {
		found = found[:0]
		var of int
		scan := s.records(&of)
		return s.look(ctx, key{}, subjectColumns, lookups, lookup.newest, func(rows Rows, first int) error {
			r, err := scan(rows)
			found = append(found, &subjectRecord{first + of, r})
			return err
		})
	})
	slices.SortFunc(found, func(a, b *subjectRecord) int {
		return cmp.Or(cmp.Compare(a.of, b.of), cmp.Compare(b.Seq, a.Seq), cmp.Compare(b.Key, a.Key))
	})
	return found, err
}

// subjectColumns are what records are looked for by, to find the newest.
var subjectColumns = []column{{"subject", text}}

// newest is the text of a look for the newest records of each subject.
func (l lookup) newest() string {
	subject, join := l.param(2, text), " join "
	if l.many {
		subject, join = "l.subject", " cross join lateral "
	}
	return "select l.ord, " + entryColumns + ", j.pos from " + l.source() + join + "(select * from " + l.name(entryTable.name) +
		" as j where " + l.listed("j", l.tenant()) + " and (j.subject || '') = " + subject +
		" order by j.seq desc, j.key desc limit " + strconv.Itoa(newestPage) + ") as j"
}

// Strip implements [journal.Store].
func (s journalStore) Strip(ctx context.Context, at []journal.Cursor) (n int64, err error) {
	err = s.before(ctx, "strip the journal", "update {entries} set before = '', result = '' where result <> '' and ",
		" order by x.seq desc, x.key desc limit 1", " returning 1", at, func(Rows) error { n++; return nil }, func() { n = 0 })
	return n, err
}

// Prune implements [journal.Store].
func (s journalStore) Prune(ctx context.Context, at []journal.Cursor) (deleted []journal.Entry, err error) {
	err = s.before(ctx, "prune the journal", "delete from {entries} where result = '' and ", " and x.result = ''",
		" returning "+strings.ReplaceAll(entryColumns, "j.", "journal_entry."), at, func(rows Rows) error {
			var e journal.Entry
			err := rows.Scan(entryFields(&e)...)
			deleted = append(deleted, e)
			return err
		}, func() { deleted = nil })
	return deleted, err
}

// before runs a statement on records before those at the cursors, in the feed and in the order of
// their subject: on all of them but for what which says. It calls fn for each row that it returns,
// after begin.
func (s journalStore) before(
	ctx context.Context, op, text, which, returning string, at []journal.Cursor, fn func(Rows) error, begin func(),
) error {
	if err := s.changing(ctx); err != nil {
		return err
	}
	places := make([][]storage.Value, len(at))
	for i, c := range at {
		p, err := parseCursor(c, s.tenant)
		if err == nil && c == "" {
			err = fmt.Errorf("bunstore: %w", journal.ErrCursor)
		}
		if err != nil {
			return err
		}
		places[i] = []storage.Value{
			{Kind: storage.KindText, Text: p.Subject}, {Kind: storage.KindInt, Int: p.Seq}, {Kind: storage.KindText, Text: p.Key},
			{Kind: storage.KindInt, Int: p.Pos},
		}
	}
	if len(places) == 0 {
		return nil
	}
	if err := s.learn(ctx); err != nil {
		return s.fail(ctx, op, err)
	}
	slices.SortFunc(places, func(a, b []storage.Value) int { return compareKeys(a, b, len(a)) })
	l := lookup{s.grammar, placeColumns, s.grammar == postgres && !s.distributed()}
	step := len(places)
	if !l.many {
		step = 1
	}
	statement := s.statement(text, func() string { return l.before(text, which) + returning })
	err := s.write(ctx, func(u unit) error {
		begin()
		for some := range slices.Chunk(places, step) {
			if err := u.query(ctx, statement, len(some), u.lookupArgs(l, some), fn); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return s.fail(ctx, op, err)
	}
	return nil
}

// placeColumns are what a record is looked for by, to find the one before it.
var placeColumns = []column{{"subject", text}, {"seq", integer}, {"key", text}, {"pos", integer}}

// before ends the text of a statement on entries.
func (l lookup) before(text, which string) string {
	entries := l.name(entryTable.name)
	value := func(column int) string {
		if l.many {
			return "l." + l.columns[column].name
		}
		return l.param(column+2, l.columns[column].kind)
	}
	of := func(alias string) string {
		return " from " + entries + " as " + alias + " where " + l.listed(alias, l.tenant()) + " and (" + alias + ".subject || '') = " + value(0) + " and "
	}
	from := "(select x.subject, x.seq, x.key" + of("x") + "(x.seq, x.key) < (" + value(1) + ", " + value(2) + ")" +
		" and x.pos <= " + value(3) + which + ") as p"
	found := " and (subject || '') = " + value(0) + " and (seq, key) in (select p.seq, p.key from "
	if l.many {
		from = l.source() + " cross join lateral " + from
		found = " and ((subject || ''), seq, key) in (select p.subject, p.seq, p.key from "
	}
	return strings.ReplaceAll(text, "{entries}", entries+" as "+entryTable.name) + l.listed(entryTable.name, l.tenant()) + found + from +
		" where exists (select 1" + of("c") + "c.seq = " + value(1) + " and c.key = " + value(2) + " and c.pos = " + value(3) + "))"
}

func (s journalStore) entries(q *bun.SelectQuery) *bun.SelectQuery {
	return q.TableExpr(s.name("journal_entry") + " AS j").
		ColumnExpr(s.readable(entryColumns + ", j.pos"))
}

func (s journalStore) scanRecord(rows Rows) (journal.Record, error) { return s.records()(rows) }

// records returns what reads a record from each row, whose first columns go to those.
func (s journalStore) records(first ...any) func(Rows) (journal.Record, error) {
	var e journal.Entry
	var pos int64
	fields := append(append(first, entryFields(&e)...), &pos)
	return func(rows Rows) (journal.Record, error) {
		if err := rows.Scan(fields...); err != nil {
			return journal.Record{}, err
		}
		return journal.Record{Entry: e, Cursor: place{s.tenant, pos, e.Subject, e.Seq, e.Key}.cursor()}, nil
	}
}

// entryColumns are what entryFields reads, of the alias j.
const entryColumns = "j.subject, j.key, j.seq, j.kind, micros(j.at), j.actor, hexed(j.input), j.before, j.result"

func entryFields(e *journal.Entry) []any {
	return []any{
		textField(&e.Subject), textField(&e.Key), intField(&e.Seq), textField(&e.Kind), timeField(&e.At),
		textField(&e.By), binaryField(&e.Input), bytesField(&e.Before), bytesField(&e.Result),
	}
}
