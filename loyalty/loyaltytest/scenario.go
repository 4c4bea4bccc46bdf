package loyaltytest

import (
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/refund"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/stamps"
)

// A Scenario is a program and what is done under it. The program is the one in Program, or else the
// one of those given to Run that Of names; it may be left out where that is the only one. Catalogs
// and cards are those in the file, or else those of the Suite; of its catalogs those of the
// program.
type Scenario struct {
	Name     string              `json:"name"`               // name of the test
	Program  loyalty.Definition  `json:"program,omitzero"`   // program that it runs on; zero: the one that Of names
	Of       ids.Program         `json:"of,omitempty"`       // program of those given to Run; "": the only one
	Catalogs []reward.Definition `json:"catalogs,omitempty"` // of rewards, for the points of the program
	Cards    []stamps.Definition `json:"cards,omitempty"`    // programs of stamp cards and handouts
	Steps    []Step              `json:"steps"`              // in the order in which they are run
}

// A Step is one command of a member at a time, or none where it only looks; and what is wanted of
// it. Account and key of a command are those of the step.
type Step struct {
	At     time.Time  `json:"at"`               // what the clock shows; required
	Member ids.Member `json:"member,omitempty"` // "": "alice"
	Key    string     `json:"key,omitempty"`    // "": "step-1" for the first, and so on

	Publish  *loyalty.Definition `json:"publish,omitempty"`  // goes on with another version of the program
	Earn     *loyalty.Earn       `json:"earn,omitempty"`     // points for an event
	Redeem   *loyalty.Redeem     `json:"redeem,omitempty"`   // points that are spent
	Reserve  *loyalty.Reserve    `json:"reserve,omitempty"`  // points that are set aside
	Capture  *loyalty.Capture    `json:"capture,omitempty"`  // points of a reservation that are spent
	Release  *loyalty.Release    `json:"release,omitempty"`  // points of a reservation that are given back
	Activate *loyalty.Activate   `json:"activate,omitempty"` // pending points that may be spent from now on
	Adjust   *loyalty.Adjust     `json:"adjust,omitempty"`   // points by hand
	Transfer *loyalty.Transfer   `json:"transfer,omitempty"` // points for another member
	Refund   *loyalty.Refund     `json:"refund,omitempty"`   // points that a purchase earned
	Return   *loyalty.Return     `json:"return,omitempty"`   // points that were spent, given back
	Expire   *loyalty.Expire     `json:"expire,omitempty"`   // posts what has ended
	SetTier  *loyalty.SetTier    `json:"setTier,omitempty"`  // level by hand
	Merge    *loyalty.Merge      `json:"merge,omitempty"`    // of vouchers too

	RefundOrder *refund.Refund `json:"refundOrder,omitempty"` // of points, stamps and unused vouchers
	Reward      *Reward        `json:"reward,omitempty"`      // command on rewards
	Stamps      *Stamps        `json:"stamps,omitempty"`      // command on stamp cards

	Want Want `json:"want"` // what is compared after the command
}

// A Reward is one command on the rewards of a catalog. A holder that is left out is the member of
// the step.
type Reward struct {
	Catalog reward.CatalogID `json:"catalog,omitempty"` // "": the first

	Redeem  *Redemption     `json:"redeem,omitempty"`  // exchanges points for vouchers
	Reserve *Redemption     `json:"reserve,omitempty"` // sets vouchers and their points aside
	Capture *reward.Capture `json:"capture,omitempty"` // issues what was reserved
	Cancel  *reward.Cancel  `json:"cancel,omitempty"`  // gives back what was reserved
	Return  *reward.Return  `json:"return,omitempty"`  // gives a voucher back, and its points
	Gift    *reward.Issue   `json:"gift,omitempty"`    // gives vouchers for nothing
	Use     *reward.Redeem  `json:"use,omitempty"`     // redeems a voucher in a shop
}

// A Redemption is what points are exchanged for.
type Redemption struct {
	Reward reward.RewardID `json:"reward"`         // reward of the catalog
	N      int64           `json:"n,omitempty"`    // pieces; 0 is 1
	Price  reward.Price    `json:"price,omitzero"` // the one of the reward's that the member agreed to
	Cart   *reward.Cart    `json:"cart,omitempty"` // of a table: what the points are to pay
	Of     string          `json:"of,omitempty"`   // the order that it is taken with; "": the key names it
	Until  time.Time       `json:"until,omitzero"` // of a reservation
}

// A Stamps is one command on a card, or on coupons. A card that is left out is the member's, and so
// is the member.
type Stamps struct {
	Program stamps.ProgramID `json:"program,omitempty"` // "": the first

	Add    *stamps.Add    `json:"add,omitempty"`    // gives stamps
	Cancel *stamps.Cancel `json:"cancel,omitempty"` // takes stamps back
	Adjust *stamps.Adjust `json:"adjust,omitempty"` // changes a card by hand
	Claim  *stamps.Claim  `json:"claim,omitempty"`  // takes a coupon from a handout
	Redeem *stamps.Redeem `json:"redeem,omitempty"` // of a coupon, as "coffee/alice:1"
	Undo   *stamps.Undo   `json:"undo,omitempty"`   // takes a redemption back
	Void   *stamps.Void   `json:"void,omitempty"`   // ends a coupon by hand
}

// A Want is what is compared after a step. What it does not name is not compared. Stock counts what
// stock and limits leave of all members; what was reserved and not captured comes back to it just
// after its end.
type Want struct {
	Error    string                           `json:"error,omitempty"`    // part of its text; "": there is none
	Earned   map[ids.Currency]int64           `json:"earned,omitempty"`   // units that the command gave
	Owed     map[ids.Currency]int64           `json:"owed,omitempty"`     // what the command made the member owe
	Forgone  map[ids.Currency]int64           `json:"forgone,omitempty"`  // what a refund did not get
	Expiring map[ids.Currency][]loyalty.Lot   `json:"expiring,omitempty"` // what ends when
	Totals   map[ids.Currency]*loyalty.Totals `json:"totals,omitempty"`   // of all members
	Until    *time.Time                       `json:"until,omitempty"`    // of the level; "0001-01-01T00:00:00Z": without end
	Next     *ids.Level                       `json:"next,omitempty"`     // the next level that can be earned
	Ways     []loyalty.Way                    `json:"ways,omitempty"`     // to it
	Steps    []loyalty.Step                   `json:"steps,omitempty"`    // of the explanation
	Entries  *int64                           `json:"entries,omitempty"`  // how many entries the ledger of the account has
	Replayed *bool                            `json:"replayed,omitempty"` // the key was used before
	Stock    map[reward.RewardID]*int64       `json:"stock,omitempty"`    // pieces left of rewards that the member sees; null: any number
	Deducted *int64                           `json:"deducted,omitempty"` // what the voucher took off its cart, minor units
	Others   map[ids.Member]Standing          `json:"others,omitempty"`   // how other members stand after it

	Standing
}

// A Standing is what is compared of a member. What it does not name is not compared.
type Standing struct {
	Balance  map[ids.Currency]int64                     `json:"balance,omitempty"`  // what may be spent, less what is owed
	Pending  map[ids.Currency]int64                     `json:"pending,omitempty"`  // points that may not be spent yet
	Held     map[ids.Currency]int64                     `json:"held,omitempty"`     // set aside by reservations
	Level    *ids.Level                                 `json:"level,omitempty"`    // level in force
	Gifts    map[ids.Level]int64                        `json:"gifts,omitempty"`    // how many the member has for having reached each level
	Merged   *ids.Member                                `json:"merged,omitempty"`   // who the member turned out to be; "": is none other
	Vouchers map[reward.RewardID]map[reward.State]int64 `json:"vouchers,omitempty"` // of each reward all that there are, by state
	Cards    map[stamps.ProgramID]Card                  `json:"cards,omitempty"`    // stamp cards, by program
	Coupons  map[string]map[stamps.CouponState]int64    `json:"coupons,omitempty"`  // of each reward of a card or handout all that there are, by state
}

// A Card is what is compared of a stamp card. What it does not name is not compared.
type Card struct {
	Count *int64 `json:"count,omitempty"` // stamps in this round
	Total *int64 `json:"total,omitempty"` // stamps that stand
	Round *int64 `json:"round,omitempty"` // rounds completed
}

// on returns the scenario with what it begins with.
func (s Scenario) on(code Suite) (Scenario, error) {
	s, err := s.under(code.Programs)
	if err != nil {
		return s, err
	}
	if s.Catalogs == nil {
		for _, d := range code.Catalogs {
			if d.Program == s.Program.ID {
				s.Catalogs = append(s.Catalogs, d)
			}
		}
	}
	if s.Cards == nil {
		s.Cards = code.Cards
	}
	return s, nil
}

// under returns the scenario with its program.
func (s Scenario) under(programs []loyalty.Definition) (Scenario, error) {
	fail := func(field, reason string) (Scenario, error) {
		return s, &errs.InputError{Field: field, Reason: reason}
	}
	switch own := s.Program.ID != ""; {
	case own && s.Of != "":
		return fail("of", "is there, and the scenario has a program of its own")
	case own:
		return s, nil
	case s.Of == "" && len(programs) == 1:
		s.Program = programs[0]
		return s, nil
	}
	i := slices.IndexFunc(programs, func(d loyalty.Definition) bool { return d.ID == s.Of })
	if i < 0 {
		return fail("of", "names none of the programs that were given to Run")
	}
	s.Program = programs[i]
	return s, nil
}

// Parse reads a file of scenarios. *errs.InputError: the text is no array of scenarios or has an
// unknown field, or a step has no time or one that no command may have.
func Parse(text []byte) ([]Scenario, error) {
	all, err := valid.Parse[[]Scenario]("scenarios", text)
	for i, s := range all {
		for j, step := range s.Steps {
			if err == nil {
				err = valid.RequiredTime(fmt.Sprintf("scenarios[%d].steps[%d].at", i, j), step.At)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}
