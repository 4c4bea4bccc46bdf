package authenticator_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/otp/authenticator"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A member of staff enrolls with an app, signs in with a code and, without the app, with a recovery
// code.
func Example() {
	ctx, now := context.Background(), time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	random := []byte("32 random bytes, kept in a vault") // from the configuration
	e, err := authenticator.New(memory.New(), []secret.Key{{ID: "2026-11", Secret: random}}, &authenticator.Options{
		Now: func() time.Time { return now },
	})
	if err != nil {
		log.Fatal(err)
	}
	const kathy = authenticator.Subject("staff/kathy")

	// The page shows the URI as a QR code, and the app reads it.
	enrollment, err := e.Enroll(ctx, authenticator.Enroll{Subject: kathy, Issuer: "Coffee Shop", Account: "kathy", Key: "enroll-1"})
	if err != nil {
		log.Fatal(err)
	}
	picture, err := authenticator.QR(enrollment.URI, 300)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("picture:", picture.Bounds())
	app := func() string {
		code, err := enrollment.TOTP.Code(now)
		if err != nil {
			log.Fatal(err)
		}
		return code
	}
	if _, err := e.Confirm(ctx, authenticator.Confirm{Subject: kathy, Code: app(), Key: "enroll-1-code"}); err != nil {
		log.Fatal(err)
	}
	renewed, err := e.Renew(ctx, authenticator.Renew{Subject: kathy, Key: "codes-1"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("recovery codes:", len(renewed.Codes))

	// At the next sign-in a code is good once.
	now = now.Add(time.Hour)
	for _, attempt := range []string{"sign-in-1", "sign-in-2"} {
		_, err := e.Verify(ctx, authenticator.Verify{Subject: kathy, Code: app(), Key: attempt})
		fmt.Println(err == nil, errors.Is(err, authenticator.ErrInvalidCode))
	}
	out, err := e.Recover(ctx, authenticator.Recover{Subject: kathy, Code: renewed.Codes[0], Key: "sign-in-3"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("left:", out.Status.Recovery.Left)
	// Output:
	// picture: (0,0)-(300,300)
	// recovery codes: 10
	// true false
	// false true
	// left: 9
}

// A phone is stolen. Its codes are good for nothing at once, the second factor is still asked for,
// and in the end people at the desk remove it, with what else they change.
func ExampleEngine_Disable() {
	ctx, db := context.Background(), memory.New()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	keys := []secret.Key{{ID: "2026-11", Secret: []byte("32 random bytes, kept in a vault")}}
	e, err := authenticator.New(db, keys, &authenticator.Options{Now: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	const alice = authenticator.Subject("customer/alice")
	enrollment, err := e.Enroll(ctx, authenticator.Enroll{Subject: alice, Issuer: "Coffee Shop", Account: "alice", Key: "enroll-1"})
	if err != nil {
		log.Fatal(err)
	}
	code, err := enrollment.TOTP.Code(now)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := e.Confirm(ctx, authenticator.Confirm{Subject: alice, Code: code, Key: "enroll-1-code"}); err != nil {
		log.Fatal(err)
	}

	if _, err := e.Disable(ctx, authenticator.Disable{Subject: alice, By: "alice", Key: "stolen"}); err != nil {
		log.Fatal(err)
	}
	_, err = e.Verify(ctx, authenticator.Verify{Subject: alice, Code: code, Key: "thief-1"})
	fmt.Println("disabled:", errors.Is(err, authenticator.ErrDisabled))
	status, err := e.Status(ctx, alice)
	fmt.Println("a second factor is asked for:", status.Enrolled(), err)

	err = db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		_, err := e.In(tx).Remove(ctx, authenticator.Remove{Subject: alice, By: "desk/kathy", Key: "remove-1"})
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	status, err = e.Status(ctx, alice)
	fmt.Println("a second factor is asked for:", status.Enrolled(), err)
	// Output:
	// disabled: true
	// a second factor is asked for: true <nil>
	// a second factor is asked for: false <nil>
}

// A key is replaced while the service runs: the old one goes once nothing is sealed with it.
func ExampleEngine_Reseal() {
	ctx, db := context.Background(), memory.New()
	last := secret.Key{ID: "2025", Secret: []byte("32 random bytes, kept in a vault")}
	next := secret.Key{ID: "2026", Secret: []byte("32 others, kept in the same vault")}
	before, err := authenticator.New(db, []secret.Key{last}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, who := range []authenticator.Subject{"alice", "bob", "carol"} {
		if _, err := before.Enroll(ctx, authenticator.Enroll{Subject: who, Issuer: "Coffee Shop", Account: string(who), Key: "1"}); err != nil {
			log.Fatal(err)
		}
	}
	both, err := authenticator.New(db, []secret.Key{next, last}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for n := 1; n > 0; {
		if n, err = both.Reseal(ctx, 2); err != nil {
			log.Fatal(err)
		}
		fmt.Println(n)
	}
	// Output:
	// 2
	// 1
	// 0
}

// A service that has secrets of another system checks codes by itself: it keeps the step of the last
// one, so that none is accepted twice. The secret is that of RFC 6238.
func ExampleTOTP_Verify() {
	app := authenticator.TOTP{Secret: []byte("12345678901234567890"), Algorithm: authenticator.SHA1, Digits: 6, Period: 30 * time.Second}
	if err := app.Validate(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("to be typed:", app.Base32())
	uri, err := app.URI("Coffee Shop", "alice")
	fmt.Println("to be scanned:", uri, err)

	now, last := time.Unix(59, 0), int64(0)
	for range 2 {
		step, ok := app.Verify("287082", now, last, false)
		fmt.Println(step, ok)
		last = max(last, step)
	}
	// Output:
	// to be typed: GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
	// to be scanned: otpauth://totp/Coffee%20Shop:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Coffee%20Shop&algorithm=SHA1&digits=6&period=30 <nil>
	// 1 true
	// 1 false
}

// What wrong codes in a row cost whoever types them.
func ExampleWait() {
	for _, failures := range []int64{4, 5, 6, 12, 99} {
		fmt.Println(failures, authenticator.Wait(failures))
	}
	// Output:
	// 4 0s
	// 5 30s
	// 6 1m0s
	// 12 1h0m0s
	// 99 1h0m0s
}
