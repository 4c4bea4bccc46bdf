package storagetest

import (
	"context"
	"errors"
	"fmt"
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
				Group: "g", Reach: "codes", Codes: []activation.CodeID{"other"}, Library: true, Days: 30, Zone: "Asia/Shanghai", Reset: 480, Today: true,
			},
			Department: "sales", Remark: "备注",
		},
		Sessions: []activation.Session{{N: 4, Agent: "kathy", Device: "pc", Began: at(1), Seen: at(2), Ports: 3, Hash: mac(4)}},
		Secret:   &activation.Secret{KeyID: "k", MAC: mac(5)},
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
		Account: activation.AccountID(fmt.Sprint("account-", n)), Name: "sales", Until: at(9), Reason: "why", Updated: at(3),
	}
}

func activationDevice(id string, version int64) activation.Device {
	return activation.Device{
		ID: activation.DeviceID(id), Version: version, Seq: version, Name: "front desk", Added: at(1), Seen: at(2),
		Codes: []activation.CodeID{"north", "south"},
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
		Pools: []activation.Pool{{ID: "plan", Version: 1, Seq: 1, Ports: 9}}, Draws: []activation.Draw{{Pool: "plan", N: -6}},
		Devices: []activation.Device{activationDevice("pc", 1)}, Invitations: []activation.Invitation{activationInvitation(1, 1)},
		Entries: []journal.Entry{entry("activation/north", "key", 1)},
	})
}

var activationReads = []call{
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
	{"Activation.Due", func(ctx context.Context, tx storage.Tx) (any, error) { return tx.Activation().Due(ctx, at(1e6), 9) }},
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
			Invitation: activation.Invitation{Hash: mac(1)},
		})
		equal(s.t, "asked for nothing", load(ctx, tx, activation.Lookup{}), activation.Loaded{})
		must(s.t, fillActivation(ctx, tx))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		e := entry("activation/north", "key", 1)
		equal(s.t, "all", load(ctx, tx, everyActivation), activation.Loaded{
			Codes: []activation.Code{activationCode("north", 1)}, Port: activationPort("north", 1), Account: activationPort("north", 2),
			Pool: activation.Pool{ID: "plan", Version: 1, Seq: 1, Ports: 9, Free: 6}, Device: activationDevice("pc", 1),
			Invitation: activationInvitation(1, 1), Entry: &e,
		})
		own := everyActivation
		own.Account = "account-1"
		equal(s.t, "the port itself has the account", load(ctx, tx, own).Account, activation.Port{})
		equal(s.t, "of a device", load(ctx, tx, activation.Lookup{Device: "pc", OfDevice: true}), activation.Loaded{
			Codes: []activation.Code{activationCode("north", 1), {ID: "south"}}, Device: activationDevice("pc", 1),
		})
		closed := activationPort("north", 2)
		closed.State = activation.Closed
		bare := bareCode("bare")
		two := activationCode("north", 2)
		two.Deleted = at(5)
		must(s.t, tx.Activation().Save(ctx, activation.Change{Codes: []activation.Code{two, bare}, Ports: []activation.Port{closed}}))
		got := load(ctx, tx, activation.Lookup{Codes: []activation.CodeID{"bare", "none", "north"}, Port: activation.PortID{Code: "north", N: 1}, Account: "account-2"})
		equal(s.t, "several", got, activation.Loaded{Codes: []activation.Code{bare, {ID: "none"}, two}, Port: activationPort("north", 1)})
		for _, old := range []activation.Change{
			{Codes: []activation.Code{bareCode("bare")}}, {Pools: []activation.Pool{{ID: "plan", Version: 3}}},
			{Devices: []activation.Device{{ID: "pc", Version: 1}}}, {Invitations: []activation.Invitation{{Hash: mac(1), Version: 1}}},
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
			{activation.PortQuery{Account: "account-1"}, "ab"},
			{activation.PortQuery{Account: "account-1", Platform: "whatsapp"}, "a"},
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
				k.Settings.Expires = at(3)
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
			want  []activation.CodeID
		}{
			{2, 9, nil}, {3, 9, []activation.CodeID{"expires"}}, {idle + 9, 9, []activation.CodeID{"expires", "idle"}},
			{idle + 10, 9, []activation.CodeID{"expires", "idle", "late"}}, {idle + 10, 1, []activation.CodeID{"expires"}},
		} {
			got, err := tx.Activation().Due(ctx, at(tt.now), tt.limit)
			must(s.t, err)
			equal(s.t, fmt.Sprint("due at ", tt.now), got, tt.want)
		}
	})
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
