package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
)

// pointsOf is a point a pound, for 12 months to the end of the month, and three levels on what was
// spent in a year.
func pointsOf(d shopData) loyalty.Definition {
	return loyalty.Definition{
		ID: "replay", Version: 1, Name: "A point a pound", Zone: d.zone, Money: d.currency,
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12, RoundUp: loyalty.Month}}},
		Rules:      []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
		Metrics:    []loyalty.Metric{{ID: "spent", Of: loyalty.CountMoney, Window: loyalty.Window{Months: 12}}},
		Tiers: &loyalty.Tiers{
			Levels: []loyalty.Level{
				{ID: "bronze"}, {ID: "silver", Needs: []loyalty.Need{{"spent": silverFrom}}}, {ID: "gold", Needs: []loyalty.Need{{"spent": goldFrom}}},
			},
			Downgrade: loyalty.AtEnd,
		},
	}
}

const silverFrom, goldFrom = 50_000, 200_000

// A pointsBook keeps the points in a database. Its clock is at the end of the month that is played,
// for points end with months.
type pointsBook struct {
	points  *loyalty.Engine
	program *loyalty.Program
	clock   atomic.Int64
}

// pointsTotals are what a book holds at the end.
type pointsTotals struct {
	members                               int64
	issued, revoked, expired, outstanding int64
	owing                                 int64 // members who do
	levels                                map[ids.Level]int64
}

// pointsRun is what one run did.
type pointsRun struct {
	earned, refunds, replayed int64
	took                      time.Duration
	totals                    pointsTotals
}

func replayPoints(ctx context.Context, c config, stdout io.Writer) error {
	d, err := readShop(c.data, c.path)
	if err != nil {
		return fmt.Errorf("%s: %w", c.path, err)
	}
	db, end, err := database.Open(ctx, c.db, loyalty.Tables)
	if err != nil {
		return err
	}
	results, err := playPoints(ctx, db, d, c)
	if err := errors.Join(err, end()); err != nil {
		return err
	}
	if err := reportPoints(stdout, d, results); err != nil {
		return err
	}
	if len(results) > 1 && (!results[0].totals.same(results[1].totals) || results[1].earned+results[1].refunds > 0) {
		return errors.New("the second run changed something")
	}
	return nil
}

func readShop(data, path string) (d shopData, err error) {
	file, err := os.Open(path)
	if err != nil {
		return d, err
	}
	defer file.Close()
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(file); err != nil {
			return d, err
		}
	}
	if data == "uci" {
		return readRetail(r)
	}
	return readCDs(r)
}

func playPoints(ctx context.Context, db storage.DB, d shopData, c config) ([]pointsRun, error) {
	b := &pointsBook{}
	b.points = loyalty.New(db, &loyalty.Options{Now: func() time.Time { return time.UnixMicro(b.clock.Load()) }})
	var err error
	if b.program, err = b.points.Publish(ctx, pointsOf(d)); err != nil {
		return nil, err
	}
	results := make([]pointsRun, 1, 2)
	if c.twice {
		results = results[:2]
	}
	for i := range results {
		if err := b.play(ctx, d, c.callers, &results[i]); err != nil {
			return nil, err
		}
		if results[i].totals, err = b.totals(ctx); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// play plays month after month. The orders of a member have one caller, so that they come in their
// order.
func (b *pointsBook) play(ctx context.Context, d shopData, callers int, r *pointsRun) error {
	began := time.Now()
	seed := maphash.MakeSeed()
	var earned, refunds, replayed atomic.Int64
	for from := 0; from < len(d.orders); {
		to, end := from, endOfMonth(d.orders[from].at)
		for to < len(d.orders) && !d.orders[to].at.After(end) {
			to++
		}
		b.clock.Store(end.UnixMicro())
		shares := make([][]order, callers)
		for _, o := range d.orders[from:to] {
			i := maphash.String(seed, o.member) % uint64(callers)
			shares[i] = append(shares[i], o)
		}
		errs := make([]error, callers)
		var wg sync.WaitGroup
		for i, share := range shares {
			if len(share) == 0 {
				continue
			}
			wg.Go(func() {
				for _, o := range share {
					if errs[i] = b.order(ctx, d, o, &earned, &refunds, &replayed); errs[i] != nil {
						return
					}
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		from = to
	}
	r.earned, r.refunds, r.replayed, r.took = earned.Load(), refunds.Load(), replayed.Load(), time.Since(began)
	return nil
}

// endOfMonth returns the last instant of the month of t.
func endOfMonth(t time.Time) time.Time {
	year, month, _ := t.Date()
	return time.Date(year, month+1, 1, 0, 0, 0, 0, t.Location()).Add(-time.Microsecond)
}

func (b *pointsBook) order(ctx context.Context, d shopData, o order, earned, refunds, replayed *atomic.Int64) error {
	id := loyalty.AccountID{Program: "replay", Member: ids.Member(o.member)}
	note := func(n *atomic.Int64, out loyalty.Outcome, err error) error {
		if out.Replayed {
			n = replayed
		}
		n.Add(1)
		return err
	}
	for _, g := range o.back {
		out, err := b.points.Refund(ctx, loyalty.Refund{
			Account: id, Of: g.of, Lines: []loyalty.LineRefund{{ID: g.line, Items: g.n}}, Key: g.key,
		})
		if err := note(refunds, out, err); err != nil {
			return err
		}
	}
	if len(o.lines) == 0 {
		return nil
	}
	p := &loyalty.Purchase{Currency: d.currency, Lines: make([]loyalty.Line, len(o.lines))}
	for i, l := range o.lines {
		p.Lines[i] = loyalty.Line{ID: l.id, SKU: "item-" + strings.ReplaceAll(l.item, " ", "-"), Quantity: l.n, Gross: l.money}
	}
	out, err := b.points.Earn(ctx, loyalty.Earn{Account: id, Event: loyalty.Event{At: o.at, Purchase: p}, Key: o.key})
	return note(earned, out, err)
}

// totals sums what is stored, as it is at the end of the last month.
func (b *pointsBook) totals(ctx context.Context) (pointsTotals, error) {
	now := time.UnixMicro(b.clock.Load())
	t := pointsTotals{levels: map[ids.Level]int64{}}
	for a, err := range b.points.Accounts(ctx, loyalty.AccountQuery{Program: "replay"}) {
		if err != nil {
			return t, err
		}
		a = b.program.At(a, now)
		t.members++
		t.levels[a.Status.Level]++
		for _, h := range a.Holdings {
			t.issued += h.Totals.Issued
			t.revoked += h.Totals.Revoked
			t.expired += h.Totals.Expired
			t.outstanding += h.Totals.Outstanding()
			if h.Wallet.Debt > 0 {
				t.owing++
			}
		}
	}
	return t, nil
}

func (t pointsTotals) same(o pointsTotals) bool { return fmt.Sprint(t) == fmt.Sprint(o) }

func reportPoints(w io.Writer, d shopData, results []pointsRun) error {
	var text strings.Builder
	row := func(name string, value func(pointsRun) any) {
		fmt.Fprintf(&text, "%-20s", name)
		for _, r := range results {
			fmt.Fprintf(&text, "%12v", value(r))
		}
		text.WriteByte('\n')
	}
	row("purchases", func(r pointsRun) any { return r.earned })
	row("refunds", func(r pointsRun) any { return r.refunds })
	row("replayed", func(r pointsRun) any { return r.replayed })
	row("seconds", func(r pointsRun) any { return fmt.Sprintf("%.2f", r.took.Seconds()) })
	row("commands/s", func(r pointsRun) any {
		return fmt.Sprintf("%.0f", float64(r.earned+r.refunds+r.replayed)/r.took.Seconds())
	})
	fmt.Fprintf(&text, "\nitems that came back and were never bought: %d\n\nthe database after it\n", d.unmatched)
	row("members", func(r pointsRun) any { return r.totals.members })
	row("points issued", func(r pointsRun) any { return r.totals.issued })
	row("points revoked", func(r pointsRun) any { return r.totals.revoked })
	row("points expired", func(r pointsRun) any { return r.totals.expired })
	row("points outstanding", func(r pointsRun) any { return r.totals.outstanding })
	row("members who owe", func(r pointsRun) any { return r.totals.owing })
	for _, level := range []ids.Level{"bronze", "silver", "gold"} {
		row(string(level), func(r pointsRun) any { return r.totals.levels[level] })
	}
	_, err := io.WriteString(w, text.String())
	return err
}
