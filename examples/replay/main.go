// Command replay plays real sales through a program. It prints what the database holds afterwards,
// and does it all once more to show that nothing changes then.
//
//	go run ./examples/replay -data uci   [-db memory|sqlite:PATH|postgres://...] [-callers N] PATH/online_retail.csv.gz
//	go run ./examples/replay -data cdnow [-db memory|sqlite:PATH|postgres://...] [-callers N] PATH/CDNOW_master.txt.gz
//
// are points: one a pound, for 12 months to the end of the month, with three levels on what was
// spent in a year, and returns that are matched to earlier purchases of the item. Months are played
// one after the other.
//
//	go run ./examples/replay [-db memory|sqlite:PATH|postgres://...] [-callers N] [-twice=false] PATH/index_1.csv
//	go run ./examples/replay -server URL -token T [-callers N] [-twice=false] PATH/index_1.csv
//
// is the coffees of a machine and stamp cards: one stamp a cup, and a free cup for every tenth.
//
// With -server the stamps go through the API of examples/server. The file is index_1.csv of the
// data set "Coffee Sales". A cash sale has no card, and is counted and left out. The status is 1
// where something failed or the second run changed something, and 2 where the command line is
// wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // zone, on machines without it

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/stamps"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

const maxCallers = 1024

// A config is a command line.
type config struct {
	data              string // "coffee", "uci" or "cdnow"
	db, server, token string
	callers           int
	twice             bool
	path              string
}

// parse reads a command line, and tells stderr what is wrong with it.
func parse(args []string, stderr io.Writer) (config, error) {
	var c config
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: replay [flags] PATH")
		flags.PrintDefaults()
	}
	flags.StringVar(&c.db, "db", "memory", "`database`: memory, sqlite:PATH or postgres://...")
	flags.StringVar(&c.data, "data", "coffee", "what the file is: coffee, uci or cdnow")
	flags.StringVar(&c.server, "server", "", "`URL` of examples/server, instead of a database")
	flags.StringVar(&c.token, "token", "", "bearer `token` of an administrator of the server")
	flags.IntVar(&c.callers, "callers", 32, "stamps under way at once")
	flags.BoolVar(&c.twice, "twice", true, "run a second time, which must change nothing")
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	var wrong string
	switch {
	case flags.NArg() == 0:
		wrong = "the path of the sales is missing"
	case flags.NArg() > 1:
		wrong = "there is more than one path"
	case c.callers < 1 || c.callers > maxCallers:
		wrong = fmt.Sprintf("-callers is not between 1 and %d", maxCallers)
	case c.data != "coffee" && c.data != "uci" && c.data != "cdnow":
		wrong = "-data is neither coffee nor uci nor cdnow"
	case c.data != "coffee" && c.server != "":
		wrong = "-server is for -data coffee"
	case c.server != "" && c.token == "":
		wrong = "-server needs a -token"
	}
	flags.Visit(func(f *flag.Flag) {
		if f.Name == "db" && c.server != "" {
			wrong = "-db and -server are both given"
		}
	})
	if wrong != "" {
		fmt.Fprintf(stderr, "replay: %s\n", wrong)
		flags.Usage()
		return config{}, errors.New(wrong)
	}
	c.path = flags.Arg(0)
	return c, nil
}

// run is the command; it returns its status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	play := replay
	if c.data != "coffee" {
		play = replayPoints
	}
	if err := play(ctx, c, stdout); err != nil {
		fmt.Fprintf(stderr, "replay: %v\n", err)
		return 1
	}
	return 0
}

func replay(ctx context.Context, c config, stdout io.Writer) (err error) {
	file, err := os.Open(c.path)
	if err != nil {
		return err
	}
	sales, err := readSales(file)
	err = errors.Join(err, file.Close())
	if err != nil {
		return fmt.Errorf("%s: %w", c.path, err)
	}
	b, end, err := open(ctx, c, sales)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	results, err := runs(ctx, b, sales, c)
	if err != nil {
		return err
	}
	if err := report(stdout, results); err != nil {
		return err
	}
	if len(results) > 1 && !results[0].replays(results[1]) {
		return errors.New("the second run changed something")
	}
	return nil
}

// open opens the book of the command line. The caller closes it with end.
func open(ctx context.Context, c config, sales []sale) (b book, end func() error, err error) {
	if c.server != "" {
		server := newServerBook(c, sales)
		return server, server.close, nil
	}
	db, end, err := database.Open(ctx, c.db, stamps.Tables)
	if err != nil {
		return nil, nil, err
	}
	return newEngineBook(db), end, nil
}

// runs plays the sales once or twice.
func runs(ctx context.Context, b book, sales []sale, c config) ([]result, error) {
	if err := b.define(ctx); err != nil {
		return nil, err
	}
	n := 1
	if c.twice {
		n = 2
	}
	results := make([]result, n)
	for i := range results {
		var err error
		if results[i].tally, err = play(ctx, b, sales, c.callers); err != nil {
			return nil, err
		}
		if results[i].totals, err = b.totals(ctx); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// report prints a column for each run.
func report(w io.Writer, results []result) error {
	var text strings.Builder
	row := func(name string, value func(result) any) {
		fmt.Fprintf(&text, "%-16s", name)
		for _, r := range results {
			fmt.Fprintf(&text, "%12v", value(r))
		}
		text.WriteByte('\n')
	}
	fmt.Fprintf(&text, "%-16s%12s", "the run", "first")
	if len(results) > 1 {
		fmt.Fprintf(&text, "%12s", "second")
	}
	text.WriteByte('\n')
	row("lines", func(r result) any { return r.lines })
	row("cash", func(r result) any { return r.cash })
	row("stamped", func(r result) any { return r.stamped })
	row("replayed", func(r result) any { return r.replayed })
	row("refused", func(r result) any { return r.refused })
	row("seconds", func(r result) any { return fmt.Sprintf("%.2f", r.took.Seconds()) })
	row("lines/s", func(r result) any { return fmt.Sprintf("%.0f", float64(r.lines)/r.took.Seconds()) })
	text.WriteString("\nthe database after it\n")
	row("cards", func(r result) any { return r.cards })
	row("stamps", func(r result) any { return r.stamps })
	row("completed cards", func(r result) any { return r.completed })
	row("coupons issued", func(r result) any { return r.coupons })
	if err := results[0].refusal; err != nil {
		fmt.Fprintf(&text, "\none of the refused: %v\n", err)
	}
	_, err := io.WriteString(w, text.String())
	return err
}
