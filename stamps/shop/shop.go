package shop

import (
	"time"

	"github.com/scrmkit/scrmkit/ids"
)

type (
	// An Identity is a person as the embedder's sign-in knows it: a WeChat openid.
	Identity string
)

// A Shop (门店) takes part in [From, To).
type Shop struct {
	ID      ids.Shop  `json:"id"`                // unique in the tenant
	Name    string    `json:"name"`              // shown to people
	Address string    `json:"address,omitempty"` // shown to people
	Zone    string    `json:"zone"`              // IANA name of its time zone
	From    time.Time `json:"from,omitzero"`     // zero: no bound
	To      time.Time `json:"to,omitzero"`       // zero: no bound
	Slots   int       `json:"slots,omitempty"`   // for managers, 1 to 100; 0 is 2
	Version int64     `json:"version,omitempty"` // number of the change that made it so
}
