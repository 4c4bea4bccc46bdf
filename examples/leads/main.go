// Command leads plays a day of lead events through scrm/lead: shuffled, some of them told twice,
// some late, some read after an account had been offline. It prints the list of codes with what
// they counted, compares that with a recount that sorts all events first, and plays the day again
// in another order, which must give the same table.
//
//	go run ./examples/leads [-db memory|sqlite:PATH|postgres://...] [-events N] [-codes N] [-callers N] [-seed N] [-all]
//
// The database must be a fresh one.
//
// The status is 1 where something failed or the counts differ, and 2 where the command line is
// wrong.
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
	"syscall"
	"time"
	_ "time/tzdata" // zone, on machines without it

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
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
	flags.IntVar(&c.callers, "callers", 32, "events at a time")
	flags.Uint64Var(&c.seed, "seed", 1, "of the day")
	flags.BoolVar(&c.all, "all", false, "print all codes, and not the last twelve")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil || flags.NArg() > 0 || c.events < 1 || c.codes < 2 || c.callers < 1 {
		fmt.Fprintln(stderr, "leads: -events and -callers are 1 or more, -codes 2 or more, and there are no arguments")
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
	db, end, err := database.Open(ctx, c.db, activation.Tables, lead.Tables)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	day := newDay(c)
	want := day.recount()
	for i, tenant := range []string{"leads-1", "leads-2"} {
		r := rand.New(rand.NewPCG(c.seed, uint64(i)))
		r.Shuffle(len(day.events), func(i, j int) { day.events[i], day.events[j] = day.events[j], day.events[i] })
		p, err := day.play(ctx, db.Tenant(tenant), c.callers)
		if err != nil {
			return err
		}
		began := time.Now()
		rows, err := p.rows(ctx)
		if err != nil {
			return err
		}
		listed := time.Since(began)
		if i == 0 {
			n := 12
			if c.all {
				n = len(rows)
			}
			if err := write(stdout, rows, n); err != nil {
				return err
			}
		}
		fmt.Fprintf(stdout, "%d events in %.1f s, %.0f a second; the list in %.0f ms\n", len(day.events), p.took.Seconds(),
			float64(len(day.events))/p.took.Seconds(), listed.Seconds()*1000)
		if err := p.check(rows, want); err != nil {
			return err
		}
	}
	fmt.Fprintln(stdout, "both orders and the recount give the same counts")
	return nil
}
