package activation

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// InvitationTTL is how long the QR code for adding a device may be used.
const InvitationTTL = 10 * time.Minute

// maxDeviceCodes is how many codes a device may have been signed in with.
const maxDeviceCodes = 1000

// A Device (渠道设备) is what agents sign in at. It is there since it was added by QR code, or since
// its first session.
type Device struct {
	ID      DeviceID   `json:"id"`               // as its client names it
	Version int64      `json:"version"`          // number of the change that made it so
	Seq     int64      `json:"seq"`              // entries of the journal
	Name    string     `json:"name,omitempty"`   // shown to people
	Added   time.Time  `json:"added,omitzero"`   // by QR code; zero: it was not
	Removed time.Time  `json:"removed,omitzero"` // zero: it was not, or is there again
	First   time.Time  `json:"first,omitzero"`   // when it came: added, or first signed in at, since it was last removed
	Seen    time.Time  `json:"seen,omitzero"`    // when somebody last signed in at it
	Codes   []ids.Code `json:"codes,omitempty"`  // that it was signed in with since it was last removed
	Hash    []byte     `json:"hash,omitempty"`   // of its token and the tenant, where it was added; what an engine gives has none
}

// public returns the device as it is given out.
func (d Device) public() Device {
	d.Hash = nil
	return d
}

// known reports whether the device is there.
func (d Device) known() bool { return d.Version > 0 && d.Removed.IsZero() }

// come notes when the device came, where it was not there.
func (d *Device) come(now time.Time) {
	if !d.known() || d.First.IsZero() {
		d.First = now
	}
	d.Removed = time.Time{}
}

// An Invitation is what a QR code for adding a device has.
type Invitation struct {
	Hash    []byte    `json:"hash,omitempty"`   // of its token and the tenant
	By      string    `json:"by,omitempty"`     // who invited
	Expires time.Time `json:"expires"`          // end of the time in which it may be used
	Used    time.Time `json:"used,omitzero"`    // when a device was added with it; zero: not yet
	Device  DeviceID  `json:"device,omitempty"` // that was added with it
	Version int64     `json:"version"`          // number of the change that made it so
}

// Invited is a new invitation. Token goes into the QR code; it is shown this once.
type Invited struct {
	Token   string    `json:"-"`       // what AddDevice takes
	Expires time.Time `json:"expires"` // end of the time in which it may be used
}

// Added is a device that was added. Token is what its client keeps, and signs in with where a code
// is for such devices alone: it is shown this once, and is empty where the command is repeated. A
// device that has lost it is added anew.
type Added struct {
	Device Device `json:"device"` // the device after it
	Token  string `json:"-"`      // what SignIn takes as DeviceToken
}

// AddDevice adds the device that has scanned an invitation.
type AddDevice struct {
	Token  string   `json:"-"`              // Invited.Token
	Device DeviceID `json:"device"`         // as its client names it
	Name   string   `json:"name,omitempty"` // shown to people
	Key    string   `json:"-"`              // idempotency key; required
}

// RemoveDevice takes a device from the list and ends every session at it. A code that is not for
// listed devices alone brings it back when it is signed in with there.
type RemoveDevice struct {
	Device DeviceID `json:"device"`       // device to remove
	By     string   `json:"by,omitempty"` // who did it, for the journal
	Key    string   `json:"-"`            // idempotency key; required
}

func (c AddDevice) check() error {
	err := cmp.Or(valid.ID("device", c.Device), valid.Text("name", c.Name), valid.ID("key", c.Key))
	if err == nil && (c.Token == "" || len(c.Token) > valid.MaxID) {
		err = &errs.InputError{Field: "token", Reason: "has not 1 to 128 bytes"}
	}
	return err
}

func (c RemoveDevice) check() error {
	return cmp.Or(valid.ID("device", c.Device), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

// Add decides on an AddDevice, with the hash of the token that the device gets. ErrInvitation: the
// invitation can't be used.
func (d Device) Add(inv Invitation, c AddDevice, hash []byte, now time.Time) (Device, Invitation, error) {
	if inv.Version == 0 || !inv.Used.IsZero() || !now.Before(inv.Expires) {
		return d, inv, ErrInvitation
	}
	inv.Used, inv.Device = now, c.Device
	d.come(now)
	d.Name, d.Hash, d.Added = c.Name, hash, now
	return d, inv, nil
}

// full reports whether the device has no room for one more code.
func (d Device) full(id ids.Code) bool {
	return len(d.Codes) >= maxDeviceCodes && !slices.Contains(d.Codes, id)
}

// forget returns the device without the codes that have no session at it. codes are those of the
// device.
func (d Device) forget(codes []Code, now time.Time) Device {
	d.Codes = nil
	for _, c := range codes {
		if slices.ContainsFunc(c.Settled(now).Sessions, func(s Session) bool { return s.Device == d.ID }) {
			d.Codes = append(d.Codes, c.ID)
		}
	}
	return d
}

// signedIn returns the device with a code that somebody signed in with. ErrSessions: it is full.
func (d Device) signedIn(id ids.Code, now time.Time) (Device, error) {
	d.come(now)
	d.Seen = now
	if slices.Contains(d.Codes, id) {
		return d, nil
	}
	if d.full(id) {
		return d, ErrSessions
	}
	d.Codes = append(slices.Clone(d.Codes), id)
	return d, nil
}

// Remove decides on a device's removal. ErrUnknownDevice: there is none.
func (d Device) Remove(now time.Time) (Device, error) {
	if d.Version == 0 || !d.Removed.IsZero() {
		return d, ErrUnknownDevice
	}
	d.Added, d.Removed, d.Codes, d.Hash = time.Time{}, now, nil, nil
	return d, nil
}

// Subject names the device in the journal.
func (id DeviceID) Subject() string { return journal.Subject("activation/device", string(id)) }

// Subject names the pool in the journal.
func (id PoolID) Subject() string { return journal.Subject("activation/pool", string(id)) }
