// Command movein moves the members of another system into a program: their points with their ends,
// levels, and what became of all points before; and their vouchers, with the codes that they have.
// It runs with -dry first, which stores nothing but the definition, and says what would be refused
// and what it would come to. It may be stopped and run again at any time, with the same files:
// members who are there are passed over.
//
//	go run ./examples/movein -program FILE [-db memory|sqlite:PATH|postgres://...] [-dry] -table FILE
//	go run ./examples/movein -program FILE [-db ...] [-dry] -members FILE -transfers FILE
//		[-level ID=LEVEL]... [-wallet CODE=CURRENCY]...
//	go run ./examples/movein -catalog FILE [-db ...] [-dry] -vouchers FILE
//
// A -table is a CSV file whose header names the columns that it has, of these: member, joined,
// active, currency, points, from, expires, redeemed, expired, level, since, until. Lines that follow
// each other and are of one member are its lots. -members and -transfers are what Open Loyalty
// exports as Members and Unit Transfers; the lines of a member are in the order of their time. Points
// without an end, in either, end by the program's rule from the move on.
//
// -vouchers is a CSV file whose header names member, reward and, of these, what it has: code, value,
// taken, from, expires. A value is in minor units. Lines of one member follow each other.
// SCRMKIT_VOUCHER_KEY, an id, a colon and base64 of at least 32 random bytes, is the key with which
// the service that redeems them makes and reads codes: under another id it would not find its own.
//
// It prints the books of the other system beside those of the program. Who was refused is in the
// former alone. The status is 1 where they
// differ, where a member was refused or where something failed, and 2 where the command line is
// wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	_ "time/tzdata" // zones, on machines without them

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// A config is a command line.
type config struct {
	db, program               string
	dry                       bool
	table, members, transfers string
	catalog, vouchers, key    string
	levels                    map[string]ids.Level
	wallets                   map[string]ids.Currency
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := config{levels: map[string]ids.Level{}, wallets: map[string]ids.Currency{}, key: os.Getenv("SCRMKIT_VOUCHER_KEY")}
	flags := flag.NewFlagSet("movein", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.db, "db", "memory", "`database`: memory, sqlite:PATH or postgres://...")
	flags.StringVar(&c.program, "program", "", "`file` of the program's definition, JSON")
	flags.BoolVar(&c.dry, "dry", false, "store nothing but the program")
	flags.StringVar(&c.table, "table", "", "CSV `file` of lots")
	flags.StringVar(&c.members, "members", "", "CSV `file` of members, as Open Loyalty exports them")
	flags.StringVar(&c.transfers, "transfers", "", "CSV `file` of unit transfers, as Open Loyalty exports them")
	flags.StringVar(&c.catalog, "catalog", "", "`file` of the definition of the vouchers' catalog, JSON")
	flags.StringVar(&c.vouchers, "vouchers", "", "CSV `file` of vouchers")
	flags.Func("level", "level of the program for one of the other system: `ID=LEVEL`", func(s string) error {
		id, level, ok := strings.Cut(s, "=")
		if c.levels[id] = ids.Level(level); !ok || level == "" {
			return errors.New("is not like ID=LEVEL")
		}
		return nil
	})
	flags.Func("wallet", "currency of the program for a wallet of the other system: `CODE=CURRENCY`", func(s string) error {
		code, currency, ok := strings.Cut(s, "=")
		if c.wallets[code] = ids.Currency(currency); !ok || currency == "" {
			return errors.New("is not like CODE=CURRENCY")
		}
		return nil
	})
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil || flags.NArg() > 0 || !c.forPoints() && !c.forVouchers() {
		fmt.Fprintln(stderr, "movein: give -program with -table or with -members and -transfers, or -catalog with -vouchers; there are no arguments")
		return 2
	}
	move := move
	if c.vouchers != "" {
		move = moveVouchers
	}
	if err := move(ctx, c, stdout); err != nil {
		fmt.Fprintf(stderr, "movein: %v\n", err)
		return 1
	}
	return 0
}

// forPoints reports whether it names what points are moved from, and that alone.
func (c config) forPoints() bool {
	return c.program != "" && (c.table == "") != (c.members == "") && (c.members == "") == (c.transfers == "") && c.catalog+c.vouchers == ""
}

// forVouchers reports whether it names what vouchers are moved from, and that alone.
func (c config) forVouchers() bool {
	return c.catalog != "" && c.vouchers != "" && c.program+c.table+c.members+c.transfers == ""
}

func move(ctx context.Context, c config, stdout io.Writer) (err error) {
	text, err := os.ReadFile(c.program)
	if err != nil {
		return err
	}
	d, err := loyalty.ParseDefinition(text)
	if err != nil {
		return err
	}
	db, end, err := database.Open(ctx, c.db, loyalty.Tables)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	points := loyalty.New(db, nil)
	if _, err := points.Publish(ctx, d); err != nil {
		return err
	}
	if c.dry {
		points = points.Preview()
	}
	var members iter.Seq2[member, error]
	if c.table != "" {
		members = fromTable(c.table, d)
	} else {
		members = fromOpenLoyalty(c, d)
	}
	told := map[ids.Currency]loyalty.Totals{}
	imports := func(yield func(loyalty.Import, error) bool) {
		for m, err := range members {
			for id, t := range m.books {
				sum := told[id]
				sum.Issued, sum.Redeemed = sum.Issued+t.Issued, sum.Redeemed+t.Redeemed
				told[id] = sum
			}
			if !yield(m.Import, err) {
				return
			}
		}
	}
	done, err := points.ImportAll(ctx, imports, &storage.ImportOptions[loyalty.Import]{
		Refused: func(n int, c loyalty.Import, err error) {
			fmt.Fprintf(stdout, "member %d, %s, is refused: %v\n", n+1, c.Account.Member, err)
		},
		Progress: func(done storage.Imported) {
			if done.Next%100_000 == 0 {
				fmt.Fprintf(stdout, "%d members\n", done.Next)
			}
		},
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d members opened, %d there before, %d refused\n", done.Stored, done.Replayed, done.Refused)
	err = compare(stdout, told, done)
	if done.Refused > 0 {
		err = fmt.Errorf("%d members are refused; mend their lines, and run it again", done.Refused)
	}
	return err
}

// compare prints the books of both systems.
func compare(stdout io.Writer, told map[ids.Currency]loyalty.Totals, done loyalty.Imported) (err error) {
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "currency\tissued there\there\tredeemed there\there\texpired\toutstanding\t")
	var currencies []ids.Currency
	for id := range told {
		currencies = append(currencies, id)
	}
	slices.Sort(currencies)
	for _, id := range currencies {
		there, here := told[id], done.Totals[id]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", id, there.Issued, here.Issued, there.Redeemed, here.Redeemed, here.Expired, here.Outstanding())
		if there.Issued != here.Issued || there.Redeemed != here.Redeemed {
			err = errors.New("the books differ")
		}
	}
	return errors.Join(w.Flush(), err)
}
