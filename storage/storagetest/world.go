package storagetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// at is a time of the tests, in minutes.
func at(minutes int64) time.Time {
	return time.Date(2026, 3, 1, 8, 0, 0, 123456000, time.UTC).Add(time.Duration(minutes) * time.Minute)
}

func entry(subject, key string, seq int64) journal.Entry {
	return journal.Entry{
		Subject: subject, Key: key, Seq: seq, Kind: "test.done", At: at(seq), By: "manager",
		Input: journal.Hash("test", key), Before: json.RawMessage(`{"n":1}`), Result: json.RawMessage(`{"n":2}`),
	}
}

func mac(n byte) []byte { return bytes.Repeat([]byte{n}, 16) }

func card(member string, version int64) stamps.Card {
	return stamps.Card{
		ID: stamps.CardID{Program: "coffee", Member: stamps.MemberID(member)}, Version: version, Nickname: "Nick " + member,
		Began: 1, Count: version, Total: version, Opened: at(0), Expires: at(1000),
		State: stamps.State{
			Seq: version, First: at(1), Last: at(version),
			Recent: []stamps.Tick{{Seq: version, At: at(version), N: 1}},
			Done:   []stamps.Run{{Version: 1, Size: 10, Rounds: 2, First: at(1)}},
			Owed:   []int64{5, 10},
			Bought: 1,
			Paid:   []stamps.Paid{{Before: 1, Stamps: 2, Units: 3}},
		},
	}
}

// claim is the card of a member's n-th claim, with a number of the stock.
func claim(member string, n, number int64) stamps.Card {
	return stamps.Card{
		ID:      stamps.CardID{Program: "coffee", Member: stamps.MemberID(member), Claim: n},
		Version: 1, Began: 1, Opened: at(0), Number: number,
	}
}

func record(id stamps.CardID, seq int64) stamps.Record {
	return stamps.Record{
		Card: id, Seq: seq, Purpose: stamps.PurposeStamp, N: 1, At: at(seq), Shop: "north", By: "manager", Via: "code",
		Nickname: "Nick " + string(id.Member), Began: 2,
		Purchase: &stamps.Purchase{
			Amount: 1250, Currency: "CNY", Items: 2, Lines: []stamps.Line{{Category: "drink", Amount: 1000, Items: 1}},
		},
		Peer: &stamps.CardID{Program: "coffee", Member: "peer"}, Reason: "a reason",
	}
}

func coupon(id stamps.CardID, n int64) stamps.Coupon {
	return stamps.Coupon{
		ID: stamps.CouponID{Card: id, N: n}, Reward: "latte", Name: "A latte", Began: 1, Pos: 5 * n, State: stamps.Issued,
		Issued: at(n), Expires: at(100 + n), Issuer: "north", Nickname: "Nick " + string(id.Member),
	}
}

// typist returns the meter of one.
func typist(scope otp.Scope, id otp.TypistID, debt time.Time) otp.Meter {
	return otp.Meter{Scope: scope, Party: otp.Party{Kind: otp.PartyTypist, ID: string(id)}, Debt: debt}
}

// parties returns typists to look for.
func parties(ids ...otp.TypistID) (all []otp.Party) {
	for _, id := range ids {
		all = append(all, otp.Party{Kind: otp.PartyTypist, ID: string(id)})
	}
	return all
}

func code(scope otp.Scope, n byte) otp.Code {
	return otp.Code{
		Scope: scope, MAC: mac(n), ID: []byte{n, 1}, Version: 1, Number: int64(n), KeyID: "k1", Digits: 6, Sealed: []byte("sealed"),
		Holder: "alice", Purpose: "redeem", Payload: []byte(`{"coupon":1}`), Issued: at(0), Expires: at(10), Reusable: at(70),
	}
}

func definition(version int) stamps.Definition {
	return stamps.Definition{
		ID: "coffee", Version: version, Name: "Coffee", Zone: "Asia/Shanghai", From: at(0), To: at(1e6), Shops: []stamps.ShopID{"north"},
		Card: &stamps.CardDefinition{
			Size: 10, Rewards: []stamps.Reward{{ID: "latte", Name: "A latte", At: 10, Shops: []stamps.ShopID{"north"}}},
			Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		},
		Handout: &stamps.Handout{Reward: stamps.Reward{ID: "cake", Name: "A cake"}, Stock: 100, PerMember: 2},
	}
}

// fill writes rows of every kind through every store.
func fill(ctx context.Context, tx storage.Tx) error {
	alice, first := card("alice", 1), claim("alice", 1, 1)
	published := tx.Stamps().Publish(ctx, definition(1))
	stamped := allOf(tx.Stamps().Save(ctx, []stamps.Change{
		{Cards: []stamps.Card{alice}, Records: []stamps.Record{record(alice.ID, 1)}, Coupons: []stamps.Coupon{coupon(alice.ID, 1)},
			Entries: []journal.Entry{entry("stamps/alice", "key", 1)}},
		{Cards: []stamps.Card{first}},
	}))
	issued := allOf(tx.OTP().Save(ctx, []otp.Change{{
		Scope:   otp.ScopeRow{Scope: "north", Issued: 2, Debt: at(5)},
		Meters:  []otp.Meter{typist("north", "manager", at(6))},
		Codes:   []otp.Code{code("north", 1), code("north", 2)},
		Entries: []journal.Entry{entry("otp/north", "key", 1)},
	}}))
	spent := code("north", 2)
	spent.Ended, spent.EndedAt, spent.EndedBy, spent.Sealed = otp.Used, at(3), "manager", nil
	used := allOf(tx.OTP().Spend(ctx, []otp.Spent{{Code: spent, Entries: []journal.Entry{entry("otp/north/2", "key", 1)}}}))
	joined := errors.Join(tx.Loyalty().Publish(ctx, points(1)), one(tx.Loyalty().Save(ctx, []loyalty.Change{{
		Accounts: []loyalty.Account{account("alice", 1)}, Bookings: []loyalty.Booking{booking("alice", "order", 0)},
		Entries: []journal.Entry{entry(account("alice", 1).ID.Subject(), "order", 1)},
	}})))
	taken := errors.Join(tx.Rewards().Publish(ctx, rewards(1)), one(tx.Rewards().Save(ctx, []reward.Change{{
		Holder: holder("alice", 1), Vouchers: []reward.Stored{voucher("alice", 1), voucher("alice", 2)}, Bounds: []reward.Bound{bound("ever", 2, 9)},
		Entries: []journal.Entry{entry(holder("alice", 1).ID.Subject(), "key", 1)},
	}})))
	j := oneJob("north", 1)
	_, importErr := tx.Leads().Import(ctx, []lead.Imported{imported("bob", 1)})
	met := errors.Join(importErr, tx.Leads().SaveJob(ctx, lead.JobChange{Job: &j}), one(tx.Leads().Save(ctx, []lead.Change{{
		Contacts: []lead.Contact{contact("alice", 1)}, Leads: []lead.Stored{stored("alice", 1)}, Counts: []lead.Count{leadCount("x", 0, 1)},
		Entries: []journal.Entry{entry("lead/alice", "key", 1)},
	}})))
	return errors.Join(fillActivation(ctx, tx), fillRows(ctx, tx), met, published, stamped, issued, used, joined, taken)
}

// A call is one method of one store, on the rows of fill.
type call struct {
	name string
	run  func(ctx context.Context, tx storage.Tx) (any, error)
}

// reads are the methods that change nothing.
var reads = slices.Concat(activationReads, rowReads, []call{
	{"Journal.After", func(ctx context.Context, tx storage.Tx) (any, error) {
		records, err := collect(tx.Journal().After(ctx, "", 0))
		for i := range records {
			records[i].Cursor = ""
		}
		slices.SortStableFunc(records, func(a, b journal.Record) int { return strings.Compare(a.Subject, b.Subject) })
		return records, err
	}},
	{"Journal.Of", func(ctx context.Context, tx storage.Tx) (any, error) {
		records, err := collect(tx.Journal().Of(ctx, "stamps/alice"))
		for i := range records {
			records[i].Cursor = ""
		}
		return records, err
	}},
	{"Leads.Load", func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Leads().Load(ctx, []lead.Identity{identity("alice"), identity("bob")})
	}},
	{"Leads.LoadJob", func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Leads().LoadJob(ctx, lead.JobLookup{Job: oneJob("north", 1).ID})
	}},
	{"Leads.Jobs", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Leads().Jobs(ctx, lead.JobQuery{}))
	}},
	{"Leads.Counts", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Leads().Counts(ctx, lead.CountQuery{Job: oneLead(1).Job}))
	}},
	{"Leads.Sums", func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Leads().Sums(ctx, []lead.Span{{Job: oneLead(1).Job}, {Job: oneLead(1).Job, To: at(1e6)}})
	}},
	{"Leads.Leads", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Leads().Leads(ctx, lead.LeadQuery{Job: oneLead(1).Job}))
	}},
	{"Loyalty.Load", func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Loyalty().Load(ctx, []loyalty.Lookup{{Account: account("alice", 1).ID, Booking: "order", Key: "order"}})
	}},
	{"Loyalty.Program", func(ctx context.Context, tx storage.Tx) (any, error) {
		d, err := tx.Loyalty().Program(ctx, "coffee", 0)
		if errors.Is(err, loyalty.ErrUnknownProgram) {
			err = nil
		}
		return d, err
	}},
	{"Loyalty.Accounts", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Loyalty().Accounts(ctx, loyalty.AccountQuery{Program: "coffee"}))
	}},
	{"Loyalty.Ledger", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Loyalty().Ledger(ctx, account("alice", 1).ID))
	}},
	{"Loyalty.Bookings", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Loyalty().Bookings(ctx, account("alice", 1).ID))
	}},
	{"OTP.Load", func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.OTP().Load(ctx, []otp.Lookup{{
			Scope: "north", Parties: parties("manager"), MACs: [][]byte{mac(1), mac(2)}, Holder: "alice", Purpose: "redeem",
			Entry: "otp/north", Key: "key",
		}}, at(1))
	}},
	{"Rewards.Load", func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Rewards().Load(ctx, []reward.Lookup{{Holder: holder("alice", 1).ID, Voucher: 1, Reserved: true, Key: "key"}})
	}},
	{"Rewards.Holders", func(ctx context.Context, tx storage.Tx) (any, error) { return tx.Rewards().Holders(ctx, "alice") }},
	{"Rewards.Find", func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Rewards().Find(ctx, [][]byte{mac(99), mac(1)})
	}},
	{"Rewards.Counts", func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Rewards().Counts(ctx, "coffee", []string{"ever"})
	}},
	{"Rewards.Catalog", func(ctx context.Context, tx storage.Tx) (any, error) {
		d, err := tx.Rewards().Catalog(ctx, "coffee", 0)
		if errors.Is(err, reward.ErrUnknownCatalog) {
			err = nil
		}
		return d, err
	}},
	{"Rewards.Vouchers", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Rewards().Vouchers(ctx, reward.VoucherQuery{Catalog: "coffee"}))
	}},
	{"Stamps.Load", func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Stamps().Load(ctx, []stamps.Lookup{{
			Card: card("alice", 1).ID, Record: -1, Coupon: 1, Above: 1000, Claims: true, Entry: "stamps/alice", Key: "key",
		}})
	}},
	{"Stamps.Program", func(ctx context.Context, tx storage.Tx) (any, error) {
		d, err := tx.Stamps().Program(ctx, "coffee", 0)
		if errors.Is(err, stamps.ErrUnknownProgram) {
			err = nil
		}
		return d, err
	}},
	{"Stamps.Records", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Stamps().Records(ctx, stamps.RecordQuery{Shop: "north"}))
	}},
	{"Stamps.Coupons", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Stamps().Coupons(ctx, stamps.CouponQuery{Member: "alice"}))
	}},
	{"Stamps.Cards", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Stamps().Cards(ctx, stamps.CardQuery{Program: "coffee"}))
	}},
})

// writes are the others. They follow fill.
var writes = slices.Concat(activationWrites, rowWrites, []call{
	{"Leads.Save", func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, one(tx.Leads().Save(ctx, []lead.Change{{Contacts: []lead.Contact{contact("alice", 2)}, Counts: []lead.Count{leadCount("x", 0, 1)}}}))
	}},
	{"Leads.SaveJob", func(ctx context.Context, tx storage.Tx) (any, error) {
		j := oneJob("north", 2)
		return nil, tx.Leads().SaveJob(ctx, lead.JobChange{Job: &j})
	}},
	{"Leads.Import", func(ctx context.Context, tx storage.Tx) (any, error) {
		_, err := tx.Leads().Import(ctx, []lead.Imported{imported("carol", 1)})
		return nil, err
	}},
	{"Loyalty.Save", func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, one(tx.Loyalty().Save(ctx, []loyalty.Change{{Accounts: []loyalty.Account{account("alice", 2)}}}))
	}},
	{"Loyalty.Publish", func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, tx.Loyalty().Publish(ctx, points(2))
	}},
	{"OTP.Save", func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, one(tx.OTP().Save(ctx, []otp.Change{{Scope: otp.ScopeRow{Scope: "north", Version: 1, Issued: 3}}}))
	}},
	{"OTP.Spend", func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, one(tx.OTP().Spend(ctx, []otp.Spent{{Code: code("north", 1)}}))
	}},
	{"OTP.Prune", func(ctx context.Context, tx storage.Tx) (any, error) {
		_, err := tx.OTP().Prune(ctx, at(1e6))
		return nil, err
	}},
	{"Rewards.Save", func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, one(tx.Rewards().Save(ctx, []reward.Change{{Holder: holder("alice", 2), Bounds: []reward.Bound{bound("ever", -1, 9)}}}))
	}},
	{"Rewards.Publish", func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, tx.Rewards().Publish(ctx, rewards(2))
	}},
	{"Stamps.Save", func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, one(tx.Stamps().Save(ctx, []stamps.Change{{Cards: []stamps.Card{card("alice", 2)}}}))
	}},
	{"Stamps.Publish", func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, tx.Stamps().Publish(ctx, definition(2))
	}},
})
