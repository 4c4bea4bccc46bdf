package storagetest

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func everyCall() []call { return slices.Concat(reads, writes) }

func stores(s suite) {
	s.t.Run("is called by its every method here", func(t *testing.T) {
		var want, got []string
		tx := reflect.TypeFor[storage.Tx]()
		for i := range tx.NumMethod() {
			store := tx.Method(i)
			if store.Type.NumIn() > 0 { // a method of rows
				want = append(want, store.Name)
				continue
			}
			if store.Type.Out(0).Kind() != reflect.Interface { // TenantID, which asks no database
				continue
			}
			for j := range store.Type.Out(0).NumMethod() {
				if name := store.Type.Out(0).Method(j).Name; name != "Tenant" { // which asks no database
					want = append(want, store.Name+"."+name)
				}
			}
		}
		for _, c := range everyCall() {
			got = append(got, c.name)
		}
		slices.Sort(got)
		slices.Sort(want)
		equal(t, "methods", got, want)
	})
	s.once("whose context has ended gives its error", func(t *testing.T, d Database) {
		must(t, fill(t.Context(), d.DB))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, c := range everyCall() {
			_, err := c.run(ctx, d.DB)
			isError(t, c.name, err, context.Canceled)
		}
		isError(t, "InTx", d.DB.InTx(ctx, func(context.Context, storage.Tx) error {
			t.Error("the transaction began")
			return nil
		}), context.Canceled)
	})
	s.each("answers nothing to nothing", func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			saved, err := tx.Stamps().Save(ctx, nil)
			must(s.t, err)
			counted, err := tx.OTP().Save(ctx, nil)
			must(s.t, err)
			spent, err := tx.OTP().Spend(ctx, nil)
			must(s.t, err)
			cards, err := tx.Stamps().Load(ctx, nil)
			must(s.t, err)
			scopes, err := tx.OTP().Load(ctx, nil, at(0))
			must(s.t, err)
			posted, err := tx.Loyalty().Save(ctx, nil)
			must(s.t, err)
			accounts, err := tx.Loyalty().Load(ctx, nil)
			must(s.t, err)
			taken, err := tx.Rewards().Save(ctx, nil)
			must(s.t, err)
			holders, err := tx.Rewards().Load(ctx, nil)
			must(s.t, err)
			counts, err := tx.Rewards().Counts(ctx, "coffee", nil)
			must(s.t, err)
			v, err := tx.Rewards().Find(ctx, nil)
			must(s.t, err)
			met, err := tx.Leads().Save(ctx, nil)
			must(s.t, err)
			contacts, err := tx.Leads().Load(ctx, nil)
			must(s.t, err)
			had, err := tx.Leads().Import(ctx, nil)
			must(s.t, err)
			equal(s.t, "leads", len(met)+len(contacts)+len(had), 0)
			equal(s.t, "voucher", v, nil)
			equal(s.t, "answers", len(taken)+len(holders)+len(counts)+len(posted)+len(accounts)+len(saved)+len(counted)+len(spent)+len(cards)+len(scopes), 0)
		})
	})
	s.each("holds nothing that a caller holds", noAlias)
	s.each("may be used while its lists are read", usedWhileRead)
}

// noAlias scribbles over what was given to Save, and then over what Load gave.
func noAlias(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		c, e, d := card("alice", 1), entry("alice", "key", 1), definition(1)
		r, cd := record(c.ID, 1), code("north", 1)
		must(s.t, one(tx.Stamps().Save(ctx, []stamps.Change{
			{Cards: []stamps.Card{c}, Records: []stamps.Record{r}, Entries: []journal.Entry{e}},
		})))
		must(s.t, one(tx.OTP().Save(ctx, []otp.Change{{Scope: otp.ScopeRow{Scope: "north"}, Codes: []otp.Code{cd}}})))
		must(s.t, tx.Stamps().Publish(ctx, d))

		scribble(&c, &r, &e, &cd, &d)
		for range 2 {
			cards, err := tx.Stamps().Load(ctx, []stamps.Lookup{{Card: c.ID, Record: 1, Entry: "alice", Key: "key"}})
			must(s.t, err)
			states, err := tx.OTP().Load(ctx, []otp.Lookup{{Scope: "north", MACs: [][]byte{mac(1)}}}, at(1))
			must(s.t, err)
			program, err := tx.Stamps().Program(ctx, "coffee", 1)
			must(s.t, err)
			equal(s.t, "card", cards[0].Card, card("alice", 1))
			equal(s.t, "record", *cards[0].Record, record(c.ID, 1))
			equal(s.t, "entry", *cards[0].Entry, entry("alice", "key", 1))
			equal(s.t, "codes", states[0].Codes, []otp.Code{code("north", 1)})
			equal(s.t, "program", program, definition(1))
			scribble(&cards[0].Card, cards[0].Record, cards[0].Entry, &states[0].Codes[0], &program)
		}
	})
}

func scribble(c *stamps.Card, r *stamps.Record, e *journal.Entry, cd *otp.Code, d *stamps.Definition) {
	c.State.Recent[0].N, c.State.Done[0].Rounds, c.State.Owed[0] = 99, 99, 99
	r.Peer.Member, r.Purchase.Amount = "scribbled", 99
	for _, b := range [][]byte{e.Input, e.Before, e.Result, cd.MAC, cd.Sealed, cd.Payload} {
		b[0] = '!'
	}
	d.Shops[0], d.Card.Size, d.Card.Rewards[0].Name, d.Card.Rewards[0].Shops[0], d.Handout.Stock = "!", 99, "!", "!", 99
}

func usedWhileRead(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, fill(ctx, tx))
		must(s.t, one(tx.Stamps().Save(ctx, []stamps.Change{{Cards: []stamps.Card{card("bob", 1)}}})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		seen := 0
		for c, err := range tx.Stamps().Cards(ctx, stamps.CardQuery{Program: "coffee"}) {
			must(s.t, err)
			seen++
			for r, err := range tx.Stamps().Records(ctx, stamps.RecordQuery{Card: &c.ID}) {
				must(s.t, err)
				must(s.t, cardWriter.save(ctx, tx, string(r.Card.Member), 1, "while read"))
				break
			}
		}
		equal(s.t, "cards", seen, 2)
		for _, err := range tx.Journal().After(ctx, "", 0) {
			must(s.t, err)
			must(s.t, cardWriter.save(ctx, tx, "carol", 0, "while read"))
			break
		}
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		cardWriter.holds(ctx, s.t, tx, "alice", 2, 1)
		cardWriter.holds(ctx, s.t, tx, "carol", 1, 1)
	})
}
