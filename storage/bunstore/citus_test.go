package bunstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

// onCitus returns the database of Citus that SCRMKIT_TEST_CITUS names, with the tables of tests. Its
// tenants stand for databases.
func onCitus(t testing.TB) (*bun.DB, *bunstore.DB) {
	t.Helper()
	dsn := os.Getenv("SCRMKIT_TEST_CITUS")
	if dsn == "" {
		t.Skip("set SCRMKIT_TEST_CITUS to the URL of a database with Citus")
	}
	db := openDB(t, "pgx", dsn, pgdialect.New())
	for range 2 { // it may run again
		check(t, bunstore.Migrate(t.Context(), db, tested...))
		check(t, bunstore.Distribute(t.Context(), db, tested...))
	}
	store, err := bunstore.New(db, nil)
	check(t, err)
	return db, store
}

func TestContractOnCitus(t *testing.T) {
	db, store := onCitus(t)
	storagetest.Run(t, func(t testing.TB) storagetest.Database {
		id := rand.Text()
		return storagetest.Database{
			DB: store.Tenant(id), Tenant: func(tenant string) storage.DB { return store.Tenant(id + tenant) },
			Join: func(ctx context.Context, fn work) error {
				return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return fn(ctx, store.Join(tx.Tx).Tenant(id)) })
			},
		}
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Readers lose nothing and are given nothing twice, while transactions of one tenant and of several
// are committed, and while the rows of the tenants are moved to other nodes.
func TestFeedOnCitus(t *testing.T) {
	db, store := onCitus(t)
	id := rand.Text()
	tenants := make([]*bunstore.DB, 4)
	for i := range tenants {
		tenants[i] = store.Tenant(fmt.Sprint(id, i))
	}
	var writers sync.WaitGroup
	var mu sync.Mutex
	want := make([]map[string]bool, len(tenants))
	for i := range want {
		want[i] = map[string]bool{}
	}
	stop := make(chan struct{})
	for w := range 8 {
		writers.Go(func() {
			for n := int64(1); !isClosed(stop); n++ {
				member := fmt.Sprint("member", w)
				of := []int{w % len(tenants)}
				if w%2 == 0 {
					of = append(of, (w+1+int(n)%3)%len(tenants))
				}
				change := func(i int) storage.Change {
					c := moved(fmt.Sprint(member, " ", n, " of ", i), 1)
					return c
				}
				write := func() error { return one(tenants[of[0]].Save(t.Context(), []storage.Change{change(of[0])})) }
				if len(of) > 1 {
					write = func() error {
						return tenants[of[0]].InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
							for _, i := range of {
								if err := one(tx.(bunstore.Tx).Tenant(fmt.Sprint(id, i)).Save(ctx, []storage.Change{change(i)})); err != nil {
									return err
								}
							}
							return nil
						})
					}
				}
				var err error
				for range 50 {
					if err = write(); err == nil || errors.Is(err, journal.ErrDuplicate) {
						err = nil
						break
					}
					t.Log(err)
				}
				check(t, err)
				mu.Lock()
				for _, i := range of {
					want[i][change(i).Entries[0].Subject] = true
				}
				mu.Unlock()
			}
		})
	}
	written := make(chan struct{})
	go func() { writers.Wait(); close(written) }()
	var readers sync.WaitGroup
	for i, tenant := range tenants {
		readers.Go(func() {
			seen := map[string]int{}
			var cursor journal.Cursor
			for end := (<-chan time.Time)(nil); ; {
				for r, err := range tenant.Journal().After(t.Context(), cursor, 20) {
					if err != nil {
						t.Log(err)
						break
					}
					cursor = r.Cursor
					seen[r.Subject]++
				}
				if !isClosed(written) {
					continue
				}
				if end == nil {
					end = time.After(time.Minute) // others hold the feed of the node up
				}
				mu.Lock()
				all := len(seen) >= len(want[i])
				mu.Unlock()
				select {
				case <-end:
					all = true
				default:
				}
				if all {
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			lost, twice := 0, 0
			for s := range want[i] {
				if seen[s] == 0 {
					lost++
					t.Log("lost", s)
				}
			}
			for _, n := range seen {
				if n > 1 {
					twice++
				}
			}
			t.Logf("tenant %d: %d written, %d read, %d lost, %d twice", i, len(want[i]), len(seen), lost, twice)
			if lost+twice > 0 || len(seen) < len(want[i]) {
				t.Errorf("tenant %d: of %d entries %d were lost, %d given twice", i, len(want[i]), lost, twice)
			}
		})
	}
	<-time.After(5 * time.Second)
	for i, mode := range []string{"force_logical", "block_writes", "force_logical"} {
		const move = `select citus_move_shard_placement(p.shardid, p.nodename, p.nodeport, o.nodename, o.nodeport, '%s')
			from pg_dist_shard_placement p, pg_dist_node o where o.shouldhaveshards and o.isactive and (o.nodename, o.nodeport) <> (p.nodename, p.nodeport)
			and p.shardid = get_shard_id_for_distribution_column('scrmkit.journal_entry', '%s') limit 1`
		_, err := db.DB.ExecContext(t.Context(), fmt.Sprintf(move, mode, fmt.Sprint(id, i)))
		check(t, err)
	}
	<-time.After(5 * time.Second)
	close(stop)
	writers.Wait()
	readers.Wait()
}
