package ticket

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/phone"
)

// Templates (自动处理模板) are rules in their order, of which the first one that is met counts.
type Templates struct {
	ID      TemplatesID `json:"id"`
	Version int         `json:"version"` // 1, 2, 3, ...
	Rules   []Rule      `json:"rules"`
}

// A Rule says what to read of a push, for which pushes it is, and where those go.
type Rule struct {
	ID       RuleID            `json:"id"`
	If       string            `json:"if,omitempty"`      // a condition on Facts; "": it is met
	Map      map[string]string `json:"map,omitempty"`     // fields, by their JSON names, and where the body has them: "customer.addresses.0.phone"
	Defaults Fields            `json:"defaults,omitzero"` // of what the body has not
	NoPhone  bool              `json:"noPhone,omitempty"` // a ticket needs no telephone number
	Action   Action            `json:"action"`
}

// An Action is where a ticket goes: to a code or to a pool, or nowhere in particular.
type Action struct {
	Code CodeID   `json:"code,omitempty"`
	Pool PoolID   `json:"pool,omitempty"`
	Tags []string `json:"tags,omitempty"` // that the ticket gets
}

// Facts are what a condition sees: `country == "US" and platform in ["whatsapp", "line"] and body("total_price") != ""`.
//
// A condition is written in the language of expr-lang.org, and is true or false. It has texts, whole numbers, true and false; the
// operators and, or, not, ==, !=, <, <=, >, >=, in, contains, startsWith, endsWith and matches, the functions len and lower, ?:, lists
// that are written out, and body, which reads a text of the body at a path. It has no loops, and texts are cut to 1024 bytes: it can't
// run long.
type Facts struct {
	Site     string                   `expr:"site"`
	Name     string                   `expr:"name"`
	Phone    string                   `expr:"phone"` // as it was typed
	Country  string                   `expr:"country"`
	Platform string                   `expr:"platform"`
	Language string                   `expr:"language"`
	Gender   string                   `expr:"gender"`
	Order    string                   `expr:"order"`
	Remark   string                   `expr:"remark"`
	Body     func(path string) string `expr:"body"`
}

// fields are what a rule may read.
var fields = map[string]func(f *Fields) *string{
	"name": func(f *Fields) *string { return &f.Name }, "phone": func(f *Fields) *string { return &f.Phone },
	"country": func(f *Fields) *string { return &f.Country }, "platform": func(f *Fields) *string { return &f.Platform },
	"language": func(f *Fields) *string { return &f.Language }, "gender": func(f *Fields) *string { return &f.Gender },
	"order": func(f *Fields) *string { return &f.Order }, "remark": func(f *Fields) *string { return &f.Remark },
}

const (
	maxRules     = 500
	maxTags      = 50
	maxCondition = 4096 // bytes
	maxNodes     = 200
	maxPath      = 20 // steps
)

// A Program is templates, ready to decide. It is safe for concurrent use.
type Program struct {
	def   Templates
	rules []rule
}

type rule struct {
	Rule
	condition *vm.Program // nil: it is met
}

// Templates returns the definition.
func (p *Program) Templates() Templates { return p.def }

// Compile returns templates that can decide. *DefinitionError: they have mistakes.
func Compile(d Templates) (*Program, error) {
	var c valid.Checker
	c.Field(valid.ID("id", d.ID))
	c.Between("version", int64(d.Version), 1, 1<<31-1)
	c.Between("rules", int64(len(d.Rules)), 0, maxRules)
	p := &Program{def: d}
	for i, r := range d.Rules {
		at := fmt.Sprintf("rules[%d].", i)
		c.At(at, valid.ID("id", r.ID))
		if slices.ContainsFunc(d.Rules[:i], func(o Rule) bool { return o.ID == r.ID }) {
			c.Add(at+"id", "is that of another rule")
		}
		for name, path := range r.Map {
			if fields[name] == nil {
				c.Add(at+"map", fmt.Sprintf("%q is no field", name))
			}
			if n := len(strings.Split(path, ".")); path == "" || n > maxPath || len(path) > valid.MaxText {
				c.Add(at+"map."+name, fmt.Sprintf("is no path of 1 to %d steps", maxPath))
			}
		}
		c.At(at, r.Defaults.check("defaults."))
		c.At(at, valid.OptionalID("action.code", r.Action.Code))
		c.At(at, valid.OptionalID("action.pool", r.Action.Pool))
		c.Between(at+"action.tags", int64(len(r.Action.Tags)), 0, maxTags)
		for _, tag := range r.Action.Tags {
			c.At(at, valid.ID("action.tags", tag))
		}
		if r.Action.Code != "" && r.Action.Pool != "" {
			c.Add(at+"action", "has both a code and a pool")
		}
		condition, err := compileCondition(r.If)
		if err != nil {
			c.Add(at+"if", err.Error())
		}
		p.rules = append(p.rules, rule{r, condition})
	}
	return p, c.Err()
}

// A DefinitionError lists every mistake of templates.
type DefinitionError = valid.DefinitionError

func compileCondition(source string) (*vm.Program, error) {
	if source == "" {
		return nil, nil
	}
	failed := func(err error) (*vm.Program, error) {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("can't be compiled: %s", first)
	}
	if len(source) > maxCondition {
		return failed(fmt.Errorf("it is longer than %d bytes", maxCondition))
	}
	tree, err := parser.Parse(source)
	if err != nil {
		return failed(err)
	}
	var l language
	if ast.Walk(&tree.Node, &l); l.err != nil {
		return failed(l.err)
	}
	program, err := expr.Compile(source, expr.Env(Facts{}), expr.AsBool(), expr.WarnOnAny(), expr.MaxNodes(maxNodes),
		expr.DisableAllBuiltins(), expr.EnableBuiltin("len"), expr.EnableBuiltin("lower"))
	if err != nil {
		return failed(err)
	}
	return program, nil
}

// A language finds what is no part of the language of conditions: whatever could take long.
type language struct{ err error }

// Visit implements ast.Visitor.
func (l *language) Visit(node *ast.Node) {
	ok := false
	switch n := (*node).(type) {
	case *ast.BoolNode, *ast.IntegerNode, *ast.StringNode, *ast.IdentifierNode, *ast.ArrayNode, *ast.ConditionalNode:
		ok = true
	case *ast.UnaryNode:
		ok = n.Operator == "not" || n.Operator == "!" || n.Operator == "-"
	case *ast.BinaryNode:
		ok = slices.Contains([]string{
			"and", "&&", "or", "||", "==", "!=", "<", "<=", ">", ">=", "in", "contains", "startsWith", "endsWith", "matches",
		}, n.Operator)
		if _, constant := n.Right.(*ast.StringNode); n.Operator == "matches" && !constant {
			ok = false
		}
	case *ast.BuiltinNode:
		ok = n.Name == "len" || n.Name == "lower"
	case *ast.CallNode:
		callee, named := n.Callee.(*ast.IdentifierNode)
		ok = named && callee.Value == "body"
	}
	if !ok && l.err == nil {
		l.err = fmt.Errorf("%s is no part of the language of conditions", *node)
	}
}

// Decide decides on a push of a site: what is read of it, where it goes, or why somebody has to look at it. It may be asked again, of
// these templates or others, with the same body.
func (p *Program) Decide(s Site, t Ticket, body []byte, now time.Time) Ticket {
	t.Templates, t.Decided, t.Updated = p.def.ID, p.def.Version, now
	t.State, t.Reason, t.Rule, t.Target, t.Tags, t.Tried, t.Fields = Manual, NoTemplate, "", Target{}, nil, nil, s.Settings.Defaults
	doc, err := parse(body)
	if err != nil {
		t.Reason = Unreadable
		return t
	}
	for _, r := range p.rules {
		f := r.read(doc, s.Settings.Defaults)
		met, why := r.met(s.ID, f, doc)
		if !met {
			t.Tried = append(t.Tried, Tried{r.ID, why})
			continue
		}
		t.Rule, t.Tags = r.ID, slices.Clone(r.Action.Tags)
		number, err := phone.Parse(f.Phone, region(f.Country))
		f.Phone, f.Typed = number.E164, f.Phone
		t.Fields = f
		if err != nil && !r.NoPhone {
			t.Reason = BadPhone
			return t
		}
		t.State, t.Reason, t.Target = Pending, "", Target{Code: r.Action.Code, Pool: r.Action.Pool}
		return t
	}
	t.Fields.Phone = ""
	return t
}

// region returns the country where it is one of ISO 3166-1 alpha-2.
func region(country string) string {
	if len(country) == 2 {
		return country
	}
	return ""
}

// read returns what the rule reads of a body.
func (r rule) read(doc map[string]any, site Fields) Fields {
	var f Fields
	for name, field := range fields {
		value := field(&f)
		if path := r.Map[name]; path != "" {
			*value = at(doc, path)
		}
		for _, d := range []Fields{r.Defaults, site} {
			if *value == "" {
				*value = *field(&d)
			}
		}
	}
	return f
}

// met tells whether the condition of the rule is, or why not.
func (r rule) met(site SiteID, f Fields, doc map[string]any) (bool, string) {
	if r.condition == nil {
		return true, ""
	}
	out, err := expr.Run(r.condition, Facts{
		Site: string(site), Name: f.Name, Phone: f.Phone, Country: f.Country, Platform: f.Platform, Language: f.Language,
		Gender: f.Gender, Order: f.Order, Remark: f.Remark, Body: func(path string) string { return at(doc, path) },
	})
	switch met, _ := out.(bool); {
	case err != nil:
		return false, "the condition can't be decided"
	case !met:
		return false, "the condition is not met"
	}
	return true, ""
}

// parse reads a body. Numbers stay as they are written.
func parse(body []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if doc == nil || d.More() {
		return nil, errors.New("the body is not one JSON object")
	}
	return doc, nil
}

// at returns the text at a path of a body; "": there is none.
func at(doc map[string]any, path string) string {
	var v any = doc
	for i, step := range strings.Split(path, ".") {
		if i == maxPath {
			return ""
		}
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(in) {
				return ""
			}
			v = in[n]
		default:
			return ""
		}
	}
	switch v := v.(type) {
	case string:
		return clean(v)
	case json.Number:
		return clean(v.String())
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// clean returns a text as valid.Text lets it through: without control characters, and cut to its length.
func clean(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text[:min(len(text), 2*valid.MaxText)]))
	for len(text) > valid.MaxText {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return strings.ToValidUTF8(text, "")
}
