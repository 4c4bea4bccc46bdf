package shop

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/width"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Serial is a name that stands on a physical stamp (印章): its serial number or its bar code
// (序列号或条形码). It has one canonical form, in which alone it is stored and compared: A1659391 for
// "a1659391" and "Ａ１６５９３９１" too.
type Serial string

// Canonical returns the serial in capital letters, without full-width forms. *errs.InputError: it
// is not 1 to 128 printable ASCII characters then, without spaces.
func (s Serial) Canonical() (Serial, error) { return s.canonical("serial") }

func (s Serial) canonical(field string) (Serial, error) {
	folded := width.Fold.String(string(s))
	if err := valid.ID(field, folded); err != nil {
		return "", err
	}
	if strings.ContainsFunc(folded, func(r rune) bool { return r > '~' }) {
		return "", &errs.InputError{Field: field, Reason: "has a character that is no letter, digit or mark of ASCII"}
	}
	return Serial(strings.ToUpper(folded)), nil
}

// maxAliases is how many other names a physical stamp has at most.
const maxAliases = 8

// BindStamp gives a physical stamp to a shop, with all its names. Any of them is the stamp from
// then on, and nothing else; names that it had before and that are not among them are free.
type BindStamp struct {
	Shop     ids.Shop `json:"shop"`               // shop that gets it
	Serial   Serial   `json:"serial"`             // its serial number
	Aliases  []Serial `json:"aliases,omitempty"`  // its other names, at most 8: the bar code
	Unsigned bool     `json:"unsigned,omitempty"` // presses without a token count too, from whoever knows a name of the stamp
	By       string   `json:"by,omitempty"`       // who did it, for the journal
	Key      string   `json:"-"`                  // idempotency key; required
}

// UnbindStamps takes a physical stamp from its shop, or all of them.
type UnbindStamps struct {
	Shop   ids.Shop `json:"shop"`             // shop that has them
	Serial Serial   `json:"serial,omitempty"` // any name of the stamp; "": all
	By     string   `json:"by,omitempty"`     // who did it, for the journal
	Key    string   `json:"-"`                // idempotency key; required
}

// BindStamp gives a physical stamp to a shop. Errors: ErrUnknownShop; ErrStampBound where a name is
// that of another stamp.
func (e *Engine) BindStamp(ctx context.Context, c BindStamp) (Outcome, error) {
	c, checked := c.canonical()
	return e.do(ctx, KindBindStamp, func() error { return checked }, task{
		lookup:  lookup{shop: c.Shop, staff: true, serial: c.Serial, aliases: c.Aliases},
		subject: journal.Subject("shop-stamp", string(c.Serial)), key: c.Key, by: c.By,
		input: c, seq: ofStamp, private: true,
		decide: func(s state, now time.Time) (update, Outcome, error) {
			if s.shop.Version == 0 {
				return update{}, Outcome{}, ErrUnknownShop
			}
			main := Stamp{Serial: c.Serial, Shop: c.Shop, Bound: now, Ref: s.stamp.Ref, Unsigned: c.Unsigned, Version: s.stamp.Version}
			if s.stamp.Shop == "" || main.Ref == "" {
				main.Ref = newRef()
			}
			names := []Stamp{main}
			for _, row := range s.aliases {
				names = append(names, Stamp{
					Serial: row.Serial, Of: c.Serial, Shop: c.Shop, Bound: now, Ref: main.Ref, Unsigned: c.Unsigned, Version: row.Version,
				})
			}
			if s.stamp.taken(c.Shop, "") || slices.ContainsFunc(s.aliases, func(row Stamp) bool { return row.taken(c.Shop, c.Serial) }) {
				return update{}, Outcome{}, ErrStampBound
			}
			change := update{stamps: slices.Clone(names)}
			for _, row := range s.stamps {
				if row.Of == c.Serial && !slices.Contains(c.Aliases, row.Serial) {
					change.stamps = append(change.stamps, Stamp{Serial: row.Serial, Version: row.Version})
				}
			}
			return change, Outcome{Stamps: names}, nil
		},
	})
}

// taken reports whether the name is that of another stamp than the shop's with the serial; "" is
// the stamp that it names itself.
func (s Stamp) taken(shop ids.Shop, of Serial) bool {
	return s.Shop != "" && (s.Shop != shop || s.Of != of)
}

// main returns the serial of the stamp that the name is of.
func (s Stamp) main() Serial { return cmp.Or(s.Of, s.Serial) }

// UnbindStamps takes one physical stamp, or all of them, from a shop; the outcome says which.
// Errors: ErrUnknownShop; ErrUnknownStamp where the one that was asked for is not the shop's.
func (e *Engine) UnbindStamps(ctx context.Context, c UnbindStamps) (Outcome, error) {
	c, checked := c.canonical()
	return e.do(ctx, KindUnbindStamps, func() error { return checked }, task{
		lookup: lookup{shop: c.Shop, staff: true}, subject: journal.Subject("shop", string(c.Shop)), key: c.Key, by: c.By,
		input: c, seq: ofShop, before: func(s state) any { return s.stamps },
		decide: func(s state, now time.Time) (update, Outcome, error) {
			if s.shop.Version == 0 {
				return update{}, Outcome{}, ErrUnknownShop
			}
			name := c.Serial
			if i := slices.IndexFunc(s.stamps, func(row Stamp) bool { return row.Serial == c.Serial }); i >= 0 {
				name = s.stamps[i].main()
			}
			change := update{shops: []Shop{s.shop}}
			var out Outcome
			for _, row := range s.stamps {
				if c.Serial == "" || row.Serial == name || row.Of == name {
					change.stamps = append(change.stamps, Stamp{Serial: row.Serial, Version: row.Version})
					out.Stamps = append(out.Stamps, Stamp{Serial: row.Serial, Of: row.Of})
				}
			}
			if len(out.Stamps) == 0 && c.Serial != "" {
				return update{}, Outcome{}, ErrUnknownStamp
			}
			return change, out, nil
		},
	})
}

// newRef returns the reference of a stamp: nobody finds a serial from it.
func newRef() string { return "stamp-" + strings.ToLower(rand.Text()[:12]) }

// canonical returns the command with its serials in their form, and what is wrong with it.
func (c BindStamp) canonical() (BindStamp, error) {
	err := cmp.Or(valid.ID("shop", c.Shop), valid.Text("by", c.By), valid.ID("key", c.Key),
		valid.Between("aliases", int64(len(c.Aliases)), 0, maxAliases))
	if err != nil {
		return c, err
	}
	if c.Serial, err = c.Serial.canonical("serial"); err != nil {
		return c, err
	}
	c.Aliases = slices.Clone(c.Aliases)
	for i := range c.Aliases {
		field := fmt.Sprintf("aliases[%d]", i)
		if c.Aliases[i], err = c.Aliases[i].canonical(field); err != nil {
			return c, err
		}
		if c.Aliases[i] == c.Serial || slices.Contains(c.Aliases[:i], c.Aliases[i]) {
			return c, &errs.InputError{Field: field, Reason: "is a name that the stamp has already"}
		}
	}
	return c, nil
}

func (c UnbindStamps) canonical() (UnbindStamps, error) {
	err := cmp.Or(valid.ID("shop", c.Shop), valid.Text("by", c.By), valid.ID("key", c.Key))
	if err == nil && c.Serial != "" {
		c.Serial, err = c.Serial.canonical("serial")
	}
	return c, err
}
