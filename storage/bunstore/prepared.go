package bunstore

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"
)

// A statement is prepared once for all connections, and a few times afresh as the database is used:
// Postgres keeps the plan that it made for a statement while the tables were empty, which reads all
// of them.
//
// What was prepared before is never closed. To close it means to talk to the server on every
// connection that has it, and database/sql does that while it holds the lock of its pool: behind a
// pooler with fewer connections to the server than the pool has, those that have one wait for the
// lock, and the close waits for one of theirs.
type statement struct {
	core *core
	text string

	mu       sync.Mutex
	due      int       // the generation of the database when the statement was last run
	numbered string    // the text with that number, so that no driver takes it for the one before
	current  *sql.Stmt // nil: not prepared yet
	prepared int       // the generation of current
	busy     bool      // somebody prepares it
}

const (
	// firstGeneration is how many rows are written or looked up in the database before a statement
	// is prepared afresh; then it is after four times as many, and so on.
	firstGeneration = 64
	// lastGeneration is after how many rows no statement is prepared afresh any more: Postgres has
	// long had a look at the tables.
	lastGeneration = firstGeneration << 14
)

// generation returns the number of the generation, from 1 on, of a database in which so many rows
// were written or looked up.
func generation(used int64) int {
	n := 1
	for limit := int64(firstGeneration); limit <= min(used, lastGeneration); limit *= 4 {
		n++
	}
	return n
}

// statement returns the statement of that key, whose text is made once.
func (c *core) statement(key any, text func() string) *statement {
	if s, ok := c.statements.Load(key); ok {
		return s.(*statement)
	}
	s, _ := c.statements.LoadOrStore(key, &statement{core: c, text: c.readable(text())})
	return s.(*statement)
}

// prepared returns what the statement, which is to write or look up that many rows, is run with;
// nil: the text.
func (u unit) prepared(ctx context.Context, s *statement, rows int) (stmt *sql.Stmt, text string, err error) {
	if u.tx != nil && u.tx.sql == nil {
		return nil, s.use(rows), nil // the driver prepares it, where it does
	}
	stmt, text, prepare := s.acquire(rows)
	switch {
	case prepare && u.tx == nil:
		if err := s.prepare(ctx); err != nil {
			return nil, "", err
		}
		stmt = s.latest()
	// The transaction has a connection; to wait here for another may be to wait for ever.
	case prepare && u.tx.wanted != nil:
		u.tx.wanted.add(s)
	case prepare && u.grammar == sqlite:
		s.leave()
	case prepare:
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			_ = s.prepare(ctx)
		}()
	}
	if stmt != nil && u.tx != nil {
		stmt = u.tx.sql.StmtContext(ctx, stmt)
	}
	return stmt, text, nil
}

// use counts the rows, and returns the text of the generation that is due.
func (s *statement) use(rows int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(rows)
	return s.numbered
}

func (s *statement) count(rows int) {
	if n := generation(s.core.used.Add(int64(rows))); n != s.due {
		s.due, s.numbered = n, fmt.Sprintf("%s -- %d", s.text, n)
	}
}

// acquire counts the rows, and returns what is prepared of the generation that is due, or nil, the
// text of that generation, and whether the caller has to prepare it. Nobody is given what was
// prepared before: its plan may be that of an empty table.
func (s *statement) acquire(rows int) (stmt *sql.Stmt, text string, prepare bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(rows)
	if s.prepared == s.due {
		return s.current, s.numbered, false
	}
	prepare = !s.busy
	s.busy = true
	return nil, s.numbered, prepare
}

// latest returns what was prepared last, or nil.
func (s *statement) latest() *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// leave lets another caller prepare the next generation.
func (s *statement) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
}

// prepare makes the generation that is due.
func (s *statement) prepare(ctx context.Context) error {
	s.mu.Lock()
	due, text := s.due, s.numbered
	s.mu.Unlock()
	stmt, err := s.core.bun.DB.PrepareContext(ctx, text)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
	if err != nil {
		return err
	}
	s.current, s.prepared = stmt, due
	return nil
}

// wanted are the statements to prepare when a transaction has given back its connection.
type wanted struct {
	mu    sync.Mutex
	all   []*statement
	ended bool
}

func (w *wanted) add(s *statement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		s.leave()
		return
	}
	w.all = append(w.all, s)
}

func (w *wanted) prepare(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	for _, s := range w.all {
		_ = s.prepare(ctx)
	}
}

// run runs a statement that is to write or look up that many rows: exec with what is prepared of
// it, or direct with its text.
func (u unit) run(
	ctx context.Context, s *statement, rows int, args []any, exec func(*sql.Stmt) error, direct func(text string, args []any) error,
) error {
	if !u.unprepared.Load() {
		stmt, text, err := u.prepared(ctx, s, rows)
		switch {
		case err != nil:
		case stmt != nil:
			err = exec(stmt)
		default:
			err = direct(text, args)
		}
		if !lostStatement(err) {
			return err
		}
		if !u.unprepared.Swap(true) {
			u.log.WarnContext(ctx, "bunstore: a pooler does not keep prepared statements; from now on none is used", "err", err)
		}
		if u.tx != nil {
			return err // it has ended the transaction
		}
	}
	text, err := inlined(s.text, args)
	if err != nil {
		return err
	}
	return direct(text, nil)
}

// query runs a statement and calls fn for each row.
func (u unit) query(ctx context.Context, s *statement, rows int, args []any, fn func(Rows) error) error {
	read := func(found Rows, err error) error {
		if err != nil {
			return err
		}
		return each(found, fn)
	}
	return u.run(ctx, s, rows, args, func(stmt *sql.Stmt) error {
		return read(rowsOf(stmt.QueryContext(ctx, args...)))
	}, func(text string, args []any) error {
		return read(u.conn().Query(ctx, text, args))
	})
}

// exec runs a statement for one row. For one that inserts the count of its result is not to be
// trusted: query a returning clause.
func (u unit) exec(ctx context.Context, s *statement, args []any) (result sql.Result, err error) {
	err = u.run(ctx, s, 1, args, func(stmt *sql.Stmt) (err error) {
		result, err = stmt.ExecContext(ctx, args...)
		return err
	}, func(text string, args []any) (err error) {
		result, err = u.conn().Exec(ctx, text, args)
		return err
	})
	return result, err
}
