package subscription

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/scrmkit/scrmkit/internal/valid"
)

// A TemplateID is a template as WeChat's console lists it for the app.
type TemplateID string

// A Template is a kind of message that the app may send.
type Template struct {
	ID     TemplateID `json:"id"`     // template id (模板 ID)
	Fields []Field    `json:"fields"` // all that it has
}

// A Field is a place of a template for a value.
type Field struct {
	Key     string   `json:"key"`               // "thing1": its kind and a number, as WeChat's console shows it
	Values  []string `json:"values,omitempty"`  // of an enum: those that WeChat lists
	Shorten bool     `json:"shorten,omitempty"` // of a thing: a longer value is cut, with "…" at its end, and not refused
}

// maxFields is how many fields a template has at most; WeChat's console allows fewer.
const maxFields = 20

var fieldKey = regexp.MustCompile(`^([a-z_]+)[0-9]{1,3}$`)

// kindOf returns the kind of a field, as "thing"; "": the key is none of WeChat's.
func kindOf(key string) string {
	if m := fieldKey.FindStringSubmatch(key); m != nil && kinds[m[1]].fits != nil {
		return m[1]
	}
	return ""
}

// A catalog has the templates of an engine by their ids, checked.
type catalog map[TemplateID]Template

// newCatalog returns an *errs.DefinitionError with all that is wrong with templates.
func newCatalog(templates []Template) (catalog, error) {
	var c valid.Checker
	all := catalog{}
	for i, t := range templates {
		path := fmt.Sprintf("templates[%d].", i)
		c.At(path, valid.ID("id", t.ID))
		if _, twice := all[t.ID]; twice {
			c.Add(path+"id", "is that of another template")
		}
		c.Between(path+"fields", int64(len(t.Fields)), 1, maxFields)
		seen := map[string]bool{}
		for k, f := range t.Fields {
			path := fmt.Sprintf("%sfields[%d].", path, k)
			kind := kindOf(f.Key)
			if kind == "" {
				c.Add(path+"key", "is not a kind of WeChat's and a number, like thing1; the kinds are "+strings.Join(kindNames(), ", "))
			}
			if seen[f.Key] {
				c.Add(path+"key", "is that of another field")
			}
			seen[f.Key] = true
			if (kind == "enum") != (len(f.Values) > 0) {
				c.Add(path+"values", "is what an enum must have, and nothing else may")
			}
			if f.Shorten && kind != "thing" {
				c.Add(path+"shorten", "is for a thing alone")
			}
		}
		t.Fields = slices.Clone(t.Fields)
		all[t.ID] = t
	}
	return all, c.Err()
}

// has returns ErrUnknownTemplate where there is no such template.
func (all catalog) has(id TemplateID) error {
	if _, ok := all[id]; !ok {
		return ErrUnknownTemplate
	}
	return nil
}
