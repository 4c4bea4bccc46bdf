package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/race"
)

// head is the first line of a file.
const head = "date,datetime,cash_type,card,money,coffee_name\r\n"

func TestReadSales(t *testing.T) {
	utc := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, tt := range []struct {
		name, lines string
		want        []sale // without keys
	}{
		{"none", "", nil},
		{"card", "2024/3/1,2024/3/1 10:15,card,A,38.7,Latte\r\n",
			[]sale{{line: 2, at: utc("2024-03-01T08:15:00Z"), card: "A", money: 3870, drink: "Latte"}}},
		{"cash", "2024/3/1,2024/3/1 9:05,cash,,40,Latte\r\n",
			[]sale{{line: 2, at: utc("2024-03-01T07:05:00Z"), money: 4000, drink: "Latte"}}},
		{"no end of line", "2024/7/1,2024/7/1 9:05,cash,,0.05,Latte",
			[]sale{{line: 2, at: utc("2024-07-01T06:05:00Z"), money: 5, drink: "Latte"}}},
		{"quotes, and lines that are empty or end with LF", "\n2024/3/1,2024/3/1 10:15,card,A,1.00,\"Latte,\n\"\"big\"\"\"\n",
			[]sale{{line: 3, at: utc("2024-03-01T08:15:00Z"), card: "A", money: 100, drink: "Latte,\n\"big\""}}},
		{"order of time", "2024/3/1,2024/3/1 10:15,card,A,1,a\n2024/3/1,2024/3/1 10:14,card,A,1,b\n2024/3/1,2024/3/1 10:14,card,A,1,c\n",
			[]sale{
				{line: 3, at: utc("2024-03-01T08:14:00Z"), card: "A", money: 100, drink: "b"},
				{line: 4, at: utc("2024-03-01T08:14:00Z"), card: "A", money: 100, drink: "c"},
				{line: 2, at: utc("2024-03-01T08:15:00Z"), card: "A", money: 100, drink: "a"},
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, mark := range []string{"", "\ufeff"} {
				sales, err := readSales(strings.NewReader(mark + head + tt.lines))
				if err != nil {
					t.Fatal(err)
				}
				for i := range sales {
					sales[i].key, sales[i].at = "", sales[i].at.UTC()
				}
				if !reflect.DeepEqual(sales, tt.want) {
					t.Errorf("got %v\nwant %v", sales, tt.want)
				}
			}
		})
	}
}

func TestReadSalesErrors(t *testing.T) {
	const good = "2024/3/1,2024/3/1 10:15,card,A,38.7,Latte\r\n"
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "line 1: the file is empty"},
		{"header", "a,b,c,d,e,f\r\n", "line 1: the header is not date,datetime,cash_type,card,money,coffee_name"},
		{"short header", "date,datetime\r\n", "line 1: wrong number of fields"},
		{"short line", head + good + "2024/3/1\r\n", "line 3: wrong number of fields"},
		{"quote", head + good + "2024/3/1,2024/3/1 10:15,card,A\"B,38.7,Latte\r\n", "line 3: bare \" in non-quoted-field"},
		{"time", head + "2024/3/1,2024/3/1,card,A,38.7,Latte\r\n", `line 2: datetime "2024/3/1" is not like 2024/3/1 9:05`},
		{"hour", head + "2024/3/1,2024/3/1 24:00,card,A,38.7,Latte\r\n", `line 2: datetime "2024/3/1 24:00" is not like 2024/3/1 9:05`},
		{"kind", head + "2024/3/1,2024/3/1 10:15,cheque,A,38.7,Latte\r\n", `line 2: cash_type "cheque" is neither card nor cash`},
		{"no card", head + "2024/3/1,2024/3/1 10:15,card,,38.7,Latte\r\n", "line 2: the card is missing"},
		{"cash with a card", head + "2024/3/1,2024/3/1 10:15,cash,A,38.7,Latte\r\n", "line 2: a cash sale has a card"},
		{"after an empty line", head + "\r\n" + "2024/3/1,2024/3/1 10:15,cash,A,38.7,Latte\r\n", "line 3: a cash sale has a card"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readSales(strings.NewReader(tt.text))
			if at := (*lineError)(nil); !errors.As(err, &at) || err.Error() != tt.want {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
	broken := errors.New("broken")
	if _, err := readSales(brokenReader{broken}); !errors.Is(err, broken) {
		t.Errorf("an error of the reader came back as %v", err)
	}
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

func TestMinor(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "40": 4000, "38.7": 3870, "18.12": 1812, "0.05": 5, "999999999.99": 99999999999} {
		if got, err := minor(text); got != want || err != nil {
			t.Errorf("minor(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".", "1.", ".5", "1.234", "1.2.3", "-1", "+1", "1e3", "1.-5", "0x1", "1_0", "1,5", " 1", "1000000000", "٣"} {
		if got, err := minor(text); err == nil {
			t.Errorf("minor(%q) = %d, want an error", text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("")
	f.Add("\ufeff" + head)
	f.Add(madeUp())
	f.Add(head + "\n2024/3/1,2024/3/1 10:15,card,\"A\nB\",1.00,\"Latte,\"\"big\"\"\"\n")
	f.Add(head + "2024/3/31,2024/3/31 3:30,cash,,1,a\n2024/3/31,2024/3/31 4:10,cash,,1,b\n")
	f.Fuzz(func(t *testing.T, text string) {
		sales, err := readSales(strings.NewReader(text))
		if bad := (*lineError)(nil); err != nil && (!errors.As(err, &bad) || bad.line < 1 || sales != nil) {
			t.Fatalf("%d sales and the error %v", len(sales), err)
		}
		keys := map[string]bool{}
		for _, s := range sales {
			if s.line < 2 || s.money < 0 || keys[s.key] {
				t.Errorf("a sale can't be: %+v", s)
			}
			keys[s.key] = true
		}
		if !slices.IsSortedFunc(sales, func(a, b sale) int { return a.at.Compare(b.at) }) {
			t.Error("the sales are not in the order of time")
		}
	})
}

// realFile returns the path of a data set's file, which runs without the race detector play.
func realFile(t *testing.T, set, name string) string {
	t.Helper()
	race.Skip(t, "the sets that are made up run the same code")
	dir, given := os.LookupEnv("SCRMKIT_DATA")
	if !given {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, set, name)
	if _, err := os.Stat(path); err != nil && !given {
		t.Skipf("no data: set SCRMKIT_DATA to a directory that holds %s/%s", set, name)
	}
	return path
}
