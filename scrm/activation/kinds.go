package activation

import (
	"encoding/json"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// The kinds of the package's entries in the journal. Their subject is what the command is on:
// "activation/code/<code>", "activation/pool/<pool>", "activation/device/<device>", or of a command
// that is on no one of those "activation/command/<key>". A command with a Result has entries of the
// codes that it changes besides.
const (
	KindCreate       journal.Kind[Result[[]Issued]] = "activation.create"       // codes were made; of the command and of each code
	KindEdit         journal.Kind[Code]             = "activation.edit"         // a code got other settings
	KindDisable      journal.Kind[Result[[]Code]]   = "activation.disable"      // codes were disabled; of the command and of each code
	KindEnable       journal.Kind[Result[[]Code]]   = "activation.enable"       // codes were enabled; of the command and of each code
	KindExpire       journal.Kind[Result[[]Code]]   = "activation.expire"       // codes were made to expire; of the command and of each code
	KindDelete       journal.Kind[Result[[]Code]]   = "activation.delete"       // codes were deleted; of the command and of each code
	KindRenew        journal.Kind[Issued]           = "activation.renew"        // a code got another secret
	KindPutPool      journal.Kind[Pool]             = "activation.pool"         // a pool was made or changed
	KindSignIn       journal.Kind[Access]           = "activation.signIn"       // an agent signed in with a code
	KindSignOut      journal.Kind[Code]             = "activation.signOut"      // a session of a code was ended
	KindOpen         journal.Kind[Port]             = "activation.open"         // a port of a code was opened
	KindPair         journal.Kind[Port]             = "activation.pair"         // a QR code is shown for a port of a code
	KindLink         journal.Kind[Result[Port]]     = "activation.link"         // an account has linked a port of a code; of it, and of the code that had the account
	KindLogout       journal.Kind[Port]             = "activation.logout"       // an account of a code was logged out
	KindBan          journal.Kind[Port]             = "activation.ban"          // a platform has banned an account of a code
	KindClose        journal.Kind[Port]             = "activation.close"        // a port of a code was closed
	KindInvite       journal.Kind[Invited]          = "activation.invite"       // an invitation for a device was made; of the command
	KindAddDevice    journal.Kind[Added]            = "activation.addDevice"    // a device was added
	KindRemoveDevice journal.Kind[Result[Device]]   = "activation.removeDevice" // a device was removed; of it, and of each code whose sessions ended
)

var entryKinds = []journal.AnyKind{
	KindCreate, KindEdit, KindDisable, KindEnable, KindExpire, KindDelete, KindRenew, KindPutPool, KindSignIn, KindSignOut, KindOpen,
	KindPair, KindLink, KindLogout, KindBan, KindClose, KindInvite, KindAddDevice, KindRemoveDevice,
}

// A Result is what the journal keeps of a command that changes codes besides what it returns: in its
// own entry what it returned, and in the entry of each of those codes the code. Its JSON is that of
// the one or the other.
type Result[V any] struct {
	Returned V     // what the command returned; zero where there is a Code
	Code     *Code // code that the entry is of, after the command; nil: the entry is the command's own
}

// MarshalJSON implements json.Marshaler.
func (r Result[V]) MarshalJSON() ([]byte, error) {
	if r.Code != nil {
		return json.Marshal(r.Code)
	}
	return json.Marshal(r.Returned)
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *Result[V]) UnmarshalJSON(text []byte) error {
	var of struct {
		Settings json.RawMessage `json:"settings"` // which nothing but a code has
	}
	*r = Result[V]{}
	if json.Unmarshal(text, &of) == nil && of.Settings != nil {
		return json.Unmarshal(text, &r.Code)
	}
	return json.Unmarshal(text, &r.Returned)
}
