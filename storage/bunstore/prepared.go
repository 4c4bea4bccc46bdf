package bunstore

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"
)

// A statement is prepared once for all connections, and afresh as it is used: Postgres keeps the plan that it made for
// a statement while the tables were empty, which reads all of them.
type statement struct {
	core *core
	text string

	mu         sync.Mutex
	current    *prepared // nil: not prepared yet
	generation int
	rows       int64 // that were written or looked up with it
	next       int64 // rows at which it is prepared afresh
	busy       bool  // somebody prepares it
}

// A prepared is one generation of a statement.
type prepared struct {
	stmt  *sql.Stmt
	users int
	stale bool
}

// firstGeneration is how many rows the first generation is used for; each one is used for four times as many.
const firstGeneration = 64

// statement returns the statement of that key, whose text is made once.
func (c *core) statement(key any, text func() string) *statement {
	if s, ok := c.statements.Load(key); ok {
		return s.(*statement)
	}
	s, _ := c.statements.LoadOrStore(key, &statement{core: c, text: text(), next: firstGeneration})
	return s.(*statement)
}

// use runs fn with the statement, which is to write or look up that many rows.
func (u unit) use(ctx context.Context, s *statement, rows int, fn func(*sql.Stmt) error) error {
	p, prepare := s.acquire(rows)
	switch {
	case prepare && u.tx == nil:
		if err := s.prepare(ctx); err != nil && p == nil {
			return err
		}
		if p == nil {
			p, _ = s.acquire(0)
		}
	// The transaction has a connection; to wait here for another may be to wait for ever.
	case prepare && u.wanted != nil:
		u.wanted.add(s)
	case prepare && u.grammar == sqlite:
		s.leave()
	case prepare:
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			_ = s.prepare(ctx)
		}()
	}
	if p == nil {
		return u.useOnce(ctx, s, fn)
	}
	defer s.release(p)
	if u.tx == nil {
		return fn(p.stmt)
	}
	return fn(u.tx.StmtContext(ctx, p.stmt))
}

// useOnce runs fn with a statement of the transaction's own, or of nobody else's.
func (u unit) useOnce(ctx context.Context, s *statement, fn func(*sql.Stmt) error) error {
	prepare := u.bun.DB.PrepareContext
	if u.tx != nil {
		prepare = u.tx.PrepareContext
	}
	stmt, err := prepare(ctx, s.text)
	if err != nil {
		return err
	}
	defer func() { _ = stmt.Close() }()
	return fn(stmt)
}

// acquire returns what is prepared, or nil, and whether the caller has to prepare the next.
func (s *statement) acquire(rows int) (p *prepared, prepare bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows += int64(rows)
	if s.current != nil {
		s.current.users++
	}
	if s.busy || s.current != nil && s.rows < s.next {
		return s.current, false
	}
	s.busy = true
	return s.current, true
}

func (s *statement) release(p *prepared) {
	s.mu.Lock()
	p.users--
	unused := p.stale && p.users == 0
	s.mu.Unlock()
	if unused {
		_ = p.stmt.Close()
	}
}

// leave lets another caller prepare the next generation.
func (s *statement) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
}

// prepare makes the next generation. Its text has the number, so that no driver takes it for the one before.
func (s *statement) prepare(ctx context.Context) error {
	stmt, err := s.core.bun.DB.PrepareContext(ctx, fmt.Sprintf("%s -- %d", s.text, s.generation+1))
	s.mu.Lock()
	s.busy = false
	if err != nil {
		s.mu.Unlock()
		return err
	}
	old := s.current
	s.current = &prepared{stmt: stmt}
	s.generation++
	for s.next <= s.rows {
		s.next *= 4
	}
	unused := old != nil && old.users == 0
	if old != nil {
		old.stale = true
	}
	s.mu.Unlock()
	if unused {
		_ = old.stmt.Close()
	}
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

// query runs a statement and calls fn for each row.
func (u unit) query(ctx context.Context, s *statement, rows int, args []any, fn func(*sql.Rows) error) error {
	return u.use(ctx, s, rows, func(stmt *sql.Stmt) error {
		found, err := stmt.QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		return each(found, fn)
	})
}

// exec runs a statement for one row and returns how many rows it changed.
func (u unit) exec(ctx context.Context, s *statement, args []any) (n int64, err error) {
	err = u.use(ctx, s, 1, func(stmt *sql.Stmt) error {
		result, err := stmt.ExecContext(ctx, args...)
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	return n, err
}

// each calls fn for each row, and closes the rows.
func each(rows *sql.Rows, fn func(*sql.Rows) error) error {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
