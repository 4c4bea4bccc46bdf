package session_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/storage"
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

// A session begins with what the sign-in stores, or not at all: here a device that is noted. The
// journal tells a customer who signed in when.
func ExampleEngine_In() {
	ctx, db := context.Background(), memory.New()
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	customers, err := session.New(db, "customer", &session.Options{Now: func() time.Time { return noon }})
	if err != nil {
		log.Fatal(err)
	}
	for _, note := range []error{errors.New("the device is not known"), nil} {
		var started session.Started
		err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) (err error) {
			if started, err = customers.In(tx).Start(ctx, session.Start{Subject: "alice", Way: "sms"}); err != nil {
				return err
			}
			return note // what else the sign-in stores with tx
		})
		if err != nil {
			fmt.Println("no session:", err)
			continue
		}
		s, err := customers.Check(ctx, started.Token) // which goes out after the commit
		fmt.Println(s.Subject, err)
	}
	for entry, err := range db.Journal().Of(ctx, session.JournalSubject("customer", "alice")) {
		fmt.Println(entry.At.Format(time.DateTime), entry.Kind, err)
	}
	// Output:
	// no session: the device is not known
	// alice <nil>
	// 2026-03-02 12:00:00 session.start <nil>
}

// A token is replaced as soon as its owner has proved more, and is of no use once they sign out.
func ExampleEngine_Rotate() {
	ctx := context.Background()
	staff, err := session.New(memory.New(), "staff", nil)
	if err != nil {
		log.Fatal(err)
	}
	password, err := staff.Start(ctx, session.Start{Subject: "kathy", Way: "password"})
	if err != nil {
		log.Fatal(err)
	}
	// Kathy's authenticator has shown the right code.
	both, err := staff.Rotate(ctx, password.Token)
	if err != nil {
		log.Fatal(err)
	}
	_, err = staff.Check(ctx, password.Token)
	fmt.Println("the old token:", errors.Is(err, session.ErrInvalid))
	over, err := staff.End(ctx, both.Token)
	fmt.Println("signed out:", over.Subject, err)
	_, err = staff.Check(ctx, both.Token)
	fmt.Println("the new token:", errors.Is(err, session.ErrInvalid))
	// Output:
	// the old token: true
	// signed out: kathy <nil>
	// the new token: true
}

// A gateway with many open connections looks at all their tokens in one round trip. What is over for
// long is pruned by night.
func ExampleEngine_CheckEach() {
	ctx, now := context.Background(), time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	customers, err := session.New(memory.New(), "customer", &session.Options{Now: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	var tokens []string
	for _, who := range []session.Subject{"alice", "bob"} {
		s, err := customers.Start(ctx, session.Start{Subject: who, Way: "sms"})
		if err != nil {
			log.Fatal(err)
		}
		tokens = append(tokens, s.Token)
	}
	sessions, invalid, err := customers.CheckEach(ctx, append(tokens, "made up"))
	if err != nil {
		log.Fatal(err)
	}
	for i, s := range sessions {
		fmt.Printf("%q may stay: %t\n", s.Subject, invalid[i] == nil)
	}
	now = now.AddDate(1, 0, 0)
	fmt.Println(customers.Prune(ctx))
	// Output:
	// "alice" may stay: true
	// "bob" may stay: true
	// "" may stay: false
	// 2 <nil>
}

// A request that reads rows of the service's own checks the token in the same round trip.
func ExampleEngine_Checking() {
	ctx, db := context.Background(), memory.New()
	customers, err := session.New(db, "customer", nil)
	if err != nil {
		log.Fatal(err)
	}
	started, err := customers.Start(ctx, session.Start{Subject: "alice", Way: "sms"})
	if err != nil {
		log.Fatal(err)
	}
	looks, answer := customers.Checking(started.Token)
	looks = append(looks, storage.Look{Subject: "order/17", Key: "order-17"}) // what else the request reads
	if err := db.Load(ctx, looks); err != nil {
		log.Fatal(err)
	}
	s, err := answer(ctx)
	fmt.Println(s.Subject, err)
	// Output: alice <nil>
}
