package lead

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// Job returns a job. ErrUnknownJob: there is none.
func (e *Engine) Job(ctx context.Context, id JobID) (Job, error) {
	err := id.check()
	if err == nil {
		var l loadedJob
		if l, err = loadJob(ctx, e.frame.Store, jobLookup{job: id}); err == nil && l.job.Version > 0 {
			return l.job, nil
		}
	}
	return Job{}, fmt.Errorf("lead: job of %s: %w", id.Code, cmp.Or(err, ErrUnknownJob))
}

// Jobs yields the jobs that the query asks for, in the order of their ids.
func (e *Engine) Jobs(ctx context.Context, q JobQuery) iter.Seq2[Job, error] {
	err := cmp.Or(valid.OptionalID("platform", q.Platform), valid.Between("codes", int64(len(q.Codes)), 0, maxCodes))
	for _, c := range q.Codes {
		err = cmp.Or(err, valid.ID("codes", c))
	}
	if err != nil {
		return engine.Failed[Job](fmt.Errorf("lead: jobs: %w", err))
	}
	return q.list(ctx, e.frame.Store)
}

// Leads yields the leads that the query asks for, in the order of their times.
func (e *Engine) Leads(ctx context.Context, q LeadQuery) iter.Seq2[Stored, error] {
	if err := cmp.Or(q.Job.check(), valid.OptionalID("verdict", q.Verdict), valid.Time("from", q.From), valid.Time("to", q.To)); err != nil {
		return engine.Failed[Stored](fmt.Errorf("lead: leads: %w", err))
	}
	return q.list(ctx, e.frame.Store)
}

// Counts yields the counts that the query asks for, in the order of days and accounts.
func (e *Engine) Counts(ctx context.Context, q CountQuery) iter.Seq2[Count, error] {
	if err := cmp.Or(q.Job.check(), valid.OptionalID("account", q.Account), valid.Time("from", q.From), valid.Time("to", q.To)); err != nil {
		return engine.Failed[Count](fmt.Errorf("lead: counts: %w", err))
	}
	return q.list(ctx, e.frame.Store)
}

// A Summary is what a job has counted.
type Summary struct {
	Job   Job     `json:"job"`   // the job as it is
	Today Figures `json:"today"` // since the day began
	Total Figures `json:"total"` // since the job was opened
}

// Summary returns what a job has counted, today and in total. ErrUnknownJob: there is none.
func (e *Engine) Summary(ctx context.Context, id JobID) (Summary, error) {
	if err := id.check(); err != nil {
		return Summary{}, fmt.Errorf("lead: summary: %w", err)
	}
	all, err := e.summaries(ctx, JobQuery{Platform: id.Platform, Codes: []ids.Code{id.Code}})
	if err == nil && len(all) == 0 {
		err = ErrUnknownJob
	}
	if err != nil {
		return Summary{}, fmt.Errorf("lead: summary of %s: %w", id.Code, err)
	}
	return all[0], nil
}

// Summaries returns what the jobs of some codes have counted, in the order of their ids.
func (e *Engine) Summaries(ctx context.Context, codes []ids.Code) ([]Summary, error) {
	if len(codes) == 0 {
		return nil, nil
	}
	err := valid.Between("codes", int64(len(codes)), 0, maxCodes)
	for _, c := range codes {
		err = cmp.Or(err, valid.ID("codes", c))
	}
	var all []Summary
	if err == nil {
		all, err = e.summaries(ctx, JobQuery{Codes: codes})
	}
	if err != nil {
		return nil, fmt.Errorf("lead: summaries: %w", err)
	}
	return all, nil
}

func (e *Engine) summaries(ctx context.Context, q JobQuery) ([]Summary, error) {
	var all []Summary
	var spans []span
	now := e.frame.Now()
	for j, err := range q.list(ctx, e.frame.Store) {
		var day time.Time
		if err == nil {
			day, err = j.Day(now)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, Summary{Job: j})
		spans = append(spans, span{job: j.ID, from: day, to: maxTime}, span{job: j.ID})
	}
	summed, err := sums(ctx, e.frame.Store, spans)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Today, all[i].Total = summed[2*i], summed[2*i+1]
	}
	return all, nil
}

// AccountOf names an account in a job.
type AccountOf struct {
	Job     JobID       // job that counts
	Account ids.Account // account of the operator's
}

// An AccountSummary is what an account has counted in a job.
type AccountSummary struct {
	Day   time.Time `json:"day"`   // when the day began that Today is of
	Today Figures   `json:"today"` // since then
	Total Figures   `json:"total"` // since the job was opened
}

// Accounts returns what each account has counted in its job, in their order, at most 1000 of them.
// One whose job is unknown has no Day.
func (e *Engine) Accounts(ctx context.Context, accounts []AccountOf) ([]AccountSummary, error) {
	fail := func(err error) ([]AccountSummary, error) { return nil, fmt.Errorf("lead: accounts: %w", err) }
	err := valid.Between("accounts", int64(len(accounts)), 0, maxCodes)
	var codes []ids.Code
	for _, a := range accounts {
		err = cmp.Or(err, a.Job.check(), valid.ID("account", a.Account))
		codes = append(codes, a.Job.Code)
	}
	if err != nil || len(accounts) == 0 {
		return nil, err
	}
	slices.Sort(codes)
	jobs, now := map[JobID]*Job{}, e.frame.Now()
	for j, err := range (JobQuery{Codes: slices.Compact(codes)}).list(ctx, e.frame.Store) {
		if err != nil {
			return fail(err)
		}
		jobs[j.ID] = &j
	}
	all := make([]AccountSummary, len(accounts))
	var spans []span
	var of []*AccountSummary
	for i, a := range accounts {
		j := jobs[a.Job]
		if j == nil {
			continue
		}
		if all[i].Day, err = j.Day(now); err != nil {
			return fail(err)
		}
		spans = append(spans, span{a.Job, a.Account, all[i].Day, maxTime}, span{job: a.Job, account: a.Account})
		of = append(of, &all[i])
	}
	summed, err := sums(ctx, e.frame.Store, spans)
	if err != nil {
		return fail(err)
	}
	for i, s := range of {
		s.Today, s.Total = summed[2*i], summed[2*i+1]
	}
	return all, nil
}

// maxTime is later than any time that is stored.
var maxTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
