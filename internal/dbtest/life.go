package dbtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/storage"
)

// A World outlives the processes of a test: a database, a clock, and a server that they ask.
//
// Whatever a process asks of the server is a step of its life; so is each change that it begins to
// store, and has stored. It may be killed at any step.
type World struct {
	DB     DB               // the database
	Now    func() time.Time // the clock, which stands for as long as a process lives; nil: time.Now
	Server http.Handler     // answers what processes ask
	Deaths int              // processes that were killed

	t       testing.TB
	adapter string
	address string // of the database
	rng     *rand.Rand
}

// A Life is what a process has of its World.
type Life struct {
	DB   storage.DB
	Now  func() time.Time
	URL  string   // of the server
	Args []string // what it is to do

	t testing.TB
}

// birth is a Life as a process is told of it.
type birth struct {
	Adapter, Address, URL string
	Now                   time.Time
	Args                  []string
}

// lifeVar is the variable of the environment that has the birth of a process.
const lifeVar = "SCRMKIT_TEST_LIFE"

// Worlds runs f in a world of each adapter whose database processes can share. The processes of a
// world run the same test, of which they run live alone.
func Worlds(t *testing.T, live func(t *testing.T, l Life), f func(t *testing.T, w *World)) {
	if text := os.Getenv(lifeVar); text != "" {
		live(t, born(t, text))
		return
	}
	race.Skip(t, "what differs is where processes end")
	in := func(t *testing.T, adapter, address string, db DB) {
		seed := rand.Uint64()
		t.Log("seed", seed)
		f(t, &World{DB: db, Now: time.Now, t: t, adapter: adapter, address: address, rng: rand.New(rand.NewPCG(seed, 0))})
	}
	t.Run("sqlite", func(t *testing.T) {
		path := SQLitePath(t)
		in(t, "sqlite", path, Of(store(t, sqlite(t, path))))
	})
	t.Run("postgres", func(t *testing.T) {
		dsn := template.DSN(t)
		in(t, "postgres", dsn, Of(store(t, postgres(t, dsn))))
	})
}

func born(t *testing.T, text string) Life {
	t.Helper()
	var b birth
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	l := Life{Now: func() time.Time { return b.Now }, URL: b.URL, Args: b.Args, t: t}
	open := sqlite
	if b.Adapter == "postgres" {
		open = postgres
	}
	l.DB = mortal{store(t, open(t, b.Address)), l}
	return l
}

// Say asks the server, and returns what it answers.
func (l Life) Say(path string) string {
	l.t.Helper()
	answer, err := http.Post(l.URL+path, "text/plain", http.NoBody)
	if err != nil {
		l.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		l.t.Fatal(answer.Status, err)
	}
	return string(text)
}

// step is the path of what the server itself answers.
const step = "/step"

// A mortal is the database of a process.
type mortal struct {
	storage.DB
	l Life
}

func (m mortal) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	m.l.Say(step)
	defer m.l.Say(step)
	return m.DB.Save(ctx, changes)
}

func (m mortal) InTx(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error {
	defer m.l.Say(step)
	return m.DB.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		defer m.l.Say(step)
		return fn(ctx, mortalTx{tx, m.l})
	})
}

// A mortalTx is a transaction of a process.
type mortalTx struct {
	storage.Tx
	l Life
}

func (m mortalTx) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	m.l.Say(step)
	return m.Tx.Save(ctx, changes)
}

// A death is where a process is killed.
type death struct {
	step int // 0: nowhere
	when int // before the step, after it and before the answer, or after the answer
	late int // how long after the answer, in turns of the scheduler
}

// Live runs a process until it ends, and reports whether it was killed: by SIGKILL at a step that is
// drawn from so many; 0: it is not. A process that fails ends the test.
func (w *World) Live(steps int, args ...string) bool {
	w.t.Helper()
	var d death
	if steps > 0 {
		d = death{1 + w.rng.IntN(steps), w.rng.IntN(3), w.rng.IntN(20_000)}
	}
	name, _, _ := strings.Cut(w.t.Name(), "/")
	cmd := exec.CommandContext(w.t.Context(), os.Args[0], "-test.run=^"+name+"$")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	var mu sync.Mutex
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		dies := n == d.step
		mu.Unlock()
		if dies && d.when == 0 {
			_ = cmd.Process.Kill()
			return
		}
		done := httptest.NewRecorder()
		if r.URL.Path != step {
			w.Server.ServeHTTP(done, r.WithContext(context.WithoutCancel(r.Context()))) // though the process is gone
		}
		if dies && d.when == 1 {
			_ = cmd.Process.Kill()
			return
		}
		rw.Header().Set("Content-Type", done.Header().Get("Content-Type"))
		rw.Header().Set("Content-Length", strconv.Itoa(done.Body.Len()))
		rw.WriteHeader(done.Code)
		_, _ = rw.Write(done.Body.Bytes())
		if dies {
			_ = http.NewResponseController(rw).Flush()
			for range d.late {
				runtime.Gosched()
			}
			_ = cmd.Process.Kill()
		}
	}))
	text, err := json.Marshal(birth{w.adapter, w.address, server.URL, w.Now(), args})
	if err != nil {
		w.t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), lifeVar+"="+string(text))
	mu.Lock() // a step is taken once the process is known
	err = cmd.Start()
	mu.Unlock()
	if err == nil {
		err = cmd.Wait()
	}
	server.Close()
	if cmd.ProcessState == nil || cmd.ProcessState.Exited() && err != nil {
		w.t.Fatalf("a process failed: %v\n%s", err, &out)
	}
	killed := !cmd.ProcessState.Exited()
	if killed {
		w.Deaths++
	}
	return killed
}
