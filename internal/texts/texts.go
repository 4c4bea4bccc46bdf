// Package texts keeps the texts of a sender: it finds the one of a template in a reader's language,
// and checks the message that it is for.
package texts

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// A Key names a text of a sender.
type Key struct {
	Template string // message.Message.Template
	Language string // BCP 47; may be "" where the template has no other text
}

// A Table holds texts by their keys.
type Table[T any] struct{ templates map[string]*choice[T] }

// A choice is the texts of a template.
type choice[T any] struct {
	tags    []language.Tag
	texts   []T
	matcher language.Matcher
}

// New returns a table of texts, and notes mistakes at "texts". The texts are in the order that the
// sender's settings have them in: the first of a template is for readers of languages that the
// template does not have.
func New[T any](c *valid.Checker, all []T, key func(T) Key) *Table[T] {
	t := &Table[T]{map[string]*choice[T]{}}
	if len(all) == 0 {
		c.Add("texts", "are missing")
	}
	for i, text := range all {
		k, path := key(text), fmt.Sprintf("texts[%d].", i)
		c.At(path, valid.ID("template", k.Template))
		tag, err := language.Parse(k.Language)
		if k.Language != "" && err != nil {
			c.Add(path+"language", "is no BCP 47 tag")
		}
		of := t.templates[k.Template]
		if of == nil {
			of = &choice[T]{}
			t.templates[k.Template] = of
		}
		if slices.Contains(of.tags, tag) {
			c.Add(path+"language", "is there twice")
		}
		if len(of.tags) > 0 && (k.Language == "" || of.tags[0] == language.Und) {
			c.Add(path+"language", "is missing in one of the texts of the template")
		}
		of.tags, of.texts = append(of.tags, tag), append(of.texts, text)
	}
	for _, of := range t.templates {
		of.matcher = language.NewMatcher(of.tags)
	}
	return t
}

// Find returns the text of a message: that of its template which is nearest to its language, the
// first where none is near. Errors: message.ErrSettings, of that vendor, where the template has no
// text.
func (t *Table[T]) Find(vendor string, m message.Message) (text T, err error) {
	of := t.templates[m.Template]
	if of == nil {
		return text, fmt.Errorf("%w: template %q has no text; add one", &message.Error{Vendor: vendor, Kind: message.ErrSettings}, m.Template)
	}
	tag, err := language.Parse(m.Language)
	if err != nil {
		return of.texts[0], nil
	}
	if _, i, confidence := of.matcher.Match(tag); confidence > language.No {
		return of.texts[i], nil
	}
	return of.texts[0], nil
}

var ref = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// Ref reports whether a text has the form of message.Message.Ref.
func Ref(s string) bool { return ref.MatchString(s) }

// maxVar is how many bytes a value has at most: what one mail says of an order.
const maxVar = 16 << 10

// Vars checks a message that goes by a channel, and returns its variables by name. Their values are
// UTF-8 without control characters other than tabs and line breaks. Errors: *errs.InputError;
// message.ErrSettings, of that vendor, where it goes by another channel.
func Vars(vendor string, channel message.Channel, m message.Message) (map[string]string, error) {
	if m.Channel != channel {
		return nil, fmt.Errorf("%w: a message for channel %q can't be sent here", &message.Error{Vendor: vendor, Kind: message.ErrSettings}, m.Channel)
	}
	if !Ref(m.Ref) {
		return nil, &errs.InputError{Field: "ref", Reason: "is not 1 to 64 letters, digits, '-' and '_'"}
	}
	vars := map[string]string{}
	for i, v := range m.Vars {
		path := fmt.Sprintf("vars[%d]", i)
		switch _, twice := vars[v.Name]; {
		case v.Name == "":
			return nil, &errs.InputError{Field: path, Reason: "has no name"}
		case twice:
			return nil, &errs.InputError{Field: path, Reason: "has the name of another one"}
		case len(v.Value) > maxVar:
			return nil, &errs.InputError{Field: path, Reason: fmt.Sprintf("is longer than %d bytes", maxVar)}
		case !utf8.ValidString(v.Value):
			return nil, &errs.InputError{Field: path, Reason: "is not UTF-8"}
		case strings.ContainsFunc(v.Value, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) }):
			return nil, &errs.InputError{Field: path, Reason: "has a control character"}
		}
		vars[v.Name] = v.Value
	}
	return vars, nil
}
