package stamps_test

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/stamps"
)

const workerDSN = "SCRMKIT_FAULT_DSN"

// TestKilledPostgres kills the server with -9 under the load of two processes, 20 times, and looks after each restart
// whether every stamp that was acknowledged is there, and at the end whether each command took effect exactly once.
func TestKilledPostgres(t *testing.T) {
	if dsn := os.Getenv(workerDSN); dsn != "" {
		work(t, dsn)
		return
	}
	const kills, between = 20, 300
	cluster := pgtest.Start(t)
	open(t, dbtest.Postgres(t, cluster.DSN()))
	db, err := sql.Open("pgx", cluster.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	var acknowledged, finished atomic.Int64
	progress := make(chan struct{}, 1)
	var stdins []io.Closer
	var workers sync.WaitGroup
	for i := range 2 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledPostgres$")
		cmd.Env = append(os.Environ(), workerDSN+"="+cluster.DSN(), fmt.Sprintf("SCRMKIT_FAULT_WORKER=w%d", i))
		in, err1 := cmd.StdinPipe()
		out, err2 := cmd.StdoutPipe()
		cmd.Stderr = os.Stderr
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stdins = append(stdins, in)
		workers.Go(func() {
			lines := bufio.NewScanner(out)
			for lines.Scan() {
				var n int64
				if lines.Text() == "ack" {
					acknowledged.Add(1)
				} else if _, err := fmt.Sscanf(lines.Text(), "finished %d", &n); err == nil {
					finished.Add(n)
				}
				select {
				case progress <- struct{}{}:
				default:
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Error("a worker failed:", err)
			}
		})
	}
	count := func(query string) (n int64) {
		t.Helper()
		if err := db.QueryRow(query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	lost := 0
	for range kills {
		for goal := acknowledged.Load() + between; acknowledged.Load() < goal; {
			select {
			case <-progress:
			case <-time.After(time.Minute):
				t.Fatal("the workers make no progress")
			}
		}
		if err := cluster.Kill(); err != nil {
			t.Fatal(err)
		}
		told := acknowledged.Load()
		if err := cluster.Restart(); err != nil {
			t.Fatal(err)
		}
		db.Ping() // the pool's connections are dead; one query finds out
		if n := count("select count(*) from scrmkit.stamps_record"); n < told {
			lost++
			t.Errorf("%d stamps were acknowledged, %d are there", told, n)
		}
	}
	for _, in := range stdins {
		in.Close()
	}
	workers.Wait()
	records := count("select count(*) from scrmkit.stamps_record")
	total := count("select sum(total) from scrmkit.stamps_card")
	entries := count("select count(distinct key) from scrmkit.journal_entry where kind = 'stamps.add'")
	if n := finished.Load(); records != n || total != n || entries != n || acknowledged.Load() != n {
		t.Errorf("%d commands, %d acknowledged, %d records, %d stamps, %d keys", n, acknowledged.Load(), records, total, entries)
	}
	t.Logf("%d kills, %d commands of two processes, each once; %d restarts with a loss", kills, finished.Load(), lost)
}

// work adds stamps from 8 callers, each command again with its key until it is acknowledged, until stdin ends.
func work(t *testing.T, dsn string) {
	cards := stamps.New(dbtest.Postgres(t, dsn).Stamps(), nil)
	stop := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	var done atomic.Int64
	var print sync.Mutex
	together(8, func(caller int) {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			command := stamps.Add{
				Card: stamps.CardID{Program: "coffee", Member: stamps.MemberID(fmt.Sprint("m", (caller+i)%10))}, N: 1,
				Key: fmt.Sprintf("%s-%d-%d", os.Getenv("SCRMKIT_FAULT_WORKER"), caller, i),
			}
			for attempt := 0; ; attempt++ {
				_, err := cards.Add(ctx, command)
				if err == nil {
					break
				}
				if attempt > 10_000 || strings.Contains(err.Error(), "key was used") {
					t.Errorf("%s: %v", command.Key, err)
					return
				}
				<-time.After(5 * time.Millisecond)
			}
			done.Add(1)
			print.Lock()
			fmt.Println("ack")
			print.Unlock()
		}
	})
	print.Lock()
	defer print.Unlock()
	fmt.Println("finished", done.Load())
}
