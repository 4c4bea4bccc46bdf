package stamps

import (
	"time"

	"github.com/scrmkit/scrmkit/storage"
)

// A storedState is a State as it is stored with every stamp: by short names, and with times in
// microseconds since 1970.
type storedState struct {
	Seq     int64        `json:"q"`
	Coupons int64        `json:"c,omitempty"`
	Floor   int64        `json:"f,omitempty"`
	Stood   int64        `json:"s,omitempty"`
	First   int64        `json:"a,omitempty"`
	Last    int64        `json:"z,omitempty"`
	Recent  []storedTick `json:"r,omitempty"`
	Done    []storedRun  `json:"d,omitempty"`
	Owed    []int64      `json:"o,omitempty"`
	Bought  int64        `json:"b,omitempty"`
	Paid    []storedPaid `json:"p,omitempty"`
}

type storedTick struct {
	Seq int64 `json:"q"`
	At  int64 `json:"t"`
	N   int64 `json:"n"`
}

type storedRun struct {
	Version int   `json:"v"`
	Size    int64 `json:"n"`
	Rounds  int64 `json:"r"`
	First   int64 `json:"a,omitempty"`
}

type storedPaid struct {
	Before int64 `json:"b"`
	Stamps int64 `json:"n"`
	Units  int64 `json:"u"`
}

// stateColumn is the column of a card's state.
func stateColumn(c *storage.Columns, s *State) {
	var stored storedState
	if !c.Reading() {
		stored = s.stored()
	}
	c.State("state", 1, &stored)
	if c.Reading() {
		*s = stored.state()
	}
}

// micros returns a time that is not 1970's first instant, or 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func (s *State) stored() storedState {
	t := storedState{
		Seq: s.Seq, Coupons: s.Coupons, Floor: s.Floor, Stood: s.Stood, First: micros(s.First), Last: micros(s.Last), Owed: s.Owed, Bought: s.Bought,
	}
	for _, k := range s.Recent {
		t.Recent = append(t.Recent, storedTick{k.Seq, micros(k.At), k.N})
	}
	for _, r := range s.Done {
		t.Done = append(t.Done, storedRun{r.Version, r.Size, r.Rounds, micros(r.First)})
	}
	for _, p := range s.Paid {
		t.Paid = append(t.Paid, storedPaid(p))
	}
	return t
}

func (t *storedState) state() State {
	s := State{
		Seq: t.Seq, Coupons: t.Coupons, Floor: t.Floor, Stood: t.Stood, First: instant(t.First), Last: instant(t.Last), Owed: t.Owed, Bought: t.Bought,
	}
	for _, k := range t.Recent {
		s.Recent = append(s.Recent, Tick{k.Seq, instant(k.At), k.N})
	}
	for _, r := range t.Done {
		s.Done = append(s.Done, Run{r.Version, r.Size, r.Rounds, instant(r.First)})
	}
	for _, p := range t.Paid {
		s.Paid = append(s.Paid, Paid(p))
	}
	return s
}
