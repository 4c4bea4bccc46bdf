package subscription

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

func TestValues(t *testing.T) {
	for key, c := range map[string]struct{ good, bad []string }{
		"thing1":            {[]string{"a", strings.Repeat("望", 20), "Coffee, 2 cups!", "两杯咖啡🙂"}, []string{"", " ", strings.Repeat("望", 21), "a\nb", "a\x00", "a\u2028b", "a\u202eb", "\xff"}},
		"number2":           {[]string{"0", "12.50", strings.Repeat("1", 32)}, []string{"-1", "1,000", "1.", ".5", "1.2.3", "１", strings.Repeat("1", 33)}},
		"letter3":           {[]string{"A", strings.Repeat("z", 32)}, []string{"a1", "a b", "é", strings.Repeat("z", 33)}},
		"symbol4":           {[]string{"!", "￥…，+~"}, []string{"a", "1", "中", "!!!!!!"}},
		"character_string5": {[]string{"A-1/2", strings.Repeat("#", 32)}, []string{"中", "a b", strings.Repeat("#", 33)}},
		"time6": {
			[]string{"15:01", "5:01:59", "2019年10月1日 15:01", "2019-10-01 15:01~2019-10-02 16:00", "15:01~16:01"},
			[]string{"24:00", "15:60", "15", "2019年10月1日", "15:01-16:01", "15:01~", "15:01~16:01~17:01", "3pm"},
		},
		"date7": {
			[]string{"2019年10月1日", "2019年10月", "10月1日", "2019-10-01", "2019/10/1", "2019.10.01", "2019-10", "10-01", "2019年10月1日 15:01", "2019-10-01~2019-10-03"},
			[]string{"15:01", "2019-13-01", "2019-10-32", "2019-10/01", "20191001", "2019年10月1日15:01", "tomorrow"},
		},
		"amount8":       {[]string{"￥12.50", "¥1", "12.50元", "$1234567890", "0"}, []string{"12345678901", "￥￥1", "1.", "-1", "1元元", "1,000", "CNY1"}},
		"phone_number9": {[]string{"+86-0766-66888866", "13800138000"}, []string{"138 0013 8000", "1234567890123456+8", "phone"}},
		"car_number10":  {[]string{"粤A8Z888挂", "A1", "粤"}, []string{"粤A8Z8888挂", "A粤1", "A-1", "粤 A"}},
		"name11":        {[]string{"张三", strings.Repeat("张", 10), "John Smith", strings.Repeat("a", 20), "Mary-Ann", "张san"}, []string{strings.Repeat("张", 11), "张sanzhangsan", strings.Repeat("a", 21), "张3"}},
		"phrase12":      {[]string{"配送中", "已完成配送"}, []string{"配送中！", "ok", "已完成配送了"}},
		"enum13":        {[]string{"open", "closed"}, []string{"Open", "other", " "}},
	} {
		f := Field{Key: key}
		if key == "enum13" {
			f.Values = []string{"open", "closed"}
		}
		all, err := newCatalog([]Template{{ID: "t", Fields: []Field{f}}})
		if err != nil {
			t.Fatal(key, err)
		}
		for _, v := range c.good {
			if sent, err := all["t"].values(map[string]string{key: v}); err != nil || sent[key] != v {
				t.Errorf("%s: %q is refused: %v", key, v, err)
			}
		}
		for _, v := range c.bad {
			var input *errs.InputError
			if _, err := all["t"].values(map[string]string{key: v}); !errors.As(err, &input) || input.Field != "values."+key {
				t.Errorf("%s: %q: %v", key, v, err)
			}
		}
	}
}

func TestAThingIsShortened(t *testing.T) {
	all, err := newCatalog([]Template{{ID: "t", Fields: []Field{{Key: "thing1", Shorten: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	for v, want := range map[string]string{
		strings.Repeat("望", 20): strings.Repeat("望", 20), strings.Repeat("望", 21): strings.Repeat("望", 19) + "…", "a": "a",
	} {
		if sent, err := all["t"].values(map[string]string{"thing1": v}); err != nil || sent["thing1"] != want {
			t.Errorf("%q is sent as %q, %v", v, sent["thing1"], err)
		}
	}
}

func TestFieldsAreThoseOfTheTemplate(t *testing.T) {
	all, err := newCatalog([]Template{{ID: "t", Fields: []Field{{Key: "thing1"}, {Key: "time2"}}}})
	if err != nil {
		t.Fatal(err)
	}
	for field, given := range map[string]map[string]string{
		"values.time2": {"thing1": "a"}, "values.thing3": {"thing1": "a", "time2": "15:01", "thing3": "a"}, "values.thing1": nil,
	} {
		var input *errs.InputError
		if _, err := all["t"].values(given); !errors.As(err, &input) || input.Field != field {
			t.Errorf("%v: %v", given, err)
		}
	}
}

func TestDefinitions(t *testing.T) {
	one := func(f ...Field) []Template { return []Template{{ID: "t", Fields: f}} }
	for path, templates := range map[string][]Template{
		"templates[0].id": {{Fields: []Field{{Key: "thing1"}}}}, "templates[1].id": append(one(Field{Key: "thing1"}), one(Field{Key: "thing1"})...),
		"templates[0].fields": one(), "templates[0].fields[0].key": one(Field{Key: "thing"}), "templates[0].fields[1].key": one(Field{Key: "thing1"}, Field{Key: "thing1"}),
		"templates[0].fields[0].values": one(Field{Key: "enum1"}), "templates[0].fields[1].values": one(Field{Key: "thing1"}, Field{Key: "time2", Values: []string{"a"}}),
		"templates[0].fields[0].shorten": one(Field{Key: "phrase1", Shorten: true}),
	} {
		_, err := newCatalog(templates)
		var bad *errs.DefinitionError
		if !errors.As(err, &bad) || bad.Mistakes[0].Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, key := range []string{"", "1", "thing", "Thing1", "things1", "thing1.DATA", "thing-1", "other1", "thing1 "} {
		if _, err := newCatalog(one(Field{Key: key})); err == nil {
			t.Errorf("%q is taken for a key", key)
		}
	}
}

// What is sent is what WeChat takes, and what WeChat takes can be sent.
func FuzzValues(f *testing.F) {
	for i, v := range []string{
		"两杯咖啡", "12.50", "abc", "￥", "A-1", "15:01~16:01", "2019年10月1日 15:01", "￥12.50元", "+86-0766", "粤A8Z888挂", "John Smith", "配送中", "open",
	} {
		f.Add(i, v)
	}
	f.Fuzz(func(t *testing.T, kind int, v string) {
		names := kindNames()
		key := names[uint(kind)%uint(len(names))] + "1"
		field, fake := Field{Key: key}, wechattest.Template{ID: "t", Keys: []string{key}}
		if key == "enum1" {
			field.Values = []string{"open", "closed"}
			fake.Enums = map[string][]string{key: field.Values}
		}
		all, err := newCatalog([]Template{{ID: "t", Fields: []Field{field}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = all["t"].values(map[string]string{key: v})
		if bidi := strings.ContainsFunc(v, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }); (err == nil) != (fake.Takes(key, v) && !bidi) {
			t.Errorf("%s: %q: %v, and WeChat takes it: %t", key, v, err, fake.Takes(key, v))
		}
	})
}

// BenchmarkValues checks a message of three fields.
func BenchmarkValues(b *testing.B) {
	all, err := newCatalog([]Template{{ID: "t", Fields: []Field{{Key: "thing1"}, {Key: "date2"}, {Key: "amount3"}}}})
	if err != nil {
		b.Fatal(err)
	}
	given := map[string]string{"thing1": "第 8 杯免费", "date2": "2026年3月10日 12:00", "amount3": "￥12.50"}
	for b.Loop() {
		if _, err := all["t"].values(given); err != nil {
			b.Fatal(err)
		}
	}
}
