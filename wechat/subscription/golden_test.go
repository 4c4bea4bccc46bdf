package subscription

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
)

func goldenEngine(s storage.Tx) any {
	keys := []secret.Key{{ID: "k1", Secret: []byte("0123456789abcdef0123456789abcdef")}}
	client, err := wechat.New(s, wechat.App{ID: "wx0123456789abcdef", Secret: "secret"}, keys, nil)
	if err != nil {
		panic(err)
	}
	e, err := New(s, client, []Template{{ID: "card-full", Fields: []Field{{Key: "thing1"}}}}, &Options{Now: func() time.Time { return noon }})
	if err != nil {
		panic(err)
	}
	return e
}

const twice = "An event that comes again after an upgrade counts twice, or is refused."

func TestGoldenCommands(t *testing.T) {
	f := golden.Open(t, "commands")
	f.Commands(golden.Engine{
		Store: memory.New(), New: goldenEngine,
		Commands: []golden.Command{{Kind: "subscription.report", Least: Report{OpenID: "oAlice", Template: "card-full"}, Result: func() any { return Result{} }}},
		Without:  []string{"Send"}, // it is known by its row
	})
	f.Check(golden.JSON("result", Result{}, nil, "The journal can't be read."))
	for name, o := range map[string]observation{
		"accept": {Event: "subscribe_msg_popup_event", At: noon, Accepted: true}, "turn off": {Event: "subscribe_msg_change_event", At: noon},
		"sent": {Event: "subscribe_msg_sent_event", At: noon, Message: "17", Code: "0"},
	} {
		f.Line("event of "+name, journal.DerivedKey("event", o)+" "+hex.EncodeToString(journal.Hash("subscription.observe", o)), twice)
	}
	a := answer{Try: "a", ID: "17", Is: taken}
	f.Line("answer", journal.DerivedKey("answer", a.Try)+" "+hex.EncodeToString(journal.Hash("subscription.answer", a)), "An answer that is noted again is refused.")
}

func TestGoldenStates(t *testing.T) {
	golden.Open(t, "states").States(Tables, golden.StateOf(consents, "state", golden.Fill{"kind": accepted}, func(s state) consent { return consent{state: s} },
		func(c *consent) state { return c.state }))
}
