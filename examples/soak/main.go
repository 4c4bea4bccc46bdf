// Command soak runs a mix of commands at a steady rate, for as long as it is told, and shows whether
// anything grows or slows down: points earned and spent, cards stamped, vouchers issued and redeemed,
// leads observed, balances and histories read. Some members come often, most of them seldom. One
// command in a hundred is sent twice, and the second answer must be a replay of the first.
//
// Meanwhile a relay follows the journal, and each minute what lapsed is posted, and old entries of
// the journal are taken out: their bodies after 5 minutes, the rest after 10. So accounts, cards
// with their records, vouchers and leads are what stays for good.
//
//	go run ./examples/soak [-db memory|sqlite:PATH|postgres://...] [-for 1m] [-rate N] [-members N] [-every 1m]
//
// The database must be a fresh one. The columns of what it prints are
//
//	time           since the beginning
//	done           commands that were answered
//	late           commands that were not sent, as a second's commands were waiting already
//	errors         failures of commands, which are sent again with their keys, and of the work behind
//	p50, p99, max  of the latencies since the line before, from when a command was due to its answer
//	heap           what the last garbage collection left
//	rss, gor, fds  resident memory, goroutines and open files; - without /proc
//	db             size of the database; of SQLite with its log
//	lag, handed    how far the relay is behind, and entries that it has handed over
//	pruned         entries that were deleted from the journal
//
// At the end, also after an interrupt, it verifies the ledgers and compares the books with what it
// counted itself. The status is 1 where they differ or a command failed for good, and 2 where the
// command line is wrong.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	_ "time/tzdata" // zone, on machines without it

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/storage/relay"
	"github.com/scrmkit/scrmkit/storage/retention"
)

// workers are the commands that run at the same time.
const workers = 16

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second interrupt ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// A config is a command line, and what tests do sooner.
type config struct {
	db            string
	length, every time.Duration
	rate, members int
	upkeep, keep  time.Duration
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := config{upkeep: time.Minute, keep: 5 * time.Minute}
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.db, "db", "memory", "`database`: memory, sqlite:PATH or postgres://...")
	flags.DurationVar(&c.length, "for", time.Minute, "how long it runs")
	flags.IntVar(&c.rate, "rate", 100, "commands a second")
	flags.IntVar(&c.members, "members", 10_000, "members who have points, cards and vouchers")
	flags.DurationVar(&c.every, "every", time.Minute, "how often a line is printed")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil || flags.NArg() > 0 || c.length <= 0 || c.every <= 0 || c.rate < 1 || c.rate > 100_000 || c.members < 1 {
		fmt.Fprintln(stderr, "soak: -for, -members and -every are more than 0, -rate is 1 to 100,000, and there are no arguments")
		return 2
	}
	if err := soak(ctx, c, stdout); err != nil {
		fmt.Fprintf(stderr, "soak: %v\n", err)
		return 1
	}
	return 0
}

func soak(ctx context.Context, c config, stdout io.Writer) (err error) {
	s, err := open(ctx, c, stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	if err := s.drive(ctx); err != nil {
		return err
	}
	return s.check(context.WithoutCancel(ctx))
}

// A service is what the commands are sent to, and what the program knows of them.
type service struct {
	config
	out     io.Writer
	db      storage.DB
	sql     *bun.DB // nil: in memory
	points  *loyalty.Engine
	cards   *stamps.Engine
	rewards *reward.Engine
	leads   *lead.Engine
	relay   *relay.Relay
	old     *retention.Retention
	began   time.Time
	stop    context.CancelFunc // ends the run
	due     chan time.Time     // when commands are due that no worker has taken yet

	sent, met, done, late, errors atomic.Int64
	issued, spent, stamps, heard  atomic.Int64 // as the answers have it
	handed, pruned                atomic.Int64 // entries of the journal

	mu     sync.Mutex
	took   []time.Duration  // by the commands since the last line
	last   map[string]int64 // number of the last entry of each subject that was handed over
	fault  error            // the last one, since the last line
	broken error            // why the run had to end
}

func open(ctx context.Context, c config, out io.Writer) (*service, error) {
	s := &service{config: c, out: out, due: make(chan time.Time, c.rate), last: map[string]int64{}, stop: func() {}}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

func (s *service) connect(ctx context.Context) (err error) {
	if s.db = memory.New(); s.config.db == "memory" {
		return nil
	}
	if s.sql, err = database.Connect(s.config.db); err != nil {
		return err
	}
	s.sql.SetMaxIdleConns(2 * workers)
	err = bunstore.Migrate(ctx, s.sql, loyalty.Tables, stamps.Tables, reward.Tables, lead.Tables, relay.Tables, retention.Tables)
	if err == nil {
		s.db, err = bunstore.New(s.sql, nil)
	}
	if err != nil {
		return errors.Join(err, s.sql.Close())
	}
	return nil
}

// prepare makes the engines, and puts the programs in force.
func (s *service) prepare(ctx context.Context) (err error) {
	for _, err := range s.db.Journal().After(ctx, "", 1) {
		return cmp.Or(err, errors.New("-db is not a fresh database"))
	}
	s.points, s.cards, s.leads = loyalty.New(s.db, nil), stamps.New(s.db, nil), lead.New(s.db, nil)
	keys := []secret.Key{{ID: "soak", Secret: []byte("this is no secret, and no key of a service")}}
	if s.rewards, err = reward.New(s.db, keys, nil); err != nil {
		return err
	}
	if s.relay, err = relay.New(s.db, "soak", s.take, nil); err != nil {
		return err
	}
	s.old, err = retention.New(s.db, &retention.Options{Relays: []*relay.Relay{s.relay}, Pruned: s.points.Forget})
	if err != nil {
		return err
	}
	return s.publish(ctx)
}

func (s *service) end() error {
	if s.sql == nil {
		return nil
	}
	return s.sql.Close()
}

// drive has the commands sent until the time is over or ctx ends, and returns once all that were sent
// are answered and told to the relay.
func (s *service) drive(ctx context.Context) error {
	sending, stop := context.WithTimeout(ctx, s.length)
	defer stop()
	s.stop, s.began = stop, time.Now()
	behind, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	s.head()
	var senders, others sync.WaitGroup
	others.Go(func() { _ = s.relay.Run(behind, s.failed) })
	others.Go(func() { s.repeat(behind, s.upkeep, s.tidy) })
	others.Go(func() { s.repeat(sending, s.every, s.line) })
	for range workers {
		senders.Go(func() {
			for due := range s.due {
				s.answer(context.WithoutCancel(ctx), due)
			}
		})
	}
	s.handOut(sending)
	close(s.due)
	senders.Wait()
	end()
	others.Wait()
	ctx = context.WithoutCancel(ctx)
	for more := true; more; {
		turn, err := s.relay.Step(ctx)
		if err != nil {
			return err
		}
		more = turn.Handed > 0 || turn.More
	}
	s.line(ctx)
	return s.broken
}

// handOut hands out commands as they are due, whether those before them are answered or not, until
// ctx ends.
func (s *service) handOut(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	due, between := s.began, time.Second/time.Duration(s.rate)
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for ; !due.After(now); due = due.Add(between) {
				select {
				case s.due <- due:
				default:
					s.late.Add(1)
				}
			}
		}
	}
}

// repeat calls do at each interval until ctx ends, which interrupts no call.
func (s *service) repeat(ctx context.Context, every time.Duration, do func(context.Context)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if ctx.Err() == nil {
				do(context.WithoutCancel(ctx))
			}
		}
	}
}

// take is the handler of the relay. Entries of a subject must come in their order, none left out; the
// last one may come again.
func (s *service) take(_ context.Context, _ string, r journal.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch last := s.last[r.Subject]; r.Seq {
	case last:
		return nil
	case last + 1:
		s.last[r.Subject] = r.Seq
		s.handed.Add(1)
		return nil
	default:
		s.broken = fmt.Errorf("entry %d of %s was handed over after %d", r.Seq, r.Subject, last)
		s.stop()
		return s.broken
	}
}

// failed takes note of a failure after which the same is tried again.
func (s *service) failed(err error) {
	s.errors.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = err
}

// tidy posts what lapsed, and takes old entries out of the journal.
func (s *service) tidy(ctx context.Context) {
	const limit = 1000
	_, err1 := s.cards.Sweep(ctx, limit)
	_, err2 := s.points.Sweep(ctx, limit)
	_, err3 := s.rewards.Sweep(ctx, limit)
	err4 := s.archive(ctx)
	n, err5 := s.old.Prune(ctx, time.Now().Add(-2*s.keep))
	s.pruned.Add(n)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		s.failed(err)
	}
}

// archive takes the bodies of old entries out of the journal. What is not stripped to its end is
// stripped again; a service keeps the archives, which are deleted here.
func (s *service) archive(ctx context.Context) error {
	for more := true; more; {
		file, err := os.CreateTemp("", "soak-*.jsonl")
		if err != nil {
			return err
		}
		segment, err := s.old.Archive(ctx, file, time.Now().Add(-s.keep))
		err = errors.Join(err, file.Close())
		if err == nil {
			_, err = s.answered(func() (bool, error) {
				_, err := s.old.Strip(ctx, func() (io.ReadCloser, error) { return os.Open(file.Name()) })
				return false, err
			})
		}
		if err := errors.Join(err, os.Remove(file.Name())); err != nil {
			return err
		}
		more = segment.More
	}
	return nil
}
