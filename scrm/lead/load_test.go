package lead_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A reader notes of which codes jobs were read.
type reader struct {
	lead.Store
	read [][]lead.CodeID
}

func (r *reader) Jobs(ctx context.Context, q lead.JobQuery) iter.Seq2[lead.Job, error] {
	r.read = append(r.read, slices.Compact(slices.Sorted(slices.Values(q.Codes))))
	return r.Store.Jobs(ctx, q)
}

func TestJobsInUseAreReadTogether(t *testing.T) {
	db := memory.New()
	codes := []lead.CodeID{"A", "B", "C", "D"}
	_, c := open(t, db, codes...)
	r := &reader{Store: db.Leads()}
	e := lead.New(r, &lead.Options{Now: c.now})
	n := 0
	meet := func(codes ...lead.CodeID) {
		t.Helper()
		for _, code := range codes {
			n++
			must[lead.Outcome](t)(e.Meet(ctx, met(code, person(fmt.Sprint(n)), inbound(lead.EventID(fmt.Sprint(n)), "x", 0))))
		}
	}
	step := func(want [][]lead.CodeID) {
		t.Helper()
		if diff := gocmp.Diff(want, r.read); diff != "" {
			t.Fatal(diff)
		}
		r.read = nil
	}
	meet(codes...)
	step([][]lead.CodeID{{"A"}, {"B"}, {"C"}, {"D"}})
	c.set(noon.Add(lead.Refresh / 2))
	meet("A", "B", "C")
	step([][]lead.CodeID{{"A", "B", "C", "D"}})
	c.set(noon.Add(lead.Refresh))
	meet("B", "A")
	step([][]lead.CodeID{{"A", "B", "C"}}) // and not D, which nobody asked for since
	meet("C", "D")
	step([][]lead.CodeID{{"D"}})
}
