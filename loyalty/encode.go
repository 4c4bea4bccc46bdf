package loyalty

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// AppendJSON appends what json.Marshal gives. A store writes it with each change.
func (a *Account) AppendJSON(b []byte) []byte {
	t := encoder(b)
	t.open()
	t.time("joined", a.Joined)
	t.timeIf("active", a.Active)
	t.time("at", a.At)
	list(&t, "holdings", a.Holdings, (*encoder).holding)
	list(&t, "tallies", a.Tallies, (*encoder).tally)
	list(&t, "carried", a.Carried, func(t *encoder, c *Carried) {
		t.string("rule", string(c.Rule))
		t.int("n", c.N)
	})
	list(&t, "reached", a.Reached, func(t *encoder, r *Reached) {
		t.string("rule", string(r.Rule))
		t.int("from", r.From)
		t.int("n", r.N)
	})
	t.status("status", a.Status)
	t.timeIf("turns", a.Turns)
	t.stringIf("merged", string(a.Merged))
	t.close()
	return t
}

// AppendJSON appends what json.Marshal gives. A store writes it with each change.
func (k *Booking) AppendJSON(b []byte) []byte {
	t := encoder(b)
	t.open()
	t.time("at", k.At)
	if k.Spent {
		t.key("spent")
		t = append(t, "true"...)
	}
	list(&t, "lines", k.Lines, func(t *encoder, l *BookedLine) {
		t.string("id", l.ID)
		t.int("paid", l.Paid)
		t.int("items", l.Items)
		t.intIf("back", l.Back)
		t.intIf("gone", l.Gone)
	})
	list(&t, "parts", k.Parts, func(t *encoder, p *Portion) {
		t.string("currency", string(p.Currency))
		t.int("n", p.N)
		t.intIf("back", p.Back)
		t.lots("lots", p.Lots)
		t.stringIf("overdraft", string(p.Overdraft))
		if len(p.Shares) > 0 {
			t.key("shares")
			t.numbers(p.Shares)
		}
		t.intIf("whole", p.Whole)
	})
	list(&t, "counts", k.Counts, func(t *encoder, c *Count) {
		t.stringIf("tally", c.Tally)
		t.stringIf("rule", string(c.Rule))
		t.int("n", c.N)
		t.intIf("back", c.Back)
		t.int("part", int64(c.Part))
	})
	t.close()
	return t
}

// json returns what json.Marshal gives.
func (o *Outcome) json() json.RawMessage {
	t := make(encoder, 0, 1024+len(o.Command))
	t.open()
	t.account("account", o.Account)
	if len(o.Command) > 0 {
		t.key("command")
		t = append(t, o.Command...)
	}
	t.int("seq", o.Seq)
	t.time("at", o.At)
	list(&t, "moves", o.Moves, (*encoder).move)
	list(&t, "steps", o.Steps, func(t *encoder, s *Step) {
		t.stringIf("rule", string(s.Rule))
		t.stringIf("currency", string(s.Currency))
		t.intIf("n", s.N)
		t.string("why", string(s.Why))
	})
	if o.Tier != nil {
		t.key("tier")
		t.open()
		t.string("from", string(o.Tier.From))
		t.string("to", string(o.Tier.To))
		t.close()
	}
	t.status("status", o.Status)
	t.stringIf("reason", o.Reason)
	t.stringIf("of", o.Of)
	if o.Peer != nil {
		t.account("peer", *o.Peer)
	}
	t.close()
	return json.RawMessage(t)
}

// An encoder is JSON that is being written, by what encoding/json would write: TestJSON.
type encoder []byte

func (t *encoder) open()  { *t = append(*t, '{') }
func (t *encoder) close() { *t = append(*t, '}') }

// next begins another item.
func (t *encoder) next() {
	if last := (*t)[len(*t)-1]; last != '{' && last != '[' {
		*t = append(*t, ',')
	}
}

func (t *encoder) key(name string) {
	t.next()
	*t = append(append(append(*t, '"'), name...), `":`...)
}

func (t *encoder) int(name string, n int64) {
	t.key(name)
	*t = strconv.AppendInt(*t, n, 10)
}

func (t *encoder) intIf(name string, n int64) {
	if n != 0 {
		t.int(name, n)
	}
}

func (t *encoder) time(name string, at time.Time) {
	t.key(name)
	*t = append(*t, '"')
	b, err := at.AppendText(*t)
	if err != nil {
		*t = append((*t)[:len(*t)-1], journal.JSON(at)...)
		return
	}
	*t = append(b, '"')
}

func (t *encoder) timeIf(name string, at time.Time) {
	if !at.IsZero() {
		t.time(name, at)
	}
}

func (t *encoder) string(name, s string) {
	t.key(name)
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			*t = append(*t, journal.JSON(s)...)
			return
		}
	}
	*t = append(append(append(*t, '"'), s...), '"')
}

func (t *encoder) stringIf(name, s string) {
	if s != "" {
		t.string(name, s)
	}
}

func (t *encoder) numbers(all []int64) {
	*t = append(*t, '[')
	for _, n := range all {
		t.next()
		*t = strconv.AppendInt(*t, n, 10)
	}
	*t = append(*t, ']')
}

// list writes objects, and nothing where there are none.
func list[V any](t *encoder, name string, all []V, write func(*encoder, *V)) {
	if len(all) == 0 {
		return
	}
	t.key(name)
	*t = append(*t, '[')
	for i := range all {
		t.next()
		t.open()
		write(t, &all[i])
		t.close()
	}
	*t = append(*t, ']')
}

func (t *encoder) lot(l *Lot) {
	t.timeIf("from", l.From)
	t.timeIf("to", l.To)
	t.int("n", l.N)
}

// lots writes lots though there be none.
func (t *encoder) lots(name string, lots []Lot) {
	switch {
	case lots == nil:
		t.key(name)
		*t = append(*t, "null"...)
	case len(lots) == 0:
		t.key(name)
		*t = append(*t, "[]"...)
	default:
		list(t, name, lots, (*encoder).lot)
	}
}

func (t *encoder) account(name string, id AccountID) {
	t.key(name)
	t.open()
	t.string("program", string(id.Program))
	t.string("member", string(id.Member))
	t.close()
}

func (t *encoder) status(name string, s Status) {
	if s == (Status{}) {
		return
	}
	t.key(name)
	t.open()
	t.stringIf("level", string(s.Level))
	t.timeIf("since", s.Since)
	t.timeIf("until", s.Until)
	t.stringIf("hand", string(s.Hand))
	t.close()
}

func (t *encoder) totals(name string, o Totals) {
	t.key(name)
	t.open()
	t.intIf("issued", o.Issued)
	t.intIf("redeemed", o.Redeemed)
	t.intIf("expired", o.Expired)
	t.intIf("revoked", o.Revoked)
	t.intIf("received", o.Received)
	t.intIf("sent", o.Sent)
	t.close()
}

func (t *encoder) holding(h *Holding) {
	t.string("currency", string(h.Currency))
	if w := &h.Wallet; !w.At.IsZero() || w.Lots != nil || w.Holds != nil || w.Debt != 0 || w.Ended != nil {
		t.key("wallet")
		t.open()
		t.timeIf("at", w.At)
		list(t, "lots", w.Lots, (*encoder).lot)
		list(t, "holds", w.Holds, func(t *encoder, h *Hold) {
			t.string("name", h.Name)
			t.time("until", h.Until)
			t.lots("lots", h.Lots)
		})
		t.intIf("debt", w.Debt)
		list(t, "ended", w.Ended, (*encoder).lot)
		t.close()
	}
	if h.Totals != (Totals{}) {
		t.totals("totals", h.Totals)
	}
}

// json returns what json.Marshal gives.
func (l link) json() json.RawMessage {
	t := make(encoder, 0, 96)
	t.open()
	t.int("seq", l.Seq)
	t.key("hash")
	t = append(base64.StdEncoding.AppendEncode(append(t, '"'), l.Hash), '"')
	t.close()
	return json.RawMessage(t)
}

func (t *encoder) tally(n *NamedTally) {
	t.string("name", n.Name)
	t.key("tally")
	*t = n.Tally.append(*t)
}

func (t *encoder) move(m *Move) {
	t.string("currency", string(m.Currency))
	t.time("at", m.At)
	list(t, "credited", m.Credited, (*encoder).lot)
	list(t, "taken", m.Taken, (*encoder).lot)
	list(t, "held", m.Held, (*encoder).lot)
	list(t, "lapsed", m.Lapsed, (*encoder).lot)
	t.intIf("repaid", m.Repaid)
	t.intIf("owed", m.Owed)
	t.intIf("forgone", m.Forgone)
	t.key("balance")
	t.open()
	t.int("available", m.Balance.Available)
	t.int("pending", m.Balance.Pending)
	t.int("held", m.Balance.Held)
	t.int("debt", m.Balance.Debt)
	t.int("lapsed", m.Balance.Lapsed)
	t.close()
	t.totals("totals", m.Totals)
}
