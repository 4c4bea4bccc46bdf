package lead

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/phone"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An ImportCSV adds the contacts of a CSV file to the library (底库), as Import does.
//
// Its Key names the file, and each row goes by it and by its number: run again with its key, from the beginning of the same file,
// an import that broke off goes on, and marks every row as it would have been marked at first.
type ImportCSV struct {
	Platform  PlatformID `json:"platform"`
	Namespace string     `json:"namespace,omitempty"`
	Column    string     `json:"column,omitempty"` // of the ids, by its name in the first line; "": the first one, and the first line is a row
	Phones    bool       `json:"phones,omitempty"` // they are telephone numbers as people type them: Namespace is WhatsApp, or the ids are E.164
	Region    string     `json:"region,omitempty"` // of telephone numbers without a country code, as ISO 3166-1 alpha-2
	By        string     `json:"by,omitempty"`
	Key       string     `json:"-"`
}

// A Mark is what became of a row.
type Mark string

// The marks.
const (
	Added     Mark = "added"     // the library had no such contact
	AddedLead Mark = "addedLead" // nor it, but a lead of the contact is known
	InFile    Mark = "inFile"    // a row before has the contact
	Had       Mark = "had"       // the library had the contact already
	Unread    Mark = "unread"    // the row has no contact that can be read, and was passed by
)

// A Marked is a row of an import.
type Marked struct {
	Row    int64    // from 1, without the line of the names
	Fields []string // as they were read
	Mark   Mark
	Of     int64  // with InFile: the row before
	Why    string // with Unread
}

const (
	importBatch = 5000    // rows that are stored at a time
	known       = 100     // rows that a file is known by
	maxLine     = 1 << 16 // bytes of a row
)

// Imported is an entry of the library.
type Imported struct {
	Identity Identity
	Since    time.Time // for the events from then on
	Source   string    // the import that it came with
	Row      int64     // of it
}

// ImportFound is what Store.Import found of a contact.
type ImportFound struct {
	Imported      // as it is stored
	Lead     bool // the contact has a lead
}

func (c ImportCSV) check() error {
	return cmp.Or(valid.ID("platform", c.Platform), valid.OptionalID("namespace", c.Namespace), valid.Text("column", c.Column),
		valid.OptionalID("region", c.Region), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

// Import adds contacts to the library (底库), and returns which of them it had before. It may run twice. It is for the events
// from now on.
func (e *Engine) Import(ctx context.Context, ids []Identity) (had []bool, err error) {
	ctx, end := e.hook(ctx, "lead.import")
	defer func() { end(err) }()
	rows := make([]Imported, len(ids))
	source, now := "import "+rand.Text(), journal.Instant(e.opts.Now())
	for i, id := range ids {
		if id, err = id.normal(); err != nil {
			return nil, fmt.Errorf("lead: import %d: %w", i, err)
		}
		rows[i] = Imported{id, now, source, int64(i)}
	}
	had = make([]bool, len(ids))
	if e.dry || len(ids) == 0 {
		return had, nil
	}
	found, err := e.store.Import(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("lead: import: %w", err)
	}
	for i, f := range found {
		had[i] = f.Source != source || f.Row != int64(i)
	}
	return had, nil
}

// ImportCSV reads a file and yields its rows, marked, as they are stored: those that it has yielded are, whatever comes of the rest.
// It holds a few thousand rows in memory. It ends with an error where the file can't be read on, and with those of Engine:
// *InputError, and journal.ErrKeyReused where the key was used for another file, as its first rows tell; then nothing was stored.
// Who stops the iteration stops the import.
func (e *Engine) ImportCSV(ctx context.Context, c ImportCSV, r io.Reader) iter.Seq2[Marked, error] {
	return func(yield func(Marked, error) bool) {
		fail := func(err error) { yield(Marked{}, fmt.Errorf("lead: import %s: %w", c.Key, err)) }
		if err := c.check(); err != nil {
			fail(err)
			return
		}
		in, err := newImportReader(c, r)
		if err != nil {
			fail(err)
			return
		}
		now := journal.Instant(e.opts.Now())
		for first := true; ; first = false {
			rows := in.next()
			var err error
			if first && len(rows) < known {
				err = in.err // what the file is known by is not all there
			}
			if first && err == nil && !e.dry {
				now, err = e.beginImport(ctx, c, rows, now)
			}
			if err == nil {
				err = e.importRows(ctx, c, rows, now)
			}
			if err != nil {
				fail(err)
				return
			}
			for _, row := range rows {
				if !yield(row.Marked, nil) {
					return
				}
			}
			if len(rows) < importBatch {
				break
			}
		}
		if in.err != nil {
			fail(in.err)
		}
	}
}

// beginImport has the journal tell of an import, once, and returns since when its contacts are in the library.
func (e *Engine) beginImport(ctx context.Context, c ImportCSV, rows []importRow, now time.Time) (since time.Time, err error) {
	var text [][]string
	for _, r := range rows[:min(len(rows), known)] {
		text = append(text, r.Fields)
	}
	subject, input := journal.Subject("lead/import", c.Key), journal.Hash("lead.importCSV", []any{c, text})
	entry := journal.Entry{
		Subject: subject, Seq: 1, Key: c.Key, Kind: "lead.importCSV", At: now, By: c.By, Input: input, Result: journal.JSON(now),
	}
	for range 2 { // the other one of two at once finds it at the second time
		l, err := e.store.LoadJob(ctx, JobLookup{Subject: subject, Key: c.Key})
		if err != nil {
			return since, err
		}
		if l.Entry != nil {
			return since, l.Entry.Replay(input, &since)
		}
		if err = e.store.SaveJob(ctx, JobChange{Entries: []journal.Entry{entry}}); !errors.Is(err, journal.ErrDuplicate) {
			return now, err
		}
	}
	return since, journal.ErrConflict
}

// importRows stores rows and marks them.
func (e *Engine) importRows(ctx context.Context, c ImportCSV, rows []importRow, since time.Time) error {
	source := "file " + c.Key
	var batch []Imported
	var of []*importRow
	for i := range rows {
		if rows[i].Mark == Unread {
			continue
		}
		batch, of = append(batch, Imported{rows[i].id, since, source, rows[i].Row}), append(of, &rows[i])
	}
	if e.dry || len(batch) == 0 {
		return nil
	}
	found, err := e.store.Import(ctx, batch)
	for i, f := range found {
		switch row := of[i]; {
		case f.Source == source && f.Row == row.Row && f.Lead:
			row.Mark = AddedLead
		case f.Source == source && f.Row == row.Row:
			row.Mark = Added
		case f.Source == source && f.Row < row.Row:
			row.Mark, row.Of = InFile, f.Row
		default:
			row.Mark = Had
		}
	}
	return err
}

// An importRow is a row with its contact.
type importRow struct {
	Marked
	id Identity
}

// An importReader reads the rows of a file.
type importReader struct {
	ImportCSV
	csv    *csv.Reader
	lines  *lineLimit
	column int
	row    int64
	err    error // that ended the file before its end
}

func newImportReader(c ImportCSV, r io.Reader) (*importReader, error) {
	in := &importReader{ImportCSV: c, lines: &lineLimit{r: bufio.NewReaderSize(r, 1<<16)}}
	if mark, err := in.lines.r.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		_, _ = in.lines.r.Discard(3)
	}
	in.csv = csv.NewReader(in.lines)
	in.csv.FieldsPerRecord, in.csv.LazyQuotes = -1, true
	if c.Column == "" {
		return in, nil
	}
	in.lines.begin()
	names, err := in.csv.Read()
	if err != nil && err != io.EOF {
		return nil, &InputError{Field: "file", Reason: "has no first line that can be read: " + err.Error()}
	}
	if in.column = slices.IndexFunc(names, func(n string) bool { return strings.TrimSpace(n) == c.Column }); in.column < 0 {
		return nil, &InputError{Field: "column", Reason: "is not among the names in the first line"}
	}
	return in, nil
}

// next returns the rows of the next batch. Fewer than that are the last ones.
func (in *importReader) next() (rows []importRow) {
	for len(rows) < importBatch && in.err == nil {
		in.lines.begin()
		fields, err := in.csv.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			in.err = &InputError{Field: "file", Reason: fmt.Sprintf("can't be read after row %d: %v", in.row, err)}
			break
		}
		in.row++
		rows = append(rows, importRow{Marked: Marked{Row: in.row, Fields: fields}})
	}
	each := max(1, (len(rows)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for part := range slices.Chunk(rows, each) {
		wg.Go(func() {
			for i := range part {
				part[i].read(in.ImportCSV, in.column)
			}
		})
	}
	wg.Wait()
	return rows
}

// read finds the contact of a row.
func (r *importRow) read(c ImportCSV, column int) {
	if column >= len(r.Fields) {
		r.Mark, r.Why = Unread, "the row has no such column"
		return
	}
	text := strings.TrimSpace(r.Fields[column])
	if c.Phones {
		n, err := phone.Parse(text, c.Region)
		if err != nil {
			r.Mark, r.Why = Unread, err.Error()
			return
		}
		text = n.E164
		if c.Namespace == WhatsApp {
			text = text[1:]
		}
	}
	id, err := Identity{c.Platform, c.Namespace, text}.normal()
	if err != nil {
		r.Mark, r.Why = Unread, err.Error()
		return
	}
	r.id = id
}

// A lineLimit gives a reader of rows no more than one row may have.
type lineLimit struct {
	r    *bufio.Reader
	left int
}

func (l *lineLimit) begin() { l.left = maxLine + l.r.Size() }

// Read implements io.Reader.
func (l *lineLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("a row is longer than %d bytes", maxLine)
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
