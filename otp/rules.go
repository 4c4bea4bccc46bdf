package otp

import "time"

// The reasons that the journal gives for ErrInvalidCode.
const (
	Unknown      = "unknown" // to the scope: no such code, or one of another scope
	Expired      = "expired"
	WrongPurpose = "purpose"
)

// Live tells whether the code may be claimed at that time.
func (c Code) Live(now time.Time) bool { return c.Ended == "" && now.Before(c.Expires) }

// Refuse returns why the code can't be claimed for that purpose at that time, or "".
func (c Code) Refuse(purpose Purpose, now time.Time) string {
	switch {
	case c.Ended != "":
		return string(c.Ended)
	case !now.Before(c.Expires):
		return Expired
	case purpose != "" && purpose != c.Purpose:
		return WrongPurpose
	}
	return ""
}

// free tells whether the digits of the code may be issued again.
func (c Code) free(now time.Time) bool { return !now.Before(c.Reusable) }

// end returns the code as it is once it has ended.
func (c Code) end(why End, by TypistID, now time.Time) Code {
	c.Ended, c.EndedAt, c.EndedBy, c.Sealed = why, now, by, nil
	c.Reusable = now.Add(Quarantine)
	return c
}
