package lead_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// marks are the rows of an import, and how it ended.
func marks(seq iter.Seq2[lead.Marked, error]) (rows string, err error) {
	var b strings.Builder
	for m, err := range seq {
		if err != nil {
			return b.String(), err
		}
		fmt.Fprintf(&b, "%d %s", m.Row, m.Mark)
		if m.Of != 0 {
			fmt.Fprintf(&b, " %d", m.Of)
		}
		b.WriteString("; ")
	}
	return b.String(), nil
}

func TestImportCSV(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		file := "\xef\xbb\xbfname,\"phone\"\nAnn,alice\n\"Bob, Jr.\",bob\nAnn,alice\nEve\nJoe, carol \nNo,\n"
		list := lead.ImportCSV{Platform: "whatsapp", Column: "phone", Key: "may"}
		t.Run("marks what it adds, and what was there", func(t *testing.T) {
			e, _ := open(t, db.Tenant("marks"))
			must[lead.Job](t)(e.Put(ctx, put(func(p *lead.Put) {})))
			must[lead.Outcome](t)(e.Observe(ctx, met("A", person("carol"), inbound("1", "x", 0))))
			if _, err := e.Import(ctx, person("bob")); err != nil {
				t.Fatal(err)
			}
			want := "1 added; 2 had; 3 inFile 1; 4 unread; 5 addedLead; 6 unread; "
			for range 2 {
				if got, err := marks(e.ImportCSV(ctx, list, strings.NewReader(file))); err != nil || got != want {
					t.Fatalf("%s %v\nwant %s", got, err, want)
				}
			}
			next := list
			next.Key = "june"
			if got, err := marks(e.ImportCSV(ctx, next, strings.NewReader(file))); err != nil || got != "1 had; 2 had; 3 had; 4 unread; 5 had; 6 unread; " {
				t.Fatal(got, err)
			}
		})
		t.Run("goes on where it broke off", func(t *testing.T) {
			e, c := open(t, db.Tenant("resume"))
			var b strings.Builder
			for i := range 12_000 {
				fmt.Fprintf(&b, "contact-%d\n", i%9000)
			}
			list := list
			list.Column = ""
			if got, err := marks(e.ImportCSV(ctx, list, io.MultiReader(strings.NewReader(b.String()[:500]), brokenReader{}))); err == nil || got != "" {
				t.Fatal("begun before it is known:", got)
			}
			n := 0
			for _, err := range e.ImportCSV(ctx, list, io.MultiReader(strings.NewReader(b.String()[:100_000]), brokenReader{})) {
				if err != nil {
					break
				}
				n++
			}
			if n < 5000 || n > 12_000 {
				t.Fatal(n)
			}
			c.set(at(60))
			rows, dup := 0, 0
			for m, err := range e.ImportCSV(ctx, list, strings.NewReader(b.String())) {
				if err != nil {
					t.Fatal(err)
				}
				rows++
				if m.Mark == lead.InFile {
					dup++
					if m.Of != m.Row-9000 {
						t.Fatal(m)
					}
				} else if m.Mark != lead.Added {
					t.Fatal(m)
				}
			}
			if rows != 12_000 || dup != 3000 {
				t.Fatal(rows, dup)
			}
		})
		t.Run("refuses another file under its key, and what it can't read", func(t *testing.T) {
			e, _ := open(t, db.Tenant("refuses"))
			if _, err := marks(e.ImportCSV(ctx, list, strings.NewReader(file))); err != nil {
				t.Fatal(err)
			}
			if got, err := marks(e.ImportCSV(ctx, list, strings.NewReader("phone\nzoe\n"))); !errors.Is(err, journal.ErrKeyReused) || got != "" {
				t.Fatal(got, err)
			}
			for name, tt := range map[string]struct {
				c    lead.ImportCSV
				file string
			}{
				"no such column":  {lead.ImportCSV{Platform: "whatsapp", Column: "tel", Key: "1"}, file},
				"no platform":     {lead.ImportCSV{Key: "2"}, file},
				"no key":          {lead.ImportCSV{Platform: "whatsapp"}, file},
				"too many fields": {lead.ImportCSV{Platform: "whatsapp", Key: "5"}, strings.Repeat(",", 1000)},
				"a row too long":  {lead.ImportCSV{Platform: "whatsapp", Key: "3"}, "a\n" + strings.Repeat("x", 1<<20)},
				"no first line":   {lead.ImportCSV{Platform: "whatsapp", Column: "phone", Key: "4"}, ""},
			} {
				var bad *errs.InputError
				if _, err := marks(e.ImportCSV(ctx, tt.c, strings.NewReader(tt.file))); !errors.As(err, &bad) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if got, err := marks(e.Preview().ImportCSV(ctx, lead.ImportCSV{Platform: "line", Key: "dry"}, strings.NewReader("zoe\n"))); err == nil || got != "" {
				t.Fatal("an import is previewed:", got)
			}
			if had, err := e.Preview().Import(ctx, person("zoe")); err == nil {
				t.Fatal("an import is previewed:", had)
			}
			had, err := e.Import(ctx, []lead.Identity{{Platform: "whatsapp", ID: "zoe"}, {Platform: "line", ID: "zoe"}})
			if err != nil || had[0] || had[1] {
				t.Fatal(had, err)
			}
		})
		t.Run("marks a row as it did, whatever came since", func(t *testing.T) {
			e, c := open(t, db.Tenant("again"), "A")
			list := lead.ImportCSV{Platform: "whatsapp", Key: "may"}
			for range 2 {
				if got, err := marks(e.ImportCSV(ctx, list, strings.NewReader("zoe\n"))); err != nil || got != "1 added; " {
					t.Fatal(got, err)
				}
				c.set(at(1))
				must[lead.Outcome](t)(e.Observe(ctx, met("A", person("zoe"), inbound("1", "x", 1))))
			}
		})
		t.Run("gives back the error of what it reads from", func(t *testing.T) {
			e, _ := open(t, db.Tenant("reader"))
			list := lead.ImportCSV{Platform: "whatsapp", Key: "may"}
			got, err := marks(e.ImportCSV(ctx, list, io.MultiReader(strings.NewReader(strings.Repeat("a\n", 101)), brokenReader{})))
			var bad *errs.InputError
			if !errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &bad) || !strings.HasPrefix(got, "1 added; 2 inFile 1; ") {
				t.Fatal(got, err)
			}
		})
		t.Run("holds few rows where they are long", func(t *testing.T) {
			e, _ := open(t, db.Tenant("long"))
			read := 0
			file := readerFunc(func(p []byte) (int, error) {
				n := copy(p, strings.Repeat("x", 40_000)+"\n")
				read += n
				return n, nil
			})
			for _, err := range e.ImportCSV(ctx, lead.ImportCSV{Platform: "whatsapp", Key: "long"}, file) {
				if err != nil || read > 5<<20 {
					t.Fatal(read, err)
				}
				break
			}
		})
		t.Run("reads WhatsApp's old ids, but guesses nothing", func(t *testing.T) {
			e, _ := open(t, db.Tenant("old"))
			phones := lead.ImportCSV{Platform: "whatsapp", Namespace: lead.WhatsApp, Phones: true, Region: "MX", Key: "p"}
			got, err := marks(e.ImportCSV(ctx, phones, strings.NewReader("+525512345678\n+5215512345678\n5215512345678\n553188888888\n1380013800\n")))
			if err != nil || got != "1 added; 2 inFile 1; 3 inFile 1; 4 added; 5 unread; " {
				t.Fatal(got, err)
			}
		})
		t.Run("reads telephone numbers as people type them", func(t *testing.T) {
			e, _ := open(t, db.Tenant("phones"))
			phones := lead.ImportCSV{Platform: "whatsapp", Namespace: lead.WhatsApp, Phones: true, Region: "CN", Key: "p"}
			got, err := marks(e.ImportCSV(ctx, phones, strings.NewReader("138 0013 8000\n+86 13800138000\n12\n+55 31 8888-8888\n")))
			if err != nil || got != "1 added; 2 inFile 1; 3 unread; 4 added; " {
				t.Fatal(got, err)
			}
			had, err := e.Import(ctx, []lead.Identity{{Platform: "whatsapp", Namespace: lead.WhatsApp, ID: "5531988888888"}})
			if err != nil || !had[0] {
				t.Fatal("the number of Brazil in its other form:", had, err)
			}
		})
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func FuzzImportCSV(f *testing.F) {
	f.Add([]byte("phone\n138 0013 8000\n\"a\nb\",c\n"), true)
	f.Add([]byte("\xef\xbb\xbf\"\"\"\r\n\x00,\xff"), false)
	f.Fuzz(func(t *testing.T, file []byte, phones bool) {
		e := lead.New(memory.New(), nil)
		c := lead.ImportCSV{Platform: "whatsapp", Phones: phones, Region: "CN", Key: "k"}
		row := int64(0)
		for m, err := range e.ImportCSV(context.Background(), c, bytes.NewReader(file)) {
			if err != nil {
				return
			}
			row++
			if m.Row != row || m.Mark == "" || (m.Mark == lead.Unread) != (m.Why != "") || m.Mark == lead.Had || m.Mark == lead.AddedLead {
				t.Fatalf("%+v", m)
			}
			if m.Why != "" && !utf8.ValidString(m.Why) {
				t.Fatalf("%q", m.Why)
			}
		}
	})
}
