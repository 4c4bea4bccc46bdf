package delivery_test

import (
	"context"
	"fmt"
	"log"

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
