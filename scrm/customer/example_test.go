package customer_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
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
	number, ok := alice.Identity(customer.Phone, "") // where to send it, and not at night
	night := customer.Quiet{From: 22 * 60, To: 8 * 60, Zone: "Asia/Shanghai"}
	later, err := night.Until(time.Date(2026, 3, 10, 23, 0, 0, 0, time.UTC))
	fmt.Println(number.ID == phone.ID, ok, later.Format(time.RFC3339), err)

	_, err = customers.Unlink(ctx, customer.Unlink{Member: "bob", Identity: phone, Key: "unlink-1"})
	fmt.Println(errors.Is(err, customer.ErrUnknown))
	// Output:
	// alice true <nil>
	// <nil>
	// alice false <nil>
	// customer: the customer has not agreed to that <nil>
	// <nil> <nil>
	// true true 2026-03-11T08:00:00+08:00 <nil>
	// true
}

// A coffee shop asks for the milk that a customer takes. Its front end fills in the profile that it
// has read, and is told where somebody else has changed it meanwhile.
func ExampleEngine_PutProfile() {
	ctx := context.Background()
	customers, err := customer.New(memory.New(), nil, &customer.Options{PlainText: true, Now: func() time.Time { return start }})
	if err != nil {
		log.Fatal(err)
	}
	milk := customer.Field{Name: "milk", Type: customer.Choice, Choices: []string{"cow", "oat"}}
	if err := customers.Publish(ctx, customer.Fields{Version: 1, Fields: []customer.Field{milk}}); err != nil {
		log.Fatal(err)
	}
	fields, err := customers.Fields(ctx)
	fmt.Println(fields.Fields[0].Choices, err)

	openID := customer.Identity{Platform: customer.OpenID, Namespace: "wx0123456789abcdef", ID: "oAlice"}
	if _, err := customers.SignIn(ctx, customer.SignIn{Identity: openID, Way: "wechat", Member: "alice"}); err != nil {
		log.Fatal(err)
	}
	read, err := customers.Get(ctx, "alice")
	if err != nil {
		log.Fatal(err)
	}
	put := customer.PutProfile{Member: "alice", Version: read.Version, Key: "form-1", Profile: customer.Profile{
		Nickname: "小爱", Birthday: customer.Date{Year: 1990, Month: time.May, Day: 1}, Custom: map[string]string{"milk": "soy"},
	}}
	_, err = customers.PutProfile(ctx, put)
	fmt.Println(err)
	put.Profile.Custom["milk"] = "oat"
	_, err = customers.PutProfile(ctx, put)
	fmt.Println(err)
	put.Key = "form-2" // of another page, which was read before
	_, err = customers.PutProfile(ctx, put)
	fmt.Println(errors.Is(err, customer.ErrChanged))

	alice, err := customers.Get(ctx, "alice")
	if err != nil {
		log.Fatal(err)
	}
	age, known := alice.Profile.Birthday.Age(start)
	fmt.Println(alice.Profile.Nickname, age, known, alice.Profile.Custom["milk"])
	// Output:
	// [cow oat] <nil>
	// customer.putProfile: profile.custom.milk: is no choice as the field has them
	// <nil>
	// true
	// 小爱 35 true oat
}

// The till knows a number, and finds out whose it is and how they want to be told.
func ExampleEngine_Find() {
	ctx := context.Background()
	customers, err := customer.New(memory.New(), nil, &customer.Options{PlainText: true})
	if err != nil {
		log.Fatal(err)
	}
	phone := customer.Identity{Platform: customer.Phone, ID: "+8613800138000"}
	if _, err := customers.SignIn(ctx, customer.SignIn{Identity: phone, Way: "sms", Member: "alice"}); err != nil {
		log.Fatal(err)
	}
	_, err = customers.PutPreferences(ctx, customer.PutPreferences{
		Member: "alice", Preferences: customer.Preferences{Language: "zh-Hans", Channels: []string{"wechat"}}, Key: "form-1",
	})
	if err != nil {
		log.Fatal(err)
	}
	member, err := customers.Find(ctx, phone)
	if err != nil {
		log.Fatal(err)
	}
	who, err := customers.Get(ctx, member)
	fmt.Println(who.ID, err)
	for _, channel := range []string{"sms", "wechat"} {
		fmt.Println(channel, who.Preferences.Takes(channel))
	}
	_, err = customers.Find(ctx, customer.Identity{Platform: customer.Phone, ID: "+8613900139000"})
	fmt.Println(errors.Is(err, customer.ErrUnknown))
	// Output:
	// alice <nil>
	// sms false
	// wechat true
	// true
}

// A customer asks for a copy of their data, and then to be forgotten. A worker erases who is due, in
// one transaction with what the service itself has of them.
func ExampleEngine_Erase() {
	ctx, db := context.Background(), memory.New()
	customers, err := customer.New(db, nil, &customer.Options{PlainText: true, Now: func() time.Time { return start }})
	if err != nil {
		log.Fatal(err)
	}
	must := func(_ any, err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	mail := customer.Identity{Platform: customer.Mail, ID: "alice@example.com"}
	must(customers.SignIn(ctx, customer.SignIn{Identity: mail, Way: "code", Member: "alice"}))
	must(customers.RecordConsent(ctx, customer.RecordConsent{Member: "alice", Key: "box-1", Consent: customer.Consent{
		Purpose: "marketing", Kind: customer.Plain, Given: true, Version: "2026-01", Way: "web", Time: start,
	}}))
	data, err := customers.Export(ctx, "alice")
	fmt.Println(data.Customer.Identities[0].ID, len(data.Consents), err)

	due := start.AddDate(0, 0, 15)
	must(customers.ScheduleErasure(ctx, customer.ScheduleErasure{Member: "alice", Due: due, Key: "erase-1"}))
	for who, err := range customers.Erasures(ctx, due.Add(time.Second)) {
		if err != nil {
			log.Fatal(err)
		}
		err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			_, err := customers.In(tx).Erase(ctx, customer.Erase{Member: who.Member, By: "worker", Key: "erased"})
			return err // the service forgets them with tx too
		})
		fmt.Println("erased:", who.Member, err)
	}
	_, err = customers.Find(ctx, mail)
	fmt.Println(errors.Is(err, customer.ErrUnknown))
	for said, err := range customers.Consents(ctx, "alice") { // which stay, as evidence
		fmt.Println(said.Purpose, said.Given, err)
	}
	// Output:
	// alice@example.com 1 <nil>
	// erased: alice <nil>
	// true
	// marketing true <nil>
}

// A key is replaced while the service runs: the new one is first everywhere before the old one goes.
func ExampleEngine_Reseal() {
	ctx, db := context.Background(), memory.New()
	last := secret.Key{ID: "2025", Secret: []byte("32 random bytes from the settings")}
	next := secret.Key{ID: "2026", Secret: []byte("32 other bytes from the settings!")}
	phone := customer.Identity{Platform: customer.Phone, ID: "+8613800138000"}
	before, err := customer.New(db, []secret.Key{last}, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := before.SignIn(ctx, customer.SignIn{Identity: phone, Way: "sms", Member: "alice"}); err != nil {
		log.Fatal(err)
	}
	both, err := customer.New(db, []secret.Key{next, last}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(both.Reseal(ctx))
	after, err := customer.New(db, []secret.Key{next}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(after.Find(ctx, phone))
	// Output:
	// 1 <nil>
	// alice <nil>
}

// WeChat moves the users of an app to another one. Who signs in there is known by the unionid, and
// the openid of the old app goes; Bob has not come yet.
func ExampleEngine_MoveApp() {
	ctx := context.Background()
	customers, err := customer.New(memory.New(), nil, &customer.Options{PlainText: true})
	if err != nil {
		log.Fatal(err)
	}
	signIn := func(app, name string) {
		openID := customer.Identity{Platform: customer.OpenID, Namespace: app, ID: "o" + app + name}
		union := customer.Identity{Platform: customer.UnionID, Namespace: "ours", ID: "u" + name}
		who, err := customers.SignIn(ctx, customer.SignIn{Identity: openID, Also: []customer.Identity{union}, Way: "wechat"})
		fmt.Println(app, name, "new:", who.New, err)
	}
	signIn("wxOld", "Alice")
	signIn("wxOld", "Bob")
	signIn("wxNew", "Alice")
	moved, err := customers.MoveApp(ctx, "wxOld", "wxNew")
	fmt.Println("moved:", moved.Moved, "waiting:", moved.Waiting, "lost:", moved.Lost, err)
	// Output:
	// wxOld Alice new: true <nil>
	// wxOld Bob new: true <nil>
	// wxNew Alice new: false <nil>
	// moved: 1 waiting: 1 lost: 0 <nil>
}
