package loyalty

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
