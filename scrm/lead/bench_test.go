package lead_test

import (
	"bufio"
	"crypto/rand"
	"database/sql"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage"
)

var adapters = map[string]func(b *testing.B) (storage.DB, *sql.DB){
	"postgres": func(b *testing.B) (storage.DB, *sql.DB) {
		dsn := pgtest.Bench(b)
		server, err := sql.Open("pgx", dsn)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = server.Close() })
		return dbtest.Postgres(b, dsn).Tenant(rand.Text()[:4]), server
	},
	"sqlite": func(b *testing.B) (storage.DB, *sql.DB) { return dbtest.SQLite(b), nil },
}

// BenchmarkImport adds the rows of a file to the library, a tenth of them twice: -benchtime
// 1000000x is a million of them. peak-MB is what the process has of the system at most.
func BenchmarkImport(b *testing.B) {
	for _, name := range []string{"postgres", "sqlite"} {
		for _, phones := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/phones=%t", name, phones), func(b *testing.B) {
				db, _ := adapters[name](b)
				leads := lead.New(db, nil)
				c := lead.ImportCSV{Platform: "whatsapp", Namespace: lead.WhatsApp, Phones: phones, Region: "CN", Key: "file"}
				file, to := io.Pipe()
				go func() {
					w := bufio.NewWriterSize(to, 1<<16)
					for i := range b.N {
						fmt.Fprintf(w, "86138%08d,name %d,remark\n", i*10/11, i)
					}
					_ = w.Flush()
					_ = to.Close()
				}()
				rows, added := 0, 0
				b.ResetTimer()
				for m, err := range leads.ImportCSV(ctx, c, file) {
					if err != nil {
						b.Fatal(err)
					}
					rows++
					if m.Mark == lead.Added {
						added++
					}
				}
				b.StopTimer()
				if rows != b.N || added < rows*9/10 {
					b.Fatal(rows, added)
				}
				var mem runtime.MemStats
				runtime.ReadMemStats(&mem)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric(float64(mem.Sys)/1e6, "peak-MB")
			})
		}
	}
}

// BenchmarkObserve counts new contacts of 20 codes.
func BenchmarkObserve(b *testing.B) {
	for _, name := range []string{"postgres", "sqlite"} {
		b.Run(name, func(b *testing.B) {
			db, server := adapters[name](b)
			var codes []ids.Code
			for i := range 20 {
				codes = append(codes, ids.Code(fmt.Sprint("code-", i)))
			}
			open(b, db, codes...)
			leads := lead.New(db, nil)
			var event atomic.Int64
			for _, callers := range []int{1, 32} {
				b.Run(fmt.Sprint(callers), func(b *testing.B) {
					began := pgtest.WAL(b, server)
					var next atomic.Int64
					var wg sync.WaitGroup
					b.ResetTimer()
					for range callers {
						wg.Go(func() {
							for next.Add(1) <= int64(b.N) {
								i := event.Add(1)
								code := codes[i%20]
								m := met(code, person(fmt.Sprintf("86138%08d", i*7919%100_000_000)), inbound(lead.EventID(fmt.Sprintf("3EB0%016d", i)), ids.Account(fmt.Sprint("account-", i%100)), int(i%1000)))
								if _, err := leads.Observe(ctx, m); err != nil {
									b.Error(err)
									return
								}
							}
						})
					}
					wg.Wait()
					b.StopTimer()
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
					if server != nil {
						b.ReportMetric(float64(pgtest.WAL(b, server)-began)/float64(b.N), "wal-B/op")
					}
				})
			}
		})
	}
}

// BenchmarkHistory counts events of 32 callers, half of them of contacts who came before, to other
// accounts or jobs, so that each event is a lead to store, and lists what ten jobs counted, in
// databases of Postgres with few and many jobs and past leads, each lead of another contact. Of a
// thousand contacts each has 20 leads more in the end than it had. Beside them 32 callers insert
// rows among the contacts, one a transaction: what any key that comes in no order costs among so
// many, most of it pages that are logged whole after a checkpoint. Run it with -benchtime 20000x.
func BenchmarkHistory(b *testing.B) {
	for _, size := range []struct{ jobs, leads int }{{10, 1000}, {10_000, 1000}, {10, 5_000_000}, {10_000, 5_000_000}} {
		b.Run(fmt.Sprintf("jobs=%d/leads=%d", size.jobs, size.leads), func(b *testing.B) {
			db, server, tenant := past(b, size.jobs, size.leads)
			leads := lead.New(db, nil)
			codes := make([]ids.Code, 10)
			for i := range codes {
				codes[i] = ids.Code(fmt.Sprint("code-", i*size.jobs/10))
			}
			var event atomic.Int64
			observe := func(b *testing.B, n int) {
				var wg sync.WaitGroup
				last := event.Load() + int64(n)
				for range 32 {
					wg.Go(func() {
						for i := event.Add(1); i <= last; i = event.Add(1) {
							k := i / 2
							round := k / int64(size.leads)
							id := fmt.Sprint("new-", k)
							if i%2 == 0 {
								id = fmt.Sprint("past-", k*7919%int64(size.leads)+1)
							}
							code := ids.Code(fmt.Sprint("code-", (k+round)*31%int64(size.jobs)))
							e := inbound(lead.EventID(fmt.Sprint("event-", i)), ids.Account(fmt.Sprint("account-", (k+round/10)%5)), -int(i%60))
							if _, err := leads.Observe(ctx, met(code, person(id), e)); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			}
			observe(b, 20_000) // so that no job is met for the first time
			b.Run("meet", func(b *testing.B) {
				began := pgtest.WAL(b, server)
				observe(b, b.N)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
				b.ReportMetric(float64(pgtest.WAL(b, server)-began)/float64(b.N), "wal-B/op")
			})
			b.Run("insert", func(b *testing.B) { insertContacts(b, server, tenant, size.leads) })
			b.Run("list", func(b *testing.B) {
				for range b.N / 1000 {
					if s, err := leads.Summaries(ctx, codes); err != nil || len(s) != len(codes) {
						b.Fatal(len(s), err)
					}
				}
				b.ReportMetric(b.Elapsed().Seconds()*1000/float64(max(1, b.N/1000)), "ms/list")
			})
			if _, err := server.Exec("delete from scrmkit.lead_lead where tenant = $1", tenant); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// insertContacts inserts rows with keys from all over those of past contacts.
func insertContacts(b *testing.B, server *sql.DB, tenant string, past int) {
	server.SetMaxIdleConns(32)
	insert, err := server.Prepare(`insert into scrmkit.lead_contact (tenant, id, platform, namespace, version, name, seq, merged, names)
		values ($1, $2, 'whatsapp', '', 1, 'RWXQJ3YB2M6ZKTC5D7VLHNPEAS', 1, '', '') on conflict do nothing`)
	if err != nil {
		b.Fatal(err)
	}
	began := pgtest.WAL(b, server)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if _, err := insert.Exec(tenant, fmt.Sprint("past-", i*7919%int64(past)+1, "-", i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(float64(pgtest.WAL(b, server)-began)/float64(b.N), "wal-B/op")
}

// past returns a tenant with jobs, which compare with all of their owner's, and leads of the past
// year.
func past(b *testing.B, jobs, leads int) (db storage.DB, server *sql.DB, tenant string) {
	dsn := pgtest.Bench(b)
	server, err := sql.Open("pgx", dsn)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Close() })
	tenant = rand.Text()[:6]
	db = dbtest.Postgres(b, dsn).Tenant(tenant)
	began := &clock{}
	began.set(at(-400 * 24 * 60))
	engine := lead.New(db, &lead.Options{Now: began.now})
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 16 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(jobs); i = next.Add(1) - 1 {
				_, err := engine.Put(ctx, put(func(p *lead.Put) {
					p.Job.Code, p.Terms.Scope.Reach = ids.Code(fmt.Sprint("code-", i)), lead.ReachOwner
				}))
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, query := range []string{
		`insert into scrmkit.lead_contact (tenant, platform, namespace, id, version, name, seq, merged, names)
		 select $1, 'whatsapp', '', 'past-' || i, 1, 'past-' || i, 1, '', '' from generate_series(1, $3::int) i where $2 > 0`,
		`insert into scrmkit.lead_lead (tenant, platform, namespace, id, n, code, at, verdict, state)
		 select $1, 'whatsapp', '', 'past-' || i, 1, 'code-' || i % $2::int, at, 'new', json_build_object(
			'n', 1, 'job', json_build_object('code', 'code-' || i % $2::int, 'platform', 'whatsapp'),
			'event', json_build_object('id', 'past-' || i, 'account', 'account-' || i % 5, 'at', to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'kind', 'inbound'),
			'basis', json_build_object('owner', 'boss'), 'day', to_char(at - interval '12 hours', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
			'verdict', 'new', 'reasons', json_build_array('first'), 'within', 'new')
		 from generate_series(1, $3::int) i, lateral (select timestamptz '2026-03-01 04:00+00' - interval '1 day' * (i / $2::int % 365) as at) as d`,
		`insert into scrmkit.lead_count (tenant, code, platform, account, day, new, duplicate, uncertain, excluded, contacts, pairs)
		 select tenant, code, platform, 'account-' || substr(id, 6)::int % 5, case when total then -1 else (extract(epoch from at - interval '12 hours') * 1000000)::bigint end,
			count(*), 0, 0, 0, count(*), count(*)
		 from scrmkit.lead_lead, (values (true), (false)) v (total) where tenant = $1 and $2::int > 0 and $3::int > 0 group by 1, 2, 3, 4, 5`,
	} {
		if _, err := server.Exec(query, tenant, jobs, leads); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := server.Exec("analyze scrmkit.lead_job, scrmkit.lead_contact, scrmkit.lead_lead, scrmkit.lead_count"); err != nil {
		b.Fatal(err)
	}
	return db, server, tenant
}
