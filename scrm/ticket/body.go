package ticket

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// embedded is a text of a form that is JSON, with what it says: JotForm writes all answers into
// one.
type embedded struct {
	text  string
	value any
}

const (
	maxFormFields = 1000
	maxFormDepth  = 10
)

var errBody = errors.New("the body is neither JSON nor a form")

// parse reads a body, by what it is and not by what its header says: a JSON object or list, in
// UTF-8 or after a byte order mark of UTF-8 or UTF-16, and nothing else; a form as browsers encode
// it; or one in several parts. Numbers stay as they are written.
func parse(body []byte) (any, error) {
	body, err := decodeText(body)
	if err != nil {
		return nil, err
	}
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(trimmed) == 0:
		return nil, errBody
	case trimmed[0] == '{' || trimmed[0] == '[':
		return parseJSON(trimmed)
	case bytes.HasPrefix(trimmed, []byte("--")):
		return parseParts(trimmed)
	}
	return parseForm(string(bytes.TrimRight(trimmed, "\r\n")))
}

// decodeText returns a body in UTF-8, without the mark that it may begin with.
func decodeText(body []byte) ([]byte, error) {
	mark := string(body[:min(2, len(body))])
	if mark == "\xff\xfe" || mark == "\xfe\xff" {
		if len(body)%2 != 0 {
			return nil, errBody
		}
		units := make([]uint16, 0, len(body)/2)
		for i := 2; i < len(body); i += 2 {
			low, high := body[i], body[i+1]
			if mark[0] == 0xfe {
				low, high = high, low
			}
			units = append(units, uint16(low)|uint16(high)<<8)
		}
		return []byte(string(utf16.Decode(units))), nil
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) {
		return nil, errors.New("the body is not UTF-8")
	}
	return body, nil
}

// parseJSON reads one JSON object or list with nothing behind it.
func parseJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("the body is not one JSON value")
	}
	return doc, nil
}

// parseForm reads a=1&b[c]=2.
func parseForm(text string) (any, error) {
	if !strings.Contains(text, "=") || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '<' || r == '"' }) {
		return nil, errBody
	}
	pairs := strings.Split(text, "&")
	if len(pairs) > maxFormFields {
		return nil, errBody
	}
	doc := map[string]any{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return nil, errBody
		}
		add(doc, name, value)
	}
	return doc, nil
}

// parseParts reads multipart/form-data. Files are left out.
func parseParts(text []byte) (any, error) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	boundary := strings.TrimRight(string(line[2:]), "\r ")
	if boundary == "" || len(boundary) > 70 {
		return nil, errBody
	}
	doc := map[string]any{}
	r := multipart.NewReader(bytes.NewReader(text), boundary)
	for range maxFormFields {
		p, err := r.NextRawPart()
		if err == io.EOF && len(doc) > 0 {
			return doc, nil
		}
		if err != nil {
			return nil, err
		}
		value, err := io.ReadAll(p)
		if err != nil {
			return nil, err
		}
		if p.FormName() != "" && p.FileName() == "" {
			add(doc, p.FormName(), string(value))
		}
	}
	return nil, errBody
}

// add adds a field of a form: name[a][b] is b in a in name, and one that comes again, or ends with
// [], is a list.
func add(doc map[string]any, name, text string) {
	var value any = text
	if trimmed := strings.TrimSpace(text); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		if v, err := parseJSON([]byte(trimmed)); err == nil {
			value = embedded{text, v}
		}
	}
	steps, list := formSteps(name)
	in := doc
	for _, s := range steps[:len(steps)-1] {
		if in[s] == nil {
			in[s] = map[string]any{}
		}
		next, ok := in[s].(map[string]any)
		if !ok { // the name has a text too: both stay as they are written
			in, steps, list = doc, []string{name}, false
			break
		}
		in = next
	}
	last := steps[len(steps)-1]
	switch was := in[last].(type) {
	case nil:
		if in[last] = value; list {
			in[last] = []any{value}
		}
	case []any:
		in[last] = append(was, value)
	default:
		in[last] = []any{was, value}
	}
}

// formSteps returns the parts of a name like a[b][c], or the name where it is none. list reports
// whether [] ends it.
func formSteps(name string) (steps []string, list bool) {
	first, rest, nested := strings.Cut(strings.TrimSuffix(name, "[]"), "[")
	list = strings.HasSuffix(name, "[]") && first != ""
	steps = []string{first}
	if nested {
		inner, closed := strings.CutSuffix(rest, "]")
		steps = append(steps, strings.Split(inner, "][")...)
		if !closed || first == "" || len(steps) > maxFormDepth || slices.Contains(steps, "") || strings.ContainsAny(strings.Join(steps, ""), "[]") {
			return []string{name}, false
		}
	}
	if first == "" {
		return []string{name}, false
	}
	return steps, list
}
