package customer

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var goldenNow = time.Unix(1_800_000_000, 0).UTC()

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
	e := goldenEngine(db)
	err := e.Publish(t.Context(), Fields{1, []Field{{Name: "shoe", Type: Number}}})
	if err != nil {
		t.Fatal(err)
	}
	private := func(clear, v any) any { return []any{clear, e.ring[0].digest("", journal.Instants(v))} }
	kept := func() any { return Result{Member: "alice", Version: 2} }
	consent := Consent{Purpose: "marketing", Kind: Plain, Version: "3", Way: "paper", Time: goldenNow}
	golden.Open(t, "commands").Commands(golden.Engine{
		Store: db, New: func(s storage.Tx) any { return goldenEngine(s) },
		Commands: []golden.Command{
			{
				Kind: "customer.link", Least: Link{Member: "alice", Identity: Identity{"line", "", "a"}, Way: "line"}, Untagged: true, Result: kept,
				Input: func(c any) any { l := c.(Link); return private([]any{l.Member, l.Way, l.Replace, l.By}, l.Identity) },
			},
			{
				Kind: "customer.unlink", Least: Unlink{Member: "alice", Identity: Identity{OpenID, "wx1", "o1"}}, Untagged: true, Result: kept,
				Input: func(c any) any { u := c.(Unlink); return private([]any{u.Member, u.By}, u.Identity) },
			},
			{
				Kind: "customer.putProfile", Least: PutProfile{Member: "alice"}, Untagged: true, Result: kept, Fill: golden.Fill{
					"Profile.birthday": Date{1990, 5, 1}, "Profile.gender": Female, "Profile.country": "CN", "Profile.address.country": "CN",
					"Profile.custom": map[string]string{"shoe": "42"},
				},
				Input: func(c any) any { p := c.(PutProfile); return private([]any{p.Member, p.Version, p.By}, p.Profile) },
			},
			{
				Kind: "customer.import", Least: Import{Member: "carol", Identities: []Linked{{Identity: Identity{"line", "", "c"}}}}, Untagged: true,
				Result: func() any { return Result{Member: "carol", Version: 1} }, Fill: golden.Fill{
					"Profile.birthday": Date{1990, 5, 1}, "Profile.gender": Female, "Profile.country": "CN", "Profile.address.country": "CN",
					"Profile.custom": map[string]string{"shoe": "42"}, "Preferences.language": "zh-Hans", "Preferences.quiet.zone": "Asia/Shanghai",
				},
				Input: func(c any) any {
					x := c.(Import)
					return private([]any{x.Member, x.Created, x.Preferences, x.By}, []any{x.Identities, x.Profile})
				},
			},
			{Kind: "customer.putPreferences", Least: PutPreferences{Member: "alice"}, Result: kept, Fill: golden.Fill{
				"preferences.language": "zh-Hans", "preferences.quiet.zone": "Asia/Shanghai",
			}},
			{Kind: "customer.recordConsent", Least: RecordConsent{Member: "alice", Consent: consent}, Result: kept, Apart: true, Fill: golden.Fill{
				"consent.hash": strings.Repeat("a1", 32),
			}},
			{Kind: "customer.scheduleErasure", Least: ScheduleErasure{Member: "alice"}, Result: kept},
			{Kind: "customer.erase", Least: Erase{Member: "alice"}, Result: kept},
		},
		Results: []golden.Result{{Name: "outcome", Of: Outcome{}}, {Name: "result", Of: Result{}}},
	})
}

func TestGoldenStates(t *testing.T) {
	golden.Open(t, "states").States(Tables,
		golden.StateOf(customers, "state", nil, func(s state) record { return record{State: s} }, func(r *record) state { return r.State }),
		golden.StateOf(consents, "consent", nil, func(c Consent) word { return word{Consent: c} }, func(w *word) Consent { return w.Consent }),
		golden.Definitions(fieldVersions.Table(), nil, Fields{}),
	)
}

// What one release has sealed, and finds customers by, is good in another.
func TestGoldenSeals(t *testing.T) {
	e, f := goldenEngine(memory.New()), golden.Open(t, "seals")
	k := e.ring[0]
	i := Identity{OpenID, "wx1", "o1"}
	f.Line("place of an identity", hex.EncodeToString(k.place("", i)), "Customers are taken for new ones.")
	f.Line("place of an identity in a tenant", hex.EncodeToString(k.place("acme", i)), "Customers are taken for new ones.")
	for _, v := range []struct {
		name, context string
		of, into      any
	}{
		{"profile", e.sealedIn("profile", "alice", ""), Profile{
			Nickname: "a", Given: "b", Family: "c", Gender: Female, Birthday: Date{1990, 5, 1}, Country: "CN", Avatar: "d",
			Address: Address{[]string{"1"}, "2", "3", "4", "CN"}, Custom: map[string]string{"shoe": "42"},
		}, new(Profile)},
		{"id of an identity", e.sealedIn("identity", "alice", string(k.place("", i))), "o1", new(string)},
		{"former identity", e.sealedIn("former", "alice", ""), i, new(Identity)},
	} {
		text := string(journal.JSON(v.of))
		f.Line(v.name, text, "Personal data that was stored can't be read.")
		sealed, err := hex.DecodeString(f.Once(v.name+", sealed", func() string { return hex.EncodeToString(k.seal([]byte(text), v.context)) }))
		if err == nil {
			err = e.ring.open("k1", sealed, v.context, v.into)
		}
		if got, _ := json.Marshal(v.into); err != nil || string(got) != text {
			t.Errorf("%s, as an earlier release has sealed it: %s, %v", v.name, got, err)
		}
	}
}
