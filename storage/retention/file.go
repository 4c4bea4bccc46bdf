package retention

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// ErrBroken: the archive was cut off or changed, or it is none. Nothing was taken from the database.
var ErrBroken = errs.New(errs.Invalid, "retention: the archive is not whole; write it again")

// format is that of the files.
const format = 1

// A header is the first line of a file.
type header struct {
	Format int            `json:"format"`
	Tenant string         `json:"tenant"`
	From   journal.Cursor `json:"from"` // where the journal was read from
}

// A trailer is the last line.
type trailer struct {
	Entries int64  `json:"entries"`
	SHA256  string `json:"sha256"` // of all lines before it, in hexadecimal digits
}

// What lines begin with that are no records.
const (
	heading  = `{"format":`
	trailing = `{"entries":`
)

// A lineWriter writes a file.
type lineWriter struct {
	out   *bufio.Writer
	sum   hash.Hash
	lines *json.Encoder
	n     int64 // records
}

func newLineWriter(w io.Writer, h header) (*lineWriter, error) {
	l := &lineWriter{out: bufio.NewWriter(w), sum: sha256.New()}
	l.lines = json.NewEncoder(io.MultiWriter(l.out, l.sum))
	l.lines.SetEscapeHTML(false) // a body is written as it is
	return l, l.lines.Encode(h)
}

func (l *lineWriter) record(r journal.Record) error {
	l.n++
	return l.lines.Encode(r)
}

func (l *lineWriter) close() error {
	if err := l.lines.Encode(trailer{l.n, hex.EncodeToString(l.sum.Sum(nil))}); err != nil {
		return err
	}
	return l.out.Flush()
}

// Read yields the records of an archive, as the journal had them but for white space in their
// bodies. That the archive is whole is known at its end: it yields ErrBroken then, or the error of
// r, where it is not.
func Read(r io.Reader) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		if err := read(r, new(header), func(r journal.Record) bool { return yield(r, nil) }); err != nil {
			yield(journal.Record{}, err)
		}
	}
}

// read reads a file and calls each for its records, until that returns false.
func read(r io.Reader, h *header, each func(journal.Record) bool) error {
	in, sum, n := bufio.NewReader(r), sha256.New(), int64(-1)
	// A file that is something else may have no line, and any size.
	if first, err := in.Peek(len(heading)); err == nil && string(first) != heading {
		return ErrBroken
	}
	for ; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return ErrBroken
		}
		if err != nil {
			return fmt.Errorf("retention: read an archive: %w", err)
		}
		var record journal.Record
		switch {
		case n < 0:
			if err = strictly(line, h); err == nil && h.Format != format {
				err = fmt.Errorf("its format is %d", h.Format)
			}
		case bytes.HasPrefix(line, []byte(trailing)):
			want, _ := json.Marshal(trailer{n, hex.EncodeToString(sum.Sum(nil))})
			if _, err := in.ReadByte(); !errors.Is(err, io.EOF) || !bytes.Equal(line, append(want, '\n')) {
				return ErrBroken
			}
			return nil
		default:
			if err = strictly(line, &record); err == nil && !each(record) {
				return nil
			}
		}
		if err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrBroken, n+2, err)
		}
		sum.Write(line)
	}
}

// strictly decodes a line, all of it.
func strictly(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
