package activation

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// InvitationTTL is how long the QR code for adding a device may be used.
const InvitationTTL = 10 * time.Minute

// maxDeviceCodes is how many codes a device may have been signed in with.
const maxDeviceCodes = 1000

// A Device (渠道设备) is what agents sign in at. It is there since it was added by QR code, or since its first session.
type Device struct {
	ID      DeviceID  `json:"id"`
	Version int64     `json:"version"`
	Seq     int64     `json:"seq"` // entries of the journal
	Name    string    `json:"name,omitempty"`
	Added   time.Time `json:"added,omitzero"`   // by QR code; zero: it was not
	Removed time.Time `json:"removed,omitzero"` // zero: it was not, or is there again
	Seen    time.Time `json:"seen,omitzero"`    // when somebody last signed in at it
	Codes   []CodeID  `json:"codes,omitempty"`  // that it was signed in with since it was last removed
}

// An Invitation is what a QR code for adding a device has.
type Invitation struct {
	Hash    []byte    `json:"hash,omitempty"` // SHA-256 of its token
	By      string    `json:"by,omitempty"`
	Expires time.Time `json:"expires"`
	Used    time.Time `json:"used,omitzero"`
	Device  DeviceID  `json:"device,omitempty"` // that was added with it
	Version int64     `json:"version"`
}

// Invited is a new invitation. Token goes into the QR code; it is shown this once.
type Invited struct {
	Token   string    `json:"-"`
	Expires time.Time `json:"expires"`
}

// AddDevice adds the device that has scanned an invitation.
type AddDevice struct {
	Token  string   `json:"-"`
	Device DeviceID `json:"device"`
	Name   string   `json:"name,omitempty"`
	Key    string   `json:"-"`
}

// RemoveDevice takes a device from the list and ends every session at it. A code that is not for listed devices alone brings it
// back when it is signed in with there.
type RemoveDevice struct {
	Device DeviceID `json:"device"`
	By     string   `json:"by,omitempty"`
	Key    string   `json:"-"`
}

func (c AddDevice) check() error {
	err := cmp.Or(valid.ID("device", c.Device), valid.Text("name", c.Name), valid.ID("key", c.Key))
	if err == nil && (c.Token == "" || len(c.Token) > valid.MaxID) {
		err = &InputError{Field: "token", Reason: "has not 1 to 128 bytes"}
	}
	return err
}

func (c RemoveDevice) check() error {
	return cmp.Or(valid.ID("device", c.Device), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

// Add decides on an AddDevice. ErrInvitation: the invitation can't be used.
func (d Device) Add(inv Invitation, c AddDevice, now time.Time) (Device, Invitation, error) {
	if inv.Version == 0 || !inv.Used.IsZero() || !now.Before(inv.Expires) {
		return d, inv, ErrInvitation
	}
	inv.Used, inv.Device = now, c.Device
	d.Name, d.Added, d.Removed = c.Name, now, time.Time{}
	return d, inv, nil
}

// signedIn returns the device with a code that somebody signed in with. ErrSessions: it was signed in with too many others.
func (d Device) signedIn(id CodeID, now time.Time) (Device, error) {
	d.Seen, d.Removed = now, time.Time{}
	if slices.Contains(d.Codes, id) {
		return d, nil
	}
	if len(d.Codes) == maxDeviceCodes {
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
	d.Added, d.Removed, d.Codes = time.Time{}, now, nil
	return d, nil
}

// Subject names the device in the journal.
func (id DeviceID) Subject() string { return journal.Subject("activation/device", string(id)) }

// Subject names the pool in the journal.
func (id PoolID) Subject() string { return journal.Subject("activation/pool", string(id)) }
