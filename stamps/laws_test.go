package stamps

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// programs draws two versions of a program.
func somePrograms(t *rapid.T) (first, second *Program) {
	draw := func(version int) *Program {
		size := rapid.Int64Range(1, 6).Draw(t, "size")
		d := Definition{ID: "coffee", Version: version, Zone: "Asia/Shanghai", Card: &CardDefinition{
			Size:       size,
			Earn:       Earn{Per: PerHand},
			PastEnd:    rapid.SampledFrom([]PastEnd{Carry, Carry, Stop, Count}).Draw(t, "pastEnd"),
			UsedCoupon: rapid.SampledFrom([]UsedCoupon{Refuse, Owe}).Draw(t, "usedCoupon"),
			Expiry:     Expiry{Inactive: rapid.SampledFrom([]int{0, 0, 5}).Draw(t, "inactive")},
		}}
		for at := int64(1); at <= size; at++ {
			if at == size || rapid.Bool().Draw(t, "milestone") {
				d.Card.Rewards = append(d.Card.Rewards, Reward{ID: string(rune('a' + at)), At: at})
			}
		}
		p, err := Compile(d)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	return draw(1), draw(2)
}

// visible is what of a card a member sees, and what later commands depend on.
func visible(c Card) Card {
	c.Version = 0
	c.State.Seq, c.State.Coupons = 0, 0
	c.State.Recent = nil
	if len(c.State.Done) == 0 {
		c.State.Done = nil
	}
	if len(c.State.Owed) == 0 {
		c.State.Owed = nil
	}
	return c
}

func TestLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		first, second := somePrograms(rt)
		x := newTill(t, first)
		x.t = t
		if rapid.Bool().Draw(rt, "moves in") {
			_, _ = x.take(x.rules.Import(x.card, anyImport(rt, first, x.now), x.now))
		}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			before := x.card
			coupons := make(map[int64]Coupon)
			for n, c := range x.coupons {
				coupons[n] = c
			}
			var err error
			what := rapid.SampledFrom([]string{"add", "add", "add", "cancel", "adjust", "redeem", "undo", "wait", "version"}).Draw(rt, "what")
			switch what {
			case "add":
				_, err = x.add(rapid.Int64Range(1, 9).Draw(rt, "n"))
			case "cancel":
				if len(x.records) > 0 {
					_, err = x.cancel(rapid.Int64Range(1, x.card.State.Seq).Draw(rt, "seq"), rapid.Int64Range(0, 3).Draw(rt, "n"))
				}
			case "adjust":
				_, err = x.adjust(rapid.SampledFrom([]int64{-7, -2, -1, 1, 4}).Draw(rt, "n"))
			case "redeem":
				_, err = x.redeem(rapid.Int64Range(1, 4).Draw(rt, "coupon"))
			case "undo":
				_, err = x.undo(rapid.Int64Range(1, 4).Draw(rt, "coupon"))
			case "wait":
				x.now = x.now.Add(time.Duration(rapid.IntRange(0, 100).Draw(rt, "hours")) * time.Hour)
			case "version":
				x.rules = NewRules(second, first)
			}
			if err != nil {
				if diff := cmp.Diff(before, x.card); diff != "" {
					rt.Fatalf("%s failed and changed the card: %s", what, diff)
				}
				continue
			}
			if x.card.Version > 0 {
				laws(rt, x)
			}
		}
	})
}

// laws checks what the package comment promises of every history.
func laws(t *rapid.T, x *till) {
	var total int64
	for seq := int64(1); seq <= x.card.State.Seq; seq++ {
		r, ok := x.records[seq]
		if !ok {
			t.Fatalf("the records have a gap at %d", seq)
		}
		if r.Purpose != PurposeExpire {
			total += r.N
		}
		if r.Cancelled > r.N && r.N > 0 {
			t.Fatalf("record %d: more was cancelled than it gave", seq)
		}
	}
	c := x.card
	if total != c.Total {
		t.Fatalf("the records sum to %d, the card has %d", total, c.Total)
	}
	if c.Count < 0 || c.Total < c.State.Floor {
		t.Fatalf("count %d, total %d, floor %d", c.Count, c.Total, c.State.Floor)
	}
	standing := map[int64]int{}
	for _, coupon := range x.coupons {
		if coupon.State != Voided && coupon.Pos != 0 { // 0: the member came with it
			standing[coupon.Pos]++
		}
	}
	for pos, n := range standing {
		if n > 1 {
			t.Fatalf("%d coupons stand for the stamp %d", n, pos)
		}
		if pos > c.Total && !slices.Contains(c.State.Owed, pos) {
			t.Fatalf("a coupon stands for the stamp %d of %d, and is not owed", pos, c.Total)
		}
	}
	played, err := x.rules.version(c.Began)
	if err != nil {
		t.Fatal(err)
	}
	start := c.Total - c.Count
	for _, r := range played.rewards {
		if pos := start + r.At; r.At <= c.Count && pos > c.State.Floor && standing[pos] == 0 && !settledBefore(x, pos) {
			t.Fatalf("the milestone at %d of %d has no coupon", pos, c.Total)
		}
	}
}

// settledBefore reports whether a coupon that was owed for an earlier stamp may stand for the
// milestone: the round was played by another version, or lapsed, before it was reached again.
func settledBefore(x *till, pos int64) bool {
	for _, coupon := range x.coupons {
		if coupon.State != Voided && coupon.Pos < pos && x.owed[coupon.Pos] {
			return true
		}
	}
	return false
}

func TestTakingBackRestoresTheCard(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, _ := somePrograms(rt)
		x := newTill(t, p)
		for range rapid.IntRange(0, 6).Draw(rt, "adds") {
			x.add(rapid.Int64Range(1, 9).Draw(rt, "n"))
			x.now = x.now.Add(time.Hour)
		}
		if x.card.Version == 0 {
			return
		}
		before := x.card
		d, err := x.add(rapid.Int64Range(1, 20).Draw(rt, "last"))
		if errors.Is(err, ErrFull) {
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		if _, err := x.cancel(d.Record.Seq, 0); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(visible(before), visible(x.card)); diff != "" {
			rt.Fatal(diff)
		}
		for _, c := range x.coupons {
			if c.Pos > x.card.Total && c.State != Voided {
				rt.Fatalf("coupon %v stands", c)
			}
		}
	})
}
