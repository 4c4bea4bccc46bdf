package main

import (
	"bytes"
	"cmp"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/pgtest"
)

// recount plays a shop with nothing but sums: per member the points that end with each month, the
// debt, and the money of each day. It shares no code with package loyalty.
func recount(t *testing.T, d shopData) pointsTotals {
	local, err := time.LoadLocation(d.zone)
	if err != nil {
		t.Fatal(err)
	}
	type bought struct {
		month             int // in which its points end
		day               time.Time
		points, paid      int64
		back              map[string]int64 // of each line
		gone              map[string]int64
		linePaid, lineQty map[string]int64
		revoked           int64
	}
	type member struct {
		lots  map[int]int64
		debt  int64
		money map[time.Time]int64
	}
	members, purchases := map[string]*member{}, map[string]*bought{}
	want := pointsTotals{levels: map[ids.Level]int64{}}
	months := func(at time.Time) int { y, m, _ := at.Date(); return y*12 + int(m) }
	// lapse ends what ended before the month that is played.
	lapse := func(m *member, now time.Time) {
		for month, n := range m.lots {
			if months(now) > month {
				want.expired += n
				delete(m.lots, month)
			}
		}
	}
	var end time.Time // the last day of the month of the last order
	for _, o := range d.orders {
		at := o.at.In(local)
		end = time.Date(at.Year(), at.Month()+1, 0, 0, 0, 0, 0, local)
		if len(o.lines) > 0 && members[o.member] == nil {
			members[o.member] = &member{lots: map[int]int64{}, money: map[time.Time]int64{}}
		}
		m := members[o.member]
		if m != nil {
			lapse(m, at)
		}
		for _, g := range o.back {
			b := purchases[g.of]
			b.gone[g.line] += g.n
			x := new(big.Int).Mul(big.NewInt(b.linePaid[g.line]), big.NewInt(b.gone[g.line]))
			back := x.Quo(x, big.NewInt(b.lineQty[g.line])).Int64()
			m.money[b.day] -= back - b.back[g.line]
			b.back[g.line] = back
			var sum int64
			for _, n := range b.back {
				sum += n
			}
			if b.paid == 0 {
				continue
			}
			x = new(big.Int).Mul(big.NewInt(b.points), big.NewInt(sum))
			n := x.Quo(x, big.NewInt(b.paid)).Int64() - b.revoked
			b.revoked += n
			want.revoked += n
			some := min(n, m.lots[b.month])
			m.lots[b.month] -= some
			for n -= some; n > 0; {
				first := 0
				for month, have := range m.lots {
					if have > 0 && (first == 0 || month < first) {
						first = month
					}
				}
				if first == 0 {
					m.debt += n
					break
				}
				some := min(n, m.lots[first])
				m.lots[first] -= some
				n -= some
			}
		}
		if len(o.lines) == 0 {
			continue
		}
		year, month, day := at.Date()
		b := &bought{
			month: months(at) + 12, day: time.Date(year, month, day, 0, 0, 0, 0, time.UTC), back: map[string]int64{}, gone: map[string]int64{},
			linePaid: map[string]int64{}, lineQty: map[string]int64{},
		}
		for _, l := range o.lines {
			b.paid += l.money
			b.linePaid[l.id], b.lineQty[l.id] = l.money, l.n
		}
		b.points = b.paid / 100
		purchases[o.key] = b
		want.issued += b.points
		m.money[b.day] += b.paid
		repaid := min(m.debt, b.points)
		m.debt -= repaid
		m.lots[b.month] += b.points - repaid
	}
	year, month, day := end.Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	for _, m := range members {
		lapse(m, end)
		want.members++
		for _, n := range m.lots {
			want.outstanding += n
		}
		want.outstanding -= m.debt
		if m.debt > 0 {
			want.owing++
		}
		var spent int64
		for at, n := range m.money {
			if at.After(today.AddDate(-1, 0, 0)) {
				spent += n
			}
		}
		switch {
		case spent >= goldFrom:
			want.levels["gold"]++
		case spent >= silverFrom:
			want.levels["silver"]++
		default:
			want.levels["bronze"]++
		}
	}
	return want
}

// madeUpShop is 40 orders of three members over 15 months, of which every third comes back in part.
func madeUpShop(t *testing.T) string {
	var b strings.Builder
	b.WriteString("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n")
	at := time.Date(2010, 12, 1, 9, 0, 0, 0, time.UTC)
	for i := range 40 {
		member := fmt.Sprintf("1000%d.0", i%3)
		for line := range 3 {
			fmt.Fprintf(&b, "5%05d,SKU %d,A thing,%d,%s,%d.%02d5,%s,UK\n", i, line, 2+i%4, at.Format(time.DateTime), 9+i, i, member)
		}
		if i%3 == 2 {
			fmt.Fprintf(&b, "C5%05d,SKU %d,A thing,%d,%s,%d.%02d5,%s,UK\n", i, i%3, -3-i%5, at.Add(time.Hour).Format(time.DateTime), 9+i, i, member)
		}
		at = at.AddDate(0, 0, 11)
	}
	b.WriteString("A563185,B,Adjust bad debt,1,2011-08-12 14:50:00,11062.06,,UK\n")
	path := filepath.Join(t.TempDir(), "retail.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPoints(t *testing.T) {
	made := madeUpShop(t)
	for name, db := range map[string]func(t *testing.T) string{
		"memory":   func(*testing.T) string { return "memory" },
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "points.db") },
		"postgres": func(t *testing.T) string { return pgtest.DSN(t) },
	} {
		t.Run(name, func(t *testing.T) { samePoints(t, "uci", made, db(t)) })
	}
	t.Run("uci", func(t *testing.T) {
		samePoints(t, "uci", realFile(t, "uci_online_retail", "online_retail.csv.gz"), "memory")
	})
	t.Run("cdnow", func(t *testing.T) { samePoints(t, "cdnow", realFile(t, "cdnow", "CDNOW_master.txt.gz"), "memory") })
}

// samePoints fails where the replay does not end as a plain recount does.
func samePoints(t *testing.T, data, path, db string) {
	d, err := readShop(data, path)
	if err != nil {
		t.Fatal(err)
	}
	want := recount(t, d)
	var out, stderr bytes.Buffer
	if status := run(t.Context(), []string{"-data", data, "-db", db, path}, &out, &stderr); status != 0 {
		t.Fatal(status, stderr.String())
	}
	for name, n := range map[string]int64{
		"members": want.members, "points issued": want.issued, "points revoked": want.revoked, "points expired": want.expired,
		"points outstanding": want.outstanding, "members who owe": want.owing,
		"bronze": want.levels["bronze"], "silver": want.levels["silver"], "gold": want.levels["gold"],
	} {
		if line := fmt.Sprintf("%-20s%12d%12d\n", name, n, n); !strings.Contains(out.String(), line) {
			t.Errorf("%s: want %q in\n%s", data, line, out.String())
		}
	}
	if data == "uci" && (want.revoked == 0 || want.issued == 0) {
		t.Error("the data shows nothing")
	}
}

func TestRetailIsMatchedToTheNewestPurchase(t *testing.T) {
	d, err := readRetail(strings.NewReader(`InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,A,,5,2011-01-01 10:00:00,1.005,7.0,UK
2,A,,3,2011-01-02 10:00:00,2,7.0,UK
2,A,,1,2011-01-02 10:00:00,2,7.0,UK
C3,A,,-6,2011-01-03 10:00:00,2,7.0,UK
C4,A,,-4,2011-01-04 10:00:00,2,7.0,UK
C5,A,,-1,2011-01-04 10:00:00,2,8.0,UK
`))
	if err != nil {
		t.Fatal(err)
	}
	var back []giveBack
	for _, o := range d.orders {
		back = append(back, o.back...)
	}
	slices.SortFunc(back, func(a, b giveBack) int { return cmp.Compare(a.key, b.key) })
	want := []giveBack{{"C3-5-2", "1", "2", 2}, {"C3-5-3", "2", "3", 3}, {"C3-5-4", "2", "4", 1}, {"C4-6-2", "1", "2", 3}}
	if !slices.Equal(back, want) || d.unmatched != 2 {
		t.Errorf("%+v, %d unmatched", back, d.unmatched)
	}
	if got := d.orders[0].lines[0].money; got != 503 { // 5.025 pounds
		t.Error(got)
	}
}

func TestShopsThatAreNone(t *testing.T) {
	for name, c := range map[string]struct{ data, text string }{
		"no header":     {"uci", ""},
		"a price":       {"uci", "a,b,c,d,e,f,g,h\n1,A,,5,2011-01-01 10:00:00,one,7.0,UK\n"},
		"a time":        {"uci", "a,b,c,d,e,f,g,h\n1,A,,5,today,1,7.0,UK\n"},
		"a column":      {"uci", "a,b,c,d,e,f,g,h\n1,A\n"},
		"CDs, a column": {"cdnow", "head\n1 19970101 1\n"},
		"CDs, a day":    {"cdnow", "head\n1 1997 1 2.5\n"},
	} {
		path := filepath.Join(t.TempDir(), "shop")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readShop(c.data, path); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
