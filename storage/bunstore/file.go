package bunstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/storage"
)

// Journal has the table of the journal, which every database has. Migrate makes it by itself; a
// migration tool runs its files like those of the schemas.
var Journal = storage.Schema{Name: "journal", Tables: []storage.Declared{journalTable}, Files: migrations}

//go:embed migrations
var migrations embed.FS

// journalTable is what Validate looks for.
var journalTable = func() declared {
	d := &storage.Def{Name: entryTable.name}
	for _, c := range append(entryTable.columns[:len(entryTable.columns):len(entryTable.columns)], column{"pos", integer}) {
		k := map[kind]storage.Kind{text: storage.KindText, integer: storage.KindInt, instant: storage.KindTime, binary: storage.KindBytes}[c.kind]
		d.Columns = append(d.Columns, storage.Column{Name: c.name, Kind: k})
	}
	const subject, key, seq, pos = 0, 1, 2, 9
	d.Indexes = []*storage.IndexDef{
		{Name: "journal_entry_key", Table: d, Columns: []int{subject, key}, Unique: true},
		{Name: "journal_entry_seq", Table: d, Columns: []int{subject, seq}},
		{Name: "journal_entry_pos", Table: d, Columns: []int{pos}},
	}
	return declared{d}
}()

// declared is a table without a type of its rows.
type declared struct{ def *storage.Def }

// Def implements [storage.Declared].
func (d declared) Def() *storage.Def { return d.def }

// Migrations returns the files of a schema for a dialect, 0001_tables.up.sql and so on, for goose or
// golang-migrate: each once, in the order of their numbers and with a table of versions for each
// schema. A file records itself for Migrate and Validate, but where it has one statement alone. The
// result is empty where the schema has no files for the dialect.
func Migrations(d dialect.Name, s storage.Schema) fs.FS {
	g, ok := grammars[d]
	if !ok {
		return embed.FS{}
	}
	return annotated{filesOf(g, s)}
}

// filesOf returns the files of a schema as they are.
func filesOf(g grammar, s storage.Schema) fs.FS {
	if s.Files == nil {
		return embed.FS{}
	}
	files, err := fs.Sub(s.Files, "migrations/"+g.String())
	if err != nil {
		return embed.FS{}
	}
	return files
}

// annotated are files with the line without which goose reads none. A file that was published
// without it stays as it is, for its checksum is in databases.
type annotated struct{ fs.FS }

const annotation = "-- +goose Up\n"

// Open implements [fs.FS].
func (a annotated) Open(name string) (fs.File, error) {
	f, err := a.FS.Open(name)
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(a.FS, name)
	if err != nil || strings.Contains(string(text), annotation) {
		return f, nil // it is a folder, or has the line
	}
	return longer{f, io.MultiReader(strings.NewReader(annotation), f)}, nil
}

// A longer file begins with the annotation.
type longer struct {
	fs.File
	text io.Reader
}

func (f longer) Read(p []byte) (int, error) { return f.text.Read(p) }

func (f longer) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	return longerInfo{info}, err
}

type longerInfo struct{ fs.FileInfo }

func (i longerInfo) Size() int64 { return i.FileInfo.Size() + int64(len(annotation)) }

// String returns the name of the folder of the files.
func (g grammar) String() string {
	if g == sqlite {
		return "sqlite"
	}
	return "postgres"
}

// recordTable has a row for each file that was run.
const recordTable = "scrmkit_schema"

const createSchema = "create schema if not exists scrmkit"

// prologue makes the table of the files that were run.
func (g grammar) prologue() string {
	applied := "timestamptz not null default now()"
	if g == sqlite {
		applied = "integer not null default (unixepoch() * 1000000)"
	}
	return "create table if not exists " + g.name(recordTable) + ` (
	context text not null,
	version ` + g.typeOf(integer) + ` not null,
	name text not null,
	checksum text not null,
	applied ` + applied + `,
	primary key (context, version)
);
`
}

// A file of a schema.
type file struct {
	fileID
	name  string // without its number
	text  string
	sum   string // of the text, without the statement that records it
	alone bool   // it can't be run in a transaction
}

type fileID struct {
	schema  string
	version int64
}

// String returns what the file is told by.
func (f *file) String() string { return fmt.Sprintf("%s/%04d_%s", f.schema, f.version, f.name) }

// record returns the statement that records the file.
func (f *file) record(g grammar) string {
	return fmt.Sprintf("insert into %s (context, version, name, checksum) values ('%s', %d, '%s', '%s');\n",
		g.name(recordTable), f.schema, f.version, f.name, f.sum)
}

var (
	schemaNames = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	fileNames   = regexp.MustCompile(`^([0-9]{4,})_([a-z0-9_]+)\.up\.sql$`)
	concurrent  = regexp.MustCompile(`(?i)create\s+(?:unique\s+)?index\s+concurrently\s+if\s+not\s+exists\s+(\w+)`)
)

// readAll returns the files of the schemas.
func readAll(g grammar, schemas []storage.Schema) (all []file, err error) {
	for _, s := range schemas {
		if !schemaNames.MatchString(s.Name) {
			return nil, fmt.Errorf("the name of schema %q has other letters than a to z, 0 to 9 and _", s.Name)
		}
		files := filesOf(g, s)
		names, err := fs.Glob(files, "*.sql")
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("schema %s has no files in migrations/%s", s.Name, g)
		}
		for i, name := range names {
			parts := fileNames.FindStringSubmatch(name)
			if parts == nil {
				return nil, fmt.Errorf("schema %s: file %s is not named like 0001_tables.up.sql", s.Name, name)
			}
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, err
			}
			version, err := strconv.ParseInt(parts[1], 10, 64)
			if err != nil || version != int64(i+1) {
				return nil, fmt.Errorf("schema %s: file %s is not number %d", s.Name, name, i+1)
			}
			all = append(all, newFile(g, fileID{s.Name, version}, parts[2], string(text)))
		}
	}
	return all, nil
}

// newFile returns a file with its checksum.
func newFile(g grammar, id fileID, name, text string) file {
	f := file{fileID: id, name: name, text: text, alone: g == postgres && strings.Contains(text, "-- +goose NO TRANSACTION\n")}
	body, _, _ := strings.Cut(text, "insert into "+g.name(recordTable)+" ")
	sum := sha256.Sum256([]byte(body))
	f.sum = hex.EncodeToString(sum[:])
	return f
}

// runOutside runs the one statement of a file outside of a transaction. An index that an earlier run
// was interrupted in is made again.
func (f *file) runOutside(ctx context.Context, db *sql.DB) error {
	if m := concurrent.FindStringSubmatch(f.text); m != nil {
		const broken = `select exists (select from pg_index i join pg_class c on c.oid = i.indexrelid
			where c.relnamespace = 'scrmkit'::regnamespace and c.relname = '%s' and not i.indisvalid)`
		var drop bool
		if err := db.QueryRowContext(ctx, fmt.Sprintf(broken, m[1])).Scan(&drop); err != nil {
			return err
		}
		if drop {
			if _, err := db.ExecContext(ctx, "drop index concurrently scrmkit."+m[1]); err != nil {
				return err
			}
		}
	}
	_, err := db.ExecContext(ctx, strings.TrimSuffix(strings.TrimSpace(f.text), ";"))
	return err
}
