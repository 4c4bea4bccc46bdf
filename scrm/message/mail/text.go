package mail

import (
	"bytes"
	"fmt"
	html "html/template"
	"io"
	"net/mail"
	"strings"
	"text/template"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Text is what a message of the service's is as a mail, in a language. Subject and Body are in
// the language of text/template and HTML in that of html/template, with the message's variables by
// name: "{{.code}} is your code."
type Text struct {
	Template string // message.Message.Template
	Language string // BCP 47; may be "" where the template has no other text
	Subject  string
	Body     string // plain text
	HTML     string // the same as HTML, for those who read that; "": plain text alone
}

// A filler is a template of either language.
type filler interface {
	Execute(w io.Writer, data any) error
}

// A text is a Text whose templates are parsed.
type text struct {
	Text
	subject, body filler
	html          filler // nil: there is none
}

// newText parses the templates of a text, and notes its mistakes.
func newText(c *valid.Checker, path string, t Text) *text {
	parse := func(name, source string, template filler, err error) filler {
		switch {
		case source == "":
			c.Add(path+name, "is missing")
		case err != nil:
			c.Add(path+name, "can't be read: "+err.Error())
		}
		return template
	}
	plain := func(name, source string) filler {
		parsed, err := template.New(name).Option("missingkey=error").Parse(source)
		return parse(name, source, parsed, err)
	}
	parsed := &text{Text: t, subject: plain("subject", t.Subject), body: plain("body", t.Body)}
	if t.HTML != "" {
		template, err := html.New("html").Option("missingkey=error").Parse(t.HTML)
		parsed.html = parse("html", t.HTML, template, err)
	}
	return parsed
}

// content is a mail but for its addresses.
type content struct{ subject, body, html string }

// maxSubject is how many bytes a subject has at most.
const maxSubject = 500

// fill fills in the variables. Errors: *errs.InputError: one is missing, or breaks the subject.
func (t *text) fill(vars map[string]string) (content, error) {
	var c content
	for _, part := range []struct {
		template filler
		to       *string
	}{{t.subject, &c.subject}, {t.body, &c.body}, {t.html, &c.html}} {
		if part.template == nil {
			continue
		}
		var b bytes.Buffer
		if err := part.template.Execute(&b, vars); err != nil {
			return content{}, &errs.InputError{Field: "vars", Reason: "lack one that the text of the template needs"}
		}
		*part.to = b.String()
	}
	switch {
	case strings.ContainsFunc(c.subject, unicode.IsControl):
		return content{}, &errs.InputError{Field: "vars", Reason: "have a line break or a control character for the subject"}
	case len(c.subject) > maxSubject:
		return content{}, &errs.InputError{Field: "vars", Reason: fmt.Sprintf("make a subject of more than %d bytes", maxSubject)}
	}
	return c, nil
}

// compose returns a mail as it is sent: headers as RFC 2047 has them, parts in base64.
func (s *Sender) compose(id, to string, c content) ([]byte, error) {
	m := gomail.NewMsg(gomail.WithEncoding(gomail.EncodingB64), gomail.WithNoDefaultUserAgent())
	from := s.from
	m.FromMailAddress(&from)
	m.ToMailAddress(&mail.Address{Address: to})
	m.Subject(c.subject)
	m.SetMessageIDWithValue(id)
	m.SetDateWithValue(s.now())
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(gomail.TypeTextPlain, c.body)
	if c.html != "" {
		m.AddAlternativeString(gomail.TypeTextHTML, c.html)
	}
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
