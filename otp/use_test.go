package otp_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var errDenied = errors.New("denied")

// use types codes, and does nothing with those that are right but spend them.
func (b *bench) use(typist otp.TypistID, codes ...string) ([]*otp.Claim, []error, error) {
	var checks []otp.Check
	for _, code := range codes {
		checks = append(checks, otp.Check{Scope: "s", Typist: typist, Code: code, Key: b.fresh()})
	}
	return b.useChecks(checks...)
}

func (b *bench) useChecks(checks ...otp.Check) (got []*otp.Claim, errs []error, err error) {
	errs, err = otp.Use(ctx, b.codes, b.db.InTx, otp.Using{
		Checks: checks,
		Admit: func() ([]storage.Look, func() []error) {
			errs := make([]error, len(checks))
			for i, c := range checks {
				if c.Typist == "stranger" {
					errs[i] = errDenied
				}
			}
			return nil, func() []error { return errs }
		},
		Do: func(_ context.Context, _ storage.Tx, claims []*otp.Claim) ([]bool, error) {
			got = claims
			spend := make([]bool, len(claims))
			for i, c := range claims {
				spend[i] = c != nil && !c.Replayed && c.Code.Purpose != "refused"
			}
			return spend, nil
		},
	})
	return got, errs, err
}

func TestUse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("each code is right, wrong or denied by itself", func(t *testing.T) {
			b := open(t, db.Tenant("use"))
			right, kept := b.issue("s", "alice", "stamp"), b.issue("s", "bob", "refused")
			claims, answers, err := b.useChecks(
				otp.Check{Scope: "s", Typist: "kathy", Code: right.Code, Key: "right"},
				otp.Check{Scope: "s", Typist: "kathy", Code: wrong(right, kept), Key: "wrong"},
				otp.Check{Scope: "s", Typist: "stranger", Code: right.Code, Key: "denied"},
				otp.Check{Scope: "s", Typist: "li", Code: kept.Code, Key: "kept"},
				otp.Check{Scope: "other", Typist: "li", Code: right.Code, Key: "other"},
				otp.Check{Scope: "s", Typist: "li", Code: "12", Key: "short"},
			)
			if err != nil {
				t.Fatal(err)
			}
			var input *errs.InputError
			if answers[0] != nil || !errors.Is(answers[1], otp.ErrInvalidCode) || answers[2] != errDenied || answers[3] != nil ||
				!errors.Is(answers[4], otp.ErrInvalidCode) || !errors.As(answers[5], &input) {
				t.Fatal(answers)
			}
			if claims[0].Code.Holder != "alice" || claims[3].Code.Holder != "bob" || claims[1] != nil || claims[2] != nil || claims[4] != nil {
				t.Fatal(claims)
			}
			if err := b.spend(*claims[0]); !errors.Is(err, otp.ErrInvalidCode) {
				t.Error("the code was not spent:", err)
			}
			if err := b.spend(*claims[3]); err != nil {
				t.Error("what was not done was spent:", err)
			}
			again, answers, err := b.useChecks(otp.Check{Scope: "s", Typist: "kathy", Code: right.Code, Key: "right"})
			if err != nil || answers[0] != nil || !again[0].Replayed {
				t.Error("the key does not give its first answer:", again, answers, err)
			}
		})
		t.Run("a wrong code is charged, and nothing is told where the whole fails", func(t *testing.T) {
			b := open(t, db.Tenant("use charged"))
			issued := b.issue("s", "alice", "stamp")
			told := 0
			for range 20 {
				_, errs, err := b.use("kathy", wrong(issued))
				if err != nil {
					t.Fatal(err)
				}
				if errors.Is(errs[0], otp.ErrInvalidCode) {
					told++
				}
			}
			if told != 4 {
				t.Errorf("%d wrong codes were told as wrong, want 4", told)
			}
			errs, err := otp.Use(ctx, b.codes, b.db.InTx, otp.Using{
				Checks: []otp.Check{{Scope: "s", Typist: "li", Code: issued.Code, Key: "k"}},
				Admit: func() ([]storage.Look, func() []error) {
					return nil, func() []error { return make([]error, 1) }
				},
				Do: func(context.Context, storage.Tx, []*otp.Claim) ([]bool, error) { return nil, errDenied },
			})
			if errs != nil || !errors.Is(err, errDenied) {
				t.Error(errs, err)
			}
			for range b.db.Journal().Of(ctx, journal.Subject("otp-typist", "s", "li")) {
				t.Error("something was stored")
			}
		})
		t.Run("racers spend a code once, whichever way", func(t *testing.T) {
			b := open(t, db.Tenant("use race"))
			for i := range 5 {
				issued := b.issue("s", otp.HolderID(fmt.Sprint("m", i)), "stamp")
				claim, err := b.check("s", issued.Code, "")
				if err != nil {
					t.Fatal(err)
				}
				var won atomic.Int64
				var wg sync.WaitGroup
				for n := range 8 {
					wg.Go(func() {
						if n%2 == 0 {
							if err := b.spend(claim); err == nil {
								won.Add(1)
							} else if !errors.Is(err, otp.ErrInvalidCode) {
								t.Error(err)
							}
							return
						}
						_, errs, err := b.use(otp.TypistID(fmt.Sprint("t", n)), issued.Code)
						switch {
						case err == nil && errs[0] == nil:
							won.Add(1)
						case err != nil && !errors.Is(err, otp.ErrInvalidCode):
							t.Error(err)
						case err == nil && !errors.Is(errs[0], otp.ErrInvalidCode):
							t.Error(errs)
						}
					})
				}
				wg.Wait()
				if won.Load() != 1 {
					t.Fatalf("a code has %d winners", won.Load())
				}
			}
		})
		t.Run("an engine that is bound does not begin another transaction", func(t *testing.T) {
			b := open(t, db.Tenant("use bound"))
			if err := b.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				_, err := otp.Use(ctx, b.codes.In(tx), b.db.InTx, otp.Using{})
				if err == nil {
					t.Error("it did")
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		})
	})
}
