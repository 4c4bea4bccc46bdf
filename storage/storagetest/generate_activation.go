package storagetest

import (
	"context"

	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage"
)

var (
	someActivationCodes = []activation.CodeID{"north", "店", "another"}
	somePortStates      = []activation.PortState{activation.Unlinked, activation.Pending, activation.Linked, activation.LoggedOut, activation.Closed}
)

func (h *history) saveActivation(ctx context.Context, model storage.Tx) step {
	ids := some(h, someActivationCodes, 0, 2, "codes")
	found, err := model.Activation().Load(ctx, activation.Lookup{
		Codes: ids, Port: activation.PortID{Code: "north", N: 1}, Account: "x", Pool: "plan", Device: "pc", Invitation: mac(1),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	var c activation.Change
	for i, id := range ids {
		k := activationCode(string(id), h.version(found.Codes[i].Version)+1)
		k.Disabled, k.Settings.Department = h.upTo(1, "disabled") == 1, pick(h, someTexts, "department")
		k.Created, k.Settings.Expires, k.Sessions[0].Seen = h.time(false, "created"), h.time(true, "expires"), h.time(false, "seen")
		if !h.often("not deleted") {
			k.Deleted = at(1)
		}
		c.Codes = append(c.Codes, k)
		for _, n := range some(h, []int64{1, 2, 3}, 0, 2, "ports") {
			p := activationPort(string(id), n)
			p.State, p.Account = pick(h, somePortStates, "state"), pick(h, []activation.AccountID{"", "x", "y"}, "account")
			p.Platform = pick(h, []activation.PlatformID{"whatsapp", "line"}, "platform")
			c.Ports = append(c.Ports, p)
		}
		c.Entries = append(c.Entries, h.entries(id.Subject())...)
	}
	for _, id := range ids {
		if h.upTo(2, "a session ends") == 0 {
			c.Ended = append(c.Ended, activation.SessionID{Code: id, N: 4})
		}
	}
	if f := found; h.upTo(2, "a claim") == 0 && f.Port.ID.N > 0 {
		claim := f.Claim
		claim.Periods = append(claim.Periods, activation.Period{Code: "north", From: h.time(false, "from"), To: h.time(true, "to")})
		claim.Version, claim.Port = h.version(claim.Version)+1, activation.PortID{Code: pick(h, someActivationCodes, "claims"), N: int64(h.upTo(3, "claimed"))}
		c.Claims = append(c.Claims, claim)
	}
	if h.upTo(2, "a pool") == 0 {
		c.Pools = append(c.Pools, activation.Pool{ID: "plan", Version: h.version(found.Pool.Version) + 1, Ports: h.upTo(5, "ports")})
	}
	if n := h.upTo(4, "draw") - 3; n != 0 {
		c.Draws = append(c.Draws, activation.Draw{Pool: "plan", N: n})
	}
	if h.upTo(2, "a device") == 0 {
		d := activationDevice("pc", h.version(found.Device.Version)+1)
		d.Removed, d.Codes = h.time(true, "removed"), ids
		c.Devices = append(c.Devices, d)
	}
	if h.upTo(2, "an invitation") == 0 {
		c.Invitations = append(c.Invitations, activationInvitation(1, h.version(found.Invitation.Version)+1))
	}
	return try(ctx, model, "Activation.Save", c, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kind(tx.Activation().Save(ctx, c)), nil
	})
}

func (h *history) loadActivation(ctx context.Context, model storage.Tx) step {
	l := activation.Lookup{
		Codes: some(h, someActivationCodes, 0, 3, "codes"), Pool: "plan", Device: "pc", OfDevice: h.upTo(2, "of the device") == 0,
		Invitation: mac(byte(h.upTo(1, "invitation"))), Account: pick(h, []activation.AccountID{"", "x"}, "account"),
		Port:     activation.PortID{Code: pick(h, someActivationCodes, "code"), N: int64(h.upTo(3, "port"))},
		Platform: pick(h, []activation.PlatformID{"", "whatsapp", "line"}, "platform"), Key: pick(h, someKeys, "key"),
	}
	l.Subject = l.Port.Code.Subject()
	return try(ctx, model, "Activation.Load", l, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Activation().Load(ctx, l)
	})
}

func (h *history) queryActivation(ctx context.Context, model storage.Tx) step {
	codes := activation.CodeQuery{Limit: h.upTo(3, "limit"), Now: h.time(false, "now")}
	if h.upTo(1, "of a state") == 1 {
		codes.State = pick(h, []activation.State{activation.Enabled, activation.Disabled, activation.Expired}, "state")
	}
	if h.upTo(1, "of a department") == 1 {
		codes.Department = pick(h, someTexts, "department")
	}
	ports := activation.PortQuery{Limit: h.upTo(3, "limit of ports")}
	if h.upTo(1, "of a code") == 1 {
		ports.Code = pick(h, someActivationCodes, "code")
	}
	if h.upTo(1, "of an account") == 1 {
		ports.Accounts = some(h, []activation.AccountID{"", "x", "y"}, 1, 2, "accounts")
	}
	due := activation.DueQuery{Now: codes.Now.Add(activation.Idle), Limit: codes.Limit}
	if h.upTo(1, "of a pool") == 1 {
		due.Pool = "plan"
	}
	type answer struct {
		Codes   []activation.Code
		Ports   []activation.Held
		Devices []activation.Device
		Due     []activation.Code
		Secret  *activation.Secret
	}
	return try(ctx, model, "Activation queries", []any{codes, ports}, func(ctx context.Context, tx storage.Tx) (any, error) {
		var a answer
		var err error
		if a.Codes, err = collect(tx.Activation().Codes(ctx, codes)); err != nil {
			return nil, err
		}
		if a.Ports, err = collect(tx.Activation().Ports(ctx, ports)); err != nil {
			return nil, err
		}
		if a.Devices, err = collect(tx.Activation().Devices(ctx)); err != nil {
			return nil, err
		}
		if a.Due, err = collect(tx.Activation().Due(ctx, due)); err != nil {
			return nil, err
		}
		a.Secret, err = tx.Activation().Secret(ctx, someActivationCodes[0])
		return a, err
	})
}
