package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Settings of a server, as the command line has them.
var (
	always  = []string{"listen_addresses=127.0.0.1", "max_connections=200", "max_prepared_transactions=5", "shared_buffers=256MB", "max_wal_size=4GB"}
	durable = []string{"synchronous_commit=on", "full_page_writes=on"}
	fast    = []string{"synchronous_commit=off", "full_page_writes=off"}
)

// A Cluster is a Postgres server with a directory of its own, listening on 127.0.0.1. Its methods
// are for one goroutine at a time.
type Cluster struct {
	bin      *binaries
	dir      string
	port     int
	durable  bool
	server   *server // nil: none runs
	watchdog *exec.Cmd
	life     io.Closer // of this process: the watchdog sees it closed and removes the cluster
}

// A server is a postmaster and its children.
type server struct {
	postmaster *exec.Cmd
	exited     chan struct{} // closed when the postmaster is gone
	processes  *os.File      // a pipe that the postmaster and its children hold: at its end when the last of them is gone
}

// newCluster makes a cluster and starts it. errMissing: the machine has no binaries that could run.
func newCluster(durable bool) (*Cluster, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	return begin(&Cluster{bin: bin, durable: durable}, (*Cluster).init)
}

// begin starts a cluster in a directory of its own, whose data init makes.
func begin(c *Cluster, init func(c *Cluster) error) (*Cluster, error) {
	var err error
	if c.dir, err = c.bin.tempDir(); err != nil {
		return nil, err
	}
	if err := c.watch(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	err = init(c)
	for range 3 { // another process may take the port first
		if err != nil {
			break
		}
		if c.port, err = freePort(); err != nil {
			break
		}
		if err = c.start(); err == nil {
			return c, nil
		}
	}
	return nil, errors.Join(err, c.remove())
}

// DSN returns the URL of the cluster's database, which is empty at first, as the superuser.
func (c *Cluster) DSN() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", c.port)
}

// Kill ends the server with SIGKILL, the postmaster and all of its children, as the kernel or a
// power failure may. It returns when they are gone. What was committed is there after Restart.
func (c *Cluster) Kill() error {
	if c.server == nil {
		return errors.New("the server does not run")
	}
	pid := c.server.postmaster.Process.Pid
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil { // it starts no more children
		return fmt.Errorf("kill the server: %w", err)
	}
	pids, err := children(pid)
	for _, p := range append(pids, pid) {
		if e := syscall.Kill(p, syscall.SIGKILL); e != nil && e != syscall.ESRCH {
			err = errors.Join(err, fmt.Errorf("kill process %d of the server: %w", p, e))
		}
	}
	if err != nil {
		return err
	}
	return c.gone()
}

// Restart starts a killed server again, on the same directory and port. It returns when the server
// accepts connections.
func (c *Cluster) Restart() error {
	if c.server != nil {
		return errors.New("the server runs")
	}
	return c.start()
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// watch starts the watchdog. It has a session of its own, so that it outlives what ends the test
// process.
func (c *Cluster) watch() error {
	const script = `cat; "$1" -D "$2" -m immediate stop; rm -rf "$3"`
	c.watchdog = c.bin.command("/bin/sh", "-c", script, "sh", c.bin.path("pg_ctl"), c.data(), c.dir)
	life, err := c.watchdog.StdinPipe()
	if err != nil {
		return err
	}
	c.life = life
	return c.watchdog.Start()
}

func (c *Cluster) init() error {
	return c.run("initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
}

// start starts the server and waits until it accepts connections. Where it fails no process of it
// is left.
func (c *Cluster) start() error {
	logfile := filepath.Join(c.dir, "log")
	log, err := os.Create(logfile)
	if err != nil {
		return err
	}
	defer log.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer w.Close()

	if err := c.sync(false); err != nil {
		return err
	}
	settings := fast
	if c.durable {
		settings = durable
	}
	cmd := c.bin.command(c.bin.path("postgres"), "-D", c.data())
	for _, s := range slices.Concat(always, settings, []string{"port=" + strconv.Itoa(c.port), "unix_socket_directories=" + c.dir}) {
		cmd.Args = append(cmd.Args, "-c", s)
	}
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{w}
	if err := cmd.Start(); err != nil {
		r.Close()
		return err
	}
	c.server = &server{cmd, make(chan struct{}), r}
	go func(exited chan<- struct{}) {
		cmd.Wait()
		close(exited)
	}(c.server.exited)
	w.Close()

	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for err == nil {
		select {
		case <-c.server.exited:
			err = errors.Join(errors.New("postgres ended"), c.gone())
		case <-late:
			err = errors.Join(errors.New("postgres is not ready in time"), c.Kill())
		case <-tick.C:
			if c.ready() && !c.durable {
				return nil
			}
			if c.ready() {
				return errors.Join(c.sync(true), syscall.Kill(c.server.postmaster.Process.Pid, syscall.SIGHUP))
			}
		}
	}
	text, _ := os.ReadFile(logfile)
	return fmt.Errorf("start postgres: %w\n%s", err, text)
}

// sync sets fsync for the next start, or for a server that is told to read its settings again.
// While it starts a server has none: what processes of it wrote before they were killed the kernel
// has, and to have it on the disk as well takes a server a second or two of each recovery.
func (c *Cluster) sync(on bool) error {
	return os.WriteFile(filepath.Join(c.data(), "postgresql.auto.conf"), fmt.Appendf(nil, "fsync = %t\n", on), 0o600)
}

// ready reports whether the server accepts connections, which the postmaster writes to the eighth
// line of its lock file: "ready" or, where it is a standby, "standby".
func (c *Cluster) ready() bool {
	text, _ := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	line := bytes.Split(text, []byte("\n"))
	return len(line) > 7 && string(line[0]) == strconv.Itoa(c.server.postmaster.Process.Pid) &&
		(bytes.HasPrefix(line[7], []byte("ready")) || bytes.HasPrefix(line[7], []byte("standby")))
}

// gone waits until no process of the server is left.
func (c *Cluster) gone() error {
	s := c.server
	defer s.processes.Close()
	s.processes.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, s.processes); err != nil {
		return fmt.Errorf("wait for the end of the server: %w", err)
	}
	<-s.exited
	c.server = nil
	return nil
}

// remove stops the server and removes the directory.
func (c *Cluster) remove() error {
	c.life.Close()
	err := c.watchdog.Wait()
	if c.server != nil {
		err = errors.Join(err, c.gone())
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}

// freePort returns a port that nobody listens on, below those that the system gives to outgoing
// connections: a killed server finds its port still free.
func freePort() (int, error) {
	var err error
	for range 100 {
		port := 15000 + rand.IntN(15000)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}
