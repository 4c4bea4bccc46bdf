package lead

import (
	"context"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/combine"
)

// loads is combine.Work for the jobs that events need: those that are asked for while others are
// read share the next reading, and it takes along those in use whose turn comes soon.
type loads struct{ *Engine }

func (loads) Subject(id JobID) string { return string(id.Code) }

func (e loads) Load(ctx context.Context, groups [][]JobID, _ bool) ([][]Job, error) {
	now := e.frame.Now()
	units, index := make([][]Job, len(groups)), make(map[ids.Code]int, len(groups))
	codes := make([]ids.Code, len(groups))
	for i, jobs := range groups {
		codes[i] = jobs[0].Code
		index[codes[i]] = i
	}
	if !e.frame.Bound {
		codes = append(codes, e.shared.due(e.frame.Tenant(), now, ahead)...)
	}
	for j, err := range (JobQuery{Codes: codes}).list(ctx, e.frame.Store) {
		if err != nil {
			return nil, err
		}
		e.shared.locate(j.Terms)
		r := &read[Job]{v: j, at: now}
		if i, asked := index[j.ID.Code]; asked {
			units[i] = append(units[i], j)
			r.used.Store(true)
		}
		if !e.frame.Bound {
			e.shared.jobs.Add(e.frame.Tenant(), j.ID, r)
		}
	}
	return units, nil
}

// ahead is how many jobs a reading takes along at most.
const ahead = 64

// due returns the codes of jobs of a tenant that were read longest ago and used since, of the next n in turn.
// It forgets those that nobody used, or may use any more; the others may be used while they are
// read again.
func (s *shared) due(of string, now time.Time, n int) (codes []ids.Code) {
	for range n {
		id, r, ok := s.jobs.Oldest()
		if !ok || now.Sub(r.at).Abs() < Refresh/4 {
			break
		}
		if !r.used.Load() || now.Sub(r.at).Abs() >= Refresh {
			s.jobs.Remove(id.Tenant, id.ID)
			continue
		}
		s.jobs.Get(id.Tenant, id.ID) // and it is the last in turn
		if id.Tenant == of && !r.again.Swap(true) {
			codes = append(codes, id.ID.Code)
		}
	}
	return codes
}

// locate looks zones up. One that is not there stays nil, and is an error for the events that need
// it.
func (s *shared) locate(terms []Terms) {
	for i := range terms {
		t := &terms[i]
		if z, ok := s.zones.Get(t.Zone); ok {
			t.zone = z
		} else if t.locate() == nil {
			s.zones.Add(t.Zone, t.zone)
		}
	}
}

func (e loads) Decide(_ context.Context, jobs []Job, id JobID) (*Job, error) {
	i := slices.IndexFunc(jobs, func(j Job) bool { return j.ID == id })
	if i < 0 {
		return nil, ErrUnknownJob
	}
	return &jobs[i], nil
}

func (loads) Stale([]Job) bool { return false }

func (loads) Dirty([]Job) bool { return false }

func (loads) Save(context.Context, [][]Job) ([]error, error) { return nil, nil }

var _ combine.Work[JobID, []Job, *Job] = loads{}
