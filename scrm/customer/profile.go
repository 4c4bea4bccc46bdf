package customer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"golang.org/x/text/language"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Gender is one as a customer tells it.
type Gender string

const (
	Female Gender = "female"
	Male   Gender = "male"
	Other  Gender = "other"
)

// A Profile is what a customer tells of themselves. All of it may be empty.
type Profile struct {
	Nickname string            `json:"nickname,omitempty"` // shown to people; have a platform's text check look at it first
	Given    string            `json:"given,omitempty"`    // given name
	Family   string            `json:"family,omitempty"`   // family name
	Gender   Gender            `json:"gender,omitempty"`   // "": not told
	Birthday Date              `json:"birthday,omitzero"`  // zero: not told
	Country  string            `json:"country,omitempty"`  // where the customer lives, as ISO 3166-1 alpha-2
	Address  Address           `json:"address,omitzero"`   // where mail reaches the customer
	Avatar   string            `json:"avatar,omitempty"`   // where the picture is, by a URL or a name of the service's
	Custom   map[string]string `json:"custom,omitempty"`   // by names of Fields, as Field.Type says
}

// An Address is where somebody lives, as it is written on a letter.
type Address struct {
	Lines      []string `json:"lines,omitempty"`      // street and number, building, room; at most 5
	City       string   `json:"city,omitempty"`       // city or district
	Region     string   `json:"region,omitempty"`     // province or state
	PostalCode string   `json:"postalCode,omitempty"` // as it is written there
	Country    string   `json:"country,omitempty"`    // as ISO 3166-1 alpha-2
}

// check refuses what a profile can't have, whatever its custom fields are.
func (p Profile) check() error {
	err := cmp.Or(valid.Text("profile.nickname", p.Nickname), valid.Text("profile.given", p.Given), valid.Text("profile.family", p.Family),
		p.Birthday.check("profile.birthday"), country("profile.country", p.Country), valid.Text("profile.avatar", p.Avatar),
		valid.Text("profile.address.city", p.Address.City), valid.Text("profile.address.region", p.Address.Region),
		valid.Text("profile.address.postalCode", p.Address.PostalCode), country("profile.address.country", p.Address.Country))
	if err != nil {
		return err
	}
	if p.Gender != "" && p.Gender != Female && p.Gender != Male && p.Gender != Other {
		return &errs.InputError{Field: "profile.gender", Reason: "is none of female, male and other"}
	}
	if len(p.Address.Lines) > 5 {
		return &errs.InputError{Field: "profile.address.lines", Reason: "are more than 5"}
	}
	for i, line := range p.Address.Lines {
		if err := valid.Text(fmt.Sprintf("profile.address.lines[%d]", i), line); err != nil {
			return err
		}
	}
	return nil
}

// country accepts the code of a country, and nothing.
func country(field, code string) error {
	if code == "" {
		return nil
	}
	if r, err := language.ParseRegion(code); err != nil || !r.IsCountry() || r.String() != code {
		return &errs.InputError{Field: field, Reason: "is no country of ISO 3166-1 alpha-2, like CN"}
	}
	return nil
}

// A FieldType is what values a custom field has.
type FieldType string

const (
	Text   FieldType = "text"   // UTF-8 without control characters
	Number FieldType = "number" // integer of 64 bits in decimal: "-12"
	Flag   FieldType = "flag"   // "true" or "false"
	Day    FieldType = "day"    // day as Date has it: "1990-05-01"
	Choice FieldType = "choice" // one of Field.Choices
)

// A Field is a custom field of profiles.
type Field struct {
	Name    string    `json:"name"`              // that does not change
	Type    FieldType `json:"type"`              // of its values
	Max     int       `json:"max,omitempty"`     // of a Text: how many bytes it may have; 0: 1024
	Choices []string  `json:"choices,omitempty"` // of a Choice
}

// Fields define the custom fields of profiles. Versions count from 1 and are published one after
// the other. A field that a version leaves out is no longer taken; profiles that have it keep it
// until they are put. A field keeps its type for good.
type Fields struct {
	Version int     `json:"version"` // 1, or one more than that of the version before
	Fields  []Field `json:"fields"`  // at most MaxFields
}

// MaxFields is how many custom fields there may be.
const MaxFields = 100

// ErrFields: the version of custom fields was published before, with other ones, or is not the
// next.
var ErrFields = errs.New(errs.Conflict, "customer: that version of the fields is another one, or is not the next; publish the next version")

// check returns *errs.DefinitionError.
func (f Fields) check() error {
	var c valid.Checker
	c.Between("version", int64(f.Version), 1, 1<<31-1)
	c.Between("fields", int64(len(f.Fields)), 0, MaxFields)
	seen := map[string]bool{}
	for i, field := range f.Fields {
		path := fmt.Sprintf("fields[%d].", i)
		c.At(path, valid.ID("name", field.Name))
		if seen[field.Name] {
			c.Add(path+"name", "is there twice")
		}
		seen[field.Name] = true
		c.OneOf(path+"type", string(field.Type), string(Text), string(Number), string(Flag), string(Day), string(Choice))
		c.Between(path+"max", int64(field.Max), 0, valid.MaxText)
		if field.Type != Text && field.Max != 0 {
			c.Add(path+"max", "is of texts alone")
		}
		if (field.Type == Choice) == (len(field.Choices) == 0) || len(field.Choices) > 1000 {
			c.Add(path+"choices", "are 1 to 1000 for a choice, and none for anything else")
		}
		for j, choice := range field.Choices {
			c.At(path, valid.ID(fmt.Sprintf("choices[%d]", j), choice))
		}
	}
	return c.Err()
}

// follows reports why a version can't follow the one before.
func (f Fields) follows(before Fields) error {
	var c valid.Checker
	for i, field := range f.Fields {
		j := slices.IndexFunc(before.Fields, func(b Field) bool { return b.Name == field.Name })
		if j >= 0 && before.Fields[j].Type != field.Type {
			c.Add(fmt.Sprintf("fields[%d].type", i), "is another one than before; give the field another name")
		}
	}
	return c.Err()
}

// checkCustom refuses values that the fields do not have.
func (f Fields) checkCustom(custom map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(custom)) {
		i := slices.IndexFunc(f.Fields, func(field Field) bool { return field.Name == name })
		if i < 0 {
			return &errs.InputError{Field: "profile.custom", Reason: "has a field that is not defined"}
		}
		if err := f.Fields[i].check("profile.custom."+name, custom[name]); err != nil {
			return err
		}
	}
	return nil
}

// check accepts a value of the field.
func (f Field) check(field, value string) error {
	ok := true
	switch f.Type {
	case Text:
		if err := valid.Text(field, value); err != nil {
			return err
		}
		ok = f.Max == 0 || len(value) <= f.Max
	case Number:
		n, err := strconv.ParseInt(value, 10, 64)
		ok = err == nil && strconv.FormatInt(n, 10) == value
	case Flag:
		ok = value == "true" || value == "false"
	case Day:
		var d Date
		ok = value != "" && d.UnmarshalText([]byte(value)) == nil && d.check(field) == nil
	case Choice:
		ok = slices.Contains(f.Choices, value)
	}
	if !ok {
		return &errs.InputError{Field: field, Reason: fmt.Sprintf("is no %s as the field has them", f.Type)}
	}
	return nil
}
