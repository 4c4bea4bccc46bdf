package activation

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage"
)

// HashInvitation is what is stored of an invitation.
var HashInvitation = hashInvitation

// StoredPorts yields the ports that are not stored as closed.
func StoredPorts(ctx context.Context, s storage.Store) iter.Seq2[Port, error] {
	return PortQuery{}.list(ctx, s)
}

// DueCodes yields the codes that are due.
func DueCodes(ctx context.Context, s storage.Store, now time.Time) iter.Seq2[Code, error] {
	return dueQuery{now: now}.list(ctx, s)
}

// Copy stores codes with a session, a device and an invitation that was not used as they are, as
// another tenant's.
func Copy(ctx context.Context, from, to storage.Store, codes []ids.Code, device DeviceID, invitation []byte) error {
	l, err := load(ctx, from, lookup{codes: codes, secret: true, device: device, invitation: invitation})
	if err != nil {
		return err
	}
	if l.invitation.Version != 1 || len(l.device.Hash) == 0 || len(l.codes[0].Sessions) != 1 {
		return errors.New("there is nothing to copy")
	}
	for i := range l.codes {
		l.codes[i].Version = 1
	}
	l.device.Version = 1
	c := change{codes: l.codes, devices: []Device{l.device}, invitations: []Invitation{l.invitation}}
	return c.save(ctx, to)
}
