package delivery

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var goldenNow = time.Unix(1_800_000_000, 0).UTC()

const goldenAddress Address = "+8613800138000"

func goldenEngine(s storage.Tx) *Engine {
	keys := []secret.Key{{ID: "k1", Secret: []byte("0123456789abcdef0123456789abcdef")}}
	e, err := New(s, keys, &Options{Now: func() time.Time { return goldenNow }})
	if err != nil {
		panic(err)
	}
	return e
}

func TestGoldenCommands(t *testing.T) {
	db := memory.New()
	k := goldenEngine(db).keys[0]
	least := Attempt{Address: goldenAddress, Purpose: "signin", Code: "123456"}
	input := func(c any) any {
		a := c.(Attempt)
		return attempted{a.Purpose, mac(k, db.TenantID(), a.Purpose, a.Address, a.Code)}
	}
	fill := golden.Fill{"Address": "+8613900139000", "Code": "654321"}
	result := func() any {
		return Proof{ID: []byte("0123456789abcdef"), Hash: []byte("hash"), Expires: goldenNow.Add(ClaimTTL)}
	}
	f := golden.Open(t, "commands")
	f.Commands(golden.Engine{
		Store: db, New: func(s storage.Tx) any { return goldenEngine(s) },
		Commands: []golden.Command{
			{
				Kind: "delivery.send", Least: Send{Address: goldenAddress, Purpose: "signin", Template: "signin"},
				Result: func() any { return Sent{Ref: "R", Expires: goldenNow} },
				Input:  func(c any) any { return c },
			},
			{
				Kind: "delivery.tell", Least: Tell{Address: goldenAddress, Template: "unlinked"},
				Result: func() any { return Told{Ref: "R"} }, Input: func(c any) any { return c },
			},
			{Kind: "delivery.check", Method: "Check", Least: least, Untagged: true, Fill: fill, Input: input, Result: result},
			{Kind: "delivery.verify", Method: "Verify", Least: least, Untagged: true, Fill: fill, Input: input, Result: result},
			{Kind: "delivery.admit", Least: Admit{Address: goldenAddress}, Input: func(c any) any { return c }, Result: func() any { return Admitted{Misses: 100} }},
		},
	})
	for name, v := range map[string]any{"result Sent": Sent{}, "result Admitted": Admitted{}, "result Told": Told{}, "result proof": Proof{}, "result Verified": Verified{}, "result Status": Status{}} {
		values := golden.JSON(name, v, nil, "A command that an earlier release has done can't be answered when it comes again, and the journal can't be read.")
		values.Whole = true
		f.Check(values)
	}
}

func TestGoldenStates(t *testing.T) {
	golden.Open(t, "states").States(Tables, golden.StateOf(recipients, "state", nil,
		func(h history) recipient { return recipient{history: h} }, func(r *recipient) history { return r.history }))
}

// What one release has hashed and sealed is found and opened by another.
func TestGoldenSeals(t *testing.T) {
	e, f := goldenEngine(memory.New()), golden.Open(t, "seals")
	k := e.keys[0]
	const lost = "What is kept of an address is not found: codes are wrong, and budgets begin anew."
	for _, tenant := range []string{"", "acme"} {
		in := map[bool]string{true: " in a tenant"}[tenant != ""]
		f.Line("hash of a number"+in, hex.EncodeToString(hash(k, tenant, goldenAddress)), lost)
		f.Line("hash of a mailbox"+in, hex.EncodeToString(hash(k, tenant, "Alice@Example.com")), lost)
		f.Line("hash of an origin"+in, hex.EncodeToString(originOf(k, tenant, "192.0.2.1")), lost)
		f.Line("mac of a code"+in, hex.EncodeToString(mac(k, tenant, "signin", goldenAddress, "123456")), "Codes that people have are wrong.")
	}
	f.Line("subject", subjectOf(hash(k, "", goldenAddress)), lost)
	for _, c := range chargesOf(e, Send{Address: goldenAddress, From: "192.0.2.1"}) {
		f.Line("budget of "+string(c.budget), c.count.Name+" "+c.count.Ends.Format(time.RFC3339), "Budgets begin anew.")
	}
	text := journal.JSON(contents{goldenAddress, "123456"})
	sealed, err := hex.DecodeString(f.Once("contents of a message", func() string { return hex.EncodeToString(k.Seal(text, noteContext("", "REF"))) }))
	if err == nil {
		text, err = e.keys.Open("k1", sealed, noteContext("", "REF"))
	}
	if err != nil {
		t.Errorf("a message that an earlier release has put into the outbox can't be sent: %v", err)
	}
	f.Line("what a message holds", string(text), "Messages that are pending are sent to somebody else, or with other codes.")
	claim := claimed{Hash: hash(k, "", goldenAddress), ID: []byte("0123456789abcdef"), Purpose: "signin", Address: goldenAddress, Expires: goldenNow.Add(ClaimTTL)}
	opened, err := e.open(Claim(f.Once("claim", func() string { return string(e.seal(claim)) })), "signin", goldenNow)
	if err != nil || string(journal.JSON(opened)) != string(journal.JSON(claim)) {
		t.Errorf("a claim that an earlier release has sealed is opened as %+v, with %v", opened, err)
	}
	f.Line("what a claim holds", string(journal.JSON(opened)), "Claims that are on their way are opened as others.")
}

// chargesOf returns the charges of a code and of a wrong one.
func chargesOf(e *Engine, c Send) []charge {
	all, err := e.policy.charges(e.keys[0], "", c, goldenNow)
	if err != nil {
		panic(err)
	}
	mail, err := e.policy.charges(e.keys[0], "", Send{Address: "alice@example.com"}, goldenNow)
	if err != nil {
		panic(err)
	}
	mail[1].budget += " by mail"
	return append(append(all, mail[1]), e.policy.attempt(e.keys[0], "", Attempt{From: c.From}, goldenNow)...)
}

// The journal tells of a message in the same words.
func TestGoldenEntries(t *testing.T) {
	n := note{
		Ref: "REF", Version: 3, State: StateSent, Tries: 1, Channel: message.SMS, Purpose: "signin", Template: "signin", Made: goldenNow,
		Expires: goldenNow.Add(time.Minute), Changed: goldenNow, ID: "vendor-1",
	}
	golden.Open(t, "entries").Line("delivery.deliver", string(journal.JSON(n.ended("delivery.deliver", goldenNow))), "The journal tells otherwise of messages.")
}
