package relay

import (
	"cmp"
	"embed"
	"math"
	"time"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package.
var Tables = storage.Schema{Name: "relay", Tables: []storage.Declared{feeds, lines, letters}, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A feed is how far a relay has come in the journal of a tenant.
type feed struct {
	Name    string
	Version int64
	Cursor  journal.Cursor
	Holder  string    // who reads it
	Until   time.Time // end of the lease
}

// A place is that of an entry among those of its subject.
type place struct {
	Seq int64
	Key string
}

func placeOf(e journal.Entry) place { return place{e.Seq, e.Key} }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.Seq, q.Seq), cmp.Compare(p.Key, q.Key))
}

// A line is a subject whose entries wait, behind one that failed.
type line struct {
	Name    string
	Subject string
	First   place // of the entry that is next
	Last    place // of the last one that waits
	Tries   int64 // of the first
	Due     time.Time
	Fault   string // why it failed last
}

var (
	feeds = storage.NewTable("relay_feed", func(c *storage.Columns, f *feed) {
		storage.Text(c, "name", &f.Name)
		c.Key()
		c.Version(&f.Version)
		storage.Text(c, "cursor", &f.Cursor)
		storage.Text(c, "holder", &f.Holder)
		storage.Time(c, "until_time", &f.Until)
	}).Fill(50)
	lines = storage.NewTable("relay_line", func(c *storage.Columns, l *line) {
		storage.Text(c, "name", &l.Name)
		storage.Text(c, "subject", &l.Subject)
		c.Key()
		storage.Int(c, "first_seq", &l.First.Seq)
		storage.Text(c, "first_key", &l.First.Key)
		storage.Int(c, "last_seq", &l.Last.Seq)
		storage.Text(c, "last_key", &l.Last.Key)
		storage.Int(c, "tries", &l.Tries)
		storage.Time(c, "due", &l.Due)
		storage.Text(c, "fault", &l.Fault)
	}).Of(feeds)
	letters = storage.NewTable("relay_letter", func(c *storage.Columns, l *Letter) {
		storage.Text(c, "name", &l.name)
		storage.Text(c, "subject", &l.Subject)
		storage.Int(c, "seq", &l.Seq)
		storage.Text(c, "entry_key", &l.Key)
		c.Key()
		storage.Int(c, "tries", &l.Tries)
		storage.Time(c, "died", &l.Died)
		storage.Text(c, "fault", &l.Fault)
	}).Of(feeds)

	linesByName   = lines.Primary()
	lettersByName = letters.Primary()
)

// reads are those of a feed with its lines.
func (f *feed) reads(all *[]line) []storage.Read {
	return []storage.Read{feeds.Get(f), linesByName.All(all, storage.Range{Prefix: []any{f.Name}, Limit: math.MaxInt32})}
}
