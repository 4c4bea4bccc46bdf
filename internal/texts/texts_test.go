package texts_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/texts"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/message"
)

func key(s string) texts.Key {
	template, lang, _ := strings.Cut(s, ":")
	return texts.Key{Template: template, Language: lang}
}

func TestFind(t *testing.T) {
	var check valid.Checker
	table := texts.New(&check, []string{"signin:zh-CN", "signin:zh-TW", "signin:en", "reset", "pickup:en"}, key)
	if err := check.Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ template, language, want string }{
		{"signin", "", "signin:zh-CN"}, {"signin", "zh_CN", "signin:zh-CN"}, {"signin", "zh", "signin:zh-CN"}, {"signin", "zh-Hant-HK", "signin:zh-TW"},
		{"signin", "en-GB", "signin:en"}, {"signin", "fr", "signin:zh-CN"}, {"signin", "not a tag", "signin:zh-CN"},
		{"reset", "", "reset"}, {"reset", "th", "reset"}, {"pickup", "zh", "pickup:en"},
	} {
		got, err := table.Find("x", message.Message{Template: c.template, Language: c.language})
		if got != c.want || err != nil {
			t.Errorf("%s in %q is %s: %v", c.template, c.language, got, err)
		}
	}
	if _, err := table.Find("x", message.Message{Template: "other"}); !errors.Is(err, message.ErrSettings) || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("a template without a text: %v", err)
	}
}

func TestNewListsMistakes(t *testing.T) {
	for _, c := range []struct {
		texts []string
		want  string
	}{
		{nil, "texts are missing"},
		{[]string{""}, "texts[0].template is missing"},
		{[]string{"a:12345678901"}, "texts[0].language is no BCP 47 tag"},
		{[]string{"a:en", "a:en"}, "texts[1].language is there twice"},
		{[]string{"a:en", "a"}, "texts[1].language is missing in one of the texts of the template"},
		{[]string{"a", "a:en"}, "texts[1].language is missing in one of the texts of the template"},
	} {
		var check valid.Checker
		texts.New(&check, c.texts, key)
		if err := check.Err(); err == nil || !strings.HasSuffix(err.Error(), ": "+c.want) {
			t.Errorf("%q: %v", c.texts, err)
		}
	}
}

func TestVars(t *testing.T) {
	good := message.Message{Ref: "a-B_9", Channel: message.SMS, Vars: []message.Var{{Name: "code", Value: "1\n2\t3"}, {Name: "empty"}}}
	vars, err := texts.Vars("x", message.SMS, good)
	if err != nil || len(vars) != 2 || vars["code"] != "1\n2\t3" {
		t.Errorf("%q, %v", vars, err)
	}
	if _, err := texts.Vars("x", message.Mail, good); !errors.Is(err, message.ErrSettings) {
		t.Errorf("another channel: %v", err)
	}
	for _, c := range []struct {
		field string
		m     message.Message
	}{
		{"ref", message.Message{}},
		{"ref", message.Message{Ref: strings.Repeat("a", 65)}},
		{"ref", message.Message{Ref: "a\r\nTo: b"}},
		{"vars[0]", message.Message{Ref: "1", Vars: []message.Var{{Value: "1"}}}},
		{"vars[1]", message.Message{Ref: "1", Vars: []message.Var{{Name: "a"}, {Name: "a"}}}},
		{"vars[0]", message.Message{Ref: "1", Vars: []message.Var{{Name: "a", Value: "\xff"}}}},
		{"vars[0]", message.Message{Ref: "1", Vars: []message.Var{{Name: "a", Value: "\x00"}}}},
		{"vars[0]", message.Message{Ref: "1", Vars: []message.Var{{Name: "a", Value: strings.Repeat("a", 16<<10+1)}}}},
	} {
		c.m.Channel = message.SMS
		_, err := texts.Vars("x", message.SMS, c.m)
		var e *errs.InputError
		if !errors.As(err, &e) || e.Field != c.field {
			t.Errorf("%+v: %v", c.m, err)
		}
	}
}
