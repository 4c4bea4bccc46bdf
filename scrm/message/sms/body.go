package sms

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"text/template"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// data is what the templates of Settings have.
type data struct {
	To, Ref, ID, Words string
	Named              map[string]string
	Ordered            []string
	Values             map[string]string
}

// parse parses a template of the settings, and notes a mistake where that fails.
func parse(c *valid.Checker, path, source string) *template.Template {
	t, err := template.New(path).Funcs(template.FuncMap{"json": toJSON, "escape": escape}).Option("missingkey=error").Parse(source)
	if err != nil {
		c.Add(path, "can't be read: "+err.Error())
	}
	return t
}

// execute returns a template that is filled in.
func execute(t *template.Template, d any) ([]byte, error) {
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// toJSON returns the JSON of a value.
func toJSON(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// escape returns a text as RFC 3986 has it in a query, which is right in forms too.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// A text is a Text whose words are parsed.
type text struct {
	Text
	words *template.Template
}

// newText parses the words of a text, and notes its mistakes.
func newText(c *valid.Checker, path string, t Text) *text {
	seen := map[string]bool{}
	for i, name := range t.Vars {
		if name == "" || seen[name] {
			c.Add(fmt.Sprintf("%svars[%d]", path, i), "is empty or there twice")
		}
		seen[name] = true
	}
	return &text{t, parse(c, path+"words", t.Words)}
}

// fill returns what the text contributes to a message with these variables. Errors:
// *errs.InputError: one is missing.
func (t *text) fill(vars map[string]string) (*data, error) {
	d := &data{ID: t.ID, Named: map[string]string{}, Ordered: make([]string, len(t.Vars))}
	for i, name := range t.Vars {
		value, ok := vars[name]
		if !ok {
			return nil, &errs.InputError{Field: "vars", Reason: fmt.Sprintf("have no %q, which the text of the template needs", name)}
		}
		d.Named[name], d.Ordered[i] = value, value
	}
	words, err := execute(t.words, vars)
	if err != nil {
		return nil, &errs.InputError{Field: "vars", Reason: "lack one that the words of the template need"}
	}
	d.Words = string(words)
	return d, nil
}

// form returns a number of E.164 in that form.
func (n Number) form(e164 string) string {
	if n == E164 {
		return e164
	}
	if domestic, ok := strings.CutPrefix(e164, "+86"); ok && n == Domestic {
		return domestic
	}
	return e164[1:]
}
