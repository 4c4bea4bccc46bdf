package ticket

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/scrmkit/scrmkit/internal/valid"
)

// A source says where in a body a field is, as Settings.Map and Rule.Map write it:
//
//	customer.addresses.0.phone            a path; steps are names, and numbers of elements of lists from 0
//	"your phone".mobile                   a name with a space, dot, bar, plus, bracket or quote, in double quotes
//	answers[field.ref=phone].text         the first element of a list, among its first 1000, with that text at a path
//	[name=phone].value                    the same of a body that is a list
//	first_name + last_name                texts joined, by a space where none is written; those that are not there are left out
//	area + '-' + number                   with texts of their own, in single quotes, joined as they stand
//	shipping.phone | billing.phone        the first that is there
type source struct{ alternatives []joined }

type joined struct {
	parts    []part
	literals bool
}

// A part is a literal, or a path.
type part struct {
	literal string
	path    []step
}

// A step goes to a member by its name, or to the element of a list that is chosen.
type step struct {
	name   string
	choose []step // nil: by name
	value  string
}

const (
	maxPath     = 20   // steps of a path
	maxTerms    = 20   // of a source
	maxElements = 1000 // of a list that are looked at
)

// compileSource reads a source. Its error says what is wrong with it.
func compileSource(text string) (s source, err error) {
	if text == "" || len(text) > valid.MaxText || !utf8.ValidString(text) {
		return s, fmt.Errorf("is not a path of 1 to %d bytes", valid.MaxText)
	}
	p := sourceParser{text: text}
	for terms := 1; ; terms++ {
		if terms > maxTerms {
			return s, fmt.Errorf("has more than %d paths", maxTerms)
		}
		if len(s.alternatives) == 0 {
			s.alternatives = append(s.alternatives, joined{})
		}
		last := &s.alternatives[len(s.alternatives)-1]
		t, err := p.part()
		if err != nil {
			return s, err
		}
		last.parts = append(last.parts, t)
		last.literals = last.literals || t.path == nil
		switch p.next() {
		case 0:
			return s, nil
		case '|':
			s.alternatives = append(s.alternatives, joined{})
		case '+':
		default:
			return s, fmt.Errorf("has %q where a plus or a bar is wanted", p.text[p.at-1:])
		}
	}
}

type sourceParser struct {
	text string
	at   int
}

// space skips spaces.
func (p *sourceParser) space() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

// next returns the next byte after spaces, and 0 at the end.
func (p *sourceParser) next() byte {
	if p.space(); p.at == len(p.text) {
		return 0
	}
	p.at++
	return p.text[p.at-1]
}

// peek reports whether the next byte is that one.
func (p *sourceParser) peek(b byte) bool { return p.at < len(p.text) && p.text[p.at] == b }

// quoted returns a text up to the quote that it begins with.
func (p *sourceParser) quoted(quote byte) (string, error) {
	end := strings.IndexByte(p.text[p.at+1:], quote)
	if end < 0 {
		return "", fmt.Errorf("has a quote without an end")
	}
	text := p.text[p.at+1 : p.at+1+end]
	p.at += end + 2
	return text, nil
}

// until returns the text up to the first of some bytes, without spaces around it.
func (p *sourceParser) until(any string) string {
	end := strings.IndexAny(p.text[p.at:], any)
	if end < 0 {
		end = len(p.text) - p.at
	}
	text := strings.TrimSpace(p.text[p.at : p.at+end])
	p.at += end
	return text
}

func (p *sourceParser) part() (part, error) {
	p.space()
	if p.peek('\'') {
		text, err := p.quoted('\'')
		return part{literal: text}, err
	}
	path, err := p.path(`.[|+"'`)
	return part{path: path}, err
}

// path reads a path up to a byte that cannot stand in a name.
func (p *sourceParser) path(ends string) (path []step, err error) {
	for {
		var s step
		p.space()
		if p.peek('"') {
			s.name, err = p.quoted('"')
			p.space()
		} else if s.name = p.until(ends); s.name == "" && (len(path) > 0 || !p.peek('[')) {
			err = fmt.Errorf("has a step without a name")
		}
		if err != nil {
			return nil, err
		}
		if s.name != "" || len(path) > 0 || !p.peek('[') {
			path = append(path, s)
		}
		for p.peek('[') {
			if s, err = p.choice(); err != nil {
				return nil, err
			}
			path = append(path, s)
		}
		if len(path) > maxPath {
			return nil, fmt.Errorf("has more than %d steps", maxPath)
		}
		if !p.peek('.') {
			return path, nil
		}
		p.at++
	}
}

// choice reads what stands in brackets: the number of an element, or a path and the text that is
// there.
func (p *sourceParser) choice() (s step, err error) {
	p.at++
	if end := strings.IndexByte(p.text[p.at:], ']'); end > 0 && number(p.text[p.at:p.at+end]) {
		s.name = p.text[p.at : p.at+end]
		p.at += end + 1
		return s, nil
	}
	if s.choose, err = p.path(`.=]["`); err != nil {
		return s, err
	}
	if !p.peek('=') {
		return s, fmt.Errorf("has brackets without a path, an equals sign and a text")
	}
	p.at++
	if p.space(); p.peek('"') {
		s.value, err = p.quoted('"')
	} else {
		s.value = p.until("]")
	}
	if p.space(); err == nil && !p.peek(']') {
		err = fmt.Errorf("has brackets without an end")
	}
	p.at++
	return s, err
}

// chooses reports whether all paths of a source choose an element of a body that is a list.
func (s source) chooses() bool {
	return !slices.ContainsFunc(s.alternatives, func(j joined) bool {
		return slices.ContainsFunc(j.parts, func(p part) bool { return p.path != nil && p.path[0].choose == nil })
	})
}

// number reports whether a text is one of digits.
func number(text string) bool {
	return text != "" && len(text) < 10 && strings.Trim(text, "0123456789") == ""
}

// read returns the text of a source in a body; "": there is none.
func (s source) read(doc any) string {
	for _, a := range s.alternatives {
		var found []string
		some := false
		for _, p := range a.parts {
			text := p.literal
			if p.path != nil {
				text = textOf(at(doc, p.path))
				some = some || text != ""
			}
			if text != "" {
				found = append(found, text)
			}
		}
		if some {
			between := " "
			if a.literals {
				between = ""
			}
			return clean(strings.Join(found, between))
		}
	}
	return ""
}

// at returns what is at a path of a body; nil: nothing is.
func at(v any, path []step) any {
	for i, s := range path {
		if e, ok := v.(embedded); ok {
			v = e.value
		}
		if s.choose != nil {
			if v = choose(v, s); v == nil {
				return nil
			}
			continue
		}
		switch in := v.(type) {
		case map[string]any:
			v = in[s.name]
		case []any:
			n, err := strconv.Atoi(s.name)
			if err != nil || !number(s.name) || n >= len(in) {
				return nil
			}
			v = in[n]
		default:
			return nil
		}
		if v == nil && i < len(path)-1 {
			return nil
		}
	}
	return v
}

// choose returns the first element of a list that has the text of a step at its path. A form writes
// lists with numbers for names.
func choose(v any, s step) any {
	elements, ok := v.([]any)
	if in, named := v.(map[string]any); named {
		ok = true
		for n := range min(len(in), maxElements) {
			e, has := in[strconv.Itoa(n)]
			if !has {
				break
			}
			elements = append(elements, e)
		}
	}
	if !ok {
		return nil
	}
	elements = elements[:min(len(elements), maxElements)]
	i := slices.IndexFunc(elements, func(e any) bool { return textOf(at(e, s.choose)) == s.value })
	if i < 0 {
		return nil
	}
	return elements[i]
}

// textOf returns the text of a value; "": it is none, or several.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return clean(v)
	case embedded:
		return clean(v.text)
	case json.Number:
		return clean(v.String())
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
