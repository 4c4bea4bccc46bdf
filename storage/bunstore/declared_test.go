package bunstore_test

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/internal/schemas"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

// homes are the folders of the schemas.
var homes = map[string]string{
	"journal": "storage/bunstore", "activation": "scrm/activation", "routing": "scrm/lead/routing", "lead": "scrm/lead", "loyalty": "loyalty",
	"otp": "otp", "reward": "loyalty/reward", "shop": "stamps/shop", "stamps": "stamps", "ticket": "scrm/ticket", "wechat": "wechat", "miniprogram": "wechat/miniprogram", "callback": "wechat/callback",
	"customer":      "scrm/customer",
	"delivery":      "otp/delivery",
	"session":       "scrm/session",
	"notice":        "scrm/notice",
	"subscription":  "wechat/subscription",
	"authenticator": "otp/authenticator",
	"relay":         "storage/relay",
	"retention":     "storage/retention",
}

var update = flag.Bool("update", false, "write the files of migrations that are missing, and note new ones")

// The first file of each schema is what Script gives, or else a later one changes its tables; each
// tells its own checksum; and none is other than it was when it was first noted in
// testdata/migrations.txt, for then it may have been run somewhere. What changes is a new file.
func TestFiles(t *testing.T) {
	const noted = "testdata/migrations.txt"
	text, err := os.ReadFile(noted)
	check(t, err)
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, sum, _ := strings.Cut(strings.TrimSpace(line), " ")
		sums[name] = sum
	}
	for _, s := range append([]storage.Schema{bunstore.Journal}, schemas.All...) {
		for d, folder := range map[dialect.Name]string{dialect.PG: "postgres", dialect.SQLite: "sqlite"} {
			dir := filepath.Join("../..", homes[s.Name], "migrations", folder)
			first := filepath.Join(dir, "0001_tables.up.sql")
			if _, err := os.Stat(first); errors.Is(err, fs.ErrNotExist) && *update {
				check(t, os.MkdirAll(dir, 0o755))
				check(t, os.WriteFile(first, []byte(bunstore.Script(d, s)), 0o644))
			}
			paths, err := filepath.Glob(filepath.Join(dir, "*"))
			check(t, err)
			for _, path := range paths {
				text, err := os.ReadFile(path)
				check(t, err)
				name := s.Name + "/" + folder + "/" + filepath.Base(path)
				sum := fmt.Sprintf("%x", sha256.Sum256(text))
				if sums[name] == "" && *update {
					sums[name] = sum
				}
				if sums[name] != sum {
					t.Errorf("%s was edited, or is new and not noted in %s", name, noted)
				}
				body, record, records := strings.Cut(string(text), "insert into ")
				if own := fmt.Sprintf("'%x');\n", sha256.Sum256([]byte(body))); records && !strings.HasSuffix(record, own) {
					t.Errorf("%s does not record its checksum, %s", name, own)
				}
				bare := s.Name == "delivery" && filepath.Base(path) == "0002_vendor.up.sql" // published so; Migrations adds the line
				if !bare && !strings.Contains(string(text), "-- +goose Up\n") {
					t.Errorf("%s is none that goose reads", name)
				}
				if !records && !strings.Contains(string(text), "-- +goose NO TRANSACTION\n") {
					t.Errorf("%s does not record itself", name)
				}
			}
			later := slices.DeleteFunc(paths[1:], func(path string) bool { return filepath.Base(path) == "0002_views.up.sql" })
			if len(later) == 0 && s.Name != "journal" {
				text, err := os.ReadFile(first)
				check(t, err)
				if diff := cmp.Diff(bunstore.Script(d, s), string(text)); diff != "" {
					t.Errorf("%s (-declared +file):\n%s", first, diff)
				}
			}
		}
	}
	if *update {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(sums)) {
			fmt.Fprintln(&b, name, sums[name])
		}
		check(t, os.WriteFile(noted, []byte(b.String()), 0o644))
	}
}

// tablesOf returns the tables of schemas.
func tablesOf(schemas ...storage.Schema) (all []storage.Declared) {
	for _, s := range schemas {
		all = append(all, s.Tables...)
	}
	return all
}

// A database whose tables were made before each context had files of its own is, after Migrate, one
// that was made by them: the columns of each table, its indexes and how full its pages get. Defaults of
// columns that were added later stay, but no insert leaves a column out.
func TestAdoption(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	ours := "'" + strings.Join(names(tablesOf(schemas.All...)), "', '") + "', 'journal_entry', 'journal_epoch', 'scrmkit_schema'"
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			adopted, made := open(t), open(t)
			files, err := filepath.Glob("flat/" + name + "/*.sql")
			check(t, err)
			for _, path := range files {
				text, err := os.ReadFile(path)
				check(t, err)
				execScript(t, adopted, string(text))
			}
			newStore(t, adopted, schemas.All...)
			check(t, bunstore.Validate(t.Context(), adopted, schemas.All...))
			newStore(t, made, schemas.All...)
			for what, query := range map[string]string{
				"sqlite columns": `select m.name || '.' || c.name || ' ' || upper(c.type) || ' ' || (c."notnull" = 0) || ' ' || c.pk
					from sqlite_master m, pragma_table_info(m.name) c where m.name in (` + ours + `) order by m.name, c.name`,
				"sqlite indexes": `select sql from sqlite_master where type = 'index' and sql is not null and tbl_name in (` + ours + `) order by name`,
				"postgres columns": `select concat_ws(' ', table_name, column_name, data_type, is_nullable,
					case table_name when 'journal_entry' then column_default end, collation_name)
					from information_schema.columns where table_schema = 'scrmkit' and table_name in (` + ours + `) order by 1`,
				"postgres indexes": `select indexdef from pg_indexes where schemaname = 'scrmkit' and tablename in (` + ours + `) order by indexname`,
				"postgres pages":   `select relname || ' ' || reloptions::text from pg_class where relnamespace = 'scrmkit'::regnamespace and relname in (` + ours + `) and reloptions is not null order by 1`,
			} {
				if !strings.HasPrefix(what, name) {
					continue
				}
				want, got := flat(texts(t, made, query)), flat(texts(t, adopted, query))
				for i := range min(len(want), len(got)) {
					if got[i] == want[i]+" C" { // of bytes, though no index orders rows by it
						got[i] = want[i]
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-made +adopted):\n%s", what, diff)
				}
			}
		})
	}
}

func names(tables []storage.Declared) (all []string) {
	for _, t := range tables {
		all = append(all, t.Def().Name)
	}
	return all
}

var spaces = regexp.MustCompile(`\s+`)

func flat(all []string) []string {
	for i, s := range all {
		all[i] = spaces.ReplaceAllString(s, " ")
	}
	return all
}

// However much of an index a range names, and however large its tenant is, the plan is a walk along
// that index, which reads no rows but those of the range. One that fits on a page may be read whole
// and then be sorted.
func TestEveryIndexIsUsed(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	t.Parallel()
	db := openPostgres(t)
	store := newStore(t, db, append(tested, schemas.All...)...)
	tables := tablesOf(append(schemas.All, storagetest.Tables)...)
	for _, table := range tables {
		grow(t, db, table.Def())
	}
	walks := func(plan, name string) bool {
		return strings.Contains(plan, "using "+name+" ") && !strings.Contains(plan, "Sort")
	}
	nameOf := func(d *storage.Def, x *storage.IndexDef) string {
		if x.Name == "" {
			return d.Name + "_pkey"
		}
		return x.Name
	}
	for _, table := range tables { // of which nothing is known yet
		d := table.Def()
		for _, x := range append([]*storage.IndexDef{d.Primary()}, d.Indexes...) {
			plan, err := store.Tenant("large").Explain(t.Context(), storage.Query{Index: x})
			if check(t, err); !walks(plan, nameOf(d, x)) {
				t.Errorf("%s, before it is analyzed:\n%s", nameOf(d, x), plan)
			}
		}
	}
	execScript(t, db, "analyze")
	for _, table := range tables {
		d := table.Def()
		for _, x := range append([]*storage.IndexDef{d.Primary()}, d.Indexes...) {
			name := nameOf(d, x)
			for n := range len(x.Order()) {
				for _, tenant := range []string{"large", "none"} {
					if n == 0 && tenant == "none" {
						continue // there is nothing to read, along whichever index
					}
					q := storage.Query{Index: x}
					for _, c := range x.Order()[:n] {
						q.Prefix = append(q.Prefix, sample(d.Columns[c].Kind))
					}
					plan, err := store.Tenant(tenant).Explain(t.Context(), q)
					check(t, err)
					if !walks(plan, name) && !strings.Contains(plan, "Bitmap Index Scan on "+name+"\n") || strings.Contains(plan, "Seq Scan") {
						t.Errorf("%d columns of %s, tenant %s:\n%s", n, name, tenant, plan)
					}
				}
			}
		}
	}
	walkViews(t, db)
}

func sample(k storage.Kind) storage.Value {
	return storage.Value{Kind: k, Int: 7, Text: "v7", Bytes: []byte("v7")}
}

// grow gives a table rows of a large tenant and of a small one.
func grow(t *testing.T, db *bun.DB, d *storage.Def) {
	t.Helper()
	columns := []string{"tenant"}
	values := []string{"case when i % 10 = 0 then 'small' else 'large' end"}
	for n, c := range d.Columns {
		number := "i"
		if n < d.Key-1 {
			number = "(i / 20)"
		}
		if n >= d.Key {
			number = "(i % 100)"
		}
		columns = append(columns, c.Name)
		values = append(values, map[storage.Kind]string{
			storage.KindText: "'v' || " + number, storage.KindInt: number, storage.KindTime: "now() + " + number + " * interval '1 min'",
			storage.KindBytes: "decode(md5(" + number + "::text), 'hex')", storage.KindJSON: "'{}'",
		}[c.Kind])
	}
	for _, x := range d.Indexes {
		if x.Unique { // each row has a place of its own
			values[1+x.Sparse.Column] = map[storage.Kind]string{storage.KindText: "'v' || i", storage.KindInt: "i", storage.KindBytes: "decode(md5(i::text), 'hex')"}[d.Columns[x.Sparse.Column].Kind]
		}
		switch s := x.Sparse; {
		case s == nil || len(s.In) == 0:
		case s.In[0].Null:
			values[1+s.Column] = "case when i % 4 > 0 then now() end"
		default:
			values[1+s.Column] = fmt.Sprintf("case when i %% 4 = 0 then '%s' else 'none' end", s.In[0].Text)
		}
	}
	execScript(t, db, "insert into scrmkit."+d.Name+" ("+strings.Join(columns, ", ")+") select "+strings.Join(values, ", ")+
		" from generate_series(1, 20000) as i")
}
