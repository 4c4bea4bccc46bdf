package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Standby returns a hot standby of the cluster, which follows it until Promote. It is stopped and
// removed when the test ends.
func (c *Cluster) Standby(t testing.TB) *Cluster {
	t.Helper()
	primary := fmt.Sprintf("host=127.0.0.1 port=%d user=postgres", c.port)
	s, err := begin(&Cluster{bin: c.bin, durable: c.durable}, func(s *Cluster) error {
		if err := s.run("pg_basebackup", "-D", s.data(), "-d", primary, "-X", "stream", "-c", "fast", "--no-sync"); err != nil {
			return err
		}
		conf, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(conf, "primary_conninfo = '%s'\n", primary)
		return errors.Join(err, conf.Close(), os.WriteFile(filepath.Join(s.data(), "standby.signal"), nil, 0o644))
	})
	check(t, err)
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return s
}

// Promote ends the standby's following. It returns when the server takes changes.
func (c *Cluster) Promote(t testing.TB) {
	t.Helper()
	check(t, c.run("pg_ctl", "-D", c.data(), "-w", "promote"))
}

// Set gives the server settings, such as "wal_level = logical", for which it starts again.
func (c *Cluster) Set(t testing.TB, settings ...string) {
	t.Helper()
	conf, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	check(t, err)
	_, err = fmt.Fprintln(conf, strings.Join(settings, "\n"))
	check(t, errors.Join(err, conf.Close(), c.Kill()))
	check(t, c.Restart())
}

// Restored returns a new cluster with what a dump of this one has. It is stopped and removed when
// the test ends.
func (c *Cluster) Restored(t testing.TB) *Cluster {
	t.Helper()
	to := Start(t)
	file := filepath.Join(to.dir, "dump")
	check(t, c.run("pg_dump", "-d", c.DSN(), "-f", file))
	check(t, to.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", to.DSN(), "-f", file))
	return to
}

// run runs a program of the server's.
func (c *Cluster) run(name string, args ...string) error {
	if out, err := c.bin.command(c.bin.path(name), args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}
