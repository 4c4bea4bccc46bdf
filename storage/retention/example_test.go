package retention_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/storage/relay"
	"github.com/scrmkit/scrmkit/storage/retention"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A job keeps three months of a tenant's journal in the database, and the keys of commands for two
// years. A service runs it by night, for each of its tenants.
func Example() {
	ctx, db := context.Background(), memory.New()
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	points := loyalty.New(db, &loyalty.Options{Now: func() time.Time { return now }})
	_, err := points.Publish(ctx, loyalty.Definition{ID: "club", Version: 1, Zone: "UTC", Currencies: []loyalty.Currency{{ID: "points"}}})
	check(err)
	alice := loyalty.AccountID{Program: "club", Member: "alice"}
	for _, key := range []string{"welcome", "birthday", "survey"} {
		_, err := points.Adjust(ctx, loyalty.Adjust{Account: alice, N: 100, Reason: key, Key: key})
		check(err)
	}
	crm, err := relay.New(db, "crm", func(context.Context, string, journal.Record) error { return nil }, nil)
	check(err)
	_, err = crm.Step(ctx)
	check(err)

	now = now.AddDate(0, 6, 0)
	old, err := retention.New(db, &retention.Options{Relays: []*relay.Relay{crm}, Pruned: points.Forget})
	check(err)
	dir, err := os.MkdirTemp("", "archive")
	check(err)
	defer os.RemoveAll(dir)
	for n, more := 1, true; more; n++ {
		path := filepath.Join(dir, fmt.Sprintf("%s-%d.jsonl", now.Format("2006-01-02"), n))
		file, err := os.Create(path)
		check(err)
		segment, err := old.Archive(ctx, file, now.AddDate(0, -3, 0))
		check(err)
		check(file.Sync())
		check(file.Close()) // and copied to where it is safe
		stripped, err := old.Strip(ctx, func() (io.ReadCloser, error) { return os.Open(path) })
		check(err)
		fmt.Println(segment.Entries, "entries are archived,", stripped, "bodies are gone")
		more = segment.More
	}
	_, err = points.Adjust(ctx, loyalty.Adjust{Account: alice, N: 100, Reason: "welcome", Key: "welcome"})
	fmt.Println(err)

	now = now.AddDate(2, 0, 0)
	pruned, err := old.Prune(ctx, now.AddDate(-2, 0, 0))
	check(err)
	fmt.Println(pruned, "keys are gone")
	check(points.Verify(ctx, alice))
	// Output:
	// 3 entries are archived, 2 bodies are gone
	// loyalty.adjust for alice: journal: the command was run before, and its result was archived; use a new key for a new command
	// 1 keys are gone
}

// What is archived is checked with what is in the journal.
func ExampleRead() {
	ctx, db := context.Background(), memory.New()
	points := loyalty.New(db, nil)
	_, err := points.Publish(ctx, loyalty.Definition{ID: "club", Version: 1, Zone: "UTC", Currencies: []loyalty.Currency{{ID: "points"}}})
	check(err)
	alice := loyalty.AccountID{Program: "club", Member: "alice"}
	for _, key := range []string{"welcome", "birthday"} {
		_, err := points.Adjust(ctx, loyalty.Adjust{Account: alice, N: 100, Reason: key, Key: key})
		check(err)
	}
	old, err := retention.New(db, nil)
	check(err)
	file, err := os.CreateTemp("", "archive")
	check(err)
	defer os.Remove(file.Name())
	_, err = old.Archive(ctx, file, time.Now().Add(time.Hour))
	check(err)
	_, err = old.Strip(ctx, func() (io.ReadCloser, error) { return os.Open(file.Name()) })
	check(err)

	_, err = file.Seek(0, io.SeekStart)
	check(err)
	archive := loyalty.NewArchive(nil)
	check(archive.Read(retention.Read(file)))
	for head := range archive.Heads("club") {
		fmt.Println(head.Member, head.Seq)
	}
	check(archive.Verify(ctx, points, alice))
	head, _ := archive.Head(alice)
	check(points.Verify(ctx, alice, head)) // as good, but for what was bought
	for r, err := range db.Journal().Of(ctx, alice.Subject()) {
		check(err)
		fmt.Println(r.Seq, r.Kind, "archived:", r.Archived())
	}
	// Output:
	// alice 2
	// 2 loyalty.adjust archived: false
	// 1 loyalty.adjust archived: true
}
