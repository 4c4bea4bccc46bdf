package bunstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// A box is opened by a member, and has moves.
type box struct {
	Member  string
	Version int64
	Name    string
	Total   int64
	Opened  time.Time
	Expires time.Time
	State   map[string]int64
}

type move struct {
	Member string
	Seq    int64
	N      int64
	At     time.Time
	Shop   string
	By     string
	Via    string
	Name   string
}

// A pass belongs to a box, and is used under a version of its own.
type pass struct {
	Member  string
	Hash    []byte
	Version int64
}

var (
	boxes = storage.NewTable("test_box", func(c *storage.Columns, b *box) {
		storage.Text(c, "member", &b.Member)
		c.Key()
		c.Version(&b.Version)
		storage.Text(c, "name", &b.Name)
		storage.Int(c, "total", &b.Total)
		storage.Time(c, "opened", &b.Opened)
		storage.Time(c, "expires", &b.Expires)
		c.State("state", 1, &b.State)
	})
	moves = storage.NewTable("test_move", func(c *storage.Columns, m *move) {
		storage.Text(c, "member", &m.Member)
		storage.Int(c, "seq", &m.Seq)
		c.Key()
		storage.Int(c, "n", &m.N)
		storage.Time(c, "at", &m.At)
		storage.Text(c, "shop", &m.Shop)
		storage.Text(c, "actor", &m.By)
		storage.Text(c, "via", &m.Via)
		storage.Text(c, "name", &m.Name)
		storage.Derived(c, "name_key", func() string { return strings.ToLower(m.Name) })
	}).Of(boxes)
	passes = storage.NewTable("test_pass", func(c *storage.Columns, t *pass) {
		storage.Text(c, "member", &t.Member)
		storage.Bytes(c, "hash", &t.Hash)
		c.Key()
		c.Version(&t.Version)
	}).Of(boxes)

	boxesByID   = boxes.Primary()
	movesByShop = moves.Index("shop", "shop", "at").Only("shop").Filter("name_key")
)

// boxStore returns the store of a database that has the tables of boxes too.
func boxStore(t testing.TB, db *bun.DB) *bunstore.DB {
	t.Helper()
	return newStore(t, db, boxTables)
}

var boxTables = withFiles(storage.Schema{Name: "boxes", Tables: []storage.Declared{boxes, moves, passes}})

// withFiles gives a schema the files that make its tables.
func withFiles(s storage.Schema) storage.Schema {
	files := fstest.MapFS{}
	for d, folder := range map[dialect.Name]string{dialect.PG: "postgres", dialect.SQLite: "sqlite"} {
		files["migrations/"+folder+"/0001_tables.up.sql"] = &fstest.MapFile{Data: []byte(bunstore.Script(d, s))}
	}
	s.Files = files
	return s
}

// moved is the change of a box that has its n-th move.
func moved(member string, n int64) storage.Change {
	at := start.Add(time.Duration(n) * time.Minute)
	b := box{Member: member, Version: n, Name: "Alice", Total: n, Opened: start, State: map[string]int64{"q": n, "a": start.UnixMicro(), "z": at.UnixMicro()}}
	m := move{member, n, 1, at, "north", "manager", "code", "Alice"}
	return storage.Change{Rows: []storage.Row{boxes.Save(&b), moves.Insert(&m)}, Entries: []journal.Entry{movedEntry(member, n)}}
}

func movedEntry(member string, n int64) journal.Entry {
	return journal.Entry{
		Subject: journal.Subject("box", member), Seq: n, Key: fmt.Sprintf("key-%d", n), Kind: "box.move",
		At: start.Add(time.Duration(n) * time.Minute), By: "manager", Input: journal.Hash("box.move", member),
		Result: []byte(`{"added":1,"count":3,"total":3}`),
	}
}

// versionOf returns the version of a box.
func versionOf(ctx context.Context, tx storage.Tx, member string) (int64, error) {
	b := box{Member: member}
	err := tx.Load(ctx, []storage.Look{{Reads: []storage.Read{boxes.Get(&b)}}})
	return b.Version, err
}

// save fails where a change is not stored.
func save(t testing.TB, store storage.Tx, changes ...storage.Change) {
	t.Helper()
	check(t, one(store.Save(t.Context(), changes)))
}
