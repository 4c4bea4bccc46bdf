package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
)

// processVar is set in the environment of the processes that tests start.
const processVar = "SCRMKIT_TEST_SERVER"

// Two processes stand behind a proxy, and one after the other is replaced under load, told to end or
// killed. Clients send what failed again, with its key, and give up some of it. What was acknowledged
// is there once, what was sent is there at most once, and the books are right.
func TestRollingRestart(t *testing.T) {
	if os.Getenv(processVar) != "" {
		process(t)
		return
	}
	race.Skip(t, "what differs is where processes end")
	for name, end := range map[string]func(p *proc) error{
		"told to end": (*proc).stop,
		"killed": func(p *proc) error {
			err := p.cmd.Process.Kill()
			_ = p.cmd.Wait()
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { roll(t, end) })
	}
}

// process is the server, until it is told to end or its parent is gone.
func process(t *testing.T) {
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if err := run(ctx, []string{"-demo", "-addr", "127.0.0.1:0"}, os.Getenv, os.Stdout, os.Stderr); err != nil {
		t.Fatal(err)
	}
}

// A proc is a process of the server.
type proc struct {
	cmd  *exec.Cmd
	addr string
	log  bytes.Buffer
}

// stop tells a process to end, and returns when it has.
func (p *proc) stop() error {
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if err == nil {
		err = p.cmd.Wait()
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, &p.log)
	}
	return err
}

func begin(t *testing.T, dsn string) *proc {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRollingRestart$")
	secret := base64.StdEncoding.EncodeToString([]byte("a key that is 32 bytes or longer"))
	cmd.Env = append(os.Environ(), processVar+"=1", "DATABASE_URL="+dsn, "SCRMKIT_OTP_KEY="+secret)
	p := &proc{cmd: cmd}
	cmd.Stderr = &p.log
	_, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "# scrmkit listens on http://"); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			p.addr = addr
			return p
		}
	}
	t.Fatalf("the process does not listen: %v, %v\n%s", lines.Err(), cmd.Wait(), &p.log)
	return nil
}

func roll(t *testing.T, end func(p *proc) error) {
	dsn := pgtest.DSN(t)
	procs := [2]*proc{begin(t, dsn), begin(t, dsn)}
	proxy := pgtest.NewProxy(t, procs[0].addr, procs[1].addr)
	var mu sync.Mutex
	acknowledged, sent := map[string]bool{}, map[string]bool{}
	var acks, again atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2}}
			defer client.CloseIdleConnections()
			for i := 0; ; i++ {
				key, path, body := fmt.Sprintf("client-%d-%d", c, i), fmt.Sprintf("/points/club/members/m%d/adjustments", (c+i)%5), `{"n":1,"reason":"load"}`
				if i%2 == 1 {
					path, body = fmt.Sprintf("/cards/coffee/m%d/stamps", (c+i)%5), `{"n":1}`
				}
				mu.Lock()
				sent[key] = true
				mu.Unlock()
				patience := time.Minute
				if i%8 == 7 { // it gives up, sooner or later
					patience = rand.N(10 * time.Millisecond)
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				for done := false; !done && ctx.Err() == nil; {
					switch status, err := post(ctx, client, "http://"+proxy.Addr()+path, key, body); {
					case err == nil && status == http.StatusOK:
						mu.Lock()
						acknowledged[key] = true
						mu.Unlock()
						acks.Add(1)
						done = true
					case err == nil && status < 500:
						t.Errorf("%s %s: %d", key, path, status)
						done = true
					case ctx.Err() == nil:
						again.Add(1)
						select {
						case <-time.After(10 * time.Millisecond):
						case <-ctx.Done():
						}
					}
				}
				cancel()
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	progress := func(n int64) {
		t.Helper()
		late := time.After(time.Minute)
		for goal := acks.Load() + n; acks.Load() < goal; {
			select {
			case <-time.After(5 * time.Millisecond):
			case <-late:
				t.Fatal("the clients make no progress")
			}
		}
	}
	progress(100)
	for i := range procs {
		if err := end(procs[i]); err != nil {
			t.Error(err)
		}
		progress(50) // of one process
		procs[i] = begin(t, dsn)
		proxy.To(procs[0].addr, procs[1].addr)
		progress(50)
	}
	close(stop)
	clients.Wait()
	for _, p := range procs {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}

	b := start(t, Config{Postgres: dsn})
	stored, points := map[string]int{}, 0
	for r, err := range b.db.Journal().After(t.Context(), "", 0) {
		if err != nil {
			t.Fatal(err)
		}
		if i := strings.Index(r.Key, "client-"); i >= 0 {
			stored[r.Key[i:]]++
			if r.Kind == "loyalty.adjust" {
				points++
			}
		}
	}
	for key := range acknowledged {
		if stored[key] != 1 {
			t.Errorf("%s was acknowledged, and is stored %d times", key, stored[key])
		}
	}
	for key, n := range stored {
		if n > 1 || !sent[key] {
			t.Errorf("%s is stored %d times", key, n)
		}
	}
	b.do(root, "POST", "/points/club/verifications", `{}`, 200)
	total := 0.0
	for m := range 5 {
		total += b.do(root, "GET", fmt.Sprintf("/points/club/members/m%d", m), "", 200).field("points.points.available").(float64)
	}
	if int(total) != points || points == 0 {
		t.Errorf("%v points of %d commands", total, points)
	}
	t.Logf("%d commands sent, %d acknowledged, %d stored; %d times a command was sent again", len(sent), len(acknowledged), len(stored), again.Load())
}

func post(ctx context.Context, client *http.Client, url, key, body string) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+root)
	r.Header.Set("Idempotency-Key", key)
	r.Header.Set("Content-Type", "application/json")
	res, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}
