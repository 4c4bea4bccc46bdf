package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
)

// A pile is vouchers of one reward.
type pile struct{ n, worth int64 }

func moveVouchers(ctx context.Context, c config, stdout io.Writer) (err error) {
	text, err := os.ReadFile(c.catalog)
	if err != nil {
		return err
	}
	d, err := reward.ParseDefinition(text)
	if err != nil {
		return err
	}
	id, text64, _ := strings.Cut(c.key, ":")
	key, err := base64.StdEncoding.DecodeString(text64)
	if err != nil {
		return fmt.Errorf("SCRMKIT_VOUCHER_KEY is not like ID:BASE64: %w", err)
	}
	db, end, err := database.Open(ctx, c.db, reward.Tables)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	rewards, err := reward.New(db, []secret.Key{{ID: id, Secret: key}}, nil)
	if err != nil {
		return err
	}
	if _, err := rewards.Publish(ctx, d); err != nil {
		return err
	}
	if c.dry {
		rewards = rewards.Preview()
	}
	there := map[reward.RewardID]pile{}
	done, err := rewards.ImportAll(ctx, vouchers(c.vouchers, d, there), &storage.ImportOptions[reward.Import]{
		Refused: func(_ int, c reward.Import, err error) {
			fmt.Fprintf(stdout, "the vouchers of %s are refused: %v\n", c.Holder.Member, err)
		},
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d imports done, %d done before, %d refused\n", done.Stored, done.Replayed, done.Refused)
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "reward\tvouchers there\there\tworth there\there\t")
	for _, r := range d.Rewards {
		if t := there[r.ID]; t != (pile{}) {
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", r.ID, t.n, done.Vouchers[r.ID], t.worth, done.Values[r.ID])
		}
		if there[r.ID] != (pile{done.Vouchers[r.ID], done.Values[r.ID]}) {
			err = errors.New("the vouchers differ")
		}
	}
	err = errors.Join(w.Flush(), err)
	if done.Refused > 0 {
		err = errors.Join(err, fmt.Errorf("%d imports are refused; mend their lines, and run it again", done.Refused))
	}
	return err
}

// vouchers yields the imports of a file, one a member, and counts what is there. Who has more than
// one import holds has several, whose keys are numbered.
func vouchers(file string, d reward.Definition, there map[reward.RewardID]pile) iter.Seq2[reward.Import, error] {
	return func(yield func(reward.Import, error) bool) {
		var c reward.Import
		n := 0 // imports of the member
		for l, err := range lines(file, "member", "reward") {
			if err != nil {
				yield(reward.Import{}, err)
				return
			}
			member := ids.Member(l.text("member"))
			if full := len(c.Vouchers) == reward.MaxPieces; len(c.Vouchers) > 0 && (full || c.Holder.Member != member) {
				if !yield(c, nil) {
					return
				}
				if c.Vouchers = nil; c.Holder.Member != member {
					n = 0
				}
			}
			if len(c.Vouchers) == 0 {
				n++
				c = reward.Import{Holder: reward.HolderID{Catalog: d.ID, Member: member}, Reason: "moved in", Key: "move-in-" + strconv.Itoa(n)}
			}
			v := reward.OpeningVoucher{
				Reward: reward.RewardID(l.text("reward")), Code: l.text("code"), Value: l.points("value"),
				Taken: l.time("taken"), From: l.time("from"), To: l.time("expires"),
			}
			if l.err != nil {
				yield(reward.Import{}, l.err)
				return
			}
			c.Vouchers = append(c.Vouchers, v)
			t := there[v.Reward]
			t.n, t.worth = t.n+1, t.worth+worth(d, v)
			there[v.Reward] = t
		}
		if len(c.Vouchers) > 0 {
			yield(c, nil)
		}
	}
}

// worth returns what a voucher stands for: its own value, or its reward's.
func worth(d reward.Definition, v reward.OpeningVoucher) int64 {
	i := slices.IndexFunc(d.Rewards, func(r reward.Reward) bool { return r.ID == v.Reward })
	if i >= 0 && v.Value == 0 {
		return d.Rewards[i].Value
	}
	return v.Value
}
