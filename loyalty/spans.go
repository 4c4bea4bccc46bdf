package loyalty

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage"
)

// A span is a part of a program whose members follow one another: its accounts, and the heads that
// were kept of its members.
type span struct {
	after  ids.Member // its members come after that one
	from   ids.Member // or are from that one on; "" both: they begin with the first one of all
	before ids.Member // and come before that one; "": they end with the last one of all
	rows   []accountRow
	unread []unread // those of the rows that can't be read
	kept   []Head
}

// An unread is a member whose account can't be read, and why.
type unread struct {
	member ids.Member
	err    error
}

// A spanSize bounds spans.
type spanSize struct {
	members int   // members at most that have an account or a head
	entries int64 // entries of the accounts, but for those of the last one
}

// spans yields the parts of a program that come after a member, from the first to the last, whether
// there are accounts in them or not. kept is in the order of members.
func (e *Engine) spans(ctx context.Context, id ids.Program, after ids.Member, kept iter.Seq2[Head, error]) iter.Seq2[span, error] {
	return func(yield func(span, error) bool) {
		most := e.shared.span
		next, members, entries := span{after: after}, 0, int64(0)
		for m, err := range known(accountsAfter(ctx, e.frame.Store, id, after), ordered(kept, after)) {
			if err != nil {
				yield(span{}, err)
				return
			}
			if members == most.members || entries >= most.entries {
				next.before = m.id
				if !yield(next, nil) {
					return
				}
				next, members, entries = span{from: m.id}, 0, 0
			}
			members++
			if m.row != nil {
				next.rows = append(next.rows, *m.row)
				if m.unread != nil {
					next.unread = append(next.unread, unread{m.id, m.unread})
				}
				entries += m.row.Seq
			}
			if m.kept != nil {
				next.kept = append(next.kept, *m.kept)
			}
		}
		yield(next, nil)
	}
}

// A knownMember has an account, a head that was kept, or both.
type knownMember struct {
	id   ids.Member
	row  *accountRow
	kept *Head

	unread error // why the row can't be read
}

// known joins accounts and heads, each in the order of members.
func known(rows iter.Seq2[accountRow, error], kept iter.Seq2[Head, error]) iter.Seq2[knownMember, error] {
	return func(yield func(knownMember, error) bool) {
		next, stop := iter.Pull2(kept)
		defer stop()
		head, failed, more := next()
		// gone yields the heads of members without an account before one, all where it is "".
		gone := func(before ids.Member) bool {
			for more && (failed != nil || before == "" || head.Member < before) {
				of := head
				if !yield(knownMember{id: of.Member, kept: &of}, failed) || failed != nil {
					return false
				}
				head, failed, more = next()
			}
			return true
		}
		for row, err := range rows {
			if err != nil && !errors.As(err, new(*storage.RowError)) {
				yield(knownMember{}, err)
				return
			}
			if !gone(row.ID.Member) {
				return
			}
			m := knownMember{id: row.ID.Member, row: &row, unread: err}
			if more && failed == nil && head.Member == row.ID.Member {
				of := head
				m.kept = &of
				head, failed, more = next()
			}
			if !yield(m, nil) {
				return
			}
		}
		gone("")
	}
}

// ordered yields the heads of members after one, and refuses those that are in no order.
func ordered(kept iter.Seq2[Head, error], after ids.Member) iter.Seq2[Head, error] {
	return func(yield func(Head, error) bool) {
		if kept == nil {
			return
		}
		var last ids.Member
		for h, err := range kept {
			if err == nil && h.Member <= last {
				err = &errs.InputError{Field: "kept", Reason: "is not in the order of members"}
			}
			if last = h.Member; err == nil && last <= after {
				continue
			}
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

// workers returns how many goroutines a job is given: one where the engine is bound to a unit of
// work, which has one connection.
func (e *Engine) workers(n int) int {
	switch {
	case e.frame.Bound:
		return 1
	case n > 0:
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// A result is what a goroutine returned, or panicked with.
type result[T any] struct {
	value    T
	err      error
	panicked *panicked
}

// panicked is the panic of another goroutine, with its stack.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v\n\n%s", p.value, p.stack) }

// inOrder yields what work makes of each input, in the order of inputs, which are read in the
// goroutine of the consumer. So many are worked on at once, in goroutines of their own but where it
// is one; all of them have ended when the sequence has. It ends with the first error.
func inOrder[I, O any](
	ctx context.Context, workers int, inputs func(context.Context) iter.Seq2[I, error], work func(context.Context, I) (O, error),
) iter.Seq2[O, error] {
	return func(yield func(O, error) bool) {
		var none O
		if workers == 1 {
			for in, err := range inputs(ctx) {
				out := none
				if err == nil {
					out, err = work(ctx, in)
				}
				if !yield(out, err) || err != nil {
					return
				}
			}
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		next, stop := iter.Pull2(inputs(ctx))
		defer stop()
		var window []chan result[O]
		free := make(chan struct{}, workers)
		for more := true; more || len(window) > 0; {
			for more && len(window) < 2*workers {
				in, err, ok := next()
				if more = ok && err == nil; !ok {
					break
				}
				done := make(chan result[O], 1)
				window = append(window, done)
				if err != nil {
					done <- result[O]{err: err}
					break
				}
				running.Go(func() {
					free <- struct{}{}
					defer func() { <-free }()
					r := result[O]{}
					defer func() {
						if p := recover(); p != nil {
							r.panicked = &panicked{p, debug.Stack()}
						}
						done <- r
					}()
					r.value, r.err = work(ctx, in)
				})
			}
			if len(window) == 0 {
				return
			}
			r := <-window[0]
			window = window[1:]
			if r.panicked != nil {
				panic(r.panicked)
			}
			if !yield(r.value, r.err) || r.err != nil {
				return
			}
		}
	}
}
