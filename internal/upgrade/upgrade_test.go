package upgrade

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
)

const root = "../.."

// before is the commit of the release that processes of this one run beside. Its worker is in
// testdata.
const before = "24600c4ed4283bf5ed89501f69778271f176a88a"

// TestBesideTheReleaseBefore has processes of this release and of the one before run the same
// commands on one database, at once and from both ends, and then new ones one after the other, as
// in a roll-out and a roll-back. Each command takes effect once and comes to the same from both,
// and what either has written the other goes on with.
func TestBesideTheReleaseBefore(t *testing.T) {
	race.Skip(t, "the processes are built without it")
	older, newer := build(t, before), build(t, "")
	for driver, open := range map[string]func(t *testing.T) (storage.DB, string){
		"sqlite": func(t *testing.T) (storage.DB, string) {
			path := filepath.Join(t.TempDir(), "scrmkit.db")
			return dbtest.SQLiteFile(t, path), "file:" + path + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(60000)"
		},
		"pgx": func(t *testing.T) (storage.DB, string) {
			dsn := pgtest.DSN(t)
			return dbtest.Postgres(t, dsn), dsn
		},
	} {
		t.Run(driver, func(t *testing.T) {
			db, dsn := open(t)
			begin(t, db)
			const both, alone = 240, 60
			results := make(chan map[string]string, 2)
			go func() { results <- run(t, older, driver, dsn, "up", 0, both) }()
			go func() { results <- run(t, newer, driver, dsn, "down", 0, both) }()
			one, other := <-results, <-results
			for i := range both {
				key := fmt.Sprint(i)
				if one[key] == "" || one[key] != other[key] || strings.HasPrefix(one[key], "error") {
					t.Errorf("command %s came to\n%s\nin one process, and in the other to\n%s", key, one[key], other[key])
				}
			}
			n := both
			for _, worker := range []string{older, newer, older} {
				for key, result := range run(t, worker, driver, dsn, "up", n, n+alone) {
					if strings.HasPrefix(result, "error") {
						t.Errorf("command %s: %s", key, result)
					}
				}
				n += alone
			}
			holds(t, db, int64(n))
		})
	}
}

// begin puts programs in force, and gives each member enough to spend.
func begin(t *testing.T, db storage.DB) {
	t.Helper()
	ctx := t.Context()
	points, cards, leads := loyalty.New(db, nil), stamps.New(db, nil), lead.New(db, nil)
	rewards, err := reward.New(db, []secret.Key{{ID: "1", Secret: []byte(strings.Repeat("k", 32))}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Zone: "UTC", Money: "CNY", Currencies: []loyalty.Currency{{ID: "points"}},
		Rules: []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	})
	_, err2 := cards.Publish(ctx, stamps.Definition{ID: "coffee", Version: 1, Zone: "UTC", Card: &stamps.CardDefinition{
		Size: 10, Rewards: []stamps.Reward{{ID: "cup", Name: "A cup", At: 10}}, Earn: stamps.Earn{Per: stamps.PerVisit},
		PastEnd: stamps.Carry, UsedCoupon: stamps.Owe,
	}})
	_, err3 := rewards.Publish(ctx, reward.Definition{
		ID: "gifts", Version: 1, Zone: "UTC", Program: "club", Rewards: []reward.Reward{{ID: "cup", Prices: []reward.Price{{Points: 3}}, Stock: 1000}},
	})
	_, err4 := leads.Put(ctx, lead.Put{
		Job: lead.JobID{Code: "c", Platform: "line"}, Owner: "o", Name: "n", Key: "put",
		Terms: lead.Terms{Counts: lead.RuleOf("line"), Zone: "UTC", Scope: lead.Scope{Reach: lead.ReachJob}},
	})
	err = errors.Join(err, err2, err3, err4)
	for i := range 3 {
		_, err5 := points.Adjust(ctx, loyalty.Adjust{Account: member(i), N: 1000, Reason: "welcome", Key: "welcome"})
		err = errors.Join(err, err5)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func member(i int) loyalty.AccountID {
	return loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", i))}
}

// holds checks what n commands come to, a sixth of them of each kind.
func holds(t *testing.T, db storage.DB, n int64) {
	t.Helper()
	ctx := t.Context()
	points, cards, leads := loyalty.New(db, nil), stamps.New(db, nil), lead.New(db, nil)
	var balance, total int64
	for i := range 3 {
		if err := points.Verify(ctx, member(i)); err != nil {
			t.Error(err)
		}
		a, err := points.Account(ctx, member(i))
		if err != nil {
			t.Fatal(err)
		}
		balance += a.Wallet("points").Total()
		card, err := cards.Card(ctx, stamps.CardID{Program: "coffee", Member: ids.Member(fmt.Sprint("m", i))})
		if err != nil && !errors.Is(err, stamps.ErrUnknownCard) {
			t.Fatal(err)
		}
		total += card.Total
	}
	if want := 3000 + n/6*(1-2-3); balance != want || total != n/6 {
		t.Errorf("%d points and %d stamps, want %d and %d", balance, total, want, n/6)
	}
	sum, err := leads.Summary(ctx, lead.JobID{Code: "c", Platform: "line"})
	if err != nil || sum.Total.New != n/6 {
		t.Errorf("%+v, %v; want %d new leads", sum, err, n/6)
	}
}

// build builds the worker of this tree, or that of testdata in the tree of a commit.
func build(t *testing.T, commit string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "worker")
	build := exec.Command("go", "build", "-o", bin, "./internal/upgrade/worker")
	build.Dir = root
	if commit != "" {
		build.Dir = t.TempDir()
		unpack(t, commit, build.Dir)
		worker, err := os.ReadFile(filepath.Join("testdata", "worker.go"))
		folder := filepath.Join(build.Dir, "internal", "upgrade", "worker")
		if err := errors.Join(err, os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, "main.go"), worker, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// unpack writes the files of a commit.
func unpack(t *testing.T, commit, to string) {
	t.Helper()
	if err := exec.Command("git", "-C", root, "cat-file", "-e", commit+"^{commit}").Run(); err != nil {
		t.Skip("the release before is not in the history of this checkout: ", err)
	}
	archive := exec.Command("git", "-C", root, "archive", "--format=tar", commit)
	files := exec.Command("tar", "-x", "-C", to)
	files.Stdin, _ = archive.StdoutPipe()
	if err := errors.Join(archive.Start(), files.Run(), archive.Wait()); err != nil {
		t.Fatal(err)
	}
}

// run runs a worker, and returns what its commands came to by their numbers.
func run(t *testing.T, worker, driver, dsn, order string, from, to int) map[string]string {
	results := map[string]string{}
	c := exec.CommandContext(t.Context(), worker, driver, dsn, order, fmt.Sprint(from), fmt.Sprint(to))
	var failed strings.Builder
	c.Stderr = &failed
	out, err := c.Output()
	if err != nil {
		t.Errorf("%v: %s", err, &failed)
	}
	for line := range strings.Lines(string(out)) {
		number, result, _ := strings.Cut(strings.TrimSpace(line), " ")
		results[number] = result
	}
	return results
}
