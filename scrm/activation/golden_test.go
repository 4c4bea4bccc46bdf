package activation

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func goldenEngine(s storage.Tx) *Engine {
	e, err := New(s, []secret.Key{{ID: "k1", Secret: []byte("0123456789abcdef0123456789abcdef")}}, &Options{
		Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
	})
	if err != nil {
		panic(err)
	}
	return e
}

func TestGoldenCommands(t *testing.T) {
	db := memory.New()
	fill := golden.Fill{"codes": []ids.Code{"ABCDEFGH", "BCDEFGHA"}, "zone": "Asia/Shanghai", "ports": 5}
	session, until := SessionID{"ABCDEFGH", 1}, time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	batch, leave := CodeBatch{Codes: []ids.Code{"ABCDEFGH"}}, Leave{Port: PortID{"ABCDEFGH", 1}}
	f := golden.Open(t, "commands")
	f.Commands(golden.Engine{
		Store: db, New: func(s storage.Tx) any { return goldenEngine(s) },
		Commands: []golden.Command{
			{Kind: "activation.create", Least: Create{N: 1}, Fill: fill, Apart: true},
			{Kind: "activation.edit", Least: Edit{Code: "ABCDEFGH"}, Fill: fill, Apart: true},
			{Kind: "activation.disable", Method: "Disable", Least: batch},
			{Kind: "activation.enable", Method: "Enable", Least: batch},
			{Kind: "activation.expire", Method: "Expire", Least: batch},
			{Kind: "activation.delete", Method: "Delete", Least: batch},
			{Kind: "activation.renew", Least: Renew{Code: "ABCDEFGH"}},
			{Kind: "activation.pool", Least: PutPool{Pool: "north"}, Fill: fill},
			{Kind: "activation.signOut", Least: SignOut{Session: session}},
			{Kind: "activation.open", Least: Open{Session: session, Platform: "whatsapp"}},
			{Kind: "activation.pair", Least: Pair{Session: session, Port: 1, Until: until}},
			{Kind: "activation.link", Least: Link{Session: session, Port: 1, Account: "account"}},
			{Kind: "activation.logout", Method: "Logout", Least: leave},
			{Kind: "activation.ban", Method: "Ban", Least: leave},
			{Kind: "activation.close", Method: "Close", Least: leave},
			{
				Kind: "activation.addDevice", Least: AddDevice{Token: "token", Device: "phone"},
				Input: func(c any) any { return []any{hashInvitation("", "token"), c} },
			},
			{Kind: "activation.removeDevice", Least: RemoveDevice{Device: "phone"}},
		},
		Results: []golden.Result{
			{Name: "issued", Of: Issued{}}, {Name: "issued codes", Of: []Issued(nil)}, {Name: "code", Of: Code{}}, {Name: "codes", Of: []Code(nil)},
			{Name: "pool", Of: Pool{}}, {Name: "port", Of: Port{}}, {Name: "device", Of: Device{}}, {Name: "added device", Of: Added{}},
			{Name: "access", Of: Access{}}, {Name: "invited", Of: Invited{}},
		},
	})
	// Invite has no struct.
	_, err := goldenEngine(db).Invite(t.Context(), "admin", "key")
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range db.Journal().Of(t.Context(), ofTenant("key")) {
		if err != nil {
			t.Fatal(err)
		}
		f.Line("activation.invite", hex.EncodeToString(r.Input)+" "+r.Subject, "An invitation that was made can't be asked for again.")
	}
}

func TestGoldenStates(t *testing.T) {
	golden.Open(t, "states").States(Tables,
		golden.StateOf(codes, "state", nil, func(c Code) Code { return c }, func(c *Code) Code { return *c }),
		golden.StateOf(secrets, "state", nil, func(s Secret) secretRow { return secretRow{Secret: s} }, func(r *secretRow) Secret { return r.Secret }),
		golden.StateOf(ports, "state", nil, func(p Port) Port { return p }, func(p *Port) Port { return *p }),
		golden.StateOf(claims, "periods", nil, func(b Binding) Claim { return Claim{Periods: b} }, func(c *Claim) Binding { return c.Periods }),
		golden.StateOf(pools, "state", nil, func(p Pool) Pool { return p }, func(p *Pool) Pool { return *p }),
		golden.StateOf(devices, "state", nil, func(d Device) Device { return d }, func(d *Device) Device { return *d }),
		golden.StateOf(invitations, "state", nil, func(i Invitation) Invitation { return i }, func(i *Invitation) Invitation { return *i }),
	)
}

// What agents, devices and invitations show is known again in every release.
func TestGoldenSecrets(t *testing.T) {
	const broken = "Codes, sessions, devices and invitations that were given out are not known any more."
	f, key := golden.Open(t, "secrets"), goldenEngine(memory.New()).keys[0]
	sealed := seal(key, "", "ABCDEFGH", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	f.Line("code", textOf("ABCDEFGH", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")+" "+string(journal.JSON(sealed)), broken)
	f.Line("code of a tenant", string(journal.JSON(seal(key, "acme", "ABCDEFGH", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))), broken)
	f.Line("token of a session", hex.EncodeToString(hashSession("acme", "ABCDEFGH.7.ABCDEFGHIJKLMNOPQRSTUVWXYZ")), broken)
	f.Line("token of a device", hex.EncodeToString(hashDevice("acme", "phone", "token")), broken)
	f.Line("token of an invitation", hex.EncodeToString(hashInvitation("acme", "token")), broken)
	token := f.Once("a session", func() string { return newToken(SessionID{"ABCDEFGH", 7}) })
	if id, ok := parseToken(token); !ok || id != (SessionID{"ABCDEFGH", 7}) {
		t.Errorf("the token of a session that an earlier release has begun is read as %v", id)
	}
	typed := f.Once("a code", func() string { id, rest := newCode(); return textOf(id, rest) })
	if id, rest, ok := parseCode(typed); !ok || textOf(id, rest) != typed {
		t.Errorf("the code %s of an earlier release is read as %s", typed, textOf(id, rest))
	}
}
