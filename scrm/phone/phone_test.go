package phone_test

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/scrm/phone"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text, region, want string
		reason             phone.Reason
	}{
		{"138 0013 8000", "CN", "+8613800138000", ""},
		{"８６１３８００１３８０００", "CN", "+8613800138000", ""},
		{"１３８００１３８０００", "cn", "+8613800138000", ""},
		{"+86 (0) 138 0013 8000", "", "+8613800138000", ""},
		{"＋８６（０）138－0013－8000", "US", "+8613800138000", ""},
		{"0086 138 0013 8000", "US", "+8613800138000", ""},
		{"0086-138-0013-8000", "", "+8613800138000", ""},
		{"+0086 13800138000", "", "+8613800138000", ""},
		{"011 86 13800138000", "US", "+8613800138000", ""},
		{"0011 86 13800138000", "AU", "+8613800138000", ""},
		{"\u202a+86 138\u00a00013\u20118000\u202c", "", "+8613800138000", ""},
		{"٠٥٠ ١٢٣ ٤٥٦٧", "AE", "+971501234567", ""},
		{"+39 (0)6 6982", "", "+39066982", ""},
		{"+44 (0) 20 7031 3000", "", "+442070313000", ""},
		{"+852 (0) 2123 4567", "", "+85221234567", ""},
		{"+34 (0) 912 345 678", "", "+34912345678", ""},
		{"+65（ ０ ）６５２１ ８０００", "", "+6565218000", ""},
		{"000 86 138 0013 8000", "", "", phone.Country},
		{"+420 (0) 601 123 456", "", "+420601123456", ""},
		{"+39 (0)333 123 4567", "", "+393331234567", ""},
		{"+0619392120615", "CN", "", phone.Country},
		{"000619392120615", "IN", "", phone.Country},
		{"030 / 1234 1235", "DE", "+493012341235", ""},
		{"030 1234 / 1235", "DE", "", phone.Garbled},
		{"+12345678", "", "", phone.Length},
		{"(201) 555-0123", "US", "+12015550123", ""},
		{"+1.201.555.0123", "CN", "+12015550123", ""},
		{"+553188888888", "", "+553188888888", ""},

		{"0619392120615", "IN", "", phone.Unused},
		{"0619392120615", "CN", "", phone.Unused},
		{"0619392120615", "NG", "", phone.Unused},
		{"0619392120615", "US", "", phone.Unused},
		{"86-138-0013-8000", "US", "", phone.Unused},
		{"13800138000", "", "", phone.Regional},
		{"13800138000", "XX", "", phone.Regional},
		{"13800138000/13900139000", "CN", "", phone.Garbled},
		{"+999 1234567", "", "", phone.Country},
		{"00 999 1234567", "CN", "", phone.Country},
		{"+86 138", "", "", phone.Length},
		{"+86 138 0013 8000 0000 0000", "", "", phone.Length},
		{"+", "CN", "", phone.Missing},
		{" ", "CN", "", phone.Missing},
		{"+0", "", "", phone.Length},
		{"+52 1 55 1234 5678", "", "+525512345678", ""},
		{"0052 1 55 1234 5678", "US", "+525512345678", ""},
		{"+5215512345678", "MX", "+525512345678", ""},
		{"+52 1 55 1234 56789", "", "", phone.Length},
		{"011 52 1 55 1234 5678", "US", "+525512345678", ""},
		{"0011 52 1 55 1234 5678", "AU", "+525512345678", ""},
		{"010 52 1 55 1234 5678", "JP", "+525512345678", ""},
		{"011 52 1 55 1234 56789", "US", "", phone.Unused},
		{"52 1 55 1234 5678", "US", "", phone.Unused},

		{"+1 123 123 12321", "", "", phone.Length},
		{"+1 123 123 12321", "US", "", phone.Length},
		{"1 123 123 12321", "US", "", phone.Unused},
		{"11231231232", "US", "", phone.Unused},
		{"001 123 123 12321", "CN", "", phone.Length},
		{"+1 1 201 555 0123", "", "", phone.Length},
		{"+1 (0) 201 555 0123", "", "+12015550123", ""},
		{"1 201 555 0123", "US", "+12015550123", ""},
		{"011 1 201 555 0123", "US", "+12015550123", ""},
		{"001 1 201 555 0123", "KR", "+12015550123", ""},
		{"001 1 201 555 0123", "CN", "", phone.Length},

		{"tel:+1-201-555-0123", "", "+12015550123", ""},
		{"TEL:+86-138-0013-8000", "US", "+8613800138000", ""},
		{" tel:+86-138-0013-8000\n", "US", "+8613800138000", ""},
		{"tel:138-0013-8000", "CN", "+8613800138000", ""},
		{"tel:13800138000;phone-context=+86", "US", "+8613800138000", ""},
		{"tel:030-1234-1235;phone-context=+49", "", "+493012341235", ""},
		{"tel:555-0123;phone-context=+1-201", "", "+12015550123", ""},
		{"tel:+1-201-555-0123;phone-context=+1", "", "+12015550123", ""},
		{"tel:+1-201-555-0123;phone-context=+86", "", "", phone.Garbled},
		{"tel:7042;phone-context=example.com", "US", "", phone.Regional},
		{"tel:7042;phone-context=", "US", "", phone.Regional},
		{"tel:+1-201-555-0123;ext=5", "", "", phone.Garbled},
		{"tel:+1-201-555-0123;isub=5", "", "", phone.Garbled},
		{"tel:13800138000;phone-context=+86;ext=5", "", "", phone.Garbled},
		{"tel:", "CN", "", phone.Missing},
		{"tel:1-800-FLOWERS", "US", "", phone.Garbled},
		{"tel:tel:13800138000", "CN", "", phone.Garbled},

		{"+86 138\u22120013\u22128000", "", "+8613800138000", ""},
		{"+81\u30fc3\u30fc1234\u30fc5678", "", "+81312345678", ""},
		{"+81\uff703\uff701234\uff705678", "", "+81312345678", ""},
		{"+86\u2013138\u20140013\u20158000", "", "+8613800138000", ""},
		{"+86\u2796138\u20430013\u207b8000", "", "+8613800138000", ""},
		{"138\u4e000013\u4e008000", "CN", "", phone.Garbled}, // the digit one of Chinese

		{"+86+138 0013 8000", "", "+8613800138000", ""},
		{"+86 + 13800138000", "US", "+8613800138000", ""},
		{"+1+201 555 0123", "", "+12015550123", ""},
		{"+86+86 138 0013 8000", "", "", phone.Length},
		{"+86+138+00138000", "", "", phone.Garbled},
		{"++86 13800138000", "", "", phone.Garbled},
		{"+138+00138000", "", "", phone.Garbled},
		{"86+13800138000", "CN", "", phone.Garbled},
		{"1+8613800138000", "CN", "", phone.Garbled},
		{"13800138000 ext. 5", "CN", "", phone.Garbled},
		{"call 13800138000", "CN", "", phone.Garbled},
		{"1-800-FLOWERS", "US", "", phone.Garbled},
		{"\xff", "CN", "", phone.Garbled},
		{strings.Repeat("1", 65), "CN", "", phone.Garbled},
	} {
		n, err := phone.Parse(c.text, c.region)
		var bad *phone.Error
		if errors.As(err, &bad) != (c.reason != "") || bad != nil && bad.Reason != c.reason || n.E164 != c.want {
			t.Errorf("%q in %q: %+v, %v", c.text, c.region, n, err)
		}
	}
}

func TestValidIsAnAnswer(t *testing.T) {
	for e164, want := range map[string]bool{
		"+553188888888": false, "+5531988888888": true, "+525512345678": true,
		"+5491123456789": true, "+541123456789": true,
	} {
		if n, err := phone.Parse(e164, ""); err != nil || n.E164 != e164 || n.Valid != want {
			t.Errorf("%s: %+v, %v", e164, n, err)
		}
	}
}

func TestWhatsApp(t *testing.T) {
	for id, want := range map[string]string{
		"8613800138000": "+8613800138000",
		"553188888888":  "+5531988888888", "5531988888888": "+5531988888888",
		"553132345678":  "+553132345678", // a landline has 8 digits
		"5215512345678": "+525512345678", "525512345678": "+525512345678",
		"5491123456789": "+5491123456789", "541123456789": "+541123456789",
	} {
		got, err := phone.WhatsApp(id)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v", id, got, err)
		}
		found := false
		for _, other := range phone.WhatsAppIDs(got) {
			back, err := phone.WhatsApp(other)
			if err != nil || back != got {
				t.Errorf("%s is an id of %s, not of %s", other, back, got)
			}
			found = found || other == id
		}
		if !found {
			t.Errorf("%s is not among the ids of %s", id, got)
		}
	}
	for _, id := range []string{"", "+8613800138000", "123", "1234567890123456", "86138 0013", "08613800138000"} {
		if got, err := phone.WhatsApp(id); err == nil {
			t.Errorf("%q: %s", id, got)
		}
	}
}

// data returns the rows of a file of libphonenumber's, without the first.
func data(t *testing.T, name string) [][]string {
	t.Helper()
	dir := os.Getenv("SCRMKIT_DATA")
	if dir == "" {
		t.Skipf("no data: set SCRMKIT_DATA to a directory that holds libphonenumber/%s", name)
	}
	f, err := os.Open(filepath.Join(dir, "libphonenumber", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func TestExamplesOfAllCountries(t *testing.T) {
	rows := data(t, "examples_all.csv")
	for _, r := range rows {
		for _, text := range []string{r[4], "00" + r[4][1:]} {
			if n, err := phone.Parse(text, ""); err != nil || n.E164 != r[4] || !n.Valid {
				t.Errorf("%s %s: %s: %+v, %v", r[1], r[2], text, n, err)
			}
		}
	}
	if len(rows) != 1148 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestExamplesAsTheyAreWritten(t *testing.T) {
	rows := data(t, "examples_formatted.csv")
	for _, r := range rows {
		for _, c := range []struct{ text, region string }{
			{r[3], ""}, {r[4], r[0]}, {r[5], ""}, {r[5], "US"}, {r[6], "CN"}, {strings.ReplaceAll(r[5], " ", "\u2212"), ""}, {r[7], "US"},
		} {
			if n, err := phone.Parse(c.text, c.region); err != nil || n.E164 != r[3] {
				t.Errorf("%s %s: %s in %q: %+v, %v", r[0], r[2], c.text, c.region, n, err)
			}
		}
	}
	if len(rows) != 1116 {
		t.Errorf("%d rows", len(rows))
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"138 0013 8000", "+86 (0) 138", "0086138", "٠٥٠", "+39 06", "tel:13800138000;phone-context=+86", "+1 123 123 12321", "+86+138\u22120013", "+521"} {
		f.Add(text, "CN")
	}
	f.Fuzz(func(t *testing.T, text, region string) {
		n, err := phone.Parse(text, region)
		if err != nil {
			if n != (phone.Number{}) {
				t.Fatal(n, err)
			}
			return
		}
		if digits := strings.TrimPrefix(n.E164, "+"); digits == n.E164 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
			t.Fatalf("%q: %+v", text, n)
		}
		again, err := phone.Parse(n.E164, "")
		if err != nil || again != n {
			t.Fatalf("%q: %+v is read as %+v, %v", text, n, again, err)
		}
	})
}

// After the country code 1 nothing is left out or added, however the number is written.
func TestNothingIsGuessedInNorthAmerica(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`1[0-9]{7,13}`).Draw(t, "digits")
		if rapid.Bool().Draw(t, "dialled twice") {
			digits = "1" + digits
		}
		region := rapid.SampledFrom([]string{"", "US", "CA", "JM", "CN", "GB"}).Draw(t, "region")
		cut := rapid.IntRange(1, len(digits)).Draw(t, "cut")
		for _, text := range []string{"+" + digits, "+" + digits[:cut] + " " + digits[cut:], "00" + digits, "tel:+" + digits} {
			if n, err := phone.Parse(text, region); err == nil && strings.HasPrefix(n.E164, "+1") && n.E164 != "+"+digits {
				t.Fatalf("%q in %q is read as %s", text, region, n.E164)
			}
		}
	})
}
