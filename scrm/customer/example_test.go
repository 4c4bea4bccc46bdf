package customer_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func Example() {
	ctx := context.Background()
	keys := []secret.Key{{ID: "2026", Secret: []byte("32 random bytes from the settings")}}
	customers, err := customer.New(memory.New(), keys, &customer.Options{Now: func() time.Time { return start }})
	if err != nil {
		log.Fatal(err)
	}

	// WeChat has told who it is.
	openID := customer.Identity{Platform: customer.OpenID, Namespace: "wx0123456789abcdef", ID: "oAlice"}
	who, err := customers.SignIn(ctx, customer.SignIn{Identity: openID, Way: "wechat", Member: "alice"})
	fmt.Println(who.Member, who.New, err)

	// A code that was sent to the number has come back.
	phone := customer.Identity{Platform: customer.Phone, ID: "+8613800138000"}
	_, err = customers.Link(ctx, customer.Link{Member: who.Member, Identity: phone, Way: "sms", Key: "link-1"})
	fmt.Println(err)
	again, err := customers.SignIn(ctx, customer.SignIn{Identity: phone, Way: "sms"})
	fmt.Println(again.Member, again.New, err)

	marketing := customer.Use{Purpose: "marketing", Channel: "sms"}
	alice, err := customers.Get(ctx, who.Member)
	fmt.Println(alice.May(marketing, start), err)
	_, err = customers.RecordConsent(ctx, customer.RecordConsent{Member: who.Member, Key: "consent-1", Consent: customer.Consent{
		Purpose: "marketing", Kind: customer.Plain, Given: true, Version: "2026-01", Way: "miniprogram", Time: start,
	}})
	if err != nil {
		log.Fatal(err)
	}
	alice, err = customers.Get(ctx, who.Member)
	fmt.Println(alice.May(marketing, start), err)

	_, err = customers.Unlink(ctx, customer.Unlink{Member: "bob", Identity: phone, Key: "unlink-1"})
	fmt.Println(errors.Is(err, customer.ErrUnknown))
	// Output:
	// alice true <nil>
	// <nil>
	// alice false <nil>
	// customer: the customer has not agreed to that <nil>
	// <nil> <nil>
	// true
}
