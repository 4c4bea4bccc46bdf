package lead_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage/memory"

	"github.com/scrmkit/scrmkit/storage"
)

// A reader notes of which codes jobs were read.
type reader struct {
	storage.Tx
	read   [][]ids.Code
	during func() error // nil: nothing
}

func (r *reader) Load(ctx context.Context, looks []storage.Look) error {
	var codes []ids.Code
	for _, l := range looks {
		for _, read := range l.Reads {
			if read.Table.Name == "lead_job" {
				codes = append(codes, ids.Code(read.Query.Prefix[0].Text))
			}
		}
	}
	if codes != nil {
		r.read = append(r.read, codes)
		if r.during != nil {
			if err := r.during(); err != nil {
				return err
			}
		}
	}
	return r.Tx.Load(ctx, looks)
}

func TestJobsInUseAreReadTogether(t *testing.T) {
	db := memory.New()
	codes := []ids.Code{"A", "B", "C", "D"}
	_, c := open(t, db, codes...)
	r := &reader{Tx: db}
	e := lead.New(r, &lead.Options{Now: c.now})
	n := 0
	observe := func(codes ...ids.Code) {
		t.Helper()
		for _, code := range codes {
			n++
			must[lead.Outcome](t)(e.Observe(ctx, met(code, person(fmt.Sprint(n)), inbound(lead.EventID(fmt.Sprint(n)), "x", 0))))
		}
	}
	step := func(want [][]ids.Code) {
		t.Helper()
		if diff := gocmp.Diff(want, r.read); diff != "" {
			t.Fatal(diff)
		}
		r.read = nil
	}
	observe(codes...)
	step([][]ids.Code{{"A"}, {"B"}, {"C"}, {"D"}})
	c.set(noon.Add(lead.Refresh / 2))
	observe("A", "B", "C")
	step([][]ids.Code{{"A", "B", "C", "D"}})
	c.set(noon.Add(lead.Refresh))
	observe("B", "A")
	step([][]ids.Code{{"A", "B", "C"}}) // and not D, which nobody asked for since
	observe("C", "D")
	step([][]ids.Code{{"D"}})

	// Those that are read along may be used meanwhile, and where the reading fails.
	failed := errors.New("the database is gone")
	c.set(noon.Add(lead.Refresh * 3 / 2))
	r.during = func() error {
		observe("B", "C")
		return failed
	}
	if _, err := e.Observe(ctx, met("A", person("a"), inbound("a", "x", 0))); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	r.during = nil
	observe("B", "C")
	step([][]ids.Code{{"A", "B", "C", "D"}})
	c.set(noon.Add(lead.Refresh * 2))
	observe("A", "B", "C")
	step([][]ids.Code{{"A"}, {"B"}, {"C"}})
}
