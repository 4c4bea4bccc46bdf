package miniprogram

import (
	"fmt"
	"strings"

	"github.com/scrmkit/scrmkit/errs"
)

// A Scene is what a picture of a code tells the page that it opens: what it is for, and an id of
// that. It is printed on paper and read for years, by whatever app opens it then.
type Scene struct {
	Kind string // "shop"; letters and digits
	ID   string // letters, digits, '-', '_' and '.'
}

// MaxScene is how many characters a scene has at most, with the '.' between kind and id. WeChat's
// documents allow more characters than some scanners read; these all do.
const MaxScene = 32

// Text returns the scene as WeChat has it: "shop.wangjing". It returns *errs.InputError if it is
// too long or has other characters.
func (s Scene) Text() (string, error) {
	text := s.Kind + "." + s.ID
	switch {
	case s.Kind == "" || !only(s.Kind, ""):
		return "", &errs.InputError{Field: "scene.kind", Reason: "is missing, or has other characters than letters and digits"}
	case s.ID == "" || !only(s.ID, "-_."):
		return "", &errs.InputError{Field: "scene.id", Reason: "is missing, or has other characters than letters, digits, '-', '_' and '.'"}
	case len(text) > MaxScene:
		return "", &errs.InputError{Field: "scene", Reason: fmt.Sprintf("is longer than %d characters", MaxScene)}
	}
	return text, nil
}

// ParseScene reads what Scene.Text gave, as the page got it. It returns *errs.InputError for
// anything else.
func ParseScene(text string) (Scene, error) {
	kind, id, _ := strings.Cut(text, ".")
	s := Scene{kind, id}
	if _, err := s.Text(); err != nil {
		return Scene{}, &errs.InputError{Field: "scene", Reason: "is none: it has a kind, '.' and an id"}
	}
	return s, nil
}

// only reports whether a text has letters, digits and the others alone.
func only(text, others string) bool {
	return strings.IndexFunc(text, func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && !strings.ContainsRune(others, c)
	}) < 0
}
