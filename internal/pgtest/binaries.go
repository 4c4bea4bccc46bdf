package pgtest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

var errMissing = errors.New("install Postgres (on Debian: apt-get install postgresql), " +
	"or set SCRMKIT_TEST_POSTGRES to the URL of a server")

// binaries is where Postgres is installed, and who runs it.
type binaries struct {
	dir  string
	user *syscall.Credential // nil: the user of this process
}

// find finds the binaries. errMissing: there are none, or the process is root's and there is no
// user postgres.
func find() (*binaries, error) {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(debian, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
	dirs = append(dirs, debian...)
	i := slices.IndexFunc(dirs, func(dir string) bool {
		return !slices.ContainsFunc([]string{"initdb", "pg_ctl", "postgres"}, func(name string) bool {
			_, err := exec.LookPath(filepath.Join(dir, name))
			return err != nil
		})
	})
	if i < 0 {
		return nil, fmt.Errorf("no initdb, pg_ctl and postgres: %w", errMissing)
	}
	server, err := filepath.EvalSymlinks(filepath.Join(dirs[i], "postgres")) // all programs of the release stand beside it
	if err != nil {
		return nil, err
	}
	b := &binaries{dir: filepath.Dir(server)}
	if os.Geteuid() != 0 {
		return b, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("root can't run Postgres, and there is no user postgres: %w", errMissing)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	b.user = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return b, errors.Join(err1, err2)
}

// version returns the major version of a directory like /usr/lib/postgresql/15/bin.
func version(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

func (b *binaries) path(name string) string { return filepath.Join(b.dir, name) }

// command is exec.Command for a process that runs as the server's user, in a session of its own.
func (b *binaries) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: b.user, Setsid: true}
	return cmd
}

// tempDir makes a directory of the server's user: in os.TempDir, or in /tmp where that user can't
// reach the former.
func (b *binaries) tempDir() (string, error) {
	parent := os.TempDir()
	if b.user != nil && !reachable(parent) {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "scrmkit-pg-")
	if err != nil || b.user == nil {
		return dir, err
	}
	if err := os.Chown(dir, int(b.user.Uid), int(b.user.Gid)); err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	return dir, nil
}

// reachable reports whether every user can make and remove directories in dir.
func reachable(dir string) bool {
	dir, err := filepath.Abs(dir)
	for want := os.FileMode(0o003); err == nil; want = 0o001 {
		var info os.FileInfo
		if info, err = os.Stat(dir); err != nil || info.Mode()&want != want {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
	return false
}

// children returns the processes whose parent is pid.
func children(pid int) ([]int, error) {
	var pids []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats { // "17 (name) S 1 ...": process, name, state, parent
		text, _ := os.ReadFile(stat)
		after := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(after) > 1 && after[1] == strconv.Itoa(pid) {
			p, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
			if err != nil {
				return nil, err
			}
			pids = append(pids, p)
		}
	}
	if len(stats) > 0 {
		return pids, nil
	}
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		var p, parent int
		if _, err := fmt.Sscan(line, &p, &parent); err == nil && parent == pid {
			pids = append(pids, p)
		}
	}
	return pids, nil
}
