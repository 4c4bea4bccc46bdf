package loyalty

import "context"

// Check is verify, for tests that tamper.
var Check = verify

// Digest is digest, for tests that write entries as they were written before.
var Digest = digest

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
