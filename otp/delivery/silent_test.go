package delivery_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func memoryDB() *memory.DB { return memory.New() }

func keysOf(ids ...string) (keys []secret.Key) {
	for _, id := range ids {
		keys = append(keys, key(id))
	}
	return keys
}

// watched is a database that notes what it is asked for: how many looks of how many reads, and the
// table, the verb and the number of bytes of each column of what is saved. The state of a
// recipient, a JSON of any length, is left out.
type watched struct {
	storage.DB
	calls []string
}

func (w *watched) Load(ctx context.Context, looks []storage.Look) error {
	for _, l := range looks {
		w.calls = append(w.calls, fmt.Sprintf("look %d %v", len(l.Reads), l.Key != ""))
		for _, r := range l.Reads {
			w.calls = append(w.calls, fmt.Sprint("read ", r.Table.Name, r.Kind))
		}
	}
	return w.DB.Load(ctx, looks)
}

func (w *watched) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	for _, c := range changes {
		w.calls = append(w.calls, fmt.Sprintf("change of %d entries", len(c.Entries)))
		for _, r := range c.Rows {
			values, err := r.Values(nil)
			if err != nil {
				return nil, err
			}
			sizes := make([]int, len(values))
			for i, v := range values {
				if v.Kind != storage.KindJSON && r.Table.Columns[i].Name != "state" {
					sizes[i] = len(v.Text) + len(v.Bytes)
				}
			}
			w.calls = append(w.calls, fmt.Sprint(r.Table.Name, r.Verb, sizes))
		}
	}
	return w.DB.Save(ctx, changes)
}

// Whoever asks for codes and types some has the same answers, errors and work for an address that
// the service knows and for one that it does not, whatever they do; and nothing is sent to the
// latter.
func TestSilentIsTheSame(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		type run struct {
			answers, calls []string
			sent           int
		}
		do := func(name string, silent bool) run {
			w := &watched{DB: db.Tenant(name)}
			b := openWith(t, w, delivery.Policy{Address: delivery.Quota{N: 9, Window: 24 * time.Hour}})
			var r run
			answer := func(v any, err error) { r.answers = append(r.answers, fmt.Sprintf("%+v %v", v, err)) }
			for i := range 14 {
				s, err := b.engine.Send(ctx, delivery.Send{
					Address: alice, Purpose: delivery.Purpose(fmt.Sprint("p", i%2)), Template: "code", From: "192.0.2.1", Silent: silent, Key: b.fresh(),
				})
				if len(s.Ref) != 26 && err == nil {
					t.Error(s.Ref)
				}
				s.Ref = ""
				answer(s, err)
				for _, code := range []string{"000000", "１１１１１１", "2222"} {
					a := b.attempt(alice, delivery.Purpose(fmt.Sprint("p", i%2)), code)
					a.From = "192.0.2.1"
					v, err := b.engine.Verify(ctx, a)
					answer(v, err)
					c, err := b.engine.Check(ctx, a)
					answer(c, err)
				}
				b.wait(time.Duration(i) * 90 * time.Second)
			}
			r.calls = w.calls
			b.wait(24 * time.Hour)
			if _, err := b.engine.Send(ctx, delivery.Send{Address: alice, Purpose: "signin", Template: "code", Silent: silent, Key: "last"}); err != nil {
				t.Error(err)
			}
			r.sent = b.deliver()
			return r
		}
		known, unknown := do("known", false), do("unknown", true)
		if !reflect.DeepEqual(known.answers, unknown.answers) {
			t.Errorf("the answers differ:\n%s\n\n%s", strings.Join(known.answers, "\n"), strings.Join(unknown.answers, "\n"))
		}
		if !reflect.DeepEqual(known.calls, unknown.calls) {
			t.Errorf("the work differs:\n%s\n\n%s", strings.Join(known.calls, "\n"), strings.Join(unknown.calls, "\n"))
		}
		if known.sent != 1 || unknown.sent != 0 {
			t.Errorf("%d messages were sent to a known address, %d to an unknown one", known.sent, unknown.sent)
		}
	})
}

// No code is right for an address that the service does not know, and no message to it can be sent
// or is told of as one that was.
func TestSilentIsNeverSent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db.Tenant("silent"))
		s, err := b.engine.Send(ctx, delivery.Send{Address: alice, Purpose: "signin", Template: "code", Silent: true, Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.engine.Receive(ctx, message.Receipt{Ref: s.Ref, Delivered: true}); err != nil {
			t.Error(err)
		}
		for range 20 {
			b.deliver()
			b.wait(30 * time.Second)
		}
		if b.state(s.Ref) != delivery.StateSilent || b.post.messages() != 0 {
			t.Error(b.state(s.Ref), b.post.messages())
		}
		again, err := b.engine.Send(ctx, delivery.Send{Address: alice, Purpose: "signin", Template: "code", Key: "later"})
		if err != nil || b.deliver() != 1 || b.verify(alice, "signin", b.post.code(again.Ref)) != nil {
			t.Error("an address that the service knows by now:", err)
		}
	})
}

// Neither an address nor a code stands in an error, a key, the journal, a hook, an answer, a
// message's status or, but for what is sealed, a row; and what is sealed is gone once it was handed
// over.
func TestNothingIsSaidOfAddressesAndCodes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		scan := &scanned{DB: db.Tenant("scan")}
		b := open(t, scan)
		e, err := delivery.New(scan, keysOf("a"), &delivery.Options{Now: b.clock, Hook: func(ctx context.Context, op *storage.Op) (context.Context, func(error)) {
			return ctx, func(err error) { scan.said = append(scan.said, fmt.Sprintf("%+v %v", *op, err)) }
		}})
		if err != nil {
			t.Fatal(err)
		}
		b.engine = e
		say := func(v any, err error) { scan.said = append(scan.said, fmt.Sprintf("%+v %v", v, err)) }
		secrets := []string{"13800138000", "alice@example", "192.0.2.1"}
		b.post.answer = func(m message.Message) (string, error) {
			return m.To, &message.Error{Vendor: m.To, Code: m.Vars[0].Value, Kind: message.ErrUnavailable}
		}
		for _, a := range []delivery.Address{alice, mail, "13800138000", "alice@example"} {
			sent, err := b.engine.Send(ctx, delivery.Send{Address: a, Purpose: "signin", Template: "code", From: "192.0.2.1", Key: b.fresh()})
			say(sent, err)
			if err != nil {
				continue
			}
			say(b.engine.Deliver(ctx, b.post))
			code := b.post.code(sent.Ref)
			secrets = append(secrets, code)
			say(b.engine.Send(ctx, delivery.Send{Address: a, Purpose: "signin", Template: "code", From: "192.0.2.1", Key: b.fresh()}))
			say(b.engine.Verify(ctx, delivery.Attempt{Address: a, Purpose: "signin", Code: wrong(code), From: "192.0.2.1", Key: b.fresh()}))
			checked, err := b.engine.Check(ctx, b.attempt(a, "signin", code))
			say(checked, err)
			v, err := b.engine.Spend(ctx, "signin", checked.Claim)
			say(v.Purpose, err)
			say(b.engine.Admit(ctx, delivery.Admit{Address: a, Key: b.fresh()}))
			say(b.engine.Status(ctx, sent.Ref))
			b.wait(3 * time.Second)
			say(b.engine.Deliver(ctx, b.post))
			say(b.engine.Status(ctx, sent.Ref))
		}
		for r, err := range b.db.Journal().After(ctx, "", 0) {
			say(string(journal.JSON(r)), err)
		}
		for _, said := range scan.said {
			for _, s := range secrets {
				// A code may stand in a hash or a time by chance: six digits alone are one.
				if i := strings.Index(said, s); i >= 0 && (len(s) > 6 || alone(said, i, 6)) {
					t.Errorf("%q is in %s", s, said)
				}
			}
		}
		if len(scan.sealed) == 0 || scan.sealed[len(scan.sealed)-1] {
			t.Error("what is sealed is not deleted")
		}
	})
}

// alone reports whether the n bytes from i on are neither before nor after a letter, a digit or a
// dot.
func alone(s string, i, n int) bool {
	part := func(b byte) bool {
		return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || strings.IndexByte(".+/=-", b) >= 0
	}
	return (i == 0 || !part(s[i-1])) && (i+n == len(s) || !part(s[i+n]))
}

// scanned is a database that notes the values of what is saved, but for what is sealed.
type scanned struct {
	storage.DB
	said   []string
	sealed []bool // whether a message that was saved has sealed contents
}

func (s *scanned) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	for _, c := range changes {
		for _, r := range c.Rows {
			values, err := r.Values(nil)
			if err != nil {
				return nil, err
			}
			for i, v := range values {
				switch {
				case r.Table.Columns[i].Name == "sealed":
					s.sealed = append(s.sealed, len(v.Bytes) > 0)
				case v.Kind == storage.KindText || v.Kind == storage.KindJSON:
					s.said = append(s.said, r.Table.Name+" "+v.Text+string(v.Bytes))
				}
			}
		}
	}
	return s.DB.Save(ctx, changes)
}
