package notifier

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/notice"
	"github.com/scrmkit/scrmkit/wechat/subscription"
)

// A Template says how a kind of facts is told. Of several that fit a fact the first one tells it.
type Template struct {
	Kind     notice.Kind             `json:"kind"`               // what it tells
	Program  string                  `json:"program,omitempty"`  // of points or stamps, alone; "": of every one
	Currency ids.Currency            `json:"currency,omitempty"` // of PointsEarned and PointsExpiring: required
	ID       subscription.TemplateID `json:"id"`                 // message of WeChat, as subscription has it
	Page     string                  `json:"page,omitempty"`     // that the message opens; "": none
	Values   map[string]Value        `json:"values"`             // by the keys of the message's fields
	Purpose  string                  `json:"purpose,omitempty"`  // what the customer must have agreed to, as customer.Use has it; "": to the message, by WeChat
	Hours    int                     `json:"hours,omitempty"`    // how long after it happened a fact is told; 0: 24. PointsExpiring is told until the end
	Days     int                     `json:"days,omitempty"`     // of PointsExpiring: how many days before the end; 0: 7
}

// wait is how long after it happened a fact is told.
func (t Template) wait() time.Duration { return time.Duration(cmp.Or(t.Hours, 24)) * time.Hour }

// ahead is how long before the end it is told.
func (t Template) ahead() time.Duration { return time.Duration(cmp.Or(t.Days, 7)) * 24 * time.Hour }

// A Value is what a field of a message says.
type Value struct {
	Text string `json:"text,omitempty"` // key of Options.Texts, whose text has the Args filled in; "": the one Arg as it is
	Args []Arg  `json:"args,omitempty"` // of the fact
}

// An Arg is a part of a fact. As it is, a number has no separators.
type Arg string

const (
	Points  Arg = "points"  // how many points came in, or end
	Balance Arg = "balance" // how many may be spent then
	Name    Arg = "name"    // of the program of points, the coupon, the level or the manager
	Former  Arg = "former"  // name of the level before
	Shop    Arg = "shop"    // that the manager manages
	Day     Arg = "day"     // on which it happened, like 2026-03-10, or 2026年3月10日 in Chinese
	LastDay Arg = "lastDay" // on which points may be spent, a coupon redeemed or a level is had; "–" where there is no end
)

// args are what kinds of facts have.
var args = map[notice.Kind][]Arg{
	PointsEarned:   {Points, Balance, Name, Day},
	PointsExpiring: {Points, Balance, Name, Day, LastDay},
	TierReached:    {Name, Former, Day, LastDay},
	TierLost:       {Name, Former, Day, LastDay},
	CardFull:       {Name, Day, LastDay},
	CouponIssued:   {Name, Day, LastDay},
	ManagerBound:   {Name, Shop, Day},
}

// templates are those of a Flow, checked.
type templates []Template

func newTemplates(all []Template, messages *subscription.Engine, texts catalog.Catalog) (templates, error) {
	var c valid.Checker
	var ts templates
	for i, t := range all {
		path := fmt.Sprintf("templates[%d].", i)
		parts, known := args[t.Kind]
		if !known {
			c.Add(path+"kind", "is not a kind of this package")
		}
		said, ok := messages.Template(t.ID)
		if !ok {
			c.Add(path+"id", "is not of a message that the engine sends")
		}
		for _, f := range said.Fields {
			if _, ok := t.Values[f.Key]; !ok {
				c.Add(path+"values."+f.Key, "is missing")
			}
		}
		c.At(path, valid.OptionalID("purpose", t.Purpose))
		if points := t.Kind == PointsEarned || t.Kind == PointsExpiring; points != (t.Currency != "") {
			c.Add(path+"currency", "is what a template of points must have, and no other may")
		}
		c.Between(path+"hours", int64(t.Hours), 0, 365*24)
		c.Between(path+"days", int64(t.Days), 0, 365)
		for _, field := range slices.Sorted(maps.Keys(t.Values)) {
			v, path := t.Values[field], path+"values."+field
			if ok && !slices.ContainsFunc(said.Fields, func(f subscription.Field) bool { return f.Key == field }) {
				c.Add(path, "is no field of the message")
			}
			if v.Text != "" {
				for _, tag := range texts.Languages() {
					switch {
					case !has(texts, tag, v.Text):
						c.Add(path, "has a text that the catalog does not have in "+tag.String())
					case strings.Contains(v.render(fact{}, texts, tag, time.UTC), "%!"):
						c.Add(path, "has a text that takes other args in "+tag.String())
					}
				}
			}
			if v.Text == "" && len(v.Args) != 1 {
				c.Add(path, "has neither a text nor one arg")
			}
			for _, a := range v.Args {
				if !slices.Contains(parts, a) {
					c.Add(path, "has the arg "+strconv.Quote(string(a))+", which its kind does not have")
				}
			}
		}
		t.Values = maps.Clone(t.Values)
		ts = append(ts, t)
	}
	return ts, c.Err()
}

// has reports whether a catalog has a text in a language.
func has(texts catalog.Catalog, tag language.Tag, key string) bool {
	return !errors.Is(texts.Context(tag, nowhere{}).Execute(key), catalog.ErrNotFound)
}

// nowhere is where a text is rendered that nobody reads.
type nowhere struct{}

func (nowhere) Render(string) {}

func (nowhere) Arg(int) any { return 1 }

// of returns the template of a fact; nil: it is not told.
func (ts templates) of(k notice.Kind, program string, c ids.Currency) *Template {
	for i := range ts {
		if t := &ts[i]; t.Kind == k && (t.Program == "" || t.Program == program) && t.Currency == c {
			return t
		}
	}
	return nil
}

// named returns the template by which a fact was posted; nil: there is none any more.
func (ts templates) named(k notice.Kind, x fact) *Template {
	for i := range ts {
		if t := &ts[i]; t.Kind == k && t.ID == x.Template && (t.Program == "" || t.Program == x.Program) && t.Currency == x.Currency {
			return t
		}
	}
	return nil
}

// render returns the values of a message about a fact in a language.
func (t *Template) render(x fact, texts catalog.Catalog, tag language.Tag) map[string]string {
	zone := calendar(x.Zone)
	values := map[string]string{}
	for field, v := range t.Values {
		values[field] = v.render(x, texts, tag, zone)
	}
	return values
}

func (v Value) render(x fact, texts catalog.Catalog, tag language.Tag, zone *time.Location) string {
	if v.Text == "" {
		return x.arg(v.Args[0], tag, zone, true).(string)
	}
	var filled []any
	for _, a := range v.Args {
		filled = append(filled, x.arg(a, tag, zone, false))
	}
	return message.NewPrinter(tag, message.Catalog(texts)).Sprintf(v.Text, filled...)
}

// arg returns a part of the fact: for a text, so that it can choose a plural, or plain.
func (x fact) arg(a Arg, tag language.Tag, zone *time.Location, plain bool) any {
	switch a {
	case Points, Balance:
		n := x.N
		if a == Balance {
			n = x.Balance
		}
		if x.Scale == 0 && !plain {
			return n
		}
		return decimal(n, x.Scale)
	case Former:
		return x.Former
	case Shop:
		return string(x.Shop)
	case Day:
		return day(x.At.In(zone), tag)
	case LastDay:
		if x.End.IsZero() {
			return "–"
		}
		return day(x.End.Add(-time.Microsecond).In(zone), tag)
	}
	return x.Name
}

// decimal returns n units of points with so many decimals.
func decimal(n int64, scale int) string {
	text, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		text, sign = text[1:], "-"
	}
	if scale == 0 {
		return sign + text
	}
	text = strings.Repeat("0", max(0, scale+1-len(text))) + text
	return sign + text[:len(text)-scale] + "." + text[len(text)-scale:]
}

// day returns a day as readers of a language write it, in one of the forms that WeChat takes.
func day(t time.Time, tag language.Tag) string {
	if base, _ := tag.Base(); base.String() == "zh" {
		return t.Format("2006年1月2日")
	}
	return t.Format(time.DateOnly)
}

// Texts returns a catalog in English, 简体中文 and 繁體中文 with a text for each kind of facts, whose
// key is the kind. Each fits a field "thing" while names and numbers are short. Those of
// PointsEarned and PointsExpiring take Points, the others but CardFull take Name.
func Texts() *catalog.Builder {
	b := catalog.NewBuilder()
	for _, t := range []struct {
		kind                             notice.Kind
		english, simplified, traditional string
	}{
		{PointsEarned, "%v points earned", "您获得%v积分", "您獲得%v積分"},
		{PointsExpiring, "%v points end soon", "%v积分即将到期", "%v積分即將到期"},
		{TierReached, "Welcome to %v", "恭喜升级为%v", "恭喜升級為%v"},
		{TierLost, "Your level is %v", "您的等级变为%v", "您的等級變為%v"},
		{CardFull, "Your card is full", "您的集章卡已集满", "您的集章卡已集滿"},
		{CouponIssued, "New coupon: %v", "新优惠券：%v", "新優惠券：%v"},
		{ManagerBound, "%v is a manager now", "%v已成为店长", "%v已成為店長"},
	} {
		for tag, text := range map[language.Tag]string{
			language.English: t.english, language.SimplifiedChinese: t.simplified, language.TraditionalChinese: t.traditional,
		} {
			if err := b.SetString(tag, string(t.kind), text); err != nil {
				panic(err) // the texts above are well-formed
			}
		}
	}
	return b
}
