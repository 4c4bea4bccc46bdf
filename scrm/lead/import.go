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

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/phone"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An ImportCSV adds the contacts of a CSV file to the library (底库), as Import does.
//
// Its Key names the file, and each row goes by it and by its number: run again with its key, from
// the beginning of the same file, an import that broke off goes on, and marks every row as it was
// marked, or would have been, at first.
type ImportCSV struct {
	Platform  ids.Platform `json:"platform"`            // platform of the contacts
	Namespace string       `json:"namespace,omitempty"` // whose ids they are; "": see Identity
	Column    string       `json:"column,omitempty"`    // of the ids, by its name in the first line; "": the first one, and the first line is a row
	Phones    bool         `json:"phones,omitempty"`    // they are telephone numbers as people type them: of WhatsApp; else the ids are E.164, for platforms that have such
	Region    string       `json:"region,omitempty"`    // of telephone numbers without a country code, as ISO 3166-1 alpha-2
	By        string       `json:"by,omitempty"`        // who did it, for the journal
	Key       string       `json:"-"`                   // names the file; required
}

// A Mark is what became of a row.
type Mark string

// The marks.
const (
	Added     Mark = "added"     // neither the library nor an event had the contact
	AddedLead Mark = "addedLead" // an event had the contact before the library
	InFile    Mark = "inFile"    // a row before has the contact
	Had       Mark = "had"       // the library had the contact already
	Unread    Mark = "unread"    // the row has no contact that can be read, and was passed by
)

// A Marked is a row of an import.
type Marked struct {
	Row    int64    // from 1, without the line of the names
	Fields []string // as they were read
	Mark   Mark     // what became of it
	Of     int64    // with InFile: the row before
	Why    string   // with Unread
}

const (
	importBatch = 5000    // rows that are stored at a time, at most
	batchBytes  = 4 << 20 // of their fields in memory, but for one row
	known       = 100     // rows that a file is known by
	maxLine     = 1 << 16 // bytes of a row
	maxFields   = 1000    // of a row
	readAhead   = 4096    // bytes that csv.Reader reads beyond a row
)

func (c ImportCSV) check() error {
	return cmp.Or(valid.ID("platform", c.Platform), valid.OptionalID("namespace", c.Namespace), valid.Text("column", c.Column),
		valid.OptionalID("region", c.Region), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

// errDryImport: what Preview returns does not import.
var errDryImport = errors.New("lead: an import can't be previewed")

// Import adds contacts to the library (底库), and returns which of them it had before. It may run
// twice. It is for the events from Notice after now on.
func (e *Engine) Import(ctx context.Context, identities []Identity) (had []bool, err error) {
	ctx, call := e.frame.Begin(ctx, "lead.import", "")
	defer call.End(&err)
	if e.frame.Dry {
		return nil, errDryImport
	}
	rows := make([]Imported, len(identities))
	source, since := "import "+rand.Text(), e.frame.Now().Add(Notice)
	for i, id := range identities {
		if id, err = id.normal(); err != nil {
			return nil, fmt.Errorf("lead: import %d: %w", i, err)
		}
		rows[i] = Imported{Identity: id, Since: since, Source: source, Row: int64(i)}
	}
	had = make([]bool, len(identities))
	if len(identities) == 0 {
		return had, nil
	}
	found, err := addToLibrary(ctx, e.frame.Store, rows)
	if err != nil {
		return nil, fmt.Errorf("lead: import: %w", err)
	}
	for i, f := range found {
		had[i] = f.Source != source || f.Row != int64(i)
	}
	return had, nil
}

// ImportCSV reads a file and yields its rows, marked, as they are stored: those that it has yielded
// are, whatever comes of the rest. Each is for the events from Notice on after it was stored first.
// It holds at most 5,000 rows in memory, of at most 64 KiB and 1,000 fields each, and 4 MiB of
// them. It ends with the error of r, wrapped, and with those of Engine: *errs.InputError where a
// row is no CSV or too long, and journal.ErrKeyReused where the key was used for another file, as
// its first rows show; then nothing was stored. Who stops the iteration stops the import.
func (e *Engine) ImportCSV(ctx context.Context, c ImportCSV, r io.Reader) iter.Seq2[Marked, error] {
	return func(yield func(Marked, error) bool) {
		fail := func(err error) { yield(Marked{}, fmt.Errorf("lead: import %s: %w", c.Key, err)) }
		err := c.check()
		if err == nil && c.Phones {
			c.Namespace, err = phoneNamespace(c.Platform, c.Namespace)
		}
		if err != nil || e.frame.Dry {
			fail(cmp.Or(err, errDryImport))
			return
		}
		in, err := newImportReader(c, r)
		if err != nil {
			fail(err)
			return
		}
		for first := true; !in.done; first = false {
			rows := in.next()
			var err error
			if first && len(rows) < known {
				err = in.err // what the file is known by is not all there
			}
			if first && err == nil {
				err = e.beginImport(ctx, c, rows)
			}
			if err == nil {
				err = e.importRows(ctx, c, rows)
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
		}
		if in.err != nil {
			fail(in.err)
		}
	}
}

// beginImport has the journal tell of an import, once. What it has of the rows is so short that no
// number can be found by it.
func (e *Engine) beginImport(ctx context.Context, c ImportCSV, rows []importRow) error {
	var text [][]string
	for _, r := range rows[:min(len(rows), known)] {
		text = append(text, r.Fields)
	}
	now, subject := e.frame.Now(), journal.Subject("lead/import", c.Key)
	input := journal.Hash(string(KindImportCSV), []any{c, journal.Hash("rows", text)[:2]})
	entry := journal.Entry{
		Subject: subject, Seq: 1, Key: c.Key, Kind: string(KindImportCSV), At: now, By: c.By, Input: input, Result: journal.JSON(now),
	}
	return combine.Retry(ctx, func() error {
		l, err := loadJob(ctx, e.frame.Store, jobLookup{subject: subject, key: c.Key})
		switch {
		case err != nil:
			return err
		case l.entry != nil:
			var began time.Time
			return l.entry.Replay(input, &began)
		}
		return jobChange{entries: []journal.Entry{entry}}.save(ctx, e.frame.Store)
	})
}

// importRows stores rows and marks them.
func (e *Engine) importRows(ctx context.Context, c ImportCSV, rows []importRow) error {
	source, since := "file "+c.Key, e.frame.Now().Add(Notice)
	var batch []Imported
	var of []*importRow
	for i := range rows {
		if rows[i].Mark == Unread {
			continue
		}
		batch, of = append(batch, Imported{Identity: rows[i].id, Since: since, Source: source, Row: rows[i].Row}), append(of, &rows[i])
	}
	if len(batch) == 0 {
		return nil
	}
	found, err := addToLibrary(ctx, e.frame.Store, batch)
	for i, f := range found {
		switch row := of[i]; {
		case f.Source == source && f.Row == row.Row && f.Met:
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
	done   bool  // there is no further row
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
		return nil, unreadable("has no first line that can be read", err)
	}
	if in.column = slices.IndexFunc(names, func(n string) bool { return strings.TrimSpace(n) == c.Column }); in.column < 0 {
		return nil, &errs.InputError{Field: "column", Reason: "is not among the names in the first line"}
	}
	return in, nil
}

// unreadable returns why a file can't be read: what is no CSV is the caller's, and other errors are
// those of its reader.
func unreadable(what string, err error) error {
	var bad *csv.ParseError
	if errors.As(err, &bad) || errors.Is(err, errLong) {
		return &errs.InputError{Field: "file", Reason: what + ": " + err.Error()}
	}
	return fmt.Errorf("the file %s: %w", what, err)
}

// next returns the rows of the next batch.
func (in *importReader) next() (rows []importRow) {
	for bytes := 0; len(rows) < importBatch && bytes < batchBytes && !in.done; {
		in.lines.begin()
		fields, err := in.csv.Read()
		if err == io.EOF {
			in.done = true
			break
		}
		if err == nil && len(fields) > maxFields {
			err = errLong
		}
		if err != nil {
			in.done, in.err = true, unreadable(fmt.Sprintf("can't be read after row %d", in.row), err)
			break
		}
		in.row++
		rows = append(rows, importRow{Marked: Marked{Row: in.row, Fields: fields}})
		for _, f := range fields {
			bytes += len(f) + 16
		}
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
		number, err := c.number(text)
		if err != nil {
			r.Mark, r.Why = Unread, err.Error()
			return
		}
		text = number
	}
	id, err := Identity{c.Platform, c.Namespace, text}.normal()
	if err != nil {
		r.Mark, r.Why = Unread, err.Error()
		return
	}
	r.id = id
}

// number returns the telephone number of a text as its namespace has it. An old id of WhatsApp's is
// read as the number of today.
func (c ImportCSV) number(text string) (string, error) {
	n, err := phone.Parse(text, c.Region)
	if c.Namespace != WhatsApp {
		return n.E164, err
	}
	digits := strings.TrimPrefix(text, "+")
	if number, oldErr := phone.WhatsApp(digits); err != nil && oldErr == nil && number != "+"+digits {
		n.E164, err = number, nil
	}
	return strings.TrimPrefix(n.E164, "+"), err
}

// errLong: a row has more than one row may have.
var errLong = fmt.Errorf("a row is longer than %d bytes, or has more than %d fields", maxLine, maxFields)

// A lineLimit gives a reader of rows no more than one row may have.
type lineLimit struct {
	r    *bufio.Reader
	left int
}

func (l *lineLimit) begin() { l.left = maxLine + readAhead }

// Read implements io.Reader.
func (l *lineLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLong
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
