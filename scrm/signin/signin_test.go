package signin_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/scrm/signin"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

const appID = "wx0123456789abcdef"

var (
	keys  = []secret.Key{{ID: "1", Secret: []byte("a secret that is 32 bytes or more")}}
	alice = wechattest.User{OpenID: "oAlice", UnionID: "uAlice", Phone: "13800138000"}
	bob   = wechattest.User{OpenID: "oBob", UnionID: "uBob", Phone: "13900139000"}
)

const number delivery.Address = "+8613800138000"

// A bench has everything that signs somebody in, a WeChat, and a clock that stands until it is
// moved.
type bench struct {
	*signin.Flow
	t         testing.TB
	fake      *wechattest.Server
	customers *customer.Engine
	sessions  *session.Engine
	codes     *delivery.Engine
	at        atomic.Int64
	n         int
	sent      map[string]string // by address: the last code
	told      []string          // messages without a code
}

func open(t testing.TB, db storage.DB, known bool) *bench {
	b := &bench{t: t, sent: map[string]string{}}
	b.at.Store(time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC).UnixMicro())
	b.fake = wechattest.NewServer(&wechattest.Options{Now: b.now})
	t.Cleanup(b.fake.Close)
	b.fake.AddApp(wechattest.App{ID: appID, Secret: "TOPSECRET0123456789"})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	client, err := wechat.New(db, wechat.App{ID: appID, Secret: "TOPSECRET0123456789"}, keys, &wechat.Options{Now: b.now, Base: b.fake.URL})
	must(err)
	app, err := miniprogram.New(db, client, keys, &miniprogram.Options{Now: b.now, Platform: "ours"})
	must(err)
	b.customers, err = customer.New(db, keys, &customer.Options{Now: b.now})
	must(err)
	b.sessions, err = session.New(db, "customer", &session.Options{Now: b.now})
	must(err)
	b.codes, err = delivery.New(db, keys, &delivery.Options{Now: b.now})
	must(err)
	b.Flow = signin.New(db, b.customers, b.sessions, app, b.codes, &signin.Options{Known: known, Unlinked: "unlinked"})
	return b
}

func (b *bench) now() time.Time       { return time.UnixMicro(b.at.Load()).UTC() }
func (b *bench) pass(d time.Duration) { b.at.Add(d.Microseconds()) }
func (b *bench) key() string          { b.n++; return fmt.Sprint("key-", b.n) }

// Send implements message.Sender: it keeps the code.
func (b *bench) Send(_ context.Context, m message.Message) (string, error) {
	if len(m.Vars) == 0 {
		b.told = append(b.told, m.To+" "+m.Template+" "+m.Language)
		return "", nil
	}
	b.sent[m.To] = m.Vars[0].Value
	return "", nil
}

func (b *bench) weChat(u wechattest.User) signin.SignedIn {
	b.t.Helper()
	in, err := b.WeChat(b.t.Context(), signin.WeChat{Code: b.fake.Login(appID, u), Device: "phone"})
	if err != nil {
		b.t.Fatal(err)
	}
	return in
}

// code has a code sent, and returns it; "": none was.
func (b *bench) code(a delivery.Address, p delivery.Purpose) string {
	b.t.Helper()
	b.pass(2 * time.Minute)
	delete(b.sent, string(a))
	if _, err := b.Ask(b.t.Context(), signin.Ask{Address: a, Purpose: p, Template: "code", Key: b.key()}); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.codes.Deliver(b.t.Context(), b); err != nil {
		b.t.Fatal(err)
	}
	return b.sent[string(a)]
}

func isError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestWeChat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db, false)
		first, second := b.weChat(alice), b.weChat(alice)
		if !first.Customer.New || second.Customer != (customer.SignedIn{Member: first.Customer.Member}) || first.Started.Token == second.Started.Token {
			t.Error(first, second)
		}
		for _, in := range []signin.SignedIn{first, second} {
			m, s, err := b.Session(t.Context(), in.Started.Token)
			if err != nil || m != first.Customer.Member || s.Way != signin.WayMiniProgram || s.Device != "phone" {
				t.Error(m, s, err)
			}
		}
		_, err := b.WeChat(t.Context(), signin.WeChat{Code: "none"})
		isError(t, "a code that is none", err, wechat.ErrCodeInvalid)
		b.fake.Fail("/sns/jscode2session", wechattest.Fault{Status: 502, Body: "<html>"})
		_, err = b.WeChat(t.Context(), signin.WeChat{Code: b.fake.Login(appID, bob)})
		isError(t, "a WeChat that is down", err, wechat.ErrUnavailable)
	})
}

// An address that is unlinked is told, once, whichever way it was; one that WeChat knows is not.
func TestUnlinked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db, false)
		ctx, a := t.Context(), b.weChat(alice).Customer.Member
		_, err := b.customers.PutPreferences(ctx, customer.PutPreferences{Member: a, Preferences: customer.Preferences{Language: "zh-Hans"}, Key: b.key()})
		if err != nil {
			t.Fatal(err)
		}
		told := func(what string, want ...string) {
			t.Helper()
			b.told = nil
			if _, err := b.codes.Deliver(ctx, b); err != nil {
				t.Error(err)
			}
			if !slices.Equal(b.told, want) {
				t.Errorf("%s: told %q, want %q", what, b.told, want)
			}
		}
		press := func(u wechattest.User, key string) {
			t.Helper()
			if _, err := b.PressPhone(ctx, signin.PressPhone{
				Member: a, App: appID, Code: b.fake.PressPhone(appID, u), Way: miniprogram.Quick, Replace: true, Key: key,
			}); err != nil {
				t.Error(err)
			}
		}
		press(alice, "1")
		told("the first number")
		other := alice
		other.Phone = "13700137000"
		press(other, "2")
		told("another number, by the button", "+8613800138000 unlinked zh-Hans")
		const third, mail delivery.Address = "+8613600136000", "alice@example.com"
		link := signin.Link{Member: a, Address: third, Code: b.code(third, signin.PurposeLink), Replace: true, Key: "3"}
		for range 2 {
			if _, err := b.Link(ctx, link); err != nil {
				t.Error(err)
			}
		}
		told("another number, by a code", "+8613700137000 unlinked zh-Hans")
		if _, err := b.Link(ctx, signin.Link{Member: a, Address: mail, Code: b.code(mail, signin.PurposeLink), Key: "4"}); err != nil {
			t.Error(err)
		}
		for _, c := range []struct {
			identity customer.Identity
			want     []string
		}{
			{customer.Identity{Platform: customer.Mail, ID: string(mail)}, []string{"alice@example.com unlinked zh-Hans"}},
			{customer.Identity{Platform: customer.UnionID, Namespace: "ours", ID: alice.UnionID}, nil},
		} {
			for range 2 {
				if _, err := b.Unlink(ctx, customer.Unlink{Member: a, Identity: c.identity, Key: "unlink"}); err != nil && c.want != nil {
					t.Error(err)
				}
			}
			told("unlinked "+string(c.identity.Platform), c.want...)
		}
		b.pass(2 * delivery.TellWithin)
		press(other, "5")
		b.pass(delivery.TellWithin)
		told("a day later")
	})
}

func TestPressPhone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db, false)
		a, o := b.weChat(alice).Customer.Member, b.weChat(bob).Customer.Member
		press := signin.PressPhone{Member: a, App: appID, Code: b.fake.PressPhone(appID, alice), Way: miniprogram.Quick, Key: "press"}
		for _, replayed := range []bool{false, true} {
			out, err := b.PressPhone(t.Context(), press)
			if err != nil || out.Identity.ID != string(number) || out.Replayed != replayed {
				t.Error(out, err)
			}
		}
		_, err := b.PressPhone(t.Context(), signin.PressPhone{Member: a, App: appID, Code: b.fake.PressPhone(appID, bob), Way: miniprogram.Quick, Replace: true, Key: "2"})
		isError(t, "a code that was taken on another's phone", err, wechat.ErrCodeInvalid)
		same := alice
		same.OpenID = bob.OpenID
		_, err = b.PressPhone(t.Context(), signin.PressPhone{Member: o, App: appID, Code: b.fake.PressPhone(appID, same), Way: miniprogram.Quick, Key: "3"})
		isError(t, "a number that somebody else has", err, customer.ErrTaken)
		_, err = b.PressPhone(t.Context(), signin.PressPhone{Member: a, App: "wxother", Code: "c", Way: miniprogram.Quick, Key: "4"})
		isError(t, "an app where the customer is not known", err, signin.ErrNoOpenID)
		_, err = b.PressPhone(t.Context(), signin.PressPhone{Member: "nobody", App: appID, Code: "c", Way: miniprogram.Quick, Key: "5"})
		isError(t, "nobody", err, customer.ErrUnknown)
	})
}

func TestLink(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db, false)
		a, o := b.weChat(alice).Customer.Member, b.weChat(bob).Customer.Member
		code := b.code(number, signin.PurposeLink)
		_, err := b.Enter(t.Context(), signin.Enter{Address: number, Code: code, Key: b.key()})
		isError(t, "a code to link, to sign in", err, delivery.ErrInvalidCode)
		wrong := "000000"
		if code == wrong {
			wrong = "000001"
		}
		_, err = b.Link(t.Context(), signin.Link{Member: a, Address: number, Code: wrong, Key: b.key()})
		isError(t, "a wrong code", err, delivery.ErrInvalidCode)
		link := signin.Link{Member: a, Address: number, Code: code, Key: b.key()}
		for _, replayed := range []bool{false, true} {
			out, err := b.Link(t.Context(), link)
			if err != nil || out.Identity != (customer.Identity{Platform: customer.Phone, ID: string(number)}) || out.Replayed != replayed {
				t.Error(out, err)
			}
		}
		_, err = b.Link(t.Context(), signin.Link{Member: o, Address: number, Code: code, Key: b.key()})
		isError(t, "a code that was used", err, delivery.ErrInvalidCode)

		code = b.code(number, signin.PurposeLink)
		_, err = b.Link(t.Context(), signin.Link{Member: o, Address: number, Code: code, Key: b.key()})
		isError(t, "a number that somebody else has", err, customer.ErrTaken)
		if out, err := b.Link(t.Context(), signin.Link{Member: a, Address: number, Code: code, Key: b.key()}); err != nil || out.Former != nil {
			t.Error("the code of a link that was refused is good:", out, err)
		}

		const mail delivery.Address = "Alice@Example.com"
		if out, err := b.Link(t.Context(), signin.Link{Member: a, Address: mail, Code: b.code(mail, signin.PurposeLink), Key: b.key()}); err != nil || out.Identity.ID != "alice@example.com" {
			t.Error(out, err)
		}
		in, err := b.Enter(t.Context(), signin.Enter{Address: mail, Code: b.code(mail, signin.PurposeSignIn), Key: b.key()})
		if err != nil || in.Customer.Member != a || in.Started.Session.Way != signin.WayMail {
			t.Error(in, err)
		}
		other := delivery.Address("+8613900139000")
		out, err := b.Link(t.Context(), signin.Link{Member: a, Address: other, Code: b.code(other, signin.PurposeLink), Replace: true, Key: b.key()})
		if err != nil || out.Former == nil || out.Former.ID != string(number) {
			t.Error("the number that was changed:", out, err)
		}
	})
}

func TestEnter(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("whoever proves a number is a new customer", func(t *testing.T) {
			b := open(t, db.Tenant("open"), false)
			first, err := b.Enter(t.Context(), signin.Enter{Address: number, Code: b.code(number, signin.PurposeSignIn), Device: "pad", Key: b.key()})
			if err != nil || !first.Customer.New {
				t.Fatal(first, err)
			}
			code := b.code(number, signin.PurposeSignIn)
			again, err := b.Enter(t.Context(), signin.Enter{Address: number, Code: code, Key: "again"})
			if err != nil || again.Customer.Member != first.Customer.Member || again.Customer.New {
				t.Error(again, err)
			}
			_, err = b.Enter(t.Context(), signin.Enter{Address: number, Code: code, Key: "again"})
			isError(t, "a token is shown once", err, delivery.ErrInvalidCode)
		})
		t.Run("where only customers sign in, nobody learns who is one", func(t *testing.T) {
			b := open(t, db.Tenant("closed"), true)
			a := b.weChat(alice).Customer.Member
			ask := func() (delivery.Sent, error) {
				b.pass(time.Hour)
				sent, err := b.Ask(t.Context(), signin.Ask{Address: number, Purpose: signin.PurposeSignIn, Template: "code", Key: b.key()})
				sent.Ref, sent.Expires, sent.Next = "", sent.Expires.Add(-time.Duration(b.at.Load())*time.Microsecond), time.Time{}
				return sent, err
			}
			stranger, err := ask()
			if n, err2 := b.codes.Deliver(t.Context(), b); err != nil || err2 != nil || n != 0 || len(b.sent) != 0 {
				t.Error("a code was sent to nobody's number:", n, b.sent, err, err2)
			}
			if _, err := b.Link(t.Context(), signin.Link{Member: a, Address: number, Code: b.code(number, signin.PurposeLink), Key: b.key()}); err != nil {
				t.Fatal(err)
			}
			known, err2 := ask()
			if err := errors.Join(err, err2); err != nil || stranger != known {
				t.Error(stranger, known, err)
			}
			if _, err := b.codes.Deliver(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if in, err := b.Enter(t.Context(), signin.Enter{Address: number, Code: b.sent[string(number)], Key: b.key()}); err != nil || in.Customer.Member != a {
				t.Error(in, err)
			}
		})
	})
	b := open(t, memory.New(), false)
	var input *errs.InputError
	if _, err := b.Ask(t.Context(), signin.Ask{Address: number, Purpose: "reset", Template: "code", Key: "1"}); !errors.As(err, &input) {
		t.Error("another purpose:", err)
	}
}

func TestPutProfile(t *testing.T) {
	b := open(t, memory.New(), false)
	a := b.weChat(alice).Customer.Member
	b.fake.Word("poker", "risky")
	b.fake.Word("maybe", "review")
	put := func(nickname string) (bool, error) {
		_, review, err := b.PutProfile(t.Context(), signin.NewProfile{App: appID, PutProfile: customer.PutProfile{
			Member: a, Profile: customer.Profile{Nickname: nickname}, Key: b.key(),
		}})
		return review, err
	}
	name := func() string {
		c, err := b.customers.Get(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		return c.Profile.Nickname
	}
	if review, err := put("小爱"); err != nil || review || name() != "小爱" {
		t.Error(review, err, name())
	}
	_, err := put("poker")
	isError(t, "a nickname that can't be shown", err, signin.ErrNickname)
	if name() != "小爱" {
		t.Error("it was stored:", name())
	}
	if review, err := put("maybe"); err != nil || !review || name() != "maybe" {
		t.Error(review, err, name())
	}
	b.pass(3 * time.Hour)
	calls := b.fake.Calls("/wxa/msg_sec_check")
	if _, err := put("maybe"); err != nil || b.fake.Calls("/wxa/msg_sec_check") != calls {
		t.Error("the same nickname was checked again:", err)
	}
	_, err = put("another")
	isError(t, "a visit of long ago", err, miniprogram.ErrVisit)
	in, err := b.Enter(t.Context(), signin.Enter{Address: number, Code: b.code(number, signin.PurposeSignIn), Key: b.key()})
	if err != nil {
		t.Fatal(err)
	}
	a = in.Customer.Member
	if review, err := put("Bob"); err != nil || !review || name() != "Bob" {
		t.Error("of whom WeChat knows nothing:", review, err, name())
	}
}

func TestErase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db, false)
		in := b.weChat(alice)
		for _, replayed := range []bool{false, true} {
			out, err := b.Erase(t.Context(), customer.Erase{Member: in.Customer.Member, Key: "erase"})
			if err != nil || out.Replayed != replayed {
				t.Error(out, err)
			}
		}
		_, _, err := b.Session(t.Context(), in.Started.Token)
		isError(t, "a session of somebody who was erased", err, session.ErrInvalid)
		if again := b.weChat(alice); !again.Customer.New || again.Customer.Member == in.Customer.Member {
			t.Error(again)
		}
	})
}
