package ticket

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/condition"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/phone"
)

// Templates (自动处理模板) are rules in their order, of which the first one that is met counts.
type Templates struct {
	ID      TemplatesID `json:"id"`      // the same in all versions
	Version int         `json:"version"` // 1, 2, 3, ...
	Rules   []Rule      `json:"rules"`   // in their order
}

// A Rule says what to read of a push, for which pushes it is, and where those go.
type Rule struct {
	ID       RuleID            `json:"id"`                // unique in the templates
	If       string            `json:"if,omitempty"`      // a condition on Facts; "": it is met
	Map      map[string]string `json:"map,omitempty"`     // fields, and where the body has them; before those of Settings.Map
	Values   Values            `json:"values,omitempty"`  // before those of Settings.Values
	Defaults Fields            `json:"defaults,omitzero"` // of what the body has not
	NoPhone  bool              `json:"noPhone,omitempty"` // a ticket needs no telephone number
	Action   Action            `json:"action"`            // where its pushes go
}

// Values are tables of what the texts of fields become: {"status": {"processing": "paid", "*":
// "other"}}. "*" stands for every text that the table has not; without it those stay as they are.
// Defaults are not looked up.
type Values map[string]map[string]string

// other is the text of a table that stands for every other.
const other = "*"

const maxValues = 1000 // of a table

// of returns what a text of a field becomes, and whether there is a table for the field.
func (v Values) of(field, text string) (string, bool) {
	table, has := v[field]
	if to, ok := table[text]; ok {
		return to, true
	}
	if to, ok := table[other]; ok {
		return to, true
	}
	return text, has
}

func (v Values) check(at string) error {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		table := at + "values." + name
		if fields[name] == nil {
			return &errs.InputError{Field: at + "values", Reason: fmt.Sprintf("%q is no field", name)}
		}
		if err := valid.Between(table, int64(len(v[name])), 1, maxValues); err != nil {
			return err
		}
		for _, from := range slices.Sorted(maps.Keys(v[name])) {
			if err := cmp.Or(valid.Text(table, from), valid.Text(table, v[name][from])); err != nil {
				return err
			}
		}
	}
	return nil
}

// An Action is where a ticket goes: to a code or to a pool, or nowhere in particular.
type Action struct {
	Code ids.Code `json:"code,omitempty"` // "": none
	Pool ids.Line `json:"pool,omitempty"` // "": none
	Tags []string `json:"tags,omitempty"` // that the ticket gets
}

// Facts are what a condition sees: `country == "US" and platform in ["whatsapp", "line"] and
// body("total_price") != ""`.
//
// A condition is written in the language of expr-lang.org, and is true or false. It has texts,
// whole numbers, true and false; the operators and, or, not, ==, !=, <, <=, >, >=, +, -, *, %, in,
// contains, startsWith, endsWith and matches, with a constant after in and after matches; the
// functions len and lower; ?:; and body, which reads a text of the body at a path. It has no loops,
// texts are cut to 1024 bytes, and patterns are bounded: of at most 1,000 instructions in a
// condition and 20,000 in all rules. So it can't run long: the longest decision that was found,
// over 500 rules, took a core 0.9 s (BenchmarkDecideWorst).
type Facts struct {
	Site     string                   `expr:"site"`     // Site.ID
	Name     string                   `expr:"name"`     // Fields.Name
	Phone    string                   `expr:"phone"`    // as it was typed
	Country  string                   `expr:"country"`  // in capitals
	Platform string                   `expr:"platform"` // in small letters
	Language string                   `expr:"language"` // Fields.Language
	Gender   string                   `expr:"gender"`   // Fields.Gender
	Status   string                   `expr:"status"`   // Fields.Status
	Order    string                   `expr:"order"`    // Fields.Order
	Remark   string                   `expr:"remark"`   // Fields.Remark
	Body     func(path string) string `expr:"body"`     // text of the body at a path
}

// fields are what a rule may read.
var fields = map[string]func(f *Fields) *string{
	"name": func(f *Fields) *string { return &f.Name }, "phone": func(f *Fields) *string { return &f.Phone },
	"country": func(f *Fields) *string { return &f.Country }, "platform": func(f *Fields) *string { return &f.Platform },
	"language": func(f *Fields) *string { return &f.Language }, "gender": func(f *Fields) *string { return &f.Gender },
	"status": func(f *Fields) *string { return &f.Status }, "order": func(f *Fields) *string { return &f.Order }, "remark": func(f *Fields) *string { return &f.Remark },
}

const (
	maxRules     = 500
	maxTags      = 50
	maxPatterns  = 20000 // in all rules
	maxUndecided = 20
)

// A Program is templates, ready to decide. It is safe for concurrent use.
type Program struct {
	def   Templates
	rules []rule
}

type rule struct {
	Rule
	condition condition.Condition[*decided]
	sources   map[string]source
}

// Templates returns the definition.
func (p *Program) Templates() Templates { return p.def }

// Compile returns templates that can decide. *errs.DefinitionError: they have mistakes.
func Compile(d Templates) (*Program, error) {
	var c valid.Checker
	c.Field(valid.ID("id", d.ID))
	c.Between("version", int64(d.Version), 1, 1<<31-1)
	c.Between("rules", int64(len(d.Rules)), 0, maxRules)
	p, patterns := &Program{def: d}, 0
	for i, r := range d.Rules {
		at := fmt.Sprintf("rules[%d].", i)
		c.At(at, valid.ID("id", r.ID))
		if slices.ContainsFunc(d.Rules[:i], func(o Rule) bool { return o.ID == r.ID }) {
			c.Add(at+"id", "is that of another rule")
		}
		sources := map[string]source{}
		for _, name := range slices.Sorted(maps.Keys(r.Map)) {
			s, err := fieldSource(at, name, r.Map[name])
			c.Field(err)
			sources[name] = s
		}
		c.Field(r.Values.check(at))
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
		compiled := rule{Rule: r, sources: sources}
		if r.If != "" {
			var err error
			if compiled.condition, err = language.Compile(r.If, Facts{}); err != nil {
				c.Add(at+"if", err.Error())
			}
		}
		patterns += compiled.condition.Patterns
		p.rules = append(p.rules, compiled)
	}
	if patterns > maxPatterns {
		c.Add("rules", fmt.Sprintf("have patterns of more than %d instructions", maxPatterns))
	}
	return p, c.Err()
}

// fieldSource returns where a field is, of the map that is at a place. *errs.InputError: it is no
// field, or no source.
func fieldSource(at, field, text string) (source, error) {
	if fields[field] == nil {
		return source{}, &errs.InputError{Field: at + "map", Reason: fmt.Sprintf("%q is no field", field)}
	}
	s, err := compileSource(text)
	if err != nil {
		err = &errs.InputError{Field: at + "map." + field, Reason: err.Error()}
	}
	return s, err
}

// Decide decides on a push of a site: what is read of it, where it goes, or why somebody has to
// look at it. It may be asked again, of these templates or others, with the same body.
func (p *Program) Decide(s Site, t Ticket, body []byte, now time.Time) Ticket {
	t.Templates, t.Decided, t.Updated = p.def.ID, p.def.Version, now
	t.State, t.Reason, t.Rule, t.Target, t.Tags, t.Undecided = Manual, NoTemplate, "", Target{}, nil, nil
	r := reading{settings: s.Settings, sources: s.Settings.sources()}
	doc, err := parse(body)
	if err != nil {
		t.Reason, t.Fields = Unreadable, r.fields(rule{})
		t.Fields.Phone = ""
		return t
	}
	r.doc = doc
	for _, rule := range p.rules {
		f := r.fields(rule)
		met, err := rule.met(s.ID, f, doc)
		if err != nil && len(t.Undecided) < maxUndecided {
			t.Undecided = append(t.Undecided, rule.ID)
		}
		if !met {
			continue
		}
		t.Rule, t.Tags = rule.ID, slices.Clone(rule.Action.Tags)
		if t.Fields, err = f.dialled(); err != nil && !rule.NoPhone {
			t.Reason = BadPhone
			return t
		}
		t.State, t.Reason, t.Target = Pending, "", Target{Code: rule.Action.Code, Pool: rule.Action.Pool}
		return t
	}
	t.Fields, _ = r.fields(rule{}).dialled()
	return t
}

// Refresh reads another body of a ticket that was decided on, by the rule that was met then: its
// state and its target stay. A body that can't be read leaves the ticket as it is.
func (p *Program) Refresh(s Site, t Ticket, body []byte) Ticket {
	doc, err := parse(body)
	if err != nil {
		return t
	}
	r := reading{settings: s.Settings, sources: s.Settings.sources(), doc: doc}
	var by rule
	if i := slices.IndexFunc(p.rules, func(r rule) bool { return r.ID == t.Rule }); i >= 0 {
		by = p.rules[i]
	}
	t.Fields, _ = r.fields(by).dialled()
	return t
}

// dialled returns the fields with the number in E.164, and as it was typed. *phone.Error: it can't
// be read.
func (f Fields) dialled() (Fields, error) {
	region := f.Country
	if len(region) != 2 { // none of ISO 3166-1 alpha-2
		region = ""
	}
	number, err := phone.Parse(f.Phone, region)
	f.Phone, f.Typed = number.E164, f.Phone
	return f, err
}

// A reading is a body of a site, to be read by rules.
type reading struct {
	settings Settings
	sources  map[string]source // of settings
	doc      any               // nil: it can't be read
}

// sources returns where a site's fields are. Those that can't be compiled, which no site is put
// with, are nowhere.
func (s Settings) sources() map[string]source {
	all := map[string]source{}
	for name, text := range s.Map {
		if s, err := compileSource(text); err == nil {
			all[name] = s
		}
	}
	return all
}

// fields returns what a rule reads.
func (r reading) fields(by rule) Fields {
	var f Fields
	for name, field := range fields {
		value := field(&f)
		s, has := by.sources[name]
		if !has {
			s = r.sources[name]
		}
		if text := s.read(r.doc); text != "" {
			to, has := by.Values.of(name, text)
			if !has {
				to, _ = r.settings.Values.of(name, text)
			}
			*value = to
		}
		*value = cmp.Or(*value, *field(&by.Defaults), *field(&r.settings.Defaults))
	}
	f.Country, f.Platform = countryOf(f.Country), platformOf(f.Platform)
	return f
}

// countryOf returns a country as it is stored and asked for.
func countryOf(text string) string { return cut(strings.ToUpper(text)) }

// platformOf returns a platform as it is stored and asked for.
func platformOf(text string) string { return cut(strings.ToLower(text)) }

// decided is what the condition of a rule is decided on.
type decided struct {
	site   SiteID
	fields *Fields
	doc    any
	failed error
}

// Fail implements condition.Facts.
func (d *decided) Fail(err error) { d.failed = err }

// language has the names that a condition may use.
var language = func() *condition.Language[*decided] {
	names := map[string]condition.Value[*decided]{"site": {Text: func(d *decided) string { return string(d.site) }}}
	for name, field := range fields {
		names[name] = condition.Value[*decided]{Text: func(d *decided) string { return *field(d.fields) }}
	}
	body := func(d *decided, path string) string {
		s, err := compileSource(path)
		if err != nil {
			return ""
		}
		return s.read(d.doc)
	}
	return &condition.Language[*decided]{Names: names, Funcs: map[string]func(*decided, string) string{"body": body}}
}()

// met reports whether the condition of the rule is met. An error: it can't be decided.
func (r rule) met(site SiteID, f Fields, doc any) (bool, error) {
	if r.condition.Met == nil {
		return true, nil
	}
	d := &decided{site: site, fields: &f, doc: doc}
	met := r.condition.Met(d)
	return met && d.failed == nil, d.failed
}

// clean returns a text as valid.Text lets it through: without control characters, and cut to its
// length.
func clean(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text[:min(len(text), 2*valid.MaxText)]))
	return cut(text)
}

// cut returns the longest beginning of a text that valid.Text lets through.
func cut(text string) string {
	for len(text) > valid.MaxText {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return strings.ToValidUTF8(text, "")
}
