package loyalty

import (
	"encoding/base64"
	"encoding/json"

	"github.com/scrmkit/scrmkit/internal/encode"
)

// AppendJSON appends what json.Marshal gives. It is written with each change.
func (a *Account) AppendJSON(b []byte) []byte {
	t := encode.JSON(b)
	t.Open()
	t.Time("joined", a.Joined)
	t.TimeIf("active", a.Active)
	t.Time("at", a.At)
	encode.Objects(&t, "holdings", a.Holdings, writeHolding)
	encode.Objects(&t, "tallies", a.Tallies, writeTally)
	encode.Objects(&t, "carried", a.Carried, func(t *encode.JSON, c *Carried) {
		t.String("rule", string(c.Rule))
		t.Int("n", c.N)
	})
	encode.Objects(&t, "reached", a.Reached, func(t *encode.JSON, r *Reached) {
		t.String("rule", string(r.Rule))
		t.Int("from", r.From)
		t.Int("n", r.N)
		encode.Objects(t, "raised", r.Raised, func(t *encode.JSON, r *Raise) {
			t.Int("day", r.Day)
			t.Int("n", r.N)
			encode.Objects(t, "lots", r.Lots, writeLot)
		})
	})
	encode.Objects(&t, "gifts", a.Gifts, func(t *encode.JSON, g *Gifted) {
		t.String("level", string(g.Level))
		t.IntIf("n", g.N)
		t.IntIf("due", g.Due)
		encode.Objects(t, "given", g.Given, func(t *encode.JSON, g *Given) {
			t.Time("at", g.At)
			t.String("currency", string(g.Currency))
			writeLots(t, "lots", g.Lots)
		})
	})
	writeStatus(&t, "status", a.Status)
	encode.Objects(&t, "past", a.Past, func(t *encode.JSON, p *Past) {
		t.Time("at", p.At)
		writeStatus(t, "status", p.Status)
		t.StringIf("given", string(p.Given))
		t.TimeIf("until", p.Until)
	})
	t.TimeIf("turns", a.Turns)
	t.StringIf("merged", string(a.Merged))
	t.Close()
	return t
}

// AppendJSON appends what json.Marshal gives. It is written with each change.
func (k *Booking) AppendJSON(b []byte) []byte {
	t := encode.JSON(b)
	t.Open()
	t.Time("at", k.At)
	t.True("spent", k.Spent)
	encode.Objects(&t, "lines", k.Lines, func(t *encode.JSON, l *BookedLine) {
		t.String("id", l.ID)
		t.True("item", l.Item)
		t.Int("paid", l.Paid)
		t.Int("items", l.Items)
		t.IntIf("back", l.Back)
		t.IntIf("gone", l.Gone)
	})
	encode.Objects(&t, "parts", k.Parts, func(t *encode.JSON, p *Portion) {
		t.String("currency", string(p.Currency))
		t.Int("n", p.N)
		t.IntIf("back", p.Back)
		writeLots(t, "lots", p.Lots)
		t.StringIf("overdraft", string(p.Overdraft))
		if len(p.Shares) > 0 {
			t.Ints("shares", p.Shares)
		}
		t.IntIf("whole", p.Whole)
		t.IntIf("more", p.More)
		t.StringIf("rule", string(p.Rule))
	})
	encode.Objects(&t, "counts", k.Counts, func(t *encode.JSON, c *Count) {
		t.String("tally", c.Tally)
		t.Int("n", c.N)
		t.IntIf("back", c.Back)
		t.Int("part", int64(c.Part))
		if len(c.Shares) > 0 {
			t.Ints("shares", c.Shares)
		}
		t.True("items", c.Items)
	})
	encode.Objects(&t, "uses", k.Uses, func(t *encode.JSON, u *Use) {
		t.StringIf("rule", string(u.Rule))
		t.String("of", string(u.Of))
		t.IntIf("n", u.N)
		t.IntIf("over", u.Over)
		t.IntIf("blocks", u.Blocks)
		t.IntIf("amount", u.Amount)
		t.IntIf("units", u.Units)
		t.IntIf("each", u.Each)
		t.Int("part", int64(u.Part))
		if len(u.Shares) > 0 {
			t.Ints("shares", u.Shares)
		}
		t.IntIf("whole", u.Whole)
		t.IntIf("back", u.Back)
		t.IntIf("overBack", u.OverBack)
		t.IntIf("undone", u.Undone)
		t.IntIf("more", u.More)
		t.IntIf("spare", u.Spare)
	})
	t.Close()
	return t
}

// json returns what json.Marshal gives.
func (o *Outcome) json() json.RawMessage {
	t := make(encode.JSON, 0, 1024+len(o.Command))
	t.Open()
	writeAccount(&t, "account", o.Account)
	if len(o.Command) > 0 {
		t.Raw("command", o.Command)
	}
	t.Int("seq", o.Seq)
	t.Time("at", o.At)
	encode.Objects(&t, "moves", o.Moves, writeMove)
	encode.Objects(&t, "steps", o.Steps, func(t *encode.JSON, s *Step) {
		t.StringIf("rule", string(s.Rule))
		t.StringIf("level", string(s.Level))
		t.StringIf("currency", string(s.Currency))
		t.IntIf("n", s.N)
		t.String("why", string(s.Why))
	})
	if o.Tier != nil {
		t.Key("tier")
		t.Open()
		t.String("from", string(o.Tier.From))
		t.String("to", string(o.Tier.To))
		t.Close()
	}
	writeStatus(&t, "status", o.Status)
	t.StringIf("reason", o.Reason)
	t.StringIf("of", o.Of)
	if o.Peer != nil {
		writeAccount(&t, "peer", *o.Peer)
	}
	t.Close()
	return json.RawMessage(t)
}

func writeLot(t *encode.JSON, l *Lot) {
	t.TimeIf("from", l.From)
	t.TimeIf("to", l.To)
	t.Int("n", l.N)
	t.TimeIf("since", l.Since)
}

// lots writes lots though there be none.
func writeLots(t *encode.JSON, name string, lots []Lot) {
	switch {
	case lots == nil:
		t.Raw(name, []byte("null"))
	case len(lots) == 0:
		t.Raw(name, []byte("[]"))
	default:
		encode.Objects(t, name, lots, writeLot)
	}
}

func writeAccount(t *encode.JSON, name string, id AccountID) {
	t.Key(name)
	t.Open()
	t.String("program", string(id.Program))
	t.String("member", string(id.Member))
	t.Close()
}

func writeStatus(t *encode.JSON, name string, s Status) {
	if s == (Status{}) {
		return
	}
	t.Key(name)
	t.Open()
	t.StringIf("level", string(s.Level))
	t.TimeIf("since", s.Since)
	t.TimeIf("until", s.Until)
	t.StringIf("hand", string(s.Hand))
	t.Close()
}

func writeTotals(t *encode.JSON, name string, o Totals) {
	t.Key(name)
	t.Open()
	t.IntIf("issued", o.Issued)
	t.IntIf("redeemed", o.Redeemed)
	t.IntIf("expired", o.Expired)
	t.IntIf("revoked", o.Revoked)
	t.IntIf("received", o.Received)
	t.IntIf("sent", o.Sent)
	t.Close()
}

func writeHolding(t *encode.JSON, h *Holding) {
	t.String("currency", string(h.Currency))
	if w := &h.Wallet; !w.At.IsZero() || w.Lots != nil || w.Holds != nil || w.Debt != 0 || w.Ended != nil {
		t.Key("wallet")
		t.Open()
		t.TimeIf("at", w.At)
		encode.Objects(t, "lots", w.Lots, writeLot)
		encode.Objects(t, "holds", w.Holds, func(t *encode.JSON, h *Hold) {
			t.String("name", h.Name)
			t.Time("until", h.Until)
			writeLots(t, "lots", h.Lots)
			t.StringIf("member", string(h.Member))
			t.StringIf("as", h.As)
		})
		t.IntIf("debt", w.Debt)
		encode.Objects(t, "ended", w.Ended, writeLot)
		t.Close()
	}
	if h.Totals != (Totals{}) {
		writeTotals(t, "totals", h.Totals)
	}
}

// json returns what json.Marshal gives.
func (l link) json() json.RawMessage {
	t := make(encode.JSON, 0, 384)
	t.Open()
	t.IntIf("seq", l.Seq)
	if len(l.Hash) > 0 {
		writeBytes(&t, "hash", l.Hash)
	}
	writeBytes(&t, "state", l.State)
	if b := l.Booking; b != nil {
		t.Key("booking")
		t.Open()
		t.String("member", string(b.Member))
		t.String("key", b.Key)
		writeBytes(&t, "hash", b.Hash)
		t.Close()
	}
	t.Key("terms")
	t.Open()
	t.Int("version", int64(l.Terms.Version))
	writeBytes(&t, "hash", l.Terms.Hash)
	t.Close()
	t.Close()
	return json.RawMessage(t)
}

func writeBytes(t *encode.JSON, name string, b []byte) {
	t.Key(name)
	*t = append(base64.StdEncoding.AppendEncode(append(*t, '"'), b), '"')
}

func writeTally(t *encode.JSON, n *NamedTally) {
	t.String("name", n.Name)
	t.Key("tally")
	*t = n.Tally.append(*t)
}

func writeMove(t *encode.JSON, m *Move) {
	t.String("currency", string(m.Currency))
	t.Time("at", m.At)
	encode.Objects(t, "credited", m.Credited, writeLot)
	encode.Objects(t, "taken", m.Taken, writeLot)
	encode.Objects(t, "held", m.Held, writeLot)
	encode.Objects(t, "lapsed", m.Lapsed, writeLot)
	encode.Objects(t, "begun", m.Begun, writeLot)
	t.IntIf("repaid", m.Repaid)
	t.IntIf("owed", m.Owed)
	t.IntIf("forgone", m.Forgone)
	t.Key("balance")
	t.Open()
	t.Int("available", m.Balance.Available)
	t.Int("pending", m.Balance.Pending)
	t.Int("held", m.Balance.Held)
	t.Int("debt", m.Balance.Debt)
	t.Int("lapsed", m.Balance.Lapsed)
	t.Close()
	writeTotals(t, "totals", m.Totals)
}
