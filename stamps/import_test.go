package stamps

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/storage"
)

// anyImport draws an import into a program, which may be one that it refuses.
func anyImport(t *rapid.T, p *Program, now time.Time) Import {
	ago := func(name string) time.Time {
		if n := rapid.IntRange(0, 8).Draw(t, name); n > 0 {
			return now.AddDate(0, 0, -n)
		}
		return time.Time{}
	}
	x := Import{Card: alice, Count: rapid.Int64Range(0, p.def.Card.Size).Draw(t, "count"), Opened: ago("opened"), First: ago("first")}
	if p.def.Card.PastEnd == Carry {
		x.Rounds = rapid.Int64Range(0, 3).Draw(t, "rounds")
	}
	for range rapid.IntRange(0, 3).Draw(t, "coupons") {
		x.Coupons = append(x.Coupons, OpeningCoupon{Reward: p.rewards[0].ID, Issued: ago("issued")})
	}
	return x
}

func TestImport(t *testing.T) {
	thirty := func(d *Definition) {
		d.Card.Expiry.Days = 30
		d.Card.Rewards[1].Coupon = Validity{Days: 30}
	}
	at := func(days int) time.Time { return noon.AddDate(0, 0, days) }
	for _, c := range []struct {
		name    string
		change  func(*Definition)
		in      Import
		want    Card // without its id, version and state
		coupons []time.Time
	}{
		{"a member without stamps", thirty, Import{}, Card{Opened: noon}, nil},
		{
			"stamps of a round, which lapse after the first", thirty, Import{Count: 4, Opened: at(-90), First: at(-20), Last: at(-3)},
			Card{Count: 4, Total: 4, Opened: at(-90), Expires: at(10)}, nil,
		},
		{
			"stamps that lapse with the next command", thirty, Import{Count: 4, First: at(-30)},
			Card{Count: 4, Total: 4, Opened: noon, Expires: noon}, nil,
		},
		{
			"rounds completed, and coupons with their ends and without", thirty,
			Import{Rounds: 7, Count: 1, Coupons: []OpeningCoupon{{Reward: "cup", Issued: at(-29)}, {Reward: "cup", Issued: at(-90), Expires: at(9), Issuer: "north"}, {Reward: "cookie"}}},
			Card{Round: 7, Count: 1, Total: 36, Opened: noon, Expires: at(30)}, []time.Time{at(1), at(9), {}},
		},
		{"a card that is full", func(d *Definition) { d.Card.PastEnd = Stop }, Import{Count: 5}, Card{Round: 1, Count: 5, Total: 5, Opened: noon}, nil},
		{"a card that counts on", func(d *Definition) { d.Card.PastEnd = Count }, Import{Count: 12}, Card{Round: 1, Count: 12, Total: 12, Opened: noon}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newTill(t, coffee(t, 1, c.change))
			d := must(t)(x.take(x.rules.Import(x.card, c.in, noon)))
			got := d.Card
			got.ID, got.Version, got.State = CardID{}, 0, State{}
			c.want.Began = 1
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if d.Record.Purpose != PurposeImport || d.Record.N != c.want.Total || len(d.Coupons) != len(c.coupons) {
				t.Errorf("%+v, %d coupons", d.Record, len(d.Coupons))
			}
			for i, end := range c.coupons {
				if k := d.Coupons[i]; !k.Expires.Equal(end) || k.State != Issued || k.Issuer != c.in.Coupons[i].Issuer || k.ID.N != int64(i+1) {
					t.Errorf("%+v, want one until %v", k, end)
				}
			}
			if _, err := x.adjust(-1); !errors.Is(err, ErrTooFew) {
				t.Error("stamps that came along are taken back:", err)
			}
			if _, err := x.take(x.rules.Import(x.card, c.in, noon)); !errors.Is(err, ErrCardExists) {
				t.Error(err)
			}
		})
	}
}

func TestWhoMovesInGetsTheNextCoupon(t *testing.T) {
	x := newTill(t, coffee(t, 1))
	must(t)(x.take(x.rules.Import(x.card, Import{Count: 3, Coupons: []OpeningCoupon{{Reward: "cookie"}}}, noon)))
	d := must(t)(x.add(2))
	x.want(1, 0, 5)
	if len(d.Coupons) != 1 || d.Coupons[0].Reward != "cup" {
		t.Errorf("%+v", d.Coupons)
	}
	if _, err := x.redeem(1); err != nil {
		t.Error(err)
	}
	must(t)(x.cancel(2, 0))
	x.want(0, 3, 3)
}

func TestImportsAreRefused(t *testing.T) {
	later := noon.AddDate(0, 0, 1)
	with := func(k OpeningCoupon) Import { return Import{Coupons: []OpeningCoupon{k}} }
	for field, x := range map[string]Import{
		"opened": {Opened: later}, "first": {First: later, Count: 1}, "last": {Last: later, Count: 1},
		"coupons[0].reward": with(OpeningCoupon{Reward: "tea"}), "coupons[0].issued": with(OpeningCoupon{Reward: "cup", Issued: later}),
		"coupons[0].expires": with(OpeningCoupon{Reward: "cup", Expires: noon}),
	} {
		_, err := NewRules(coffee(t, 1)).Import(Card{ID: alice}, x, noon)
		var input *errs.InputError
		if !errors.As(err, &input) || input.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	stop := coffee(t, 1, func(d *Definition) { d.Card.PastEnd = Stop })
	var input *errs.InputError
	if _, err := NewRules(stop).Import(Card{ID: alice}, Import{Rounds: 1}, noon); !errors.As(err, &input) || input.Field != "rounds" {
		t.Error(err)
	}
	for _, c := range []struct {
		p     *Program
		count int64
	}{{coffee(t, 1), 5}, {stop, 6}} {
		if _, err := NewRules(c.p).Import(Card{ID: alice}, Import{Count: c.count}, noon); !errors.Is(err, ErrFull) {
			t.Error(c.count, err)
		}
	}
	for field, x := range map[string]Import{
		"rounds": {Rounds: -1}, "count": {Count: maxStamps + 1}, "coupons": {Coupons: make([]OpeningCoupon, maxCoupons+1)}, "coupons[0].reward": with(OpeningCoupon{}),
	} {
		x.Card, x.Key = alice, "import"
		if err := x.check(); !errors.As(err, &input) || input.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Cards that move in are there once, however often that is stopped and run again.
func TestImportAll(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		ctx, cards := t.Context(), New(db, &Options{Now: func() time.Time { return noon }})
		if _, err := cards.Publish(ctx, coffee(t, 1).Definition()); err != nil {
			t.Fatal(err)
		}
		all := func(n int) iter.Seq2[Import, error] {
			return func(yield func(Import, error) bool) {
				for i := range n {
					x := Import{Card: CardID{Program: "coffee", Member: ids.Member(fmt.Sprint("m", i))}, Count: int64(i % 6), Key: "import"}
					if i%3 == 0 {
						x.Coupons = []OpeningCoupon{{Reward: "cup"}}
					}
					if !yield(x, nil) {
						return
					}
				}
			}
		}
		refused := map[int]bool{}
		o := &storage.ImportOptions[Import]{Batch: 7, Workers: 2, Refused: func(n int, x Import, err error) {
			if refused[n] = true; x.Count != 5 || !errors.Is(err, ErrFull) {
				t.Error(n, x, err)
			}
		}}
		want := Imported{Imported: storage.Imported{Next: 60, Stored: 50, Refused: 10}, Stamps: 100, Coupons: map[string]int64{"cup": 20}}
		dry, err := cards.Preview().ImportAll(ctx, all(60), o)
		if diff := cmp.Diff(want, dry); err != nil || diff != "" || len(refused) != 10 {
			t.Fatal(err, diff, refused)
		}
		stopped, cancel := context.WithCancel(ctx)
		first, err := cards.ImportAll(stopped, all(60), &storage.ImportOptions[Import]{Batch: 4, Workers: 1, Refused: o.Refused, Progress: func(done storage.Imported) {
			if done.Next == 24 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) || first.Stored != 20 {
			t.Fatal(first, err)
		}
		done, err := cards.ImportAll(ctx, all(60), o)
		want.Stored, want.Replayed = 30, 20
		if diff := cmp.Diff(want, done); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
		coupons := map[string]int64{}
		stamps := int64(0)
		for i := range 60 {
			member := ids.Member(fmt.Sprint("m", i))
			card, err := cards.Card(ctx, CardID{Program: "coffee", Member: member})
			if (err != nil) != (i%6 == 5) {
				t.Error(i, err)
			}
			stamps += card.Count
			for c, err := range cards.Coupons(ctx, member, "") {
				if err != nil {
					t.Fatal(err)
				}
				coupons[c.Reward]++
			}
		}
		if stamps != want.Stamps || !maps.Equal(coupons, want.Coupons) {
			t.Error(stamps, coupons)
		}
	})
}
