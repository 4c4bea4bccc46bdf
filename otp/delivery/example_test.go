package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A printer is a sender for a laptop. It keeps the last code, for whoever reads it there.
type printer struct{ code string }

func (p *printer) Send(_ context.Context, m message.Message) (string, error) {
	p.code = m.Vars[0].Value
	fmt.Println(m.Channel, "to", m.To, "says", m.Template, "for", m.Vars[1].Value, "minutes")
	return "", nil
}

// A password is reset by whoever reads the messages of its account. The service looks the account up
// by itself; where there is none it asks for a silent code, so that the page says and does the same.
// Deliver is called by a worker; and Check outside of the transaction that sets the password, so that
// no rollback forgives a guess.
func Example() {
	ctx, db := context.Background(), memory.New()
	random := []byte("32 random bytes, kept in a vault") // from the configuration
	codes, err := delivery.New(db, []secret.Key{{ID: "2026-11", Secret: random}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	accounts := map[delivery.Address]string{"alice@example.com": "alice"}

	for _, address := range []delivery.Address{"alice@example.com", "nobody@example.com"} {
		_, known := accounts[address]
		sent, err := codes.Send(ctx, delivery.Send{
			Address: address, Purpose: "reset", Template: "reset", Language: "en", From: "192.0.2.1", Silent: !known, Key: "request-1",
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("a code was sent; you may ask for", sent.Left, "more")
	}

	var inbox printer
	n, err := codes.Deliver(ctx, &inbox)
	fmt.Println(n, err)

	typed := delivery.Attempt{Address: "alice@example.com", Purpose: "reset", Code: inbox.code, From: "192.0.2.1", Key: "form-1"}
	checked, err := codes.Check(ctx, typed)
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		fmt.Println(db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			proved, err := codes.In(tx).Spend(ctx, "reset", checked.Claim)
			if err != nil {
				return err
			}
			// The password is set here, in the same transaction, of the account that was proved.
			fmt.Println("reset:", accounts[proved.Address])
			return nil
		}))
	}
	// Output:
	// a code was sent; you may ask for 4 more
	// a code was sent; you may ask for 4 more
	// mail to alice@example.com says reset for 10 minutes
	// 1 <nil>
	// reset: alice
	// <nil>
	// delivery.spend: delivery: the code is not valid; ask for a new one
}

// A worker of a service delivers every second, and at once where it is woken. Requests do not wait
// for it.
func ExampleEngine_Deliver() {
	ctx, db := context.Background(), memory.New()
	codes, err := delivery.New(db, []secret.Key{{ID: "2026-11", Secret: []byte("32 random bytes, kept in a vault")}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	wake, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		for range wake { // or a ticker
			if n, err := codes.Deliver(ctx, new(printer)); err != nil {
				log.Print(n, err) // the settings, the account or the vendor's service are to be looked at
			}
		}
	}()

	sent, err := codes.Send(ctx, delivery.Send{Address: "+8613800138000", Purpose: "signin", Template: "signin", Key: "request-1"})
	if err != nil {
		log.Fatal(err)
	}
	select {
	case wake <- struct{}{}:
	default: // it is awake
	}
	close(wake)
	<-done
	status, err := codes.Status(ctx, sent.Ref)
	fmt.Println(status.State, err)
	// Output:
	// sms to +8613800138000 says signin for 10 minutes
	// sent <nil>
}

// A sign-in needs no transaction: whoever types the code is in. The page says how the code goes out,
// and takes what people type on a Chinese keyboard.
func ExampleEngine_Verify() {
	ctx := context.Background()
	codes, err := delivery.New(memory.New(), []secret.Key{{ID: "2026-11", Secret: []byte("32 random bytes, kept in a vault")}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	const number delivery.Address = "+8613800138000"
	if _, err := codes.Send(ctx, delivery.Send{Address: number, Purpose: "signin", Template: "signin", Key: "request-1"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println("look at your", number.Channel())
	var phone printer
	if _, err := codes.Deliver(ctx, &phone); err != nil {
		log.Fatal(err)
	}

	_, err = delivery.Normalize("12345")
	fmt.Println(err)
	plain, err := delivery.Normalize("１２３-４５６")
	fmt.Println(plain, err)
	for i, typed := range []string{"not " + phone.code, phone.code[:3] + " " + phone.code[3:], phone.code} {
		_, err := codes.Verify(ctx, delivery.Attempt{Address: number, Purpose: "signin", Code: typed, Key: fmt.Sprint("form-", i)})
		fmt.Println("in:", err == nil)
	}
	// Output:
	// look at your sms
	// sms to +8613800138000 says signin for 10 minutes
	// code: has not 6 digits
	// 123456 <nil>
	// in: false
	// in: true
	// in: false
}

// The vendor tells by a receipt that the message arrived. Messages are kept for as long as receipts
// may come.
func ExampleEngine_Receive() {
	ctx, now := context.Background(), time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	keys := []secret.Key{{ID: "2026-11", Secret: []byte("32 random bytes, kept in a vault")}}
	codes, err := delivery.New(memory.New(), keys, &delivery.Options{Now: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	sent, err := codes.Send(ctx, delivery.Send{Address: "+8613800138000", Purpose: "signin", Template: "signin", Key: "request-1"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := codes.Deliver(ctx, new(printer)); err != nil {
		log.Fatal(err)
	}
	receipt := message.Receipt{Ref: sent.Ref, Delivered: true} // as sms.AliyunReceipts reads it
	if err := codes.Receive(ctx, receipt); err != nil {
		log.Fatal(err)
	}
	status, err := codes.Status(ctx, sent.Ref)
	fmt.Println(status.State, err)

	now = now.AddDate(0, 0, 8)
	if _, err := codes.Prune(ctx, now.AddDate(0, 0, -7)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(errors.Is(codes.Receive(ctx, receipt), delivery.ErrUnknownMessage))
	// Output:
	// sms to +8613800138000 says signin for 10 minutes
	// delivered <nil>
	// true
}

// Somebody types wrong codes for Alice's number until it is stopped. People let it in again, once
// they know that it is her who calls them.
func ExampleEngine_Admit() {
	ctx, now := context.Background(), time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	keys := []secret.Key{{ID: "2026-11", Secret: []byte("32 random bytes, kept in a vault")}}
	codes, err := delivery.New(memory.New(), keys, &delivery.Options{Now: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	const number delivery.Address = "+8613800138000"
	ask := func() error {
		_, err := codes.Send(ctx, delivery.Send{Address: number, Purpose: "signin", Template: "signin", Key: fmt.Sprint(now.Unix())})
		return err
	}
	for n := 0; n < delivery.MaxMisses; now = now.Add(25 * time.Hour) {
		if err := ask(); err != nil {
			log.Fatal(err)
		}
		for range delivery.MaxTries {
			n++ // a guess
			_, _ = codes.Verify(ctx, delivery.Attempt{Address: number, Purpose: "signin", Code: fmt.Sprintf("%06d", n), Key: fmt.Sprint(n)})
		}
	}
	fmt.Println(ask())
	admitted, err := codes.Admit(ctx, delivery.Admit{Address: number, By: "kathy", Key: "call-7"})
	fmt.Println("after", admitted.Misses, "wrong codes:", err)
	fmt.Println(ask())
	// Output:
	// delivery.send: delivery: too many wrong codes in a row have stopped the address; let it in again with Admit
	// after 100 wrong codes: <nil>
	// <nil>
}

// How long the next code of an address has to wait, the more wrong ones were typed for it.
func ExamplePause() {
	for _, misses := range []int64{0, 5, 10, 50, 99} {
		fmt.Println(misses, delivery.Pause(misses))
	}
	// Output:
	// 0 1m0s
	// 5 2m0s
	// 10 4m0s
	// 50 17h4m0s
	// 99 24h0m0s
}

// Somebody's password was set, and they are told; a sender of the service's own says what became of
// a message that no vendor took.
func ExampleEngine_Tell() {
	ctx, db := context.Background(), memory.New()
	codes, err := delivery.New(db, []secret.Key{{ID: "2026-11", Secret: []byte("32 random bytes, kept in a vault")}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for range 2 { // the same Key is one message
		if _, err := codes.Tell(ctx, delivery.Tell{Address: "alice@example.com", Template: "password-set", Key: "reset-1"}); err != nil {
			log.Fatal(err)
		}
	}
	n, err := codes.Deliver(ctx, message.Print(os.Stdout)) // a worker does this
	fmt.Println(n, err)
	// Output:
	// mail to alice@example.com: password-set
	// 1 <nil>
}
