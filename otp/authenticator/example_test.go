package authenticator_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/otp/authenticator"
	"github.com/scrmkit/scrmkit/secret"
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
