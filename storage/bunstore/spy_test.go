package bunstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

// A spy is a connector to a database that keeps what is sent, and what is asked about it.
type spy struct {
	driver.Connector
	servers chan struct{}      // held while something is under way, as a connection of a pooler to its server; nil: there are enough
	prepare func(query string) // called before a statement is prepared; nil: nothing is

	mu      sync.Mutex
	sent    map[string]bool
	counted map[string]bool     // whose count of rows was read
	answers map[string][]string // the types of the columns of an answer
	closed  int                 // statements
}

func (s *spy) note(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn()
}

// answered keeps the types of the columns of an answer, where the driver tells them.
func (s *spy) answered(query string, rows driver.Rows) {
	typed, ok := rows.(driver.RowsColumnTypeDatabaseTypeName)
	if !ok {
		return
	}
	var types []string
	for i := range rows.Columns() {
		types = append(types, typed.ColumnTypeDatabaseTypeName(i))
	}
	s.note(func() { s.answers[query] = types })
}

func (s *spy) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &spyConn{driverConn: c.(driverConn), spy: s}, nil
}

// A driverConn is a connection as database/sql uses those of pgx and modernc.org/sqlite.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type spyConn struct {
	driverConn
	spy  *spy
	held bool // by a transaction
}

// serve runs fn while it has a connection to the server.
func (c *spyConn) serve(ctx context.Context, fn func() error) error {
	if c.spy.servers == nil || c.held {
		return fn()
	}
	select {
	case c.spy.servers <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() {
		if !c.held {
			<-c.spy.servers
		}
	}()
	return fn()
}

func (c *spyConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.driverConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *spyConn) BeginTx(ctx context.Context, opts driver.TxOptions) (tx driver.Tx, err error) {
	err = c.serve(ctx, func() error {
		tx, err = c.driverConn.BeginTx(ctx, opts)
		c.held = err == nil
		return err
	})
	return spyTx{tx, c}, err
}

type spyTx struct {
	driver.Tx
	c *spyConn
}

func (t spyTx) end(fn func() error) error {
	defer func() {
		t.c.held = false
		if t.c.spy.servers != nil {
			<-t.c.spy.servers
		}
	}()
	return fn()
}

func (t spyTx) Commit() error   { return t.end(t.Tx.Commit) }
func (t spyTx) Rollback() error { return t.end(t.Tx.Rollback) }

func (c *spyConn) PrepareContext(ctx context.Context, query string) (stmt driver.Stmt, err error) {
	if c.spy.prepare != nil {
		c.spy.prepare(query)
	}
	err = c.serve(ctx, func() error {
		stmt, err = c.driverConn.PrepareContext(ctx, query)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &spyStmt{stmt, c, query}, nil
}

func (c *spyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	c.spy.note(func() { c.spy.sent[query] = true })
	err = c.serve(ctx, func() error {
		rows, err = c.driverConn.QueryContext(ctx, query, args)
		return err
	})
	if err == nil {
		c.spy.answered(query, rows)
	}
	return rows, err
}

func (c *spyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	c.spy.note(func() { c.spy.sent[query] = true })
	err = c.serve(ctx, func() error {
		result, err = c.driverConn.ExecContext(ctx, query, args)
		return err
	})
	return spyResult{result, c.spy, query}, err
}

type spyStmt struct {
	driver.Stmt
	c     *spyConn
	query string
}

func (s *spyStmt) Close() error {
	s.c.spy.note(func() { s.c.spy.closed++ })
	return s.c.serve(context.Background(), s.Stmt.Close)
}

func (s *spyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (rows driver.Rows, err error) {
	s.c.spy.note(func() { s.c.spy.sent[s.query] = true })
	err = s.c.serve(ctx, func() error {
		rows, err = s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
		return err
	})
	if err == nil {
		s.c.spy.answered(s.query, rows)
	}
	return rows, err
}

func (s *spyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (result driver.Result, err error) {
	s.c.spy.note(func() { s.c.spy.sent[s.query] = true })
	err = s.c.serve(ctx, func() error {
		result, err = s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
		return err
	})
	return spyResult{result, s.c.spy, s.query}, err
}

type spyResult struct {
	driver.Result
	spy   *spy
	query string
}

func (r spyResult) RowsAffected() (int64, error) {
	r.spy.note(func() { r.spy.counted[r.query] = true })
	return r.Result.RowsAffected()
}

// spied are the databases, each with a spy.
var spied = map[string]func(t testing.TB) (*bun.DB, *spy){
	"sqlite": func(t testing.TB) (*bun.DB, *spy) {
		return spyOn(t, openSQLite(t), sqliteConnector{openSQLite(t).Driver(), sqliteDSN(t, "OFF")})
	},
	"postgres": func(t testing.TB) (*bun.DB, *spy) {
		config, err := pgx.ParseConfig(pgtest.DSN(t))
		check(t, err)
		return spyOn(t, openPostgres(t), stdlib.GetConnector(*config))
	},
}

type sqliteConnector struct {
	driver driver.Driver
	dsn    string
}

func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c sqliteConnector) Driver() driver.Driver                        { return c.driver }

func spyOn(t testing.TB, like *bun.DB, c driver.Connector) (*bun.DB, *spy) {
	t.Helper()
	s := &spy{Connector: c, sent: map[string]bool{}, counted: map[string]bool{}, answers: map[string][]string{}}
	db := sql.OpenDB(s)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() { check(t, db.Close()) })
	if like.Dialect().Name() == sqlitedialect.New().Name() {
		return bun.NewDB(db, sqlitedialect.New()), s
	}
	return bun.NewDB(db, pgdialect.New()), s
}

// settled are the types of Postgres whose text is the same in every session.
var settled = []string{"TEXT", "INT4", "INT8", "BOOL", "NUMERIC", "VARCHAR"}

var (
	inserts = regexp.MustCompile(`(?i)\binsert\s+into\b`)
	answers = regexp.MustCompile(`(?i)\breturning\b`)
)

// TestStatementsOfTheStores: a distributed engine may count a row that "insert ... select ... on
// conflict do nothing" did not store. So of every statement that any store sends, none that inserts
// has its count read; and each that may insert nothing returns rows, but for those that nobody asks
// whether they did. Nor is there one whose answer a setting of the session changes.
func TestStatementsOfTheStores(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	unasked := []string{"test_loose"} // a row that is kept: either is right
	for name, open := range spied {
		t.Run(name, func(t *testing.T) {
			db, s := open(t)
			all := reused{outer: t, open: func(testing.TB) *bun.DB { return db }}
			storagetest.Brief(t, func(t testing.TB) storagetest.Database {
				db := all.get(t)
				return database(db, newStore(t, db, tested...))
			})
			n := 0
			for query := range s.sent {
				if !inserts.MatchString(query) || strings.Contains(query, "scrmkit_schema") {
					continue
				}
				n++
				if s.counted[query] {
					t.Errorf("the count of this is read:\n%s", query)
				}
				asked := !slices.ContainsFunc(unasked, func(table string) bool { return strings.Contains(query, table) })
				if strings.Contains(strings.ToLower(query), "do nothing") && !answers.MatchString(query) && asked {
					t.Errorf("this may store nothing, and does not say so:\n%s", query)
				}
			}
			if n < 10 {
				t.Errorf("%d statements insert", n)
			}
			if len(s.answers) < 20 && db.Dialect().Name() == dialect.PG {
				t.Errorf("the types of %d answers are known", len(s.answers))
			}
			// DateStyle and bytea_output change how a time and bytes are written: micros(column)
			// and hexed(column) read them.
			for query, types := range s.answers {
				for _, typ := range types {
					if db.Dialect().Name() == dialect.PG && !slices.Contains(settled, typ) {
						t.Errorf("this is answered by a column of the type %s:\n%s", typ, query)
						break
					}
				}
			}
		})
	}
}

var (
	tablesNamed = regexp.MustCompile(`\bscrmkit\.(\w+)(?: as (\w+))?`)
	settingRead = regexp.MustCompile(`extract\(epoch from [\w.]+\)`)
	ofTenant    = `tenant = (\$1::text|'')`
	inserted    = regexp.MustCompile(`^ \(tenant, [^()]*\) (select |values \()\$1::text,`)
)

// TestStatementsStayWithTheirTenant: a database that is distributed by tenant sends a statement to
// one node where it says of each table that it names which tenant is asked for, and not by an
// expression alone. It refuses one that finds rows by their ctid, and one that writes and returns
// what depends on the zone of the session.
func TestStatementsStayWithTheirTenant(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	db, s := spied["postgres"](t)
	all := reused{outer: t, open: func(testing.TB) *bun.DB { return db }}
	var emptied []string
	storagetest.Brief(t, func(t testing.TB) storagetest.Database {
		db := all.get(t)
		emptied = emptying(t, db)
		check(t, bunstore.AsDistributed(t.Context(), db))
		return database(db, newStore(t, db, tested...))
	})
	n := 0
	for query := range s.sent {
		if strings.Contains(query, "scrmkit_schema") || strings.Contains(query, "create ") || strings.Contains(query, "alter ") || slices.Contains(emptied, query) {
			continue // Migrate's, and those of this test
		}
		for _, table := range leaves(query) {
			t.Errorf("this does not say of which tenant it wants rows of %s:\n%s", table, query)
		}
		if strings.Contains(query, "ctid") {
			t.Errorf("this finds rows by their ctid:\n%s", query)
		}
		if _, returned, _ := strings.Cut(query, " returning "); settingRead.MatchString(returned) {
			t.Errorf("this returns a time by the zone of the session:\n%s", query)
		}
		n++
	}
	if n < 30 {
		t.Errorf("%d statements were sent", n)
	}
}

// leaves returns the tables of tenants of which a statement may want rows of any.
func leaves(query string) (tables []string) {
	query = strings.ToLower(query)
	named := map[string]int{}
	for _, m := range tablesNamed.FindAllStringSubmatchIndex(query, -1) {
		table, alias := query[m[2]:m[3]], ""
		if m[4] >= 0 {
			alias = query[m[4]:m[5]] + "."
		}
		switch {
		case table == "journal_epoch", strings.HasSuffix(query[:m[0]], "to_regclass('"):
		case strings.HasSuffix(query[:m[0]], "insert into "):
			if !inserted.MatchString(query[m[1]:]) {
				tables = append(tables, table)
			}
		default:
			named[alias]++
			said := regexp.MustCompile(`[ (]` + regexp.QuoteMeta(alias) + ofTenant)
			if len(said.FindAllString(query, -1)) < named[alias] {
				tables = append(tables, table)
			}
		}
	}
	return tables
}

func TestStatementsThatLeaveTheirTenantAreFound(t *testing.T) {
	for query, leaving := range map[string]int{
		"select 1 from scrmkit.a as x where x.tenant = $1::text and x.id = $2::text":                                                                   0,
		"select 1 from scrmkit.a as x where (x.tenant || '') = $1::text":                                                                               1,
		"select 1 from scrmkit.a as x where x.id = $2::text":                                                                                           1,
		"select 1 from scrmkit.a as x where x.tenant = $1::text and x.b in (select x.b from scrmkit.b as x where x.id = $2::text)":                     1,
		"select 1 from scrmkit.a as x where x.tenant = $1::text and exists (select 1 from scrmkit.b as y where y.tenant = $1::text)":                   0,
		"select 1 from scrmkit.a as x join scrmkit.b as y on y.tenant = x.tenant where x.tenant = $1::text":                                            1,
		"delete from scrmkit.a where tenant = $1::text and id = $2::text":                                                                              0,
		"delete from scrmkit.a where id = $2::text":                                                                                                    1,
		"insert into scrmkit.a as c (tenant, id) values ($1::text, $2::text) on conflict do nothing returning 1":                                       0,
		"insert into scrmkit.a as c (id, tenant) values ($2::text, $1::text)":                                                                          1,
		"insert into scrmkit.a (tenant, id) select t.tenant, t.id from scrmkit.b as t where t.tenant = $1::text":                                       1,
		"update scrmkit.a as c set n = 1 where c.tenant = $1::text and not exists (select 1 from scrmkit.a as x where x.place = $2::text and x.n = 1)": 1,
	} {
		if got := leaves(query); len(got) != leaving {
			t.Errorf("%v are found to leave their tenant in\n%s", got, query)
		}
	}
}

// TestNoStatementIsClosed: to close one takes a connection to the server for each connection that
// has it, under the lock of the pool. Behind a pooler with three of them, nobody has to wait for
// that, however often statements are prepared afresh.
func TestNoStatementIsClosed(t *testing.T) {
	db, s := spied["postgres"](t)
	store := boxStore(t, db)
	s.servers = make(chan struct{}, 3)
	db.DB.SetMaxIdleConns(64) // a connection that ends ends its statements, without that lock
	crowd(t, db, store, 24, 20)
	if s.closed > 0 {
		t.Errorf("%d statements were closed", s.closed)
	}
}

// TestNoOldPlanIsUsed: while one caller prepares a statement afresh, however long that takes, the
// others don't run what was prepared before, which may read all of a table that was empty then.
func TestNoOldPlanIsUsed(t *testing.T) {
	for name, open := range spied {
		t.Run(name, func(t *testing.T) {
			db, s := open(t)
			store := boxStore(t, db)
			old := regexp.MustCompile(` -- 1$`)
			load := func(ctx context.Context, tx storage.Tx) error {
				_, err := versionOf(ctx, tx, "a")
				return err
			}
			check(t, load(t.Context(), store))
			if n := count(s, old); n == 0 {
				t.Fatal("nothing was sent before statements were due afresh")
			}
			afresh, prepared := make(chan struct{}), make(chan struct{})
			var once sync.Once
			s.prepare = func(query string) {
				if !old.MatchString(query) {
					once.Do(func() { close(afresh) })
					<-prepared
				}
			}
			first := make(chan error)
			go func() {
				for {
					err := load(t.Context(), store)
					select {
					case <-afresh:
						first <- err
						return
					default:
						if err != nil {
							first <- err
							return
						}
					}
				}
			}()
			select {
			case <-afresh:
			case err := <-first:
				t.Fatal(err)
			}
			s.note(func() { clear(s.sent) })
			check(t, load(t.Context(), store))
			check(t, store.InTx(t.Context(), load))
			check(t, db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error { return load(ctx, store.Join(tx.Tx)) }))
			close(prepared)
			check(t, <-first)
			if n := count(s, old); n > 0 {
				t.Errorf("%d statements were run as they had been prepared before", n)
			}
		})
	}
}

// count returns how many of the texts that were sent match.
func count(s *spy, texts *regexp.Regexp) (n int) {
	s.note(func() {
		for query := range s.sent {
			if texts.MatchString(query) {
				n++
			}
		}
	})
	return n
}
