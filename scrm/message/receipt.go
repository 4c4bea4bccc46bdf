package message

import "time"

// A Receipt is what became of a message after it was sent.
type Receipt struct {
	Ref       string    // Message.Ref; "": the vendor does not hand it back
	ID        string    // that Send returned; "": the vendor does not repeat it
	Delivered bool      // it reached the recipient's phone or mailbox; false: it will not
	Code      string    // the vendor's or the carrier's own code, as it is; "": none
	At        time.Time // when, in UTC; zero: not told
}
