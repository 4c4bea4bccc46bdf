package pgtest

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var errNoBouncer = fmt.Errorf("no pgbouncer (on Debian: apt-get install pgbouncer): %w", errMissing)

// Bounced returns the URL of a database behind a pgbouncer of the test's own, which ends with the
// test: mode is its pool_mode, "session" or "transaction", and it has at most that many connections
// to the server. Without pgbouncer the test is skipped; where CI is true it fails.
func Bounced(t testing.TB, dsn, mode string, connections int) string {
	t.Helper()
	path, err := bouncer()
	check(t, err)
	u, err := url.Parse(dsn)
	check(t, err)
	bin := &binaries{}
	if os.Geteuid() == 0 { // root can't run it
		bin, err = find()
		check(t, err)
	}
	dir, err := bin.tempDir()
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port, err := freePort()
	check(t, err)
	server := fmt.Sprintf("* = host=%s port=%s user=%s", u.Hostname(), u.Port(), u.User.Username())
	if password, ok := u.User.Password(); ok {
		server += " password=" + password
	}
	file, logfile := filepath.Join(dir, "pgbouncer.ini"), filepath.Join(dir, "log")
	check(t, os.WriteFile(file, fmt.Appendf(nil, `[databases]
%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
ignore_startup_parameters = extra_float_digits
pool_mode = %s
default_pool_size = %d
max_client_conn = 200
`, server, port, mode, connections), 0o644))
	log, err := os.Create(logfile)
	check(t, err)
	defer log.Close()
	// The shell sees its input closed when this process is gone, and ends the pooler.
	cmd := bin.command("/bin/sh", "-c", `"$1" -q "$2" & cat; kill -9 $!`, "sh", path, file)
	life, err := cmd.StdinPipe()
	check(t, err)
	cmd.Stdout, cmd.Stderr = log, log
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = life.Close()
		_ = cmd.Wait()
	})
	u.Host = fmt.Sprintf("127.0.0.1:%d", port)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		conn, err := net.Dial("tcp", u.Host)
		if err == nil {
			_ = conn.Close()
			return u.String()
		}
		select {
		case <-tick.C:
		case <-late:
			text, _ := os.ReadFile(logfile)
			t.Fatalf("pgtest: pgbouncer does not listen: %v\n%s", err, text)
		}
	}
}

// bouncer finds pgbouncer.
func bouncer() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		path, err := exec.LookPath(name)
		if err == nil {
			return filepath.Abs(path)
		}
		if !errors.Is(err, exec.ErrNotFound) && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	return "", errNoBouncer
}
