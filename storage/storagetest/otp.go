package storagetest

import (
	"context"
	"time"

	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func codes(s suite) {
	s.each("that are not there load as a scope of version 0", func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			got := load(ctx, s, tx, at(0), otp.Lookup{
				Scope: "north", Parties: parties("t"), MACs: [][]byte{mac(1)}, Holder: "alice", Purpose: "redeem", Entry: "otp", Key: "key",
			}, otp.Lookup{Scope: "south"})
			equal(s.t, "states", got, []otp.State{
				{Scope: otp.ScopeRow{Scope: "north"}},
				{Scope: otp.ScopeRow{Scope: "south"}},
			})
		})
	})
	s.each("are found by their digits, live or not", byDigits)
	s.each("of a holder are found while they live", byHolder)
	s.each("are counted while they live", counted)
	s.each("are stored whole, and typists too", storedWhole)
	s.each("answer lookups in their order", inOrder)
	s.each("are spent without touching their scope", spent)
	s.each("and typists are pruned once they are of no use", pruned)
}

func load(ctx context.Context, s *scene, tx storage.Tx, now time.Time, lookups ...otp.Lookup) []otp.State {
	s.t.Helper()
	states, err := tx.OTP().Load(ctx, lookups, now)
	must(s.t, err)
	if len(states) != len(lookups) {
		s.t.Fatalf("%d states for %d lookups", len(states), len(lookups))
	}
	return states
}

func saveCodes(ctx context.Context, s *scene, tx storage.Tx, scope otp.Scope, loaded int64, codes ...otp.Code) {
	s.t.Helper()
	must(s.t, one(tx.OTP().Save(ctx, []otp.Change{{Scope: otp.ScopeRow{Scope: scope, Version: loaded}, Codes: codes}})))
}

func byDigits(s *scene) {
	ended := code("north", 2)
	ended.Ended, ended.EndedAt, ended.EndedBy, ended.Sealed = otp.Replaced, at(1), "alice", nil
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCodes(ctx, s, tx, "north", 0, code("north", 1), ended, code("north", 3))
		saveCodes(ctx, s, tx, "south", 0, code("south", 1))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		macs := [][]byte{mac(2), mac(1), mac(2), mac(7), mac(1)}
		got := load(ctx, s, tx, at(1000), otp.Lookup{Scope: "north", MACs: macs}, otp.Lookup{Scope: "south", MACs: macs})
		equal(s.t, "north", got[0].Codes, []otp.Code{code("north", 1), ended})
		equal(s.t, "south", got[1].Codes, []otp.Code{code("south", 1)})
	})
}

func byHolder(s *scene) {
	ended, other, purpose := code("north", 2), code("north", 3), code("north", 4)
	ended.Ended, ended.EndedAt = otp.Used, at(1)
	other.Holder, purpose.Purpose = "bob", "stamp"
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCodes(ctx, s, tx, "north", 0, code("north", 1), ended, other, purpose)
		saveCodes(ctx, s, tx, "south", 0, code("south", 5))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		l := otp.Lookup{Scope: "north", Holder: "alice", Purpose: "redeem"}
		last := at(10).Add(-time.Microsecond)
		equal(s.t, "live", load(ctx, s, tx, at(1), l)[0].Live, []otp.Code{code("north", 1)})
		equal(s.t, "live to the last", load(ctx, s, tx, last, l)[0].Live, []otp.Code{code("north", 1)})
		equal(s.t, "expired", load(ctx, s, tx, at(10), l)[0].Live, nil)
		equal(s.t, "of nobody", load(ctx, s, tx, at(1), otp.Lookup{Scope: "north", Purpose: "redeem"})[0].Live, nil)
	})
}

func counted(s *scene) {
	ended, longer, later := code("north", 2), code("north", 3), code("north", 4)
	ended.Ended, ended.EndedAt = otp.Used, at(1)
	longer.Digits, longer.Holder = 8, "bob"
	later.Expires = at(20)
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCodes(ctx, s, tx, "north", 0, code("north", 1), ended, longer, later)
		saveCodes(ctx, s, tx, "south", 0, code("south", 1))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		l := otp.Lookup{Scope: "north"}
		equal(s.t, "at first", load(ctx, s, tx, at(1), l)[0].Count, map[int]int64{6: 2, 8: 1})
		equal(s.t, "later", load(ctx, s, tx, at(10), l)[0].Count, map[int]int64{6: 1})
		equal(s.t, "in the end", load(ctx, s, tx, at(20), l)[0].Count, nil)
	})
}

func storedWhole(s *scene) {
	other := code("north", 1)
	other.Version, other.Number, other.KeyID, other.Digits, other.Sealed, other.Holder = 2, 9, "k2", 8, nil, "bob"
	other.Purpose, other.Payload, other.Issued, other.Expires, other.Reusable = "stamp", nil, at(1), at(2), at(3)
	other.Ended, other.EndedAt, other.EndedBy = otp.Replaced, at(2), "bob"
	other.ID = []byte("another id")
	row := otp.ScopeRow{Scope: "north", Issued: 1, Seq: 3, Debt: at(1)}
	kathy := typist("north", "t", at(2))
	kathy.Misses = 2
	device := otp.Meter{Scope: "north", Party: otp.Party{Kind: otp.PartyDevice, ID: "t"}, Debt: at(5)}
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, one(tx.OTP().Save(ctx, []otp.Change{{
			Scope: row, Meters: []otp.Meter{kathy, typist("north", "u", at(4)), device}, Codes: []otp.Code{code("north", 1)},
		}})))
		row.Version, row.Issued, row.Seq, row.Debt, kathy.Debt = 1, 2, 4, time.Time{}, at(3)
		must(s.t, one(tx.OTP().Save(ctx, []otp.Change{{Scope: row, Meters: []otp.Meter{kathy}, Codes: []otp.Code{other}}})))
		row.Version = 2
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		got := load(ctx, s, tx, at(0),
			otp.Lookup{Scope: "north", Parties: append(parties("t", "t"), device.Party), MACs: [][]byte{mac(1)}},
			otp.Lookup{Scope: "north", Parties: parties("u")})
		equal(s.t, "states", got, []otp.State{
			{Scope: row, Meters: []otp.Meter{device, kathy}, Codes: []otp.Code{other}},
			{Scope: row, Meters: []otp.Meter{typist("north", "u", at(4))}},
		})
	})
}

func inOrder(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, allOf(tx.OTP().Save(ctx, []otp.Change{
			{Scope: otp.ScopeRow{Scope: "a", Issued: 1}, Codes: []otp.Code{code("a", 1)}, Entries: []journal.Entry{entry("otp/a", "key", 1)}},
			{Scope: otp.ScopeRow{Scope: "b", Issued: 2}, Codes: []otp.Code{code("b", 1)}, Entries: []journal.Entry{entry("otp/b", "key", 1)}},
		})))
		a, b := entry("otp/a", "key", 1), entry("otp/b", "key", 1)
		got := load(ctx, s, tx, at(1),
			otp.Lookup{Scope: "b", Entry: "otp/a", Key: "key"}, otp.Lookup{Scope: "none"},
			otp.Lookup{Scope: "a", MACs: [][]byte{mac(1)}}, otp.Lookup{Scope: "b", Entry: "otp/b", Key: "key"}, otp.Lookup{Scope: "b"})
		rowA, rowB := otp.ScopeRow{Scope: "a", Version: 1, Issued: 1}, otp.ScopeRow{Scope: "b", Version: 1, Issued: 2}
		live := map[int]int64{6: 1}
		equal(s.t, "states", got, []otp.State{
			{Scope: rowB, Count: live, Record: &a}, {Scope: otp.ScopeRow{Scope: "none"}},
			{Scope: rowA, Count: live, Codes: []otp.Code{code("a", 1)}}, {Scope: rowB, Count: live, Record: &b}, {Scope: rowB, Count: live},
		})
	})
}

func spent(s *scene) {
	used := code("north", 1)
	used.Ended, used.EndedAt, used.EndedBy, used.Sealed = otp.Used, at(3), "manager", nil
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCodes(ctx, s, tx, "north", 0, code("north", 1), code("north", 2))
		another := used
		another.ID = []byte("another id")
		isError(s.t, "a code with another id", one(tx.OTP().Spend(ctx, []otp.Spent{{Code: another}})), journal.ErrConflict)
		another.ID = nil
		isError(s.t, "a code without its id", one(tx.OTP().Spend(ctx, []otp.Spent{{Code: another}})), journal.ErrConflict)
		must(s.t, one(tx.OTP().Spend(ctx, []otp.Spent{{Code: used}})))
		isError(s.t, "spent again", one(tx.OTP().Spend(ctx, []otp.Spent{{Code: used}})), journal.ErrConflict)
		isError(s.t, "a code that is not there", one(tx.OTP().Spend(ctx, []otp.Spent{{Code: code("north", 7)}})), journal.ErrConflict)
		saveCodes(ctx, s, tx, "north", 1, code("north", 3))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		got := load(ctx, s, tx, at(4), otp.Lookup{Scope: "north", MACs: [][]byte{mac(1), mac(2), mac(3), mac(7)}})
		used.Version = 2
		equal(s.t, "codes", got[0].Codes, []otp.Code{used, code("north", 2), code("north", 3)})
		equal(s.t, "the scope's version", got[0].Scope.Version, 2)
	})
}

func pruned(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		earlier, missed := code("north", 1), typist("north", "v", at(1))
		missed.Misses = 1
		earlier.Reusable = at(70).Add(-time.Microsecond)
		must(s.t, one(tx.OTP().Save(ctx, []otp.Change{{
			Scope: otp.ScopeRow{Scope: "north"},
			Meters: []otp.Meter{
				typist("north", "t", at(70).Add(-time.Microsecond)), typist("north", "u", at(70)), missed,
			},
			Codes: []otp.Code{earlier, code("north", 2)}, Entries: []journal.Entry{entry("otp", "key", 1)},
		}})))
		n, err := tx.OTP().Prune(ctx, at(70))
		must(s.t, err)
		equal(s.t, "rows", n, 2)
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		first := entry("otp", "key", 1)
		row := otp.ScopeRow{Scope: "north", Version: 1}
		got := load(ctx, s, tx, at(20),
			otp.Lookup{Scope: "north", Parties: parties("t"), MACs: [][]byte{mac(1), mac(2)}, Entry: "otp", Key: "key"},
			otp.Lookup{Scope: "north", Parties: parties("u", "v")})
		missed := typist("north", "v", at(1))
		missed.Misses = 1
		equal(s.t, "states", got, []otp.State{
			{Scope: row, Codes: []otp.Code{code("north", 2)}, Record: &first},
			{Scope: row, Meters: []otp.Meter{typist("north", "u", at(70)), missed}},
		})
	})
}
