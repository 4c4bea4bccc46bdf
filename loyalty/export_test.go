package loyalty

import (
	"context"
	"errors"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage"
)

// Check is verify, for tests that tamper.
var Check = verify

// EntryDigest is digest, for tests that write entries as they were written before.
var EntryDigest = digest

// Stored returns an account as its last command left it.
func (s *Simulation) Stored(id AccountID) Account {
	a := s.accounts[id]
	a.ID = id
	return a
}

// Replayed returns the simulation of all that happened to a program at once, and what was refused in
// it: what WhatIf does by groups of members.
func (e *Engine) Replayed(ctx context.Context, p *Program) (*Simulation, []error, error) {
	var h history
	for a, err := range (AccountQuery{Program: p.def.ID}).list(ctx, e.frame.Store) {
		if err != nil {
			return nil, nil, err
		}
		l := pastLedger{id: a.ID, peers: map[ids.Member]bool{}}
		for entry, err := range ledger(ctx, e.frame.Store, a.ID) {
			if err == nil {
				_, err = l.add(entry)
			}
			if err != nil {
				return nil, nil, err
			}
		}
		h.add(l)
	}
	history, err := h.ordered()
	s, refused := Simulate(p), []error(nil)
	for _, h := range history {
		if _, err := s.do(h.command, h.at); err != nil {
			refused = append(refused, err)
		}
	}
	return s, refused, err
}

// Stand returns how all accounts of a simulation stand at a time.
func (s *Simulation) Stand(now time.Time) (Standing, error) {
	all := stand()
	for a := range s.Accounts(now) {
		if err := all.add(s.program, a, now); err != nil {
			return all, err
		}
	}
	return all, nil
}

// Compared returns the whole of what a query yields.
func (e *Engine) Compared(ctx context.Context, p *Program, q WhatIfQuery) (c Comparison, err error) {
	for part, err := range e.WhatIf(ctx, p, q) {
		if err == nil {
			err = c.Add(part)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// Span bounds the members who are verified, or compared, together.
func (e *Engine) Span(members int) { e.shared.span.members = members }

// SaveAccounts stores accounts as they are.
func SaveAccounts(ctx context.Context, s storage.Store, all []Account) error {
	var changes []storage.Change
	for _, a := range all {
		c := change{Accounts: []Account{a}}
		changes = append(changes, c.stored())
	}
	errs, err := s.Save(ctx, changes)
	return errors.Join(append(errs, err)...)
}

// Verified returns the heads that a query yields, with the first hundred of its mistakes.
func (e *Engine) Verified(ctx context.Context, q VerifyQuery) (heads Heads, err error) {
	heads.Terms, err = e.Terms(ctx, q.Program)
	errs := []error{err}
	for head, err := range e.VerifyProgram(ctx, q) {
		if err == nil {
			heads.Members = append(heads.Members, head)
		} else if errs = append(errs, err); len(errs) > 100 {
			break
		}
	}
	return heads, errors.Join(errs...)
}
