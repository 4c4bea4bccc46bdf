package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/stamps"
)

var job = lead.JobID{Code: "SOAK", Platform: "whatsapp"}

// publish puts the programs in force that the commands are of.
func (s *service) publish(ctx context.Context) error {
	_, err1 := s.points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12, RoundUp: loyalty.Month}}},
		Rules:      []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	})
	_, err2 := s.cards.Publish(ctx, stamps.Definition{
		ID: "coffee", Version: 1, Zone: "Asia/Shanghai", Card: &stamps.CardDefinition{
			Size: 10, Rewards: []stamps.Reward{{ID: "coffee", Name: "A free coffee", At: 10, Coupon: stamps.Validity{Days: 30}}},
			Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		},
	})
	_, err3 := s.rewards.Publish(ctx, reward.Definition{
		ID: "gifts", Version: 1, Zone: "Asia/Shanghai", Program: "club",
		Rewards: []reward.Reward{{ID: "cup", Name: "A cup", Valid: reward.Validity{Days: 30}}},
	})
	_, err4 := s.leads.Put(ctx, lead.Put{
		Job: job, Owner: "boss", Name: "WhatsApp", Key: "open", Terms: lead.Terms{Counts: lead.CountInbound, Zone: "Asia/Shanghai"},
	})
	return errors.Join(err1, err2, err3, err4)
}

// answer sends a command that is due, and takes note of how long its answer took.
func (s *service) answer(ctx context.Context, due time.Time) {
	err := s.command(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.broken = err
		s.stop()
		return
	}
	s.took = append(s.took, time.Since(due))
	s.done.Add(1)
}

func memberID(n int) ids.Member { return ids.Member(fmt.Sprint("member-", n)) }

// command sends a command of a member: one in ten is of the first hundredth of them, and three are of
// the first tenth.
func (s *service) command(ctx context.Context) error {
	f := rand.Float64()
	member := memberID(int(f * f * float64(s.members)))
	key := fmt.Sprint("command-", s.sent.Add(1))
	switch p := rand.IntN(100); {
	case p < 50:
		return s.earn(ctx, member, key)
	case p < 60:
		return s.redeem(ctx, member, key)
	case p < 80:
		return s.stamp(ctx, member, key)
	case p < 85:
		return s.voucher(ctx, member, key)
	case p < 90:
		return s.observe(ctx)
	default:
		return s.read(ctx, member)
	}
}

// send sends a command, and one of a hundred again after its answer.
func (s *service) send(command func() (replayed bool, err error)) error {
	if _, err := s.answered(command); err != nil || rand.IntN(100) > 0 {
		return err
	}
	replayed, err := s.answered(command)
	if err == nil && !replayed {
		return errors.New("a command was sent again, and was not replayed")
	}
	return err
}

// answered sends a command until it has an answer, and gives up after two minutes of failures.
func (s *service) answered(command func() (replayed bool, err error)) (replayed bool, err error) {
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		replayed, err := command()
		if err == nil || errs.Refused(err) || wait > time.Minute {
			return replayed, err
		}
		s.failed(err)
		time.Sleep(wait)
	}
}

func (s *service) earn(ctx context.Context, member ids.Member, key string) error {
	paid := loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: 10_00 + rand.Int64N(90_00)}}}
	c := loyalty.Earn{Account: loyalty.AccountID{Program: "club", Member: member}, Event: loyalty.Event{Purchase: &paid}, Key: key}
	var out loyalty.Outcome
	err := s.send(func() (replayed bool, err error) {
		out, err = s.points.Earn(ctx, c)
		return out.Replayed, err
	})
	s.issued.Add(out.Earned("points"))
	return err
}

// redeem spends some points, where the member has any.
func (s *service) redeem(ctx context.Context, member ids.Member, key string) error {
	c := loyalty.Redeem{
		Account: loyalty.AccountID{Program: "club", Member: member}, N: 1 + rand.Int64N(100), UpTo: true, Reason: "a snack", Key: key,
	}
	var out loyalty.Outcome
	err := s.send(func() (replayed bool, err error) {
		out, err = s.points.Redeem(ctx, c)
		return out.Replayed, err
	})
	if errors.Is(err, errs.Exhausted) || errors.Is(err, errs.NotFound) {
		return nil
	}
	s.spent.Add(out.Spent("points"))
	return err
}

func (s *service) stamp(ctx context.Context, member ids.Member, key string) error {
	c := stamps.Add{Card: stamps.CardID{Program: "coffee", Member: member}, Key: key}
	var out stamps.Outcome
	err := s.send(func() (replayed bool, err error) {
		out, err = s.cards.Add(ctx, c)
		return out.Replayed, err
	})
	s.stamps.Add(out.Record.N)
	return err
}

// voucher gives a member a voucher, which a shop redeems by its code.
func (s *service) voucher(ctx context.Context, member ids.Member, key string) error {
	c := reward.Issue{Take: reward.Take{Holder: reward.HolderID{Catalog: "gifts", Member: member}, Reward: "cup"}, Key: key}
	var out reward.Outcome
	if err := s.send(func() (replayed bool, err error) {
		out, err = s.rewards.Issue(ctx, c)
		return out.Replayed, err
	}); err != nil {
		return err
	}
	v, err := s.rewards.Find(ctx, out.Vouchers[0].Code)
	if err != nil {
		return err
	}
	return s.send(func() (replayed bool, err error) {
		out, err := s.rewards.Redeem(ctx, reward.Redeem{Voucher: v.ID, Shop: "wangjing", Key: key + "-redeem"})
		return out.Replayed, err
	})
}

// observe reports that a contact wrote to an account. Each contact writes to two.
func (s *service) observe(ctx context.Context) error {
	n := s.met.Add(1)
	contact := lead.Identity{Platform: job.Platform, Namespace: lead.WhatsApp, ID: fmt.Sprint(86_139_0000_0000 + n/2)}
	c := lead.Observe{Contact: []lead.Identity{contact}, Job: job, Event: lead.Event{
		ID: lead.EventID(fmt.Sprint("message-", n)), Account: ids.Account(fmt.Sprint("sales-", n%2)), At: time.Now(), Kind: lead.Inbound,
	}}
	var out lead.Outcome
	err := s.send(func() (replayed bool, err error) {
		out, err = s.leads.Observe(ctx, c)
		return out.Replayed, err
	})
	if out.Lead != nil {
		s.heard.Add(1)
	}
	return err
}

// read reads what an app shows of a member: the balance, and the newest page of the history.
func (s *service) read(ctx context.Context, member ids.Member) error {
	id := loyalty.AccountID{Program: "club", Member: member}
	if _, err := s.points.Current(ctx, id); err != nil && !errors.Is(err, errs.NotFound) {
		return err
	}
	page := 20
	for _, err := range s.points.Ledger(ctx, id) {
		if page--; err != nil || page == 0 {
			return err
		}
	}
	return nil
}
