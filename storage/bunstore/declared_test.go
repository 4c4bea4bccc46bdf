package bunstore_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/dispatch"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

// declared are the tables of every package.
var declared = slices.Concat(
	activation.Tables, dispatch.Tables, lead.Tables, loyalty.Tables, otp.Tables, reward.Tables, shop.Tables, stamps.Tables, ticket.Tables,
)

// What the migrations make is what the packages declare: the columns of each table, and its indexes.
func TestDeclaredTables(t *testing.T) {
	ours := "'" + strings.Join(names(declared), "', '") + "'"
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			migrated, made := open(t), open(t)
			newStore(t, migrated)
			if made.Dialect().Name() == dialect.PG {
				execScript(t, made, "create schema scrmkit")
			}
			execScript(t, made, bunstore.Schema(made.Dialect().Name(), declared...))
			for what, query := range map[string]string{
				"sqlite columns": `select m.name || '.' || c.name || ' ' || upper(c.type) || ' ' || (c."notnull" = 0) || ' ' || c.pk
					from sqlite_master m, pragma_table_info(m.name) c where m.name in (` + ours + `) order by m.name, c.name`,
				"sqlite indexes": `select sql from sqlite_master where type = 'index' and sql is not null and tbl_name in (` + ours + `) order by name`,
				"postgres columns": `select concat_ws(' ', table_name, column_name, data_type, is_nullable, collation_name)
					from information_schema.columns where table_schema = 'scrmkit' and table_name in (` + ours + `) order by 1`,
				"postgres indexes": `select indexdef from pg_indexes where schemaname = 'scrmkit' and tablename in (` + ours + `) order by indexname`,
			} {
				if !strings.HasPrefix(what, name) {
					continue
				}
				want, got := flat(texts(t, made, query)), flat(texts(t, migrated, query))
				for i := range min(len(want), len(got)) {
					if got[i] == want[i]+" C" { // of bytes, though no index orders rows by it
						got[i] = want[i]
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-declared +migrated):\n%s", what, diff)
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
	alone(t)
	db := openPostgres(t)
	store := newStore(t, db)
	execScript(t, db, bunstore.Schema(dialect.PG, storagetest.Tables...))
	tables := slices.Concat(declared, storagetest.Tables)
	for _, table := range tables {
		grow(t, db, table.Def())
	}
	execScript(t, db, "analyze")
	for _, table := range tables {
		d := table.Def()
		for _, x := range append([]*storage.IndexDef{d.Primary()}, d.Indexes...) {
			name := x.Name
			if name == "" {
				name = d.Name + "_pkey"
			}
			for n := range len(x.Order()) {
				for _, tenant := range []string{"large", "none"} {
					if n == 0 && tenant == "none" {
						continue // there is nothing to read, along whichever index
					}
					q := storage.Query{Index: x}
					for _, c := range x.Order()[:n] {
						q.Prefix = append(q.Prefix, sample(d.Columns[c].Kind))
					}
					plan, err := store.Tenant(tenant).(*bunstore.DB).Explain(t.Context(), q)
					check(t, err)
					walk := strings.Contains(plan, "using "+name+" ") && !strings.Contains(plan, "Sort")
					if !walk && !strings.Contains(plan, "Bitmap Index Scan on "+name+"\n") || strings.Contains(plan, "Seq Scan") {
						t.Errorf("%d columns of %s, tenant %s:\n%s", n, name, tenant, plan)
					}
				}
			}
		}
	}
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
