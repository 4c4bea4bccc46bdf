package notifier

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message/catalog"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/notice"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/subscription"
)

// Channel is the name of WeChat's messages in customer.Preferences and customer.Use.
const Channel = "wechat"

// Options configures a Flow. Nil and zero fields mean the documented defaults.
type Options struct {
	Now      func() time.Time // the clock; nil: time.Now
	Texts    catalog.Catalog  // texts of values; nil: those of Texts
	Language language.Tag     // of those who told none, or one that Texts does not have; zero: 简体中文
}

// A Flow posts notices of what happened, and tells them. It is safe for concurrent use.
type Flow struct {
	points    *loyalty.Engine
	cards     *stamps.Engine
	customers *customer.Engine
	messages  *subscription.Engine
	notices   *notice.Engine
	templates templates
	texts     catalog.Catalog
	language  language.Tag
	now       func() time.Time
}

// New returns a flow, of engines in one tenant. points and cards may be nil: then their entries are
// passed over, and no points are looked for that end. *errs.DefinitionError: a template has a
// mistake, such as a text that the catalog lacks in one of its languages, or other values than the
// message has fields.
func New(
	points *loyalty.Engine, cards *stamps.Engine, customers *customer.Engine, messages *subscription.Engine, notices *notice.Engine,
	all []Template, opts *Options,
) (*Flow, error) {
	o := *cmp.Or(opts, &Options{})
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Texts == nil {
		o.Texts = Texts()
	}
	if o.Language == language.Und {
		o.Language = language.SimplifiedChinese
	}
	ts, err := newTemplates(all, messages, o.Texts)
	if err != nil {
		return nil, fmt.Errorf("notifier: %w", err)
	}
	return &Flow{points, cards, customers, messages, notices, ts, o.Texts, o.Language, o.Now}, nil
}

// Handle posts notices of an entry of the journal. It is a relay.Handler, of a relay in the tenant of
// the engines. An entry that comes again posts nothing that was posted before, nor what is older than
// Template.Hours. Errors: those of notice.Engine.Post; what the engines said that were asked for
// programs; what the database said.
func (f *Flow) Handle(ctx context.Context, _ string, r journal.Record) error {
	all, err := f.about(ctx, r)
	if err == nil && len(all) > 0 {
		_, err = f.notices.Post(ctx, all...)
	}
	return err
}

// batch is how many notices Remind posts at a time.
const batch = 200

// Remind posts notices of the points that end within Template.Days, and returns how many are new.
// What ends on one day in the program's calendar is one notice. A job calls it each day or hour; it
// may run twice, and beside itself. Errors: those of notice.Engine.Post; what the database said.
func (f *Flow) Remind(ctx context.Context) (n int, err error) {
	now := f.now()
	for _, t := range f.templates {
		if t.Kind != PointsExpiring || f.points == nil {
			continue
		}
		var all []notice.Notice
		for a, err := range f.points.Accounts(ctx, loyalty.AccountQuery{Program: ids.Program(t.Program), DueBefore: now.Add(t.ahead())}) {
			if err != nil {
				return n, fmt.Errorf("notifier: remind: %w", err)
			}
			p, err := f.points.Program(ctx, a.ID.Program, 0)
			if err != nil {
				return n, fmt.Errorf("notifier: remind: %w", err)
			}
			for _, x := range ending(a, p.Definition(), t.Currency, now, now.Add(t.ahead())) {
				x.Template = t.ID
				all = append(all, x.notice(a.ID.Member, PointsExpiring, x.End, x.Program, x.Currency, lastDay(x.End, calendar(x.Zone))))
			}
			if len(all) >= batch {
				more, err := f.notices.Post(ctx, all...)
				if n, all = n+more, nil; err != nil {
					return n, err
				}
			}
		}
		more, err := f.notices.Post(ctx, all...)
		if n += more; err != nil {
			return n, err
		}
	}
	return n, nil
}

// Send tells a customer a notice that the flow posted, once by its key. It implements notice.Sender,
// for notice.Engine.Deliver.
func (f *Flow) Send(ctx context.Context, n notice.Notice) (id string, err error) {
	var x fact
	if err := json.Unmarshal(n.Content, &x); err != nil {
		return "", &errs.InputError{Field: "content", Reason: "is not of this package"}
	}
	t := f.templates.named(n.Kind, x)
	if t == nil {
		return "", failed(message.ErrSettings, "template")
	}
	c, user, err := f.recipient(ctx, n.Member, t)
	if err != nil {
		return "", err
	}
	if n.Kind == PointsExpiring {
		if x, err = f.still(ctx, n.Member, x); err != nil {
			return "", err
		}
	}
	tag := f.languageOf(c)
	values := t.render(x, f.texts, tag)
	receipt, err := f.messages.Send(ctx, subscription.Message{
		OpenID: user, Template: t.ID, Values: values, Page: t.Page, Lang: langOf(tag), Key: n.Key,
	})
	return receipt.ID, kindOf(err)
}

// languageOf returns the language of the texts that a customer reads.
func (f *Flow) languageOf(c customer.Customer) language.Tag {
	told, err := language.Parse(c.Preferences.Language)
	_, i, sure := f.texts.Matcher().Match(told)
	if err != nil || sure == language.No {
		_, i, _ = f.texts.Matcher().Match(f.language)
	}
	return f.texts.Languages()[i]
}

// recipient returns a customer who is to be told now, and the user of WeChat that they are.
func (f *Flow) recipient(ctx context.Context, m ids.Member, t *Template) (customer.Customer, miniprogram.OpenID, error) {
	c, err := f.customers.Get(ctx, m)
	switch {
	case errors.Is(err, customer.ErrUnknown):
		return c, "", failed(message.ErrAddress, "unknown")
	case err != nil:
		return c, "", fmt.Errorf("%w: %w", failed(message.ErrUnavailable, "customer"), err)
	}
	now := f.now()
	use := customer.Use{Purpose: t.Purpose, Channel: Channel}
	if gone := !c.Erased.IsZero() || !c.EraseBy.IsZero(); gone || t.Purpose != "" && c.May(use, now) != nil || !c.Preferences.Takes(Channel) {
		return c, "", failed(message.ErrRefused, "")
	}
	user, ok := c.Identity(customer.OpenID, f.messages.App())
	if !ok {
		return c, "", failed(message.ErrAddress, "openid")
	}
	until, err := c.Preferences.Quiet.Until(now)
	if err != nil {
		return c, "", failed(message.ErrSettings, "zone")
	}
	if until.After(now) {
		return c, "", &message.Error{Vendor: "quiet hours", RetryAfter: until.Sub(now), Kind: message.ErrLater}
	}
	return c, miniprogram.OpenID(user.ID), nil
}

// still returns what of the points that a notice is about ends by now.
func (f *Flow) still(ctx context.Context, m ids.Member, x fact) (fact, error) {
	id := loyalty.AccountID{Program: ids.Program(x.Program), Member: m}
	a, err := f.points.Account(ctx, id)
	if err != nil {
		return x, fmt.Errorf("%w: %w", failed(message.ErrUnavailable, "account"), err)
	}
	p, err := f.points.Program(ctx, id.Program, 0)
	if err != nil {
		return x, fmt.Errorf("%w: %w", failed(message.ErrUnavailable, "program"), err)
	}
	zone := calendar(x.Zone)
	for _, now := range ending(a, p.Definition(), x.Currency, f.now(), x.End.Add(time.Microsecond)) {
		if lastDay(now.End, zone) == lastDay(x.End, zone) {
			now.Template = x.Template
			return now, nil
		}
	}
	return x, failed(message.ErrRefused, "spent")
}

func failed(kind error, code string) error {
	return &message.Error{Vendor: "notifier", Code: code, Kind: kind}
}

// kindOf returns an error of a message as a message.Sender has it. After any that leaves it open
// what became of the message the same key tells, and so it is handed over again.
func kindOf(err error) error {
	kind, code := message.ErrUnavailable, ""
	if refused, ok := errors.AsType[*wechat.Error](err); ok {
		if code = fmt.Sprint(refused.Code); refused.Code == invalidOpenID {
			kind = message.ErrAddress
		}
	}
	if in, ok := errors.AsType[*errs.InputError](err); ok {
		kind, code = message.ErrSettings, in.Field
	}
	switch _, held := errors.AsType[*subscription.HeldError](err); {
	case err == nil:
		return nil
	case held:
		kind = message.ErrUnknown
	case errors.Is(err, subscription.ErrNoConsent), errors.Is(err, wechat.ErrRefused):
		kind = message.ErrRefused
	case errors.Is(err, subscription.ErrUnknownTemplate), errors.Is(err, subscription.ErrSettings):
		kind = message.ErrSettings
	case errors.Is(err, wechat.ErrRateLimited):
		kind = message.ErrThrottled
	}
	return &message.Error{Vendor: Channel, Code: code, Kind: kind}
}

// invalidOpenID is WeChat's code of a user that the app does not have.
const invalidOpenID = 40003

// langs are the languages of what WeChat writes around the values.
var (
	langs   = []subscription.Lang{subscription.Simplified, subscription.English, subscription.HongKong, subscription.Traditional}
	matcher = language.NewMatcher([]language.Tag{
		language.SimplifiedChinese, language.English, language.MustParse("zh-HK"), language.TraditionalChinese,
	})
)

func langOf(tag language.Tag) subscription.Lang {
	_, i, _ := matcher.Match(tag)
	return langs[i]
}
