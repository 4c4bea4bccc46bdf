package authenticator

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/scrmkit/scrmkit/errs"
)

// rfc is the secret of the examples of RFC 4226 and, repeated, of RFC 6238 (with its erratum 2866).
func rfc(a Algorithm) []byte {
	return []byte(strings.Repeat("1234567890", 7)[:hashes[a].bytes])
}

func standard() TOTP {
	return TOTP{Secret: rfc(SHA1), Algorithm: SHA1, Digits: 6, Period: 30 * time.Second}
}

// The examples of RFC 4226, appendix D.
func TestRFC4226(t *testing.T) {
	for counter, want := range []string{
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		if got, err := standard().Code(time.Unix(int64(counter)*30, 0)); err != nil || got != want {
			t.Errorf("counter %d: %s, %v, want %s", counter, got, err, want)
		}
	}
}

// The examples of RFC 6238, appendix B.
func TestRFC6238(t *testing.T) {
	for _, c := range []struct {
		at                   int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		for a, want := range map[Algorithm]string{SHA1: c.sha1, SHA256: c.sha256, SHA512: c.sha512} {
			rfcCode(t, TOTP{rfc(a), a, 8, 30 * time.Second}, time.Unix(c.at, 0), want)
		}
	}
}

// rfcCode tests that a code is that of its time, and is accepted then.
func rfcCode(t *testing.T, totp TOTP, at time.Time, want string) {
	t.Helper()
	if got, err := totp.Code(at); err != nil || got != want {
		t.Errorf("%s at %v: %s, %v, want %s", totp.Algorithm, at, got, err, want)
	}
	if step, ok := totp.Verify(want, at, 0, false); at.Unix() >= 30 && (!ok || step != totp.step(at)) {
		t.Errorf("%s at %v is accepted as step %d: %t", want, at, step, ok)
	}
}

// The same examples as they were read from the texts of the RFCs.
func TestRFCFiles(t *testing.T) {
	dir, given := os.LookupEnv("SCRMKIT_DATA")
	rows := func(name string) [][]string {
		f, err := os.Open(filepath.Join(dir, "otp_rfc", name))
		if err != nil && !given {
			t.Skipf("no data: set SCRMKIT_DATA to a directory that holds otp_rfc/%s", name)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil || len(rows) < 11 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		return rows[1:]
	}
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	secret := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, r := range rows("rfc4226_appendix_d.csv") {
		rfcCode(t, TOTP{secret(r[0]), SHA1, 6, 30 * time.Second}, time.Unix(number(r[1])*30, 0), r[5])
	}
	for _, r := range rows("rfc6238_appendix_b.csv") {
		period := time.Duration(number(r[2])) * time.Second
		rfcCode(t, TOTP{secret(r[1]), Algorithm(r[0]), 8, period}, time.Unix(number(r[4]), 0), r[7])
	}
}

func TestVerify(t *testing.T) {
	now := time.Unix(1_800_000_000, 0) // a step begins
	step := now.Unix() / 30
	code := func(s int64) string { return standard().code(s) }
	for _, c := range []struct {
		name  string
		code  string
		now   time.Time
		last  int64
		ahead bool
		step  int64
		ok    bool
	}{
		{"of this step", code(step), now, 0, false, step, true},
		{"at its end", code(step), now.Add(30*time.Second - 1), step - 1, false, step, true},
		{"of the step before", code(step - 1), now, step - 2, false, step - 1, true},
		{"at the end of the next step", code(step - 1), now.Add(30*time.Second - 1), 0, false, step - 1, true},
		{"two steps old", code(step - 2), now, 0, true, 0, false},
		{"a step early", code(step + 1), now, 0, false, 0, false},
		{"a step early, where that may be", code(step + 1), now, step, true, step + 1, true},
		{"two steps early", code(step + 2), now, 0, true, 0, false},
		{"used", code(step), now, step, true, step, false},
		{"older than the last one", code(step - 1), now, step, false, step - 1, false},
		{"after a clock that was ahead", code(step), now, step + 100, false, step, false},
		{"wrong", "000000", now, 0, true, 0, false},
		{"a digit short", code(step)[:5], now, 0, true, 0, false},
		{"a digit long", code(step) + "0", now, 0, true, 0, false},
		{"none", "", now, 0, true, 0, false},
		{"in the first step of 1970", code(0), time.Unix(29, 0), 0, true, 0, false},
		{"before 1970", code(0), time.Unix(-31, 0), 0, true, 0, false},
	} {
		if s, ok := standard().Verify(c.code, c.now, c.last, c.ahead); s != c.step || ok != c.ok {
			t.Errorf("%s: step %d, %t, want %d, %t", c.name, s, ok, c.step, c.ok)
		}
	}
}

// Of steps with the same code the oldest that is not used is accepted, each once.
func TestVerifyOfEqualCodes(t *testing.T) {
	const at = 910737
	totp := standard()
	if totp.code(at) != totp.code(at+1) {
		t.Fatal("the codes differ")
	}
	now := time.Unix((at+1)*30, 0)
	last := int64(0)
	for want := int64(at); want <= at+1; want++ {
		step, ok := totp.Verify(totp.code(at), now, last, true)
		if !ok || step != want {
			t.Errorf("step %d, %t, want %d", step, ok, want)
		}
		last = step
	}
	if step, ok := totp.Verify(totp.code(at), now, last, true); ok || step != last {
		t.Errorf("step %d, %t", step, ok)
	}
}

func TestInvalidTOTPs(t *testing.T) {
	now := time.Unix(59, 0)
	for field, changes := range map[string][]func(*TOTP){
		"secret": {
			func(t *TOTP) { t.Secret = nil }, func(t *TOTP) { t.Secret = t.Secret[:19] }, func(t *TOTP) { t.Secret = make([]byte, 65) },
		},
		"algorithm": {func(t *TOTP) { t.Algorithm = "" }, func(t *TOTP) { t.Algorithm = "MD5" }, func(t *TOTP) { t.Algorithm = "sha1" }},
		"digits": {
			func(t *TOTP) { t.Digits = 0 }, func(t *TOTP) { t.Digits = -6 }, func(t *TOTP) { t.Digits = 5 }, func(t *TOTP) { t.Digits = 9 },
		},
		"period": {
			func(t *TOTP) { t.Period = 0 }, func(t *TOTP) { t.Period = -t.Period }, func(t *TOTP) { t.Period = time.Second },
			func(t *TOTP) { t.Period = 121 * time.Second }, func(t *TOTP) { t.Period += time.Millisecond },
		},
	} {
		for i, change := range changes {
			totp := standard()
			change(&totp)
			_, uri := totp.URI("scrmkit", "alice")
			_, code := totp.Code(now)
			for what, err := range map[string]error{"validate": totp.Validate(), "URI": uri, "code": code} {
				var e *errs.InputError
				if !errors.As(err, &e) || e.Field != field {
					t.Errorf("%s %d: %s: %v", field, i, what, err)
				}
			}
			for _, code := range []string{"287082", "94287082", "0", ""} {
				if step, ok := totp.Verify(code, now, 0, true); ok || step != 0 {
					t.Errorf("%s %d accepts %s", field, i, code)
				}
			}
		}
	}
}

// reference is the algorithm of RFC 4226, 5.3, as it is written there.
func reference(h func() hash.Hash, secret []byte, counter uint64, digits int) string {
	mac := hmac.New(h, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, counter))
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:]) & 0x7fffffff
	text := fmt.Sprintf("%010d", n)
	return text[len(text)-digits:]
}

// A code is accepted where the library accepts it, but for steps that are used, and is the one that
// RFC 4226 says of its step.
func FuzzVerify(f *testing.F) {
	f.Add([]byte("12345678901234567890"), uint8(0), 6, 30, int64(59), int64(0), int8(0), "287082")
	f.Add([]byte("12345678901234567890123456789012"), uint8(1), 8, 15, int64(20000000000), int64(3), int8(-1), "")
	f.Add([]byte("1234567890123456789012345678901234567890123456789012345678901234"), uint8(2), 7, 120, int64(1), int64(-1), int8(1), "x")
	f.Add([]byte("short"), uint8(3), 0, 0, int64(-5), int64(0), int8(2), "12345678")
	f.Fuzz(func(t *testing.T, secret []byte, algorithm uint8, digits, period int, unix, last int64, offset int8, code string) {
		algorithms := []Algorithm{SHA1, SHA256, SHA512, "MD5"}
		a := algorithms[int(algorithm)%len(algorithms)]
		mine := TOTP{secret, a, digits, time.Duration(period) * time.Second}
		now := time.Unix(unix%253402300800, 0)
		if mine.Validate() != nil {
			if _, ok := mine.Verify(code, now, last, true); ok {
				t.Fatalf("%+v accepts %q", mine, code)
			}
			return
		}
		h := map[Algorithm]func() hash.Hash{SHA1: sha1.New, SHA256: sha256.New, SHA512: sha512.New}[a]
		opts := totp.ValidateOpts{Period: uint(period), Skew: 1, Digits: otp.Digits(digits), Algorithm: hashes[a].of}
		current := now.Unix() / int64(period)
		codes := []string{code}
		if s := current + int64(offset%4); s >= 0 {
			codes = append(codes, reference(h, secret, uint64(s), digits))
		}
		if current < 2 {
			return // the library counts below zero there, and takes step 0 for one that may be accepted
		}
		for _, code := range codes {
			code = strings.TrimSpace(code) // as the library does
			step, ok := mine.Verify(code, now, last, true)
			theirs, err := totp.ValidateCustom(code, mine.Base32(), now, opts)
			if theirs = theirs && err == nil; theirs != (step > 0) {
				t.Fatalf("%q at %v: step %d, and the library says %t, %v", code, now, step, theirs, err)
			}
			if step > 0 && reference(h, secret, uint64(step), digits) != code {
				t.Fatalf("%q is not of step %d", code, step)
			}
			if ok && (step <= last || step < current-1 || step > current+1) {
				t.Fatalf("%q at step %d is accepted as step %d after %d", code, current, step, last)
			}
			if behind, ok := mine.Verify(code, now, last, false); ok && behind > current {
				t.Fatalf("%q of step %d is accepted at %d", code, behind, current)
			}
		}
	})
}
