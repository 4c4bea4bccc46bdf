package storagetest

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// account has something in every field.
func account(member string, version int64) loyalty.Account {
	return loyalty.Account{
		ID:      loyalty.AccountID{Program: "coffee", Member: loyalty.MemberID(member)},
		Version: version, Seq: version, Hash: mac(byte(version)),
		Joined: at(0), Active: at(version), At: at(version),
		Holdings: []loyalty.Holding{{
			Currency: "points",
			Wallet: loyalty.Wallet{
				At:    at(version),
				Lots:  []loyalty.Lot{{To: at(1000), N: 5}, {From: at(10), N: version}},
				Holds: []loyalty.Hold{{Name: "hold", Until: at(900), Lots: []loyalty.Lot{{To: at(1000), N: 2}}}},
				Debt:  3,
				Ended: []loyalty.Lot{{To: at(2), N: 4}},
			},
			Totals: loyalty.Totals{Issued: 9, Redeemed: 1, Expired: 2, Revoked: 3, Received: 4, Sent: 5},
		}},
		Tallies: []loyalty.NamedTally{{Name: "metric/spent", Tally: loyalty.Tally{Total: 7, Days: []loyalty.DayTotal{{Day: 20000, N: 7}}}}},
		Carried: []loyalty.Carried{{Rule: "base", N: 30}},
		Reached: []loyalty.Reached{{Rule: "nights", From: 20000, N: 2}},
		Status:  loyalty.Status{Level: "gold", Since: at(1), Until: at(950), Hand: "silver"},
		Turns:   at(940),
		Merged:  "another",
	}
}

func booking(member, key string, changes int64) loyalty.Booking {
	return loyalty.Booking{
		Account: account(member, 1).ID, Key: key, Changes: changes, At: at(1), Spent: true,
		Lines: []loyalty.BookedLine{{ID: "1", Paid: 100, Items: 2, Back: changes, Gone: 1}},
		Parts: []loyalty.Portion{{
			Currency: "points", N: 9, Back: changes, Lots: []loyalty.Lot{{To: at(1000), N: 9}}, Overdraft: loyalty.BelowZero,
			Shares: []int64{9_000_000}, Whole: 1,
		}},
		Counts: []loyalty.Count{{Tally: "metric/spent", N: 100, Back: changes, Part: -1}},
	}
}

var accountWriter = writer{
	name: "account",
	save: func(ctx context.Context, tx storage.Tx, id string, loaded int64, key string) error {
		return one(tx.Loyalty().Save(ctx, []loyalty.Change{{
			Accounts: []loyalty.Account{account(id, loaded+1)}, Entries: writer{name: "account"}.entries(id, loaded, key),
		}}))
	},
	version: func(ctx context.Context, tx storage.Tx, id string) (int64, error) {
		loaded, err := tx.Loyalty().Load(ctx, []loyalty.Lookup{{Account: account(id, 1).ID}})
		if err != nil {
			return 0, err
		}
		return loaded[0].Account.Version, nil
	},
}

func accounts(s suite) {
	s.each("that are not there load as version 0 of the id", func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			id := account("alice", 1).ID
			equal(s.t, "loaded", lookupAccounts(ctx, s, tx, loyalty.Lookup{Account: id, Booking: "order", Key: "key"}),
				[]loyalty.Loaded{{Account: loyalty.Account{ID: id}}})
		})
	})
	s.each("are stored whole, and answer lookups in their order", accountsWhole)
	s.each("hold bookings that a later one replaces", bookingsReplaced)
	s.each("may change a booking of an account that was merged into them", mergedBooking)
	s.each("are saved both or neither", accountsBoth)
	s.each("come back to the last number and time", accountLimits)
	s.each("are listed by their query, in the order of their ids", accountsListed)
	s.each("have a ledger, the newest first", ledger)
	s.each("have bookings that are listed, of one or of all", bookingsListed)
	s.each("have programs that are published one version after the other", loyaltyPrograms)
	s.each("hold nothing that a caller holds", accountAlias)
}

func lookupAccounts(ctx context.Context, s *scene, tx storage.Tx, lookups ...loyalty.Lookup) []loyalty.Loaded {
	s.t.Helper()
	loaded, err := tx.Loyalty().Load(ctx, lookups)
	must(s.t, err)
	if len(loaded) != len(lookups) {
		s.t.Fatalf("%d answers for %d lookups", len(loaded), len(lookups))
	}
	return loaded
}

func accountsWhole(s *scene) {
	a, b := account("alice", 1), account("bob", 1)
	order, spent := booking("alice", "order", 0), booking("alice", "spent", 0)
	key := entry(a.ID.Subject(), "order", 1)
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, allOf(tx.Loyalty().Save(ctx, []loyalty.Change{
			{Accounts: []loyalty.Account{a}, Bookings: []loyalty.Booking{order, spent}, Entries: []journal.Entry{key}},
			{Accounts: []loyalty.Account{b}},
		})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		nobody := loyalty.AccountID{Program: "tea", Member: "alice"}
		equal(s.t, "loaded", lookupAccounts(ctx, s, tx,
			loyalty.Lookup{Account: b.ID, Booking: "order", Key: "order"},
			loyalty.Lookup{Account: a.ID, Booking: "order", Key: "order"},
			loyalty.Lookup{Account: nobody, Booking: "order", Key: "order"},
			loyalty.Lookup{Account: a.ID, Booking: "spent"},
			loyalty.Lookup{Account: a.ID}),
			[]loyalty.Loaded{
				{Account: b},
				{Account: a, Booking: &order, Entry: &key},
				{Account: loyalty.Account{ID: nobody}},
				{Account: a, Booking: &spent},
				{Account: a},
			})
		equal(s.t, "one alone", lookupAccounts(ctx, s, tx, loyalty.Lookup{Account: a.ID, Booking: "order", Key: "order"}),
			[]loyalty.Loaded{{Account: a, Booking: &order, Entry: &key}})
	})
}

func bookingsReplaced(s *scene) {
	a := account("alice", 1)
	s.do(func(ctx context.Context, tx storage.Tx) {
		for n := range int64(3) {
			a.Version = n + 1
			must(s.t, one(tx.Loyalty().Save(ctx, []loyalty.Change{{
				Accounts: []loyalty.Account{a}, Bookings: []loyalty.Booking{booking("alice", "order", n)},
			}})))
		}
		isError(s.t, "an old account", one(tx.Loyalty().Save(ctx, []loyalty.Change{{
			Accounts: []loyalty.Account{a}, Bookings: []loyalty.Booking{booking("alice", "order", 9)},
		}})), journal.ErrConflict)
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		want := booking("alice", "order", 2)
		equal(s.t, "loaded", lookupAccounts(ctx, s, tx, loyalty.Lookup{Account: a.ID, Booking: "order"}),
			[]loyalty.Loaded{{Account: a, Booking: &want}})
	})
}

func mergedBooking(s *scene) {
	a, b := account("alice", 1), account("bob", 1)
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, allOf(tx.Loyalty().Save(ctx, []loyalty.Change{
			{Accounts: []loyalty.Account{a}, Bookings: []loyalty.Booking{booking("alice", "order", 0)}}, {Accounts: []loyalty.Account{b}},
		})))
		b.Version = 2
		must(s.t, one(tx.Loyalty().Save(ctx, []loyalty.Change{
			{Accounts: []loyalty.Account{b}, Bookings: []loyalty.Booking{booking("alice", "order", 1)}},
		})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		want := booking("alice", "order", 1)
		equal(s.t, "loaded", lookupAccounts(ctx, s, tx,
			loyalty.Lookup{Account: a.ID, Booking: "order"}, loyalty.Lookup{Account: b.ID, Booking: "order"}),
			[]loyalty.Loaded{{Account: a, Booking: &want}, {Account: b}})
	})
}

func accountsBoth(s *scene) {
	for name, c := range map[string]struct {
		from, to int64
		key      string
		want     error
	}{
		"the first is stale":  {5, 1, "new", journal.ErrConflict},
		"the second is stale": {1, 5, "new", journal.ErrConflict},
		"a key is used":       {1, 1, "used", journal.ErrDuplicate},
	} {
		from, to := account("from "+name, c.from), account("to "+name, c.to)
		taken := []journal.Entry{entry(name, "used", 1)}
		s.do(func(ctx context.Context, tx storage.Tx) {
			errs, err := tx.Loyalty().Save(ctx, []loyalty.Change{
				{Accounts: []loyalty.Account{account("before "+name, 1)}, Entries: taken},
				{
					Accounts: []loyalty.Account{from, to}, Bookings: []loyalty.Booking{booking(string(from.ID.Member), "order", 0)},
					Entries: []journal.Entry{entry(name, c.key, 2)},
				},
				{Accounts: []loyalty.Account{account("after "+name, 1)}},
			})
			must(s.t, err)
			must(s.t, errors.Join(errs[0], errs[2]))
			isError(s.t, name, errs[1], c.want)
		})
		s.do(func(ctx context.Context, tx storage.Tx) {
			equal(s.t, "loaded", lookupAccounts(ctx, s, tx, loyalty.Lookup{Account: from.ID, Booking: "order"}, loyalty.Lookup{Account: to.ID}),
				[]loyalty.Loaded{{Account: loyalty.Account{ID: from.ID}}, {Account: loyalty.Account{ID: to.ID}}})
			accountWriter.holds(ctx, s.t, tx, "before "+name, 1, 0)
			accountWriter.holds(ctx, s.t, tx, "after "+name, 1, 0)
			equal(s.t, "entries", len(list(s.t, tx.Journal().Of(ctx, name))), 1)
		})
	}
}

func accountLimits(s *scene) {
	a := account("alice", 1)
	a.Seq, a.Hash = math.MaxInt64, []byte{0, '\\', 0xff}
	a.Holdings[0].Totals = loyalty.Totals{Issued: math.MaxInt64, Redeemed: math.MinInt64, Expired: 1<<53 + 1}
	a.Holdings[0].Wallet.Lots = []loyalty.Lot{{To: time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC), N: math.MaxInt64}}
	plain := loyalty.Account{ID: account("plain", 1).ID, Version: 1, Joined: at(0), At: at(0)}
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, allOf(tx.Loyalty().Save(ctx, []loyalty.Change{
			{Accounts: []loyalty.Account{a}}, {Accounts: []loyalty.Account{plain}},
		})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		equal(s.t, "loaded", lookupAccounts(ctx, s, tx, loyalty.Lookup{Account: a.ID}, loyalty.Lookup{Account: plain.ID}),
			[]loyalty.Loaded{{Account: a}, {Account: plain}})
	})
}

func accountsListed(s *scene) {
	var changes []loyalty.Change
	add := func(program loyalty.ProgramID, member string, due time.Time) {
		a := account(member, 1)
		a.ID.Program = program
		a.Turns, a.Holdings = due, nil
		changes = append(changes, loyalty.Change{Accounts: []loyalty.Account{a}})
	}
	for _, m := range []string{"bob", "Bob", "alice", "小明"} {
		add("coffee", m, at(10))
	}
	add("tea", "alice", at(20))
	add("tea", "bob", time.Time{})
	s.do(func(ctx context.Context, tx storage.Tx) { must(s.t, allOf(tx.Loyalty().Save(ctx, changes))) })
	s.do(func(ctx context.Context, tx storage.Tx) {
		for name, c := range map[string]struct {
			q    loyalty.AccountQuery
			want []string
		}{
			"a program":             {loyalty.AccountQuery{Program: "coffee"}, []string{"coffee/Bob", "coffee/alice", "coffee/bob", "coffee/小明"}},
			"a member":              {loyalty.AccountQuery{Member: "alice"}, []string{"coffee/alice", "tea/alice"}},
			"both":                  {loyalty.AccountQuery{Program: "tea", Member: "alice"}, []string{"tea/alice"}},
			"a limit":               {loyalty.AccountQuery{Program: "coffee", Limit: 2}, []string{"coffee/Bob", "coffee/alice"}},
			"nobody":                {loyalty.AccountQuery{Program: "Coffee"}, nil},
			"due":                   {loyalty.AccountQuery{DueBefore: at(21)}, []string{"coffee/Bob", "coffee/alice", "coffee/bob", "coffee/小明", "tea/alice"}},
			"due in a program":      {loyalty.AccountQuery{Program: "tea", DueBefore: at(21)}, []string{"tea/alice"}},
			"due at that time":      {loyalty.AccountQuery{Program: "tea", DueBefore: at(20)}, nil},
			"due right before that": {loyalty.AccountQuery{Program: "tea", DueBefore: at(20).Add(time.Microsecond)}, []string{"tea/alice"}},
		} {
			var got []string
			for _, a := range list(s.t, tx.Loyalty().Accounts(ctx, c.q)) {
				got = append(got, string(a.ID.Program)+"/"+string(a.ID.Member))
			}
			equal(s.t, name, got, c.want)
		}
	})
}

func bookingsListed(s *scene) {
	a, b := account("alice", 1), account("bob", 1)
	first, second, other := booking("alice", "first", 0), booking("alice", "second", 0), booking("bob", "first", 0)
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, allOf(tx.Loyalty().Save(ctx, []loyalty.Change{
			{Accounts: []loyalty.Account{b}, Bookings: []loyalty.Booking{other}},
			{Accounts: []loyalty.Account{a}, Bookings: []loyalty.Booking{second, first}},
		})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		all := loyalty.AccountID{Program: a.ID.Program}
		equal(s.t, "of alice", list(s.t, tx.Loyalty().Bookings(ctx, a.ID)), []loyalty.Booking{first, second})
		equal(s.t, "of all", list(s.t, tx.Loyalty().Bookings(ctx, all)), []loyalty.Booking{first, second, other})
		equal(s.t, "of another program", list(s.t, tx.Loyalty().Bookings(ctx, loyalty.AccountID{Program: "tea"})), []loyalty.Booking(nil))
	})
}

func ledger(s *scene) {
	a := account("alice", 1)
	entries := []journal.Entry{entry(a.ID.Subject(), "first", 1), entry(a.ID.Subject(), "second", 2)}
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, one(tx.Loyalty().Save(ctx, []loyalty.Change{{
			Accounts: []loyalty.Account{a}, Entries: append(entries, entry(account("bob", 1).ID.Subject(), "first", 1)),
		}})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		equal(s.t, "ledger", list(s.t, tx.Loyalty().Ledger(ctx, a.ID)), []journal.Entry{entries[1], entries[0]})
	})
}

func points(version int) loyalty.Definition {
	return loyalty.Definition{
		ID: "coffee", Version: version, Name: "积分 \"x\" \\", Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Years: 1, On: &loyalty.YearDay{Month: 3, Day: 31}}}},
		Rules:      []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1.5", Per: loyalty.PerMoney, Amount: 100}}},
		Tiers: &loyalty.Tiers{
			Levels:    []loyalty.Level{{ID: "low"}, {ID: "high", Needs: []loyalty.Need{{"spent": 100}}}},
			Downgrade: loyalty.Never,
		},
		Metrics: []loyalty.Metric{{ID: "spent", Of: loyalty.CountMoney}},
	}
}

func loyaltyPrograms(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		isError(s.t, "version 2 first", tx.Loyalty().Publish(ctx, points(2)), loyalty.ErrPublished)
		must(s.t, tx.Loyalty().Publish(ctx, points(1)))
		isError(s.t, "version 1 again", tx.Loyalty().Publish(ctx, points(1)), loyalty.ErrPublished)
		must(s.t, tx.Loyalty().Publish(ctx, points(2)))
		must(s.t, tx.Stamps().Publish(ctx, definition(1))) // another program of that id
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		for version, want := range map[int]loyalty.Definition{0: points(2), 1: points(1), 2: points(2)} {
			got, err := tx.Loyalty().Program(ctx, "coffee", version)
			must(s.t, err)
			equal(s.t, "program", got, want)
		}
		for _, id := range []loyalty.ProgramID{"tea", "Coffee"} {
			_, err := tx.Loyalty().Program(ctx, id, 0)
			isError(s.t, string(id), err, loyalty.ErrUnknownProgram)
		}
	})
}

// accountAlias scribbles over what was given to Save, and then over what Load gave.
func accountAlias(s *scene) {
	a, b := account("alice", 1), booking("alice", "order", 0)
	scribble := func(a *loyalty.Account, b *loyalty.Booking) {
		a.Hash[0], a.Holdings[0].Totals.Issued, a.Holdings[0].Wallet.Lots[0].N, a.Holdings[0].Wallet.Holds[0].Lots[0].N = '!', 99, 99, 99
		a.Tallies[0].Tally.Days[0].N, a.Carried[0].N, a.Reached[0].N = 99, 99, 99
		b.Lines[0].Back, b.Parts[0].Back, b.Parts[0].Lots[0].N, b.Parts[0].Shares[0], b.Counts[0].Back = 99, 99, 99, 99, 99
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, one(tx.Loyalty().Save(ctx, []loyalty.Change{{Accounts: []loyalty.Account{a}, Bookings: []loyalty.Booking{b}}})))
		scribble(&a, &b)
		for range 2 {
			got := lookupAccounts(ctx, s, tx, loyalty.Lookup{Account: a.ID, Booking: "order"})[0]
			want := booking("alice", "order", 0)
			equal(s.t, "loaded", got, loyalty.Loaded{Account: account("alice", 1), Booking: &want})
			scribble(&got.Account, got.Booking)
		}
	})
}
