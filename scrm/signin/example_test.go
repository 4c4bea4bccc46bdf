package signin_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/scrm/signin"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// A pocket is a sender that keeps the last code, as a phone would, and prints what has none.
type pocket struct{ code string }

func (p *pocket) Send(_ context.Context, m message.Message) (string, error) {
	if len(m.Vars) == 0 {
		fmt.Println("told:", m.Template)
		return "", nil
	}
	p.code = m.Vars[0].Value
	return "", nil
}

// A customer opens the Mini Program, links a number with a code that is sent there, and signs in
// with it on another device; in the end she is forgotten. WeChat is one that runs in the test.
func Example() {
	ctx, db := context.Background(), memory.New()
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	fake := wechattest.NewServer(nil)
	defer fake.Close()
	app := wechat.App{ID: "wx0123456789abcdef", Secret: "the app's secret"}
	fake.AddApp(wechattest.App{ID: app.ID, Secret: app.Secret})

	keys := []secret.Key{{ID: "2026", Secret: []byte("32 random bytes of your own secret")}}
	client, err := wechat.New(db, app, keys, &wechat.Options{Base: fake.URL})
	must(err)
	mini, err := miniprogram.New(db, client, keys, nil)
	must(err)
	customers, err := customer.New(db, keys, nil)
	must(err)
	sessions, err := session.New(db, "customer", nil)
	must(err)
	now := time.Now()
	codes, err := delivery.New(db, keys, &delivery.Options{Now: func() time.Time { return now }})
	must(err)
	flow := signin.New(db, customers, sessions, mini, codes, &signin.Options{Unlinked: "unlinked"})

	in, err := flow.WeChat(ctx, signin.WeChat{Code: fake.Login(app.ID, wechattest.User{OpenID: "oAlice"}), Device: "phone"})
	must(err)
	member, _, err := flow.Session(ctx, in.Started.Token) // of each request
	fmt.Println("new:", in.Customer.New, "the same:", member == in.Customer.Member, err)

	const number delivery.Address = "+8613800138000"
	_, err = flow.Ask(ctx, signin.Ask{Address: number, Purpose: signin.PurposeLink, Template: "code", Key: "ask-1"})
	must(err)
	phone := new(pocket)
	_, err = codes.Deliver(ctx, phone) // a worker does this
	must(err)
	linked, err := flow.Link(ctx, signin.Link{Member: member, Address: number, Code: phone.code, Key: "link-1"})
	fmt.Println("linked:", linked.Identity.Platform, err)

	alice, err := customers.Get(ctx, member)
	fmt.Println("identities:", len(alice.Identities), err)

	now = now.Add(delivery.Pause(0)) // until the next code may be asked for
	_, err = flow.Ask(ctx, signin.Ask{Address: number, Purpose: signin.PurposeSignIn, Template: "code", Key: "ask-2"})
	must(err)
	_, err = codes.Deliver(ctx, phone)
	must(err)
	tablet, err := flow.Enter(ctx, signin.Enter{Address: number, Code: phone.code, Device: "tablet", Key: "enter-1"})
	fmt.Println("the same by her number:", tablet.Customer.Member == member, err)

	_, err = flow.Unlink(ctx, customer.Unlink{Member: member, Identity: linked.Identity, By: "alice", Key: "unlink-1"})
	must(err)
	_, err = codes.Deliver(ctx, phone)
	must(err)

	_, err = flow.Erase(ctx, customer.Erase{Member: member, By: "alice", Key: "erase-1"}) // which ends both sessions
	must(err)
	_, _, err = flow.Session(ctx, tablet.Started.Token)
	fmt.Println("erased:", errors.Is(err, session.ErrInvalid))
	// Output:
	// new: true the same: true <nil>
	// linked: phone <nil>
	// identities: 2 <nil>
	// the same by her number: true <nil>
	// told: unlinked
	// erased: true
}
