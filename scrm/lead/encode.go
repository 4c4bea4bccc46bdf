package lead

import "github.com/scrmkit/scrmkit/internal/encode"

// AppendJSON appends what json.Marshal gives. It is written with each change.
func (l *Lead) AppendJSON(b []byte) []byte {
	t := encode.JSON(b)
	writeLead(&t, l)
	return t
}

// json returns what json.Marshal gives.
func (o *Outcome) json() []byte {
	t := make(encode.JSON, 0, 512)
	t.Open()
	t.String("verdict", string(o.Verdict))
	encode.Strings(&t, "reasons", o.Reasons)
	t.Key("lead")
	if o.Lead != nil {
		writeLead(&t, o.Lead)
	} else {
		t = append(t, "null"...)
	}
	if o.Of != nil {
		t.Key("of")
		writeLead(&t, o.Of)
	}
	encode.Objects(&t, "turned", o.Turned, func(t *encode.JSON, u *VerdictChange) {
		t.Int("n", u.N)
		writeJob(t, u.Job)
		t.String("from", string(u.From))
		t.String("to", string(u.To))
	})
	t.Close()
	return t
}

func writeLead(t *encode.JSON, l *Lead) {
	t.Open()
	t.Int("n", l.N)
	writeJob(t, l.Job)
	t.Key("event")
	writeEvent(t, &l.Event)
	if b := &l.Basis; b.Owner != "" || b.Group != "" || !b.Scope.zero() || b.Linked != nil || b.Library || b.Reasons != nil {
		t.Key("basis")
		writeBasis(t, b)
	}
	t.Time("day", l.Day)
	t.String("verdict", string(l.Verdict))
	encode.Strings(t, "reasons", l.Reasons)
	t.IntIf("of", l.Of)
	t.String("within", string(l.Within))
	t.Close()
}

func writeJob(t *encode.JSON, id JobID) {
	t.Key("job")
	t.Open()
	t.String("code", string(id.Code))
	t.String("platform", string(id.Platform))
	t.Close()
}

func writeEvent(t *encode.JSON, e *Event) {
	t.Open()
	t.String("id", string(e.ID))
	t.String("account", string(e.Account))
	t.Time("at", e.At)
	t.String("kind", string(e.Kind))
	t.True("unknown", e.Unknown)
	t.True("backfill", e.Backfill)
	t.Close()
}

func writeBasis(t *encode.JSON, b *Basis) {
	t.Open()
	t.StringIf("owner", string(b.Owner))
	t.StringIf("group", string(b.Group))
	if s := &b.Scope; !s.zero() {
		t.Key("scope")
		t.Open()
		t.StringIf("reach", string(s.Reach))
		encode.StringsIf(t, "codes", s.Codes)
		t.True("library", s.Library)
		t.IntIf("days", int64(s.Days))
		t.Close()
	}
	encode.StringsIf(t, "linked", b.Linked)
	t.True("library", b.Library)
	encode.StringsIf(t, "reasons", b.Reasons)
	t.Close()
}

func (s *Scope) zero() bool { return s.Reach == "" && s.Codes == nil && !s.Library && s.Days == 0 }
