package otp

type (
	// A Scope is where digits are unique and guesses are counted: a shop. One for a whole brand has
	// so many live codes that guesses run out.
	Scope string
	// A HolderID names who shows the code: a customer.
	HolderID string
	// A DeviceID names the phone on which it is shown.
	DeviceID string
	// A TypistID names who types it: a manager.
	TypistID string
	// A Purpose is what the code allows.
	Purpose string
)
