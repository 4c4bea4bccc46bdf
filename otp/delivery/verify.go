package delivery

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Check counts the attempt and returns a claim where the code is right, both in one commit of its
// own: no two attempts, of any process, see the same count. The code stays good until it is spent,
// or another one is sent; the claim is good until it has expired or another claim or code of the
// verification was accepted. Errors: ErrInvalidCode; *ThrottledError; ErrStopped.
func (e *Engine) Check(ctx context.Context, c Attempt) (Checked, error) {
	p, replayed, err := e.attempt(ctx, KindCheck, c, false)
	if err != nil {
		return Checked{}, err
	}
	claim := e.seal(claimed{Hash: p.Hash, ID: p.ID, Purpose: c.Purpose, Address: c.Address, Expires: p.Expires})
	return Checked{Claim: claim, Expires: p.Expires, Replayed: replayed}, nil
}

// Verify is Check and Spend in one, for what needs no transaction. Its key gives the answer again
// for ClaimTTL, and is ErrInvalidCode then. Errors: those of Check.
func (e *Engine) Verify(ctx context.Context, c Attempt) (Verified, error) {
	_, replayed, err := e.attempt(ctx, KindVerify, c, true)
	if err != nil {
		return Verified{}, err
	}
	return Verified{Address: c.Address, Purpose: c.Purpose, Replayed: replayed}, nil
}

// Spend uses a claim up, and ends its verification, exactly once under any number of racers. It
// returns the address that was proved: what the code allows is allowed to that one alone.
// ErrInvalidCode: the claim is for another purpose or of another tenant, past its end, or its
// verification is over. Nothing is stored then, and the transaction is still usable.
func (e *Engine) Spend(ctx context.Context, p Purpose, claim Claim) (Verified, error) {
	c, invalid := e.open(claim, p, e.frame.Now())
	command := engine.Command{
		Name: string(KindSpend), Subject: subjectOf(c.Hash), Key: journal.DerivedKey("spend", c.ID), Input: p,
		Check: func() error { return cmp.Or(valid.ID("purpose", p), invalid) },
	}
	v, _, err := engine.Do(ctx, e.frame, command, func(ctx context.Context, t *engine.Try[Verified]) (Verified, error) {
		r := recipient{Hash: c.Hash}
		if err := e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{recipients.Get(&r)}}}); err != nil {
			return Verified{}, err
		}
		var there bool
		if r.history, there = r.spend(p, c.ID, t.Now); !there {
			return Verified{}, ErrInvalidCode
		}
		v := Verified{Address: c.Address, Purpose: p}
		return v, e.save(ctx, t.Entry(r.Seq+1, v), r, nil)
	})
	return v, err
}

// attempted is what the key of an attempt stands for.
type attempted struct {
	Purpose Purpose `json:"purpose"`
	MAC     []byte  `json:"mac"` // of the code that was typed
}

// attempt runs a Check, or a Verify, which ends the verification. A wrong code is an error once it
// is stored.
func (e *Engine) attempt(ctx context.Context, kind journal.Kind[Proof], c Attempt, ends bool) (Proof, bool, error) {
	digits, invalid := Normalize(c.Code)
	command := e.command(string(kind), func() error {
		if e.frame.Bound {
			return errors.New("a code is checked outside of the transaction, whose rollback would forgive a wrong one")
		}
		return cmp.Or(c.check(), invalid)
	}, c.Address, c.Key, "", nil)
	for _, k := range e.keys {
		command.Others = append(command.Others, attempted{c.Purpose, mac(k, e.frame.Tenant(), c.Purpose, c.Address, digits)})
	}
	command.Input = command.Others[0]
	return engine.Do(ctx, e.frame, command, func(ctx context.Context, t *engine.Try[Proof]) (p Proof, err error) {
		charges := e.policy.attempt(e.keys[0], e.frame.Tenant(), c, t.Now)
		r, entry, err := e.load(ctx, c.Address, c.Key, charges)
		if err != nil {
			return Proof{}, err
		}
		if entry != nil {
			p, err = t.Replay(entry)
			return p.valid(t.Now, err)
		}
		if err := full(charges, t.Now); err != nil {
			return Proof{}, err
		}
		next, v, verdict, err := r.try(c.Purpose, t.Now, e.matches(c.Address, c.Purpose, digits))
		switch {
		case err != nil:
			return Proof{}, err
		case verdict == nothing:
			return Proof{}, ErrInvalidCode
		case verdict == right:
			p, charges = Proof{Hash: r.Hash, ID: v.ID, Expires: t.Now.Add(ClaimTTL)}, nil
		}
		if r.history = next; verdict == right && ends {
			r.history, _ = r.spend(c.Purpose, v.ID, t.Now)
		}
		return p.valid(t.Now, e.save(ctx, t.Entry(r.Seq+1, p), r, charges))
	})
}

// valid returns the proof, or ErrInvalidCode where it is of a wrong code, or an answer from so long
// ago that nobody waits for it any more, and nothing else failed.
func (p Proof) valid(now time.Time, err error) (Proof, error) {
	if err == nil && !now.Before(p.Expires) {
		err = ErrInvalidCode
	}
	return p, err
}
