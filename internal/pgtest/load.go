package pgtest

import (
	"bufio"
	"context"
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

	"github.com/scrmkit/scrmkit/internal/race"
)

// A Load is what two processes of 8 callers each do while their server is killed again and again.
type Load struct {
	Kills   int
	Between int64 // commands that are acknowledged between two kills

	// Open prepares an empty database, once.
	Open func(t *testing.T, dsn string)
	// Commands returns what a process does: command i of a caller. It has a key of its own in every
	// name, and is run again until it is acknowledged; an error that says that the key was used
	// ends the test.
	Commands func(t *testing.T, dsn string) func(ctx context.Context, name string, caller, i int) error
	// Stored counts the commands that the database has, which is at least those that were
	// acknowledged.
	Stored string
}

const (
	workerDSN  = "SCRMKIT_FAULT_DSN"
	workerName = "SCRMKIT_FAULT_WORKER"
)

// Kill runs a load, kills the server with -9 under it, and looks after each restart whether every
// command that was acknowledged is there. It returns how many commands there were in all, each
// acknowledged once, and the database. It must be what the test begins with: the processes of the
// load are this test again, and end with it.
func (l Load) Kill(t *testing.T) (commands int64, db *sql.DB, dsn string) {
	if dsn := os.Getenv(workerDSN); dsn != "" {
		l.work(t, dsn)
		t.SkipNow()
	}
	if race.Enabled { // what finds a race is the load, not how often the server is killed
		l.Kills, l.Between = min(l.Kills, 2), min(l.Between, 50)
	}
	cluster := Start(t)
	l.Open(t, cluster.DSN())
	db, err := sql.Open("pgx", cluster.DSN())
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })

	var acknowledged, finished atomic.Int64
	progress, ready := make(chan struct{}, 1), make(chan struct{}, 2)
	var stdins []io.Closer
	var workers sync.WaitGroup
	for i := range 2 {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), workerDSN+"="+cluster.DSN(), fmt.Sprintf("%s=w%d", workerName, i))
		in, err := cmd.StdinPipe()
		check(t, err)
		out, err := cmd.StdoutPipe()
		check(t, err)
		cmd.Stderr = os.Stderr
		check(t, cmd.Start())
		stdins = append(stdins, in)
		workers.Go(func() {
			lines := bufio.NewScanner(out)
			for lines.Scan() {
				var n int64
				if lines.Text() == "ack" {
					acknowledged.Add(1)
				} else if lines.Text() == "ready" {
					ready <- struct{}{}
				} else if _, err := fmt.Sscanf(lines.Text(), "finished %d", &n); err == nil {
					finished.Add(n)
				} else {
					t.Log("a worker says:", lines.Text())
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
	for range 2 { // a server that is killed earlier is none that they can begin with
		select {
		case <-ready:
		case <-time.After(time.Minute):
			t.Fatal("the workers do not begin")
		}
	}
	lost := 0
	for range l.Kills {
		for goal := acknowledged.Load() + l.Between; acknowledged.Load() < goal; {
			select {
			case <-progress:
			case <-time.After(time.Minute):
				t.Fatal("the workers make no progress")
			}
		}
		check(t, cluster.Kill())
		told := acknowledged.Load()
		check(t, cluster.Restart())
		_ = db.Ping() // the pool's connections are dead; one query finds out
		var n int64
		check(t, db.QueryRow(l.Stored).Scan(&n))
		if n < told {
			lost++
			t.Errorf("%d commands were acknowledged, %d are there", told, n)
		}
	}
	for _, in := range stdins {
		_ = in.Close()
	}
	workers.Wait()
	if finished.Load() != acknowledged.Load() {
		t.Errorf("%d commands, %d acknowledged", finished.Load(), acknowledged.Load())
	}
	t.Logf("%d kills, %d commands of two processes; %d restarts with a loss", l.Kills, finished.Load(), lost)
	return finished.Load(), db, cluster.DSN()
}

// work runs commands from 8 callers, each until it is acknowledged, until stdin ends.
func (l Load) work(t *testing.T, dsn string) {
	command := l.Commands(t, dsn)
	fmt.Println("ready")
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	var done atomic.Int64
	var print sync.Mutex
	var callers sync.WaitGroup
	for caller := range 8 {
		callers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("%s-%d-%d", os.Getenv(workerName), caller, i)
				for attempt := 0; ; attempt++ {
					err := command(t.Context(), name, caller, i)
					if err == nil {
						break
					}
					if attempt > 1000 || strings.Contains(err.Error(), "key was used") {
						t.Errorf("%s: %v", name, err)
						return
					}
					// Each attempt costs a server that recovers a process.
					<-time.After(25 * time.Millisecond << min(attempt, 3))
				}
				done.Add(1)
				print.Lock()
				fmt.Println("ack")
				print.Unlock()
			}
		})
	}
	callers.Wait()
	print.Lock()
	defer print.Unlock()
	fmt.Println("finished", done.Load())
}
