package stamps

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func TestCompileTellsEveryMistakeAtOnce(t *testing.T) {
	d := Definition{
		ID: "a b", Version: 0, Name: "x\x00", Zone: "Mars/Olympus", From: noon, To: noon, Shops: []ids.Shop{"s", "s", ""},
		Card: &CardDefinition{
			Size: 3,
			Rewards: []Reward{
				{ID: "a", At: 4, Coupon: Validity{Days: -1}},
				{ID: "a", At: 3},
				{ID: "b", At: 3, Shops: []ids.Shop{"\xff"}},
			},
			Earn:       Earn{Per: PerAmount, Currency: "yuan", Items: 2},
			Limit:      Limit{MinPurchase: -1, PerPurchase: 1 << 40, Rolling: true, Cooldown: -1},
			PastEnd:    "explode",
			UsedCoupon: "forget",
			Expiry:     Expiry{Days: -1, Months: 1 << 30, Inactive: -1, Date: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)},
		},
		Handout: &Handout{Reward: Reward{ID: "b", At: 1}, Stock: 0, PerMember: -1, From: noon, To: noon.Add(-1)},
	}
	_, err := Compile(d)
	var mistakes *errs.DefinitionError
	if !errors.As(err, &mistakes) {
		t.Fatal(err)
	}
	var paths []string
	for _, m := range mistakes.Mistakes {
		paths = append(paths, m.Path)
		if m.Reason == "" {
			t.Errorf("%s has no reason", m.Path)
		}
	}
	for _, want := range []string{
		"id", "version", "name", "zone", "to", "shops[1]", "shops[2]",
		"card.rewards[0].at", "card.rewards[0].coupon.days", "card.rewards[1].id", "card.rewards[2].at", "card.rewards[2].shops[0]",
		"card.earn.amount", "card.earn.currency", "card.limit.minPurchase", "card.limit.perPurchase", "card.limit.rolling",
		"card.limit.cooldown", "card.pastEnd", "card.usedCoupon", "card.expiry.days", "card.expiry.months", "card.expiry.inactive",
		"card.expiry.date", "handout.reward.at", "handout.reward.id", "handout.stock", "handout.perMember", "handout.to",
	} {
		if !slices.Contains(paths, want) {
			t.Errorf("nothing is said of %s: %v", want, paths)
		}
	}
	for _, d := range []Definition{{}, {ID: "a", Version: 1, Zone: "UTC"}, {ID: "a", Version: 1, Zone: "Local", Card: &CardDefinition{}}} {
		if _, err := Compile(d); !errors.As(err, &mistakes) {
			t.Errorf("%+v was compiled: %v", d, err)
		}
	}
}

func FuzzParseDefinition(f *testing.F) {
	text, err := json.Marshal(coffee(f, 1).Definition())
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(text), `{}`, `{"card":{"size":1e99}}`, `{"version":NaN}`, `null`, `[]`, `{"id":"\u0000"}`, "{}{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := ParseDefinition(text)
		if err != nil {
			var input *errs.InputError
			if !errors.As(err, &input) {
				t.Fatal(err)
			}
			return
		}
		p, err := Compile(d)
		if err != nil {
			var mistakes *errs.DefinitionError
			if !errors.As(err, &mistakes) || len(mistakes.Mistakes) == 0 {
				t.Fatal(err)
			}
			return
		}
		again, err := ParseDefinition(journal.JSON(p.Definition()))
		if err != nil || !published.Same(again, p.Definition()) {
			t.Fatalf("what was compiled does not come back: %v", err)
		}
		if p.def.Card != nil {
			NewRules(p).Add(Card{ID: alice}, Add{Card: alice, N: 1, Purchase: &Purchase{Amount: 1 << 30, Items: 100}}, noon)
		}
	})
}

func FuzzParseCouponID(f *testing.F) {
	for _, seed := range []string{"coffee/alice:1", "coffee/al%2Fice/3:1", "a/b", ":", "a/b/0:1", "a/b:-1", "%/b:1", "咖啡/爱:9223372036854775807"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseCouponID(text)
		if err != nil {
			var input *errs.InputError
			if !errors.As(err, &input) {
				t.Fatal(err)
			}
			return
		}
		again, err := ParseCouponID(id.String())
		if err != nil || again != id {
			t.Fatalf("%q became %v and then %v: %v", text, id, again, err)
		}
	})
}
