package activation_test

import (
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
)

// What is shown in one tenant opens nothing in another, though all that is stored there is the
// same: labels, numbers, secrets and hashes.
func TestSecretsAreTheirTenants(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		here, there := db.Tenant("here"), db.Tenant("there")
		codes, now := open(t, here)
		listed := both
		listed.Listed = true
		c, onListed := issue(codes, both, "k"), issue(codes, listed, "l")
		invited, open := must(codes.Invite(ctx, "boss", "i")), must(codes.Invite(ctx, "boss", "i2"))
		added := must(codes.AddDevice(ctx, activation.AddDevice{Token: invited.Token, Device: "pc", Key: "a"}))
		access := signIn(codes, c, "phone")

		hashes := [][]byte{}
		for _, token := range []string{open.Token} {
			hashes = append(hashes, activation.HashInvitation(here.TenantID(), token))
		}
		isError(t, activation.Copy(ctx, here, there, []ids.Code{c.ID, onListed.ID}, "pc", hashes[0]), nil)

		for name, call := range map[string]struct {
			want error
			do   func(e *activation.Engine) error
		}{
			"SignIn": {activation.ErrUnknownCode, func(e *activation.Engine) error {
				_, err := e.SignIn(ctx, activation.SignIn{Code: c.Code, Device: "phone"})
				return err
			}},
			"SignIn of a device that was added": {activation.ErrUnknownCode, func(e *activation.Engine) error {
				_, err := e.SignIn(ctx, activation.SignIn{Code: onListed.Code, Device: "pc", DeviceToken: added.Token})
				return err
			}},
			"Check": {activation.ErrSignedOut, func(e *activation.Engine) error { _, err := e.Check(ctx, access.Token); return err }},
			"Beat":  {activation.ErrSignedOut, func(e *activation.Engine) error { _, err := e.Beat(ctx, access.Token); return err }},
			"Bound": {activation.ErrSignedOut, func(e *activation.Engine) error {
				_, _, err := e.Bound(ctx, access.Token, "line", "x")
				return err
			}},
			"AddDevice": {activation.ErrInvitation, func(e *activation.Engine) error {
				_, err := e.AddDevice(ctx, activation.AddDevice{Token: open.Token, Device: "new", Key: "n"})
				return err
			}},
		} {
			other := must(activation.New(there, keys, &activation.Options{Now: now.time}))
			for what, e := range map[string]*activation.Engine{"its engine": other, "an engine of both": codes.In(there)} {
				if err := call.do(e); !errors.Is(err, call.want) {
					t.Errorf("%s by %s of another tenant: %v, want %v", name, what, err, call.want)
				}
			}
		}
		// The token of a device is of no use with a code of that tenant either.
		other := must(activation.New(there, keys, &activation.Options{Now: now.time}))
		its := issue(other, listed, "its")
		_, err := other.SignIn(ctx, activation.SignIn{Code: its.Code, Device: "pc", DeviceToken: added.Token})
		isError(t, err, activation.ErrDevice)

		for name, err := range map[string]error{
			"Check": second(codes.Check(ctx, access.Token)), "Beat": second(codes.Beat(ctx, access.Token)),
			"AddDevice": second(codes.AddDevice(ctx, activation.AddDevice{Token: open.Token, Device: "new", Key: "n"})),
			"SignIn":    second(codes.SignIn(ctx, activation.SignIn{Code: onListed.Code, Device: "pc", DeviceToken: added.Token})),
		} {
			if err != nil {
				t.Errorf("%s at home: %v", name, err)
			}
		}
	})
}

func second[V any](_ V, err error) error { return err }
