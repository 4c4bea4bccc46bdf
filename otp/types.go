package otp

import "github.com/scrmkit/scrmkit/internal/valid"

type (
	// A Scope is where digits are unique and guesses are counted: a shop. One for a whole brand has so many live codes
	// that guesses run out.
	Scope string
	// A HolderID names who shows the code: a customer.
	HolderID string
	// A TypistID names who types it: a manager.
	TypistID string
	// A Purpose is what the code allows.
	Purpose string
)

// An InputError is a command that can't be: its Field is missing or out of its bounds, as its Reason says.
type InputError = valid.Error
