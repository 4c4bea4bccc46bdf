// Command leads plays a day of lead events through scrm/lead: shuffled, some of them told twice, some late, some read after an
// account had been offline. It prints what each activation code counted, compares that with a recount that sorts all events
// first, and plays the day again in another order, which must give the same table.
//
//	go run ./examples/leads [-db memory|sqlite:PATH|postgres://...] [-events N] [-codes N] [-callers N] [-seed N] [-all]
//
// The database must be a fresh one.
//
// The status is 1 where something failed or the counts differ, and 2 where the command line is wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"
	_ "time/tzdata" // zone, on machines without it

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// A config is a command line.
type config struct {
	db                     string
	events, codes, callers int
	seed                   uint64
	all                    bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c config
	flags := flag.NewFlagSet("leads", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.db, "db", "memory", "`database`: memory, sqlite:PATH or postgres://...")
	flags.IntVar(&c.events, "events", 200_000, "events of the day")
	flags.IntVar(&c.codes, "codes", 200, "activation codes")
	flags.IntVar(&c.callers, "callers", 32, "events under way at once")
	flags.Uint64Var(&c.seed, "seed", 1, "of the day")
	flags.BoolVar(&c.all, "all", false, "print all codes, and not the first ten")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil || flags.NArg() > 0 || c.events < 1 || c.codes < 1 || c.callers < 1 {
		fmt.Fprintln(stderr, "leads: -events, -codes and -callers are numbers above 0, and there are no arguments")
		return 2
	}
	if err := play(ctx, c, stdout); err != nil {
		fmt.Fprintf(stderr, "leads: %v\n", err)
		return 1
	}
	return 0
}

// play plays a day twice, in different orders and for different tenants.
func play(ctx context.Context, c config, stdout io.Writer) (err error) {
	db, end, err := database.Open(ctx, c.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	day := newDay(c)
	want := day.recount()
	for i, tenant := range []string{"leads-1", "leads-2"} {
		r := rand.New(rand.NewPCG(c.seed, uint64(i)))
		r.Shuffle(len(day.events), func(i, j int) { day.events[i], day.events[j] = day.events[j], day.events[i] })
		began := time.Now()
		engine, err := day.meet(ctx, db.Tenant(tenant), c.callers)
		if err != nil {
			return err
		}
		took := time.Since(began)
		got, err := day.counted(ctx, engine)
		if err != nil {
			return err
		}
		if i == 0 {
			if err := day.print(stdout, got, c.all); err != nil {
				return err
			}
		}
		fmt.Fprintf(stdout, "%d events in %.1f s, %.0f a second\n", len(day.events), took.Seconds(), float64(len(day.events))/took.Seconds())
		for _, j := range day.jobs {
			if got[j.Job] != want[j.Job] {
				return fmt.Errorf("%s on %s counts %+v, and a recount %+v", j.Job.Code, j.Job.Platform, got[j.Job], want[j.Job])
			}
		}
	}
	fmt.Fprintln(stdout, "both orders and the recount give the same counts")
	return nil
}

// meet tells an engine of the events.
func (d *day) meet(ctx context.Context, db storage.DB, callers int) (*lead.Engine, error) {
	now := d.opened
	engine := lead.New(db.Leads(), &lead.Options{Now: func() time.Time { return now }})
	for _, j := range d.jobs {
		if _, err := engine.Put(ctx, j); err != nil {
			return nil, err
		}
	}
	if _, err := engine.Import(ctx, d.library); err != nil {
		return nil, err
	}
	now = d.opened.AddDate(0, 0, 2)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(d.events) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if _, err := engine.Meet(ctx, d.events[i]); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return engine, context.Cause(ctx)
}

// counted returns what the jobs counted in total.
func (d *day) counted(ctx context.Context, engine *lead.Engine) (map[lead.JobID]lead.Figures, error) {
	counts := map[lead.JobID]lead.Figures{}
	for _, j := range d.jobs {
		s, err := engine.Summary(ctx, j.Job)
		if err != nil {
			return nil, err
		}
		counts[j.Job] = s.Total
	}
	return counts, nil
}

func (d *day) print(w io.Writer, counts map[lead.JobID]lead.Figures, all bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "code\tscope\tWhatsApp new\tduplicate\tuncertain\tLINE new\tduplicate\tuncertain")
	codes := d.codes
	if !all {
		codes = codes[:min(10, len(codes))]
	}
	for _, code := range codes {
		fmt.Fprintf(t, "%s\t%s", code, d.scopes[code])
		for _, platform := range platforms {
			id := lead.JobID{Code: code, Platform: platform}
			if !slices.ContainsFunc(d.jobs, func(j lead.Put) bool { return j.Job == id }) {
				fmt.Fprint(t, "\tno permission\t\t")
				continue
			}
			f := counts[id]
			fmt.Fprintf(t, "\t%d\t%d\t%d", f.New, f.Duplicate, f.Uncertain)
		}
		fmt.Fprintln(t)
	}
	var sum lead.Figures
	for _, f := range counts {
		sum = sum.Plus(f)
	}
	fmt.Fprintf(t, "all\t\t%d new, %d duplicate, %d uncertain, %d excluded; %d contacts, %d pairs\n",
		sum.New, sum.Duplicate, sum.Uncertain, sum.Excluded, sum.Contacts, sum.Pairs)
	return t.Flush()
}
