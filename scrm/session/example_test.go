package session_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A customer signs in on two devices, and ends the session of the one that was lost.
func Example() {
	ctx := context.Background()
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	customers, err := session.New(memory.New(), "customer", &session.Options{Now: func() time.Time { return noon }})
	must(err)
	// The service has asked WeChat, or checked a code by SMS, and knows who this is.
	lost, err := customers.Start(ctx, session.Start{Subject: "alice", Way: "wechat.miniprogram", Device: "iPhone 15"})
	must(err)
	// lost.Token goes to the front end, which sends it with every request.
	here, err := customers.Start(ctx, session.Start{Subject: "alice", Way: "sms", Device: "Mate 60"})
	must(err)

	s, err := customers.Check(ctx, here.Token)
	must(err)
	fmt.Println(s.Subject, "by", s.Way, "until", s.Expires.Format(time.DateOnly))
	all, err := customers.List(ctx, s.Subject)
	must(err)
	for _, other := range all {
		fmt.Println(other.ID, other.Device, "this one:", other.ID == s.ID)
	}
	_, err = customers.Revoke(ctx, session.Revoke{Subject: s.Subject, ID: lost.Session.ID, Key: "tap-1"})
	must(err)
	_, err = customers.Check(ctx, lost.Token)
	fmt.Println(err, "-", errs.ClassOf(err))
	// Output:
	// alice by sms until 2026-03-09
	// 1 iPhone 15 this one: false
	// 2 Mate 60 this one: true
	// session: check: session: invalid or expired token; sign in again - denied
}

// A member of staff whose password was changed is signed out everywhere else. Sessions of staff
// last for a day, or an hour without use.
func ExampleEngine_RevokeAll() {
	ctx := context.Background()
	policy := session.Policy{Lifetime: 24 * time.Hour, Idle: time.Hour, Sessions: 3}
	staff, err := session.New(memory.New(), "staff", &session.Options{Policy: policy})
	if err != nil {
		log.Fatal(err)
	}
	var here session.Started
	for _, device := range []string{"till", "office", "laptop"} {
		if here, err = staff.Start(ctx, session.Start{Subject: "kathy", Way: "password", Device: device}); err != nil {
			log.Fatal(err)
		}
	}
	out, err := staff.RevokeAll(ctx, session.RevokeAll{Subject: "kathy", Except: here.Session.ID, Key: "password-7"})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range out.Sessions {
		fmt.Println("signed out:", s.Device)
	}
	// Output:
	// signed out: till
	// signed out: office
}
