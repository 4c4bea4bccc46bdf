package storagetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// activationCode has something in every field, but for its deletion.
func activationCode(id string, version int64) activation.Code {
	return activation.Code{
		ID: activation.CodeID(id), Version: version, Seq: version, Disabled: true, Created: at(1), Updated: at(2), Drawn: 3, LastN: 9,
		Settings: activation.Settings{
			Platforms: []activation.PlatformID{"whatsapp", `"line"`}, Ports: 5, Pool: "plan", Listed: true, Expires: at(1000),
			Counting: activation.Counting{
				Owner: "boss", Group: "g", Reach: "codes", Codes: []activation.CodeID{"other"}, Library: true, Days: 30, Zone: "Asia/Shanghai", Reset: 480, Today: true,
			},
			Department: "sales", Remark: "备注",
		},
		Sessions:  []activation.Session{{N: 4, Agent: "kathy", Device: "pc", Began: at(1), Since: at(1), Here: at(1), Seen: at(2), Ports: 3, Hash: mac(4)}},
		Tries:     []activation.Try{{Device: "pc", Budget: activation.Budget{Whole: at(3)}}},
		Strangers: activation.Budget{Whole: at(4)},
		Ends:      []activation.End{{Session: 2, At: at(1)}, {Session: 3, At: at(2)}},
		Secret:    &activation.Secret{KeyID: "k", MAC: mac(5)},
	}
}

// bareCode has what a code must have.
func bareCode(id string) activation.Code {
	return activation.Code{ID: activation.CodeID(id), Version: 1, Created: at(1)}
}

// activationPort has something in every field.
func activationPort(code string, n int64) activation.Port {
	return activation.Port{
		ID: activation.PortID{Code: activation.CodeID(code), N: n}, Platform: "whatsapp", State: activation.Pending, Session: 4,
		Account: activation.AccountID(fmt.Sprint("account-", n)), Name: "sales", Until: at(9), Reason: "why", Left: at(2), Updated: at(3),
	}
}

func activationDevice(id string, version int64) activation.Device {
	return activation.Device{
		ID: activation.DeviceID(id), Version: version, Seq: version, Name: "front desk", Added: at(1), First: at(1), Seen: at(2),
		Codes: []activation.CodeID{"north", "south"}, Hash: mac(6),
	}
}

func activationClaim(code string, n, version int64) activation.Claim {
	return activation.Claim{
		Platform: "whatsapp", Account: activation.AccountID(fmt.Sprint("account-", n)), Version: version,
		Port:    activation.PortID{Code: activation.CodeID(code), N: n},
		Periods: activation.Binding{{Code: "other", From: at(1), To: at(2)}, {Code: activation.CodeID(code), From: at(3)}},
	}
}

func activationInvitation(n byte, version int64) activation.Invitation {
	return activation.Invitation{Hash: mac(n), By: "boss", Expires: at(9), Used: at(3), Device: "pc", Version: version}
}

var activationWriter = writer{
	name: "activation",
	save: func(ctx context.Context, tx storage.Tx, id string, loaded int64, key string) error {
		return tx.Activation().Save(ctx, activation.Change{
			Codes: []activation.Code{activationCode(id, loaded+1)}, Ports: []activation.Port{activationPort(id, loaded+1)},
			Entries: writer{name: "activation"}.entries(id, loaded, key),
		})
	},
	version: func(ctx context.Context, tx storage.Tx, id string) (int64, error) {
		l, err := tx.Activation().Load(ctx, activation.Lookup{Codes: []activation.CodeID{activation.CodeID(id)}})
		if err != nil {
			return 0, err
		}
		return l.Codes[0].Version, nil
	},
}

// everyActivation asks for all that fillActivation writes.
var everyActivation = activation.Lookup{
	Codes: []activation.CodeID{"north"}, Port: activation.PortID{Code: "north", N: 1}, Account: "account-2", Pool: "plan", Device: "pc",
	Invitation: mac(1), Subject: "activation/north", Key: "key",
}

func fillActivation(ctx context.Context, tx storage.Tx) error {
	return tx.Activation().Save(ctx, activation.Change{
		Codes: []activation.Code{activationCode("north", 1)}, Ports: []activation.Port{activationPort("north", 1), activationPort("north", 2)},
		Claims: []activation.Claim{activationClaim("north", 2, 1)},
		Pools:  []activation.Pool{{ID: "plan", Version: 1, Seq: 1, Ports: 9}}, Draws: []activation.Draw{{Pool: "plan", N: -6}},
		Devices: []activation.Device{activationDevice("pc", 1)}, Invitations: []activation.Invitation{activationInvitation(1, 1)},
		Entries: []journal.Entry{entry("activation/north", "key", 1)},
	})
}

var activationReads = []call{
	{"Activation.Secret", func(ctx context.Context, tx storage.Tx) (any, error) { return tx.Activation().Secret(ctx, "north") }},
	{"Activation.Load", func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Activation().Load(ctx, everyActivation)
	}},
	{"Activation.Codes", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Activation().Codes(ctx, activation.CodeQuery{}))
	}},
	{"Activation.Ports", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Activation().Ports(ctx, activation.PortQuery{}))
	}},
	{"Activation.Devices", func(ctx context.Context, tx storage.Tx) (any, error) { return collect(tx.Activation().Devices(ctx)) }},
	{"Activation.Due", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Activation().Due(ctx, activation.DueQuery{Now: at(1e6)}))
	}},
}

var activationWrites = []call{
	{"Activation.Save", func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, tx.Activation().Save(ctx, activation.Change{
			Codes: []activation.Code{activationCode("north", 2)}, Draws: []activation.Draw{{Pool: "plan", N: 1}},
		})
	}},
}

func activations(s suite) {
	s.each("are stored whole, with their ports", activationsWhole)
	s.each("are listed by their query", activationsListed)
	s.each("are due when their sessions end", activationsDue)
	s.each("close the ports of sessions that end", sessionsEnd)
	s.each("claim an account for one port", accountsClaimed)
	s.once("claim an account at once, one of them", claimedAtOnce)
	s.each("take no more from a pool than it has", poolBound)
	s.once("take from a pool at once without a loss", poolAtOnce)
}

func activationsWhole(s *scene) {
	load := func(ctx context.Context, tx storage.Tx, l activation.Lookup) activation.Loaded {
		s.t.Helper()
		got, err := tx.Activation().Load(ctx, l)
		must(s.t, err)
		return got
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		equal(s.t, "nothing", load(ctx, tx, everyActivation), activation.Loaded{
			Codes: []activation.Code{{ID: "north"}}, Pool: activation.Pool{ID: "plan"}, Device: activation.Device{ID: "pc"},
			Invitation: activation.Invitation{Hash: mac(1)}, Claim: activation.Claim{Account: "account-2"},
		})
		secret, err := tx.Activation().Secret(ctx, "north")
		must(s.t, err)
		equal(s.t, "no secret", secret, nil)
		equal(s.t, "asked for nothing", load(ctx, tx, activation.Lookup{}), activation.Loaded{})
		must(s.t, fillActivation(ctx, tx))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		e := entry("activation/north", "key", 1)
		equal(s.t, "all", load(ctx, tx, everyActivation), activation.Loaded{
			Codes: []activation.Code{activationCode("north", 1)}, Port: activationPort("north", 1),
			Claim: activationClaim("north", 2, 1), Claimed: activation.Held{Port: activationPort("north", 2), Code: activationCode("north", 1)},
			Pool: activation.Pool{ID: "plan", Version: 1, Seq: 1, Ports: 9, Free: 6}, Device: activationDevice("pc", 1),
			Invitation: activationInvitation(1, 1), Entry: &e,
		})
		secret, err := tx.Activation().Secret(ctx, "north")
		must(s.t, err)
		equal(s.t, "its secret", secret, activationCode("north", 1).Secret)
		equal(s.t, "of a device", load(ctx, tx, activation.Lookup{Device: "pc", OfDevice: true}), activation.Loaded{
			Codes: []activation.Code{activationCode("north", 1), {ID: "south"}}, Device: activationDevice("pc", 1),
		})
		equal(s.t, "an account", load(ctx, tx, activation.Lookup{Platform: "whatsapp", Account: "account-2"}), activation.Loaded{
			Claim: activationClaim("north", 2, 1), Claimed: activation.Held{Port: activationPort("north", 2), Code: activationCode("north", 1)},
		})
		equal(s.t, "an account of another platform", load(ctx, tx, activation.Lookup{Platform: "line", Account: "account-2"}), activation.Loaded{
			Claim: activation.Claim{Platform: "line", Account: "account-2"},
		})
		bare := bareCode("bare")
		two := activationCode("north", 2)
		two.Deleted = at(5)
		must(s.t, tx.Activation().Save(ctx, activation.Change{Codes: []activation.Code{two, bare}}))
		got := load(ctx, tx, activation.Lookup{Codes: []activation.CodeID{"bare", "none", "north"}, Port: activation.PortID{Code: "north", N: 1}})
		equal(s.t, "several", got, activation.Loaded{Codes: []activation.Code{bare, {ID: "none"}, two}, Port: activationPort("north", 1)})
		for _, old := range []activation.Change{
			{Codes: []activation.Code{bareCode("bare")}}, {Pools: []activation.Pool{{ID: "plan", Version: 3}}},
			{Devices: []activation.Device{{ID: "pc", Version: 1}}}, {Claims: []activation.Claim{activationClaim("north", 2, 1)}}, {Invitations: []activation.Invitation{{Hash: mac(1), Version: 1}}},
		} {
			old.Codes = append(old.Codes, bareCode("another"))
			isError(s.t, "an old version", tx.Activation().Save(ctx, old), journal.ErrConflict)
		}
		equal(s.t, "another", load(ctx, tx, activation.Lookup{Codes: []activation.CodeID{"another"}}).Codes[0].Version, 0)
	})
}

func activationsListed(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		var c activation.Change
		for i, id := range []string{"a", "b", "c", "d", "e"} {
			k := bareCode(id)
			k.Created, k.Settings.Department = at(int64(i/2)), "sales"
			switch id {
			case "b":
				k.Disabled = true
			case "c":
				k.Settings.Expires = at(5)
			case "d":
				k.Settings.Department = "support"
			case "e":
				k.Deleted = at(1)
			}
			c.Codes = append(c.Codes, k)
			p := activationPort(id, int64(i+1))
			if id == "b" {
				p.Platform, p.Account = "line", "account-1"
			}
			if id == "c" {
				p.State = activation.Closed
			}
			c.Ports = append(c.Ports, p)
			d := activationDevice(id, 1)
			if id == "b" {
				d.Removed = at(1)
			}
			c.Devices = append(c.Devices, d)
		}
		must(s.t, tx.Activation().Save(ctx, c))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		for _, tt := range []struct {
			q    activation.CodeQuery
			want string
		}{
			{activation.CodeQuery{}, "dcba"},
			{activation.CodeQuery{Limit: 2}, "dc"},
			{activation.CodeQuery{Department: "sales"}, "cba"},
			{activation.CodeQuery{Department: "none"}, ""},
			{activation.CodeQuery{State: activation.Enabled, Now: at(4)}, "dca"},
			{activation.CodeQuery{State: activation.Enabled, Now: at(5)}, "da"},
			{activation.CodeQuery{State: activation.Expired, Now: at(5)}, "c"},
			{activation.CodeQuery{State: activation.Disabled, Now: at(5)}, "b"},
		} {
			var got string
			for _, k := range list(s.t, tx.Activation().Codes(ctx, tt.q)) {
				got += string(k.ID)
			}
			equal(s.t, fmt.Sprintf("codes of %+v", tt.q), got, tt.want)
		}
		for _, tt := range []struct {
			q    activation.PortQuery
			want string
		}{
			{activation.PortQuery{}, "abde"},
			{activation.PortQuery{Limit: 3}, "abd"},
			{activation.PortQuery{Code: "b"}, "b"},
			{activation.PortQuery{Code: "c"}, ""},
			{activation.PortQuery{Platform: "line"}, "b"},
			{activation.PortQuery{Accounts: []activation.AccountID{"account-1"}}, "ab"},
			{activation.PortQuery{Accounts: []activation.AccountID{"account-5", "account-1", "account-3"}}, "abe"},
			{activation.PortQuery{Accounts: []activation.AccountID{"account-1"}, Platform: "whatsapp"}, "a"},
		} {
			var got string
			for _, h := range list(s.t, tx.Activation().Ports(ctx, tt.q)) {
				got += string(h.Port.ID.Code)
				equal(s.t, "its code", h.Code.ID, h.Port.ID.Code)
			}
			equal(s.t, fmt.Sprintf("ports of %+v", tt.q), got, tt.want)
		}
		var got string
		for _, d := range list(s.t, tx.Activation().Devices(ctx)) {
			got += string(d.ID)
		}
		equal(s.t, "devices", got, "acde")
	})
}

func activationsDue(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		var c activation.Change
		for i, id := range []string{"late", "idle", "expires", "none"} {
			k := bareCode(id)
			if id != "none" {
				k.Sessions = []activation.Session{{N: 1, Device: "pc", Seen: at(int64(10 - i))}}
			}
			if id == "expires" {
				k.Settings.Expires, k.Settings.Pool = at(3), "plan"
			}
			if id == "late" {
				k.Settings.Pool, k.Drawn = "plan", 1
			}
			c.Codes = append(c.Codes, k)
		}
		must(s.t, tx.Activation().Save(ctx, c))
	})
	idle := int64(activation.Idle.Minutes())
	s.do(func(ctx context.Context, tx storage.Tx) {
		for _, tt := range []struct {
			now   int64
			limit int
			pool  activation.PoolID
			want  string
		}{
			{2, 9, "", ""}, {3, 9, "", "expires"}, {idle + 9, 9, "", "expires idle"},
			{idle + 10, 0, "", "expires idle late"}, {idle + 10, 1, "", "expires"},
			{idle + 9, 0, "plan", ""}, {idle + 10, 0, "plan", "late"}, {idle + 10, 0, "other", ""},
		} {
			q := activation.DueQuery{Pool: tt.pool, Now: at(tt.now), Limit: tt.limit}
			var got []string
			for _, k := range list(s.t, tx.Activation().Due(ctx, q)) {
				got = append(got, string(k.ID))
			}
			equal(s.t, fmt.Sprintf("due of %+v", q), strings.Join(got, " "), tt.want)
		}
	})
}

func sessionsEnd(s *scene) {
	port := func(code string, n, session int64, state activation.PortState, account activation.AccountID) activation.Port {
		p := activationPort(code, n)
		p.Session, p.State, p.Account = session, state, account
		return p
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, tx.Activation().Save(ctx, activation.Change{Codes: []activation.Code{bareCode("a"), bareCode("b")}, Ports: []activation.Port{
			port("a", 1, 4, activation.Unlinked, ""), port("a", 2, 4, activation.Pending, ""), port("a", 3, 4, activation.Linked, "x"),
			port("a", 4, 4, activation.Banned, ""), port("a", 5, 4, activation.Pending, "y"), port("a", 6, 5, activation.Unlinked, ""),
			port("b", 1, 4, activation.Unlinked, ""), port("b", 2, 7, activation.Unlinked, ""), port("b", 3, 7, activation.Pending, ""),
		}}))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		a, b := bareCode("a"), bareCode("b")
		a.Version, b.Version = 2, 2
		ended := []activation.SessionID{{Code: "a", N: 4}, {Code: "b", N: 7}, {Code: "b", N: 8}}
		isError(s.t, "an old version", tx.Activation().Save(ctx, activation.Change{Codes: []activation.Code{bareCode("a")}, Ended: ended}), journal.ErrConflict)
		must(s.t, tx.Activation().Save(ctx, activation.Change{
			Codes: []activation.Code{a, b}, Ended: ended, Ports: []activation.Port{port("b", 3, 9, activation.Unlinked, ""), port("b", 4, 7, activation.Unlinked, "")},
		}))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		var got []string
		for _, h := range list(s.t, tx.Activation().Ports(ctx, activation.PortQuery{})) {
			got = append(got, fmt.Sprint(h.Port.ID.Code, h.Port.ID.N))
		}
		equal(s.t, "ports that are left", strings.Join(got, " "), "a3 a4 a5 a6 b1 b3")
		l, err := tx.Activation().Load(ctx, activation.Lookup{Port: activation.PortID{Code: "a", N: 2}})
		must(s.t, err)
		equal(s.t, "one that was closed", l.Port, port("a", 2, 4, activation.Closed, ""))
	})
}

func accountsClaimed(s *scene) {
	lookup := activation.Lookup{Codes: []activation.CodeID{"south"}, Port: activation.PortID{Code: "south", N: 7}, Account: "account-2"}
	load := func(ctx context.Context, tx storage.Tx) activation.Loaded {
		s.t.Helper()
		got, err := tx.Activation().Load(ctx, lookup)
		must(s.t, err)
		return got
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, fillActivation(ctx, tx))
		other := activationPort("south", 8)
		other.Platform = "line"
		must(s.t, tx.Activation().Save(ctx, activation.Change{
			Codes: []activation.Code{activationCode("south", 1)}, Ports: []activation.Port{activationPort("south", 7), other},
		}))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		equal(s.t, "of another code", load(ctx, tx), activation.Loaded{
			Codes: []activation.Code{activationCode("south", 1)}, Port: activationPort("south", 7), Claim: activationClaim("north", 2, 1),
			Claimed: activation.Held{Port: activationPort("north", 2), Code: activationCode("north", 1)},
		})
		lookup.Port.N = 8
		equal(s.t, "on another platform", load(ctx, tx).Claim, activation.Claim{Platform: "line", Account: "account-2"})
		lookup.Port.N = 7
		moved := activationClaim("north", 2, 2)
		moved.Port = lookup.Port
		must(s.t, tx.Activation().Save(ctx, activation.Change{Claims: []activation.Claim{moved}}))
		equal(s.t, "moved", load(ctx, tx).Claimed, activation.Held{Port: activationPort("south", 7), Code: activationCode("south", 1)})
	})
}

func claimedAtOnce(t *testing.T, d Database) {
	ctx := t.Context()
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() {
			code := fmt.Sprint("c", i)
			claim := activationClaim("any", 1, 1)
			claim.Port.Code = activation.CodeID(code)
			errs[i] = d.DB.Activation().Save(ctx, activation.Change{Codes: []activation.Code{bareCode(code)}, Claims: []activation.Claim{claim}})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, journal.ErrConflict) {
			t.Error(err)
		}
	}
	equal(t, "won", won, 1)
	equal(t, "codes", len(list(t, d.DB.Activation().Codes(ctx, activation.CodeQuery{}))), 1)
}

func poolBound(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		draw := func(id string, n int) error {
			return tx.Activation().Save(ctx, activation.Change{
				Codes: []activation.Code{bareCode(id)}, Draws: []activation.Draw{{Pool: "plan", N: n}},
			})
		}
		isError(s.t, "from nothing", draw("a", 1), activation.ErrCapacity)
		must(s.t, draw("a", -3))
		must(s.t, draw("b", 2))
		isError(s.t, "too many", draw("c", 2), activation.ErrCapacity)
		must(s.t, draw("c", 1))
		isError(s.t, "from an empty one", draw("d", 1), activation.ErrCapacity)
		must(s.t, draw("d", -1))
		l, err := tx.Activation().Load(ctx, activation.Lookup{Codes: []activation.CodeID{"a", "d"}, Pool: "plan"})
		must(s.t, err)
		equal(s.t, "left", fmt.Sprint(l.Pool.Free, l.Codes[0].Version, l.Codes[1].Version), "1 1 1")
	})
}

func poolAtOnce(t *testing.T, d Database) {
	ctx := t.Context()
	must(t, d.DB.Activation().Save(ctx, activation.Change{Draws: []activation.Draw{{Pool: "plan", N: -10}}}))
	var wg sync.WaitGroup
	errs := make([]error, 32)
	for i := range errs {
		wg.Go(func() {
			errs[i] = d.DB.Activation().Save(ctx, activation.Change{
				Codes: []activation.Code{bareCode(fmt.Sprint("c", i))}, Draws: []activation.Draw{{Pool: "plan", N: 1}},
			})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, activation.ErrCapacity) {
			t.Error(err)
		}
	}
	l, err := d.DB.Activation().Load(ctx, activation.Lookup{Pool: "plan"})
	must(t, err)
	equal(t, "taken and left", fmt.Sprint(won, l.Pool.Free), "10 0")
}
