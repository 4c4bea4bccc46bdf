package notifier

import (
	"testing"
	"time"

	"golang.org/x/text/language"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
)

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		n     int64
		scale int
		want  string
	}{
		{0, 0, "0"}, {1234, 0, "1234"}, {-7, 0, "-7"}, {0, 2, "0.00"}, {5, 2, "0.05"}, {1250, 2, "12.50"}, {-5, 1, "-0.5"}, {1 << 62, 4, "461168601842738.7904"},
		{-1 << 63, 2, "-92233720368547758.08"},
	} {
		if got := decimal(c.n, c.scale); got != c.want {
			t.Errorf("%d units of scale %d: %s, want %s", c.n, c.scale, got, c.want)
		}
	}
}

func TestRender(t *testing.T) {
	x := fact{
		Name: "金卡", Former: "普通会员", Shop: "wangjing", N: 1234567, Balance: 89, Zone: "Asia/Shanghai",
		At: time.Date(2026, 3, 9, 16, 0, 0, 0, time.UTC), End: time.Date(2026, 3, 31, 16, 0, 0, 0, time.UTC),
	}
	scaled, endless := x, x
	scaled.Scale, endless.End = 2, time.Time{}
	texts := Texts()
	for tag, text := range map[language.Tag]string{language.English: "%v of %v", language.SimplifiedChinese: "%v/%v", language.TraditionalChinese: "%v／%v"} {
		if err := texts.SetString(tag, "two", text); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		fact  fact
		tag   language.Tag
		value Value
		want  string
	}{
		{"a number as it is", x, language.English, Value{Args: []Arg{Points}}, "1234567"},
		{"a number in a text", x, language.English, Value{Text: "points.earned", Args: []Arg{Points}}, "1,234,567 points earned"},
		{"a number with decimals", scaled, language.English, Value{Text: "points.earned", Args: []Arg{Points}}, "12345.67 points earned"},
		{"two in another order", x, language.SimplifiedChinese, Value{Text: "two", Args: []Arg{Balance, Name}}, "89/金卡"},
		{"two in traditional Chinese", x, language.TraditionalChinese, Value{Text: "two", Args: []Arg{Former, Shop}}, "普通会员／wangjing"},
		{"the day in the program's zone", x, language.English, Value{Args: []Arg{Day}}, "2026-03-10"},
		{"the day in Chinese", x, language.TraditionalChinese, Value{Args: []Arg{Day}}, "2026年3月10日"},
		{"the last day before an end at midnight", x, language.English, Value{Args: []Arg{LastDay}}, "2026-03-31"},
		{"no end", endless, language.English, Value{Args: []Arg{LastDay}}, "–"},
	} {
		of := Template{Values: map[string]Value{"thing1": c.value}}
		if got := of.render(c.fact, texts, c.tag)["thing1"]; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// What ends within a time is one fact a day of the program's calendar.
func TestEnding(t *testing.T) {
	noon := time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return time.Date(2026, 3, 10+n, 16, 0, 0, 0, time.UTC) } // midnight of Shanghai
	d := loyalty.Definition{ID: "club", Zone: "Asia/Shanghai", Currencies: []loyalty.Currency{{ID: "points"}, {ID: "miles", Scale: 2}}}
	a := loyalty.Account{Holdings: []loyalty.Holding{
		{Currency: "points", Wallet: loyalty.Wallet{Lots: []loyalty.Lot{
			{To: noon, N: 1}, {To: day(0).Add(-time.Hour), N: 2}, {To: day(0), N: 3}, {To: day(0).Add(time.Hour), N: 4}, {To: day(6), N: 5}, {To: day(7), N: 6}, {N: 7},
		}}},
		{Currency: "miles", Wallet: loyalty.Wallet{Lots: []loyalty.Lot{{To: day(3), N: 100}}}},
	}}
	for _, c := range []struct {
		currency ids.Currency
		want     []fact
	}{
		{"points", []fact{{N: 5, End: day(0), Balance: 27}, {N: 4, End: day(0).Add(time.Hour), Balance: 27}, {N: 5, End: day(6), Balance: 27}}},
		{"miles", []fact{{N: 100, End: day(3), Balance: 100, Scale: 2}}},
		{"other", nil},
	} {
		got := ending(a, d, c.currency, noon, noon.Add(7*24*time.Hour))
		if len(got) != len(c.want) {
			t.Errorf("%s: %+v", c.currency, got)
			continue
		}
		for i, w := range c.want {
			if g := got[i]; g.N != w.N || !g.End.Equal(w.End) || g.Balance != w.Balance || g.Scale != w.Scale || g.Program != "club" {
				t.Errorf("%s: %+v, want %+v", c.currency, g, w)
			}
		}
	}
}
