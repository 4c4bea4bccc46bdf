package main

import (
	"context"
	"errors"
	"sync"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// program is a card of ten stamps, one a cup, and a free cup for a full one.
var program = stamps.Definition{
	ID: "coffee-replay", Version: 1, Name: "Every tenth cup is free", Zone: zone,
	Card: &stamps.CardDefinition{
		Size:       10,
		Rewards:    []stamps.Reward{{ID: "cup", Name: "A free cup", At: 10}},
		Earn:       stamps.Earn{Per: stamps.PerVisit},
		PastEnd:    stamps.Carry,
		UsedCoupon: stamps.Refuse,
	},
}

// An engineBook keeps the cards in a database.
type engineBook struct {
	cards   *stamps.Engine
	members sync.Map // who has a card: keys are ids.Member
}

func newEngineBook(db storage.DB) *engineBook {
	return &engineBook{cards: stamps.New(db, nil)}
}

func (b *engineBook) define(ctx context.Context) error {
	_, err := b.cards.Publish(ctx, program)
	return err
}

func (b *engineBook) stamp(ctx context.Context, s sale) (bool, error) {
	out, err := b.cards.Add(ctx, stamps.Add{
		Card:     stamps.CardID{Program: program.ID, Member: ids.Member(s.card)},
		Purchase: &stamps.Purchase{Amount: s.money, Currency: currency, Items: 1},
		At:       s.at,
		Key:      s.key,
	})
	switch {
	case err == nil:
		b.members.Store(ids.Member(s.card), nil)
	case refused(err):
		err = &refusal{err}
	}
	return out.Replayed, err
}

// refused tells the errors of Add that are the rules' answer.
func refused(err error) bool {
	var input *errs.InputError
	return errors.Is(err, stamps.ErrRefused) || errors.Is(err, journal.ErrKeyReused) || errors.As(err, &input)
}

func (b *engineBook) totals(ctx context.Context) (totals, error) {
	var t totals
	for key := range b.members.Range {
		m := key.(ids.Member)
		c, err := b.cards.Card(ctx, stamps.CardID{Program: program.ID, Member: m})
		if err != nil {
			return totals{}, err
		}
		t.cards++
		t.stamps += c.Total
		t.completed += c.Round
		for _, err := range b.cards.Coupons(ctx, m, program.ID) {
			if err != nil {
				return totals{}, err
			}
			t.coupons++
		}
	}
	return t, nil
}
