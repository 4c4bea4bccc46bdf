package customer

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
)

func isInput(t *testing.T, what string, err error, want bool) {
	t.Helper()
	var input *errs.InputError
	if errors.As(err, &input) != want || !want && err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func TestIdentities(t *testing.T) {
	for _, tt := range []struct {
		name string
		of   Identity
		bad  bool
	}{
		{"an openid", Identity{OpenID, "wx1", "o1"}, false},
		{"an openid of no app", Identity{OpenID, "", "o1"}, true},
		{"a unionid of no account", Identity{UnionID, "", "u1"}, true},
		{"of another platform", Identity{"line", "", "1"}, false},
		{"no platform", Identity{"", "", "1"}, true},
		{"no id", Identity{"line", "", ""}, true},
		{"a space", Identity{"line", "", "a b"}, true},
		{"a phone", Identity{Phone, "", "+8613800138000"}, false},
		{"a phone of a namespace", Identity{Phone, "x", "+8613800138000"}, true},
		{"a phone without its country", Identity{Phone, "", "13800138000"}, true},
		{"a phone with spaces", Identity{Phone, "", "+86 13800138000"}, true},
		{"a phone that begins with 0", Identity{Phone, "", "+0613800138000"}, true},
		{"a phone that is too long", Identity{Phone, "", "+8613800138000123"}, true},
		{"a phone with letters", Identity{Phone, "", "+861380O138000"}, true},
		{"a mail address", Identity{Mail, "", "alice@example.com"}, false},
		{"a mail address in capitals", Identity{Mail, "", "Alice@example.com"}, true},
		{"no mail address", Identity{Mail, "", "alice"}, true},
		{"a mail address of nobody", Identity{Mail, "", "@example.com"}, true},
	} {
		isInput(t, tt.name, tt.of.check("identity"), tt.bad)
	}
}

func TestDate(t *testing.T) {
	shanghai := time.FixedZone("", 8*60*60)
	for _, tt := range []struct {
		text string
		now  time.Time
		age  int
		ok   bool
	}{
		{"1990-05-01", time.Date(2026, 5, 1, 0, 0, 0, 0, shanghai), 36, true},
		{"1990-05-01", time.Date(2026, 4, 30, 23, 59, 0, 0, shanghai), 35, true},
		{"2012-02-29", time.Date(2026, 2, 28, 12, 0, 0, 0, shanghai), 13, true},
		{"2012-02-29", time.Date(2026, 3, 1, 0, 0, 0, 0, shanghai), 14, true},
		{"--02-29", time.Date(2026, 3, 1, 0, 0, 0, 0, shanghai), 0, false},
		{"", time.Date(2026, 3, 1, 0, 0, 0, 0, shanghai), 0, false},
	} {
		var d Date
		if err := d.UnmarshalText([]byte(tt.text)); err != nil {
			t.Fatal(err)
		}
		if text, err := d.MarshalText(); err != nil || string(text) != tt.text {
			t.Error(string(text), err)
		}
		if age, ok := d.Age(tt.now); age != tt.age || ok != tt.ok {
			t.Errorf("%s at %v: %d, %v", tt.text, tt.now, age, ok)
		}
		isInput(t, tt.text, d.check("day"), false)
	}
	for _, text := range []string{"1990-5-1", "1990-02-30", "--02-30", "19900501", "1990-05-01T00:00:00Z", "--", "-05-01", "2001-02-29", "0000-01-01"} {
		isInput(t, text, new(Date).UnmarshalText([]byte(text)), true)
	}
	for what, d := range map[string]Date{
		"a month alone": {Month: 5}, "a day alone": {Day: 1}, "of 1899": {1899, 1, 1}, "of month 13": {2000, 13, 1},
		"a 29th": {2001, 2, 29}, "year 10000": {10000, 1, 1}, "day -1": {2000, 1, -1}, "a year alone": {Year: 1990},
	} {
		isInput(t, what, d.check("day"), true)
	}
}

func TestQuiet(t *testing.T) {
	at := func(day, hour, minute int) time.Time {
		return time.Date(2026, 3, day, hour, minute, 0, 0, time.FixedZone("", 8*60*60))
	}
	night := Quiet{From: 22 * 60, To: 8 * 60, Zone: "Asia/Shanghai"}
	noon := Quiet{From: 12 * 60, To: 14 * 60, Zone: "Asia/Shanghai"}
	for _, tt := range []struct {
		name      string
		q         Quiet
		now, want time.Time
	}{
		{"before the night", night, at(10, 21, 59), at(10, 21, 59)},
		{"as the night begins", night, at(10, 22, 0), at(11, 8, 0)},
		{"after midnight", night, at(11, 3, 0), at(11, 8, 0)},
		{"as the night ends", night, at(11, 8, 0), at(11, 8, 0)},
		{"at noon", noon, at(10, 13, 0), at(10, 14, 0)},
		{"after noon", noon, at(10, 14, 0), at(10, 14, 0)},
		{"in the morning", noon, at(10, 3, 0), at(10, 3, 0)},
		{"never", Quiet{From: 60, To: 60, Zone: "Asia/Shanghai"}, at(10, 1, 0), at(10, 1, 0)},
		{"none", Quiet{}, at(10, 1, 0), at(10, 1, 0)},
	} {
		if got, err := tt.q.Until(tt.now); err != nil || !got.Equal(tt.want) {
			t.Errorf("%s: %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
	// Clocks in Berlin go from 2:00 to 3:00 on 29 March 2026.
	spring := Quiet{From: 23 * 60, To: 2*60 + 30, Zone: "Europe/Berlin"}
	if got, err := spring.Until(time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC)); err != nil || !got.Equal(time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)) {
		t.Error(got, err)
	}
	if _, err := (Quiet{From: 1, To: 2, Zone: "Nowhere"}).Until(at(10, 1, 0)); err == nil {
		t.Error("a zone that is not there")
	}
}

// A quiet time ends within a day, and nothing is quiet when it ends.
func TestQuietEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Quiet{
			From: Minutes(rapid.IntRange(0, 1439).Draw(t, "from")), To: Minutes(rapid.IntRange(0, 1439).Draw(t, "to")),
			Zone: rapid.SampledFrom([]string{"Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"}).Draw(t, "zone"),
		}
		now := time.Unix(rapid.Int64Range(1_262_304_000, 2_000_000_000).Draw(t, "now"), 0)
		end, err := q.Until(now)
		if err != nil || end.Before(now) || end.Sub(now) > 26*time.Hour {
			t.Fatalf("quiet from %v to %v, %v", now, end, err)
		}
		if again, err := q.Until(end); err != nil || !again.Equal(end) {
			t.Fatalf("at its end it is quiet until %v, %v", again, err)
		}
	})
}

func TestPreferences(t *testing.T) {
	for _, tt := range []struct {
		name string
		p    Preferences
		bad  bool
	}{
		{"none", Preferences{}, false},
		{"some", Preferences{Language: "zh-Hans", Channels: []string{"wechat", "sms"}, Privacy: map[string]bool{"ads": false}}, false},
		{"a language that is none", Preferences{Language: "klingon!"}, true},
		{"a language in another case", Preferences{Language: "zh-hans"}, true},
		{"a channel that is there twice", Preferences{Channels: []string{"sms", "sms"}}, true},
		{"a channel without a name", Preferences{Channels: []string{""}}, true},
		{"a privacy choice without a name", Preferences{Privacy: map[string]bool{"": true}}, true},
		{"21 channels", Preferences{Channels: strings.Split(strings.Repeat("x,", 20)+"x", ",")}, true},
		{"minute 1440", Preferences{Quiet: Quiet{From: 1440, Zone: "UTC"}}, true},
		{"minute -1", Preferences{Quiet: Quiet{To: -1, Zone: "UTC"}}, true},
		{"quiet without a zone", Preferences{Quiet: Quiet{From: 1, To: 2}}, true},
		{"quiet where the server is", Preferences{Quiet: Quiet{From: 1, To: 2, Zone: "Local"}}, true},
	} {
		isInput(t, tt.name, tt.p.check(), tt.bad)
	}
	if p := (Preferences{Channels: []string{"wechat"}}); !p.Takes("wechat") || p.Takes("sms") || !(Preferences{}).Takes("sms") {
		t.Error("channels")
	}
}

func TestProfile(t *testing.T) {
	long := strings.Repeat("a", 1025)
	for _, tt := range []struct {
		name string
		p    Profile
		bad  bool
	}{
		{"empty", Profile{}, false},
		{"full", Profile{
			Nickname: "小爱", Given: "Ai", Family: "Wang", Gender: Female, Birthday: Date{1990, 5, 1}, Country: "CN",
			Address: Address{Lines: []string{"1 Wangjing St"}, City: "Beijing", Region: "Beijing", PostalCode: "100102", Country: "CN"}, Avatar: "a.png",
		}, false},
		{"a nickname that is too long", Profile{Nickname: long}, true},
		{"a line break", Profile{Family: "a\nb"}, true},
		{"no UTF-8", Profile{Given: "\xff"}, true},
		{"a gender that is none", Profile{Gender: "x"}, true},
		{"a country that is none", Profile{Country: "XX"}, true},
		{"a country in lower case", Profile{Country: "cn"}, true},
		{"a part of the world", Profile{Country: "001"}, true},
		{"a country of an address that is none", Profile{Address: Address{Country: "China"}}, true},
		{"6 lines", Profile{Address: Address{Lines: make([]string, 6)}}, true},
		{"a line that is too long", Profile{Address: Address{Lines: []string{long}}}, true},
		{"a day that is none", Profile{Birthday: Date{2001, 2, 29}}, true},
	} {
		isInput(t, tt.name, tt.p.check(), tt.bad)
	}
}

func TestFields(t *testing.T) {
	f := Fields{Version: 1, Fields: []Field{
		{Name: "shoe", Type: Number}, {Name: "vegan", Type: Flag}, {Name: "since", Type: Day}, {Name: "taste", Type: Text, Max: 5},
		{Name: "size", Type: Choice, Choices: []string{"S", "M"}},
	}}
	if err := f.check(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, value string
		bad         bool
	}{
		{"shoe", "42", false}, {"shoe", "-1", false}, {"shoe", "042", true}, {"shoe", "4.2", true}, {"shoe", "", true}, {"shoe", "+1", true},
		{"shoe", "9223372036854775808", true}, {"vegan", "true", false}, {"vegan", "yes", true}, {"since", "2020-01-31", false},
		{"since", "--01-31", false}, {"since", "", true}, {"since", "2020-01-32", true}, {"taste", "sweet", false}, {"taste", "bitter", true},
		{"taste", "a\x00", true}, {"size", "M", false}, {"size", "L", true}, {"weight", "1", true},
	} {
		isInput(t, tt.name+" "+tt.value, f.checkCustom(map[string]string{tt.name: tt.value}), tt.bad)
	}
	for what, bad := range map[string]Fields{
		"version 0":               {},
		"a type that is none":     {1, []Field{{Name: "a", Type: "float"}}},
		"no name":                 {1, []Field{{Type: Text}}},
		"a name twice":            {1, []Field{{Name: "a", Type: Text}, {Name: "a", Type: Flag}}},
		"a choice without any":    {1, []Field{{Name: "a", Type: Choice}}},
		"a number with choices":   {1, []Field{{Name: "a", Type: Number, Choices: []string{"1"}}}},
		"a number with a length":  {1, []Field{{Name: "a", Type: Number, Max: 3}}},
		"a text that is too long": {1, []Field{{Name: "a", Type: Text, Max: 1025}}},
		"an empty choice":         {1, []Field{{Name: "a", Type: Choice, Choices: []string{""}}}},
		"101 fields":              {1, make([]Field, 101)},
	} {
		var mistakes *errs.DefinitionError
		if err := bad.check(); !errors.As(err, &mistakes) {
			t.Error(what, err)
		}
	}
	if err := (Fields{2, []Field{{Name: "shoe", Type: Text}}}).follows(f); err == nil {
		t.Error("a field has another type than before")
	}
	if err := (Fields{2, []Field{{Name: "height", Type: Number}, {Name: "shoe", Type: Number}}}).follows(f); err != nil {
		t.Error(err)
	}
}

func TestMay(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	yes := func(c Consent, ago time.Duration) Consent {
		c.Purpose, c.Given, c.Time = "marketing", true, now.Add(-ago)
		if c.Kind == "" {
			c.Kind = Plain
		}
		return c
	}
	no := func(c Consent, ago time.Duration) Consent {
		c = yes(c, ago)
		c.Given = false
		return c
	}
	adult, child := Date{1990, 1, 1}, Date{2014, 1, 1}
	sms, all := Consent{Channel: "sms"}, Consent{}
	for _, tt := range []struct {
		name string
		born Date
		said []Consent
		use  Use
		want error
	}{
		{"nothing was said", adult, nil, Use{Purpose: "marketing"}, ErrNoConsent},
		{"yes", adult, []Consent{yes(all, 1)}, Use{Purpose: "marketing"}, nil},
		{"yes to something else", adult, []Consent{yes(all, 1)}, Use{Purpose: "profiling"}, ErrNoConsent},
		{"yes to every channel", adult, []Consent{yes(all, 1)}, Use{Purpose: "marketing", Channel: "sms"}, nil},
		{"yes to one channel", adult, []Consent{yes(sms, 1)}, Use{Purpose: "marketing", Channel: "mail"}, ErrNoConsent},
		{"yes, and then no to one channel", adult, []Consent{yes(all, 2), no(sms, 1)}, Use{Purpose: "marketing", Channel: "sms"}, ErrNoConsent},
		{"yes, and then no to another channel", adult, []Consent{yes(all, 2), no(sms, 1)}, Use{Purpose: "marketing", Channel: "mail"}, nil},
		{"yes to one channel, and then no to all", adult, []Consent{yes(sms, 2), no(all, 1)}, Use{Purpose: "marketing", Channel: "sms"}, ErrNoConsent},
		{"no, and then yes", adult, []Consent{no(all, 2), yes(all, 1)}, Use{Purpose: "marketing"}, nil},
		{"yes and no at once", adult, []Consent{no(all, 1), yes(all, 1)}, Use{Purpose: "marketing"}, ErrNoConsent},
		{"a plain yes where a separate one is needed", adult, []Consent{yes(all, 1)}, Use{Purpose: "marketing", Separate: true}, ErrNoConsent},
		{"a separate yes", adult, []Consent{yes(Consent{Kind: Separate}, 1)}, Use{Purpose: "marketing", Separate: true}, nil},
		{"a child's own yes", child, []Consent{yes(all, 1)}, Use{Purpose: "marketing"}, ErrMinor},
		{"a child's and a guardian's", child, []Consent{yes(all, 1), yes(Consent{Kind: Guardian}, 1)}, Use{Purpose: "marketing"}, nil},
		{"a guardian's alone", child, []Consent{yes(Consent{Kind: Guardian}, 1)}, Use{Purpose: "marketing"}, ErrNoConsent},
		{"a guardian who says no later", child, []Consent{yes(all, 3), yes(Consent{Kind: Guardian}, 2), no(Consent{Kind: Guardian}, 1)}, Use{Purpose: "marketing"}, ErrMinor},
		{"nobody knows the age", Date{}, []Consent{yes(all, 1)}, Use{Purpose: "marketing"}, nil},
		{"a platform's guidance", adult, []Consent{yes(Consent{Kind: Guidance}, 1)}, Use{Purpose: "marketing"}, ErrNoConsent},
	} {
		c := Customer{Profile: Profile{Birthday: tt.born}}
		for _, said := range tt.said {
			c.Consents = heard(c.Consents, said)
		}
		if err := c.May(tt.use, now); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		c.EraseBy = now
		if err := c.May(tt.use, now); !errors.Is(err, ErrErased) {
			t.Errorf("%s, of somebody who is to be erased: %v", tt.name, err)
		}
	}
}

// What was said counts the same in whatever order it is noted.
func TestConsentsInAnyOrder(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		said := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Consent {
			return Consent{
				Purpose: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "purpose"), Channel: rapid.SampledFrom([]string{"", "sms"}).Draw(t, "channel"),
				Kind: rapid.SampledFrom([]ConsentKind{Plain, Separate}).Draw(t, "kind"), Given: rapid.Bool().Draw(t, "given"),
				Time: now.Add(-time.Duration(rapid.IntRange(0, 3).Draw(t, "ago"))),
			}
		}), 0, 8).Draw(t, "said")
		var a, b Customer
		for _, c := range said {
			a.Consents = heard(a.Consents, c)
		}
		for _, c := range rapid.Permutation(said).Draw(t, "in another order") {
			b.Consents = heard(b.Consents, c)
		}
		for _, purpose := range []string{"a", "b"} {
			for _, channel := range []string{"", "sms", "mail"} {
				for _, separate := range []bool{false, true} {
					u := Use{purpose, channel, separate}
					if a.May(u, now) != b.May(u, now) {
						t.Fatalf("%v: %v and %v", u, a.May(u, now), b.May(u, now))
					}
				}
			}
		}
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"1990-05-01", "--02-29", "", "--", "2000-00-00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var d Date
		if d.UnmarshalText([]byte(s)) != nil {
			return
		}
		if text, err := d.MarshalText(); err != nil || string(text) != s {
			t.Errorf("%q is written as %q, %v", s, text, err)
		}
		if text, err := json.Marshal(d); err != nil || len(text) < 2 {
			t.Error(err)
		}
	})
}
