package loyalty

import (
	"context"
	"errors"

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

// Replayed returns the simulation that WhatIf compares with, and what was refused in it.
func (e *Engine) Replayed(ctx context.Context, p *Program) (*Simulation, []error, error) {
	history, err := e.history(ctx, p.def.ID, func(Account) error { return nil })
	s, refused := Simulate(p), []error(nil)
	for _, h := range history {
		if _, err := s.do(h.command, h.at); err != nil {
			refused = append(refused, err)
		}
	}
	return s, refused, err
}

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
