package lead

import (
	"context"
	"slices"

	"github.com/scrmkit/scrmkit/internal/combine"
)

// loads is combine.Work for the jobs that events need: those that are asked for while others are read share the next reading.
type loads struct{ *Engine }

func (loads) Subject(id JobID) string { return string(id.Code) }

func (e loads) Load(ctx context.Context, groups [][]JobID, _ bool) ([][]Job, error) {
	units, index := make([][]Job, len(groups)), make(map[CodeID]int, len(groups))
	codes := make([]CodeID, len(groups))
	for i, ids := range groups {
		codes[i] = ids[0].Code
		index[codes[i]] = i
	}
	for j, err := range e.store.Jobs(ctx, JobQuery{Codes: codes}) {
		if err != nil {
			return nil, err
		}
		i := index[j.ID.Code]
		units[i] = append(units[i], j)
	}
	return units, nil
}

func (e loads) Decide(_ context.Context, jobs []Job, id JobID) (*Job, error) {
	i := slices.IndexFunc(jobs, func(j Job) bool { return j.ID == id })
	if i < 0 {
		return nil, ErrUnknownJob
	}
	j := jobs[i]
	for i := range j.Terms {
		t := &j.Terms[i]
		if z, ok := e.shared.zones.Get(t.Zone); ok {
			t.zone = z
		} else if err := t.locate(); err != nil {
			return nil, err
		}
		e.shared.zones.Add(t.Zone, t.zone)
	}
	return &j, nil
}

func (loads) Stale([]Job) bool { return false }

func (loads) Dirty([]Job) bool { return false }

func (loads) Save(context.Context, [][]Job) ([]error, error) { return nil, nil }

var _ combine.Work[JobID, []Job, *Job] = loads{}
