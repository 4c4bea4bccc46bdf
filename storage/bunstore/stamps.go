package bunstore

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/scrmkit/scrmkit/stamps"
)

type stampStore struct{ unit }

// Save implements [stamps.Store].
func (s stampStore) Save(ctx context.Context, changes []stamps.Change) ([]error, error) {
	all := make([]change, len(changes))
	for i, c := range changes {
		all[i].roots = make([]row, 0, len(c.Cards))
		all[i].children = make([]row, 0, len(c.Records)+len(c.Coupons))
		for _, card := range c.Cards {
			all[i].roots = append(all[i].roots, cardRow(card))
		}
		for _, r := range c.Records {
			row, err := recordRow(r)
			if err != nil {
				return nil, s.fail("save stamps", err)
			}
			all[i].children = append(all[i].children, row)
		}
		for _, c := range c.Coupons {
			all[i].children = append(all[i].children, couponRow(c))
		}
		all[i].entries = entryRows(c.Entries)
	}
	return s.save(ctx, "save stamps", all)
}

func cardRow(c stamps.Card) row {
	return row{cardTable, []any{
		string(c.ID.Member), string(c.ID.Program), c.ID.Claim, c.Version,
		c.Nickname, int64(c.Began), c.Round, c.Count, c.Total, c.Opened, c.Expires, c.Number, stateText(c.State),
	}}
}

const cardColumns = "c.program, c.member, c.claim, c.version, c.nickname, c.began, c.round, c.count, c.total, " +
	"micros(c.opened), micros(c.expires), c.number, c.state"

func cardFields(c *stamps.Card) []any {
	return []any{
		textField(&c.ID.Program), textField(&c.ID.Member), intField(&c.ID.Claim), intField(&c.Version),
		textField(&c.Nickname), intField(&c.Began), intField(&c.Round), intField(&c.Count), intField(&c.Total),
		timeField(&c.Opened), timeField(&c.Expires), intField(&c.Number), stateField(&c.State),
	}
}

func recordRow(r stamps.Record) (row, error) {
	var peer, purchase string
	if r.Peer != nil {
		text, err := json.Marshal([]any{r.Peer.Program, r.Peer.Member, r.Peer.Claim})
		if err != nil {
			return row{}, err
		}
		peer = string(text)
	}
	if r.Purchase != nil {
		text, err := json.Marshal(r.Purchase)
		if err != nil {
			return row{}, err
		}
		purchase = string(text)
	}
	t := newRecordTable
	if r.Cancelled != 0 {
		t = recordTable
	}
	return row{t, []any{
		string(r.Card.Member), string(r.Card.Program), r.Card.Claim, r.Seq,
		string(r.Purpose), r.N, r.Cancelled, r.Of, r.Coupon, peer, r.At, string(r.Shop), r.By, r.Via,
		r.Nickname, strings.ToLower(r.Nickname), purchase, r.Reason, int64(r.Began),
	}}, nil
}

const recordColumns = "r.program, r.member, r.claim, r.seq, r.purpose, r.n, r.cancelled, r.cancels, r.coupon, r.peer, " +
	"micros(r.at), r.shop, r.actor, r.via, r.nickname, r.purchase, r.reason, r.began"

func recordFields(r *stamps.Record) []any {
	return []any{
		textField(&r.Card.Program), textField(&r.Card.Member), intField(&r.Card.Claim), intField(&r.Seq),
		textField(&r.Purpose), intField(&r.N), intField(&r.Cancelled), intField(&r.Of), intField(&r.Coupon),
		peerField(&r.Peer), timeField(&r.At), textField(&r.Shop), textField(&r.By), textField(&r.Via),
		textField(&r.Nickname), jsonField(&r.Purchase), textField(&r.Reason),
		intField(&r.Began),
	}
}

// peerField reads a card's id from a JSON array.
func peerField(p **stamps.CardID) field {
	return func(src any) error {
		var id stamps.CardID
		err := jsonField(&[]any{&id.Program, &id.Member, &id.Claim})(src)
		if id != (stamps.CardID{}) {
			*p = &id
		}
		return err
	}
}

func couponRow(c stamps.Coupon) row {
	return row{couponTable, []any{
		string(c.ID.Card.Member), string(c.ID.Card.Program), c.ID.Card.Claim, c.ID.N,
		c.Reward, c.Name, int64(c.Began), c.Pos, string(c.State), c.Issued, c.Expires, c.Ended,
		string(c.Shop), c.By, c.Nickname, string(c.Issuer),
	}}
}

const couponColumns = "k.program, k.member, k.claim, k.n, k.reward, k.name, k.began, k.pos, k.state, " +
	"micros(k.issued), micros(k.expires), micros(k.ended), k.shop, k.actor, k.nickname, k.issuer"

func couponFields(c *stamps.Coupon) []any {
	return []any{
		textField(&c.ID.Card.Program), textField(&c.ID.Card.Member), intField(&c.ID.Card.Claim), intField(&c.ID.N),
		textField(&c.Reward), textField(&c.Name), intField(&c.Began), intField(&c.Pos), textField(&c.State),
		timeField(&c.Issued), timeField(&c.Expires), timeField(&c.Ended),
		textField(&c.Shop), textField(&c.By), textField(&c.Nickname), textField(&c.Issuer),
	}
}

// Program implements [stamps.Store].
func (s stampStore) Program(ctx context.Context, id stamps.ProgramID, version int) (d stamps.Definition, err error) {
	return d, s.program(ctx, "stamps_program", string(id), version, &d, stamps.ErrUnknownProgram)
}

// Publish implements [stamps.Store].
func (s stampStore) Publish(ctx context.Context, d stamps.Definition) error {
	return s.publish(ctx, "stamps_program", string(d.ID), d.Version, d, stamps.ErrPublished)
}
