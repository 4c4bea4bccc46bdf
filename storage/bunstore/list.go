package bunstore

import (
	"context"
	"iter"
	"strconv"

	"github.com/uptrace/bun"
)

// pageSize is how many rows a list reads at a time.
const pageSize = 500

// paged yields what a list finds, page by page: no connection is held while the consumer runs. next adds to a query what
// follows the last row of the page before, nil at first.
func paged[T any](
	ctx context.Context, u unit, op string, limit int,
	next func(q *bun.SelectQuery, last *T) *bun.SelectQuery, scan func(Rows) (T, error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last *T
		for left := limit; ; {
			size := pageSize
			if limit > 0 {
				size = min(size, left)
			}
			page, err := readPage(ctx, u, size, last, next, scan)
			if err != nil {
				var zero T
				yield(zero, u.fail(ctx, op, err))
				return
			}
			for _, row := range page {
				if !yield(row, nil) {
					return
				}
			}
			if left -= len(page); len(page) < size || left == 0 {
				return
			}
			last = &page[len(page)-1]
		}
	}
}

// firstOf is the limit of a page of so many rows. The planner of Postgres expects one that it can't
// know to take a tenth of them all, and reads them in the order of the index. Where a table was filled
// and not analyzed yet it believes that there are few, and would read and sort what is left for each
// page.
func (u unit) firstOf(n string) string {
	if u.grammar == postgres && !u.distributed() {
		return "(select " + n + ")"
	}
	return n
}

func readPage[T any](
	ctx context.Context, u unit, size int, last *T,
	next func(q *bun.SelectQuery, last *T) *bun.SelectQuery, scan func(Rows) (T, error),
) (page []T, err error) {
	if err := u.check(ctx); err != nil {
		return nil, err
	}
	text, err := next(u.bun.NewSelect(), last).AppendQuery(u.bun.QueryGen(), nil)
	if err != nil {
		return nil, err
	}
	text = append(text, " limit "+u.firstOf(strconv.Itoa(size))...)
	err = u.once(ctx, func() error {
		rows, err := u.conn().Query(ctx, string(text), nil)
		if err != nil {
			return err
		}
		page = nil
		return each(rows, func(rows Rows) error {
			row, err := scan(rows)
			page = append(page, row)
			return err
		})
	})
	return page, err
}
