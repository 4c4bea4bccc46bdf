package desk

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
)

// A Query asks for codes, with what their jobs on some platforms counted.
type Query struct {
	activation.CodeQuery
	Platforms []ids.Platform // which cells a Row has
}

// A Row is a code with its jobs (线索管理).
type Row struct {
	Code   activation.Code  `json:"code"`   // the code
	State  activation.State `json:"state"`  // whether it works
	Online int              `json:"online"` // agents
	Cells  []Cell           `json:"cells"`  // of the platforms that were asked for
}

// A Cell is what a code counted on a platform.
type Cell struct {
	Platform  ids.Platform `json:"platform"`       // platform of the job
	Permitted bool         `json:"permitted"`      // false: 未开启权限
	Job       string       `json:"job,omitempty"`  // its name
	Today     lead.Figures `json:"today,omitzero"` // since the day began
	Total     lead.Figures `json:"total,omitzero"` // since the job was opened
}

const rowsAtATime = 200

// Rows yields the codes that the query asks for, the newest first, with what they counted: a few
// questions for each 200 of them, however many leads they have. Errors: those of
// activation.Engine.Codes.
func (d *Desk) Rows(ctx context.Context, q Query) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var codes []activation.Code
		flush := func() bool {
			rows, err := d.rows(ctx, codes, q.Platforms)
			codes = codes[:0]
			for _, r := range rows {
				if !yield(r, nil) {
					return false
				}
			}
			if err != nil {
				yield(Row{}, fmt.Errorf("desk: rows: %w", err))
			}
			return err == nil
		}
		for c, err := range d.p.Codes.Codes(ctx, q.CodeQuery) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			if codes = append(codes, c); len(codes) == rowsAtATime && !flush() {
				return
			}
		}
		flush()
	}
}

func (d *Desk) rows(ctx context.Context, codes []activation.Code, platforms []ids.Platform) ([]Row, error) {
	codeIDs := make([]ids.Code, len(codes))
	for i, c := range codes {
		codeIDs[i] = c.ID
	}
	summaries, err := d.p.Leads.Summaries(ctx, codeIDs)
	if err != nil {
		return nil, err
	}
	counted := map[lead.JobID]lead.Summary{}
	for _, s := range summaries {
		counted[s.Job.ID] = s
	}
	rows := make([]Row, len(codes))
	now := d.opts.Now()
	for i, c := range codes {
		rows[i] = Row{Code: c, State: c.State(now), Online: c.Online(now)}
		for _, p := range platforms {
			cell := Cell{Platform: p, Permitted: slices.Contains(c.Settings.Platforms, p)}
			if cell.Permitted {
				s := counted[lead.JobID{Code: codeIDs[i], Platform: p}]
				cell.Job, cell.Today, cell.Total = s.Job.Name, s.Today, s.Total
			}
			rows[i].Cells = append(rows[i].Cells, cell)
		}
	}
	return rows, nil
}
