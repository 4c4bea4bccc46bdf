// Package signin signs customers in and links their phones: by the Mini Program of WeChat, by its
// phone button, by a code that was sent to a telephone number or a mailbox.
//
// It joins who proves an identity (wechat/miniprogram, otp/delivery) with who keeps it
// (scrm/customer) and with sessions (scrm/session). What is proven by a code and what follows from
// it are one transaction: the code is used up where the identity is linked, and else stays good.
package signin

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/flow"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
)

// The purposes of codes. One that was sent to sign in links nothing, and the other way round.
const (
	PurposeSignIn delivery.Purpose = "signin"
	PurposeLink   delivery.Purpose = "link"
)

// The ways of proving an identity, as customers and sessions have them. Those of WeChat's phone
// button are miniprogram.Quick and miniprogram.Realtime.
const (
	WayMiniProgram = "wechat.miniprogram"
	WaySMS         = "sms"
	WayMail        = "mail"
)

// ErrNoOpenID: the customer has not signed in to this Mini Program, so that a code of its phone
// button can't be theirs.
var ErrNoOpenID = errs.New(errs.Conflict, "signin: the customer is not known in this app; sign in there first")

// Options configures a Flow. Nil and zero fields mean the documented defaults.
type Options struct {
	Hook storage.Hook // of traces and metrics; nil: none

	// Known sends codes to sign in to addresses alone that a customer has linked. Whoever asks
	// can't tell. Without it, whoever proves an address that nobody has is a new customer.
	Known bool

	// Unlinked is the template of the message that tells an address that it is unlinked, or that
	// another one took its place; it has no variables. "": addresses are not told.
	Unlinked string
}

// A Flow signs customers in. It is safe for concurrent use.
type Flow struct {
	unit      flow.Unit
	customers *customer.Engine
	sessions  *session.Engine
	app       *miniprogram.Engine
	codes     *delivery.Engine
	known     bool
	unlinked  string
}

// New returns a flow on a database. app may be nil where no Mini Program is used, and codes where
// none are sent; then the calls that need them panic.
func New(
	db storage.DB, customers *customer.Engine, sessions *session.Engine, app *miniprogram.Engine, codes *delivery.Engine, opts *Options,
) *Flow {
	o := cmp.Or(opts, &Options{})
	return &Flow{flow.On(db, nil, o.Hook), customers, sessions, app, codes, o.Known, o.Unlinked}
}

// A SignedIn is a customer with a new session.
type SignedIn struct {
	Customer customer.SignedIn // who it is
	Started  session.Started   // with the token, which is shown this once
}

// A WeChat is a user of the Mini Program who opens it.
type WeChat struct {
	Code   string // of wx.login
	Device string // for the list of sessions; no secrets
}

// WeChat signs a user of the Mini Program in. Errors: those of miniprogram.Engine.SignIn.
func (f *Flow) WeChat(ctx context.Context, c WeChat) (SignedIn, error) {
	user, err := f.app.SignIn(ctx, c.Code)
	if err != nil {
		return SignedIn{}, err
	}
	proven := customer.SignIn{Identity: openID(user.App, user.OpenID), Way: WayMiniProgram}
	if user.UnionID != "" {
		proven.Also = []customer.Identity{{Platform: customer.UnionID, Namespace: user.Platform, ID: string(user.UnionID)}}
	}
	who, err := f.customers.SignIn(ctx, proven)
	if err != nil {
		return SignedIn{}, err
	}
	return f.start(ctx, f.sessions, who, WayMiniProgram, c.Device)
}

// start begins a session of a customer.
func (f *Flow) start(ctx context.Context, s *session.Engine, who customer.SignedIn, way, device string) (SignedIn, error) {
	started, err := s.Start(ctx, session.Start{Subject: session.Subject(who.Member), Way: way, Device: device})
	return SignedIn{who, started}, err
}

func openID(app string, id miniprogram.OpenID) customer.Identity {
	return customer.Identity{Platform: customer.OpenID, Namespace: app, ID: string(id)}
}

// A PressPhone is a customer who has pressed the phone button (手机号快速验证) of the Mini Program.
type PressPhone struct {
	Member  ids.Member      // who is signed in
	App     string          // AppID of the Mini Program
	Code    string          // of the button
	Way     miniprogram.Way // which button it was
	Replace bool            // the number takes the place of the one that is linked
	Key     string          // idempotency key; required
}

// A Linked is an identity that was linked.
type Linked struct {
	customer.Outcome
	Identity customer.Identity // the telephone number or the mailbox
}

// PressPhone links the number of whoever uses the Mini Program, which the platform checks to be
// theirs. Errors: ErrNoOpenID; those of miniprogram.Engine.Phone and of customer.Engine.Link, of
// which customer.ErrTaken says that somebody else has the number.
func (f *Flow) PressPhone(ctx context.Context, c PressPhone) (Linked, error) {
	who, err := f.customers.Get(ctx, c.Member)
	if err != nil {
		return Linked{}, err
	}
	user, ok := who.Identity(customer.OpenID, c.App)
	if !ok {
		return Linked{}, fmt.Errorf("signin: press phone: %w", ErrNoOpenID)
	}
	number, err := f.app.Phone(ctx, miniprogram.Phone{OpenID: miniprogram.OpenID(user.ID), Code: c.Code, Way: c.Way})
	if err != nil {
		return Linked{}, err
	}
	linked := Linked{Identity: customer.Identity{Platform: customer.Phone, ID: number.E164}}
	link := customer.Link{Member: c.Member, Identity: linked.Identity, Way: string(number.Way), Replace: c.Replace, Key: c.Key}
	err = f.unit.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if linked.Outcome, err = f.customers.In(tx).Link(ctx, link); err != nil {
			return err
		}
		return f.tell(ctx, tx, linked.Outcome, c.Key)
	})
	return linked, err
}

// Unlink takes an identity from a customer. An address is told, as Options.Unlinked says. Errors:
// those of customer.Engine.Unlink.
func (f *Flow) Unlink(ctx context.Context, c customer.Unlink) (out customer.Outcome, err error) {
	ctx, call := f.unit.Begin(ctx, "signin.unlink", string(c.Member))
	defer call.End(&err)
	err = f.unit.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if out, err = f.customers.In(tx).Unlink(ctx, c); err != nil {
			return err
		}
		return f.tell(ctx, tx, out, c.Key)
	})
	return out, err
}

// tell has an address told that is unlinked, in the customer's language.
func (f *Flow) tell(ctx context.Context, tx storage.Tx, out customer.Outcome, key string) error {
	if f.unlinked == "" || out.Former == nil || out.Former.Platform != customer.Phone && out.Former.Platform != customer.Mail {
		return nil
	}
	who, err := f.customers.In(tx).Get(ctx, out.Member)
	if err == nil {
		_, err = f.codes.In(tx).Tell(ctx, delivery.Tell{
			Address: delivery.Address(out.Former.ID), Template: f.unlinked, Language: who.Preferences.Language,
			Key: journal.DerivedKey("unlinked", out.Member, key),
		})
	}
	return err
}

// An Ask asks for a code.
type Ask struct {
	Address  delivery.Address // where to
	Purpose  delivery.Purpose // PurposeSignIn or PurposeLink
	Template string           // of the message; its variables are "code" and "minutes"
	Language string           // of the message, as BCP 47 has it; "": the sender's first
	From     string           // origin of the request, an IP address for instance; "": unknown
	Key      string           // idempotency key; required
}

// Ask has a code sent. The answer and the work are the same whether or not a customer has the
// address. Errors: those of delivery.Engine.Send.
func (f *Flow) Ask(ctx context.Context, c Ask) (delivery.Sent, error) {
	if c.Purpose != PurposeSignIn && c.Purpose != PurposeLink {
		return delivery.Sent{}, fmt.Errorf("signin: ask: %w", &errs.InputError{Field: "purpose", Reason: "is neither signin nor link"})
	}
	send := delivery.Send{
		Address: c.Address, Purpose: c.Purpose, Template: c.Template, Language: c.Language, From: c.From, Key: c.Key,
	}
	if f.known && c.Purpose == PurposeSignIn {
		_, err := f.customers.Find(ctx, identityOf(c.Address))
		if send.Silent = errs.ClassOf(err) == errs.NotFound; err != nil && !send.Silent {
			return delivery.Sent{}, err
		}
	}
	return f.codes.Send(ctx, send)
}

// identityOf returns the identity of whoever reads what is sent to an address.
func identityOf(a delivery.Address) customer.Identity {
	if a.Channel() == message.SMS {
		return customer.Identity{Platform: customer.Phone, ID: string(a)}
	}
	return customer.Identity{Platform: customer.Mail, ID: strings.ToLower(string(a))}
}

// wayOf returns how an address was proven.
func wayOf(a delivery.Address) string {
	if a.Channel() == message.SMS {
		return WaySMS
	}
	return WayMail
}

// An Enter is a code that somebody has typed to sign in.
type Enter struct {
	Address delivery.Address // where it was sent
	Code    string           // as it was typed
	From    string           // origin of the request, an IP address for instance; "": unknown
	Device  string           // for the list of sessions; no secrets
	Key     string           // idempotency key; required
}

// Enter signs in whoever reads what is sent to an address: the customer that has linked it, or a
// new one. Where the answer is lost, ask for another code: the token is shown once. Errors: those
// of delivery.Engine.Check; with Options.Known, delivery.ErrInvalidCode where nobody has the
// address any more.
func (f *Flow) Enter(ctx context.Context, c Enter) (in SignedIn, err error) {
	ctx, call := f.unit.Begin(ctx, "signin.enter", "")
	defer call.End(&err)
	proven := customer.SignIn{Identity: identityOf(c.Address), Way: wayOf(c.Address)}
	checked, err := f.check(ctx, c.Address, PurposeSignIn, c.Code, c.From, c.Key)
	if err != nil {
		return SignedIn{}, err
	}
	err = f.unit.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if _, err := f.codes.In(tx).Spend(ctx, PurposeSignIn, checked.Claim); err != nil {
			return err
		}
		who, err := f.customers.In(tx).SignIn(ctx, proven)
		if err == nil && who.New && f.known {
			err = delivery.ErrInvalidCode
		}
		if err == nil {
			in, err = f.start(ctx, f.sessions.In(tx), who, proven.Way, c.Device)
		}
		return err
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("signin.enter: %w", err)
	}
	return in, nil
}

func (f *Flow) check(ctx context.Context, a delivery.Address, p delivery.Purpose, code, from, key string) (delivery.Checked, error) {
	return f.codes.Check(ctx, delivery.Attempt{Address: a, Purpose: p, Code: code, From: from, Key: key})
}

// A Link is a code that a customer has typed, who is signed in, to link an address.
type Link struct {
	Member  ids.Member       // who is signed in
	Address delivery.Address // where it was sent
	Code    string           // as it was typed
	From    string           // origin of the request, an IP address for instance; "": unknown
	Replace bool             // the address takes the place of the one of its kind that is linked
	Key     string           // idempotency key; required
}

// Link links an address to a customer who reads what is sent there. Errors: those of
// delivery.Engine.Check; those of customer.Engine.Link, of which customer.ErrTaken says that
// somebody else has the address. It is told to nobody who has not proven it, and the code stays
// good.
func (f *Flow) Link(ctx context.Context, c Link) (linked Linked, err error) {
	ctx, call := f.unit.Begin(ctx, "signin.link", "")
	defer call.End(&err)
	linked.Identity = identityOf(c.Address)
	checked, err := f.check(ctx, c.Address, PurposeLink, c.Code, c.From, c.Key)
	if err != nil {
		return Linked{}, err
	}
	link := customer.Link{Member: c.Member, Identity: linked.Identity, Way: wayOf(c.Address), Replace: c.Replace, Key: c.Key}
	err = f.unit.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		linked.Outcome, err = f.customers.In(tx).Link(ctx, link)
		if err == nil && !linked.Replayed {
			_, err = f.codes.In(tx).Spend(ctx, PurposeLink, checked.Claim)
		}
		if err == nil {
			err = f.tell(ctx, tx, linked.Outcome, c.Key)
		}
		return err
	})
	if err != nil {
		return Linked{}, fmt.Errorf("signin.link: %w", err)
	}
	return linked, nil
}

// A NewProfile is a profile as a user of the Mini Program has filled it in.
type NewProfile struct {
	App string // AppID of the Mini Program; "": the nickname is not checked
	customer.PutProfile
}

// ErrNickname: WeChat says that the nickname must not be shown.
var ErrNickname = errs.New(errs.Invalid, "signin: the nickname can't be shown; choose another one")

// PutProfile stores a profile whose nickname WeChat's text check lets pass. One that a person
// should look at passes too, and is told so: review; and so is that of a customer who has never
// opened the Mini Program, of whom WeChat checks nothing. Errors: ErrNickname; those of
// miniprogram.Engine.CheckText, of which miniprogram.ErrVisit asks the user to open the app again;
// those of customer.Engine.PutProfile.
func (f *Flow) PutProfile(ctx context.Context, c NewProfile) (out customer.Outcome, review bool, err error) {
	if c.App != "" && c.Profile.Nickname != "" {
		who, err := f.customers.Get(ctx, c.Member)
		if err != nil {
			return customer.Outcome{}, false, err
		}
		if who.Profile.Nickname != c.Profile.Nickname {
			if review, err = f.checkNickname(ctx, who, c.App, c.Profile.Nickname); err != nil {
				return customer.Outcome{}, false, err
			}
		}
	}
	out, err = f.customers.PutProfile(ctx, c.PutProfile)
	return out, review, err
}

// checkNickname reports whether a person should look at a nickname.
func (f *Flow) checkNickname(ctx context.Context, who customer.Customer, app, nickname string) (review bool, err error) {
	user, ok := who.Identity(customer.OpenID, app)
	if !ok {
		return true, nil
	}
	text := miniprogram.Text{OpenID: miniprogram.OpenID(user.ID), Scene: miniprogram.Profile, Content: nickname}
	check, err := f.app.CheckText(ctx, text)
	if err == nil && check.Suggestion == miniprogram.Risky {
		err = fmt.Errorf("signin: put profile: %w", ErrNickname)
	}
	return check.Suggestion == miniprogram.Review, err
}

// Session returns who has a token, as it is at this moment. Errors: those of session.Engine.Check.
func (f *Flow) Session(ctx context.Context, token string) (ids.Member, session.Session, error) {
	s, err := f.sessions.Check(ctx, token)
	return ids.Member(s.Subject), s, err
}

// Erase forgets a customer and ends their sessions, in one transaction. Errors: those of
// customer.Engine.Erase.
func (f *Flow) Erase(ctx context.Context, c customer.Erase) (out customer.Outcome, err error) {
	ctx, call := f.unit.Begin(ctx, "signin.erase", string(c.Member))
	defer call.End(&err)
	err = f.unit.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if out, err = f.customers.In(tx).Erase(ctx, c); err != nil {
			return err
		}
		_, err = f.sessions.In(tx).RevokeAll(ctx, session.RevokeAll{Subject: session.Subject(c.Member), By: c.By, Key: c.Key})
		return err
	})
	return out, err
}
